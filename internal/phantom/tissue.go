package phantom

import (
	"math"

	"bayeslice/internal/geom"
)

// Tissue is a kind of material; the zero value is air.
type Tissue uint8

// The tissues, and their number [Tissues].
const (
	TissueAir Tissue = iota
	TissueFat
	TissueSeptum
	TissueMuscle
	TissueMarrow
	TissueCortex
	TissueCartilage
	TissueUrine
	TissueBladderWall
	TissueBowelWall
	TissueMucosa
	TissueStool
	TissueArtery
	TissueVein
	TissueVesicle
	TissueVesicleWall
	TissueCavernous
	TissueCapsule
	TissueUrethra
	TissueSphincter
	TissuePZ
	TissueCentral
	TissueTZ
	TissueStroma
	TissueGlandular
	TissueMixed
	TissueStromal
	TissueLesion
	TissueInflamed
	Tissues
)

// props are the MR properties of a material at a point.
type props struct {
	pd   float64 // proton density relative to water
	t1   float64 // ms at 3 T
	t2   float64 // ms at 3 T, effective for a turbo spin echo
	adc  float64 // µm²/ms = 10⁻³ mm²/s
	kurt float64 // excess kurtosis of the diffusion signal, used where Config.Kurtosis asks for it
	fat  float64 // share of the diffusion signal that fat suppression removes
	mix  Mixture // what the material is made of
}

// table holds typical values at 3 T. Relaxation: the usual ranges of de Bazelaire (Radiology 2004)
// for muscle, fat and marrow and of multi-echo prostate T2 mapping; diffusion: PZ 1.6–1.9, TZ
// 1.2–1.5, csPCa 0.6–0.9, muscle 1.3, urine 3.0 µm²/ms. They are drawn about, not fitted to a person.
var table = named([Tissues]props{
	TissueAir:         {pd: 0, t1: 1000, t2: 10, adc: 0.5},
	TissueFat:         {pd: 0.9, t1: 380, t2: 132, adc: 0.3, fat: 0.96},
	TissueSeptum:      {pd: 0.7, t1: 900, t2: 60, adc: 0.8, fat: 0.8},
	TissueMuscle:      {pd: 0.8, t1: 1400, t2: 40, adc: 1.3, kurt: 0.5},
	TissueMarrow:      {pd: 0.7, t1: 550, t2: 108, adc: 0.35, fat: 0.94},
	TissueCortex:      {pd: 0.08, t1: 900, t2: 15, adc: 0.4},
	TissueCartilage:   {pd: 0.7, t1: 1200, t2: 60, adc: 1.1},
	TissueUrine:       {pd: 1, t1: 3900, t2: 1300, adc: 3.0},
	TissueBladderWall: {pd: 0.8, t1: 1400, t2: 48, adc: 1.4, kurt: 0.5},
	TissueBowelWall:   {pd: 0.8, t1: 1350, t2: 52, adc: 1.25, kurt: 0.6},
	TissueMucosa:      {pd: 0.85, t1: 1300, t2: 92, adc: 1.5, kurt: 0.5},
	TissueStool:       {pd: 0.5, t1: 800, t2: 58, adc: 1.2, fat: 0.4},
	TissueArtery:      {pd: 0.06, t1: 1900, t2: 40, adc: 2.5},
	TissueVein:        {pd: 0.9, t1: 1800, t2: 150, adc: 2.2},
	TissueVesicle:     {pd: 0.97, t1: 2000, t2: 185, adc: 2.0},
	TissueVesicleWall: {pd: 0.8, t1: 1400, t2: 62, adc: 1.4},
	TissueCavernous:   {pd: 0.92, t1: 1800, t2: 190, adc: 1.7},
	TissueCapsule:     {pd: 0.75, t1: 1300, t2: 45, adc: 1.1},
	TissueUrethra:     {pd: 0.9, t1: 1700, t2: 150, adc: 1.6},
	TissueSphincter:   {pd: 0.82, t1: 1400, t2: 62, adc: 1.3},
	TissuePZ:          {pd: 0.92, t1: 1650, t2: 165, adc: 1.75, kurt: 0.55},
	TissueCentral:     {pd: 0.85, t1: 1500, t2: 72, adc: 1.15, kurt: 0.7},
	TissueTZ:          {pd: 0.86, t1: 1550, t2: 84, adc: 1.32, kurt: 0.75},
	TissueStroma:      {pd: 0.78, t1: 1400, t2: 44, adc: 1.15, kurt: 0.7},
	TissueGlandular:   {pd: 0.9, t1: 1650, t2: 135, adc: 1.65, kurt: 0.6},
	TissueMixed:       {pd: 0.87, t1: 1550, t2: 92, adc: 1.38, kurt: 0.7},
	TissueStromal:     {pd: 0.82, t1: 1450, t2: 58, adc: 1.1, kurt: 0.8},
	TissueLesion:      {pd: 0.84, t1: 1550, t2: 72, adc: 0.75, kurt: 1.0},
	TissueInflamed:    {pd: 0.88, t1: 1600, t2: 100, adc: 1.25, kurt: 0.7},
})

// named writes into each material of the table that it is made of that tissue alone.
func named(t [Tissues]props) [Tissues]props {
	for i := range t {
		t[i].mix = Mixture{First: Tissue(i), Second: Tissue(i), Tone: 1}
	}
	return t
}

