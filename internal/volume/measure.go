package volume

import (
	"math"
	"slices"

	"bayeslice/internal/geom"
)

// Box is a range of voxels, Min inclusive and Max exclusive. It is empty where Max ≤ Min along any axis.
type Box struct{ Min, Max [3]int }

var emptyBox = Box{Min: [3]int{math.MaxInt, math.MaxInt, math.MaxInt}}

func (b Box) with(i, j, k int) Box {
	for a, x := range [3]int{i, j, k} {
		b.Min[a], b.Max[a] = min(b.Min[a], x), max(b.Max[a], x+1)
	}
	return b
}

// Empty reports whether the box holds no voxel.
func (b Box) Empty() bool {
	return b.Max[0] <= b.Min[0] || b.Max[1] <= b.Min[1] || b.Max[2] <= b.Min[2]
}

// Size returns the number of voxels along each axis; zero for an empty box.
func (b Box) Size() [3]int {
	if b.Empty() {
		return [3]int{}
	}
	return [3]int{b.Max[0] - b.Min[0], b.Max[1] - b.Min[1], b.Max[2] - b.Min[2]}
}

// Grow returns the box with margin voxels added on every side, cut to the grid.
func (b Box) Grow(margin [3]int, g geom.Grid) Box {
	if b.Empty() {
		return b
	}
	for a := range 3 {
		b.Min[a], b.Max[a] = max(b.Min[a]-margin[a], 0), min(b.Max[a]+margin[a], g.Size[a])
	}
	return b
}

// Region measures the voxels of a mask that carry some labels.
type Region struct {
	Voxels int
	ML     float64   // volume in millilitres
	Centre geom.Vec3 // centre of mass of the voxel centres, world LPS mm; zero where Voxels is 0
	Box    Box       // smallest box that holds them, empty where Voxels is 0
}

// Region measures the voxels whose label is one of labels, or every voxel that is not background
// where none is given.
func (m *Mask) Region(labels ...uint8) Region {
	var want [256]bool
	for l := 1; l < 256; l++ {
		want[l] = len(labels) == 0
	}
	for _, l := range labels {
		want[l] = true
	}
	r := Region{Box: emptyBox}
	var sum geom.Vec3
	at := 0
	for k := range m.grid.Size[2] {
		for j := range m.grid.Size[1] {
			for i := range m.grid.Size[0] {
				if want[m.data[at]] {
					r.Voxels++
					r.Box = r.Box.with(i, j, k)
					sum = sum.Add(geom.Vec3{float64(i), float64(j), float64(k)})
				}
				at++
			}
		}
	}
	if r.Voxels == 0 {
		return Region{}
	}
	r.ML = float64(r.Voxels) * m.grid.VoxelVolume() / 1000
	r.Centre = m.grid.World(sum.Scale(1 / float64(r.Voxels)))
	return r
}

// Labels returns the labels that occur, without 0, in increasing order.
func (m *Mask) Labels() []uint8 {
	var seen [256]bool
	for _, l := range m.data {
		seen[l] = true
	}
	var out []uint8
	for l := 1; l < 256; l++ {
		if seen[l] {
			out = append(out, uint8(l))
		}
	}
	return slices.Clip(out)
}
