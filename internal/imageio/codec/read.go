package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"

	"bayeslice/internal/geom"
)

// MaxVoxels bounds the voxels of one file over all its frames: 2^29, that is 2 GiB once read. The
// largest prostate series has some 10^8.
const MaxVoxels = 1 << 29

// maxRatio is the most by which deflate can expand: 258 bytes for two bits.
const maxRatio = 1032

// Layout says how the voxels of one file are stored.
type Layout struct {
	Size   [3]int // voxels of one frame
	Frames int    // ≥ 1
	Number Number
	Order  binary.ByteOrder
	Scale  Scale
}

// Bytes returns how many bytes the voxels take. It fails with [ErrTooLarge] beyond [MaxVoxels], and
// with [ErrFormat] where a size is not positive.
func (l Layout) Bytes() (int64, error) {
	n := uint64(1)
	for _, s := range [...]int{l.Size[0], l.Size[1], l.Size[2], l.Frames} {
		if s <= 0 {
			return 0, fmt.Errorf("an axis of %d voxels, which is damage: %w", s, ErrFormat)
		}
		hi, lo := bits.Mul64(n, uint64(s))
		if hi != 0 || lo > MaxVoxels {
			return 0, fmt.Errorf("%v voxels × %d frames are more than %d, crop it or split its frames: %w", l.Size, l.Frames, MaxVoxels, ErrTooLarge)
		}
		n = lo
	}
	return int64(n) * int64(l.Number.Size()), nil
}

// Source is a stream of voxels together with what is known about its length.
type Source struct {
	R io.Reader
	// Stored is how many bytes of the file hold the voxels.
	Stored int64
	// Compressed is set where they are compressed, so that more bytes come out than are stored.
	Compressed bool
	// Ratio is the most bytes that one stored byte can become; 0 means as by deflate.
	Ratio int64
}

// Check fails with [ErrTruncated] where the source cannot hold want bytes, before any memory is
// taken for them.
func (s Source) Check(want int64) error {
	most := s.Stored
	switch {
	case s.Compressed && s.Ratio > 0:
		most = s.Stored * s.Ratio
	case s.Compressed:
		most = s.Stored * maxRatio
	}
	if want > most {
		return fmt.Errorf("the header announces %d bytes of voxels, the file has room for %d; copy it again from its source: %w", want, most, ErrTruncated)
	}
	return nil
}

// ReadFrames reads the voxels of every frame. Memory is taken frame by frame, after [Source.Check]. It
// returns how many values were not finite and have become 0 (see [Decode]). Bytes after the voxels
// are left unread.
func (l Layout) ReadFrames(s Source) (frames [][]float32, notFinite int, err error) {
	want, err := l.Bytes()
	if err != nil {
		return nil, 0, err
	}
	if err := s.Check(want); err != nil {
		return nil, 0, err
	}
	n := l.Size[0] * l.Size[1] * l.Size[2]
	buf := make([]byte, min(n, 1<<15)*l.Number.Size())
	for f := range l.Frames {
		frame := make([]float32, n)
		for done := 0; done < n; {
			part := frame[done:min(done+1<<15, n)]
			raw := buf[:len(part)*l.Number.Size()]
			if _, err := io.ReadFull(s.R, raw); err != nil {
				return nil, 0, readError(err, f*n+done, n*l.Frames)
			}
			notFinite += Decode(part, raw, l.Number, l.Order, l.Scale)
			done += len(part)
		}
		frames = append(frames, frame)
	}
	return frames, notFinite, nil
}

func readError(err error, done, all int) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends after %d of %d voxels; copy it again from its source: %w", done, all, ErrTruncated)
	}
	var disk *os.PathError
	if errors.As(err, &disk) {
		return fmt.Errorf("reading the voxels: %w", err)
	}
	return fmt.Errorf("its compressed voxels are damaged (%w); copy it again from its source: %w", err, ErrFormat)
}

// SetNotFinite notes how many values were not finite, with a warning where there are any.
func (i *Info) SetNotFinite(n int) {
	i.NotFinite = n
	if n > 0 {
		i.Warn("%d voxels were not finite numbers (NaN or infinite) and are read as 0.", n)
	}
}

// Grid is [geom.NewGrid] with its error marked as [ErrFormat], or [ErrTooLarge].
func Grid(size [3]int, origin, spacing geom.Vec3, dir [3]geom.Vec3) (geom.Grid, error) {
	g, err := geom.NewGrid(size, origin, spacing, dir)
	if err != nil {
		return geom.Grid{}, fmt.Errorf("its geometry cannot be used (%w); convert it again from the original images: %w", err, ErrFormat)
	}
	return g, nil
}

// Open opens a file for reading and returns its size. A folder, a pipe or a device is refused with [ErrFormat].
func Open(path string) (*os.File, int64, error) {
	st, err := os.Stat(path) // before opening, which would wait on a pipe
	if err != nil {
		return nil, 0, osError("cannot open", path, err)
	}
	if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a file but a %s: %w", path, kind(st.Mode()), ErrFormat)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, osError("cannot open", path, err)
	}
	return f, st.Size(), nil
}

func kind(m os.FileMode) string {
	if m.IsDir() {
		return "folder"
	}
	return "device or pipe"
}
