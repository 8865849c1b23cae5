package reading

import (
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// defaultFusionOpacity is the opacity of a fused series at first.
const defaultFusionOpacity = 0.45

// fusionStep is the change of opacity of one key press.
const fusionStep = 0.1

// fusion is a second series in colour over T2W.
type fusion struct {
	series  string // Series.ID, "" for none
	opacity float64
}

// FusionChoices returns the series that can be laid over T2W: ADC and high-b first, then the other diffusion images.
func (r *Reading) FusionChoices() []*exam.Series {
	e := r.state.Exam()
	if e == nil {
		return nil
	}
	var out []*exam.Series
	seen := map[*exam.Series]bool{r.chosen(exam.T2W): true}
	add := func(s *exam.Series) {
		if s != nil && s.Volume != nil && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	add(r.chosen(exam.ADC))
	add(r.chosen(exam.HighB))
	for _, s := range e.Series {
		if s.HasB || s.Kind == exam.ADC {
			add(s)
		}
	}
	return out
}

// FusionTitle names a series for the choice.
func (r *Reading) FusionTitle(s *exam.Series) string {
	return viewstate.SeriesTitle(r.roleOf(s), s)
}

// Fusion returns the Series.ID of the series in colour over T2W, "" for none, and its opacity 0…1.
func (r *Reading) Fusion() (seriesID string, opacity float64) {
	return r.fusion.series, r.fusion.opacity
}

// Fuse lays a series of the exam in colour over T2W; "" takes it away. One that the exam does not have is ignored.
func (r *Reading) Fuse(seriesID string) {
	if seriesID != "" && r.series(seriesID) == nil || seriesID == r.fusion.series {
		return
	}
	r.fusion.series = seriesID
	if _, hidden := r.state.Layer(); hidden { // what was chosen is meant to be seen
		r.state.Apply(viewstate.ToggleOverlay)
	}
	r.redraw()
}

// SetFusionOpacity sets the opacity, limited to 0…1.
func (r *Reading) SetFusionOpacity(o float64) {
	if o != o {
		return
	}
	r.fusion.opacity = min(max(o, 0), 1)
	r.redraw()
}

// stepFusion changes the opacity by a key; false where nothing is fused, so that the key is the layer's.
func (r *Reading) stepFusion(more bool) bool {
	if r.fusion.series == "" {
		return false
	}
	step := -fusionStep
	if more {
		step = fusionStep
	}
	r.SetFusionOpacity(r.fusion.opacity + step)
	return true
}

// fusedIn returns the series that is drawn in colour in viewport v: it goes over the first image of the T2W series that the
// layout shows; nil elsewhere, and while maps are hidden.
func (r *Reading) fusedIn(v int) *exam.Series {
	t2w := r.chosen(exam.T2W)
	if _, hidden := r.state.Layer(); hidden || r.fusion.series == "" || t2w == nil || r.state.Series(v) != t2w {
		return nil
	}
	for first := range v {
		if r.state.Series(first) == t2w {
			return nil
		}
	}
	return r.series(r.fusion.series)
}

// LegendIn implements [viewstate.Annotator].
func (r *Reading) LegendIn(v int) (l viewstate.Legend, ok bool) {
	s := r.fusedIn(v)
	if s == nil {
		return viewstate.Legend{}, false
	}
	w := r.state.WindowOf(s, r.roleOf(s))
	title := r.FusionTitle(s)
	if r.isADC(s) {
		title = lang.T("ADC (%s)", viewstate.ADCUnit)
	}
	return viewstate.Legend{Map: render.Inferno, Low: w.Level - w.Width/2, High: w.Level + w.Width/2, Title: title}, true
}

// fuse puts the second series over the image, in the place of the layer. Values below its window are not drawn.
func (r *Reading) fuse(v int, scene *render.Scene) {
	s := r.fusedIn(v)
	if s == nil {
		return
	}
	l, _ := r.LegendIn(v)
	scene.Overlay = &render.Overlay{Volume: r.state.Displayed(s), Map: l.Map, Low: l.Low, High: l.High, Opacity: r.fusion.opacity}
}
