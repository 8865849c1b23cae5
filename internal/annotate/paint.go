package annotate

import (
	"fmt"
	"math"

	"bayeslice/internal/volume"
)

// Point is a place in a slice, as continuous voxel coordinates; integers are voxel centres.
type Point struct{ I, J float64 }

func (p Point) finite() bool { return p.I-p.I == 0 && p.J-p.J == 0 }

// farthest bounds coordinates, so that arithmetic with them stays finite; no image is as large.
const farthest = 1e6

// near returns a finite point brought into the bounds of arithmetic.
func (p Point) near() Point {
	return Point{min(max(p.I, -farthest), farthest), min(max(p.J, -farthest), farthest)}
}

// painter puts voxels into a structure, or takes them out of it, by the rules of the layers:
//
//   - TZ and PZ take voxels from each other and from the background;
//   - WG takes background only, each voxel with the class of the nearest zone (see [nearest]);
//   - erasing takes out what belongs to the structure, so that erasing WG removes both zones;
//   - csPCa lies in a layer of its own.
type painter struct {
	doc   *Document
	label Label
	mode  Mode
	base  *Snapshot // before the first voxel
	near  map[int]*nearest
}

func (d *Document) painter(label Label, mode Mode) *painter {
	return &painter{doc: d, label: label, mode: mode, base: d.Snapshot(), near: map[int]*nearest{}}
}

// sheet returns slice k for [painter.paint].
func (p *painter) sheet(k int) []uint8 { return p.doc.layers[p.label.Layer()].writable(k) }

// paint changes voxel at of slice k, whose labels are those of sheet, and reports whether it differs now.
func (p *painter) paint(sheet []uint8, k, at int) bool {
	old := sheet[at]
	value := old
	switch {
	case p.mode == Erase:
		if old != 0 && p.label.holds(old) {
			value = 0
		}
	case p.label == WG:
		if old == 0 {
			value = p.nearest(k).class(at)
		}
	case p.label == TZ:
		value = valueTZ
	case p.label == PZ:
		value = valuePZ
	case p.label == CsPCa:
		value = valueLesion
	}
	sheet[at] = value
	return value != old
}

func (p *painter) nearest(k int) *nearest {
	n := p.near[k]
	if n == nil {
		n = newNearest(p.base, k)
		p.near[k] = n
	}
	return n
}

// nearest tells the zone that a background voxel of a slice is nearest to: in the slice itself, else in
// the nearest slice that holds zones (of two at the same distance the lower one), else PZ, on which a TZ
// can be drawn afterwards.
type nearest struct {
	labels []uint8 // of the slice that is asked; nil where no slice holds zones
	width  int
	step   Point // mm between voxels
	border []int // offsets of zone voxels with a face to the background or the end of the slice, ascending
}

func newNearest(s *Snapshot, k int) *nearest {
	n := &nearest{width: s.grid.Size[0], step: Point{s.grid.Spacing[0], s.grid.Spacing[1]}}
	for away := range s.grid.Size[2] {
		for _, other := range [2]int{k - away, k + away} {
			if other >= 0 && other < s.grid.Size[2] && s.Has(WG, other) {
				n.labels = s.layers[Zones][other]
				n.findBorder()
				return n
			}
		}
	}
	return n
}

func (n *nearest) findBorder() {
	height := len(n.labels) / n.width
	for at, v := range n.labels {
		if v == 0 {
			continue
		}
		i, j := at%n.width, at/n.width
		if i == 0 || j == 0 || i == n.width-1 || j == height-1 ||
			n.labels[at-1] == 0 || n.labels[at+1] == 0 || n.labels[at-n.width] == 0 || n.labels[at+n.width] == 0 {
			n.border = append(n.border, at)
		}
	}
}

