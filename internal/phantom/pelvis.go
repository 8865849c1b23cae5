package phantom

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// pelvis is what surrounds the gland, in shape space. Paired structures are written for the left
// side and mirrored; the deformation makes the sides differ.
type pelvis struct {
	gland geom.Vec3 // semi-axes of the gland, mm

	bladder     geom.Vec3 // centre
	bladderHalf geom.Vec3
	bladderWall float64 // mm
	trigone     float64 // how many times thicker the wall is behind and below, beyond 1

	rectum     float64 // AP position of the axis at mid-gland
	rectumHalf [2]float64
	sway       float64 // sideways bend of the rectum, mm
	content    float64 // below 0.35 gas, below 0.7 stool, else collapsed

	hiatus  float64 // half-width between the levators at mid-gland
	wall    float64 // half-distance between the obturator muscles
	body    [2]float64
	obtuThk float64
	pubis   float64 // AP position of the symphysis

	flare    float64    // sideways shift of the obturator muscles per mm towards the head
	sling    [3]float64 // levator: smallest half-width, narrowing per mm towards the apex, half-thickness; mm
	canal    [3]float64 // anal canal: half-widths LR and AP, muscle; mm
	bend     float64    // shift of the rectum to the front per mm below the middle of the gland
	venous   [2]float64 // depth of the venous complex in front and of the plexus beside the gland, mm
	clutter  float64    // 0…1: how far vessels and septa replace the fat round the gland
	floor    float64    // 0…1: how far muscle and stroma replace fat under the middle of the gland
	vesicles [3]float64 // half-sizes of a seminal vesicle, mm
}

// drawPelvis draws surroundings that fit the gland.
func drawPelvis(r *rand.Rand, g *glandShape) pelvis {
	h := g.half
	fill := uniform(r, 0.75, 1.25)
	p := pelvis{
		gland:       h,
		bladderHalf: geom.Vec3{uniform(r, 30, 36) * math.Sqrt(fill), uniform(r, 21, 26) * fill, uniform(r, 19, 24) * fill},
		bladderWall: uniform(r, 3.5, 6),
		rectumHalf:  [2]float64{uniform(r, 12, 18), uniform(r, 11, 16)},
		sway:        uniform(r, -5, 5), content: r.Float64(),
		hiatus: max(24, h[0]+uniform(r, 2.5, 5.5)), obtuThk: uniform(r, 7, 9.5),
		body:     [2]float64{uniform(r, 88, 104), uniform(r, 100, 118)},
		sling:    [3]float64{17, 0.28, 2.6},
		canal:    [3]float64{11, 12, 5.5},
		bend:     0.16,
		venous:   [2]float64{13, 9},
		vesicles: [3]float64{18, 7.5, 11},
	}
	p.bladder = geom.Vec3{uniform(r, -3, 3), -0.55*h[1] - 0.35*p.bladderHalf[1], h[2] + 0.55*p.bladderHalf[2]}
	p.rectum = 0.92*h[1] + 3.5 + p.rectumHalf[1]
	p.wall = max(p.hiatus+8, uniform(r, 36, 42))
	p.pubis = -h[1] - uniform(r, 22, 27)
	return p
}

// outOfGland returns the properties of a point outside the gland; level is the gland's level there
// and l the texture about it.
func (a *Anatomy) outOfGland(s geom.Vec3, level float64, l *local) props {
	p := &a.pelvis
	gap := math.Inf(1)
	if level < outside {
		gap = beyond(s, level)
		if gap < 0.6 {
			return table[TissueCapsule]
		}
	}
	bent := s.Add(l.shift.Scale(step(0, 12, gap)))
	if !p.inBody(bent) {
		return table[TissueAir]
	}
	if m, ok := a.viscera(bent, l); ok {
		return m
	}
	m := geom.Vec3{math.Abs(bent[0]), bent[1], bent[2]}
	if t, ok := p.bone(m); ok {
		if t != TissueMarrow {
			return table[t]
		}
		return table[TissueMarrow].toned(1+0.22*l.coarse+0.16*l.fine, 1)
	}
	if p.muscle(m) {
		return blend(table[TissueMuscle].toned(1+0.2*l.fine+0.15*l.coarse, 1), table[TissueFat], 0.22*l.streak)
	}
	if t, ok := p.vessel(m); ok {
		return table[t]
	}
	return a.fatty(s, gap, l)
}

