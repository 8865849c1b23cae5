package phantom

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// coil is a smooth receive sensitivity: brighter towards the array elements in front and behind,
// with a random lean. It is 1 in the middle of the gland.
type coil struct {
	centre, lean geom.Vec3
	strength     float64
}

func drawCoil(r *rand.Rand, centre geom.Vec3, strength float64) coil {
	return coil{centre: centre, lean: direction(r).Scale(uniform(r, 0.02, 0.12)), strength: strength}
}

// at returns the sensitivity at a world position.
func (c *coil) at(world geom.Vec3) float64 {
	if c.strength == 0 {
		return 1
	}
	d := world.Sub(c.centre).Scale(1.0 / 100)
	y := d[1] * d[1]
	log := d.Dot(c.lean) + 0.3*y/(1+0.3*y) - 0.08*d[0]*d[0] - 0.05*d[2]*d[2]
	return math.Exp(c.strength * log)
}
