package viewstate

import (
	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Texts is how much is written over the images.
type Texts uint8

// Text states, in the order in which they cycle.
const (
	AllTexts       Texts = iota
	EssentialTexts       // role, b-value and orientation letters
	NoTexts
)

// viewport is the state of one of them.
type viewport struct {
	seriesID string // chosen for display only; "" shows the series of the viewport's role
	camera   Camera
	fitted   bool // the camera is the result of a fit and follows the viewport's size
	fitFrom  int  // the viewport whose series was fitted
	size     Size
	scale    float64 // device pixels per logical pixel
}

// State is everything the window shows. Make it with [New].
type State struct {
	listeners []func(Change)
	pending   Change
	depth     int

	exam        *exam.Exam
	views       [ViewportCount]viewport
	cursor      geom.Vec3
	pinned      *geom.Vec3
	focus       int
	maximised   int // viewport shown alone, −1 for none
	layout      Layout
	everywhere  bool // contours and map on every image
	linkCameras bool
	tool        Tool
	lastTool    Tool
	keys        Keymap
	kept        *overlays // what was shown before everything was hidden; nil while it is not
	extensions  []Extension
	private     bool // what names the patient is hidden

	windows map[string]render.Window // by Series.ID
	presets map[string][]Preset      // by Series.ID and role

	layer       Layer
	layerHidden bool
	contours    Contours
	hidden      bool // contours hidden by the toggle
	class       Class
	opacity     float64
	threshold   float64
	texts       Texts
	crosshair   bool

	predictions map[modelcard.Task]*inference.Prediction
	compared    map[modelcard.Task][ViewportCount]Compared
	fields      map[fieldKey]fieldValue

	reference       *Reference
	referenceHidden bool
	referenceFields map[Class]*volume.Volume
	offsets         map[string]geom.Vec3      // by Series.ID
	shifted         map[string]*volume.Volume // images displayed elsewhere, by Series.ID

	pointer pointer
	pressed pressed
}

// fieldKey names a map that is made of a prediction once.
type fieldKey struct {
	of    *inference.Prediction
	layer Layer
	class Class
}

type fieldValue struct {
	volume *volume.Volume
	high   float64
}

// New returns the state of an empty window: no exam, contour bands over the image, no map.
func New() *State {
	s := &State{
		maximised:   -1,
		linkCameras: true,
		contours:    Bands,
		class:       WG,
		opacity:     0.5,
		threshold:   0.1,
		crosshair:   true,
		keys:        DefaultKeymap(),
	}
	s.forgetExam()
	for v := range s.views {
		s.views[v].scale = 1
		s.views[v].camera.FieldMM = 200
	}
	return s
}

// forgetExam drops everything that belongs to the exam that was open.
func (s *State) forgetExam() {
	s.windows = map[string]render.Window{}
	s.presets = map[string][]Preset{}
	s.predictions = map[modelcard.Task]*inference.Prediction{}
	s.compared = map[modelcard.Task][ViewportCount]Compared{}
	s.reference, s.referenceFields = nil, map[Class]*volume.Volume{}
	s.offsets, s.shifted = map[string]geom.Vec3{}, map[string]*volume.Volume{}
	s.forgetFields()
	s.pinned = nil
	s.maximised, s.focus = -1, 0
	for v := range s.views {
		s.views[v].seriesID = ""
	}
}

// Exam returns the open exam, or nil.
func (s *State) Exam() *exam.Exam { return s.exam }

// SetExam shows an exam. Where it is the one already open with other series in its roles, the cursor,
// the cameras and those predictions stay whose input series are unchanged; otherwise all start anew.
// A nil exam empties the window.
func (s *State) SetExam(e *exam.Exam) {
	s.Update(func() {
		old := s.exam
		s.exam = e
		s.forgetFields()
		s.mark(ChangedExam | ChangedCursor | ChangedWindow | ChangedPrediction)
		if e != nil && old != nil && e.Key == old.Key {
			s.keepResults(old, e)
			return
		}
		s.forgetExam()
		s.mark(ChangedAll)
		if first := s.firstSeries(); first >= 0 {
			g := s.Volume(first).Grid()
			centre := g.Centre()
			s.cursor = onSlice(g, centre, SliceAt(g, centre).Index)
			s.fitAll(first)
			s.moveCamera(first, Camera{Centre: g.Centre(), FieldMM: min(s.views[first].camera.FieldMM, firstFieldMM)}, false)
		}
	})
}

// keepResults drops the results whose input series are others now.
func (s *State) keepResults(old, e *exam.Exam) {
	for task, p := range s.predictions {
		if !sameInputs(p.Card, old, e) {
			delete(s.predictions, task)
		}
	}
	for task, slots := range s.compared {
		for i, c := range slots {
			if c.Prediction != nil && !sameInputs(c.Prediction.Card, old, e) {
				slots[i].Prediction = nil
			}
		}
		s.compared[task] = slots
	}
	s.fixClass()
	s.mark(ChangedCompared)
}

// firstFieldMM is the field of view, mm, that an exam opens with where its slices are larger: the
// prostate lies in the middle of a prostate exam and is read at this size. [State.Fit] shows the whole slice.
const firstFieldMM = 130

// sameInputs reports whether a model's input series are the same in both states of an exam.
func sameInputs(card modelcard.Card, a, b *exam.Exam) bool {
	if a.Chosen(exam.T2W) != b.Chosen(exam.T2W) { // the grid of every model follows the T2W series
		return false
	}
	for _, c := range card.Recipe.Channels {
		if a.Chosen(c.ExamRole()) != b.Chosen(c.ExamRole()) {
			return false
		}
	}
	return true
}

// firstSeries returns the first viewport that has an image, or −1.
func (s *State) firstSeries() int {
	for v := range s.views {
		if s.Series(v) != nil {
			return v
		}
	}
	return -1
}

// Role returns the role of the series in a viewport: that of the viewport itself unless another
// series was put there, then the role of that series if it has one.
func (s *State) Role(v int) exam.Role {
	series := s.Series(v)
	if s.views[v].seriesID == "" || series == nil {
		return s.Content(v).Role
	}
	for role, c := range s.exam.Roles {
		if c.Series == series {
			return role
		}
	}
	return exam.RoleUnknown
}

// Series returns the series shown in a viewport, or nil where there is none with an image or the
// viewport shows histograms.
func (s *State) Series(v int) *exam.Series {
	if s.exam == nil || s.Content(v).Chart {
		return nil
	}
	series := s.exam.Chosen(s.Content(v).Role)
	if id := s.views[v].seriesID; id != "" {
		for _, other := range s.exam.Series {
			if other.ID == id {
				series = other
			}
		}
	}
	if series == nil || series.Volume == nil {
		return nil
	}
	return series
}

// CycleSeries shows the next (step +1) or previous (−1) series with an image in a viewport. It
// changes what is shown there, not the role of any series.
func (s *State) CycleSeries(v, step int) {
	if s.exam == nil {
		return
	}
	var usable []*exam.Series
	at := 0
	for _, series := range s.exam.Series {
		if series.Volume == nil {
			continue
		}
		if series == s.Series(v) {
			at = len(usable)
		}
		usable = append(usable, series)
	}
	if len(usable) == 0 {
		return
	}
	next := usable[((at+step)%len(usable)+len(usable))%len(usable)]
	s.views[v].seriesID = next.ID
	if next == s.exam.Chosen(s.Content(v).Role) {
		s.views[v].seriesID = ""
	}
	s.mark(ChangedLayout | ChangedWindow)
}

// Cursor returns the linked cursor, LPS mm.
func (s *State) Cursor() geom.Vec3 { return s.cursor }

// SetCursor moves the linked cursor to a world point (LPS mm); a point that is not finite is ignored.
func (s *State) SetCursor(world geom.Vec3) {
	if world.Finite() && world != s.cursor {
		s.cursor = world
		s.mark(ChangedCursor)
	}
}

// Pinned returns the voxel position (LPS mm) whose samples are shown; ok is false where none is pinned.
func (s *State) Pinned() (world geom.Vec3, ok bool) {
	if s.pinned == nil {
		return geom.Vec3{}, false
	}
	return *s.pinned, true
}

// Pin shows the samples at a world point (LPS mm).
func (s *State) Pin(world geom.Vec3) {
	if world.Finite() {
		s.pinned = &world
		s.mark(ChangedProbe)
	}
}

// JumpTo moves the cursor to a world point and pins it, as a click in the lesion list does. A
// viewport in which the point would be out of sight is moved so that it is in the middle.
func (s *State) JumpTo(world geom.Vec3) {
	s.Update(func() {
		s.SetCursor(world)
		s.Pin(world)
		for v := range s.views {
			if s.Series(v) != nil && s.views[v].size.W > 0 {
				x, y := s.Plane(v).Pixel(world, s.views[v].size.W, s.views[v].size.H)
				if x < 0 || y < 0 || x >= float64(s.views[v].size.W) || y >= float64(s.views[v].size.H) {
					s.moveCamera(v, Camera{Centre: world, FieldMM: s.views[v].camera.FieldMM}, false)
				}
			}
		}
	})
}

// Scroll moves the cursor by steps slices of the series in a viewport, positive towards the head
// (or left, or posterior); it stops at the ends of the stack.
func (s *State) Scroll(v, steps int) {
	if image := s.Volume(v); image != nil {
		g := image.Grid()
		s.GoToSlice(v, SliceAt(g, s.cursor).Index+steps*headward(g))
	}
}

// GoToSlice moves the cursor on to slice k, limited to the stack, of the series in a viewport.
func (s *State) GoToSlice(v, k int) {
	if image := s.Volume(v); image != nil {
		g := image.Grid()
		s.SetCursor(onSlice(g, s.cursor, min(max(k, 0), g.Size[2]-1)))
	}
}

// Focus returns the viewport that keys act on.
func (s *State) Focus() int { return s.focus }

// SetFocus makes keys act on a viewport.
func (s *State) SetFocus(v int) {
	if v >= 0 && v < ViewportCount && v != s.focus {
		s.focus = v
		if s.maximised >= 0 {
			s.maximised = v
		}
		s.mark(ChangedLayout)
	}
}

// Texts returns how much is written over the images.
func (s *State) Texts() Texts { return s.texts }

// Crosshair reports whether the cursor is drawn.
func (s *State) Crosshair() bool { return s.crosshair }
