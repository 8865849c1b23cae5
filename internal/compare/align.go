package compare

import (
	"context"
	"fmt"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// MaxOutside is the share of a reference's labelled volume that may lie outside the image it is compared on.
const MaxOutside = 0.05

// sameMM is the distance in mm up to which two grids count as one: rounding in file headers.
const sameMM = 0.01

// Place brings a reference onto a grid. frame and onto are the frames of reference (hashed UIDs, as in exam.Series)
// of the reference and the grid, "" where unknown, as of NIfTI and MetaImage files. On the same grid the mask comes
// back as it is; on another one of the same frame it is read by nearest neighbour, and note is a sentence that says
// so, unless the voxels are the same in another order. It fails with [ErrFrame] where both frames are known and
// differ, since positions mean nothing across frames; with [ErrElsewhere] where more than [MaxOutside] of its labelled volume
// lies outside the grid, which is a mask of another exam or one whose position was lost; or with ctx's error.
func Place(ctx context.Context, m *volume.Mask, frame string, to geom.Grid, onto string) (placed *volume.Mask, note string, err error) {
	if frame != "" && onto != "" && frame != onto {
		return nil, "", fmt.Errorf("%w than the image, so that positions cannot be matched; choose a mask that was drawn on this exam", ErrFrame)
	}
	if m.Grid().SameAs(to, sameMM) {
		return m, "", nil
	}
	if outside := shareOutside(m, to); outside > MaxOutside {
		return nil, "", fmt.Errorf("%w: %.0f %% of its labelled volume lies outside; choose the mask of this exam, or export it again with its position", ErrElsewhere, 100*outside)
	}
	placed, err = volume.ResampleMask(ctx, m, to)
	if err != nil {
		return nil, "", err
	}
	if len(m.Labels()) > 0 && len(placed.Labels()) == 0 {
		return nil, "", fmt.Errorf("%w: none of its labels meets a voxel; choose the mask of this exam", ErrElsewhere)
	}
	if from := m.Grid(); !from.Anatomical().SameAs(to.Anatomical(), sameMM) {
		note = fmt.Sprintf("The reference has another grid (%d×%d×%d voxels of %.3g×%.3g×%.3g mm); it was read by nearest neighbour, "+
			"so that borders may be off by half a voxel.", from.Size[0], from.Size[1], from.Size[2], from.Spacing[0], from.Spacing[1], from.Spacing[2])
	}
	return placed, note, nil
}

// shareOutside returns the share of the labelled voxels whose centre lies outside a grid.
func shareOutside(m *volume.Mask, to geom.Grid) float64 {
	grid, labels := m.Grid(), m.Data()
	all, outside, at := 0, 0, 0
	for k := range grid.Size[2] {
		for j := range grid.Size[1] {
			for i := range grid.Size[0] {
				if labels[at] != 0 {
					all++
					if !inside(to, grid.World(geom.Vec3{float64(i), float64(j), float64(k)})) {
						outside++
					}
				}
				at++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(outside) / float64(all)
}

// inside reports whether a world point lies in the space that a grid's voxels fill.
func inside(g geom.Grid, world geom.Vec3) bool {
	v := g.Voxel(world)
	for a := range 3 {
		if v[a] < -0.5 || v[a] > float64(g.Size[a])-0.5 {
			return false
		}
	}
	return true
}
