// Package imageio opens image files without the caller knowing their format: NIfTI, MetaImage and NRRD, told by
// content and only then by name. DICOM, which is many files, is read by package dicom through exam.
// It returns volumes in LPS millimetres, and writes NIfTI and MetaImage by the extension of the name.
package imageio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/imageio/metaimage"
	"bayeslice/internal/imageio/nifti"
	"bayeslice/internal/imageio/nrrd"
	"bayeslice/internal/volume"
)

// The errors by which a caller can decide what to do; the text of the error that wraps them says
// what happened and what to do next.
var (
	ErrFormat      = codec.ErrFormat      // the file is not what it says it is, or contradicts itself
	ErrUnsupported = codec.ErrUnsupported // a valid file that this program does not read, or cannot write
	ErrTruncated   = codec.ErrTruncated   // the file ends before its data do
	ErrTooLarge    = codec.ErrTooLarge    // the file asks for more memory than any exam needs
)

// Image is what one file holds. It is immutable.
type Image struct {
	Volumes     []*volume.Volume // one for each frame, at least one, all on one grid
	Format      string           // "NIfTI-1", "NIfTI-2", "MetaImage" or "NRRD"
	Description string           // free text of the header; it may identify a patient
	Warnings    []string         // sentences to show: what was assumed or repaired while reading
	NotFinite   int              // voxels that were NaN or infinite in the file and are 0 here
}

// Extensions returns the endings of the names of the files that [Open] reads, lower case, a longer one before one that it
// ends in. The .hdr of a pair is not among them, since other software uses that ending too. The caller owns the slice.
func Extensions() []string {
	return []string{".nii.gz", ".nii", ".mha", ".mhd", ".nrrd", ".nhdr"}
}

// Open reads a NIfTI, MetaImage or NRRD file. The error wraps [ErrFormat], [ErrUnsupported],
// [ErrTruncated] or [ErrTooLarge], or comes from the operating system.
func Open(path string) (*Image, error) {
	open, err := reader(path)
	if err != nil {
		return nil, err
	}
	volumes, info, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	return &Image{Volumes: volumes, Format: info.Format, Description: info.Description, Warnings: info.Warnings, NotFinite: info.NotFinite}, nil
}

type openFunc func(path string) ([]*volume.Volume, codec.Info, error)

// reader chooses by content, and by name where the content decides nothing (the .img of a pair, a damaged header).
func reader(path string) (openFunc, error) {
	head, compressed, err := beginning(path)
	if err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	name := strings.ToLower(filepath.Base(path))
	isPairData := strings.HasSuffix(name, ".img") || strings.HasSuffix(name, ".img.gz")
	switch {
	case isDICOM(head) && compressed:
		return nil, fmt.Errorf("imageio: %s is a DICOM file inside gzip; decompress the files first, and open their folder: %w", filepath.Base(path), ErrUnsupported)
	case isDICOM(head): // refused below
	case nifti.Sniff(head) && !isPairData:
		return nifti.Open, nil
	case (nrrd.Sniff(head) || metaimage.Sniff(head)) && compressed:
		return nil, fmt.Errorf("imageio: %s is a MetaImage or NRRD inside gzip; decompress it first: %w", filepath.Base(path), ErrUnsupported)
	case nrrd.Sniff(head):
		return nrrd.Open, nil
	case metaimage.Sniff(head):
		return metaimage.Open, nil
	case isPairData, hasSuffix(name, ".nii", ".nii.gz", ".hdr", ".hdr.gz"):
		return nifti.Open, nil
	case hasSuffix(name, ".mha", ".mhd"):
		return metaimage.Open, nil
	case hasSuffix(name, ".nrrd", ".nhdr"):
		return nrrd.Open, nil
	}
	return nil, fmt.Errorf("imageio: %s %w", filepath.Base(path), refusal(head))
}

// errSingleDICOM: a DICOM file was given where an image file is needed.
var errSingleDICOM = fmt.Errorf("is a single DICOM file; open the folder of the whole exam instead, or a segmentation where labels are asked for: %w", ErrUnsupported)

