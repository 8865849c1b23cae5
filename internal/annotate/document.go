package annotate

import (
	"fmt"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Document is the annotation of one exam on its T2W grid. It is used from one goroutine; what it
// publishes, the [Snapshot], is immutable. Make it with [New], [FromMasks] or
// [Recover]; it may be handed to another goroutine as a whole.
type Document struct {
	grid     geom.Grid
	layers   [layerCount]sheets
	revision uint64
	saved    uint64 // revision that was last saved, or made
	shot     *Snapshot

	stroke  *Stroke // being drawn, or nil
	history history
	journal *Journal // nil where changes are not written down
}

// New returns an empty document on a grid.
func New(grid geom.Grid) *Document {
	d := &Document{grid: grid, revision: 1, saved: 1}
	for l := range d.layers {
		d.layers[l] = newSheets(grid.Size)
	}
	return d
}

// FromMasks returns a document that starts from label images on its grid: zones with 1 TZ and 2 PZ,
// lesions with any label over 0. Either may be nil. It fails with [ErrGrid] or [ErrLabels]; see [ToLayer]
// for masks of other grids.
func FromMasks(grid geom.Grid, zones, lesions *volume.Mask) (*Document, error) {
	d := New(grid)
	for l, m := range [layerCount]*volume.Mask{zones, lesions} {
		if m == nil {
			continue
		}
		labels, err := layerLabels(grid, Layer(l), m)
		if err != nil {
			return nil, err
		}
		d.layers[l] = cut(grid.Size, labels)
		d.history.assisted = true
	}
	return d, nil
}

// layerLabels returns a mask's labels as those of a layer.
func layerLabels(grid geom.Grid, l Layer, m *volume.Mask) ([]uint8, error) {
	if !m.Grid().SameAs(grid, gridTolerance) {
		return nil, fmt.Errorf("%w: %v voxels, the image has %v, or another place", ErrGrid, m.Grid().Size, grid.Size)
	}
	if l == Zones {
		if present := m.Labels(); len(present) > 0 && present[len(present)-1] > valuePZ {
			return nil, fmt.Errorf("%w: %v, where zones are 1 for TZ and 2 for PZ; choose a file of zones", ErrLabels, present)
		}
		return m.Data(), nil
	}
	out := make([]uint8, len(m.Data()))
	for i, v := range m.Data() {
		if v != 0 {
			out[i] = valueLesion
		}
	}
	return out, nil
}

// gridTolerance in mm is what header fields of files may lose.
const gridTolerance = 1e-2

// Grid returns the T2W grid.
func (d *Document) Grid() geom.Grid { return d.grid }

// Revision tells states apart: it grows with every change, undo, redo and each part of a stroke included.
func (d *Document) Revision() uint64 { return d.revision }

// Unsaved reports whether anything was changed since the document was made or last saved.
func (d *Document) Unsaved() bool { return d.revision != d.saved }

// MarkSaved notes, in the journal too, that a state of the document is on the disk. Changes made since count
// as unsaved.
func (d *Document) MarkSaved(s *Snapshot) {
	d.saved = s.revision
	if d.saved == d.revision {
		d.write(record{kind: recordSaved})
	}
}

// Snapshot returns the document as it is now, the unfinished stroke included. It takes microseconds.
func (d *Document) Snapshot() *Snapshot {
	if d.shot == nil || d.shot.revision != d.revision {
		d.shot = &Snapshot{grid: d.grid, revision: d.revision, assisted: d.history.assisted}
		for l := range d.layers {
			d.shot.layers[l] = d.layers[l].share()
		}
	}
	return d.shot
}

// Apply replaces layers as a proposal says, as one step of history. It fails with [ErrStale] where the
// document has changed since the proposal was made, [ErrBusy] during a stroke, and [ErrNothing] where the
// proposal changes nothing.
func (d *Document) Apply(p *Proposal) error {
	switch {
	case d.stroke != nil:
		return ErrBusy
	case p.base.revision != d.revision || !p.base.grid.SameAs(d.grid, 0):
		return ErrStale
	}
	before := d.Snapshot()
	for l, after := range p.layers {
		if after != nil {
			d.layers[l] = sheets{size: d.grid.Size, slice: append([][]uint8(nil), after...), own: make([]bool, d.grid.Size[2])}
		}
	}
	return d.commit(p.action, before)
}

// commit makes what differs from a snapshot a step of history.
func (d *Document) commit(a Action, before *Snapshot) error {
	s := step{action: a}
	for l := range d.layers {
		if p := diff(Layer(l), d.grid.Size, before.layers[l], d.layers[l].slice); p != nil {
			s.patches = append(s.patches, p)
		}
	}
	if len(s.patches) == 0 {
		return fmt.Errorf("%w: the contours stay as they are", ErrNothing)
	}
	s.action.From, s.action.To = s.slices()
	d.revision++
	d.history.push(s)
	d.write(record{kind: recordStep, step: s})
	return nil
}

// write appends to the journal, where there is one.
func (d *Document) write(r record) {
	if d.journal != nil {
		d.journal.append(true, r)
	}
}

// Undo takes the last step back and returns it; ok is false where there is none, or during a stroke.
func (d *Document) Undo() (a Action, ok bool) { return d.move(d.history.undo, recordUndo, false) }

// Redo carries the step last taken back out again; otherwise it is as [Document.Undo].
func (d *Document) Redo() (a Action, ok bool) { return d.move(d.history.redo, recordRedo, true) }

func (d *Document) move(take func() (step, bool), kind recordKind, forward bool) (Action, bool) {
	if d.stroke != nil {
		return Action{}, false
	}
	s, ok := take()
	if !ok {
		return Action{}, false
	}
	d.Snapshot() // whoever holds one keeps it as it is
	for _, p := range s.patches {
		p.apply(&d.layers[p.layer], forward)
	}
	d.revision++
	d.write(record{kind: kind})
	return s.action, true
}

// NextUndo returns what [Document.Undo] would take back.
func (d *Document) NextUndo() (a Action, ok bool) { return d.history.last(d.history.done) }

// NextRedo returns what [Document.Redo] would do again.
func (d *Document) NextRedo() (a Action, ok bool) { return d.history.last(d.history.undone) }

// HistoryBytes returns the memory that undo and redo take, and the number of steps of both.
func (d *Document) HistoryBytes() (bytes, steps int) {
	return d.history.bytes, len(d.history.done) + len(d.history.undone)
}
