package inference

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/seed"
	"bayeslice/internal/tensor"
)

// Noise draws the random inputs of a model. Sample n of a seed is the same whatever was drawn
// before it, on any machine and with any number of threads: every block of noiseBlock elements of
// every input has a PCG generator (math/rand/v2) of its own, seeded from (seed, sample, position of
// the input in the card, block). The streams are pinned by a golden test and never change.
type Noise struct {
	seed   uint64
	inputs []modelcard.Noise
}

// noiseBlock is the number of elements that share a generator. It is part of the definition of the
// stream, and a multiple of 64.
const noiseBlock = 1 << 16

// keepBits is the precision of a keep probability: it is rounded to a multiple of 2^−24. Keep
// probabilities with few binary digits (0.5, 0.75) cost few random bits.
const keepBits = 24

// NewNoise returns the noise of a model's card under a seed.
func NewNoise(card modelcard.Card, seed uint64) *Noise {
	return &Noise{seed: seed, inputs: card.Noise}
}

// Tensors allocates one tensor per noise input, by name, for [Noise.Fill].
func (z *Noise) Tensors() map[string]*tensor.Tensor {
	m := make(map[string]*tensor.Tensor, len(z.inputs))
	for _, in := range z.inputs {
		if in.Kind == modelcard.Bernoulli {
			m[in.Name] = tensor.NewBool(in.Shape...)
		} else {
			m[in.Name] = tensor.NewFloat32(in.Shape...)
		}
	}
	return m
}

// Fill overwrites tensors made by [Noise.Tensors] with the noise of a sample (0 is the first). It
// uses several threads. It fails only where a tensor is not one of those.
func (z *Noise) Fill(sample int, into map[string]*tensor.Tensor) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for at, in := range z.inputs {
		t := into[in.Name]
		if t == nil || t.Count() != tensor.Count(in.Shape) || (t.Type == tensor.Bool) != (in.Kind == modelcard.Bernoulli) {
			return fmt.Errorf("inference: no tensor for noise input %q", in.Name)
		}
		for block := 0; block*noiseBlock < t.Count(); block++ {
			lo, hi := block*noiseBlock, min((block+1)*noiseBlock, t.Count())
			source := z.source(sample, at, block)
			g.Go(func() error {
				if in.Kind == modelcard.Bernoulli {
					fillBernoulli(t.U8[lo:hi], in.Keep, source)
				} else {
					fillNormal(t.F32[lo:hi], source)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// source is the generator of one block.
func (z *Noise) source(sample, input, block int) *rand.PCG {
	h := seed.Mix(z.seed)
	for _, part := range []int{sample, input, block} {
		h = seed.Mix(h ^ uint64(part))
	}
	return rand.NewPCG(h, seed.Mix(h))
}

// fillNormal writes standard normal numbers.
func fillNormal(dst []float32, source rand.Source) {
	r := rand.New(source)
	for i := range dst {
		dst[i] = float32(r.NormFloat64())
	}
}

// fillBernoulli writes 1 with probability keep, else 0, 64 elements at a time. The word w is built
// from the binary digits of keep, the last first: OR with random bits takes each element's
// probability p to 1/2 + p/2, AND takes it to p/2.
func fillBernoulli(dst []uint8, keep float64, source rand.Source) {
	digits := uint64(math.Round(math.Min(math.Max(keep, 0), 1) * (1 << keepBits)))
	if digits == 1<<keepBits {
		for i := range dst {
			dst[i] = 1
		}
		return
	}
	first := bits.TrailingZeros64(digits | 1<<keepBits)
	var tail [64]uint8
	for len(dst) > 0 {
		var w uint64
		for d := first; d < keepBits; d++ {
			if digits>>d&1 == 1 {
				w |= source.Uint64()
			} else {
				w &= source.Uint64()
			}
		}
		if len(dst) < 64 {
			spread(&tail, w)
			copy(dst, tail[:])
			return
		}
		spread((*[64]uint8)(dst), w)
		dst = dst[64:]
	}
}

// spread writes the bits of w, lowest first, as bytes.
func spread(dst *[64]uint8, w uint64) {
	for i := 0; i < 64; i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], spreadByte[uint8(w>>i)])
	}
}

// spreadByte[b] holds the bits of b as bytes, lowest first.
var spreadByte = func() (table [256]uint64) {
	for b := range table {
		for i := range 8 {
			table[b] |= uint64(b>>i&1) << (8 * i)
		}
	}
	return table
}()