// refusal says what a file is that is not read, as far as its first bytes tell.
func refusal(head []byte) error {
	switch {
	case isDICOM(head):
		return errSingleDICOM
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return fmt.Errorf("is a ZIP archive, not one image: %w", ErrUnsupported)
	case bytes.HasPrefix(head, []byte("\x89PNG")), bytes.HasPrefix(head, []byte("\xff\xd8\xff")), bytes.HasPrefix(head, []byte("BM")):
		return fmt.Errorf("is a picture without positions in space; open the DICOM, NIfTI, MetaImage or NRRD it was made from: %w", ErrUnsupported)
	case len(head) == 0:
		return fmt.Errorf("is empty; copy it again from its source: %w", ErrTruncated)
	}
	return fmt.Errorf("is neither NIfTI (.nii, .nii.gz, .hdr) nor MetaImage (.mha, .mhd) nor NRRD (.nrrd, .nhdr): %w", ErrFormat)
}

// isDICOM reports whether a file begins as DICOM does and not as NIfTI, which may stand in DICOM's first 128 bytes in part.
func isDICOM(head []byte) bool {
	if len(head) < 132 || string(head[128:132]) != "DICM" {
		return false
	}
	return len(head) < 348 || !bytes.Contains(head[344:348], []byte("n+1")) && !bytes.Contains(head[344:348], []byte("ni1"))
}

func hasSuffix(name string, suffixes ...string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// beginning returns the first bytes of a file, decompressed where it is gzip.
func beginning(path string) (head []byte, compressed bool, err error) {
	f, size, err := codec.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }() // only read from
	s, err := codec.NewStream(f, size)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	head = make([]byte, 8192)
	n, err := io.ReadFull(s, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !s.Gzip {
		return nil, false, fmt.Errorf("%s: reading the file: %w", filepath.Base(path), err)
	}
	return head[:n], s.Gzip, nil // damage within gzip is for the reader to explain
}

// OpenMask reads a label image: one frame of whole numbers from 0 to 255, or a DICOM segmentation: zones as 1 TZ and 2 PZ, else
// lesions as 1, else the gland as 1, else segments by their numbers. The error wraps [ErrUnsupported] for any other image, else is as from [Open].
func OpenMask(path string) (*volume.Mask, error) {
	img, err := Open(path)
	if errors.Is(err, errSingleDICOM) && IsSegmentation(path) {
		return segmentationMask(path)
	}
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	if len(img.Volumes) != 1 {
		return nil, fmt.Errorf("imageio: %s has %d frames, a mask has one; split it: %w", base, len(img.Volumes), ErrUnsupported)
	}
	if img.NotFinite > 0 {
		return nil, fmt.Errorf("imageio: %s has %d voxels that are not numbers, a mask has none; it may be an image or a probability map: %w", base, img.NotFinite, ErrUnsupported)
	}
	v := img.Volumes[0]
	labels := make([]uint8, len(v.Data()))
	for i, x := range v.Data() {
		if !(x >= 0 && x <= 255) || x != float32(uint8(x)) {
			return nil, fmt.Errorf("imageio: %s holds the value %g, and a mask holds whole numbers from 0 to 255; it may be an image or a probability map: %w", base, x, ErrUnsupported)
		}
		labels[i] = uint8(x)
	}
	m, err := volume.NewMask(v.Grid(), labels)
	if err != nil {
		return nil, fmt.Errorf("imageio: %s: %w", base, err)
	}
	return m, nil
}

// Write writes an image in float32, in the format of the name's extension: .nii, .nii.gz, .mha or .mhd. The
// file appears whole or not at all. Another extension is refused with [ErrUnsupported].
func Write(path string, v *volume.Volume) error {
	if isMetaImage(path) {
		return metaimage.WriteVolume(path, v)
	}
	return nifti.WriteVolume(path, v)
}

// WriteMask writes labels in uint8, otherwise as [Write].
func WriteMask(path string, m *volume.Mask) error {
	if isMetaImage(path) {
		return metaimage.WriteMask(path, m)
	}
	return nifti.WriteMask(path, m)
}

func isMetaImage(path string) bool { return hasSuffix(strings.ToLower(path), ".mha", ".mhd") }
