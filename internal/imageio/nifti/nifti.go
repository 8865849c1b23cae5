// Package nifti reads and writes NIfTI-1 (and reads NIfTI-2) images: .nii, .nii.gz and pairs of .hdr
// and .img, of either byte order. The world of the file, RAS in the unit it names, becomes LPS in
// millimetres, and the other way round on writing; voxel order is the same on both sides. Colour and complex images, vector
// images, CIFTI and Analyze 7.5 are refused with a reason. The format is that of nifti1.h and
// nifti2.h of the NIfTI Data Format Working Group.
package nifti

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// Open reads an image: one volume for each frame, all on one grid. For a pair either file may be named. Compression
// is recognised by content. Errors wrap [codec.ErrFormat], [codec.ErrUnsupported],
// [codec.ErrTruncated] or [codec.ErrTooLarge], or come from the operating system.
func Open(path string) ([]*volume.Volume, codec.Info, error) {
	head := path
	if stem, ok := cutSuffix(path, ".img", ".img.gz"); ok {
		var err error
		if head, err = sibling(stem, ".hdr", ".HDR", ".hdr.gz"); err != nil {
			return nil, codec.Info{}, fmt.Errorf("nifti: %s: %w", filepath.Base(path), err)
		}
	}
	f, size, err := codec.Open(head)
	if err != nil {
		return nil, codec.Info{}, fmt.Errorf("nifti: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	volumes, info, err := read(f, size, func() (io.ReadCloser, int64, error) { return openVoxels(head) })
	if err != nil {
		return nil, codec.Info{}, fmt.Errorf("nifti: %s: %w", filepath.Base(head), err)
	}
	return volumes, info, nil
}

// openVoxels opens the .img that belongs to a header.
func openVoxels(head string) (io.ReadCloser, int64, error) {
	stem, ok := cutSuffix(head, ".hdr", ".hdr.gz")
	if !ok {
		return nil, 0, fmt.Errorf("it says that its voxels are in an .img file, but it is not named .hdr: %w", codec.ErrFormat)
	}
	path, err := sibling(stem, ".img", ".IMG", ".img.gz")
	if err != nil {
		return nil, 0, err
	}
	f, size, err := codec.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return f, size, nil
}

func cutSuffix(path string, suffixes ...string) (stem string, ok bool) {
	for _, s := range suffixes {
		if n := len(path) - len(s); n > 0 && strings.EqualFold(path[n:], s) {
			return path[:n], true
		}
	}
	return path, false
}

// sibling returns the first of stem+suffix that exists.
func sibling(stem string, suffixes ...string) (string, error) {
	for _, s := range suffixes {
		if _, err := os.Stat(stem + s); err == nil {
			return stem + s, nil
		}
	}
	return "", fmt.Errorf("it is half of a pair, and %s%s is not beside it; put both into one folder: %w",
		filepath.Base(stem), suffixes[0], codec.ErrFormat)
}

// read decodes a header from r, and voxels from what follows or, for a pair, from what voxels opens.
func read(r io.Reader, size int64, voxels func() (io.ReadCloser, int64, error)) ([]*volume.Volume, codec.Info, error) {
	s, err := codec.NewStream(r, size)
	if err != nil {
		return nil, codec.Info{}, err
	}
	h, err := readHeader(s)
	if err != nil {
		return nil, codec.Info{}, err
	}
	info := codec.Info{Format: fmt.Sprintf("NIfTI-%d", h.version), Description: h.descrip}
	layout, err := h.layout(&info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	if _, err := layout.Bytes(); err != nil {
		return nil, codec.Info{}, err
	}
	grid, err := h.grid(layout.Size, &info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	at := h.bytesRead
	if h.pair {
		f, n, err := voxels()
		if err != nil {
			return nil, codec.Info{}, err
		}
		defer func() { _ = f.Close() }() // only read from
		if s, err = codec.NewStream(f, n); err != nil {
			return nil, codec.Info{}, err
		}
		at = 0
	}
	frames, err := h.readFrames(s, at, layout, &info)
	if err != nil {
		return nil, codec.Info{}, err
	}
	out, err := volume.NewFrames(grid, frames)
	if err != nil {
		return nil, codec.Info{}, err
	}
	return out, info, nil
}

// readFrames reads the voxels from a stream that stands at byte at.
func (h *header) readFrames(s *codec.Stream, at int64, layout codec.Layout, info *codec.Info) ([][]float32, error) {
	offset, err := h.voxelOffset()
	if err != nil {
		return nil, err
	}
	src := codec.Source{R: s, Stored: s.Size - offset, Compressed: s.Gzip}
	if s.Gzip {
		src.Stored = s.Size
		if err := src.Check(offset); err != nil {
			return nil, err
		}
	}
	if _, err := io.CopyN(io.Discard, s, offset-at); err != nil {
		return nil, fmt.Errorf("it ends before its voxels begin; copy it again from its source: %w", codec.ErrTruncated)
	}
	frames, bad, err := layout.ReadFrames(src)
	if err != nil {
		return nil, err
	}
	info.SetNotFinite(bad)
	return frames, s.CheckEnd()
}
