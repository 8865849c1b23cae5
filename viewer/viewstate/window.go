package viewstate

import (
	"math"
	"slices"

	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
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

// Presets returns the windows for a series in a role, the default first. ADC windows are fixed, in
// 10⁻⁶ mm²/s, so that a grey means the same diffusion in every patient; others come from percentiles
// over the whole stack of a central box the size of a gland, since MR intensities have no unit.
func Presets(role exam.Role, v *volume.Volume) []Preset {
	all := thinned(v)
	full := Preset{lang.T("Full range"), between(percentile(all, 0), percentile(all, 1))}
	if role == exam.ADC && v.Unit() == exam.UnitADC { // of an unknown unit, fixed windows would lie
		return []Preset{
			{lang.T("Standard 0–2000"), render.ADCWindow()},
			{lang.T("Lesion"), render.Window{Level: 900, Width: 1200}},
			{lang.T("Wide 0–3000"), render.Window{Level: 1500, Width: 3000}},
			{lang.T("Gland"), gland(v, 1, 99.5)},
			full,
		}
	}
	standard := render.T2WWindow(v)
	if role == exam.HighB || role == exam.DWI {
		standard = render.HighBWindow(v)
	}
	return []Preset{
		{lang.T("Gland"), standard},
		{lang.T("Gland, high contrast"), gland(v, 10, 95)},
		{lang.T("Pelvis"), between(percentile(all, 0.01), percentile(all, 0.99))},
		{lang.T("Bright lesion"), gland(v, 50, 100)},
		full,
	}
}

// gland returns the window between two percentiles of a central box the size of a gland: 40 × 40 mm
// in the middle 40 % of the slices.
func gland(v *volume.Volume, low, top float64) render.Window {
	return render.AutoWindow(v, render.Region{Centre: v.Grid().Centre(), SideMM: 40, SliceFraction: 0.4, LowPct: low, TopPct: top})
}

// between returns the window that maps lo to black and hi to white; it is never empty.
func between(lo, hi float64) render.Window {
	width := hi - lo
	if !(width > 0) {
		width = math.Max(1e-3, math.Abs(hi)*1e-3)
	}
	return render.Window{Level: (lo + hi) / 2, Width: width}
}

// maxPercentileValues bounds the work of a percentile over a whole stack, which is read with a stride.
const maxPercentileValues = 1 << 17

// thinned returns finite voxels of a volume in ascending order, evenly chosen and of a bounded number.
func thinned(v *volume.Volume) []float32 {
	data := v.Data()
	stride := 1 + len(data)/maxPercentileValues
	out := make([]float32, 0, len(data)/stride+1)
	for at := 0; at < len(data); at += stride {
		if x := float64(data[at]); finite(x) {
			out = append(out, data[at])
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
