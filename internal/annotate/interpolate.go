package annotate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/volume"
)

// Interpolate proposes contours for the slices between those in which a structure is drawn, by
// shape-based interpolation (Raya and Udupa 1990): the signed distances to the outlines of the two
// neighbouring drawn slices are weighted by the slice's position between them, and what has a sum of zero
// or less is inside. The distance is negative inside: that to the nearest centre outside, and the other
// way round.
//
// WG interpolates the gland, and inside of it TZ, so that both zones stay watertight; TZ takes voxels from
// PZ, and PZ from the background only. Where keys is nil the slices are filled that hold none of the
// structure and lie between two that do; otherwise every slice between two neighbouring ones of keys is
// drawn anew. Slices for which nothing comes out, as for shapes that do not overlap, are left as they are
// and told by [Proposal.Skipped]. It fails with [ErrNothing], [ErrLabels], or ctx's error.
func Interpolate(ctx context.Context, s *Snapshot, label Label, keys []int) (*Proposal, error) {
	if label < WG || label > CsPCa {
		return nil, fmt.Errorf("%w: no structure is chosen; choose WG, TZ, PZ or csPCa", ErrLabels)
	}
	drawn := s.drawn(label, keys)
	in := &interpolation{base: s, label: label, out: s.thawed(label.Layer()), anew: keys != nil}
	in.area, _, _ = s.extent(wholeLayer(label.Layer()))
	in.area = in.area.grown(1, s.grid.Size)
	for n := 1; n < len(drawn); n++ {
		if drawn[n]-drawn[n-1] < 2 {
			continue
		}
		if err := in.between(ctx, drawn[n-1], drawn[n]); err != nil {
			return nil, err
		}
	}
	why := fmt.Sprintf("%s has no empty slice between two drawn ones", label)
	if len(drawn) < 2 {
		why = fmt.Sprintf("draw %s in two slices first; those between them can then be filled", label)
	} else if len(in.blank) > 0 {
		why = fmt.Sprintf("the outlines of %s in neighbouring slices do not overlap; draw one more slice between them", label)
	}
	var layers [layerCount][][]uint8
	layers[label.Layer()] = in.out.slice
	p, err := propose(s, Action{Op: OpInterpolate, Label: label}, layers, why)
	if err != nil {
		return nil, err
	}
	p.blank = in.blank
	return p, nil
}

// drawn returns the slices that hold a structure, of keys where those are given, in order.
func (s *Snapshot) drawn(label Label, keys []int) []int {
	var out []int
	for k := range s.grid.Size[2] {
		if (keys == nil || slices.Contains(keys, k)) && s.Has(label, k) {
			out = append(out, k)
		}
	}
	return out
}

// interpolation is an Interpolate under way.
type interpolation struct {
	base  *Snapshot
	label Label
	out   sheets
	anew  bool // slices between are cleared of the structure first
	area  rect // holds the layer with a margin
	blank []int
}

// between fills the slices between two drawn ones.
func (in *interpolation) between(ctx context.Context, a, b int) error {
	outer, err := in.pair(in.label, a, b)
	if err != nil {
		return err
	}
	var inner *shapes
	if in.label == WG && in.base.Has(TZ, a) && in.base.Has(TZ, b) {
		if inner, err = in.pair(TZ, a, b); err != nil {
			return err
		}
	}
	for k := a + 1; k < b; k++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := float64(k-a) / float64(b-a)
		if !in.fill(k, t, outer, inner) {
			in.blank = append(in.blank, k)
		}
	}
	return nil
}

// shapes are the signed distances, mm, to a structure in two slices, over the area.
type shapes struct{ from, to []float64 }

// zero, in mm, is what a weighted distance may exceed 0 by for rounding alone.
const zero = 1e-9

// inside reports whether a pixel lies in the shape at a share t of the way.
func (s *shapes) inside(at int, t float64) bool { return (1-t)*s.from[at]+t*s.to[at] <= zero }

func (in *interpolation) pair(l Label, a, b int) (*shapes, error) {
	from, err := in.signed(l, a)
	if err != nil {
		return nil, err
	}
	to, err := in.signed(l, b)
	if err != nil {
		return nil, err
	}
	return &shapes{from, to}, nil
}

// signed returns the signed distance to a structure in slice k. What lies outside of the area is
// background, and further than what lies on its margin.
func (in *interpolation) signed(l Label, k int) ([]float64, error) {
	labels, width := in.base.layers[l.Layer()][k], in.base.grid.Size[0]
	w, h := in.area.maxI-in.area.minI, in.area.maxJ-in.area.minJ
	set, rest := make([]bool, w*h), make([]bool, w*h)
	for at := range set {
		v := labels[(in.area.minJ+at/w)*width+in.area.minI+at%w]
		set[at] = v != 0 && l.holds(v)
		rest[at] = !set[at]
	}
	spacing := in.base.grid.Spacing
	outside, err := volume.Distance([3]int{w, h, 1}, spacing, set)
	if err != nil {
		return nil, err
	}
	inside, err := volume.Distance([3]int{w, h, 1}, spacing, rest)
	if err != nil {
		return nil, err
	}
	for at, d := range inside {
		if !math.IsInf(d, 1) { // the structure fills the slice
			outside[at] -= d
		}
	}
	return outside, nil
}

// fill draws slice k and reports whether anything came out.
func (in *interpolation) fill(k int, t float64, outer, inner *shapes) bool {
	w := in.area.maxI - in.area.minI
	any := false
	for at := range outer.from {
		any = any || outer.inside(at, t)
	}
	if !any {
		return false
	}
	sheet := in.out.writable(k)
	if in.anew {
		rest := uint8(0)
		if in.label == TZ {
			rest = valuePZ // the gland stays what it is
		}
		for at, v := range sheet {
			if v != 0 && in.label.holds(v) {
				sheet[at] = rest
			}
		}
	}
	for at := range outer.from {
		if !outer.inside(at, t) {
			continue
		}
		pixel := &sheet[(in.area.minJ+at/w)*in.base.grid.Size[0]+in.area.minI+at%w]
		switch in.label {
		case WG:
			*pixel = valuePZ
			if inner != nil && inner.inside(at, t) {
				*pixel = valueTZ
			}
		case TZ:
			*pixel = valueTZ
		case PZ:
			if *pixel == 0 {
				*pixel = valuePZ
			}
		default:
			*pixel = valueLesion
		}
	}
	return true
}
