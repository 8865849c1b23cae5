package calibrate

import (
	"context"
	"fmt"

	"bayeslice/internal/geom"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// Reference is what a reader, or the maker of a phantom, says is there.
type Reference struct {
	Mask  *volume.Mask              // any grid of the exam's world
	Class func(label uint8) (k int) // class of a model that a label of Mask means; 0 is the background
	Gland *volume.Mask              // any label but 0 is gland; any grid. nil takes all that Mask has of the model's classes
}

// Truth is a reference on a model's grid, i fastest. Immutable; several cases may share it.
type Truth struct {
	Grid   geom.Grid
	Labels []uint8   // class of each voxel, 0 the background
	Known  []bool    // the voxel's centre lies on the reference's grid; elsewhere nothing is known, and nothing is judged
	gland  []float64 // mm to the nearest voxel of the gland; nil where no voxel of the grid is gland
}

// On reads the reference at the voxel centres of a model's grid by nearest neighbour, since labels cannot be averaged.
// It fails with [ErrReference] where the reference covers no voxel of the grid, with [ErrSettings] where Class names a
// class of 256 or more, and with ctx's error.
func (r Reference) On(ctx context.Context, grid geom.Grid) (*Truth, error) {
	labels, err := volume.ResampleMask(ctx, r.Mask, grid)
	if err != nil {
		return nil, err
	}
	t := &Truth{Grid: grid, Labels: make([]uint8, grid.Voxels())}
	if t.Known, err = covered(r.Mask.Grid(), grid); err != nil {
		return nil, err
	}
	for i, label := range labels.Data() {
		k := r.Class(label)
		if k < 0 || k > 255 {
			return nil, fail(ErrSettings, "label %d means class %d", label, k)
		}
		if t.Known[i] {
			t.Labels[i] = uint8(k)
		}
	}
	return t, t.measureGland(ctx, r.Gland)
}

// covered tells which voxels of a grid have their centre on another one; it fails with ErrReference where none has.
func covered(by, grid geom.Grid) ([]bool, error) {
	m, err := prep.Region(by, grid)
	if err != nil {
		return nil, fmt.Errorf("calibrate: the reference on the model's grid: %w", err)
	}
	known, some := make([]bool, grid.Voxels()), false
	for i, in := range m.Data() {
		known[i] = in != 0
		some = some || known[i]
	}
	if !some {
		return nil, fail(ErrReference, "it lies wholly outside the region that the model looked at; load the mask that belongs to this exam")
	}
	return known, nil
}

// measureGland fills in the distance to the gland, where there is any.
func (t *Truth) measureGland(ctx context.Context, gland *volume.Mask) error {
	set, some := make([]bool, len(t.Labels)), false
	labels := t.Labels
	if gland != nil {
		m, err := volume.ResampleMask(ctx, gland, t.Grid)
		if err != nil {
			return err
		}
		labels = m.Data()
	}
	for i, label := range labels {
		set[i] = label != 0
		some = some || set[i]
	}
	if !some {
		return nil
	}
	mm, err := volume.Distance(t.Grid.Size, t.Grid.Spacing, set)
	t.gland = mm
	return err
}
