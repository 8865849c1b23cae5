// Package reading is what a clinician does with the images, without a toolkit: measuring, fusing a second series over T2W,
// checking whether T2W and diffusion lie on each other, playing slices, marking key images, and reading the numbers of a
// result. A [Reading] is an extension of the window's state; all its methods run on the window's goroutine
// unless they say otherwise.
package reading

import (
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// Reading is the state of reading one exam. Make it with [New].
type Reading struct {
	viewstate.NoExtension
	state *viewstate.State
	exam  string // key of the exam that everything below belongs to

	marks     history
	selected  int // ID of a measurement, 0 for none
	draft     draft
	message   string // what the tool wants or could not do
	fusion    fusion
	inverted  map[string]bool // by Series.ID
	negatives negatives
	cine      bool
	cineBack  bool // the slices are played backwards
	keys      []KeyImage
	alignment alignment
	given     map[string]geom.Vec3 // by how much images are moved for the models, by Series.ID
	psa       string               // as typed
	results   results
}

var (
	_ viewstate.Extension = (*Reading)(nil)
	_ viewstate.Annotator = (*Reading)(nil)
	_ viewstate.Gripper   = (*Reading)(nil)
)

// New adds reading to a state.
func New(s *viewstate.State) *Reading {
	r := &Reading{state: s}
	r.forget()
	s.Extend(r)
	s.Listen(r.changed)
	return r
}

// forget drops what belongs to the exam that was open.
func (r *Reading) forget() {
	r.marks, r.selected, r.draft, r.message = history{}, 0, draft{}, ""
	r.fusion = fusion{opacity: defaultFusionOpacity}
	r.inverted, r.negatives = map[string]bool{}, negatives{}
	r.cine, r.cineBack, r.keys, r.psa = false, false, nil, ""
	r.alignment = alignment{asked: r.alignment.asked + 1} // an answer that is still under way is of another exam
	r.results, r.given = results{}, nil
}

// changed follows the state: another exam is read anew, and a tool that is left drops what it had begun.
func (r *Reading) changed(c viewstate.Change) {
	if c.Has(viewstate.ChangedExam) {
		key := ""
		if e := r.state.Exam(); e != nil {
			key = e.Key
		}
		if key != r.exam {
			r.exam = key
			r.forget()
		}
		r.dropLostSeries()
		r.dropOtherCheck()
	}
	if c.Has(viewstate.ChangedTool|viewstate.ChangedLayout) && r.draft.tool != r.state.Tool() {
		r.draft, r.message = draft{}, ""
	}
}

// dropLostSeries forgets choices of series that the exam does not have any more.
func (r *Reading) dropLostSeries() {
	if r.fusion.series != "" && r.series(r.fusion.series) == nil {
		r.fusion.series = ""
	}
}

// series returns a series of the exam that has an image, by its ID, or nil.
func (r *Reading) series(id string) *exam.Series {
	e := r.state.Exam()
	if e == nil {
		return nil
	}
	for _, s := range e.Series {
		if s.ID == id && s.Volume != nil {
			return s
		}
	}
	return nil
}

// chosen returns the series in a role, or nil.
func (r *Reading) chosen(role exam.Role) *exam.Series {
	if e := r.state.Exam(); e != nil {
		return e.Chosen(role)
	}
	return nil
}

// tell reports a change of marks, lists or messages, which need no new picture.
func (r *Reading) tell() { r.state.Notify(viewstate.ChangedMarks) }

// redraw reports a change of what is drawn.
func (r *Reading) redraw() { r.state.Notify(viewstate.ChangedLayer | viewstate.ChangedMarks) }

// Message returns what the active tool wants next, or why it could not do what was asked; "" for nothing.
func (r *Reading) Message() string {
	if r.message != "" {
		return r.message
	}
	return r.hint()
}

// Apply implements [viewstate.Extension].
func (r *Reading) Apply(c viewstate.Command) bool {
	if r.state.Exam() == nil {
		return false
	}
	switch c {
	case viewstate.Cine:
		r.SetCine(!r.cine)
	case viewstate.KeyImage:
		r.ToggleKeyImage()
	case viewstate.InvertGreys:
		r.ToggleInverted(r.state.Focus())
	case viewstate.AutoWindow:
		return r.autoWindow(r.state.Focus())
	case viewstate.LessOpacity, viewstate.MoreOpacity:
		return r.stepFusion(c == viewstate.MoreOpacity)
	default:
		return r.applyToMarks(c)
	}
	return true
}

// applyToMarks carries out what concerns measurements. Editing labels has its own undo.
func (r *Reading) applyToMarks(c viewstate.Command) bool {
	if r.state.Mode() == viewstate.EditMode {
		return false
	}
	switch c {
	case viewstate.Undo:
		return r.Undo()
	case viewstate.Redo:
		return r.Redo()
	case viewstate.DeleteLast:
		return r.deleteLast()
	case viewstate.Accept:
		return r.closePolygon()
	case viewstate.Reject:
		return r.dropDraft()
	}
	return false
}

// Decorate implements [viewstate.Extension].
func (r *Reading) Decorate(v int, scene *render.Scene) {
	r.invert(v, scene)
	r.fuse(v, scene)
}

// Note implements [viewstate.Annotator].
func (r *Reading) Note(v int) string { return r.noteIn(v) }

// slice returns the slice that viewport v shows, and its grid; ok is false where it shows none.
func (r *Reading) slice(v int) (g geom.Grid, k int, ok bool) {
	image := r.state.Volume(v)
	if image == nil {
		return geom.Grid{}, 0, false
	}
	g = image.Grid()
	return g, viewstate.SliceAt(g, r.state.Cursor()).Index, true
}
