package prep

import (
	"context"
	"fmt"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// ToGrid brings a map from the model's grid to another one, usually the T2W image's: trilinear
// interpolation at each voxel centre's world position, and fill outside the model's grid.
// Linear, not spline, because it keeps probabilities inside 0…1 and their sum at 1.
func ToGrid(ctx context.Context, v *volume.Volume, to geom.Grid, fill float32) (*volume.Volume, error) {
	out, err := volume.Resample(ctx, v, to, volume.Linear, fill)
	if err != nil {
		return nil, fmt.Errorf("prep: bring a map to the image grid: %w", err)
	}
	return out, nil
}

// Probabilities brings the class probabilities of a model, background first, to another grid.
// Outside the model's grid nothing was computed, and the background has probability 1.
func Probabilities(ctx context.Context, classes []*volume.Volume, to geom.Grid) ([]*volume.Volume, error) {
	out := make([]*volume.Volume, len(classes))
	for c, v := range classes {
		fill := float32(0)
		if c == 0 {
			fill = 1
		}
		var err error
		if out[c], err = ToGrid(ctx, v, to, fill); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ArgMax returns the most probable class of each voxel; of equal ones the first. The volumes must
// share one grid; otherwise it fails with [volume.ErrGeometry].
func ArgMax(classes []*volume.Volume) (*volume.Mask, error) {
	if len(classes) == 0 {
		return nil, fmt.Errorf("%w: no class probabilities", volume.ErrGeometry)
	}
	grid := classes[0].Grid()
	labels := make([]uint8, grid.Voxels())
	for c, v := range classes {
		if !v.Grid().SameAs(grid, 1e-3) {
			return nil, fmt.Errorf("%w: class %d lies on another grid than class 0", volume.ErrGeometry, c)
		}
		for i, p := range v.Data() {
			if p > classes[labels[i]].Data()[i] {
				labels[i] = uint8(c)
			}
		}
	}
	return volume.NewMask(grid, labels)
}

// Region marks with 1 the voxels of a grid whose centre lies on the model's grid, where results are
// based on computation and not on a fill value.
func Region(model, to geom.Grid) (*volume.Mask, error) {
	labels := make([]uint8, to.Voxels())
	for k := range to.Size[2] {
		for j := range to.Size[1] {
			for i := range to.Size[0] {
				v := model.Voxel(to.World(geom.Vec3{float64(i), float64(j), float64(k)}))
				if within(v, model.Size) {
					labels[to.Index(i, j, k)] = 1
				}
			}
		}
	}
	return volume.NewMask(to, labels)
}

// within reports whether a voxel coordinate lies inside the outer faces of a grid's voxels.
func within(v geom.Vec3, size [3]int) bool {
	for a := range 3 {
		if v[a] < -0.5 || v[a] > float64(size[a])-0.5 {
			return false
		}
	}
	return true
}
