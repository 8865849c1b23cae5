package phantom

import (
	"math"

	"bayeslice/internal/geom"
)

// corticalMM is the thickness of cortical bone.
const corticalMM = 1.8

// bone returns marrow, cortex, or the cartilage of symphysis and hip; m is the point mirrored to x ≥ 0.
func (p *pelvis) bone(m geom.Vec3) (Tissue, bool) {
	if m[0] < p.wall-6 && m[1] > p.pubis+24 && m[1] < p.rectum+24 {
		return 0, false
	}
	head, depth := -10.0, -10.0
	if m[0] > p.wall+8 && math.Abs(m[1]) < 50 {
		head = p.femur(m)
		depth = max(head, p.acetabulum(m))
	}
	if m[1] < 20 && m[2] < 24 {
		depth = max(depth, p.pubicBone(m))
	}
	if m[1] > 8 && m[0] > p.wall+4 && m[2] < 36 {
		depth = max(depth, p.ischium(m))
	}
	if m[0] < 9 && m[1] > p.rectum+30 {
		depth = max(depth, p.coccyx(m))
	}
	switch {
	case depth <= 0 && head > -2 && m[0] < p.wall+62:
		return TissueCartilage, true
	case depth <= 0:
		return 0, false
	case m[0] < 2.8 && m[1] < p.pubis+16:
		return TissueCartilage, true
	case depth < corticalMM:
		return TissueCortex, true
	}
	return TissueMarrow, true
}

// egg returns the depth in mm under the surface of an axis-aligned ellipsoid, approximately; negative outside.
func egg(m, centre, half geom.Vec3) float64 {
	d := m.Sub(centre)
	if math.Abs(d[0]) > 1.3*half[0] || math.Abs(d[1]) > 1.3*half[1] || math.Abs(d[2]) > 1.3*half[2] {
		return -10
	}
	q := math.Sqrt(sq(d[0]/half[0]) + sq(d[1]/half[1]) + sq(d[2]/half[2]))
	return (1 - q) * math.Cbrt(half[0]*half[1]*half[2])
}

func (p *pelvis) femur(m geom.Vec3) float64 {
	head := egg(m, geom.Vec3{p.wall + 54, -4, 8}, geom.Vec3{25, 25, 25})
	neck := egg(m, geom.Vec3{p.wall + 84, 6, -10}, geom.Vec3{34, 14, 22})
	return max(head, neck)
}

// acetabulum is the bone between the obturator muscle and the femoral head.
func (p *pelvis) acetabulum(m geom.Vec3) float64 {
	outer := egg(m, geom.Vec3{p.wall + 50, -1, 10}, geom.Vec3{38, 44, 40})
	joint := -egg(m, geom.Vec3{p.wall + 54, -4, 8}, geom.Vec3{27, 27, 27})
	open := p.wall + 62 - m[0]
	return min(outer, min(joint, open))
}

func (p *pelvis) pubicBone(m geom.Vec3) float64 {
	body := egg(m, geom.Vec3{15, p.pubis, -22}, geom.Vec3{19, 15, 20})
	ramus := capsule(m, geom.Vec3{22, p.pubis - 2, -14}, geom.Vec3{p.wall + 26, -24, 6}, 9)
	lower := capsule(m, geom.Vec3{14, p.pubis + 6, -34}, geom.Vec3{p.wall + 6, 16, -62}, 7)
	return max(body, max(ramus, lower))
}

func (p *pelvis) ischium(m geom.Vec3) float64 {
	return max(
		egg(m, geom.Vec3{p.wall + 24, 36, -38}, geom.Vec3{15, 19, 34}),
		capsule(m, geom.Vec3{p.wall + 24, 36, -20}, geom.Vec3{p.wall + 32, 28, 20}, 13),
	)
}

func (p *pelvis) coccyx(m geom.Vec3) float64 {
	return capsule(m, geom.Vec3{0, p.rectum + 40, 2}, geom.Vec3{0, p.rectum + 52, 40}, 7)
}

// capsule returns the depth in mm under the surface of a round-ended rod.
func capsule(m, a, b geom.Vec3, radius float64) float64 {
	for i := range m {
		if m[i] < min(a[i], b[i])-radius || m[i] > max(a[i], b[i])+radius {
			return -10
		}
	}
	ab := b.Sub(a)
	t := clamp(m.Sub(a).Dot(ab)/ab.Dot(ab), 0, 1)
	return radius - m.Sub(a.Add(ab.Scale(t))).Norm()
}

