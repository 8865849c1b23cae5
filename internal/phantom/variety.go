package phantom

import (
	"math"
	"math/rand/v2"
)

// vary spreads outline and zones; amount 0 leaves the gland as it is, 1 is what patients show. The volume
// follows later, by calibration.
func (g *glandShape) vary(r *rand.Rand, amount float64) {
	if amount == 0 {
		return
	}
	size := g.half[0] * g.half[1] * g.half[2]
	g.half[1] = g.half[0] * g.near(r, amount, 0.74, 0.6, 0.98)
	g.half[2] = g.half[0] * g.near(r, amount, 0.91, 0.56, 1.02)
	g.half = g.half.Scale(math.Cbrt(size / (g.half[0] * g.half[1] * g.half[2])))
	g.square = g.near(r, amount, g.square, 0, 0.7)
	g.mid = g.near(r, amount, g.mid, -0.1, 0.35)
	g.dent = g.near(r, amount, g.dent, 0, 0.2)
	g.taper = g.near(r, amount, g.taper, -0.05, 0.35)
	g.roughness = g.near(r, amount, g.roughness, 0.04, 0.2)
	for i := range g.lobe {
		for a := range 3 {
			g.lobe[i][a] += amount * uniform(r, -0.06, 0.06)
			g.lobeHalf[i][a] *= 1 + amount*uniform(r, -0.2, 0.2)
		}
	}
	for i := range g.blunt {
		g.blunt[i] = amount * uniform(r, 0, 0.9)
	}
	g.urethraMM = g.near(r, amount, g.urethraMM, 2.8, 6)
	g.apexTZ = g.near(r, amount, g.apexTZ, -1.05, -0.55)
	if r.Float64() < 0.3 {
		g.bulge = amount * uniform(r, 0.05, 0.25)
	}
}

// near moves a value by the amount towards a draw from lo…hi.
func (*glandShape) near(r *rand.Rand, amount, value, lo, hi float64) float64 {
	return lerp(value, uniform(r, lo, hi), amount)
}

// vary spreads the neighbours: how closely muscles and rectum hug the gland, how far the bladder comes down in
// front of it, how much of the fat is vessels.
func (p *pelvis) vary(r *rand.Rand, g *glandShape, amount float64) {
	if amount == 0 {
		return
	}
	h := g.half
	move := func(value *float64, lo, hi float64) { *value = g.near(r, amount, *value, lo, hi) }
	move(&p.hiatus, h[0]+1.5, h[0]+6)
	move(&p.wall, max(28, p.hiatus+2), max(33, p.hiatus+12))
	move(&p.obtuThk, 7, 13)
	move(&p.flare, 0, 0.3)
	move(&p.sling[0], 11, 18)
	move(&p.sling[1], 0.25, 0.75)
	move(&p.sling[2], 1.6, 4.2)
	move(&p.rectumHalf[0], 10, 22)
	move(&p.rectumHalf[1], 9, 20)
	gap := uniform(r, 0.3, 4)
	p.rectum = lerp(p.rectum, 0.92*h[1]+gap+p.rectumHalf[1], amount)
	move(&p.canal[0], 9, 17)
	move(&p.canal[1], 10, 18)
	move(&p.canal[2], 4, 9)
	move(&p.bend, 0.1, 0.55)
	move(&p.content, 0, 1)
	move(&p.bladderWall, 2.5, 9)
	move(&p.bladderHalf[0], 26, 48)
	move(&p.bladderHalf[1], 18, 34)
	move(&p.bladderHalf[2], 15, 30)
	move(&p.floor, 0, 2)
	forward, up := uniform(r, 0.1, 1.05), uniform(r, -0.15, 0.75)
	p.bladder[1] = lerp(p.bladder[1], -0.4*h[1]-forward*p.bladderHalf[1], amount)
	p.bladder[2] = lerp(p.bladder[2], h[2]+up*p.bladderHalf[2], amount)
	move(&p.pubis, -h[1]-30, -h[1]-18)
	move(&p.venous[0], 3, 14)
	move(&p.venous[1], 5, 16)
	move(&p.clutter, 0.2, 1)
	for i, lim := range [3][2]float64{{12, 22}, {4, 10}, {6, 15}} {
		move(&p.vesicles[i], lim[0], lim[1])
	}
}
