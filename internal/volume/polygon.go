package volume

import (
	"math"
	"slices"
)

// Corner is a corner of an outline in a slice, as continuous voxel coordinates; integers are voxel centres.
type Corner struct{ I, J float64 }

// crossing is where an outline passes a row, and which way: +1 down, −1 up.
type crossing struct {
	at   float64
	turn int
}

// InsidePolygon calls in for the offset, in a slice of size[0] × size[1] pixels, of every pixel whose centre lies inside a closed outline, by
// the non-zero winding rule. A centre exactly on an edge counts where the inside lies to its right, or
// below, so that two outlines that share an edge share no pixel. Coordinates must be finite, and not so large that their products are not.
func InsidePolygon(corners []Corner, size [3]int, in func(at int)) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range corners {
		low, high = min(low, c.J), max(high, c.J)
	}
	first, last := int(min(max(math.Ceil(low), 0), float64(size[1]))), int(max(min(math.Floor(high), float64(size[1]-1)), -1))
	var crossings []crossing
	for j := first; j <= last; j++ {
		crossings = crossRow(crossings[:0], corners, float64(j))
		winding := 0
		for n := 0; n+1 < len(crossings); n++ {
			winding += crossings[n].turn
			if winding == 0 {
				continue
			}
			from := int(min(max(math.Ceil(crossings[n].at), 0), float64(size[0])))
			to := int(min(max(math.Ceil(crossings[n+1].at), 0), float64(size[0])))
			for i := from; i < to; i++ {
				in(j*size[0] + i)
			}
		}
	}
}

// crossRow appends where the edges cross row y, sorted. An edge holds its upper end and not its lower one.
func crossRow(list []crossing, corners []Corner, y float64) []crossing {
	for n, a := range corners {
		b := corners[(n+1)%len(corners)]
		turn := 1
		if a.J > b.J {
			a, b, turn = b, a, -1
		}
		if a.J <= y && y < b.J {
			list = append(list, crossing{a.I + (y-a.J)/(b.J-a.J)*(b.I-a.I), turn})
		}
	}
	slices.SortFunc(list, func(a, b crossing) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	return list
}
