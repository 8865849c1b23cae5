package metrics

import (
	"context"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Contour is a closed line round a structure in one slice; the last point is joined to the first. Points are the
// middles of the faces between a voxel of the structure and a neighbour in the slice that is not: where linear
// interpolation of the mask crosses one half. Voxels that touch at a corner alone get separate lines.
type Contour struct {
	Slice  int         // k
	Points []geom.Vec3 // world, LPS mm, in order
	MM     []float64   // per point: signed distance to the other structure's contours; positive outside of it
}

// SignedContours returns the contours of one structure, the union of classes or all labels where none is given, of a
// segmentation, slice by slice, with the signed distance of every point to the contours of the same structure in a
// reference: positive where the point lies outside the reference, negative inside, 0 on a contour. The distance is
// Euclidean, in three dimensions, in mm, to the nearest point of the reference's contours in this slice or any other. The
// ends of a structure along the stack are no contours: a border that is 12 mm off in its last slice is 12 mm off, although
// the end of the structure is half a slice away. Two equal segmentations have distances of exactly 0, and a flat border
// that was moved by n voxels one of n voxels, which voxel-centre distances do not give.
//
// It fails with [ErrInput] where the grids differ by 0.01 mm or more, with [ErrUndefined] where the reference
// lacks the structure, or with ctx's error. A segmentation that lacks it has no contours. Time and memory are
// proportional to four times the box that holds both.
func SignedContours(ctx context.Context, predicted, reference *volume.Mask, classes ...uint8) ([]Contour, error) {
	if err := oneGrid(predicted, reference); err != nil {
		return nil, err
	}
	p, r := predicted.Region(classes...), reference.Region(classes...)
	if r.Voxels == 0 {
		return nil, undefined("a structure of no voxels has no surface")
	}
	if p.Voxels == 0 {
		return nil, nil
	}
	in := structure(classes)
	halves := newHalves(join(p.Box, r.Box))
	set := make([]bool, halves.voxels())
	markFaces(reference, in, r.Box, halves, set)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	spacing := predicted.Grid().Spacing
	far, err := volume.Distance(halves.size, geom.Vec3{spacing[0] / 2, spacing[1] / 2, spacing[2]}, set)
	if err != nil {
		return nil, bad("%v", err)
	}
	var out []Contour
	for k := p.Box.Min[2]; k < p.Box.Max[2]; k++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, line := range predicted.Outlines(in, p.Box, k) {
			out = append(out, measured(line, k, reference, in, halves, far))
		}
	}
	return out, nil
}

// measured turns a line of faces into a contour with distances.
func measured(line []volume.Face, k int, reference *volume.Mask, in *[256]bool, h halves, far []float64) Contour {
	grid := reference.Grid()
	c := Contour{Slice: k, Points: make([]geom.Vec3, len(line)), MM: make([]float64, len(line))}
	for n, x := range line {
		i, j := x.Middle()
		c.Points[n] = grid.World(geom.Vec3{float64(i) / 2, float64(j) / 2, float64(k)})
		mm := far[h.index(i, j, k)]
		if in[reference.At(x.I, x.J, k)] { // both sides of a point that is on no contour of the reference lie on the same side of it
			mm = -mm
		}
		if mm == 0 {
			mm = 0 // no negative zero
		}
		c.MM[n] = mm
	}
	return c
}

// halves is the lattice of half voxels in the slices round a box: voxel centres are at even coordinates, the middles of
// faces have one odd one. It reaches a whole voxel beyond the box in the slices.
type halves struct {
	low  [3]int // of the lattice: half voxels, and slices
	size [3]int
}

func newHalves(box volume.Box) halves {
	h := halves{low: box.Min, size: box.Size()}
	for a := range 2 {
		h.low[a] = 2 * (box.Min[a] - 1)
		h.size[a] = 2*(box.Max[a]-box.Min[a]+1) + 1
	}
	return h
}

func (h halves) voxels() int { return h.size[0] * h.size[1] * h.size[2] }

// index returns the offset of a point given in half voxels and a slice.
func (h halves) index(i, j, k int) int {
	return i - h.low[0] + h.size[0]*(j-h.low[1]+h.size[1]*(k-h.low[2]))
}

// markFaces marks the middles of the faces of a structure towards neighbours in its slices.
func markFaces(m *volume.Mask, in *[256]bool, box volume.Box, h halves, set []bool) {
	grid := m.Grid()
	inside := func(i, j, k int) bool { return grid.Contains(i, j, k) && in[m.At(i, j, k)] }
	each(box, func(v [3]int) {
		if !inside(v[0], v[1], v[2]) {
			return
		}
		for _, d := range compass {
			if !inside(v[0]+d[0], v[1]+d[1], v[2]) {
				set[h.index(2*v[0]+d[0], 2*v[1]+d[1], v[2])] = true
			}
		}
	})
}

// each calls f for every voxel of a box, i fastest.
func each(box volume.Box, f func(v [3]int)) {
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for i := box.Min[0]; i < box.Max[0]; i++ {
				f([3]int{i, j, k})
			}
		}
	}
}

// compass holds the steps to the neighbours in a slice.
var compass = [4][2]int{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}

// join returns the smallest box that holds both.
func join(a, b volume.Box) volume.Box {
	for x := range 3 {
		a.Min[x], a.Max[x] = min(a.Min[x], b.Min[x]), max(a.Max[x], b.Max[x])
	}
	return a
}
