package edit

import (
	"context"
	"math"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/viewer/viewstate"
)

// Worker does work off the window's goroutine.
type Worker interface {
	// Submit hands over a work. What it returns, unless nil, is called on the window's goroutine. ctx ends with
	// the window, and when a later work of the kind comes.
	Submit(kind string, work func(ctx context.Context) (done func()))
}

// Editor is an extension of a [viewstate.State]. Make it with [New].
type Editor struct {
	viewstate.NoExtension
	s      *viewstate.State
	worker Worker

	doc   *annotate.Document // nil without a T2W image
	label annotate.Label
	brush struct {
		radius float64 // mm
		sphere bool
	}
	smoothing float64 // σ in mm

	stroke  *annotate.Stroke // in progress, or nil
	outline outline
	hover   hover
	preview *annotate.Proposal
	busy    annotate.Op // being computed off the goroutine, 0 for none
	note    Note
	trouble error // why autosaving does not work, nil where it does
	kept    bool  // a journal is attached

	slice, cameFrom int // shown slice of the T2W image, and the one before
	fields          fieldCache
}

// hover is where the mouse is, for the circle of the brush.
type hover struct {
	view   int
	at     geom.Vec3
	erases bool
	inside bool
}

// Note is what happened last, as a sentence.
type Note struct {
	Text    string
	Warning bool // something was asked for and not done
}

// New returns an editor and makes it an extension of s.
func New(s *viewstate.State, w Worker) *Editor {
	e := &Editor{s: s, worker: w, label: annotate.PZ, smoothing: 1, slice: -1, cameFrom: -1}
	e.brush.radius = 3
	s.Extend(e)
	s.Listen(e.follow)
	return e
}

// follow keeps track of the shown slice, and ends what belongs to a tool or an exam that is gone.
func (e *Editor) follow(c viewstate.Change) {
	if c.Has(viewstate.ChangedCursor|viewstate.ChangedExam) && e.doc != nil {
		if k := viewstate.SliceAt(e.doc.Grid(), e.s.Cursor()).Index; k != e.slice {
			e.cameFrom, e.slice = e.slice, k
		}
	}
	if c.Has(viewstate.ChangedTool) {
		e.endStroke()
		e.outline.drop()
	}
}

// Grid returns the grid on which contours of the open exam are drawn; ok is false without a T2W image.
func (e *Editor) Grid() (g geom.Grid, ok bool) {
	if x := e.s.Exam(); x != nil {
		return x.ReferenceGrid()
	}
	return geom.Grid{}, false
}

// SetDocument makes a document, which may be nil, the one that is edited, and returns the one before. The
// new one must lie on the grid of the open exam's T2W image; kept says whether it writes to a journal.
func (e *Editor) SetDocument(d *annotate.Document, kept bool) (old *annotate.Document) {
	e.endStroke()
	e.stop()
	old = e.doc
	e.doc, e.kept, e.trouble = d, kept, nil
	e.outline.drop()
	e.preview, e.note = nil, Note{}
	e.fields = fieldCache{}
	e.slice, e.cameFrom = -1, -1
	e.follow(viewstate.ChangedExam)
	e.s.Notify(viewstate.ChangedLabels | viewstate.ChangedMarks)
	return old
}

// Fits reports whether the document belongs to the open exam as it is.
func (e *Editor) Fits() bool {
	g, ok := e.Grid()
	return ok && e.doc != nil && e.doc.Grid() == g
}

// Open reports whether there is a document to draw into.
func (e *Editor) Open() bool { return e.doc != nil }

// Snapshot returns the contours as they are, nil where nothing is open.
func (e *Editor) Snapshot() *annotate.Snapshot {
	if e.doc == nil {
		return nil
	}
	return e.doc.Snapshot()
}

// Unsaved reports whether contours were changed since they were last saved.
func (e *Editor) Unsaved() bool { return e.doc != nil && e.doc.Unsaved() }

// MarkSaved notes that a snapshot is on the disk.
func (e *Editor) MarkSaved(s *annotate.Snapshot, text string) {
	if e.doc != nil {
		e.doc.MarkSaved(s)
		e.say(text)
	}
}

// WantsJournal reports whether something is or will soon be drawn that is not written down yet.
func (e *Editor) WantsJournal() bool {
	if e.doc == nil || e.kept {
		return false
	}
	return e.s.Tool().Edits() || e.doc.Unsaved()
}

// Keep gives the document a journal. It fails as [annotate.Document.Keep] does.
func (e *Editor) Keep(j *annotate.Journal) error {
	if err := e.doc.Keep(j); err != nil {
		return err
	}
	e.kept = true
	return nil
}

