package synth

import (
	"math"
	"sync"
)

// grainCount is the number of deviates in the table of noise, a power of two.
const grainCount = 1 << 16

// grains is a table of normal deviates that textures and noise read from random places.
var grains = sync.OnceValue(func() *[grainCount]float32 {
	r := stream(1, forGrain, 0)
	out := new([grainCount]float32)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
})

// A cloud is smooth noise of mean 0 and SD 1 on a periodic lattice of cloudSide³ points, x fastest.
const (
	cloudSide = 64
	cloudMask = cloudSide - 1
)

// clouds holds smooth noise of two correlation lengths, in lattice points.
var clouds = sync.OnceValue(func() [2][]float32 {
	return [2][]float32{newCloud(1, 1.3), newCloud(2, 3.2)}
})

// newCloud blurs white noise by a periodic Gaussian of sd points along each axis.
func newCloud(number uint64, sd float64) []float32 {
	r := stream(2, forGrain, number)
	a, b := make([]float32, cloudSide*cloudSide*cloudSide), make([]float32, cloudSide*cloudSide*cloudSide)
	for i := range a {
		a[i] = float32(r.NormFloat64())
	}
	reach := int(math.Ceil(3 * sd))
	for _, stride := range []int{1, cloudSide, cloudSide * cloudSide} {
		for i := range b {
			n := i / stride & cloudMask
			var sum float64
			for d := -reach; d <= reach; d++ {
				sum += math.Exp(-float64(d*d)/(2*sd*sd)) * float64(a[i+(((n+d)&cloudMask)-n)*stride])
			}
			b[i] = float32(sum)
		}
		a, b = b, a
	}
	mean, dev := moments(a)
	for i := range a {
		a[i] = float32((float64(a[i]) - mean) / dev)
	}
	return a
}
