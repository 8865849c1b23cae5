// Package nrrd reads NRRD images (versions 1 to 5): .nrrd, and .nhdr with its voxels in a second file of the same folder;
// raw, gzip, bzip2 or text, of either byte order. The world of the file (RAS, LAS or LPS) becomes LPS in millimetres,
// at voxel centres as the format has it. One axis may be no axis of space (frames, layers of labels); wherever it stands,
// it becomes the frames. Measurement frames and key/value pairs are left alone. Colours, vectors, tensors and voxels
// in several files are refused with a reason. The format is that of Teem's "Definition of NRRD File Format".
package nrrd

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// mostBzip2 is the most by which bzip2 can expand: blocks of 900 kB that stand for runs of 259 bytes each five.
const mostBzip2 = 2 << 20

// Sniff reports whether a file that begins with these bytes is NRRD of some version.
func Sniff(head []byte) bool { return bytes.HasPrefix(head, []byte("NRRD")) }

// Open reads an image: one volume for each frame, all on one grid. A two-dimensional image becomes one slice. Errors wrap
// [codec.ErrFormat], [codec.ErrUnsupported], [codec.ErrTruncated] or [codec.ErrTooLarge], or come from the operating system.
func Open(path string) ([]*volume.Volume, codec.Info, error) {
	return codec.ReadWithBeside(path, "nrrd", read)
}

