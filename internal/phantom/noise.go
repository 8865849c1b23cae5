package phantom

import (
	"math"

	"bayeslice/internal/geom"
)

// field is smooth random noise over space, a pure function of its seed and the point.
type field uint64

// corner returns the contribution of one lattice point: its random gradient along the offset to it.
func (f field) corner(x, y, z int, dx, dy, dz float64) float64 {
	h := uint64(f) + uint64(x)*0x9E3779B97F4A7C15 + uint64(y)*0xC2B2AE3D27D4EB4F + uint64(z)*0x165667B19E3779F9
	h = (h ^ h>>32) * 0xD6E8FEB86659FD93
	h ^= h >> 29
	const scale = 2.6 / (1 << 15)
	return scale * (float64(int16(h>>16))*dx + float64(int16(h>>32))*dy + float64(int16(h>>48))*dz)
}

// at returns gradient noise (Perlin 1985) of about −1…1 with a lattice of the given spacing in mm; it is
// continuous with its first derivative, and 0 in the mean.
func (f field) at(p geom.Vec3, mm float64) float64 {
	inv := 1 / mm
	// The lattice is turned out of the axes of the anatomy, so that its planes do not show in slices.
	px := (0.64*p[0] - 0.6*p[1] + 0.48*p[2]) * inv
	py := (0.48*p[0] + 0.8*p[1] + 0.36*p[2]) * inv
	pz := (-0.6*p[0] + 0.8*p[2]) * inv
	fx, fy, fz := math.Floor(px), math.Floor(py), math.Floor(pz)
	x, y, z := int(fx), int(fy), int(fz)
	px, py, pz = px-fx, py-fy, pz-fz
	u, v, w := fade(px), fade(py), fade(pz)
	a := lerp(lerp(f.corner(x, y, z, px, py, pz), f.corner(x+1, y, z, px-1, py, pz), u),
		lerp(f.corner(x, y+1, z, px, py-1, pz), f.corner(x+1, y+1, z, px-1, py-1, pz), u), v)
	b := lerp(lerp(f.corner(x, y, z+1, px, py, pz-1), f.corner(x+1, y, z+1, px-1, py, pz-1), u),
		lerp(f.corner(x, y+1, z+1, px, py-1, pz-1), f.corner(x+1, y+1, z+1, px-1, py-1, pz-1), u), v)
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
func clamp(x, lo, hi float64) float64 { return max(lo, min(hi, x)) }