// muscle reports whether a point is skeletal muscle; m is mirrored to x ≥ 0.
func (p *pelvis) muscle(m geom.Vec3) bool {
	return p.levator(m) || p.obturator(m) || p.gluteus(m) || p.anterior(m)
}

// levator is the sling from the pubis round prostate and rectum, a V that closes behind the rectum; it
// flares above the gland to reach the obturator fascia.
func (p *pelvis) levator(m geom.Vec3) bool {
	front, back := -0.7*p.gland[1], p.rectum+p.rectumHalf[1]+11+0.25*m[2]
	if m[0] > p.wall+4 || m[2] > 0.9*p.gland[2] || m[1] < front-10 || m[1] > back+1 {
		return false
	}
	half := max(p.sling[0], p.hiatus+0.006*sq(max(0, m[2]+10))-p.sling[1]*max(0, -m[2]-8))
	t := clamp((m[1]-front)/(back-front), 0, 1)
	bow := 1 - t*t
	edge := half * (0.35*bow + 0.65*math.Sqrt(bow))
	slope := math.Hypot(1, half*t*(0.7+0.65/max(0.2, math.Sqrt(bow)))/(back-front))
	return math.Abs(m[0]-edge)/slope < p.sling[2]-(0.025+0.06*p.floor)*m[2]+0.9*t
}

// obturator is the internal obturator muscle along the pelvic side wall, hooking out round the ischium,
// with the external one in front of it below.
func (p *pelvis) obturator(m geom.Vec3) bool {
	w, t := p.wall, p.obtuThk
	path := [...]struct{ x, y, thick float64 }{
		{w + 3, -48, 0.35 * t}, {w + 6, -22, t}, {w + 6, 8, t}, {w + 9, 34, 0.8 * t}, {w + 16, 54, 0.65 * t}, {w + 34, 62, 0.6 * t}, {w + 60, 58, 0.4 * t},
	}
	if m[2] < 34 && m[0] > w-6-0.5*t && m[1] > -64 {
		m[0] -= p.flare * m[2]
		y := m[1] + 0.2*m[2]
		for i := 1; i < len(path); i++ {
			a, b := path[i-1], path[i]
			dx, dy := b.x-a.x, b.y-a.y
			f := clamp(((m[0]-a.x)*dx+(y-a.y)*dy)/(dx*dx+dy*dy), 0, 1)
			if math.Hypot(m[0]-a.x-f*dx, y-a.y-f*dy) < lerp(a.thick, b.thick, f) {
				return true
			}
		}
	}
	return m[2] < 4 && egg(m, geom.Vec3{w + 6, p.pubis + 10, -34}, geom.Vec3{26, 15, 34}) > 0
}

// gluteus is the great gluteal muscle.
func (p *pelvis) gluteus(m geom.Vec3) bool {
	back := p.body[1] - 14 - 0.0012*sq(m[0])
	front := p.rectum + 35 - 0.1*m[0]
	return m[0] > 6 && m[1] > front+1.4*max(0, 18-m[0]) && m[1] < back
}

// anterior is the straight abdominal, iliopsoas, pectineal and thigh muscles in front.
func (p *pelvis) anterior(m geom.Vec3) bool {
	if m[1] > 0 && m[0] < p.wall+50 {
		return false
	}
	rectus := p.pubis - 15
	return m[2] > -20 && egg(geom.Vec3{m[0], m[1], 0}, geom.Vec3{17, rectus, 0}, geom.Vec3{18, 6.5, 10}) > 0 ||
		egg(m, geom.Vec3{p.wall + 48, -44, 10}, geom.Vec3{24, 15, 60}) > 0 ||
		egg(m, geom.Vec3{p.wall + 14, p.pubis - 4, -24}, geom.Vec3{24, 12, 22}) > 0 ||
		egg(m, geom.Vec3{p.wall + 84, -40, 0}, geom.Vec3{18, 24, 90}) > 0 ||
		egg(m, geom.Vec3{p.wall + 100, 46, 10}, geom.Vec3{40, 26, 60}) > 0
}
