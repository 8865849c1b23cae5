package exam

import (
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// thickFactor is how much larger than the others a spacing must be to be that between slices.
const thickFactor = 1.2

// sliceAxis returns the index axis along which the slices of an image file follow each other: that
// of the largest spacing, or where none is clearly the largest, the one closest to head-foot. A
// file may store it first.
func sliceAxis(g geom.Grid) int {
	axis := 0
	for a := range 3 {
		if g.Spacing[a] > g.Spacing[axis] {
			axis = a
		}
	}
	b, c := (axis+1)%3, (axis+2)%3
	if g.Spacing[axis] > thickFactor*max(g.Spacing[b], g.Spacing[c]) {
		return axis
	}
	return closestAxis(g, 2, [3]bool{true, true, true})
}

// closestAxis returns the index axis, of those allowed, that is closest to a world axis; the last
// of equals.
func closestAxis(g geom.Grid, world int, allowed [3]bool) int {
	best := -1
	for a := range 3 {
		if allowed[a] && (best < 0 || math.Abs(g.Dir[a][world]) >= math.Abs(g.Dir[best][world])) {
			best = a
		}
	}
	return best
}

// axial returns an image whose slices are stored along another axis than the third with the axes in
// the order of other images: i and j within the slice, k from slice to slice. Positive directions
// are left, posterior and head, in sagittal and coronal slices foot. Every voxel keeps its value
// and its place in the world. Other images are returned as they are.
func axial(v *volume.Volume) *volume.Volume {
	g := v.Grid()
	k := sliceAxis(g)
	if k == 2 {
		return v
	}
	through := 0 // the world axis closest to the slices' normal
	for w := range 3 {
		if math.Abs(g.Dir[k][w]) > math.Abs(g.Dir[k][through]) {
			through = w
		}
	}
	across := 0 // the world axis that i follows; j follows what is left
	if through == 0 {
		across = 1
	}
	allowed := [3]bool{true, true, true}
	allowed[k] = false
	i := closestAxis(g, across, allowed)
	j := 3 - i - k
	down := 3 - across - through
	turn := [3]bool{g.Dir[i][across] < 0, g.Dir[j][down] < 0, g.Dir[k][through] < 0}
	if down == 2 {
		turn[1] = !turn[1]
	}
	return permuted(v, [3]int{i, j, k}, turn)
}

// permuted returns v with its index axes in the given order, turned round where flip says so.
func permuted(v *volume.Volume, order [3]int, flip [3]bool) *volume.Volume {
	from := v.Grid()
	stride := [3]int{1, from.Size[0], from.Size[0] * from.Size[1]}
	to, start := from, 0
	var corner geom.Vec3
	var step [3]int
	for a, o := range order {
		to.Size[a], to.Spacing[a], to.Dir[a], step[a] = from.Size[o], from.Spacing[o], from.Dir[o], stride[o]
		if flip[a] {
			last := from.Size[o] - 1
			corner[o] = float64(last)
			start += last * stride[o]
			to.Dir[a], step[a] = from.Dir[o].Scale(-1), -stride[o]
		}
	}
	to.Origin = from.World(corner)
	data := make([]float32, 0, to.Voxels())
	for k := range to.Size[2] {
		for j := range to.Size[1] {
			at := start + k*step[2] + j*step[1]
			for range to.Size[0] {
				data = append(data, v.Data()[at])
				at += step[0]
			}
		}
	}
	out, err := volume.New(to, data, v.Unit())
	if err != nil {
		panic(err) // as many voxels as before
	}
	return out
}
