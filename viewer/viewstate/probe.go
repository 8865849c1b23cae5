package viewstate

import (
	"fmt"
	"math"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// ADCUnit is how ADC values are written.
const ADCUnit = "×10⁻⁶ mm²/s"

// Value is what one series holds at the cursor.
type Value struct {
	Label  string // "T2W", "b 1000", "ADC"
	Text   string // the nearest voxel's value with its unit, or "outside"
	Inside bool
}

// Probe returns the values of the exam's T2W, high-b and ADC series, and of others that are shown, at a
// world point (LPS mm): of the nearest voxel, not interpolated, as a measurement is read.
func (s *State) Probe(world geom.Vec3) []Value {
	if s.exam == nil {
		return nil
	}
	roles := map[*exam.Series]exam.Role{}
	var probed []*exam.Series
	add := func(series *exam.Series, role exam.Role) {
		if _, known := roles[series]; series != nil && series.Volume != nil && !known {
			roles[series] = role
			probed = append(probed, series)
		}
	}
	for _, role := range exam.ReadingRoles {
		add(s.exam.Chosen(role), role)
	}
	for v := range s.views {
		if series := s.Series(v); series != nil {
			add(series, s.Role(v))
		}
	}
	var out []Value
	for _, series := range probed {
		role := roles[series]
		value := Value{Label: shortLabel(role, series), Text: lang.T("outside")}
		if x, ok := nearest(series.Volume, world.Sub(s.Offset(series.ID))); ok {
			value.Inside = true
			value.Text = formatValue(role, series, float64(x))
		}
		out = append(out, value)
	}
	return out
}

// nearest returns the voxel nearest to a world point; ok is false outside the grid.
func nearest(v *volume.Volume, world geom.Vec3) (x float32, ok bool) {
	i, j, k, ok := nearestVoxel(v.Grid(), world)
	if !ok {
		return 0, false
	}
	return v.At(i, j, k), true
}

func nearestVoxel(g geom.Grid, world geom.Vec3) (i, j, k int, ok bool) {
	p := g.Voxel(world)
	if !p.Finite() || math.Abs(p[0])+math.Abs(p[1])+math.Abs(p[2]) > 1e9 {
		return 0, 0, 0, false
	}
	i, j, k = int(math.Round(p[0])), int(math.Round(p[1])), int(math.Round(p[2]))
	return i, j, k, g.Contains(i, j, k)
}

// formatValue writes a voxel value: ADC as an integer with its unit, MR intensities without one.
func formatValue(role exam.Role, series *exam.Series, x float64) string {
	unit := ""
	if role == exam.ADC {
		unit = " " + ADCUnit
	} else if u := series.Volume.Unit(); u != "" {
		unit = " " + u
	}
	if math.Abs(x) < 10 && x != math.Trunc(x) {
		return fmt.Sprintf("%.3g%s", x, unit)
	}
	return fmt.Sprintf("%.0f%s", x, unit)
}

// shortLabel names a series in the status bar.
func shortLabel(role exam.Role, series *exam.Series) string {
	switch {
	case role == exam.ADC || role == exam.T2W:
		return role.String()
	case series.HasB:
		return fmt.Sprintf("b %.0f", series.B)
	case role == exam.RoleUnknown:
		return lang.T("series %d", series.Number)
	}
	return role.String()
}

// Histogram counts values of 0…1 in equal bins.
type Histogram struct {
	Class  Class
	Counts []int
	N      int     // number of values
	Mean   float64 // of the values, not of the bins
	SD     float64 // population standard deviation
}

// Peak returns the largest count.
func (h Histogram) Peak() int {
	peak := 0
	for _, c := range h.Counts {
		peak = max(peak, c)
	}
	return peak
}

// HistogramBins is the number of bins of the histograms in the window.
const HistogramBins = 25

// add counts one value of 0…1; 1 falls in the last bin.
func (h *Histogram) add(p float64) {
	bin := min(int(clamp(p, 0, 1)*float64(len(h.Counts))), len(h.Counts)-1)
	h.Counts[bin]++
	h.N++
	delta := p - h.Mean
	h.Mean += delta / float64(h.N)
	h.SD += delta * (p - h.Mean) // sum of squares until finish
}

func (h *Histogram) finish() {
	if h.N > 0 {
		h.SD = math.Sqrt(h.SD / float64(h.N))
	}
}

// SegmentHistogram returns the distribution of a class's mean probability over the voxels of its
// predicted segment (arg max of the mean; TZ ∪ PZ for WG), the histogram under the paper's Figure 3,
// of the result that viewport v shows. ok is false where there is none; an empty segment has N = 0.
func (s *State) SegmentHistogram(v int, c Class) (h Histogram, ok bool) {
	return s.SegmentHistogramOf(v, c, s.Field(v, Probability, c))
}

// SegmentHistogramOf is [State.SegmentHistogram] for other probabilities of the class on the grid of the result, such as
// calibrated ones, over the same voxels. ok is false also where they lie on another grid, or are nil.
func (s *State) SegmentHistogramOf(v int, c Class, f *volume.Volume) (h Histogram, ok bool) {
	p := s.Shown(v, c.Task())
	if p == nil || p.Hard == nil || f == nil || f.Grid().Size != p.Hard.Grid().Size {
		return Histogram{}, false
	}
	h = Histogram{Class: c, Counts: make([]int, HistogramBins)}
	label := classIndex(p, c)
	values := f.Data()
	for at, l := range p.Hard.Data() {
		if int(l) == label || c == WG && l != 0 {
			h.add(float64(values[at]))
		}
	}
	h.finish()
	return h, true
}

// classIndex returns the index of a class in a prediction, −1 for WG, which has none of its own.
func classIndex(p *inference.Prediction, c Class) int {
	for i, name := range p.Card.Classes {
		if name == c.String() {
			return i
		}
	}
	return -1
}

// VoxelHistogram returns the distribution of a class's probability over the stored samples at the
// voxel of the model grid nearest to a world point (LPS mm), of the result that viewport v shows. note
// says in words why there is none.
func (s *State) VoxelHistogram(v int, c Class, world geom.Vec3) (h Histogram, note string) {
	p := s.Shown(v, c.Task())
	switch {
	case p == nil:
		return Histogram{}, lang.T("No samples of this class yet.")
	case p.Store == nil || p.Store.Len() == 0:
		return Histogram{}, lang.T("The samples at single voxels are shown when the run has ended.")
	}
	i, j, k, ok := nearestVoxel(p.Grid, world)
	if !ok {
		return Histogram{}, lang.T("The voxel lies outside the region the model saw.")
	}
	h = Histogram{Class: c, Counts: make([]int, HistogramBins)}
	for n := range p.Store.Len() {
		x, ok := sampleValue(p, c, n, i, j, k)
		if !ok {
			return Histogram{}, lang.T("Single samples are kept near the gland only; this voxel lies outside that box.")
		}
		h.add(x)
	}
	h.finish()
	return h, ""
}

func sampleValue(p *inference.Prediction, c Class, n, i, j, k int) (x float64, ok bool) {
	if c == WG {
		x, ok = p.Store.At(n, 0, i, j, k)
		return 1 - x, ok
	}
	at := classIndex(p, c)
	if at < 0 {
		return 0, false
	}
	return p.Store.At(n, at, i, j, k)
}
