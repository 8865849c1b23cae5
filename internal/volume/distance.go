package volume

import (
	"fmt"
	"math"

	"bayeslice/internal/geom"
)

// Distance returns, for every voxel, the exact Euclidean distance from its centre to the nearest centre
// of a voxel in the set, in the unit of spacing; 0 in the set, and +Inf everywhere where the set is
// empty. size and spacing are along i, j, k, and set has i fastest. It equals
// scipy.ndimage.distance_transform_edt of the set's complement. It fails with [ErrGeometry] where the
// length does not fit or a spacing is not positive.
//
// The squared distance is minimised one axis after the other, each line by the lower envelope of
// parabolas (Felzenszwalb and Huttenlocher 2012): linear in the number of voxels.
func Distance(size [3]int, spacing geom.Vec3, set []bool) ([]float64, error) {
	if min(size[0], size[1], size[2]) < 1 || len(set) != size[0]*size[1]*size[2] {
		return nil, fmt.Errorf("%w: %d voxels for a grid of %v", ErrGeometry, len(set), size)
	}
	for a, s := range spacing {
		if !(s > 0) || math.IsInf(s, 0) {
			return nil, fmt.Errorf("%w: spacing along axis %d is %g", ErrGeometry, a, s)
		}
	}
	d := make([]float64, len(set))
	for i, in := range set {
		if !in {
			d[i] = math.Inf(1)
		}
	}
	stride := 1
	for a, n := range size {
		lines := newEnvelope(n, spacing[a])
		for start := range d {
			if start/stride%n == 0 {
				lines.lower(d[start:], stride)
			}
		}
		stride *= n
	}
	for i, v := range d {
		d[i] = math.Sqrt(v)
	}
	return d, nil
}

// envelope finds the lower envelope of parabolas over a line of n voxels.
type envelope struct {
	n     int
	step  float64   // between voxels
	line  []float64 // heights of the parabolas
	apex  []int     // voxels whose parabolas form the envelope, from left to right
	since []float64 // where each of them begins to be the lowest
}

func newEnvelope(n int, step float64) *envelope {
	return &envelope{n, step, make([]float64, n), make([]int, n), make([]float64, n)}
}

// lower replaces every n numbers d[0], d[stride], … by the minimum over q of d[q] + ((p − q)·step)².
func (e *envelope) lower(d []float64, stride int) {
	top := -1
	for q := range e.n {
		e.line[q] = d[q*stride]
		if math.IsInf(e.line[q], 1) {
			continue // a parabola of infinite height is never the lowest
		}
		from := math.Inf(-1)
		for ; top >= 0; top-- {
			if from = e.crossing(e.apex[top], q); from > e.since[top] {
				break
			}
			from = math.Inf(-1)
		}
		top++
		e.apex[top], e.since[top] = q, from
	}
	if top < 0 {
		return
	}
	at := 0
	for p := range e.n {
		for at < top && e.since[at+1] <= float64(p)*e.step {
			at++
		}
		gap := float64(p-e.apex[at]) * e.step
		d[p*stride] = e.line[e.apex[at]] + gap*gap
	}
}

// crossing is where the parabola of voxel q, to the right of p, gets below that of p.
func (e *envelope) crossing(p, q int) float64 {
	x, y := float64(p)*e.step, float64(q)*e.step
	return (e.line[q] + y*y - e.line[p] - x*x) / (2 * (y - x))
}

// SignedDistance is the distance map of the boundary loss (Kervadec et al. 2021) of a labelled region:
// outside, the distance to the region; inside, one minus the distance to what is not the region, so that
// voxels at the border have 0 at unit spacing. Where the region is empty, or fills the grid, there is no
// border and the map is 0. Arguments, unit and errors are those of [Distance].
func SignedDistance(size [3]int, spacing geom.Vec3, region []bool) ([]float32, error) {
	outside, err := Distance(size, spacing, region)
	if err != nil {
		return nil, err
	}
	rest := make([]bool, len(region))
	for i, in := range region {
		rest[i] = !in
	}
	inside, err := Distance(size, spacing, rest)
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(region))
	if math.IsInf(outside[0], 1) || math.IsInf(inside[0], 1) {
		return out, nil
	}
	for i, in := range region {
		if in {
			out[i] = float32(1 - inside[i])
		} else {
			out[i] = float32(outside[i])
		}
	}
	return out, nil
}
