package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/phantom"
)

// palette gives every tissue its signal.
type palette struct {
	value [32]float64 // signal
	grain [32]float64 // relative SD of the texture from point to point
	tone  float64     // exponent of the anatomy's own texture
	patch float64     // strength of smooth patches of lower signal in the peripheral zone
}

// between is an interval of signal, in units of a bright peripheral zone.
type between struct{ lo, hi float64 }

// weighted is what T2-weighted images show: typical intervals, wide enough for scanners and patients to
// differ.
var weighted = [phantom.Tissues]between{
	phantom.TissueAir:         {0, 0.1},
	phantom.TissueFat:         {0.45, 1.15},
	phantom.TissueSeptum:      {0.3, 0.6},
	phantom.TissueMuscle:      {0.13, 0.34},
	phantom.TissueMarrow:      {0.3, 0.8},
	phantom.TissueCortex:      {0.04, 0.2},
	phantom.TissueCartilage:   {0.2, 0.6},
	phantom.TissueUrine:       {0.8, 2.2},
	phantom.TissueBladderWall: {0.18, 0.45},
	phantom.TissueBowelWall:   {0.2, 0.5},
	phantom.TissueMucosa:      {0.4, 0.9},
	phantom.TissueStool:       {0.2, 0.9},
	phantom.TissueArtery:      {0.03, 0.4},
	phantom.TissueVein:        {0.5, 1.5},
	phantom.TissueVesicle:     {0.6, 1.6},
	phantom.TissueVesicleWall: {0.25, 0.55},
	phantom.TissueCavernous:   {0.6, 1.3},
	phantom.TissueCapsule:     {0.2, 0.5},
	phantom.TissueUrethra:     {0.5, 1.1},
	phantom.TissueSphincter:   {0.25, 0.55},
	phantom.TissuePZ:          {0.6, 1.15},
	phantom.TissueCentral:     {0.3, 0.6},
	phantom.TissueTZ:          {0.38, 0.7},
	phantom.TissueStroma:      {0.16, 0.4},
	phantom.TissueGlandular:   {0.5, 1.05},
	phantom.TissueMixed:       {0.4, 0.8},
	phantom.TissueStromal:     {0.22, 0.5},
	phantom.TissueLesion:      {0.25, 0.5},
	phantom.TissueInflamed:    {0.4, 0.75},
}

// drawWeighted draws a contrast like that of T2-weighted images.
func drawWeighted(r *rand.Rand) palette {
	p := palette{tone: uniform(r, 0.4, 1.1), patch: max(0, uniform(r, -0.3, 0.6))}
	base := uniform(r, 0.03, 0.14)
	for i, b := range weighted {
		p.value[i] = uniform(r, b.lo, b.hi)
		p.grain[i] = base * uniform(r, 0.5, 1.5)
	}
	p.grain[phantom.TissueStool] = uniform(r, 0.1, 0.4)
	if chance(r, 0.2) { // gel or fluid instead of gas
		p.value[phantom.TissueAir] = uniform(r, 0.2, 1.8)
	}
	if chance(r, 0.12) { // fat suppressed
		p.value[phantom.TissueFat] *= uniform(r, 0.3, 0.7)
		p.value[phantom.TissueMarrow] *= uniform(r, 0.3, 0.7)
	}
	if chance(r, 0.2) { // a dull peripheral zone
		p.value[phantom.TissuePZ] = uniform(r, 0.45, 0.7)
	}
	return p
}

// drawAny draws a contrast without order, as SynthSeg does.
func drawAny(r *rand.Rand) palette {
	p := palette{tone: uniform(r, -1, 1), patch: max(0, uniform(r, -0.5, 0.4))}
	base := uniform(r, 0.02, 0.15)
	for i := range p.value {
		p.value[i] = uniform(r, 0.05, 1.2)
		p.grain[i] = base * uniform(r, 0.3, 1.7)
	}
	// What makes up one zone stays together, or there would be nothing to find.
	tz := p.value[phantom.TissueTZ]
	for _, t := range []phantom.Tissue{phantom.TissueMixed, phantom.TissueGlandular, phantom.TissueStromal} {
		p.value[t] = clamp(tz+around(r, 0, 0.2), 0.03, 1.5)
	}
	return p
}

// lookup tabulates signal by tissue and tone.
func (p *palette) lookup() *[32 * 256]float32 {
	var tone [256]float64
	for i := range tone {
		tone[i] = math.Exp(p.tone * float64(i-128) / 127)
	}
	out := new([32 * 256]float32)
	for t := range p.value {
		for i, f := range tone {
			out[t<<8|i] = float32(p.value[t] * f)
		}
	}
	return out
}

// grains is a table of normal deviates that textures and noise read from random places.
var grains = newGrains()

func newGrains() *[1 << 16]float32 {
	r := stream(1, forGrain, 0)
	out := new([1 << 16]float32)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

// paint fills a field on the lattice with the signal of a palette.
func (p *palette) paint(r *rand.Rand, from *plate, out []float32) {
	table := p.lookup()
	var share [8]float32
	for i := range share {
		share[i] = float32(i) / 14
	}
	var grain [32]float32
	for i := range grain {
		grain[i] = float32(p.grain[i])
	}
	n := latticeSize[0]
	for row := 0; row < latticePoints; row += n {
		noise := r.Uint32()
		first, second, tone, to := from.first[row:row+n], from.second[row:row+n], from.tone[row:row+n], out[row:row+n]
		for i := range to {
			a, b, t := int(first[i]&31), second[i], int(tone[i])
			v := table[a<<8|t]
			if s := b >> 5; s > 0 {
				v += share[s] * (table[int(b&31)<<8|t] - v)
			}
			to[i] = v * (1 + grain[a]*grains[(noise+uint32(i))&0xffff]) //nolint:gosec // i is a small index
		}
	}
}

// patches lowers the signal of the peripheral zone in smooth patches.
func (p *palette) patches(r *rand.Rand, from *plate, out []float32) {
	if p.patch == 0 {
		return
	}
	waves := drawWaves(r, 3, 1, 14, 50)
	level := uniform(r, -0.5, 0.5)
	at := 0
	for k := range latticeSize[2] {
		for j := range latticeSize[1] {
			for i := range latticeSize[0] {
				if from.zone(at) == phantom.LabelPZ {
					f := step(level, level+1, ripple(waves, position(i, j, k)))
					out[at] *= float32(1 - p.patch*f)
				}
				at++
			}
		}
	}
}

// ripple is a smooth random function of about −1.5…1.5.
func ripple(waves []wave, v [3]float64) float64 {
	var sum float64
	for i := range waves {
		w := &waves[i]
		sum += math.Sin(w.k[0]*v[0] + w.k[1]*v[1] + w.k[2]*v[2] + w.phase)
	}
	return sum / math.Sqrt(float64(len(waves)))
}
