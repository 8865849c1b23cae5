package measure

import (
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// DarkestRadiusMM is how far from the marked point [Darkest] looks by default.
const DarkestRadiusMM = 5

// Darkest measures the 3 × 3 voxels of lowest mean in the slice nearest to a point (world LPS mm): of the
// blocks whose middle voxel lies within radiusMM of the point, seen along the slice normal, the one with
// the lowest mean, the nearest of equals. Blocks that hold a voxel of zero or less, or none, are passed
// over: scanners write such values where they fitted nothing. The middle voxel nearest to the point is always
// a candidate, so that a radius of 0 measures there. Stats.Centre is the block's middle.
//
// It fails with [ErrMeasure] where the point lies outside the image or no block qualifies.
func Darkest(v *volume.Volume, world geom.Vec3, radiusMM float64) (Stats, error) {
	g := v.Grid()
	k, err := sliceOf(g, world)
	if err != nil {
		return Stats{}, err
	}
	at := g.Voxel(world)
	ci, cj := int(math.Round(at[0])), int(math.Round(at[1]))
	if !g.Contains(ci, cj, k) {
		return Stats{}, refuse("the mark lies outside this series; mark a place that the series covers")
	}
	ri, rj := int(radiusMM/g.Spacing[0])+1, int(radiusMM/g.Spacing[1])+1
	best, bestI, bestJ, bestD := math.Inf(1), -1, -1, math.Inf(1)
	for j := cj - rj; j <= cj+rj; j++ {
		for i := ci - ri; i <= ci+ri; i++ {
			d := math.Hypot((float64(i)-at[0])*g.Spacing[0], (float64(j)-at[1])*g.Spacing[1])
			if d > radiusMM && (i != ci || j != cj) {
				continue
			}
			mean, ok := blockMean(v, i, j, k)
			if ok && (mean < best || mean == best && d < bestD) {
				best, bestI, bestJ, bestD = mean, i, j, d
			}
		}
	}
	if bestI < 0 {
		return Stats{}, refuse("no 3 × 3 voxels with values above zero lie within %.0f mm of the mark; mark a place inside the image of the prostate", radiusMM)
	}
	return block(v, bestI, bestJ, k), nil
}

// DarkestDefinition says what [Darkest] measures.
func DarkestDefinition() Definition {
	return Definition{lang.Mark("ADC of the darkest nine voxels"), lang.Mark("mean of the 3 × 3 voxels of one slice with the lowest mean within 5 mm of the mark"),
		"",
		"Takahashi et al., PLoS ONE 2022, 17(5): e0268829: readers told to do so agreed within ±112, others within ±205 × 10⁻⁶ mm²/s"}
}

// blockMean is the mean of the 3 × 3 voxels about (i, j); ok is false where one is missing or not above zero.
func blockMean(v *volume.Volume, i, j, k int) (mean float64, ok bool) {
	g := v.Grid()
	if !g.Contains(i-1, j-1, k) || !g.Contains(i+1, j+1, k) {
		return 0, false
	}
	for dj := -1; dj <= 1; dj++ {
		for di := -1; di <= 1; di++ {
			x := float64(v.At(i+di, j+dj, k))
			if !(x > 0) || math.IsInf(x, 1) {
				return 0, false
			}
			mean += x / 9
		}
	}
	return mean, true
}

// block returns the statistics of the 3 × 3 voxels about (i, j).
func block(v *volume.Volume, i, j, k int) Stats {
	g := v.Grid()
	values := make([]float64, 0, 9)
	for dj := -1; dj <= 1; dj++ {
		for di := -1; di <= 1; di++ {
			values = append(values, float64(v.At(i+di, j+dj, k)))
		}
	}
	s := Stats{AreaMM2: 9 * g.Spacing[0] * g.Spacing[1], Unit: v.Unit(), Slice: k,
		Centre: g.World(geom.Vec3{float64(i), float64(j), float64(k)})}
	s.summarise(values)
	return s
}

// Block returns the outline of the nine voxels that a result of [Darkest] covers, world LPS mm, in order.
func Block(g geom.Grid, s Stats) Shape {
	c := g.Voxel(s.Centre)
	shape := Shape{centre: s.Centre}
	for _, d := range [4][2]float64{{-1.5, -1.5}, {1.5, -1.5}, {1.5, 1.5}, {-1.5, 1.5}} {
		shape.points = append(shape.points, g.World(geom.Vec3{c[0] + d[0], c[1] + d[1], c[2]}))
	}
	return shape
}