// class returns the zone value for a voxel: that of the zone voxel with the nearest centre, of equally
// near ones the first in memory.
func (n *nearest) class(at int) uint8 {
	if n.labels == nil {
		return valuePZ
	}
	if v := n.labels[at]; v != 0 {
		return v
	}
	i, j := at%n.width, at/n.width
	best, value := math.Inf(1), valuePZ
	for _, b := range n.border {
		x, y := float64(b%n.width-i)*n.step.I, float64(b/n.width-j)*n.step.J
		if d := x*x + y*y; d < best {
			best, value = d, n.labels[b]
		}
	}
	return value
}

// ready reports why nothing can be drawn into a structure in slice k.
func (d *Document) ready(label Label, k int) error {
	switch {
	case d.stroke != nil:
		return ErrBusy
	case label < WG || label > CsPCa:
		return fmt.Errorf("%w: no structure is chosen; choose WG, TZ, PZ or csPCa", ErrLabels)
	case k < 0 || k >= d.grid.Size[2]:
		return fmt.Errorf("%w: slice %d of %d", ErrGrid, k+1, d.grid.Size[2])
	}
	return nil
}

// MaxPoints bounds the corners of a polygon; a lasso of a minute has some thousand.
const MaxPoints = 1 << 16

// Fill adds the inside of a closed polygon in slice k to a structure, or takes it out. A voxel is inside
// where its centre is, by the non-zero rule, so that loops of a lasso leave no holes. op is [OpPolygon] or
// [OpLasso], for the name of the step. It fails with [ErrGrid], [ErrLabels], [ErrBusy] or [ErrNothing].
func (d *Document) Fill(op Op, label Label, mode Mode, k int, corners []Point) error {
	if err := d.ready(label, k); err != nil {
		return err
	}
	if len(corners) < 3 {
		return fmt.Errorf("%w: an outline needs three points or more", ErrNothing)
	}
	if len(corners) > MaxPoints {
		return fmt.Errorf("%w: an outline of more than %d points; draw it in parts", ErrNothing, MaxPoints)
	}
	outline := make([]volume.Corner, len(corners))
	for n, c := range corners {
		if !c.finite() {
			return fmt.Errorf("%w: a point of the outline is no number", ErrGrid)
		}
		outline[n] = volume.Corner(c.near())
	}
	p := d.painter(label, mode)
	sheet := p.sheet(k)
	volume.InsidePolygon(outline, d.grid.Size, func(at int) { p.paint(sheet, k, at) })
	return d.commit(Action{Op: op, Label: label, Mode: mode}, p.base)
}

// Paste makes a structure in slice to what it is in slice from: voxels of the structure that are not in
// the other slice become background, and for WG both zones are taken over. It fails as [Document.Fill]
// does, with [ErrNothing] where the other slice holds none of the structure.
func (d *Document) Paste(label Label, from, to int) error {
	if err := d.ready(label, to); err != nil {
		return err
	}
	if from < 0 || from >= d.grid.Size[2] {
		return fmt.Errorf("%w: there is no slice to copy from", ErrNothing)
	}
	base := d.Snapshot()
	if !base.Has(label, from) {
		return fmt.Errorf("%w: slice %d holds no %s to paste", ErrNothing, from+1, label)
	}
	source, sheet := base.layers[label.Layer()][from], d.layers[label.Layer()].writable(to)
	for at, v := range source {
		switch {
		case v != 0 && label.holds(v):
			sheet[at] = v
		case sheet[at] != 0 && label.holds(sheet[at]):
			sheet[at] = 0
		}
	}
	return d.commit(Action{Op: OpPaste, Label: label}, base)
}

// Clear takes a structure out of slice k. It fails as [Document.Fill] does.
func (d *Document) Clear(label Label, k int) error {
	if err := d.ready(label, k); err != nil {
		return err
	}
	p := d.painter(label, Erase)
	sheet := p.sheet(k)
	for at := range sheet {
		p.paint(sheet, k, at)
	}
	return d.commit(Action{Op: OpClear, Label: label}, p.base)
}
