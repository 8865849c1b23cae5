package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// pose takes positions of the image to the lattice of an anatomy. Image positions are mm from the middle of
// the model's grid along its axes (left, back, head).
type pose struct {
	centre geom.Vec3    // of the gland, image mm
	turn   [3]geom.Vec3 // rows: image mm to lattice mm, with scale and mirror
	waves  []wave
}

// wave is one mode of a smooth deformation or of an irregular border.
type wave struct {
	k, shift geom.Vec3 // rad/mm and mm
	phase    float64
}

// drawPose draws where and how the gland lies in a stack that covers so many mm. Glands lie within about
// 11 mm of the middle of their image from side to side, 7 mm from front to back, and more often below it than
// above; low stacks are placed with more care.
func drawPose(r *rand.Rand, covers float64) pose {
	room := clamp((covers-25)/40, 0.3, 1)
	p := pose{centre: geom.Vec3{around(r, 0, 4.5), around(r, 0, 5), room * around(r, -5, 6)}}
	if chance(r, 0.15) {
		p.centre = geom.Vec3{uniform(r, -15, 15), uniform(r, -15, 15), room * uniform(r, -18, 15)}
	}
	scale := math.Exp(around(r, 0, 0.06))
	stretch := geom.Vec3{math.Exp(around(r, 0, 0.06)) * scale, math.Exp(around(r, 0, 0.06)) * scale, math.Exp(around(r, 0, 0.07)) * scale}
	turn := rotation(around(r, 0, 0.12), around(r, 0, 0.07), around(r, 0, 0.07))
	mirror := 1.0
	if chance(r, 0.5) {
		mirror = -1
	}
	for a := range 3 {
		p.turn[a] = turn[a].Scale(1 / stretch[a])
	}
	p.turn[0] = p.turn[0].Scale(mirror)
	p.waves = drawWaves(r, 4, uniform(r, 0, 4), 40, 110)
	return p
}

// rotation returns the rows of the product of turns about x, y and z, in radians.
func rotation(x, y, z float64) [3]geom.Vec3 {
	sx, cx := math.Sincos(x)
	sy, cy := math.Sincos(y)
	sz, cz := math.Sincos(z)
	return [3]geom.Vec3{
		{cz * cy, cz*sy*sx - sz*cx, cz*sy*cx + sz*sx},
		{sz * cy, sz*sy*sx + cz*cx, sz*sy*cx - cz*sx},
		{-sy, cy * sx, cy * cx},
	}
}

// drawWaves draws n modes whose displacements sum to at most mm, of wavelengths short…long mm.
func drawWaves(r *rand.Rand, n int, mm, short, long float64) []wave {
	out := make([]wave, n)
	var sum float64
	for i := range out {
		shift := direction(r).Scale(uniform(r, 0.5, 1))
		sum += shift.Norm()
		out[i] = wave{k: direction(r).Scale(2 * math.Pi / uniform(r, short, long)), shift: shift, phase: uniform(r, 0, 2*math.Pi)}
	}
	for i := range out {
		out[i].shift = out[i].shift.Scale(mm / sum)
	}
	return out
}

// direction draws a unit vector, uniform on the sphere.
func direction(r *rand.Rand) geom.Vec3 {
	for {
		v := geom.Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		if v.Norm() > 1e-6 {
			return v.Unit()
		}
	}
}

// body returns the position in the anatomy, mm from the gland's centroid, of an image position.
func (p *pose) body(v geom.Vec3) geom.Vec3 {
	v = v.Sub(p.centre)
	s := geom.Vec3{p.turn[0].Dot(v), p.turn[1].Dot(v), p.turn[2].Dot(v)}
	out := s
	for i := range p.waves {
		w := &p.waves[i]
		a := math.Sin(w.k.Dot(s) + w.phase)
		out[0] += a * w.shift[0]
		out[1] += a * w.shift[1]
		out[2] += a * w.shift[2]
	}
	return out
}

// lattice returns lattice indices, with fractions, of a position in the anatomy.
func lattice(b geom.Vec3) geom.Vec3 {
	for a := range b {
		b[a] = b[a]/latticeMM[a] + float64(latticeSize[a]-1)/2
	}
	return b
}

// cell finds the lattice cell about a position and the fractions inside it; beyond the lattice its edge goes on.
func cell(q geom.Vec3) (at int, fx, fy, fz float32) {
	var n [3]int
	var f [3]float32
	for a := range q {
		v := clamp(q[a], 0, float64(latticeSize[a]-1)-1e-3)
		n[a] = int(v)
		f[a] = float32(v - float64(n[a]))
	}
	return index(n[0], n[1], n[2]), f[0], f[1], f[2]
}

const (
	nextRow   = 108
	nextPlane = 108 * 108
)

// read interpolates a field on the lattice.
func read(field []float32, at int, fx, fy, fz float32) float32 {
	a, b := field[at:at+nextRow+2], field[at+nextPlane:at+nextPlane+nextRow+2]
	p := a[0] + fx*(a[1]-a[0])
	q := a[nextRow] + fx*(a[nextRow+1]-a[nextRow])
	s := b[0] + fx*(b[1]-b[0])
	t := b[nextRow] + fx*(b[nextRow+1]-b[nextRow])
	p += fy * (q - p)
	s += fy * (t - s)
	return p + fz*(s-p)
}

// zoneAt returns the zone that has most of the interpolated vote at a lattice position.
func (p *plate) zoneAt(q geom.Vec3) uint8 {
	at, fx, fy, fz := cell(q)
	var vote [8]float32
	for c := range 8 {
		w, o := float32(1), at
		for _, s := range [3]struct {
			bit, next int
			f         float32
		}{{1, 1, fx}, {2, nextRow, fy}, {4, nextPlane, fz}} {
			if c&s.bit != 0 {
				w *= s.f
				o += s.next
			} else {
				w *= 1 - s.f
			}
		}
		vote[p.zone(o)] += w
	}
	best := 0
	for z := 1; z < 3; z++ {
		if vote[z] > vote[best] {
			best = z
		}
	}
	// Inside the gland, either zone is more likely than the background where together they are.
	if best == 0 && vote[1]+vote[2] > vote[0] {
		best = 1
		if vote[2] > vote[1] {
			best = 2
		}
	}
	return uint8(best)
}
