package phantom

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// vary spreads outline and zones; amount 0 leaves the gland as it is, 1 is what patients show. The volume
// follows later, by calibration.
func (g *glandShape) vary(r *rand.Rand, amount float64) {
	if amount == 0 {
		return
	}
	size := g.half[0] * g.half[1] * g.half[2]
	g.half[1] = g.half[0] * g.near(r, amount, 0.74, 0.6, 0.98)
	g.half[2] = g.half[0] * g.near(r, amount, 0.91, 0.5, 0.95)
	g.half = g.half.Scale(math.Cbrt(size / (g.half[0] * g.half[1] * g.half[2])))
	g.square = g.near(r, amount, g.square, 0, 0.7)
	g.mid = g.near(r, amount, g.mid, -0.1, 0.35)
	g.dent = g.near(r, amount, g.dent, 0, 0.22)
	g.groove = g.near(r, amount, g.groove, 0.3, 0.9)
	g.taper = g.near(r, amount, g.taper, -0.05, 0.35)
	g.roughness = g.near(r, amount, g.roughness, 0, 0.1)
	g.horn = g.near(r, amount, g.horn, -0.85, -0.2)
	g.front = g.near(r, amount, g.front, 1.3, 2.4)
	g.varyLobes(r, amount)
	for i := range g.blunt {
		g.blunt[i] = amount * uniform(r, 0, 0.9)
	}
	g.urethraMM = g.near(r, amount, g.urethraMM, 2.8, 6)
	g.apexTZ = g.near(r, amount, g.apexTZ, -1.05, -0.55)
	if r.Float64() < 0.3 {
		g.bulge = amount * uniform(r, 0.05, 0.25)
	}
}

// varyLobes spreads TZ from one round body in the middle, with thick horns of PZ at its sides, as glands
// without hyperplasia have it, to two lobes side by side that leave PZ a posterior rim.
func (g *glandShape) varyLobes(r *rand.Rand, amount float64) {
	apart := uniform(r, 0.04, 0.32)
	at := geom.Vec3{0, uniform(r, -0.4, -0.1), uniform(r, 0, 0.28)}
	half := geom.Vec3{uniform(r, 0.36, 0.56), uniform(r, 0.52, 0.85), uniform(r, 0.55, 0.85)}
	for i := range g.lobe {
		to := at
		to[0] = float64(1-2*i) * apart
		for a := range 3 {
			g.lobe[i][a] = lerp(g.lobe[i][a], to[a]+uniform(r, -0.04, 0.04), amount)
			g.lobeHalf[i][a] = lerp(g.lobeHalf[i][a], half[a]*uniform(r, 0.9, 1.1), amount)
		}
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
	move(&p.hiatus, h[0], h[0]+6)
	move(&p.wall, max(28, p.hiatus+2), max(33, p.hiatus+12))
	move(&p.obtuThk, 7, 13)
	move(&p.flare, 0, 0.3)
	move(&p.sling[0], 11, 18)
	move(&p.sling[1], 0.25, 0.75)
	move(&p.sling[2], 1.6, 4.2)
	move(&p.rectumHalf[0], 10, 22)
	move(&p.rectumHalf[1], 9, 20)
	gap := uniform(r, -1, 3.5)
	p.rectum = lerp(p.rectum, 0.92*h[1]+gap+p.rectumHalf[1], amount)
	move(&p.canal[0], 9, 17)
	move(&p.canal[1], 10, 18)
	move(&p.canal[2], 4, 9)
	move(&p.bend, 0.1, 0.55)
	move(&p.content, 0, 1)
	move(&p.bladderWall, 2, 8)
	move(&p.bladderHalf[0], 26, 48)
	move(&p.bladderHalf[1], 18, 34)
	move(&p.bladderHalf[2], 15, 30)
	move(&p.floor, 0, 2)
	move(&p.trigone, 0, 2.5)
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
