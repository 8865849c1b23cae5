package phantom

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// glandShape is the outline of the prostate and of its zones in shape space, as level functions: an
// ellipsoid-like gland with a tapered apex, a blunt base, a narrower anterior part and a dented
// posterior midline. It holds no signal.
type glandShape struct {
	half      geom.Vec3 // semi-axes in mm: left-right, anterior-posterior, apex-base
	square    float64   // how far the axial outline leans from an ellipse to a rectangle
	mid       float64   // level of the widest slice, as a fraction of the half length
	dent      float64   // depth of the posterior midline groove, as a fraction of the AP semi-axis
	groove    float64   // half-width of that groove, as a fraction of the LR semi-axis
	taper     float64   // narrowing of the anterior part
	lobe      [2]geom.Vec3
	lobeHalf  [2]geom.Vec3
	border    field   // irregularity of the TZ border
	tzLevel   float64 // TZ is where the lobe function is below this
	roughness float64
	horn      float64    // how far PZ reaches round the sides of TZ to the front, as a fraction of the AP semi-axis
	front     float64    // how much further TZ reaches to the front than to the back
	blunt     [2]float64 // 0…1: how far apex and base are blunter than an ellipsoid's
	bulge     float64    // how far a median lobe rises above the base, as a fraction of the half length
	urethraMM float64    // outer radius of the periurethral muscle, which belongs to TZ
	apexTZ    float64    // level, as a fraction of the half length, down to which that muscle belongs to TZ
}

// drawGland returns a gland of roughly the wanted volume; [Anatomy] calibrates it.
func drawGland(r *rand.Rand, volumeML float64) glandShape {
	g := glandShape{
		square: uniform(r, 0.15, 0.5), mid: uniform(r, 0.05, 0.2),
		dent: uniform(r, 0.04, 0.12), taper: uniform(r, 0.1, 0.25), roughness: uniform(r, 0.05, 0.12),
		border: field(r.Uint64()), urethraMM: urethraMM, apexTZ: -0.7, horn: -0.5, groove: 0.4, front: 1,
	}
	g.half = geom.Vec3{1, uniform(r, 0.66, 0.82), uniform(r, 0.82, 1.0)}
	s := math.Cbrt(1000 * volumeML / (4 * math.Pi / 3 * g.half[1] * g.half[2]))
	g.half = g.half.Scale(s)
	for side := range g.lobe {
		sign := float64(1 - 2*side)
		g.lobe[side] = geom.Vec3{sign * uniform(r, 0.24, 0.32), -uniform(r, 0.14, 0.26), uniform(r, 0.08, 0.22)}
		g.lobeHalf[side] = geom.Vec3{uniform(r, 0.42, 0.52), uniform(r, 0.6, 0.72), uniform(r, 0.66, 0.8)}
	}
	return g
}

// norm returns the coordinates as fractions of the semi-axes.
func (g *glandShape) norm(s geom.Vec3) geom.Vec3 {
	return geom.Vec3{s[0] / g.half[0], s[1] / g.half[1], s[2] / g.half[2]}
}

// outside is returned by level well beyond the gland, where the polynomial is not defined.
const outside = 100.0

// level returns the squared relative radius: below 1 inside the gland, 1 on its surface.
func (g *glandShape) level(s geom.Vec3) float64 {
	u := g.norm(s)
	if math.Abs(u[0]) > 1.5 || math.Abs(u[1]) > 1.5 || math.Abs(u[2]) > 1.7 {
		return outside
	}
	x := u[0] / (1 + g.taper*clamp(u[1], -1, 1))
	y := u[1]
	if y > 0 && g.dent > 0 {
		q := x / g.groove
		y += g.dent / (1 + q*q) * min(1, 2*y)
	}
	x2, y2 := x*x, y*y
	r := x2 + y2 - g.square*x2*y2/(1+x2*y2)
	t := u[2] - g.mid
	if t > 0 {
		t /= 1 - g.mid
		if g.bulge > 0 {
			t *= 1 - g.bulge*math.Exp(-6*(u[0]*u[0]+u[1]*u[1]))
		}
		t *= t
		return r + 0.6*(1-g.blunt[1])*t + (0.4+0.6*g.blunt[1])*t*t
	}
	t /= 1 + g.mid
	t *= t
	return r + (1-g.blunt[0])*(1.15*t-0.15*t*t/(1+t*t)*2) + g.blunt[0]*t*t
}

