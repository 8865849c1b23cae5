package compare

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	masks "bayeslice/internal/compare"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// Row is one structure of the table.
type Row struct {
	Structure string
	Color     color.NRGBA
	Selected  bool
	Dice      string // "0.912", "–" where neither has the structure
	HD95      string // mm
	ASSD      string // mm
	Volume    string // mL less those of the reference, "+1.2"
	Relative  string // the same in percent of the reference, "+3 %"
}

// none stands in the table where there is no figure.
const none = "–"

// Rows returns the table; it is empty where there is nothing to compare.
func (c *Comparison) Rows() []Row {
	var out []Row
	for _, r := range c.rows {
		row := Row{Structure: r.Structure, Selected: r.Structure == c.Structure(), Dice: none, HD95: none, ASSD: none, Volume: none, Relative: none}
		for _, class := range viewstate.Classes {
			if class.String() == r.Structure {
				row.Color = class.Color()
			}
		}
		if !r.Absent() {
			row.Dice = fmt.Sprintf("%.3f", r.Overlap.Dice())
			row.Volume = signed("%.1f", r.Volumes.DifferenceML())
		}
		if r.HasSurface {
			row.HD95, row.ASSD = fmt.Sprintf("%.1f", r.Surface.HD95), fmt.Sprintf("%.2f", r.Surface.ASSD)
		}
		if share, err := r.Volumes.Relative(); err == nil {
			row.Relative = signed("%.0f", 100*share) + " %"
		}
		out = append(out, row)
	}
	return out
}

// signed formats a number with its sign and a true minus; what rounds to zero has none.
func signed(format string, v float64) string {
	text := fmt.Sprintf(format, math.Abs(v))
	switch {
	case text == fmt.Sprintf(format, 0.0):
		return text
	case v < 0:
		return "−" + text
	}
	return "+" + text
}

// Structure is the structure of the strip and the coloured contour.
func (c *Comparison) Structure() string {
	if len(c.rows) > 0 && !slices.ContainsFunc(c.rows, func(r masks.Row) bool { return r.Structure == c.structure }) {
		return c.rows[0].Structure
	}
	return c.structure
}

// SelectStructure chooses it.
func (c *Comparison) SelectStructure(name string) {
	if name != c.structure {
		c.structure, c.stale, c.lines = name, true, nil
		c.refresh()
		c.redraw()
	}
}

// Status says what is going on where there is no table or it is being computed, "" otherwise.
func (c *Comparison) Status() string {
	switch {
	case c.busy:
		return lang.T("Comparing …")
	case errors.Is(c.problem, errNoReference):
		return lang.T("Load a mask to compare with: a reference, or another reader's contours.")
	case errors.Is(c.problem, errNoLabels) && c.Side() == Contours:
		return lang.T("Draw contours, or start from the model, to compare them.")
	case errors.Is(c.problem, errNoLabels):
		return lang.T("Run a model to compare its result.")
	}
	return ""
}

// Problem returns why the comparison failed, or nil; what is merely missing is in [Comparison.Status].
func (c *Comparison) Problem() error {
	if errors.Is(c.problem, errNoReference) || errors.Is(c.problem, errNoLabels) || errors.Is(c.problem, context.Canceled) {
		return nil
	}
	return c.problem
}

// Cell is one slice of the strip.
type Cell struct {
	Slice   int     // k of the T2W image
	Dice    float64 // of the selected structure; means nothing where Empty is set
	Empty   bool    // neither has the structure in this slice
	Current bool    // the slice at the cursor
}

// Strip returns the slices from the feet to the head; nil where there is nothing to compare.
func (c *Comparison) Strip() []Cell {
	grid, ok := c.grid()
	at := slices.IndexFunc(c.rows, func(r masks.Row) bool { return r.Structure == c.Structure() })
	if !ok || at < 0 {
		return nil
	}
	current := viewstate.SliceAt(grid, c.s.Cursor())
	var out []Cell
	for k, o := range c.rows[at].Slices {
		out = append(out, Cell{Slice: k, Dice: o.Dice(), Empty: o.Predicted+o.Reference == 0, Current: current.Inside && current.Index == k})
	}
	if grid.Dir[2].Dot(up(grid)) < 0 {
		slices.Reverse(out)
	}
	return out
}

// up returns the slice normal of a grid towards the head.
func up(g geom.Grid) geom.Vec3 {
	if n := g.Normal(); n[2] >= 0 {
		return n
	}
	return g.Normal().Scale(-1)
}

func (c *Comparison) grid() (geom.Grid, bool) {
	if c.s.Exam() == nil {
		return geom.Grid{}, false
	}
	return c.s.Exam().ReferenceGrid()
}

