package render

import (
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// BoxWindow returns the window between the 1st and the 99th percentile of the finite voxels in a rectangle of one slice: that between two
// corners (world, LPS mm) along the screen directions right and down, on the slice nearest to the first corner. ok is false
// where the rectangle holds fewer than two different values.
func BoxWindow(v *volume.Volume, a, b, right, down geom.Vec3) (w Window, ok bool) {
	g := v.Grid()
	k := int(math.Round(g.Voxel(a)[2]))
	if k < 0 || k >= g.Size[2] {
		return Window{}, false
	}
	span := b.Sub(a)
	wide, high := span.Dot(right), span.Dot(down)
	var values []float32
	for j := range g.Size[1] {
		for i := range g.Size[0] {
			d := g.World(geom.Vec3{float64(i), float64(j), float64(k)}).Sub(a)
			if !between(d.Dot(right), wide) || !between(d.Dot(down), high) {
				continue
			}
			if x := v.At(i, j, k); valid(x) {
				values = append(values, x)
			}
		}
	}
	return percentileWindow(values, 1, 99)
}

// between reports whether x lies between 0 and end, whatever end's sign.
func between(x, end float64) bool { return x >= min(0, end) && x <= max(0, end) }

// percentileWindow returns the window between two percentiles; ok is false where they are equal. values is reordered.
func percentileWindow(values []float32, low, top float64) (w Window, ok bool) {
	if len(values) == 0 {
		return Window{}, false
	}
	slices.Sort(values)
	lo, hi := percentile(values, low), percentile(values, top)
	if !(hi > lo) {
		return Window{}, false
	}
	return Window{Level: (lo + hi) / 2, Width: hi - lo}, true
}

// GlandWindow returns the window between two percentiles (0…100) of the finite voxels within marginMM of a mask's labelled voxels,
// over the whole stack; ok is false where there are none, or a single value. Distances are exact on the mask's grid, and a voxel
// counts by the mask voxel nearest to it. It takes some 50 ms for a gland.
func GlandWindow(v *volume.Volume, mask *volume.Mask, marginMM, low, top float64) (w Window, ok bool) {
	near := newNearby(mask, marginMM)
	if near == nil {
		return Window{}, false
	}
	var values []float32
	g := v.Grid()
	box := near.reach(g)
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for i := box.Min[0]; i < box.Max[0]; i++ {
				if x := v.At(i, j, k); valid(x) && near.holds(g.World(geom.Vec3{float64(i), float64(j), float64(k)})) {
					values = append(values, x)
				}
			}
		}
	}
	return percentileWindow(values, low, top)
}

// nearby is the neighbourhood of a mask's labelled voxels.
type nearby struct {
	grid   geom.Grid
	box    volume.Box
	size   [3]int // of the box
	mm     []float64
	margin float64
}

// newNearby measures distances in the box round the labelled voxels; nil where there are none.
func newNearby(mask *volume.Mask, marginMM float64) *nearby {
	g := mask.Grid()
	box := mask.Region().Box
	if box.Empty() {
		return nil
	}
	var margin [3]int
	for a := range 3 {
		margin[a] = int(math.Ceil(marginMM / g.Spacing[a]))
	}
	n := &nearby{grid: g, box: box.Grow(margin, g), margin: marginMM}
	n.size = n.box.Size()
	var set []bool
	for k := n.box.Min[2]; k < n.box.Max[2]; k++ {
		for j := n.box.Min[1]; j < n.box.Max[1]; j++ {
			for i := n.box.Min[0]; i < n.box.Max[0]; i++ {
				set = append(set, mask.At(i, j, k) != 0)
			}
		}
	}
	mm, err := volume.Distance(n.size, g.Spacing, set)
	if err != nil {
		return nil // impossible: the size and spacing of a grid
	}
	n.mm = mm
	return n
}

// reach returns the voxels of another grid that can lie in the neighbourhood.
func (n *nearby) reach(g geom.Grid) volume.Box {
	out := volume.Box{Min: g.Size}
	for corner := range 8 {
		var v geom.Vec3
		for a := range 3 {
			v[a] = float64(n.box.Min[a]) - 0.5
			if corner>>a&1 == 1 {
				v[a] = float64(n.box.Max[a]) - 0.5
			}
		}
		p := g.Voxel(n.grid.World(v))
		for a := range 3 {
			out.Min[a] = max(0, min(out.Min[a], int(math.Floor(p[a]))))
			out.Max[a] = min(g.Size[a], max(out.Max[a], int(math.Ceil(p[a]))+1))
		}
	}
	return out
}

// holds reports whether the mask voxel nearest to a world point lies within the margin.
func (n *nearby) holds(world geom.Vec3) bool {
	p := n.grid.Voxel(world)
	var at [3]int
	for a := range 3 {
		at[a] = int(math.Round(p[a])) - n.box.Min[a]
		if at[a] < 0 || at[a] >= n.size[a] {
			return false
		}
	}
	return n.mm[at[0]+n.size[0]*(at[1]+n.size[1]*at[2])] <= n.margin
}
