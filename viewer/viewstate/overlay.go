package viewstate

import (
	"image/color"

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
	s.predictions[p.Card.Task] = p
	s.forgetFields()
	s.fixClass()
	s.mark(ChangedPrediction | ChangedLayer)
}

// DropPrediction forgets the result of a task.
func (s *State) DropPrediction(t modelcard.Task) {
	delete(s.predictions, t)
	s.forgetFields()
	s.fixClass()
	s.mark(ChangedPrediction)
}

// AvailableClasses returns the classes for which there is a prediction, the exam's own or that of a
// compared model, in display order.
func (s *State) AvailableClasses() []Class {
	var out []Class
	for _, c := range Classes {
		if s.predictions[c.Task()] != nil || s.anyCompared(c.Task()) {
			out = append(out, c)
		}
	}
	return out
}

func (s *State) anyCompared(t modelcard.Task) bool {
	for _, c := range s.compared[t] {
		if c.Prediction != nil {
			return true
		}
	}
	return false
}

// forgetFields drops maps whose predictions are not shown any more.
func (s *State) forgetFields() {
	kept := map[fieldKey]fieldValue{}
	for key, f := range s.fields {
		if s.knows(key.of) {
			kept[key] = f
		}
	}
	s.fields = kept
}

// knows reports whether a prediction can be shown.
func (s *State) knows(p *inference.Prediction) bool {
	if s.predictions[p.Card.Task] == p {
		return true
	}
	for _, c := range s.compared[p.Card.Task] {
		if c.Prediction == p {
			return true
		}
	}
	return false
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

// field returns the volume of a layer of a prediction and the top of its range, nil without a prediction.
func (s *State) field(p *inference.Prediction, l Layer, c Class) (*volume.Volume, float64) {
	if p == nil || l == NoLayer {
		return nil, 0
	}
	key := fieldKey{p, l, c}
	f, ok := s.fields[key]
	if !ok {
		f.volume, f.high = field(p, l, c)
		s.fields[key] = f
	}
	return f.volume, f.high
}

// Field returns the map of a layer and class that a viewport draws from, whatever its layout shows;
// nil where there is no result.
func (s *State) Field(v int, l Layer, c Class) *volume.Volume {
	f, _ := s.field(s.Shown(v, c.Task()), l, c)
	return f
}

// Legend returns the colour bar of the selected layer of the exam's own result; ok is false where it
// is not drawn.
func (s *State) Legend() (legend Legend, ok bool) {
	if s.layerHidden {
		return Legend{}, false
	}
	return s.legend(s.predictions[s.class.Task()], s.layer)
}

func (s *State) legend(p *inference.Prediction, l Layer) (legend Legend, ok bool) {
	v, high := s.field(p, l, s.class)
	if v == nil {
		return Legend{}, false
	}
	return Legend{Layer: l, Class: s.class, Map: l.colorMap(), Low: s.threshold * high, High: high}, true
}

// LayerIn returns the layer that a viewport draws over its image.
func (s *State) LayerIn(v int) Layer {
	switch s.Content(v).Map {
	case SelectedMap:
		return s.layer
	case ProbabilityMap:
		return Probability
	case UncertaintyMap:
		if s.layer == StandardDeviation || s.layer == MutualInformation {
			return s.layer
		}
		return Entropy
	case NoMap:
	}
	return NoLayer
}

// LegendIn returns the colour bar of the map in a viewport; ok is false where none is drawn.
func (s *State) LegendIn(v int) (legend Legend, ok bool) {
	if s.layerHidden || s.Series(v) == nil {
		return Legend{}, false
	}
	if l, ok := s.annotated(v); ok {
		return l, true
	}
	return s.legend(s.Shown(v, s.class.Task()), s.LayerIn(v))
}

// Scene returns what to draw in a viewport; ok is false where it shows no image or has no size yet.
func (s *State) Scene(v int) (scene render.Scene, ok bool) {
	image, view := s.Volume(v), s.views[v]
	if image == nil || view.size.W == 0 || view.size.H == 0 {
		return render.Scene{}, false
	}
	scene = render.Scene{Plane: s.Plane(v), Base: image, Window: s.Window(v), Interp: volume.Linear}
	if legend, ok := s.LegendIn(v); ok && legend.Title == "" {
		scene.Overlay = &render.Overlay{Volume: s.Field(v, legend.Layer, s.class), Map: legend.Map,
			Low: legend.Low, High: legend.High, Opacity: s.opacity}
	}
	if s.Content(v).Lines {
		scene.Contours = append(s.contourLines(v), s.referenceLines(v)...)
	}
	for _, e := range s.extensions {
		e.Decorate(v, &scene)
	}
	return scene, true
}

// contourLines returns the lines of the present mode in a viewport.
func (s *State) contourLines(v int) []render.Contour {
	if s.contours == NoContours || s.hidden {
		return nil
	}
	scale := s.views[v].scale
	var lines []render.Contour
	for _, c := range Classes {
		f := s.Field(v, Probability, c)
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

// referenceLines returns the reference's outlines: of the selected class, in white as in the paper's
// Figure 3, beside compared models; of every class it knows, dotted, elsewhere.
func (s *State) referenceLines(v int) []render.Contour {
	if s.reference == nil || s.referenceHidden {
		return nil
	}
	scale := s.views[v].scale
	if s.Content(v).Slot != OwnResult {
		f := s.ReferenceField(s.class)
		if f == nil {
			return nil
		}
		return []render.Contour{{Field: f, Level: 0.5, Color: color.NRGBA{255, 255, 255, 255}, Width: 1.5 * scale}}
	}
	var lines []render.Contour
	for _, c := range []Class{WG, TZ, CsPCa} {
		if f := s.ReferenceField(c); f != nil {
			lines = append(lines, render.ZoneContour(render.ZoneReference, f, 0.5, scale))
		}
	}
	return lines
}

// Flags tell the reader what the picture must not be taken for.
type Flags struct {
	Synthetic     bool // the exam was generated
	Untrained     bool // a shown prediction comes from random weights
	Moved         bool // images were moved before the network of a shown prediction saw them
	SyntheticOnly bool // a shown prediction comes from a model that was trained on generated exams alone
}

// Flags returns the banners of the window.
func (s *State) Flags() Flags {
	f := Flags{Synthetic: s.exam != nil && s.exam.Synthetic}
	for _, p := range s.results() {
		state := p.Card.State()
		f.Moved = f.Moved || len(p.Moved) > 0
		f.Untrained = f.Untrained || state == modelcard.Untrained
		f.SyntheticOnly = f.SyntheticOnly || state == modelcard.SyntheticOnly
	}
	return f
}

// results lists every prediction that can be shown.
func (s *State) results() []*inference.Prediction {
	var out []*inference.Prediction
	for _, p := range s.predictions {
		out = append(out, p)
	}
	for _, slots := range s.compared {
		for _, c := range slots {
			if c.Prediction != nil {
				out = append(out, c.Prediction)
			}
		}
	}
	return out
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
