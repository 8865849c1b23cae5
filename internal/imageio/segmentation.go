package imageio

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

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

// segmentationMask makes one mask of a segmentation: zones as 1 TZ and 2 PZ, lesions as 1, a gland by itself as 1, and segments of which none is
// known by their numbers. The gland round zones or lesions is left out. Zones together with lesions are two masks, and refused.
func segmentationMask(path string) (*volume.Mask, error) {
	f, err := OpenSegmentation(path)
	if err != nil {
		return nil, err
	}
	labels, err := maskLabels(f)
	if err != nil {
		return nil, fmt.Errorf("imageio: %s %w", filepath.Base(path), err)
	}
	m, err := f.Mask(labels)
	if err != nil {
		return nil, fmt.Errorf("imageio: %s: %w", filepath.Base(path), segmentationError(err))
	}
	return m, nil
}

// maskLabels chooses a label for each segment that becomes part of a mask.
func maskLabels(f *dicomseg.File) (map[int]uint8, error) {
	labels := map[int]uint8{}
	take := func(structure dicomcode.Structure, label uint8) {
		for _, s := range f.Of(structure) {
			labels[s.Number] = label
		}
	}
	take(dicomcode.TZ, 1)
	take(dicomcode.PZ, 2)
	zones := len(labels)
	take(dicomcode.Lesion, 1)
	switch {
	case zones > 0 && len(labels) > zones:
		return nil, fmt.Errorf("holds zones and lesions (%s), which are two masks; export them as two files: %w", f.List(), marked{dicomseg.ErrSegments, ErrUnsupported})
	case len(labels) > 0:
		return labels, nil
	}
	take(dicomcode.Gland, 1)
	if len(labels) > 0 {
		return labels, nil
	}
	for _, s := range f.Segments {
		if s.Number > 255 {
			return nil, fmt.Errorf("has more than 255 segments; export those that matter: %w", ErrUnsupported)
		}
		labels[s.Number] = uint8(s.Number)
	}
	return labels, nil
}
