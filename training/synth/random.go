package synth

import (
	"math"
	"math/rand/v2"
)

// purpose separates the random streams of one seed.
type purpose uint64

const (
	forPool purpose = iota + 1
	forHeldPool
	forDraw
	forHeldDraw
	forGrain
)

// stream returns the generator of one purpose and number.
func stream(seed uint64, p purpose, n uint64) *rand.Rand {
	a := mix(seed ^ mix(uint64(p)))
	return rand.New(rand.NewPCG(a, mix(a^mix(n+0x5851F42D4C957F2D))))
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// uniform draws from lo…hi.
func uniform(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// around draws from a normal distribution cut at two and a half standard deviations.
func around(r *rand.Rand, mean, sd float64) float64 {
	for {
		if v := r.NormFloat64(); math.Abs(v) <= 2.5 {
			return mean + sd*v
		}
	}
}

// chance is true with probability p.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

func clamp(x, lo, hi float64) float64 { return max(lo, min(hi, x)) }

// step rises smoothly from 0 at lo to 1 at hi.
func step(lo, hi, x float64) float64 {
	t := clamp((x-lo)/(hi-lo), 0, 1)
	return t * t * (3 - 2*t)
}
