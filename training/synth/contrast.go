package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/phantom"
)

// palette gives every tissue its signal.
type palette struct {
	value [32]float64    // signal
	grain [32]float64    // relative SD of the texture from point to point
	tone  float64        // exponent of the anatomy's own texture
	cloud [2][32]float64 // relative SD of smooth variation over some 3 and 8 mm
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
	p := palette{tone: uniform(r, 0.4, 1.1)}
	base := uniform(r, 0.03, 0.14)
	mottle := uniform(r, 0, 0.14)
	for i, b := range weighted {
		p.value[i] = uniform(r, b.lo, b.hi)
		p.grain[i] = base * uniform(r, 0.5, 1.5)
		p.cloud[0][i], p.cloud[1][i] = mottle*uniform(r, 0.3, 1.7), mottle*uniform(r, 0.3, 1.7)
	}
	p.cloud[0][phantom.TissueFat], p.cloud[1][phantom.TissueFat] = uniform(r, 0.02, 0.3), uniform(r, 0.02, 0.22)
	p.cloud[0][phantom.TissuePZ], p.cloud[1][phantom.TissuePZ] = uniform(r, 0.02, 0.22), uniform(r, 0.02, 0.32)
	for _, t := range []phantom.Tissue{phantom.TissueUrine, phantom.TissueAir} { // nothing in a fluid varies
		p.cloud[0][t], p.cloud[1][t] = 0.1*p.cloud[0][t], 0.1*p.cloud[1][t]
	}
	p.value[phantom.TissueUrethra] = uniform(r, p.value[phantom.TissueTZ], p.value[phantom.TissueUrethra])
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
	p := palette{tone: uniform(r, -1, 1)}
	mottle := uniform(r, 0, 0.2)
	base := uniform(r, 0.02, 0.15)
	for i := range p.value {
		p.value[i] = uniform(r, 0.05, 1.2)
		p.grain[i] = base * uniform(r, 0.3, 1.7)
		p.cloud[0][i], p.cloud[1][i] = mottle*uniform(r, 0, 1.5), mottle*uniform(r, 0, 1.5)
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

// paint fills a field on the lattice with the signal of a palette and its textures: that of the anatomy,
// grain from point to point, and clouds of two sizes.
func (p *palette) paint(r *rand.Rand, from *plate, out []float32) {
	table, noise, cloud := p.lookup(), grains(), clouds()
	var share [8]float32
	for i := range share {
		share[i] = float32(i) / 14
	}
	var grain, small, large [32]float32
	for i := range grain {
		grain[i], small[i], large[i] = float32(p.grain[i]), float32(p.cloud[0][i]), float32(p.cloud[1][i])
	}
	var start [2]int
	for i := range start {
		start[i] = r.IntN(len(cloud[i]))
	}
	n := latticeSize[0]
	for row := range latticePoints / n {
		g := int(r.Uint32())
		// One step of the lattice in z is two in the clouds, which are as coarse along every axis.
		shift := row%latticeSize[1]*cloudSide + row/latticeSize[1]*2*cloudSide*cloudSide
		fine, coarse := start[0]+shift, start[1]+shift
		at := row * n
		first, second, tone, to := from.first[at:at+n], from.second[at:at+n], from.tone[at:at+n], out[at:at+n]
		for i := range to {
			a, b, t := int(first[i]&31), second[i], int(tone[i])
			v := table[a<<8|t]
			if s := b >> 5; s > 0 {
				v += share[s] * (table[int(b&31)<<8|t] - v)
			}
			const wrap = cloudSide*cloudSide*cloudSide - 1
			f := 1 + grain[a]*noise[(g+i)&(grainCount-1)] + small[a]*cloud[0][(fine+i)&wrap] + large[a]*cloud[1][(coarse+i)&wrap]
			to[i] = v * max(0.05, f)
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
