package viewstate

import (
	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Prediction returns the result of a task, or nil.
func (s *State) Prediction(t modelcard.Task) *inference.Prediction { return s.predictions[t] }

// SetPrediction replaces the result of its task by a later snapshot or the final result. The first
// result of the exam makes the class one that can be shown.
func (s *State) SetPrediction(p *inference.Prediction) {
	task := p.Card.Task
	s.predictions[task] = p
	for key := range s.fields {
		if key.task == task {
			delete(s.fields, key)
		}
	}
	s.fixClass()
	s.mark(ChangedPrediction | ChangedLayer)
}

// DropPrediction forgets the result of a task.
func (s *State) DropPrediction(t modelcard.Task) {
	delete(s.predictions, t)
	for key := range s.fields {
		if key.task == t {
			delete(s.fields, key)
		}
	}
	s.fixClass()
	s.mark(ChangedPrediction)
}

// AvailableClasses returns the classes for which there is a prediction, in display order.
func (s *State) AvailableClasses() []Class {
	var out []Class
	for _, c := range Classes {
		if s.predictions[c.Task()] != nil {
			out = append(out, c)
		}
	}
	return out
}

// fixClass keeps the selected class among those available.
func (s *State) fixClass() {
	available := s.AvailableClasses()
	for _, c := range available {
		if c == s.class {
			return
		}
	}
	if len(available) > 0 {
		s.class = available[0]
	}
}

// Class returns the selected class.
func (s *State) Class() Class { return s.class }

// SetClass selects the class of the layer, the bands and the histograms.
func (s *State) SetClass(c Class) { s.class = c; s.mark(ChangedLayer) }

// Layer returns the selected layer and whether the overlay toggle hides it.
func (s *State) Layer() (l Layer, hidden bool) { return s.layer, s.layerHidden }

// SetLayer selects a layer and shows it.
func (s *State) SetLayer(l Layer) { s.layer, s.layerHidden = l, false; s.mark(ChangedLayer) }

// CycleUncertainty steps through none, entropy, mutual information and standard deviation.
func (s *State) CycleUncertainty() {
	next := map[Layer]Layer{Entropy: MutualInformation, MutualInformation: StandardDeviation, StandardDeviation: NoLayer}
	l, ok := next[s.layer]
	if !ok || s.layerHidden {
		l = Entropy
	}
	s.SetLayer(l)
}

// Contours returns the contour mode and whether the mask toggle hides the lines.
func (s *State) Contours() (c Contours, hidden bool) { return s.contours, s.hidden }

// SetContours selects a contour mode and shows the lines.
func (s *State) SetContours(c Contours) { s.contours, s.hidden = c, false; s.mark(ChangedLayer) }

// Opacity returns the opacity of the layer, 0…1.
func (s *State) Opacity() float64 { return s.opacity }

// SetOpacity sets the opacity of the layer, limited to 0…1.
func (s *State) SetOpacity(o float64) {
	if finite(o) {
		s.opacity = clamp(o, 0, 1)
		s.mark(ChangedLayer)
	}
}

// Threshold returns the fraction of the layer's range under which nothing is drawn, 0…0.95.
func (s *State) Threshold() float64 { return s.threshold }

// SetThreshold sets the fraction of the layer's range under which nothing is drawn, limited to 0…0.95.
func (s *State) SetThreshold(t float64) {
	if finite(t) {
		s.threshold = clamp(t, 0, 0.95)
		s.mark(ChangedLayer)
	}
}

// field returns a layer's volume and the top of its range, nil without a prediction.
func (s *State) field(l Layer, c Class) (*volume.Volume, float64) {
	p := s.predictions[c.Task()]
	if p == nil || l == NoLayer {
		return nil, 0
	}
	key := fieldKey{c.Task(), l, c}
	f, ok := s.fields[key]
	if !ok {
		f.volume, f.high = field(p, l, c)
		s.fields[key] = f
	}
	return f.volume, f.high
}

// Legend returns the colour bar of the layer that is drawn; ok is false where none is.
func (s *State) Legend() (legend Legend, ok bool) {
	if s.layerHidden {
		return Legend{}, false
	}
	v, high := s.field(s.layer, s.class)
	if v == nil {
		return Legend{}, false
	}
	return Legend{Layer: s.layer, Class: s.class, Map: s.layer.colorMap(), Low: s.threshold * high, High: high}, true
}

// Scene returns what to draw in a viewport; ok is false where it shows nothing or has no size yet.
func (s *State) Scene(v int) (scene render.Scene, ok bool) {
	series, view := s.Series(v), s.views[v]
	if series == nil || view.size.W == 0 || view.size.H == 0 {
		return render.Scene{}, false
	}
	scene = render.Scene{Plane: s.Plane(v), Base: series.Volume, Window: s.Window(v), Interp: volume.Linear}
	if legend, ok := s.Legend(); ok {
		field, _ := s.field(s.layer, s.class)
		scene.Overlay = &render.Overlay{Volume: field, Map: legend.Map, Low: legend.Low, High: legend.High, Opacity: s.opacity}
	}
	scene.Contours = s.contourLines(view.scale)
	return scene, true
}

// contourLines returns the lines of the current mode; scale is device pixels per logical pixel.
func (s *State) contourLines(scale float64) []render.Contour {
	if s.contours == NoContours || s.hidden {
		return nil
	}
	var lines []render.Contour
	for _, c := range Classes {
		f, _ := s.field(Probability, c)
		if f == nil {
			continue
		}
		if s.contours == Bands && c == s.class {
			lines = append(lines, render.ZoneBand(c.String(), f, scale)...)
		} else {
			lines = append(lines, render.ZoneContour(c.String(), f, 0.5, scale))
		}
	}
	return lines
}

// Flags tell the reader what the picture must not be taken for.
type Flags struct {
	Synthetic     bool // the exam was generated
	Untrained     bool // a shown prediction comes from random weights
	SyntheticOnly bool // a shown prediction comes from a model that was trained on generated exams alone
}

// Flags returns the banners of the window.
func (s *State) Flags() Flags {
	f := Flags{Synthetic: s.exam != nil && s.exam.Synthetic}
	for _, p := range s.predictions {
		state := p.Card.State()
		f.Untrained = f.Untrained || state == modelcard.Untrained
		f.SyntheticOnly = f.SyntheticOnly || state == modelcard.SyntheticOnly
	}
	return f
}

// Issues returns everything the reader must be told: about the exam, and about what preparation
// found for each prediction, without repetition.
func (s *State) Issues() []exam.Issue {
	var out []exam.Issue
	if s.exam != nil {
		out = append(out, s.exam.Issues...)
	}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if p := s.predictions[task]; p != nil {
			for _, i := range p.Issues {
				if !contains(out, i) {
					out = append(out, i)
				}
			}
		}
	}
	return out
}

func contains(list []exam.Issue, i exam.Issue) bool {
	for _, o := range list {
		if o == i {
			return true
		}
	}
	return false
}
