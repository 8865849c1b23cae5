package annotate

import (
	"fmt"

	"bayeslice/internal/volume"
)

// Proposal is a change that was computed and not made: it can be looked at first, and computed on another
// goroutine. It is immutable. [Document.Apply] makes it.
type Proposal struct {
	action Action
	base   *Snapshot
	layers [layerCount][][]uint8 // nil where the layer stays
	blank  []int
}

// Action returns the step that the proposal would be.
func (p *Proposal) Action() Action { return p.action }

// Skipped returns the slices that [Interpolate] leaves as they are, because the outlines on both sides of them
// do not overlap there.
func (p *Proposal) Skipped() []int { return p.blank }

// After returns the document as it would be.
func (p *Proposal) After() *Snapshot {
	s := *p.base
	for l, slices := range p.layers {
		if slices != nil {
			s.layers[l] = slices
		}
	}
	return &s
}

// propose checks that layers differ from a snapshot and wraps them; why says what to tell where they do not.
func propose(base *Snapshot, a Action, layers [layerCount][][]uint8, why string) (*Proposal, error) {
	p := &Proposal{action: a, base: base, layers: layers}
	var s step
	for l, after := range layers {
		if after == nil {
			continue
		}
		if d := diff(Layer(l), base.grid.Size, base.layers[l], after); d != nil {
			s.patches = append(s.patches, d)
		}
	}
	if len(s.patches) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNothing, why)
	}
	p.action.From, p.action.To = s.slices()
	return p, nil
}

// Replace proposes to put a label image in the place of a layer; see [FromMasks] for what it must hold. op
// is [OpModel] or [OpLoad]. It fails with [ErrGrid], [ErrLabels], or [ErrNothing] where they are equal.
func Replace(base *Snapshot, op Op, l Layer, m *volume.Mask) (*Proposal, error) {
	labels, err := layerLabels(base.grid, l, m)
	if err != nil {
		return nil, err
	}
	var layers [layerCount][][]uint8
	layers[l] = cut(base.grid.Size, labels).slice
	a := Action{Op: op}
	if l == Lesions {
		a.Label = CsPCa
	}
	return propose(base, a, layers, "the contours are these already")
}

// thawed returns a layer of a snapshot for writing: slices that are written to must be replaced.
func (s *Snapshot) thawed(l Layer) sheets {
	return sheets{size: s.grid.Size, slice: append([][]uint8(nil), s.layers[l]...), own: make([]bool, s.grid.Size[2])}
}