// GoTo moves the cursor to a slice of the T2W image.
func (c *Comparison) GoTo(k int) {
	if grid, ok := c.grid(); ok && k >= 0 && k < grid.Size[2] {
		at := grid.Voxel(c.s.Cursor())
		at[2] = float64(k)
		c.s.SetCursor(grid.World(at))
	}
}

// Worst moves the cursor to the slice with the lowest Dice of the selected structure.
func (c *Comparison) Worst() {
	best := -1
	cells := c.Strip()
	for n, cell := range cells {
		if !cell.Empty && (best < 0 || cell.Dice < cells[best].Dice) {
			best = n
		}
	}
	if best >= 0 {
		c.GoTo(cells[best].Slice)
	}
}

// Shade is a range of signed distances with its colour.
type Shade struct {
	To    float64 // mm, exclusive; +Inf in the last one
	Color color.NRGBA
}

// shades are blue where the contour lies inside the reference, white near it, orange outside: colours that
// colour-blind readers tell apart, light enough for a dark image.
var shades = []Shade{
	{-4, color.NRGBA{60, 110, 255, 255}}, {-2, color.NRGBA{90, 165, 255, 255}}, {-1, color.NRGBA{165, 210, 255, 255}},
	{1, color.NRGBA{255, 255, 255, 255}},
	{2, color.NRGBA{255, 215, 130, 255}}, {4, color.NRGBA{255, 160, 30, 255}}, {math.Inf(1), color.NRGBA{225, 80, 10, 255}},
}

// Shades returns the colours of distances, from far inside to far outside.
func Shades() []Shade { return slices.Clone(shades) }

// shadeOf returns the number of a distance's colour.
func shadeOf(mm float64) int {
	return slices.IndexFunc(shades, func(s Shade) bool { return mm < s.To || math.IsInf(s.To, 1) })
}

// Distances reports whether the coloured contour is drawn.
func (c *Comparison) Distances() bool { return c.distances }

// SetDistances draws the coloured contour, or removes it.
func (c *Comparison) SetDistances(on bool) {
	c.distances = on
	c.refresh()
	c.s.Notify(viewstate.ChangedMarks)
	c.tell()
}

// parallelCos is the cosine of the largest angle between slices that count as parallel, 5°.
const parallelCos = 0.9962

// Marks implements [viewstate.Extension]: the contour of the selected structure in the T2W slice at the cursor, in
// pieces of one colour.
func (c *Comparison) Marks(v int) []viewstate.Mark {
	grid, ok := c.grid()
	series := c.s.Series(v)
	if !c.distances || !ok || series == nil || !c.s.Content(v).Lines || c.s.AllHidden() {
		return nil
	}
	if math.Abs(series.Volume.Grid().Normal().Dot(grid.Normal())) < parallelCos {
		return nil
	}
	at := viewstate.SliceAt(grid, c.s.Cursor())
	if !at.Inside {
		return nil
	}
	var out []viewstate.Mark
	for _, line := range c.lines {
		if line.Slice == at.Index {
			out = append(out, pieces(line.Points, line.MM)...)
		}
	}
	return out
}

// pieces divides a closed line into runs of one colour. Steps in one direction are one stroke.
func pieces(points []geom.Vec3, mm []float64) []viewstate.Mark {
	var out []viewstate.Mark
	last := -1
	for n, p := range points {
		m := (n + 1) % len(points)
		next := points[m]
		shade := shadeOf((mm[n] + mm[m]) / 2)
		if shade != last {
			out = append(out, viewstate.Mark{Points: []geom.Vec3{p}, Color: shades[shade].Color, Width: 2.5})
			last = shade
		}
		line := &out[len(out)-1]
		if k := len(line.Points); k > 1 && straight(line.Points[k-2], line.Points[k-1], next) {
			line.Points[k-1] = next
			continue
		}
		line.Points = append(line.Points, next)
	}
	return out
}

// straight reports whether three points lie on a line in this order.
func straight(a, b, c geom.Vec3) bool {
	u, v := b.Sub(a), c.Sub(b)
	return u.Dot(v) > 0.9999*u.Norm()*v.Norm()
}

// Offered lists the label files found beside the images of the exam, with their names on screen.
func (c *Comparison) Offered() []Source {
	e := c.s.Exam()
	if e == nil {
		return nil
	}
	var out []Source
	for n, l := range e.Labels {
		name := l.Name
		if c.s.Private() {
			name = lang.T("Label file %d", n+1)
		}
		out = append(out, Source{Name: name, Read: l.Mask, label: n + 1})
	}
	return out
}

// hasT2W is for panels that need the grid.
func hasT2W(e *exam.Exam) bool {
	if e == nil {
		return false
	}
	_, ok := e.ReferenceGrid()
	return ok
}

// CanLoad reports whether an exam is open that a mask can be compared on.
func (c *Comparison) CanLoad() bool { return hasT2W(c.s.Exam()) }
