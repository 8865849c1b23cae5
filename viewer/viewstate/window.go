package viewstate

import (
	"math"
	"slices"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Preset is one of the grey windows on keys 1 to 5.
type Preset struct {
	Name   string
	Window render.Window
}

// PresetCount is the number of presets every series has.
const PresetCount = 5

// glandBoxMM is the side of the central box from which windows are taken before a gland is known.
const glandBoxMM = 40

// Presets returns the windows for a series in a role, the default first. ADC windows are fixed, in
// 10⁻⁶ mm²/s, so that a grey means the same diffusion in every patient; others come from percentiles
// over the whole stack of a central box the size of a gland, since MR intensities have no unit.
func Presets(role exam.Role, v *volume.Volume) []Preset {
	box := values(v, glandBox(v.Grid()))
	all := values(v, fullBox(v.Grid()))
	full := Preset{"Full range", between(percentile(all, 0), percentile(all, 1))}
	if role == exam.ADC {
		return []Preset{
			{"Standard 0–2000", render.Window{Level: 1000, Width: 2000}},
			{"Lesion", render.Window{Level: 900, Width: 1200}},
			{"Wide 0–3000", render.Window{Level: 1500, Width: 3000}},
			{"Gland", between(percentile(box, 0.01), percentile(box, 0.995))},
			full,
		}
	}
	top := 0.995
	if role == exam.HighB || role == exam.DWI {
		top = 0.998
	}
	return []Preset{
		{"Gland", between(percentile(box, 0.01), percentile(box, top))},
		{"Gland, high contrast", between(percentile(box, 0.10), percentile(box, 0.95))},
		{"Pelvis", between(percentile(all, 0.01), percentile(all, 0.99))},
		{"Bright lesion", between(percentile(box, 0.50), percentile(box, 1))},
		full,
	}
}

// between returns the window that maps lo to black and hi to white; it is never empty.
func between(lo, hi float64) render.Window {
	width := hi - lo
	if !(width > 0) {
		width = math.Max(1e-3, math.Abs(hi)*1e-3)
	}
	return render.Window{Level: (lo + hi) / 2, Width: width}
}

// box is a range of voxels, lo inclusive, hi exclusive.
type box struct{ lo, hi [3]int }

func fullBox(g geom.Grid) box { return box{hi: g.Size} }

// glandBox returns the central 40 × 40 mm of the middle 40 % of the slices.
func glandBox(g geom.Grid) box {
	var b box
	for a := range 3 {
		n := float64(g.Size[a])
		half := glandBoxMM / 2 / g.Spacing[a]
		if a == 2 {
			half = 0.2 * n
		}
		b.lo[a] = int(math.Max(0, math.Floor(n/2-half)))
		b.hi[a] = int(math.Min(n, math.Ceil(n/2+half)))
	}
	return b
}

// maxPercentileValues bounds the work of a percentile; larger boxes are read with a stride.
const maxPercentileValues = 1 << 17

// values returns the finite voxels of a box in ascending order, thinned evenly to a bounded number.
func values(v *volume.Volume, b box) []float32 {
	g := v.Grid()
	n := (b.hi[0] - b.lo[0]) * (b.hi[1] - b.lo[1]) * (b.hi[2] - b.lo[2])
	stride := 1 + n/maxPercentileValues
	out := make([]float32, 0, n/stride+1)
	at := 0
	for k := b.lo[2]; k < b.hi[2]; k++ {
		for j := b.lo[1]; j < b.hi[1]; j++ {
			row := v.Data()[g.Index(b.lo[0], j, k) : g.Index(b.hi[0]-1, j, k)+1]
			for _, x := range row {
				if at%stride == 0 && !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) {
					out = append(out, x)
				}
				at++
			}
		}
	}
	slices.Sort(out)
	return out
}

// percentile returns the value at fraction p (0…1) of sorted values by linear interpolation; 0 of none.
func percentile(sorted []float32, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := clamp(p, 0, 1) * float64(len(sorted)-1)
	lo := int(at)
	if lo+1 >= len(sorted) {
		return float64(sorted[lo])
	}
	f := at - float64(lo)
	return (1-f)*float64(sorted[lo]) + f*float64(sorted[lo+1])
}