// blend mixes two materials; w is the share of b.
func blend(a, b props, w float64) props {
	switch {
	case w <= 0:
		return a
	case w >= 1:
		return b
	}
	return props{
		pd: lerp(a.pd, b.pd, w), t1: lerp(a.t1, b.t1, w), t2: lerp(a.t2, b.t2, w),
		adc: lerp(a.adc, b.adc, w), kurt: lerp(a.kurt, b.kurt, w), fat: lerp(a.fat, b.fat, w),
		mix: mixed(a.mix, b.mix, w),
	}
}

// toned scales T2 and ADC.
func (p props) toned(t2, adc float64) props {
	p.t2 *= t2
	p.adc *= adc
	p.mix.Tone *= t2
	return p
}

// at returns the material properties at a world position, LPS mm.
func (a *Anatomy) at(world geom.Vec3) props {
	s := a.frame.shape(world)
	level := a.gland.level(s)
	if level < 1 {
		return a.inGland(s, level)
	}
	l := a.local(s)
	return a.outOfGland(s, level, &l)
}

// inGland returns the properties of a point inside the gland.
func (a *Anatomy) inGland(s geom.Vec3, level float64) props {
	coarse := a.texture * a.fields[0].at(s, 6.5)
	fine := a.texture * a.fields[1].at(s, 2.2)
	var p props
	if a.gland.inner(s) {
		p = a.innerTissue(s, coarse, fine)
	} else if d := a.gland.lobes(s, level) - a.gland.tzLevel; d < 0 {
		p = a.transition(s, d, coarse, fine)
	} else {
		p = a.peripheral(s, d, coarse, fine)
	}
	for i := range a.lesions {
		l := &a.lesions[i]
		if r := l.radius(s); r < 1.2 {
			p = blend(p, l.core.toned(1+0.06*coarse+0.05*fine, 1+0.06*fine), 1-step(0.85, 1.15, r))
		}
	}
	if under := -beyond(s, level); under < 0.9 {
		p = blend(p, table[TissueCapsule], 0.75*(1-step(0.3, 0.9, under)))
	}
	return p
}

// innerTissue is the urethra with its muscle, and the anterior fibromuscular stroma.
func (a *Anatomy) innerTissue(s geom.Vec3, coarse, fine float64) props {
	if d := a.gland.urethra(s); d < a.gland.urethraMM {
		veru := 1 - step(3, 6, math.Abs(s[2]-0.02*a.gland.half[2]))
		p := table[TissueSphincter].toned(1+0.1*fine, 1)
		if a.gland.urethraMM > urethraMM {
			p = blend(p, table[TissueTZ].toned(math.Exp(0.3*coarse+0.2*fine), 1), step(urethraMM-1, a.gland.urethraMM, d))
		}
		return blend(p, table[TissueUrethra], (0.55+0.45*veru)*(1-step(0.8+veru, 1.6+veru, d)))
	}
	p := table[TissueStroma].toned(1+0.2*coarse+0.1*fine, 1+0.05*fine)
	edge := a.gland.stroma(a.gland.norm(s))
	return blend(p, table[TissueTZ].toned(1+0.2*coarse, 1), 0.6*step(0.6, 1, edge))
}

// transition is TZ: nodules in a streaky stroma. d is the lobe function less its level, negative
// inside.
func (a *Anatomy) transition(s geom.Vec3, d, coarse, fine float64) props {
	if p, ok := a.nodule(s, coarse, fine); ok {
		return p
	}
	streak := a.texture * a.fields[2].ridge(s, 4.5, 0.16)
	p := table[TissueTZ].toned(math.Exp(0.3*coarse+0.22*fine)*(1-0.22*streak), math.Exp(0.1*coarse+0.06*fine))
	return blend(p, table[TissueCapsule], 0.7*(1-step(0.01, 0.06, -d)))
}

// nodule returns the nodule tissue at a point, with its dark rim.
func (a *Anatomy) nodule(s geom.Vec3, coarse, fine float64) (props, bool) {
	for i := range a.nodules {
		n := &a.nodules[i]
		r := n.radius(s)
		if r >= 1 {
			continue
		}
		amp := 0.18
		if n.tissue == TissueGlandular {
			amp = 0.3
		}
		p := table[n.tissue].toned(n.tone*math.Exp(0.15*coarse+amp*fine), math.Sqrt(n.tone)*math.Exp(0.05*coarse+0.06*fine))
		return blend(table[TissueCapsule], p, 0.2+0.8*step(0.3, 0.95, n.depth(r))), true
	}
	return props{}, false
}

// peripheral is PZ with its septa, the central zone and benign wedges. d is positive.
func (a *Anatomy) peripheral(s geom.Vec3, d, coarse, fine float64) props {
	if p, ok := a.nodule(s, coarse, fine); ok {
		return p
	}
	septum := a.texture * a.fields[2].ridge(s, 5.5, 0.1)
	p := table[TissuePZ].toned(math.Exp(0.16*coarse+0.16*fine)*(1-0.35*septum), math.Exp(0.06*coarse+0.04*fine)*(1-0.1*septum))
	if c := a.gland.central(a.gland.norm(s)); c < 1.3 {
		p = blend(p, table[TissueCentral].toned(1+0.2*coarse+0.1*fine, 1+0.05*fine), 1-step(0.7, 1.3, c))
	}
	for i := range a.wedges {
		w := &a.wedges[i]
		phi := math.Atan2(s[0], s[1])
		share := (1 - step(0.6*w.spread, w.spread, math.Abs(phi-w.angle))) * (1 - step(0.6*w.height, w.height, math.Abs(s[2]-w.z)))
		p = blend(p, table[TissueInflamed].toned(1+0.1*fine, 1), 0.85*w.depth*share)
	}
	return blend(p, table[TissueCapsule], 0.8*(1-step(0.015, 0.06, d)))
}
