package phantom

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// ellipsoid is a rotated ellipsoid with an irregular border, in shape space.
type ellipsoid struct {
	centre geom.Vec3
	inv    [3]geom.Vec3 // unit axes divided by the semi-axes
	half   geom.Vec3    // semi-axes, mm
	bound2 float64      // squared radius of a sphere that holds it and its border
	rough  float64      // relative amplitude of the border
	border field
}

// far is the relative radius returned away from an ellipsoid.
const far = 9.0

// newEllipsoid places semi-axes half along the given orthonormal axes.
func newEllipsoid(centre geom.Vec3, axes [3]geom.Vec3, half geom.Vec3, rough float64, border field) ellipsoid {
	e := ellipsoid{centre: centre, half: half, rough: rough, border: border}
	for i := range axes {
		e.inv[i] = axes[i].Scale(1 / half[i])
	}
	b := max(half[0], max(half[1], half[2])) * (1.15 + rough)
	e.bound2 = b * b
	return e
}

// radius returns the relative radius: below 1 inside, 1 on the irregular border.
func (e *ellipsoid) radius(s geom.Vec3) float64 {
	d := s.Sub(e.centre)
	if d.Dot(d) > e.bound2 {
		return far
	}
	x, y, z := d.Dot(e.inv[0]), d.Dot(e.inv[1]), d.Dot(e.inv[2])
	r := math.Sqrt(x*x + y*y + z*z)
	if e.rough > 0 {
		r += e.rough * e.border.at(s, 0.8*math.Cbrt(e.half[0]*e.half[1]*e.half[2]))
	}
	return r
}

// depth returns how far inside the border a point is, in mm, along the mean semi-axis.
func (e *ellipsoid) depth(radius float64) float64 {
	return (1 - radius) * math.Cbrt(e.half[0]*e.half[1]*e.half[2])
}

// randomAxes draws a rotation, uniform enough for nodules.
func randomAxes(r *rand.Rand) [3]geom.Vec3 {
	a := direction(r)
	b := a.Cross(direction(r)).Unit()
	return [3]geom.Vec3{a, b, a.Cross(b)}
}

// axesAlong returns axes of which the first points along v and the last as near to the gland's axis as that allows.
func axesAlong(v geom.Vec3) [3]geom.Vec3 {
	v = v.Unit()
	z := geom.Vec3{0, 0, 1}
	if math.Abs(v[2]) > 0.9 {
		z = geom.Vec3{0, 1, 0}
	}
	t := z.Cross(v).Unit()
	return [3]geom.Vec3{v, t, v.Cross(t)}
}
