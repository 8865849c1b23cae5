// Package schedule gives the learning rate of a step.
package schedule

import "math"

// Cosine is cosine annealing without restarts (Loshchilov and Hutter 2017, eq. 5): From at step 0,
// To at step Steps and after.
type Cosine struct {
	From, To float64
	Steps    int
}

// At returns the learning rate of a step counted from 0. With Steps ≤ 0 it is To.
func (c Cosine) At(step int) float64 {
	if step >= c.Steps {
		return c.To
	}
	if step < 0 {
		step = 0
	}
	return c.To + (c.From-c.To)*(1+math.Cos(math.Pi*float64(step)/float64(c.Steps)))/2
}
