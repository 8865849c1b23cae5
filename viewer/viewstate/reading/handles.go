package reading

import (
	"errors"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/viewer/viewstate"
)

// How near to a handle or to a line, in logical pixels, a press takes hold of it.
const (
	handlePixels = 7
	linePixels   = 5
)

// wholeFigure is the part of a [grip] that moves everything at once.
const wholeFigure = -1

// grip is what of a measurement the mouse holds. The measurement stays in the list as it was until the mouse lets go.
type grip struct {
	id   int // ID of the measurement, 0 for none
	part int // a handle, as [Measurement.handles] numbers them, or wholeFigure
	kind viewstate.Grip
	was  Measurement
}

func (g grip) held() bool { return g.id != 0 }

// handles returns the points by which a measurement is changed, world LPS mm: the ends of its lines, or those of its figure.
func (m Measurement) handles() []geom.Vec3 {
	if m.Kind == Region {
		return m.Shape.Handles()
	}
	var out []geom.Vec3
	for _, l := range m.Lines {
		out = append(out, l.A, l.B)
	}
	return out
}

// GripAt implements [viewstate.Gripper].
func (r *Reading) GripAt(v int, x, y float64) viewstate.Grip {
	if r.draft.grab.held() {
		return r.draft.grab.kind
	}
	return r.gripAt(v, x, y).kind
}

// gripAt finds what a press would take hold of: a handle before a line, of the selected measurement before that of newer
// ones before that of older ones. While a tool draws, only measurements of its own kind have handles and none are moved
// whole, so that a new one may begin on an old one.
func (r *Reading) gripAt(v int, x, y float64) grip {
	g, k, ok := r.slice(v)
	tool := r.state.Tool()
	if !ok || r.pending() || len(r.draft.lines) > 0 || r.state.AllHidden() || tool != viewstate.Browse && !r.measures() {
		return grip{}
	}
	var all []Measurement
	for n := len(r.marks.list) - 1; n >= 0; n-- {
		m := r.marks.list[n]
		switch {
		case tool != viewstate.Browse && tool != drawnBy(m.Kind):
		case m.ID == r.selected:
			all = slices.Insert(all, 0, m)
		default:
			all = append(all, m)
		}
	}
	for _, m := range all {
		for part, p := range m.handles() {
			if onSlice(g, k, p) && (m.Kind != Region || m.ID == r.selected) && r.pixelsTo(v, p, x, y) <= handlePixels {
				return grip{m.ID, part, r.handleKind(v, m, part), m}
			}
		}
	}
	for _, m := range all {
		if tool == viewstate.Browse && r.lineAt(m, v, g, k, x, y) {
			return grip{m.ID, wholeFigure, viewstate.GripWhole, m}
		}
	}
	return grip{}
}

// drawnBy returns the tool that draws measurements of a kind.
func drawnBy(k Kind) viewstate.Tool {
	return map[Kind]viewstate.Tool{Distance: viewstate.Ruler, Ellipsoid: viewstate.Ellipsoid, Region: viewstate.Region, Darkest: viewstate.DarkestNine}[k]
}

// pixelsTo is how far a world point is drawn from a place in viewport v, logical pixels.
func (r *Reading) pixelsTo(v int, p geom.Vec3, x, y float64) float64 {
	px, py, ok := r.state.PositionOf(v, p)
	if !ok {
		return math.Inf(1)
	}
	return math.Hypot(px-x, py-y)
}

// handleKind is how a handle may go: the end of an ellipse's axis along it.
func (r *Reading) handleKind(v int, m Measurement, part int) viewstate.Grip {
	if m.Kind != Region || !m.Shape.IsEllipse() {
		return viewstate.GripPoint
	}
	x0, y0, _ := r.state.PositionOf(v, m.Shape.Centre())
	x1, y1, _ := r.state.PositionOf(v, m.Shape.Handles()[part])
	if math.Abs(x1-x0) >= math.Abs(y1-y0) {
		return viewstate.GripSideways
	}
	return viewstate.GripUpright
}

// lineAt reports whether a line of a measurement, as it is drawn on slice k of the grid in viewport v, passes at a place.
func (r *Reading) lineAt(m Measurement, v int, g geom.Grid, k int, x, y float64) bool {
	for _, mark := range r.marksOf(m, v, g, k) {
		points := mark.Points
		if mark.Closed {
			points = append(slices.Clone(points), points[0])
		}
		for n := 1; n < len(points); n++ {
			x0, y0, ok0 := r.state.PositionOf(v, points[n-1])
			x1, y1, ok1 := r.state.PositionOf(v, points[n])
			if ok0 && ok1 && points[n] != points[n-1] && toSegment(x-x0, y-y0, x1-x0, y1-y0) <= linePixels {
				return true
			}
		}
	}
	return false
}

