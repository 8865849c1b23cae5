package viewer

import (
	"image/color"
	"math"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"bayeslice/viewer/viewstate"
)

// markLayer draws the marks of extensions over a viewport's image. Its objects are kept and used
// again, since making them costs more than moving them.
type markLayer struct {
	lines   []*canvas.Line
	circles []*canvas.Circle
	labels  []*imageText

	usedLines, usedCircles, usedLabels int
}

// spotSize is the diameter of a handle, logical pixels.
const spotSize = 7

// begin starts a new arrangement.
func (l *markLayer) begin() { l.usedLines, l.usedCircles, l.usedLabels = 0, 0, 0 }

// end hides what is left over; it reports whether objects were added, which the renderer must learn of.
func (l *markLayer) end(before int) (grown bool) {
	for _, o := range l.lines[l.usedLines:] {
		o.Hide()
	}
	for _, o := range l.circles[l.usedCircles:] {
		o.Hide()
	}
	for _, o := range l.labels[l.usedLabels:] {
		o.set("")
		o.show(false)
	}
	return l.count() > before
}

func (l *markLayer) count() int { return len(l.lines) + len(l.circles) + len(l.labels) }

// objects lists everything ever used, in painting order.
func (l *markLayer) objects() []fyne.CanvasObject {
	out := make([]fyne.CanvasObject, 0, l.count()+len(l.labels))
	for _, o := range l.lines {
		out = append(out, o)
	}
	for _, o := range l.circles {
		out = append(out, o)
	}
	for _, o := range l.labels {
		out = append(out, o.plate, o.text)
	}
	return out
}

func (l *markLayer) line(a, b fyne.Position, c color.Color, width float32) {
	if l.usedLines == len(l.lines) {
		l.lines = append(l.lines, canvas.NewLine(c))
	}
	o := l.lines[l.usedLines]
	l.usedLines++
	o.StrokeColor, o.StrokeWidth, o.Hidden = c, width, false
	o.Position1, o.Position2 = a, b
	o.Refresh()
}

func (l *markLayer) circle(at fyne.Position, radius float32, c, fill color.Color, width float32) {
	if l.usedCircles == len(l.circles) {
		l.circles = append(l.circles, canvas.NewCircle(color.Transparent))
	}
	o := l.circles[l.usedCircles]
	l.usedCircles++
	o.StrokeColor, o.StrokeWidth, o.FillColor, o.Hidden = c, width, fill, false
	place(o, at.X-radius, at.Y-radius, 2*radius, 2*radius)
	o.Refresh()
}

// label writes beside a point, within the viewport, and where there is room beside what is written there already.
func (l *markLayer) label(at fyne.Position, text string, c color.Color, within fyne.Size, written []*imageText) {
	if l.usedLabels == len(l.labels) {
		l.labels = append(l.labels, newImageText(textBody, c, true))
	}
	o := l.labels[l.usedLabels]
	written = append(written, l.labels[:l.usedLabels]...)
	l.usedLabels++
	o.text.Color = c
	o.set(text)
	o.show(true)
	size := o.text.MinSize()
	p := freePlace(at, size, within, func(at fyne.Position) bool {
		return !slices.ContainsFunc(written, func(t *imageText) bool { return t.under(at, size) })
	})
	o.place(p.X, p.Y, 0, 0)
	o.text.Refresh()
}

// freePlace returns where a label of a size stands beside a point: the first free place right of it above and below, then left
// of it, else the nearest anywhere; where none is free the first.
func freePlace(at fyne.Position, size, within fyne.Size, free func(fyne.Position) bool) fyne.Position {
	const beside, above, edge = 10, 4, 6
	end := fyne.NewPos(max(edge, within.Width-size.Width-edge), max(above, within.Height-size.Height-above))
	bounded := func(x, y float32) fyne.Position {
		return fyne.NewPos(min(max(x, edge), end.X), min(max(y, above), end.Y))
	}
	first := bounded(at.X+beside, at.Y-size.Height-above)
	for _, x := range []float32{at.X + beside, at.X - beside - size.Width} {
		for n := range 6 {
			away := float32(n) * size.Height / 2
			for _, y := range []float32{at.Y - above - size.Height - away, at.Y + above + away} {
				if p := bounded(x, y); free(p) {
					return p
				}
			}
		}
	}
	nearest, least := first, float32(math.Inf(1))
	for y := float32(above); y <= end.Y; y += above {
		for x := float32(edge); x <= end.X; x += edge {
			dx, dy := x-first.X, y-first.Y
			if d := dx*dx + dy*dy; d < least && free(fyne.NewPos(x, y)) {
				nearest, least = fyne.NewPos(x, y), d
			}
		}
	}
	return nearest
}

// arrangeMarks draws the marks of the viewport anew.
func (v *viewport) arrangeMarks(size fyne.Size) {
	before := v.marks.count()
	v.marks.begin()
	for _, m := range v.state.Marks(v.index) {
		v.arrangeMark(m, size)
	}
	if v.marks.end(before) {
		v.Refresh() // Fyne asks for the objects again
	}
}

// written are the texts of the viewport itself.
func (v *viewport) written() []*imageText {
	return slices.Concat(v.letters[:], v.note.lines[:], v.legend.ends[:], []*imageText{v.legend.what, v.title, v.patient, v.slice, v.zoom})
}

func (v *viewport) arrangeMark(m viewstate.Mark, size fyne.Size) {
	width := float32(m.Width)
	if width == 0 {
		width = 1.5
	}
	at := make([]fyne.Position, 0, len(m.Points))
	for _, world := range m.Points {
		x, y, ok := v.state.PositionOf(v.index, world)
		if !ok {
			return
		}
		at = append(at, fyne.NewPos(float32(x), float32(y)))
	}
	if len(at) == 0 {
		return
	}
	for i := 1; i < len(at); i++ {
		v.marks.line(at[i-1], at[i], m.Color, width)
	}
	if m.Closed && len(at) > 2 {
		v.marks.line(at[len(at)-1], at[0], m.Color, width)
	}
	switch {
	case m.Radius > 0:
		v.marks.circle(at[0], float32(m.Radius*v.state.PixelsPerMM(v.index)), m.Color, color.Transparent, width)
	case len(at) == 1 || m.Spots:
		for _, p := range at {
			v.marks.circle(p, spotSize/2, m.Color, color.Transparent, width)
		}
	}
	if m.Label != "" {
		v.marks.label(at[len(at)-1], m.Label, m.Color, size, v.written())
	}
}
