package synth

import (
	"math"
	"math/rand/v2"

	random "bayeslice/internal/seed"
)

// purpose separates the random streams of one seed.
type purpose uint64

const (
	forPool purpose = iota + 1
	forHeldPool
	forDraw
	forHeldDraw
	forGrain
	forCohortPool
	forCohortFoci
	forCohortPlace
	forCohortPose
	forCohortT2W
	forCohortDiffusion
	forCohortLabel
	forReader
	forCall
	forBorder
)

// stream returns the generator of one purpose and number.
func stream(seed uint64, p purpose, n uint64) *rand.Rand {
	return random.Stream(seed, uint64(p), n)
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