// SetTrouble tells why autosaving does not work, or with nil that it does.
func (e *Editor) SetTrouble(err error) {
	e.trouble = err
	e.s.Notify(viewstate.ChangedMarks)
}

// Trouble returns why autosaving does not work, nil where it does.
func (e *Editor) Trouble() error { return e.trouble }

// Label returns the structure that is drawn.
func (e *Editor) Label() annotate.Label { return e.label }

// SetLabel chooses the structure that is drawn.
func (e *Editor) SetLabel(l annotate.Label) {
	if l < annotate.WG || l > annotate.CsPCa || l == e.label {
		return
	}
	e.endStroke()
	e.label = l
	e.s.Notify(viewstate.ChangedLabels | viewstate.ChangedMarks)
}

// Radii that the window offers, mm.
const (
	MinRadius = 0.3
	MaxRadius = 20
)

// Radius returns the radius of the brush, mm.
func (e *Editor) Radius() float64 { return e.brush.radius }

// SetRadius sets the radius of the brush, mm, limited to [MinRadius]…[MaxRadius] in steps of 0.1.
func (e *Editor) SetRadius(mm float64) {
	if mm-mm != 0 {
		return
	}
	mm = math.Round(10*min(max(mm, MinRadius), MaxRadius)) / 10
	if mm != e.brush.radius {
		e.brush.radius = mm
		e.s.Notify(viewstate.ChangedMarks)
	}
}

// RadiusAt returns the radius, mm, at a share 0…1 of the way from [MinRadius] to [MaxRadius] on a scale on
// which equal ways are equal factors.
func RadiusAt(share float64) float64 { return MinRadius * math.Pow(MaxRadius/MinRadius, share) }

// RadiusShare is the inverse of [RadiusAt].
func RadiusShare(mm float64) float64 { return math.Log(mm/MinRadius) / math.Log(MaxRadius/MinRadius) }

// radiusStep is by what one step of the wheel or of a key makes the brush larger.
const radiusStep = 1.2

// stepRadius makes the brush larger (n > 0) or smaller by n steps, each of a tenth of a millimetre at least.
func (e *Editor) stepRadius(n int) {
	mm := e.brush.radius * math.Pow(radiusStep, float64(n))
	if math.Abs(mm-e.brush.radius) < 0.1 {
		mm = e.brush.radius + math.Copysign(0.1, float64(n))
	}
	e.SetRadius(mm)
}

// Sphere reports whether the brush is a ball that reaches into neighbouring slices.
func (e *Editor) Sphere() bool { return e.brush.sphere }

// SetSphere makes the brush a ball, or a disc.
func (e *Editor) SetSphere(on bool) {
	e.brush.sphere = on
	e.s.Notify(viewstate.ChangedMarks)
}

// Smoothing returns the standard deviation with which contours are smoothed, mm.
func (e *Editor) Smoothing() float64 { return e.smoothing }

// SetSmoothing sets the standard deviation with which contours are smoothed, mm.
func (e *Editor) SetSmoothing(mm float64) {
	if mm-mm == 0 {
		e.smoothing = math.Round(10*min(max(mm, 0.5), 4)) / 10
		e.s.Notify(viewstate.ChangedMarks)
	}
}

// Note returns what happened last.
func (e *Editor) Note() Note { return e.note }

// Tell shows a sentence as what happened last; "" shows none.
func (e *Editor) Tell(text string) { e.say(text) }

func (e *Editor) say(text string) {
	e.note = Note{Text: text}
	e.s.Notify(viewstate.ChangedLabels | viewstate.ChangedMarks)
}

func (e *Editor) warn(text string) {
	e.note = Note{Text: text, Warning: true}
	e.s.Notify(viewstate.ChangedMarks)
}

// Preview returns the step that waits to be accepted, with sentences about it; ok is false where none does.
func (e *Editor) Preview() (text string, notes []string, ok bool) {
	if e.preview == nil {
		return "", nil, false
	}
	return ActionText(e.preview.Action()), noteTexts(e.preview), true
}

// Stroke returns the viewport in which a stroke is being drawn; ok is false where none is. While it is, the others
// need not be drawn anew: they follow when it ends.
func (e *Editor) Stroke() (view int, ok bool) { return e.hover.view, e.stroke != nil }

// Drawing returns how many corners the unfinished polygon has, 0 where there is none.
func (e *Editor) Drawing() int { return len(e.outline.points) }