// toSegment is the distance of (x, y) from the line between the origin and (dx, dy).
func toSegment(x, y, dx, dy float64) float64 {
	t := 0.0
	if n := dx*dx + dy*dy; n > 0 {
		t = min(max((x*dx+y*dy)/n, 0), 1)
	}
	return math.Hypot(x-t*dx, y-t*dy)
}

// grab takes hold of a measurement, and selects it.
func (r *Reading) grab(e viewstate.PointerEvent) bool {
	if !e.OK || e.Button != viewstate.Left || e.Mods != 0 {
		return false
	}
	g := r.gripAt(e.View, e.X, e.Y)
	if !g.held() {
		return false
	}
	from := e.World
	if g.part != wholeFigure {
		from = g.was.handles()[g.part]
	}
	r.draft = draft{tool: r.state.Tool(), view: e.View, active: true, from: from, to: from, grab: g}
	r.selected, r.message = g.id, ""
	r.tell()
	return true
}

// letGo leaves what was held where the mouse is; a click has only selected it.
func (r *Reading) letGo(clicked bool) {
	d := r.draft
	at := slices.IndexFunc(r.marks.list, func(m Measurement) bool { return m.ID == d.grab.id })
	if clicked || at < 0 || d.to == d.from { // it may have been deleted meanwhile
		r.draft = draft{tool: d.tool}
		return
	}
	m, err := r.dragged()
	r.draft = draft{tool: d.tool}
	if err == nil && m.Kind == Region {
		m, err = r.measuredAnew(m)
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.marks.last++ // a new value: what is shown is told from what was by its ID
	m.ID = r.marks.last
	list := slices.Clone(r.marks.list)
	list[at] = m
	r.selected = m.ID
	r.marks.set(list)
}

// measuredAnew measures a region's figure in the series that it was drawn on.
func (r *Reading) measuredAnew(m Measurement) (Measurement, error) {
	series := r.series(m.Series)
	if series == nil {
		return Measurement{}, errors.New(lang.T("The series that the region was drawn on is not in the exam any more: it stays as it was."))
	}
	return r.region(series, m.Shape)
}

// dragged returns the measurement that is held as the mouse has changed it. The values of a region are still those of before.
func (r *Reading) dragged() (Measurement, error) {
	d := r.draft
	m, by := d.grab.was, d.to.Sub(d.from)
	var err error
	switch {
	case m.Kind == Darkest:
		return Measurement{}, errors.New(lang.T("The darkest nine voxels stay where they are: delete them, and click elsewhere."))
	case m.Kind == Region && d.grab.part == wholeFigure:
		m.Shape, err = m.Shape.Moved(by)
	case m.Kind == Region:
		m.Shape, err = m.Shape.WithHandle(d.grab.part, d.to)
	case d.grab.part == wholeFigure:
		m.Lines = slices.Clone(m.Lines)
		for n, l := range m.Lines {
			m.Lines[n] = measure.Distance{A: l.A.Add(by), B: l.B.Add(by)}
		}
	default:
		return r.withEnd(m, d.grab.part, d.to)
	}
	return m, err
}

// withEnd moves one end of one line.
func (r *Reading) withEnd(m Measurement, part int, to geom.Vec3) (Measurement, error) {
	m.Lines = slices.Clone(m.Lines)
	l := m.Lines[part/2]
	if part%2 == 0 {
		l.A = to
	} else {
		l.B = to
	}
	l, err := measure.NewDistance(l.A, l.B)
	if err != nil {
		return Measurement{}, err
	}
	if l.MM() == 0 {
		return Measurement{}, errors.New(lang.T("A line needs two ends: it stays as it was."))
	}
	m.Lines[part/2] = l
	if m.Kind == Ellipsoid {
		mm := m.Ellipsoid.Diameters
		mm[part/2] = l.MM()
		if part/2 == 2 {
			mm[2] = r.through(l)
		}
		m.Ellipsoid, err = measure.NewEllipsoid(mm[0], mm[1], mm[2])
	}
	return m, err
}

// grabbedMarks draws what is held where the mouse has brought it: lines with their lengths, regions without values, which are
// measured when the mouse lets go.
func (r *Reading) grabbedMarks(v int, g geom.Grid, k int) []viewstate.Mark {
	m, err := r.dragged()
	if err != nil {
		m = r.draft.grab.was // it stays where it was
	}
	if m.Kind != Region {
		return r.marksOf(m, v, g, k)
	}
	if !onSlice(g, k, m.Shape.Centre()) {
		return nil
	}
	out := []viewstate.Mark{{Points: m.Shape.Outline(), Closed: true, Color: colorSelected, Width: 2}}
	return append(out, spots(m.handles(), colorSelected)...)
}
