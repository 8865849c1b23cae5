package dicomout

import (
	"cmp"
	"slices"

	"bayeslice/internal/volume"
)

// corner is a corner of an outline in half voxels: voxel centres have even coordinates.
type corner struct{ i, j int }

// keyholes turns the lines round a structure into outlines without holes: each hole is joined to the line to the left of its top by a
// channel of no width. Every edge is horizontal, vertical or diagonal; channels run along rows of odd j, between voxel centres.
func keyholes(lines [][]volume.Face) [][]corner {
	var outer, holes [][]corner
	for _, line := range lines {
		corners := make([]corner, len(line))
		for n, f := range line {
			corners[n].i, corners[n].j = f.Middle()
		}
		corners = straighten(corners)
		if area(corners) > 0 {
			outer = append(outer, corners)
		} else {
			holes = append(holes, startAtTop(corners))
		}
	}
	slices.SortFunc(holes, func(a, b []corner) int { return cmp.Or(cmp.Compare(a[0].j, b[0].j), cmp.Compare(a[0].i, b[0].i)) })
	for _, hole := range holes {
		join(outer, hole)
	}
	return outer
}

// area is twice the signed area; it is positive for outer lines.
func area(c []corner) (twice int) {
	for n, a := range c {
		b := c[(n+1)%len(c)]
		twice += a.i*b.j - b.i*a.j
	}
	return twice
}

// straighten leaves out corners on a straight line between their neighbours.
func straighten(c []corner) []corner {
	var out []corner
	for n, p := range c {
		before, after := c[(n+len(c)-1)%len(c)], c[(n+1)%len(c)]
		if (p.i-before.i)*(after.j-p.j) != (p.j-before.j)*(after.i-p.i) {
			out = append(out, p)
		}
	}
	return out
}

// startAtTop turns a line so that it begins with its topmost corner, of those with the leftmost.
func startAtTop(c []corner) []corner {
	top := 0
	for n, p := range c {
		if p.j < c[top].j || p.j == c[top].j && p.i < c[top].i {
			top = n
		}
	}
	return slices.Concat(c[top:], c[:top])
}

// join joins a hole to the first line that a ray to the left of its first corner meets.
func join(outer [][]corner, hole []corner) {
	from := hole[0]
	line, edge, hit := -1, 0, corner{}
	for l, c := range outer {
		for n, a := range c {
			at, ok := crossingAt(a, c[(n+1)%len(c)], from)
			if ok && (line < 0 || at > hit.i) {
				line, edge, hit = l, n, corner{at, from.j}
			}
		}
	}
	if line < 0 {
		return // no line round it: cannot be, since a hole lies in a structure
	}
	channel := slices.Concat([]corner{hit}, hole, []corner{from, hit})
	outer[line] = slices.Insert(outer[line], edge+1, channel...)
}

// crossingAt returns where the edge from a to b, its first end included, meets the row of from, to the left of it.
func crossingAt(a, b, from corner) (i int, ok bool) {
	switch {
	case a.j == from.j:
		i = a.i
	case min(a.j, b.j) < from.j && from.j < max(a.j, b.j):
		i = a.i + (from.j-a.j)*(b.i-a.i)/(b.j-a.j) // edges are upright or diagonal: exact
	default:
		return 0, false
	}
	return i, i < from.i
}
