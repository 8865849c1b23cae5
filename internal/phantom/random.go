package phantom

import (
	"math"
	"math/rand/v2"

	random "bayeslice/internal/seed"
)

// purpose separates the random streams of one seed, so that changing how many numbers one part
// draws leaves the others as they were.
type purpose uint64

const (
	forAnatomy purpose = iota + 1
	forLesions
	forNodules
	forPelvis
	forWarp
	forStack
	forCoil
	forTexture
	forNoiseT2W
	forNoiseDWI
	forVariety
)

// stream returns the generator of one purpose and index (a slice, a b-value).
func stream(seed uint64, p purpose, index int) *rand.Rand {
	return random.Stream(seed, uint64(p), uint64(index))
}

// uniform draws from lo…hi.
func uniform(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// around draws from a normal distribution cut at two standard deviations.
func around(r *rand.Rand, mean, sd float64) float64 {
	for {
		if v := r.NormFloat64(); math.Abs(v) <= 2 {
			return mean + sd*v
		}
	}
}

// logNormal draws from a log-normal distribution cut to the interval. The log-scale deviate is
// folded into the interval by rejection, and by a uniform draw where the interval lies far out in a tail.
func logNormal(r *rand.Rand, median, sigma float64, in Range) float64 {
	for range 64 {
		if v := median * math.Exp(sigma*r.NormFloat64()); v >= in.Min && v <= in.Max {
			return v
		}
	}
	return uniform(r, in.Min, in.Max)
}