// inBody reports whether the point lies under the skin.
func (p *pelvis) inBody(s geom.Vec3) bool {
	x := s[0] / 185
	y := s[1] / p.body[0]
	if s[1] > 0 {
		y = s[1] / p.body[1]
	}
	return x*x*x*x+y*y < 1
}

// ring classifies a hollow organ by relative radius: 0 outside, 1 wall, 2 lumen.
func ring(x, y, z float64, half geom.Vec3, wall float64) int {
	q := sq(x/half[0]) + sq(y/half[1]) + sq(z/half[2])
	if q > 1 {
		return 0
	}
	q = math.Sqrt(q)
	if (1-q)*(half[0]+half[1]+half[2])/3 < wall {
		return 1
	}
	return 2
}

func sq(x float64) float64 { return x * x }

// viscera returns bladder, seminal vesicles, rectum, membranous urethra and penile bulb.
func (a *Anatomy) viscera(s geom.Vec3, l *local) (props, bool) {
	if math.Abs(s[0]) > 46 {
		return props{}, false
	}
	p := &a.pelvis
	b := s.Sub(p.bladder)
	wall := p.bladderWall
	if p.trigone > 0 {
		wall *= 1 + p.trigone*step(-0.2, 0.9, 0.6*b[1]/p.bladderHalf[1]-0.6*b[2]/p.bladderHalf[2])
	}
	switch ring(b[0], b[1], b[2], p.bladderHalf, wall+1.2*l.coarse) {
	case 1:
		return table[TissueBladderWall].toned(1+0.15*l.fine, 1), true
	case 2:
		return table[TissueUrine], true
	}
	if m, ok := a.rectal(s, l); ok {
		return m, true
	}
	if m, ok := a.vesicles(s); ok {
		return m, true
	}
	return a.urethral(s)
}

// rectal returns the layers and the content of the rectum, which narrows to the anal canal under
// the apex.
func (a *Anatomy) rectal(s geom.Vec3, l *local) (props, bool) {
	p := &a.pelvis
	if math.Abs(s[0]) > 30 || s[1] < 0 {
		return props{}, false
	}
	narrow := 1 - step(-1.5*p.gland[2], -0.6*p.gland[2], s[2])
	x := s[0] - p.sway*math.Sin(s[2]/22)
	y := s[1] - p.rectum + p.bend*max(0, -s[2]-4) - 0.25*max(0, s[2]-p.gland[2])
	rx, ry := lerp(p.rectumHalf[0], p.canal[0], narrow), lerp(p.rectumHalf[1], p.canal[1], narrow)
	fold := 1 + 0.06*l.coarse
	q := math.Hypot(x/rx, y/ry) / fold
	if q > 1 {
		return props{}, false
	}
	depth := (1 - q) * 0.5 * (rx + ry)
	fine := l.fine
	muscle := lerp(2.4, p.canal[2], narrow)
	switch {
	case depth < muscle:
		return table[TissueBowelWall].toned(1+0.12*fine, 1), true
	case depth < muscle+2.2+0.8*fine || narrow > 0.6:
		return table[TissueMucosa].toned(1+0.25*fine, 1), true
	case p.content < 0.35 && y < 0.35*ry:
		return table[TissueAir], true
	case p.content < 0.7:
		return table[TissueStool].toned(math.Exp(0.5*l.coarse+0.3*fine), 1), true
	}
	return blend(table[TissueMucosa], table[TissueBowelWall], step(-0.3, 0.5, a.fields[0].at(s, 4)+0.5*fine)), true
}

// vesicles returns the seminal vesicles: bright convoluted tubules with dark walls behind the
// bladder, and the ampullae of the ducts between them.
func (a *Anatomy) vesicles(s geom.Vec3) (props, bool) {
	p := &a.pelvis
	x, y, z := math.Abs(s[0]), s[1]-0.5*p.gland[1], s[2]-p.gland[2]-4
	y += 0.12*(x-14) - 0.25*z
	if sq((x-16)/p.vesicles[0])+sq(y/p.vesicles[1])+sq(z/p.vesicles[2]) > 1 {
		return props{}, false
	}
	if x < 6 && sq((x-3)/2.6)+sq(y/3.2) > 1 {
		return props{}, false
	}
	n := a.fields[1].at(s, 4.2) + 0.4*a.fields[2].at(s, 2.1)
	return blend(table[TissueVesicle], table[TissueVesicleWall], 1-step(0.06, 0.24, math.Abs(n))), true
}

