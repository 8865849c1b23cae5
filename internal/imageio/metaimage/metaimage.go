// Package metaimage reads and writes MetaImage files: .mha, and .mhd with its .raw or .zraw. World
// coordinates are LPS in millimetres, as ITK writes them, and AnatomicalOrientation is
// ignored, as ITK does. The rows of TransformMatrix are the directions of the image axes. The file
// that a header points to must lie in the header's own folder: a header cannot make
// the program read anything else. Colour, vector and text images are refused with a reason.
package metaimage

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// Open reads an image: one volume for each frame, all on one grid. A two-dimensional image becomes
// one slice. Errors wrap [codec.ErrFormat], [codec.ErrUnsupported], [codec.ErrTruncated] or
// [codec.ErrTooLarge], or come from the operating system.
func Open(path string) ([]*volume.Volume, codec.Info, error) {
	return codec.ReadWithBeside(path, "metaimage", read)
}

// read decodes a header from r, and voxels from what follows or from the file that beside opens.
func read(r io.Reader, size int64, beside codec.Beside) ([]*volume.Volume, codec.Info, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	f, length, err := readHeader(in)
	if err != nil {
		return nil, codec.Info{}, err
	}
	info := codec.Info{Format: "MetaImage", Description: strings.ToValidUTF8(f["comment"], "\uFFFD")}
	layout, dims, err := f.layout(&info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	grid, err := f.grid(layout.Size, dims, &info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	stored := size - length
	if name := f["elementdatafile"]; !strings.EqualFold(name, "LOCAL") {
		if err := checkName(name); err != nil {
			return nil, codec.Info{}, err
		}
		file, n, err := beside(name)
		if err != nil {
			return nil, codec.Info{}, err
		}
		defer func() { _ = file.Close() }() // only read from
		in, stored = bufio.NewReaderSize(file, 1<<16), n
	}
	frames, err := f.readFrames(in, stored, layout, &info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	out, err := volume.NewFrames(grid, frames)
	if err != nil {
		return nil, codec.Info{}, err
	}
	return out, info, nil
}

// checkName refuses what is not the plain name of one file.
func checkName(name string) error {
	words := strings.Fields(name)
	switch {
	case len(words) == 0:
		return fmt.Errorf("its ElementDataFile is empty: %w", codec.ErrFormat)
	case strings.EqualFold(words[0], "LIST"), strings.Contains(name, "%"):
		return fmt.Errorf("its voxels are spread over several files (%.100q); save it as one .mha: %w", name, codec.ErrUnsupported)
	}
	return codec.CheckBeside(name)
}

// readFrames reads the voxels from a stream that begins with them.
func (f fields) readFrames(in *bufio.Reader, stored int64, layout codec.Layout, info *codec.Info) ([][]float32, error) {
	want, err := layout.Bytes()
	if err != nil {
		return nil, err
	}
	skip, err := f.whole("headersize", 0)
	if err != nil {
		return nil, err
	}
	src := codec.Source{R: in, Stored: stored, Compressed: f.yes("compresseddata")}
	if skip == -1 && !src.Compressed { // the voxels are what the file ends with
		skip = max(stored-want, 0)
	}
	if skip < 0 || skip > stored {
		return nil, fmt.Errorf("its voxels would begin at byte %d of %d: %w", skip, stored, codec.ErrFormat)
	}
	src.Stored -= skip
	if _, err := io.CopyN(io.Discard, in, skip); err != nil {
		return nil, fmt.Errorf("it ends before its voxels begin; copy it again from its source: %w", codec.ErrTruncated)
	}
	if src.Compressed {
		if err := src.Check(want); err != nil {
			return nil, err
		}
		if src.R, err = inflate(in); err != nil {
			return nil, err
		}
	}
	frames, bad, err := layout.ReadFrames(src)
	if err != nil {
		return nil, err
	}
	info.SetNotFinite(bad)
	if src.Compressed {
		var one [1]byte
		if _, err := src.R.Read(one[:]); errors.Is(err, zlib.ErrChecksum) || errors.Is(err, gzip.ErrChecksum) {
			return nil, fmt.Errorf("its checksum does not agree with its voxels; copy it again from its source: %w", codec.ErrFormat)
		}
	}
	return frames, nil
}

// inflate opens zlib or gzip, by content, as MetaIO does.
func inflate(in *bufio.Reader) (io.Reader, error) {
	magic, _ := in.Peek(2) // what is missing is found by the readers below
	var r io.Reader
	var err error
	if string(magic) == "\x1f\x8b" {
		r, err = gzip.NewReader(in)
	} else {
		r, err = zlib.NewReader(in)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("it ends before its voxels; copy it again from its source: %w", codec.ErrTruncated)
	case err != nil:
		return nil, fmt.Errorf("its voxels are not compressed as its header says (%w); copy it again from its source: %w", err, codec.ErrFormat)
	}
	return r, nil
}

// grid returns the lattice, LPS mm.
func (f fields) grid(size [3]int, dims int, info *codec.Info) (geom.Grid, error) {
	matrix, err := f.floats(dims*dims, "transformmatrix", "rotation", "orientation")
	if err != nil {
		return geom.Grid{}, err
	}
	offset, err := f.floats(dims, "offset", "position", "origin")
	if err != nil {
		return geom.Grid{}, err
	}
	spacing, err := f.floats(dims, "elementspacing", "elementsize")
	if err != nil {
		return geom.Grid{}, err
	}
	if spacing == nil {
		info.Warn("The header gives no voxel size; 1 mm is assumed and distances cannot be trusted.")
	} else if dims == 2 {
		info.Warn("A two-dimensional image has no slice thickness; 1 mm is assumed.")
	}
	if matrix == nil {
		info.Warn("The header has no orientation: axes are taken to run to the patient's left, back and head, and left and right cannot be trusted.")
	}
	var origin geom.Vec3
	copy(origin[:], offset)
	mm := geom.Vec3{1, 1, 1}
	copy(mm[:], spacing)
	dir := [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	if matrix != nil {
		for a := range min(dims, 3) {
			dir[a] = geom.Vec3{}
			copy(dir[a][:min(dims, 3)], matrix[a*dims:])
			if l := dir[a].Norm(); math.Abs(l-1) > 1e-3 {
				info.Warn("The direction of axis %d has length %.4g instead of 1; it is taken into the voxel size.", a+1, l)
				mm[a] *= l
			}
		}
	}
	return codec.Grid(size, origin, mm, dir)
}
