package phantom

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// maxWarpMM bounds the deformation. With wavelengths of at least minWarpWave its gradient stays
// below 2π·8/60 = 0.84, so that it cannot fold space.
const (
	maxWarpMM   = 8.0
	minWarpWave = 60.0
)

// frame takes world positions to the shape space in which the anatomy is written down: origin in the
// middle of the gland, x to the left, y to the posterior, z along the gland's axis to the base.
type frame struct {
	origin geom.Vec3    // world LPS mm
	axes   [3]geom.Vec3 // world directions of the shape axes
	warp   []wave
}

// wave is one mode of the deformation.
type wave struct {
	k, shift geom.Vec3 // rad/mm and mm
	phase    float64
}

// shape returns the position in shape space of a world position.
func (f *frame) shape(world geom.Vec3) geom.Vec3 {
	s := f.turned(world.Sub(f.origin))
	out := s
	for i := range f.warp {
		w := &f.warp[i]
		a := math.Sin(w.k.Dot(s) + w.phase)
		out[0] += a * w.shift[0]
		out[1] += a * w.shift[1]
		out[2] += a * w.shift[2]
	}
	return out
}

// turned returns a world direction along the shape axes, before the deformation.
func (f *frame) turned(d geom.Vec3) geom.Vec3 {
	return geom.Vec3{d.Dot(f.axes[0]), d.Dot(f.axes[1]), d.Dot(f.axes[2])}
}

// lattice returns the world position of a point given along the axes before the deformation, mm.
func (f *frame) lattice(x, y, z float64) geom.Vec3 {
	return f.origin.Add(f.axes[0].Scale(x)).Add(f.axes[1].Scale(y)).Add(f.axes[2].Scale(z))
}

// reach returns the largest displacement of the deformation in mm.
func (f *frame) reach() float64 {
	var sum float64
	for i := range f.warp {
		sum += f.warp[i].shift.Norm()
	}
	return sum
}

// world inverts shape by fixed-point iteration, which converges since the deformation contracts.
func (f *frame) world(s geom.Vec3) geom.Vec3 {
	p := s
	w := f.lattice(p[0], p[1], p[2])
	for range 60 {
		d := s.Sub(f.shape(w))
		if d.Norm() < 1e-9 {
			break
		}
		p = p.Add(d)
		w = f.lattice(p[0], p[1], p[2])
	}
	return w
}

// drawWarp returns modes whose displacements sum to at most mm everywhere.
func drawWarp(r *rand.Rand, mm float64) []wave {
	const modes = 5
	if mm == 0 {
		return nil
	}
	out := make([]wave, modes)
	var sum float64
	for i := range out {
		shift := direction(r).Scale(uniform(r, 0.5, 1))
		sum += shift.Norm()
		out[i] = wave{
			k:     direction(r).Scale(2 * math.Pi / uniform(r, minWarpWave, 2.5*minWarpWave)),
			shift: shift, phase: uniform(r, 0, 2*math.Pi),
		}
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

// obliqueAxes returns left, posterior and head-wards axes of a stack or gland whose third axis makes
// the angle tilt with the head-foot direction. turn swings the tilt out of the sagittal plane and
// roll turns about the third axis; all in radians. A positive tilt leans the head-wards axis to the posterior.
func obliqueAxes(tilt, turn, roll float64) [3]geom.Vec3 {
	n := geom.Vec3{math.Sin(tilt) * math.Sin(turn), math.Sin(tilt) * math.Cos(turn), math.Cos(tilt)}
	left := geom.Vec3{1, 0, 0}
	i0 := left.Sub(n.Scale(left.Dot(n))).Unit()
	j0 := n.Cross(i0)
	i := i0.Scale(math.Cos(roll)).Add(j0.Scale(math.Sin(roll)))
	return [3]geom.Vec3{i, n.Cross(i), n}
}
