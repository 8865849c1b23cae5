package compare

import (
	"context"
	"errors"
	"fmt"

	"bayeslice/internal/metrics"
)

// Row compares one structure.
type Row struct {
	Structure string                   // NameWG, …
	Overlap   metrics.Overlap          // voxels
	Surface   metrics.SurfaceDistances // mm; means nothing where HasSurface is false
	Volumes   metrics.Volumes          // mL
	Slices    []metrics.Overlap        // per slice k of the grid
	// HasSurface is false where the structure is missing in one of the segmentations, so that there is no distance.
	HasSurface bool
}

// Absent reports that neither segmentation holds the structure.
func (r Row) Absent() bool { return r.Overlap.Predicted+r.Overlap.Reference == 0 }

// Compare compares labels with a reference on the same grid in every structure that both tell of, in the order WG,
// TZ, PZ, csPCa; see package metrics for the definitions. It fails with [ErrNothing] where there is none, with
// metrics.ErrInput where grids differ (see [Place]), or with ctx's error.
func Compare(ctx context.Context, labels, reference Labels) ([]Row, error) {
	var rows []Row
	for _, s := range structures {
		if !s.toldBy(labels) || !s.toldBy(reference) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row, err := s.compare(labels, reference)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%w: one has zones and the other lesions; choose a reference of the same kind", ErrNothing)
	}
	return rows, nil
}

func (s structure) compare(labels, reference Labels) (Row, error) {
	a, b := s.layer(labels), s.layer(reference)
	row := Row{Structure: s.name, Volumes: metrics.CompareVolumes(a, b, s.labels...)}
	var err error
	if row.Slices, err = metrics.CountSliceOverlaps(a, b, s.labels...); err != nil {
		return row, err
	}
	for _, o := range row.Slices {
		row.Overlap = row.Overlap.Add(o)
	}
	row.Surface, err = metrics.CompareSurfaces(a, b, s.labels...)
	row.HasSurface = err == nil
	if errors.Is(err, metrics.ErrUndefined) {
		err = nil
	}
	return row, err
}

// Contours returns the contours of a structure in labels with the signed distance of each point to the reference,
// as metrics.SignedContours defines it. It fails with [ErrNothing] where one of the two says nothing about the
// structure, or the reference has none of it; else as metrics.SignedContours does.
func Contours(ctx context.Context, labels, reference Labels, name string) ([]metrics.Contour, error) {
	for _, s := range structures {
		if s.name != name || !s.toldBy(labels) || !s.toldBy(reference) {
			continue
		}
		lines, err := metrics.SignedContours(ctx, s.layer(labels), s.layer(reference), s.labels...)
		if errors.Is(err, metrics.ErrUndefined) {
			return nil, fmt.Errorf("%w: the reference has no %s; choose another structure", ErrNothing, name)
		}
		return lines, err
	}
	return nil, fmt.Errorf("%w: one of the two says nothing about %s; choose another structure", ErrNothing, name)
}
