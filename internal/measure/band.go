package measure

import (
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// Band is the distance between the contours of 90, 50 and 10 % of a probability map, in millimetres within a
// slice.
type Band struct {
	At      geom.Vec3 // world LPS mm: the point of the 50 % contour that was measured
	InnerMM float64   // from there to the 90 % contour, against the gradient's fall; NaN where it is not met
	OuterMM float64   // to the 10 % contour; NaN where it is not met
}

// WidthMM returns the whole width, or NaN where one of the contours is not met.
func (b Band) WidthMM() float64 { return b.InnerMM + b.OuterMM }

// BandSummary is the width of the band along the whole 50 % contour of a slice.
type BandSummary struct {
	N        int     // points of the contour
	Open     int     // of them, those where the 10 or 90 % contour is not met within 30 mm: no width is known there
	MedianMM float64 // of the other points' widths; NaN where there are none, as P95MM
	P95MM    float64 // 95th percentile, interpolated linearly
}

// Limits of the search along the gradient.
const (
	bandStepMM  = 0.1
	bandReachMM = 30
)

// BandAt measures the band at the point of the 50 % contour nearest to a world point (LPS mm), in the slice of
// the map nearest to it, along the in-plane gradient. It fails with [ErrMeasure] where the point lies outside the
// stack or the slice has no such contour.
func BandAt(p *volume.Volume, world geom.Vec3) (Band, error) {
	g := p.Grid()
	k, err := sliceOf(g, world)
	if err != nil {
		return Band{}, err
	}
	at := g.Voxel(world)
	best, nearest := [2]float64{}, math.Inf(1)
	for _, c := range crossings(p, k) {
		if d := math.Hypot((c[0]-at[0])*g.Spacing[0], (c[1]-at[1])*g.Spacing[1]); d < nearest {
			best, nearest = c, d
		}
	}
	if math.IsInf(nearest, 1) {
		return Band{}, refuse("this slice has no 50 %% contour of the structure; go to a slice that shows one")
	}
	return newBander(p, k).at(best), nil
}

// BandOn summarises the band along the 50 % contour of slice k. It fails with [ErrMeasure] where the slice does not exist or
// has no such contour.
func BandOn(p *volume.Volume, k int) (BandSummary, error) {
	if k < 0 || k >= p.Grid().Size[2] {
		return BandSummary{}, refuse("the map has no slice %d; go to a slice that it covers", k+1)
	}
	b := newBander(p, k)
	out := BandSummary{MedianMM: math.NaN(), P95MM: math.NaN()}
	var widths []float64
	for _, c := range crossings(p, k) {
		out.N++
		if w := b.at(c).WidthMM(); finite(w) {
			widths = append(widths, w)
		} else {
			out.Open++
		}
	}
	if out.N == 0 {
		return BandSummary{}, refuse("this slice has no 50 %% contour of the structure; go to a slice that shows one")
	}
	if len(widths) > 0 {
		slices.Sort(widths)
		out.MedianMM, out.P95MM = quantile(widths, 0.5), quantile(widths, 0.95)
	}
	return out, nil
}

// BandDefinition says what [BandAt] and [BandOn] measure.
func BandDefinition() Definition {
	return Definition{lang.Mark("Width of the confidence band"), lang.Mark("distance from the 90 % to the 10 % contour of the mean probability, along its in-plane gradient through the 50 % contour"),
		"mm",
		"contours as Ye, Chen and Zhang, arXiv 2308.07528; the width along the gradient is this program's own definition"}
}

// crossings returns where the lines between neighbouring voxel centres of a slice cross 50 %, in voxels,
// interpolated linearly.
func crossings(p *volume.Volume, k int) [][2]float64 {
	g := p.Grid()
	var out [][2]float64
	for j := range g.Size[1] {
		for i := range g.Size[0] {
			a := float64(p.At(i, j, k)) - 0.5
			if i+1 < g.Size[0] {
				if b := float64(p.At(i+1, j, k)) - 0.5; a < 0 != (b < 0) {
					out = append(out, [2]float64{float64(i) + a/(a-b), float64(j)})
				}
			}
			if j+1 < g.Size[1] {
				if b := float64(p.At(i, j+1, k)) - 0.5; a < 0 != (b < 0) {
					out = append(out, [2]float64{float64(i), float64(j) + a/(a-b)})
				}
			}
		}
	}
	return out
}

// bander walks along the gradient of one slice.
type bander struct {
	grid    geom.Grid
	s       *volume.Sampler
	k       float64
	spacing [2]float64
}

func newBander(p *volume.Volume, k int) *bander {
	g := p.Grid()
	return &bander{grid: g, s: p.Sampler(volume.Linear), k: float64(k), spacing: [2]float64{g.Spacing[0], g.Spacing[1]}}
}

// read returns the value at a continuous pixel; ok is false outside the slice.
func (b *bander) read(x, y float64) (float64, bool) {
	v, ok := b.s.AtVoxel(geom.Vec3{x, y, b.k})
	return float64(v), ok
}

// at measures the band at a pixel on the 50 % contour.
func (b *bander) at(c [2]float64) Band {
	out := Band{At: b.world(c), InnerMM: math.NaN(), OuterMM: math.NaN()}
	// Central differences over a whole voxel to either side: one contour point is noisy, its
	// surroundings are not.
	var up [2]float64 // mm direction of rising probability
	for a := range 2 {
		lo, hi := c, c
		lo[a]--
		hi[a]++
		u, okU := b.read(lo[0], lo[1])
		w, okW := b.read(hi[0], hi[1])
		if okU && okW {
			up[a] = (w - u) / b.spacing[a]
		}
	}
	n := math.Hypot(up[0], up[1])
	if n == 0 {
		return out
	}
	out.InnerMM = b.walk(c, [2]float64{up[0] / n, up[1] / n}, func(p float64) float64 { return p - 0.9 })
	out.OuterMM = b.walk(c, [2]float64{-up[0] / n, -up[1] / n}, func(p float64) float64 { return 0.1 - p })
	return out
}

// walk returns how far along a direction (mm) the function of the value rises to zero; NaN where it does not.
func (b *bander) walk(c, dir [2]float64, over func(p float64) float64) float64 {
	last := math.Inf(-1)
	for n := 0; float64(n)*bandStepMM <= bandReachMM; n++ {
		d := float64(n) * bandStepMM
		p, ok := b.read(c[0]+d*dir[0]/b.spacing[0], c[1]+d*dir[1]/b.spacing[1])
		if !ok {
			return math.NaN()
		}
		f := over(p)
		if f >= 0 {
			if n == 0 || f == last {
				return d
			}
			return d - bandStepMM*f/(f-last)
		}
		last = f
	}
	return math.NaN()
}

func (b *bander) world(c [2]float64) geom.Vec3 {
	return b.grid.World(geom.Vec3{c[0], c[1], b.k})
}

// quantile interpolates linearly between the order statistics of sorted numbers, as NumPy does by default.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	lo := int(at)
	hi := min(lo+1, len(sorted)-1)
	return sorted[lo] + (at-float64(lo))*(sorted[hi]-sorted[lo])
}
