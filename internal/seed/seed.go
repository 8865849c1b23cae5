// Package seed makes independent random streams of one seed. What it returns is part of the definition of
// every phantom, example and noise sample, and never changes. Its functions are pure.
package seed

import "math/rand/v2"

// Mix is the first output of SplitMix64 (Steele et al. 2014) from state x: a bijection that spreads near
// inputs over all 64 bits.
func Mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// Stream returns the generator of one purpose and index under a seed. Purposes separate what is drawn, so
// that changing how many numbers one part draws leaves the others as they were. The generator is not safe
// for concurrent use.
func Stream(seed, purpose, index uint64) *rand.Rand {
	a := Mix(seed ^ Mix(purpose))
	return rand.New(rand.NewPCG(a, Mix(a^Mix(index+0x5851F42D4C957F2D))))
}
