package reading

import (
	"errors"
	"math"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// draft is what a tool has begun.
type draft struct {
	tool   viewstate.Tool
	view   int
	box    bool               // a window box by Ctrl, whatever the tool
	active bool               // a line or a box has its first end
	fresh  bool               // the press under way set the first end
	from   geom.Vec3          // first end
	to     geom.Vec3          // where the mouse is
	lines  []measure.Distance // of an ellipsoid so far
	points []geom.Vec3        // corners of a polygon so far
	grab   grip               // what of a measurement is being moved
}

// Point implements [viewstate.Extension]: the left button of the measuring tools, and a box drawn with Ctrl.
func (r *Reading) Point(e viewstate.PointerEvent) bool {
	switch e.Kind {
	case viewstate.PointerDown:
		return r.press(e)
	case viewstate.PointerDrag:
		r.move(e)
	case viewstate.PointerUp:
		r.release(e)
	case viewstate.PointerHover:
		if r.pending() {
			r.move(e)
		}
		return false // the cursor may follow as well
	case viewstate.PointerDouble:
		return r.measures() && (r.closePolygon() || true) // no view is maximised by two quick clicks of a tool
	case viewstate.PointerCancel:
		if len(r.draft.lines)+len(r.draft.points) == 0 {
			r.draft = draft{tool: r.state.Tool()}
		}
		r.draft.active = false
		r.tell()
	case viewstate.PointerWheel:
		return false
	}
	return true
}

// measures reports whether the active tool is one of this package.
func (r *Reading) measures() bool {
	t := r.state.Tool()
	return t >= viewstate.WindowRegion && t <= viewstate.DarkestNine
}

// pending reports whether a line or polygon waits for its next point.
func (r *Reading) pending() bool { return r.draft.active || len(r.draft.points) > 0 }

// press begins a line, a box or a figure.
func (r *Reading) press(e viewstate.PointerEvent) bool {
	if r.grab(e) {
		return true
	}
	box := e.Mods == viewstate.Ctrl && r.state.Mode() == viewstate.ViewMode
	if e.Button != viewstate.Left || !e.OK || !box && (!r.measures() || e.Mods != 0) {
		return false
	}
	d := &r.draft
	if d.tool != r.state.Tool() {
		*d = draft{tool: r.state.Tool()}
	}
	r.message = ""
	d.view, d.box, d.to = e.View, box, e.World
	if d.fresh = !d.active || d.box || !r.drawsLines(); d.fresh {
		d.active, d.from = true, e.World
	}
	r.tell()
	return true
}

// drawsLines reports whether the active tool draws lines, which may be set by two clicks.
func (r *Reading) drawsLines() bool {
	return r.state.Tool() == viewstate.Ruler || r.state.Tool() == viewstate.Ellipsoid
}

// move follows the mouse.
func (r *Reading) move(e viewstate.PointerEvent) {
	if !e.OK {
		return
	}
	r.draft.to = e.World
	r.tell()
}

// release ends a press: a drag is a whole line or figure, a click one of its points.
func (r *Reading) release(e viewstate.PointerEvent) {
	d := &r.draft
	if !e.OK { // the viewport shows something else by now
		d.active, d.grab = false, grip{}
	}
	if !d.active {
		return
	}
	d.to = e.World
	switch tool := r.state.Tool(); {
	case d.grab.held():
		r.letGo(e.Clicked)
	case d.box || tool == viewstate.WindowRegion:
		d.active, d.box = false, false
		if !e.Clicked {
			r.windowTo(d.view, d.from, d.to)
		}
	case tool == viewstate.DarkestNine:
		d.active = false
		r.darkest(d.to)
	case tool == viewstate.Region:
		d.active = false
		r.figure(e.Clicked)
	case e.Clicked && d.fresh: // the first click of a line: the next one ends it
	default:
		d.active = false
		r.line()
	}
	r.tell()
}

// line ends a line: a distance, or the next diameter of an ellipsoid.
func (r *Reading) line() {
	d := &r.draft
	l, err := measure.NewDistance(d.from, d.to)
	if err != nil || l.MM() == 0 {
		r.fail(err)
		return
	}
	if r.state.Tool() == viewstate.Ruler {
		r.add(Measurement{Kind: Distance, Lines: []measure.Distance{l}})
		return
	}
	d.lines = append(d.lines, l)
	if len(d.lines) < 3 {
		return
	}
	lines := d.lines
	*d = draft{tool: d.tool}
	e, err := measure.NewEllipsoid(lines[0].MM(), lines[1].MM(), r.through(lines[2]))
	if err != nil {
		r.fail(err)
		return
	}
	r.add(Measurement{Kind: Ellipsoid, Lines: lines, Ellipsoid: e})
}

// through returns the cranio-caudal diameter: the length of a line within one slice, as on a sagittal image, or its extent along the
// slice normal where its ends lie on different slices.
func (r *Reading) through(l measure.Distance) float64 {
	g, _, ok := r.slice(r.draft.view)
	if !ok {
		return l.MM()
	}
	if across := math.Abs(l.B.Sub(l.A).Dot(g.Normal())); across > g.Spacing[2]/2 {
		return across
	}
	return l.MM()
}

// figure ends a region: a dragged ellipse is measured at once, a click is a corner of a polygon.
func (r *Reading) figure(clicked bool) {
	d := &r.draft
	if clicked || len(d.points) > 0 {
		d.points = append(d.points, d.to)
		return
	}
	shape, err := r.ellipse(d.view, d.from, d.to)
	if err != nil {
		r.fail(err)
		return
	}
	r.measureFigure(d.view, shape)
}

// ellipse returns the ellipse in the box between two corners, upright on the screen.
func (r *Reading) ellipse(v int, a, b geom.Vec3) (measure.Shape, error) {
	p := r.state.Plane(v)
	half := b.Sub(a).Scale(0.5)
	return measure.Ellipse(a.Add(half), p.Right.Scale(half.Dot(p.Right)), p.Down.Scale(half.Dot(p.Down)))
}

// measureFigure measures a figure drawn in a viewport.
func (r *Reading) measureFigure(v int, shape measure.Shape) {
	series := r.state.Series(v)
	if series == nil {
		r.message = lang.T("The view that was drawn in shows no image any more: draw the region again.")
		return
	}
	m, err := r.region(series, shape)
	if err != nil {
		r.fail(err)
		return
	}
	r.add(m)
}

// closePolygon measures the polygon that is being drawn; false where there is none.
func (r *Reading) closePolygon() bool {
	d := &r.draft
	if len(d.points) == 0 {
		return false
	}
	points := d.points
	for n := len(points); n > 1 && points[n-1].Sub(points[n-2]).Norm() < 1e-6; n-- {
		points = points[:n-1] // a double click sets its corner twice
	}
	view := d.view
	shape, err := measure.Polygon(points)
	if err != nil {
		r.fail(err)
		return true
	}
	*d = draft{tool: d.tool}
	r.measureFigure(view, shape)
	r.tell()
	return true
}

// dropDraft forgets what a tool has begun, then ends the tool; false where there is neither.
func (r *Reading) dropDraft() bool {
	switch {
	case r.draft.active || len(r.draft.points)+len(r.draft.lines) > 0:
		r.draft, r.message = draft{tool: r.state.Tool()}, ""
		r.tell()
	case r.measures():
		r.state.SetTool(viewstate.Browse)
	case r.selected != 0:
		r.selected = 0
		r.tell()
	default:
		return false
	}
	return true
}

// darkest measures the nine darkest voxels of the ADC map near a point.
func (r *Reading) darkest(at geom.Vec3) {
	adc := r.chosen(exam.ADC)
	if adc == nil || adc.Volume == nil {
		r.message = lang.T("This exam has no ADC map: choose one under Exam.")
		return
	}
	m, err := r.nine(adc, at, measure.DarkestRadiusMM)
	if err != nil {
		r.fail(err)
		return
	}
	r.add(m)
}

// windowTo sets the grey window of a viewport's series from a box on its slice.
func (r *Reading) windowTo(v int, a, b geom.Vec3) {
	p := r.state.Plane(v)
	w, ok := render.BoxWindow(r.state.Volume(v), a, b, p.Right, p.Down)
	if !ok {
		r.message = lang.T("The box holds one grey level: draw it over different tissues.")
		return
	}
	r.state.SetWindow(v, w)
}

// fail says why something could not be measured.
func (r *Reading) fail(err error) {
	switch {
	case err == nil:
		r.message = ""
	case errors.Is(err, measure.ErrMeasure):
		r.message = lang.T("Not measured: %s.", reason(err))
	default:
		r.message = err.Error()
	}
}

// hint says what the active tool wants next.
func (r *Reading) hint() string {
	d := r.draft
	switch r.state.Tool() {
	case viewstate.WindowRegion:
		return lang.T("Drag a box: its greys fill the window (percentiles 1 to 99).")
	case viewstate.Ruler:
		if d.active {
			return lang.T("Click the other end, on any slice.")
		}
		return lang.T("Drag a line, or click both ends, on any slice.")
	case viewstate.Ellipsoid:
		return [...]lang.Text{
			lang.Mark("1 of 3: draw the transverse diameter."),
			lang.Mark("2 of 3: draw the anterior-posterior diameter."),
			lang.Mark("3 of 3: draw the cranio-caudal diameter: click on the highest slice, scroll, click on the lowest."),
		}[min(len(d.lines), 2)].String()
	case viewstate.Region:
		if len(d.points) > 0 {
			return lang.T("Click the corners; Enter or double click closes, Backspace takes the last one back.")
		}
		return lang.T("Drag an ellipse, or click the corners of a polygon.")
	case viewstate.Browse:
		if r.selected != 0 {
			return lang.T("Drag the handles or the line of a measurement to change it. Delete removes the selected one, Escape lets go of it.")
		}
	case viewstate.DarkestNine:
		return lang.T("Click near the darkest spot: the 3 × 3 ADC voxels of lowest mean within 5 mm are measured.")
	}
	return ""
}