// beyond returns the distance in mm to the surface along the ray from the middle: negative inside.
func beyond(s geom.Vec3, level float64) float64 { return s.Norm() * (1 - 1/math.Sqrt(level)) }

// lobes returns the function whose sublevel set is the transition zone proper; level is that of the
// gland at the same point. It grows from the middle of the nearer lobe.
func (g *glandShape) lobes(s geom.Vec3, level float64) float64 {
	u := g.norm(s)
	a, b := g.lobeNorm(0, u), g.lobeNorm(1, u)
	const k = 0.18
	h := clamp(0.5+0.5*(b-a)/k, 0, 1)
	d := lerp(b, a, h) - k*h*(1-h)
	d += g.roughness * g.border.at(s, 9)
	rim := step(g.horn-0.25, g.horn+0.25, u[1])
	if g.front > 1 { // no rim in front of TZ in the middle
		rim *= max(step(0.2, 0.5, math.Abs(u[0])), step(-0.4, 0.1, u[1]))
	}
	return d + 4*max(0, math.Sqrt(level)-0.86)*rim
}

func (g *glandShape) lobeNorm(side int, u geom.Vec3) float64 {
	d := u.Sub(g.lobe[side])
	h := g.lobeHalf[side]
	x, y, z := d[0]/h[0], d[1]/h[1], d[2]/h[2]
	if y < 0 {
		y /= g.front
	}
	return math.Sqrt(x*x + y*y + z*z)
}

// stroma returns the squared relative radius of the anterior fibromuscular stroma.
func (g *glandShape) stroma(u geom.Vec3) float64 {
	x, y, z := u[0]/0.42, (u[1]+0.9)/0.3, (u[2]-0.05)/0.85
	return x*x + y*y + z*z
}

// central returns the squared relative radius of the central zone, a cone round the ejaculatory
// ducts between base and verumontanum; it counts as PZ.
func (g *glandShape) central(u geom.Vec3) float64 {
	x, y, z := u[0]/0.42, (u[1]-0.42)/0.26, (u[2]-0.68)/0.42
	return x*x + y*y + z*z
}

// urethra returns the distance in mm from the axis of the prostatic urethra, which runs from the
// bladder neck to the verumontanum, bends, and leaves at the apex.
func (g *glandShape) urethra(s geom.Vec3) float64 {
	t := clamp(s[2]/g.half[2], -1.2, 1.2)
	bend := -0.1
	if t > 0 {
		bend = -0.28
	}
	y := s[1] - g.half[1]*(0.04+bend*t*t)
	return math.Hypot(s[0], y)
}

// urethraMM is the usual outer radius of the periurethral muscle.
const urethraMM = 3.2

// inner reports whether a point of the gland belongs to TZ by definition rather than by the lobes:
// the anterior fibromuscular stroma and the urethra above the verumontanum.
func (g *glandShape) inner(s geom.Vec3) bool {
	u := g.norm(s)
	if g.bulge > 0 && u[2] > 0.7 && u[0]*u[0]+u[1]*u[1] < 0.2 {
		return true
	}
	return g.stroma(u) < 1 || u[2] > g.apexTZ && g.urethra(s) < g.urethraMM
}

// zone returns the label of a point with the given gland level.
func (g *glandShape) zone(s geom.Vec3, level float64) uint8 {
	switch {
	case level >= 1:
		return 0
	case g.inner(s) || g.lobes(s, level) < g.tzLevel:
		return LabelTZ
	}
	return LabelPZ
}
