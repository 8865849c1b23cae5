package inference

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// ErrOutput marks a model whose output is not a map of probabilities.
var ErrOutput = errors.New("inference: the model's output is not usable")

// Stats accumulates, voxel by voxel, the mean and variance of each class probability (Welford 1962)
// and the mean entropy, in float64, in memory that does not depend on the number of samples.
// Voxels are independent, so that threads do not change a bit of the result. Not safe for
// concurrent use.
type Stats struct {
	n       int
	classes int
	voxels  int
	mean    []float64 // class by class
	m2      []float64 // class by class: sum of squared deviations
	entropy []float64 // mean over the samples of H, nats
}

// NewStats returns statistics of no samples yet.
func NewStats(classes, voxels int) *Stats {
	return &Stats{classes: classes, voxels: voxels, mean: make([]float64, classes*voxels),
		m2: make([]float64, classes*voxels), entropy: make([]float64, voxels)}
}

// N returns the number of samples added.
func (s *Stats) N() int { return s.n }

// Add takes one sample: probabilities [K, voxels], class by class. p is not kept. It fails with
// [ErrOutput], leaving the statistics as they were, where the length is wrong or a value is not a
// probability (rounding aside).
func (s *Stats) Add(p []float32) error {
	if len(p) != s.classes*s.voxels {
		return fmt.Errorf("%w: it has %d values where %d classes × %d voxels are expected", ErrOutput, len(p), s.classes, s.voxels)
	}
	if err := checkProbabilities(p); err != nil {
		return err
	}
	s.n++
	parallel(s.voxels, func(lo, hi int) { s.add(p, lo, hi) })
	return nil
}

func (s *Stats) add(p []float32, lo, hi int) {
	weight := 1 / float64(s.n)
	entropy := s.entropy[lo:hi]
	for i := range entropy {
		entropy[i] *= 1 - weight
	}
	for c := range s.classes {
		at := c*s.voxels + lo
		x := p[at : at+hi-lo]
		mean, m2 := s.mean[at:at+hi-lo], s.m2[at:at+hi-lo]
		for i := range x {
			v := float64(x[i])
			d := v - mean[i]
			mean[i] += d * weight
			m2[i] += d * (v - mean[i])
			entropy[i] += plogp(v) * weight
		}
	}
}

// plogp is a class's part of the entropy, −p ln p; 0 where p is not positive.
func plogp(p float64) float64 {
	if p <= 0 {
		return 0
	}
	return -p * math.Log(p)
}

// checkProbabilities refuses NaN and values further outside [0, 1] than rounding explains.
func checkProbabilities(p []float32) error {
	const slack = 1e-3
	bad := make([]int, 0, 1)
	for i, v := range p {
		if !(v >= -slack && v <= 1+slack) {
			bad = append(bad, i)
			break
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("%w: value %g at element %d is not a probability; the model is damaged, or this device computes it wrongly: try the CPU", ErrOutput, p[bad[0]], bad[0])
}

// Mean returns the mean probability of a class, in new memory.
func (s *Stats) Mean(class int) []float32 {
	out := make([]float32, s.voxels)
	for i, v := range s.mean[class*s.voxels : (class+1)*s.voxels] {
		out[i] = float32(v)
	}
	return out
}

// SD returns the standard deviation of a class over the samples, divided by n, in new memory.
func (s *Stats) SD(class int) []float32 {
	out := make([]float32, s.voxels)
	for i, v := range s.m2[class*s.voxels : (class+1)*s.voxels] {
		out[i] = float32(math.Sqrt(v / float64(max(s.n, 1))))
	}
	return out
}

// Uncertainty returns the entropy H of the mean probabilities, the mean of H over the samples, and
// their difference, the mutual information, all in nats and in new memory. The difference is never
// negative in exact arithmetic (H is concave); what rounding leaves below zero becomes zero.
func (s *Stats) Uncertainty() (entropy, expected, mutual []float32) {
	entropy, expected, mutual = make([]float32, s.voxels), make([]float32, s.voxels), make([]float32, s.voxels)
	parallel(s.voxels, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			h := 0.0
			for c := range s.classes {
				h += plogp(s.mean[c*s.voxels+i])
			}
			entropy[i], expected[i] = float32(h), float32(s.entropy[i])
			mutual[i] = float32(math.Max(0, h-s.entropy[i]))
		}
	})
	return entropy, expected, mutual
}

// Hard returns the arg max of the mean probabilities, the lower class on ties, in new memory.
func (s *Stats) Hard() []uint8 {
	out := make([]uint8, s.voxels)
	parallel(s.voxels, func(lo, hi int) { argMax(s.mean, out, s.classes, lo, hi) })
	return out
}

// StandardError returns the standard error of a class's mean at a voxel: with n − 1, since the
// samples estimate it. It is +Inf for fewer than two samples.
func (s *Stats) StandardError(class, voxel int) float64 {
	if s.n < 2 {
		return math.Inf(1)
	}
	return math.Sqrt(s.m2[class*s.voxels+voxel] / float64(s.n-1) / float64(s.n))
}

// argMax writes the class of the largest value for voxels lo…hi−1 of [K, voxels].
func argMax[T float32 | float64](p []T, out []uint8, classes, lo, hi int) {
	voxels := len(out)
	for i := lo; i < hi; i++ {
		best, at := p[i], 0
		for c := 1; c < classes; c++ {
			if v := p[c*voxels+i]; v > best {
				best, at = v, c
			}
		}
		out[i] = uint8(at)
	}
}

// parallel calls f on consecutive parts of 0…n−1, on every core.
func parallel(n int, f func(lo, hi int)) {
	const part = 1 << 14
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for lo := 0; lo < n; lo += part {
		g.Go(func() error {
			f(lo, min(lo+part, n))
			return nil
		})
	}
	_ = g.Wait() // f cannot fail
}
