package render

import (
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Region is the part of a volume that an automatic window looks at: a square column about a world
// point, along the slice normal.
type Region struct {
	Centre         geom.Vec3 // world, LPS mm
	SideMM         float64   // in-plane side of the square
	SliceFraction  float64   // 0…1 of the slices, about Centre
	LowPct, TopPct float64   // percentiles 0…100 that become black and white
}

// T2WWindow returns the default window of a T2-weighted series: percentiles 1 to 99.5 of a central
// 40-mm box in the middle 40 % of the slices.
func T2WWindow(v *volume.Volume) Window { return AutoWindow(v, centralBox(v, 1, 99.5)) }

// HighBWindow returns the default window of a high b-value series: percentiles 1 to 99.8 of the same box.
func HighBWindow(v *volume.Volume) Window { return AutoWindow(v, centralBox(v, 1, 99.8)) }

// ADCWindow returns the fixed default of ADC maps in 10⁻⁶ mm²/s: one grey is one ADC in every patient.
func ADCWindow() Window { return Window{Level: 1000, Width: 2000} }

func centralBox(v *volume.Volume, low, top float64) Region {
	return Region{Centre: v.Grid().Centre(), SideMM: 40, SliceFraction: 0.4, LowPct: low, TopPct: top}
}

// AutoWindow returns the window between two percentiles (by linear interpolation) of the finite
// voxels in a region. Where the region holds none, or a single value, the window is one unit about it.
func AutoWindow(v *volume.Volume, r Region) Window {
	values := regionValues(v, r)
	if len(values) == 0 {
		return Window{Level: 0.5, Width: 1}
	}
	slices.Sort(values)
	low, top := percentile(values, r.LowPct), percentile(values, r.TopPct)
	width := top - low
	if !(width > 0) {
		width = 1
	}
	return Window{Level: (low + top) / 2, Width: width}
}

// regionValues collects the finite voxels whose centres lie in the region.
func regionValues(v *volume.Volume, r Region) []float32 {
	g := v.Grid()
	c := g.Voxel(r.Centre)
	half := geom.Vec3{r.SideMM / 2 / g.Spacing[0], r.SideMM / 2 / g.Spacing[1], r.SliceFraction * float64(g.Size[2]) / 2}
	var lo, hi [3]int
	for a := range 3 {
		if math.IsNaN(c[a]) || math.IsNaN(half[a]) {
			return nil
		}
		n := float64(g.Size[a])
		lo[a] = int(math.Ceil(min(max(c[a]-half[a], 0), n)))
		hi[a] = int(math.Floor(min(max(c[a]+half[a], -1), n-1)))
	}
	var values []float32
	for k := lo[2]; k <= hi[2]; k++ {
		for j := lo[1]; j <= hi[1]; j++ {
			for i := lo[0]; i <= hi[0]; i++ {
				if x := v.At(i, j, k); valid(x) {
					values = append(values, x)
				}
			}
		}
	}
	return values
}

// percentile interpolates linearly between the closest ranks of sorted values, as numpy's default does.
func percentile(sorted []float32, pct float64) float64 {
	at := min(max(pct, 0), 100) / 100 * float64(len(sorted)-1)
	lower := int(at)
	upper := min(lower+1, len(sorted)-1)
	a, b := float64(sorted[lower]), float64(sorted[upper])
	return a + (at-float64(lower))*(b-a)
}
