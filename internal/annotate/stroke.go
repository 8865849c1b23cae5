package annotate

import (
	"fmt"
	"math"
)

// Radii of the brush, mm. Others are brought into this range.
const (
	MinRadius = 0.1
	MaxRadius = 40
)

// Brush is what a stroke draws with.
type Brush struct {
	Label    Label
	Mode     Mode
	RadiusMM float64
	Sphere   bool // a ball, which reaches into neighbouring slices, instead of a disc
}

// Stroke is a brush or eraser stroke in progress. The document shows it as it grows; it becomes one
// step of history with [Stroke.End].
type Stroke struct {
	doc     *Document
	painter *painter
	brush   Brush
	k       int
	last    Point
}

// Begin puts the brush down in slice k. It fails with [ErrBusy] during another stroke, [ErrLabels]
// without a structure, and [ErrGrid] for a slice or point that does not exist.
func (d *Document) Begin(b Brush, k int, at Point) (*Stroke, error) {
	if err := d.ready(b.Label, k); err != nil {
		return nil, err
	}
	if !at.finite() {
		return nil, fmt.Errorf("%w: the pointer is nowhere", ErrGrid)
	}
	if !(b.RadiusMM >= MinRadius) {
		b.RadiusMM = MinRadius
	}
	b.RadiusMM = min(b.RadiusMM, MaxRadius)
	s := &Stroke{doc: d, painter: d.painter(b.Label, b.Mode), brush: b, k: k, last: at.near()}
	d.stroke = s
	s.sweep(s.last)
	return s, nil
}

// To draws on to a point in a straight line, without gaps however far it is. Points that are no numbers are ignored.
func (s *Stroke) To(p Point) {
	if s.doc.stroke == s && p.finite() {
		p = p.near()
		s.sweep(p)
		s.last = p
	}
}

// End lifts the brush: what was drawn becomes one step of history, named in the answer. It fails with
// [ErrNothing] where nothing changed.
func (s *Stroke) End() (Action, error) {
	if s.doc.stroke != s {
		return Action{}, fmt.Errorf("%w: the stroke was ended already", ErrNothing)
	}
	s.doc.stroke = nil
	op := OpBrush
	if s.brush.Mode == Erase {
		op = OpEraser
	}
	if err := s.doc.commit(Action{Op: op, Label: s.brush.Label, Mode: s.brush.Mode}, s.painter.base); err != nil {
		return Action{}, err
	}
	a, _ := s.doc.NextUndo()
	return a, nil
}

// Cancel takes back what was drawn, as if the brush had never been put down.
func (s *Stroke) Cancel() {
	if s.doc.stroke != s {
		return
	}
	s.doc.stroke = nil
	layer := &s.doc.layers[s.brush.Label.Layer()]
	copy(layer.slice, s.painter.base.layers[s.brush.Label.Layer()])
	clear(layer.own)
	s.doc.revision++
}

// sweep paints every voxel whose centre is within the radius of the segment from the last point to p.
func (s *Stroke) sweep(p Point) {
	grid := s.doc.grid
	changed := false
	depth := 0
	if s.brush.Sphere {
		depth = int(s.brush.RadiusMM / grid.Spacing[2])
	}
	for k := max(s.k-depth, 0); k <= min(s.k+depth, grid.Size[2]-1); k++ {
		z := float64(k-s.k) * grid.Spacing[2]
		if r2 := s.brush.RadiusMM*s.brush.RadiusMM - z*z; r2 >= 0 {
			changed = s.sweepSlice(k, p, r2) || changed
		}
	}
	if changed {
		s.doc.revision++
	}
}

// sweepSlice is sweep for slice k, where the square of the radius is r2.
func (s *Stroke) sweepSlice(k int, p Point, r2 float64) bool {
	grid := s.doc.grid
	c := capsule{from: s.last, to: p, step: Point{grid.Spacing[0], grid.Spacing[1]}, r2: r2}
	sheet := s.painter.sheet(k)
	changed := false
	area := c.area(grid.Size)
	for j := area.minJ; j < area.maxJ; j++ {
		for i := area.minI; i < area.maxI; i++ {
			if c.holds(float64(i), float64(j)) {
				changed = s.painter.paint(sheet, k, j*grid.Size[0]+i) || changed
			}
		}
	}
	if k == s.k && 4*r2 < c.step.I*c.step.I+c.step.J*c.step.J {
		changed = s.trace(sheet, p) || changed
	}
	return changed
}

// trace paints the voxels that the segment passes, for brushes so small that they can lie between centres.
func (s *Stroke) trace(sheet []uint8, p Point) bool {
	size := s.doc.grid.Size
	dI, dJ := p.I-s.last.I, p.J-s.last.J
	far := math.Hypot(float64(size[0]), float64(size[1]))
	steps := int(min(math.Ceil(4*max(math.Abs(dI), math.Abs(dJ))), 8*far))
	changed := false
	for n := 0; n <= steps; n++ {
		t := 1.0
		if steps > 0 {
			t = float64(n) / float64(steps)
		}
		i, j := math.Round(s.last.I+t*dI), math.Round(s.last.J+t*dJ)
		if i >= 0 && j >= 0 && i < float64(size[0]) && j < float64(size[1]) {
			changed = s.painter.paint(sheet, s.k, int(j)*size[0]+int(i)) || changed
		}
	}
	return changed
}

// capsule is what a disc of radius √r2 mm covers on its way between two points.
type capsule struct {
	from, to Point
	step     Point // mm between voxels
	r2       float64
}

// holds reports whether the centre of a voxel is covered.
func (c *capsule) holds(i, j float64) bool {
	x, y := (i-c.from.I)*c.step.I, (j-c.from.J)*c.step.J
	dx, dy := (c.to.I-c.from.I)*c.step.I, (c.to.J-c.from.J)*c.step.J
	if length := dx*dx + dy*dy; length > 0 {
		t := min(max((x*dx+y*dy)/length, 0), 1)
		x, y = x-t*dx, y-t*dy
	}
	return x*x+y*y <= c.r2
}

// area returns the pixels that can be covered.
func (c *capsule) area(size [3]int) rect {
	r := math.Sqrt(c.r2)
	low := func(a, b, step float64, n int) int {
		return int(min(max(math.Ceil(min(a, b)-r/step-1e-9), 0), float64(n)))
	}
	high := func(a, b, step float64, n int) int {
		return int(min(max(math.Floor(max(a, b)+r/step+1e-9)+1, 0), float64(n)))
	}
	return rect{
		low(c.from.I, c.to.I, c.step.I, size[0]), low(c.from.J, c.to.J, c.step.J, size[1]),
		high(c.from.I, c.to.I, c.step.I, size[0]), high(c.from.J, c.to.J, c.step.J, size[1]),
	}
}
