package synth

import (
	"errors"
	"math"

	"bayeslice/internal/phantom"
	"bayeslice/internal/volume"
)

// borders are signed distances in mm at the lattice's points, and the heights of the gland's ends. Far from
// the gland they are farMM.
type borders struct {
	outer      []float32 // from WG's border, negative inside
	inner      []float32 // from the border between the zones, negative on the side of TZ
	apex, base float64   // mm from the centroid
}

const farMM = 1000

var errNoGland = errors.New("synth: an anatomy has no gland")

// box is a part of the lattice, from lo to hi, both included.
type box struct{ lo, hi [3]int }

func (b *box) size() (n [3]int) {
	for a := range n {
		n[a] = b.hi[a] - b.lo[a] + 1
	}
	return n
}

// each calls do with the points of the box, x fastest: number and offset in the lattice.
func (b *box) each(do func(n, at int)) {
	n := 0
	for k := b.lo[2]; k <= b.hi[2]; k++ {
		for j := b.lo[1]; j <= b.hi[1]; j++ {
			for i := b.lo[0]; i <= b.hi[0]; i++ {
				do(n, index(i, j, k))
				n++
			}
		}
	}
}

// glandBox finds the box of the gland.
func (p *plate) glandBox() box {
	out := box{lo: latticeSize}
	all := box{hi: [3]int{latticeSize[0] - 1, latticeSize[1] - 1, latticeSize[2] - 1}}
	all.each(func(_, at int) {
		if p.zone(at) == 0 {
			return
		}
		point := [3]int{at % nextRow, at % nextPlane / nextRow, at / nextPlane}
		for a, v := range point {
			out.lo[a], out.hi[a] = min(out.lo[a], v), max(out.hi[a], v)
		}
	})
	return out
}

// borders measures the distances about the gland, where readers may draw.
func (p *plate) borders() (*borders, error) {
	near := p.glandBox()
	if near.lo[0] > near.hi[0] {
		return nil, errNoGland
	}
	out := &borders{apex: position(0, 0, near.lo[2])[2], base: position(0, 0, near.hi[2])[2]}
	for a := range near.lo {
		more := int(math.Ceil((furthestMM+2)/latticeMM[a])) + 1
		near.lo[a], near.hi[a] = max(0, near.lo[a]-more), min(latticeSize[a]-1, near.hi[a]+more)
	}
	var err error
	out.outer, err = p.borderOf(near, func(z uint8) bool { return z != 0 }, func(z uint8) bool { return z == 0 })
	if err != nil {
		return nil, err
	}
	out.inner, err = p.borderOf(near, func(z uint8) bool { return z == phantom.LabelTZ }, func(z uint8) bool { return z == phantom.LabelPZ })
	return out, err
}

// borderOf returns how much further it is to region a than to region b: the signed distance from their
// common border, which lies half a point away from either.
func (p *plate) borderOf(near box, a, b func(zone uint8) bool) ([]float32, error) {
	size := near.size()
	inA, inB := make([]bool, size[0]*size[1]*size[2]), make([]bool, size[0]*size[1]*size[2])
	near.each(func(n, at int) {
		z := p.zone(at)
		inA[n], inB[n] = a(z), b(z)
	})
	toA, err := volume.Distance(size, latticeMM, inA)
	if err != nil {
		return nil, err
	}
	toB, err := volume.Distance(size, latticeMM, inB)
	if err != nil {
		return nil, err
	}
	out := make([]float32, latticePoints)
	for i := range out {
		out[i] = farMM
	}
	half := latticeMM[0] / 2
	near.each(func(n, at int) {
		d := clamp(toA[n]-toB[n], -farMM, farMM) // a region may be empty
		out[at] = float32(math.Copysign(max(0, math.Abs(d)-half), d))
	})
	return out, nil
}
