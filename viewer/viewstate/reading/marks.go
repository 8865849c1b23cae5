package reading

import (
	"image/color"
	"math"
	"strconv"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// Colours of measurements: light green on black, which no zone has, and white when selected.
var (
	colorMark     = color.NRGBA{R: 190, G: 235, B: 120, A: 255}
	colorSelected = color.NRGBA{R: 245, G: 245, B: 245, A: 255}
)

// Marks implements [viewstate.Extension].
func (r *Reading) Marks(v int) []viewstate.Mark {
	g, k, ok := r.slice(v)
	if !ok || r.state.AllHidden() {
		return nil
	}
	var out []viewstate.Mark
	for _, m := range r.marks.list {
		if r.draft.grab.id != m.ID {
			out = append(out, r.marksOf(m, v, g, k)...)
		}
	}
	out = append(out, r.candidateMarks(v, g, k)...)
	return append(out, r.draftMarks(v, g, k)...)
}

// candidateMarks numbers the candidates of the list at their peaks, where the result's contours are drawn.
func (r *Reading) candidateMarks(v int, g geom.Grid, k int) []viewstate.Mark {
	content := r.state.Content(v)
	mode, hidden := r.state.Contours()
	p := r.state.Prediction(modelcard.Diagnosis)
	if p == nil || !content.Lines || content.Slot != viewstate.OwnResult || hidden || mode == viewstate.NoContours {
		return nil
	}
	var out []viewstate.Mark
	for _, l := range p.Lesions {
		if onSlice(g, k, l.PeakWorld) {
			out = append(out, viewstate.Mark{Points: []geom.Vec3{l.PeakWorld, l.PeakWorld}, Color: viewstate.CsPCa.Color(), Label: strconv.Itoa(l.ID)})
		}
	}
	return out
}

// onSlice reports whether a point belongs to slice k of a grid: it lies within half a slice of it.
func onSlice(g geom.Grid, k int, p geom.Vec3) bool {
	return math.Abs(g.Voxel(p)[2]-float64(k)) <= 0.5+1e-6
}

// marksOf draws a measurement on slice k of the grid in viewport v.
func (r *Reading) marksOf(m Measurement, v int, g geom.Grid, k int) []viewstate.Mark {
	c, width := colorMark, 1.5
	if m.ID == r.selected {
		c, width = colorSelected, 2
	}
	if len(m.Lines) == 0 {
		if !onSlice(g, k, m.Shape.Centre()) {
			return nil
		}
		outline := m.Shape.Outline()
		out := []viewstate.Mark{{Points: outline, Closed: true, Color: c, Width: width}}
		if m.ID == r.selected {
			out = append(out, spots(m.handles(), c)...)
		}
		return append(out, label(outline, shortText(m, r.state.Series(v).ID), c))
	}
	var out []viewstate.Mark
	for n, l := range m.Lines {
		text := lengthText(l.MM())
		if m.Kind == Ellipsoid {
			text = ellipsoidText(m, n)
		}
		out = append(out, lineMarks(l, g, k, text, c, width)...)
	}
	return out
}

// ellipsoidText labels one diameter, the first one with the volume.
func ellipsoidText(m Measurement, n int) string {
	text := lengthText(m.Ellipsoid.Diameters[n])
	if n == 0 {
		text += " · " + m.Text()
	}
	return text
}

// shortText is the label of a figure over a series: its own value, or the first with the name of the series it is of.
func shortText(m Measurement, seriesID string) string {
	for _, v := range m.Values {
		if v.Series == seriesID {
			return number(v.Mean) + " ± " + number(v.SD)
		}
	}
	v := m.Values[0]
	return v.Label + " " + number(v.Mean) + " ± " + number(v.SD)
}

// lineMarks draws a line: whole where one of its ends lies on the slice, with handles at the ends that do, or where it passes through.
func lineMarks(l measure.Distance, g geom.Grid, k int, text string, c color.NRGBA, width float64) []viewstate.Mark {
	a, b := g.Voxel(l.A)[2], g.Voxel(l.B)[2]
	if float64(k) < min(a, b)-0.5-1e-6 || float64(k) > max(a, b)+0.5+1e-6 {
		return nil
	}
	if onSlice(g, k, l.A) && onSlice(g, k, l.B) {
		return []viewstate.Mark{{Points: []geom.Vec3{l.A, l.B}, Spots: true, Color: c, Width: width, Label: text}}
	}
	// Through several slices: thin, with a handle where this one is met.
	at := l.A
	if a != b {
		at = l.A.Add(l.B.Sub(l.A).Scale(min(max((float64(k)-a)/(b-a), 0), 1)))
	}
	return []viewstate.Mark{
		{Points: []geom.Vec3{l.A, l.B}, Color: c, Width: width / 2},
		{Points: []geom.Vec3{at}, Spots: true, Color: c, Width: width, Label: text},
	}
}

// spots are handles without a line between them.
func spots(points []geom.Vec3, c color.NRGBA) []viewstate.Mark {
	out := make([]viewstate.Mark, len(points))
	for i, p := range points {
		out[i] = viewstate.Mark{Points: []geom.Vec3{p}, Color: c}
	}
	return out
}

// label is a text without a drawing, beside the corner furthest along a figure's outline.
func label(outline []geom.Vec3, text string, c color.NRGBA) viewstate.Mark {
	at := outline[0]
	for _, p := range outline {
		if p[0] > at[0] {
			at = p
		}
	}
	return viewstate.Mark{Points: []geom.Vec3{at, at}, Color: c, Label: text}
}

// draftMarks draws what a tool has begun.
func (r *Reading) draftMarks(v int, g geom.Grid, k int) []viewstate.Mark {
	d := r.draft
	var out []viewstate.Mark
	for n, l := range d.lines {
		names := [...]lang.Text{lang.Mark("transverse"), lang.Mark("AP"), lang.Mark("CC")}
		out = append(out, lineMarks(l, g, k, names[n].String()+" "+lengthText(l.MM()), colorSelected, 1.5)...)
	}
	if len(d.points) > 0 && d.view == v {
		out = append(out, viewstate.Mark{Points: append(append([]geom.Vec3{}, d.points...), d.to), Spots: true, Color: colorSelected, Width: 1.5})
		return out
	}
	if d.active && d.grab.held() {
		return append(out, r.grabbedMarks(v, g, k)...)
	}
	if !d.active || d.from == d.to || d.view != v {
		return out
	}
	switch tool := r.state.Tool(); {
	case d.box || tool == viewstate.WindowRegion:
		out = append(out, viewstate.Mark{Points: r.box(v, d.from, d.to), Closed: true, Color: colorSelected, Width: 1})
	case tool == viewstate.Region:
		if shape, err := r.ellipse(v, d.from, d.to); err == nil {
			out = append(out, viewstate.Mark{Points: shape.Outline(), Closed: true, Color: colorSelected, Width: 1.5})
		}
	case r.drawsLines():
		l := measure.Distance{A: d.from, B: d.to}
		out = append(out, viewstate.Mark{Points: []geom.Vec3{d.from, d.to}, Spots: true, Color: colorSelected, Width: 1.5, Label: lengthText(l.MM())})
	}
	return out
}

// box returns the corners of the upright rectangle between two points.
func (r *Reading) box(v int, a, b geom.Vec3) []geom.Vec3 {
	p := r.state.Plane(v)
	d := b.Sub(a)
	right, down := p.Right.Scale(d.Dot(p.Right)), p.Down.Scale(d.Dot(p.Down))
	return []geom.Vec3{a, a.Add(right), a.Add(right).Add(down), a.Add(down)}
}