// read decodes a header from r, and voxels from what follows or from the file that beside opens.
func read(r io.Reader, size int64, beside codec.Beside) ([]*volume.Volume, codec.Info, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	h, length, err := readHeader(in)
	if err != nil {
		return nil, codec.Info{}, err
	}
	info := codec.Info{Format: "NRRD", Description: strings.ToValidUTF8(h.fields["content"], "\uFFFD")}
	layout, err := h.layout()
	if err != nil {
		return nil, codec.Info{}, err
	}
	axes, err := h.axes(&info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	grid, err := h.grid(axes, &info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	stored := size - length
	if h.detached() {
		name, err := h.dataFile()
		if err != nil {
			return nil, codec.Info{}, err
		}
		file, n, err := beside(name)
		if err != nil {
			return nil, codec.Info{}, err
		}
		defer func() { _ = file.Close() }() // only read from
		in, stored = bufio.NewReaderSize(file, 1<<16), n
	}
	values, err := h.readValues(in, stored, layout, &info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	frames := h.frames(values, axes)
	out, err := volume.NewFrames(grid, frames)
	if err != nil {
		return nil, codec.Info{}, err
	}
	return out, info, nil
}

// readValues reads all voxels in the order of the file.
func (h *header) readValues(in *bufio.Reader, stored int64, layout codec.Layout, info *codec.Info) ([]float32, error) {
	want, err := layout.Bytes()
	if err != nil {
		return nil, err
	}
	in, stored, err = h.skipLines(in, stored)
	if err != nil {
		return nil, err
	}
	if h.encoding == text {
		return readText(in, stored, layout, info)
	}
	src := codec.Source{R: in, Stored: stored}
	if h.encoding != raw {
		src.Compressed = true
		if h.encoding == bzipped {
			src.Ratio = mostBzip2
		}
		if err := src.Check(want); err != nil {
			return nil, err
		}
		if src.R, err = h.decompress(in); err != nil {
			return nil, err
		}
	}
	if err := h.skipBytes(&src, want); err != nil {
		return nil, err
	}
	frames, bad, err := layout.ReadFrames(src)
	if err != nil {
		return nil, err
	}
	info.SetNotFinite(bad)
	if h.encoding != raw {
		return frames[0], checkEnd(src.R)
	}
	return frames[0], nil
}

// skipLines passes the lines that the header says to pass, which are never compressed.
func (h *header) skipLines(in *bufio.Reader, stored int64) (*bufio.Reader, int64, error) {
	n, err := h.whole("lineskip", 0)
	if err != nil {
		return nil, 0, err
	}
	if n < 0 || n > maxHeader {
		return nil, 0, fmt.Errorf("it says to pass over %d lines: %w", n, codec.ErrFormat)
	}
	for range n {
		line, err := readLine(in)
		stored -= int64(len(line))
		if err != nil || line == "" {
			return nil, 0, errEarly
		}
	}
	return in, stored, nil
}

// errEarly marks a file that ends where voxels should begin.
var errEarly = fmt.Errorf("it ends before its voxels begin; copy it again from its source: %w", codec.ErrTruncated)

// skipBytes passes the bytes that the header says to pass, after decompression; −1 means that raw voxels are what the
// file ends with.
func (h *header) skipBytes(src *codec.Source, want int64) error {
	n, err := h.whole("byteskip", 0)
	if err != nil {
		return err
	}
	if n == -1 && h.encoding == raw {
		n = max(src.Stored-want, 0)
	}
	if n < 0 || h.encoding == raw && n > src.Stored {
		return fmt.Errorf("its voxels would begin at byte %d of %d: %w", n, src.Stored, codec.ErrFormat)
	}
	if h.encoding == raw {
		src.Stored -= n
	}
	if _, err := io.CopyN(io.Discard, src.R, n); err != nil {
		return errEarly
	}
	return nil
}

// decompress opens gzip or bzip2, as the header says.
func (h *header) decompress(in *bufio.Reader) (io.Reader, error) {
	if h.encoding == bzipped {
		return bzip2.NewReader(in), nil
	}
	r, err := gzip.NewReader(in)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errEarly
	case err != nil:
		return nil, fmt.Errorf("its voxels are not compressed as its header says (%w); copy it again from its source: %w", err, codec.ErrFormat)
	}
	return r, nil
}

// checkEnd fails where a stream whose voxels have just been read has a checksum that does not agree.
func checkEnd(r io.Reader) error {
	var one [1]byte
	_, err := r.Read(one[:])
	var damage bzip2.StructuralError
	if errors.Is(err, gzip.ErrChecksum) || errors.As(err, &damage) {
		return fmt.Errorf("its checksum does not agree with its voxels; copy it again from its source: %w", codec.ErrFormat)
	}
	return nil
}

// readText reads voxels written as numbers between spaces or commas. Each takes two bytes at least, which bounds them by
// the size of the file.
func readText(in *bufio.Reader, stored int64, layout codec.Layout, info *codec.Info) ([]float32, error) {
	n := layout.Size[0]
	if int64(n) > stored/2+1 {
		return nil, fmt.Errorf("the header announces %d voxels, the file has room for %d; copy it again from its source: %w", n, stored/2+1, codec.ErrTruncated)
	}
	out := make([]float32, 0, n)
	words := bufio.NewScanner(in)
	words.Buffer(make([]byte, 4096), 1<<16)
	words.Split(splitNumbers)
	bad := 0
	for len(out) < n && words.Scan() {
		x, err := strconv.ParseFloat(words.Text(), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, fmt.Errorf("its voxel %d is %.40q, which is no number: %w", len(out)+1, words.Text(), codec.ErrFormat)
		}
		v := float32(x)
		if v-v != 0 {
			v = 0
			bad++
		}
		out = append(out, v)
	}
	if err := words.Err(); err != nil {
		return nil, fmt.Errorf("its voxels are not text as its header says (%w): %w", err, codec.ErrFormat)
	}
	if len(out) < n {
		return nil, fmt.Errorf("it ends after %d of %d voxels; copy it again from its source: %w", len(out), n, codec.ErrTruncated)
	}
	info.SetNotFinite(bad)
	return out, nil
}

// splitNumbers is [bufio.ScanWords] with commas as spaces.
func splitNumbers(data []byte, atEOF bool) (advance int, token []byte, err error) {
	space := func(b byte) bool { return b <= ' ' || b == ',' }
	start := 0
	for start < len(data) && space(data[start]) {
		start++
	}
	for i := start; i < len(data); i++ {
		if space(data[i]) {
			return i + 1, data[start:i], nil
		}
	}
	if atEOF && start < len(data) {
		return len(data), data[start:], nil
	}
	return start, nil, nil
}
