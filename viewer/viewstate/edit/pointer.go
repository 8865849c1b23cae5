package edit

import (
	"math"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// Point implements [viewstate.Extension]: brush, eraser, polygon and lasso.
func (e *Editor) Point(p viewstate.PointerEvent) bool {
	if e.doc == nil || !e.s.Tool().Edits() {
		e.hover.inside = false
		return false
	}
	switch p.Kind {
	case viewstate.PointerHover:
		e.moveHover(p)
		return false // Shift still moves the cursor
	case viewstate.PointerWheel:
		if p.Mods != viewstate.Shift || !e.round() {
			return false
		}
		e.stepRadius(p.Notches)
		return true
	case viewstate.PointerDouble:
		return e.double()
	case viewstate.PointerDown:
		return e.down(p)
	case viewstate.PointerDrag:
		e.drag(p)
	case viewstate.PointerUp, viewstate.PointerCancel:
		e.up(p)
	}
	return true
}

// Leave tells that the mouse has left the images.
func (e *Editor) Leave() {
	if e.hover.inside {
		e.hover.inside = false
		e.s.Notify(viewstate.ChangedMarks)
	}
}

// round reports whether the active tool has a radius.
func (e *Editor) round() bool {
	return e.s.Tool() == viewstate.Brush || e.s.Tool() == viewstate.Eraser
}

// erases tells whether a press erases: the eraser, or the right button; Ctrl turns it round.
func (e *Editor) erases(b viewstate.Button, m viewstate.Mods) bool {
	return (e.s.Tool() == viewstate.Eraser || b == viewstate.Right) != (m&viewstate.Ctrl != 0)
}

func modeOf(erases bool) annotate.Mode {
	if erases {
		return annotate.Erase
	}
	return annotate.Add
}

func (e *Editor) moveHover(p viewstate.PointerEvent) {
	e.hover = hover{view: p.View, at: p.World, erases: e.erases(p.Button, p.Mods), inside: p.OK}
	e.s.Notify(viewstate.ChangedMarks)
}

// parallel is the cosine from which on two slice normals count as one direction.
const parallel = 0.999

// where returns the slice and the place in it that a mouse event is at. Where nothing can be drawn there,
// ok is false and why says so.
func (e *Editor) where(p viewstate.PointerEvent) (k int, at annotate.Point, why string, ok bool) {
	image := e.s.Volume(p.View)
	if !p.OK || image == nil {
		return 0, at, "", false
	}
	g := e.doc.Grid()
	if math.Abs(image.Grid().Normal().Dot(g.Normal())) < parallel {
		return 0, at, lang.T("Contours are drawn on images that are parallel to the T2W slices."), false
	}
	s := viewstate.SliceAt(g, p.World)
	if !s.Inside {
		return 0, at, lang.T("This slice lies beyond the T2W image, on which contours are drawn."), false
	}
	v := g.Voxel(p.World)
	return s.Index, annotate.Point{I: v[0], J: v[1]}, "", true
}

// down begins a stroke or an outline. Presses that are nothing to it are left to others: with Alt, which
// shows the samples at a voxel, and of other buttons.
func (e *Editor) down(p viewstate.PointerEvent) bool {
	if p.Mods&viewstate.Alt != 0 || p.Button != viewstate.Left && p.Button != viewstate.Right {
		return false
	}
	k, at, why, ok := e.where(p)
	if !ok {
		if why != "" {
			e.warn(why)
		}
		return why != ""
	}
	e.dropPreview()
	if mode, hidden := e.s.Contours(); hidden {
		e.s.SetContours(mode) // nobody draws what cannot be seen
	}
	e.moveHover(p)
	if !e.round() {
		return e.corner(p, k, at)
	}
	stroke, err := e.doc.Begin(annotate.Brush{Label: e.label, Mode: modeOf(e.erases(p.Button, p.Mods)),
		RadiusMM: e.brush.radius, Sphere: e.brush.sphere}, k, at)
	if err != nil {
		e.refuse(err)
		return true
	}
	e.stroke = stroke
	e.s.Notify(viewstate.ChangedLabels | viewstate.ChangedMarks)
	return true
}

func (e *Editor) drag(p viewstate.PointerEvent) {
	erases := e.hover.erases
	if p.OK {
		e.hover = hover{view: p.View, at: p.World, erases: erases, inside: true}
	}
	v := e.doc.Grid().Voxel(p.World)
	at := annotate.Point{I: v[0], J: v[1]}
	changed := viewstate.ChangedMarks
	switch {
	case !p.OK:
	case e.stroke != nil:
		before := e.doc.Revision()
		e.stroke.To(at)
		if e.doc.Revision() != before {
			changed |= viewstate.ChangedLabels
		}
	case e.outline.free:
		e.outline.add(at, p.World)
	}
	e.s.Notify(changed)
}

// up ends a stroke or a lasso. A press whose release was not seen ends it too: what was drawn stays, and can
// be undone.
func (e *Editor) up(p viewstate.PointerEvent) {
	switch {
	case e.stroke != nil:
		e.endStroke()
	case e.outline.free:
		if p.Kind == viewstate.PointerUp && p.OK {
			e.drag(p)
		}
		e.closeOutline()
	}
}

// endStroke makes the stroke in progress a step of history.
func (e *Editor) endStroke() {
	if e.stroke == nil {
		return
	}
	stroke := e.stroke
	e.stroke = nil
	if a, err := stroke.End(); err == nil {
		e.say(ActionText(a))
		return
	}
	e.note = Note{} // it drew nothing new, which is no news
	e.s.Notify(viewstate.ChangedLabels)
}

// double keeps quick dabs from enlarging the view, and closes a polygon.
func (e *Editor) double() bool {
	if e.s.Tool() == viewstate.Polygon {
		e.closeOutline()
	}
	return true
}

// outline is a polygon or lasso in progress.
type outline struct {
	points []annotate.Point
	world  []geom.Vec3
	k      int
	mode   annotate.Mode
	free   bool // a lasso
}

func (o *outline) drop() { *o = outline{} }

func (o *outline) add(p annotate.Point, world geom.Vec3) {
	if n := len(o.points); n > 0 && o.points[n-1] == p || n == annotate.MaxPoints {
		return
	}
	o.points, o.world = append(o.points, p), append(o.world, world)
}

// closeDistance is how near, in logical pixels, a click must be to the first corner to close the polygon.
const closeDistance = 9

// corner adds a corner of the polygon, or begins a lasso.
func (e *Editor) corner(p viewstate.PointerEvent, k int, at annotate.Point) bool {
	o := &e.outline
	lasso := e.s.Tool() == viewstate.Lasso
	if len(o.points) > 0 && (k != o.k || lasso) {
		if !lasso {
			e.warn(lang.T("The polygon lies in slice %d: close it with Enter, or drop it with Esc.", o.k+1))
			return true
		}
		o.drop()
	}
	if len(o.points) == 0 {
		*o = outline{k: k, mode: modeOf(e.erases(p.Button, p.Mods)), free: lasso}
	} else if x, y, ok := e.s.PositionOf(p.View, o.world[0]); ok && len(o.points) > 2 && math.Hypot(x-p.X, y-p.Y) < closeDistance {
		e.closeOutline()
		return true
	}
	o.add(at, p.World)
	e.note = Note{}
	e.s.Notify(viewstate.ChangedMarks)
	return true
}

// closeOutline fills the polygon or lasso in progress.
func (e *Editor) closeOutline() {
	o := e.outline
	if len(o.points) == 0 {
		return
	}
	if !o.free && len(o.points) < 3 {
		e.warn(lang.T("A polygon needs three corners or more."))
		return
	}
	e.outline.drop()
	op := annotate.OpPolygon
	if o.free {
		op = annotate.OpLasso
		if len(o.points) < 3 { // a click
			e.s.Notify(viewstate.ChangedMarks)
			return
		}
	}
	e.done(e.doc.Fill(op, e.label, o.mode, o.k, o.points))
}
