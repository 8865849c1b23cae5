package annotate

import "bayeslice/internal/geom"

// sheets is one layer: an array of labels per slice, i fastest. Slices are shared with snapshots until
// they are written to, so that a snapshot costs nothing and a stroke copies the slices it touches.
type sheets struct {
	size  [3]int
	slice [][]uint8
	own   []bool // the slice is not shared with a snapshot
}

func newSheets(size [3]int) sheets {
	s := sheets{size: size, slice: make([][]uint8, size[2]), own: make([]bool, size[2])}
	empty := make([]uint8, size[0]*size[1])
	for k := range s.slice {
		s.slice[k] = empty
	}
	return s
}

// cut divides the labels of a whole layer, i fastest, into slices that share their memory.
func cut(size [3]int, labels []uint8) sheets {
	s := sheets{size: size, slice: make([][]uint8, size[2]), own: make([]bool, size[2])}
	n := size[0] * size[1]
	for k := range s.slice {
		s.slice[k] = labels[k*n : (k+1)*n : (k+1)*n]
	}
	return s
}

// share returns the slices as they are now, never to be written again.
func (s *sheets) share() [][]uint8 {
	clear(s.own)
	return append([][]uint8(nil), s.slice...)
}

// writable returns slice k for writing.
func (s *sheets) writable(k int) []uint8 {
	if !s.own[k] {
		s.slice[k] = append([]uint8(nil), s.slice[k]...)
		s.own[k] = true
	}
	return s.slice[k]
}

// rect is a range of pixels of a slice, Min inclusive, Max exclusive.
type rect struct{ minI, minJ, maxI, maxJ int }

func (r rect) empty() bool { return r.maxI <= r.minI || r.maxJ <= r.minJ }

// union returns the smallest range that holds both.
func (r rect) union(o rect) rect {
	switch {
	case r.empty():
		return o
	case o.empty():
		return r
	}
	return rect{min(r.minI, o.minI), min(r.minJ, o.minJ), max(r.maxI, o.maxI), max(r.maxJ, o.maxJ)}
}

// grown returns the range with a margin, cut to a slice of a grid.
func (r rect) grown(margin int, size [3]int) rect {
	if r.empty() {
		return r
	}
	return rect{max(r.minI-margin, 0), max(r.minJ-margin, 0), min(r.maxI+margin, size[0]), min(r.maxJ+margin, size[1])}
}

// bounds returns the range of the voxels of a slice that belong to a structure.
func bounds(labels []uint8, width int, l Label) rect {
	var r rect
	for j := 0; j*width < len(labels); j++ {
		row := labels[j*width : (j+1)*width]
		first, last := -1, -1
		for i, v := range row {
			if v != 0 && l.holds(v) {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		if first >= 0 {
			r = r.union(rect{first, j, last + 1, j + 1})
		}
	}
	return r
}

// crop returns the part of a grid that a range of pixels and of slices covers.
func crop(g geom.Grid, r rect, fromK, toK int) geom.Grid {
	g.Origin = g.World(geom.Vec3{float64(r.minI), float64(r.minJ), float64(fromK)})
	g.Size = [3]int{r.maxI - r.minI, r.maxJ - r.minJ, toK - fromK}
	return g
}
