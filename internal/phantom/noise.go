package phantom

import (
	"math"

	"bayeslice/internal/geom"
)

// field is smooth random noise over space, a pure function of its seed and the point.
type field uint64

// lattice returns the value in −1…1 of one lattice point.
func (f field) lattice(x, y, z int) float64 {
	h := uint64(f) + uint64(x)*0x9E3779B97F4A7C15 + uint64(y)*0xC2B2AE3D27D4EB4F + uint64(z)*0x165667B19E3779F9
	h = (h ^ h>>32) * 0xD6E8FEB86659FD93
	h = (h ^ h>>29) * 0xBF58476D1CE4E5B9
	return float64(int64(h)>>11) * (1.0 / (1 << 52))
}

// at returns value noise in −1…1 with a lattice of the given spacing in mm; it is continuous with
// its first derivative.
func (f field) at(p geom.Vec3, mm float64) float64 {
	inv := 1 / mm
	px, py, pz := p[0]*inv, p[1]*inv, p[2]*inv
	fx, fy, fz := math.Floor(px), math.Floor(py), math.Floor(pz)
	x, y, z := int(fx), int(fy), int(fz)
	u, v, w := fade(px-fx), fade(py-fy), fade(pz-fz)
	a := lerp(lerp(f.lattice(x, y, z), f.lattice(x+1, y, z), u), lerp(f.lattice(x, y+1, z), f.lattice(x+1, y+1, z), u), v)
	b := lerp(lerp(f.lattice(x, y, z+1), f.lattice(x+1, y, z+1), u), lerp(f.lattice(x, y+1, z+1), f.lattice(x+1, y+1, z+1), u), v)
	return lerp(a, b, w)
}

// ridge returns 1 on the thin sheets where the noise changes sign and 0 away from them; width is the
// half-width of a sheet as a fraction of the lattice spacing.
func (f field) ridge(p geom.Vec3, mm, width float64) float64 {
	return 1 - step(0, width, math.Abs(f.at(p, mm)))
}

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

func fade(t float64) float64 { return t * t * (3 - 2*t) }

// step rises smoothly from 0 at lo to 1 at hi.
func step(lo, hi, x float64) float64 {
	switch {
	case x <= lo:
		return 0
	case x >= hi:
		return 1
	}
	return fade((x - lo) / (hi - lo))
}

// clamp cuts x to lo…hi.
func clamp(x, lo, hi float64) float64 { return math.Max(lo, math.Min(hi, x)) }
