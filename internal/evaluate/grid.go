package evaluate

import (
	"fmt"

	"bayeslice/internal/geom"
)

// How far the voxels of prediction and reference may be apart, as shares of the smallest spacing: headers round.
const (
	gridTolerance = 0.25
	gridNote      = 0.1 // from here on it is noted
)

func sameGrid(a, b geom.Grid, share float64) bool {
	return a.SameAs(b, share*min(b.Spacing[0], b.Spacing[1], b.Spacing[2]))
}

// Mismatch says how two grids differ, "" where they are one: of equal size, and at every corner within a quarter of
// the smallest spacing. Voxels then correspond one to one.
func Mismatch(prediction, reference geom.Grid) string {
	switch {
	case sameGrid(prediction, reference, gridTolerance):
		return ""
	case prediction.Size != reference.Size:
		return fmt.Sprintf("the prediction has %s voxels, the reference %s; resample the prediction onto the grid of the reference", size(prediction), size(reference))
	}
	return fmt.Sprintf("prediction and reference have equal numbers of voxels, and these lie up to %.2g mm apart (spacing %.4g × %.4g × %.4g and %.4g × %.4g × %.4g mm); resample the prediction onto the grid of the reference",
		furthest(prediction, reference), prediction.Spacing[0], prediction.Spacing[1], prediction.Spacing[2], reference.Spacing[0], reference.Spacing[1], reference.Spacing[2])
}

// furthest is the largest distance of corresponding corners of two grids of one size, mm.
func furthest(a, b geom.Grid) float64 {
	far := 0.0
	for corner := range 8 {
		var v geom.Vec3
		for axis := range 3 {
			if corner>>axis&1 == 1 {
				v[axis] = float64(a.Size[axis] - 1)
			}
		}
		far = max(far, a.World(v).Sub(b.World(v)).Norm())
	}
	return far
}

func size(g geom.Grid) string { return fmt.Sprintf("%d × %d × %d", g.Size[0], g.Size[1], g.Size[2]) }
