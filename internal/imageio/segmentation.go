package imageio

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/volume"
)

// SegmentationExtensions returns the endings under which DICOM segmentations are looked for, lower case with the dot; what a
// file is, its content tells ([IsSegmentation]). The caller owns the slice.
func SegmentationExtensions() []string { return []string{".dcm", ".seg"} }

// IsSegmentation reports whether a file is a DICOM segmentation.
func IsSegmentation(path string) bool { return dicomseg.Is(path) }

// OpenSegmentation reads a DICOM segmentation with all its segments. Errors are as from [Open], or [dicomseg.ErrSegments].
func OpenSegmentation(path string) (*dicomseg.File, error) {
	f, err := dicomseg.Open(path)
	if err != nil {
		return nil, fmt.Errorf("imageio: %w", segmentationError(err))
	}
	return f, nil
}

// marked is an error of the DICOM packages that is also one of this package's sentinels.
type marked struct{ err, mark error }

func (m marked) Error() string   { return strings.TrimPrefix(m.err.Error(), "dicomseg: ") }
func (m marked) Unwrap() []error { return []error{m.err, m.mark} }

func segmentationError(err error) error {
	for _, s := range []struct{ from, to error }{{dicom.ErrTruncated, ErrTruncated}, {dicom.ErrTooLarge, ErrTooLarge}, {dicom.ErrUnsupported, ErrUnsupported},
		{dicom.ErrGeometry, ErrUnsupported}, {dicomseg.ErrSegments, ErrUnsupported}, {dicomseg.ErrNotSegmentation, ErrUnsupported},
		{dicom.ErrMalformed, ErrFormat}, {dicom.ErrNotDICOM, ErrFormat}, {dicom.ErrNotImage, ErrFormat}} {
		if errors.Is(err, s.from) {
			return marked{err, s.to}
		}
	}
	return err
}

// segmentationMask makes one mask of a segmentation. Zones together with lesions are two masks, and refused.
func segmentationMask(path string) (*volume.Mask, error) {
	f, err := OpenSegmentation(path)
	if err != nil {
		return nil, err
	}
	labels, err := maskLabels(f)
	if err != nil {
		return nil, fmt.Errorf("imageio: %s %w", filepath.Base(path), err)
	}
	if len(labels) > 1 {
		return nil, fmt.Errorf("imageio: %s holds zones and lesions (%s), which are two masks; export them as two files: %w", filepath.Base(path), f.List(), marked{dicomseg.ErrSegments, ErrUnsupported})
	}
	return paint(f, path, labels[0].numbers)
}

func paint(f *dicomseg.File, path string, labels map[int]uint8) (*volume.Mask, error) {
	m, err := f.Mask(labels)
	if err != nil {
		return nil, fmt.Errorf("imageio: %s: %w", filepath.Base(path), segmentationError(err))
	}
	return m, nil
}

// MaskPart is one mask of a DICOM segmentation.
type MaskPart struct {
	Name string    // "zones", "lesions", "gland" or "segments"
	Grid geom.Grid // of its voxels
	// Read reads the mask anew: zones as 1 TZ and 2 PZ, lesions and the gland as 1, segments by their numbers. It fails as [OpenMask].
	Read func() (*volume.Mask, error)
}

// MaskParts lists the masks that a DICOM segmentation holds: its zones and its lesions, else its gland, else its segments. It fails as [OpenSegmentation], or
// with [ErrUnsupported] where a segment is no mask.
func MaskParts(path string) ([]MaskPart, error) {
	f, err := OpenSegmentation(path)
	if err != nil {
		return nil, err
	}
	labels, err := maskLabels(f)
	if err != nil {
		return nil, fmt.Errorf("imageio: %s %w", filepath.Base(path), err)
	}
	var out []MaskPart
	for _, l := range labels {
		if _, err := paint(f, path, l.numbers); err != nil {
			return nil, err
		}
		out = append(out, MaskPart{Name: l.name, Grid: f.Grid, Read: func() (*volume.Mask, error) {
			again, err := OpenSegmentation(path)
			if err != nil {
				return nil, err
			}
			return paint(again, path, l.numbers)
		}})
	}
	return out, nil
}

// partLabels are the labels of the segments of one mask.
type partLabels struct {
	name    string
	numbers map[int]uint8
}

// maskLabels chooses the masks of a segmentation, one or two, and a label for each segment in them. The gland round zones or lesions is left out.
func maskLabels(f *dicomseg.File) ([]partLabels, error) {
	of := func(label uint8, into map[int]uint8, structure dicomcode.Structure) map[int]uint8 {
		for _, s := range f.Of(structure) {
			into[s.Number] = label
		}
		return into
	}
	var out []partLabels
	for _, p := range []partLabels{{"zones", of(2, of(1, map[int]uint8{}, dicomcode.TZ), dicomcode.PZ)}, {"lesions", of(1, map[int]uint8{}, dicomcode.Lesion)}} {
		if len(p.numbers) > 0 {
			out = append(out, p)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if gland := of(1, map[int]uint8{}, dicomcode.Gland); len(gland) > 0 {
		return []partLabels{{"gland", gland}}, nil
	}
	all := map[int]uint8{}
	for _, s := range f.Segments {
		if s.Number > 255 {
			return nil, fmt.Errorf("has segments of numbers over 255; export those that matter: %w", ErrUnsupported)
		}
		all[s.Number] = uint8(s.Number)
	}
	return []partLabels{{"segments", all}}, nil
}