// urethral returns the membranous urethra and the penile bulb with the crura under the apex.
func (a *Anatomy) urethral(s geom.Vec3) (props, bool) {
	p := &a.pelvis
	under := -s[2] - p.gland[2]
	if under < -6 {
		return props{}, false
	}
	y := s[1] + 0.06*p.gland[1]
	d := math.Hypot(s[0], y)
	bulb := sq(s[0]/10) + sq((y-2)/9) + sq((under-24)/11)
	crus := sq((math.Abs(s[0])-24)/6) + sq((y+8)/13) + sq((under-20)/12)
	switch {
	case d < 1.8:
		return table[TissueUrethra], true
	case bulb < 1, crus < 1:
		return table[TissueCavernous].toned(1+0.15*a.fields[1].at(s, 3), 1), true
	case d < 6.5:
		return table[TissueSphincter].toned(0.8+0.3*step(1.8, 3.5, 6.5-d), 1), true
	}
	return props{}, false
}

// vessel returns the external iliac and femoral vessels: a flow void and a vein; m has x ≥ 0.
func (p *pelvis) vessel(m geom.Vec3) (Tissue, bool) {
	x, y := m[0]-66+0.1*m[2], m[1]+58-0.25*m[2]
	switch {
	case math.Sqrt(x*x+y*y) < 5:
		return TissueArtery, true
	case math.Sqrt(x*x+y*y) < 6.2:
		return TissueBladderWall, true
	case math.Hypot(x+12, y-5) < 6:
		return TissueArtery, true
	}
	return 0, false
}

// fatty returns fat with its septa and small vessels. gap is the distance to the prostate in mm: near
// it lie the dorsal venous complex in front and the neurovascular bundles at five and seven o'clock.
func (a *Anatomy) fatty(s geom.Vec3, gap float64, l *local) props {
	fat := table[TissueFat].toned(1+0.1*l.coarse+0.1*l.fine, 1)
	if gap < max(13, a.pelvis.venous[1]) {
		if m, ok := a.periprostatic(s, gap, fat); ok {
			return m
		}
	}
	fat = blend(fat, table[TissueSeptum], 0.42*l.streak)
	if p := &a.pelvis; p.floor > 0 && math.Abs(s[0]) < p.hiatus && s[1] > -1.1*p.gland[1] && s[1] < p.rectum {
		low := min(1, p.floor*(1-step(-1.1*p.gland[2], 0, s[2])))
		fibres := blend(table[TissueMuscle], table[TissueSphincter], 0.5+0.5*l.coarse)
		fat = blend(fat, fibres.toned(1+0.25*l.fine+0.2*l.coarse, 1), low*step(-0.7, 0.2, l.coarse+0.6*p.floor))
	}
	return fat
}

// periprostatic returns the venous complex and the bundles.
func (a *Anatomy) periprostatic(s geom.Vec3, gap float64, fat props) (props, bool) {
	h := a.gland.half
	n := a.fields[1].at(s, 3.2)
	deep := a.pelvis.venous
	if s[1] < -0.55*h[1] && math.Abs(s[0]) < 0.9*h[0] && s[2] < 0.6*h[2] {
		m := blend(table[TissueSeptum], table[TissueVein], step(-0.25, 0.15, n))
		return blend(m, fat, step(0.46*deep[0], deep[0], gap)), true
	}
	if a.pelvis.clutter > 0 {
		fine := a.fields[2].at(s, 2.2)
		m := blend(fat, table[TissueVein], step(0.05, 0.35, n+0.5*fine))
		m = blend(m, table[TissueSeptum], step(0.05, 0.3, -n-0.4*fine))
		return blend(fat, m, a.pelvis.clutter*(1-step(0.5*deep[1], deep[1], gap))), true
	}
	phi := math.Atan2(math.Abs(s[0])/h[0], s[1]/h[1])
	if phi > 0.5 && phi < 1.2 {
		return blend(fat, table[TissueSphincter], 0.9*step(0.1, 0.45, n)*(1-step(5, deep[1], gap))), true
	}
	return fat, false
}
