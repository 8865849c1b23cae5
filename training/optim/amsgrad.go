// Package optim updates parameters from gradients. It is pure arithmetic on slices, so that a run
// resumes bit for bit from saved state; it knows neither graphs nor files.
package optim

import (
	"errors"
	"fmt"
	"math"
)

// ErrShape marks parameters, gradients and state that do not belong together.
var ErrShape = errors.New("optim: lengths do not match")

// ErrNotFinite marks a gradient with NaN or an infinity; the parameters are left as they were.
var ErrNotFinite = errors.New("optim: gradient is not finite")

// AMSGrad is Adam with a denominator that never shrinks (Reddi, Kale and Kumar 2018), with bias
// correction as in PyTorch's Adam(amsgrad=True):
//
//	m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  v̂ ← max(v̂, v)
//	w ← w − lr/(1−β₁ᵗ) · m / (√v̂/√(1−β₂ᵗ) + ε)
//
// The zero value is not usable; start from [NewAMSGrad]. Not safe for concurrent use.
type AMSGrad struct {
	Beta1, Beta2, Epsilon float64
	L2                    float64 // adds 2·L2·w to the gradient of a parameter that decays (the gradient of L2·Σw²)
}

// NewAMSGrad returns the usual constants: β₁ 0.9, β₂ 0.999, ε 1e-8, no decay.
func NewAMSGrad() AMSGrad { return AMSGrad{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8} }

// State is what AMSGrad remembers of one parameter. Save it with the parameter to resume.
type State struct {
	Step       int
	M, V, VMax []float32
}

// NewState returns the state before the first step of a parameter of n numbers.
func NewState(n int) *State {
	return &State{M: make([]float32, n), V: make([]float32, n), VMax: make([]float32, n)}
}

// Update changes w in place by one step at learning rate lr. decays says whether L2 applies (kernels
// yes; biases, norm scales and shifts no). It fails with [ErrShape] or [ErrNotFinite] before anything is changed.
func (a AMSGrad) Update(w, g []float32, s *State, lr float64, decays bool) error {
	if len(g) != len(w) || len(s.M) != len(w) || len(s.V) != len(w) || len(s.VMax) != len(w) {
		return fmt.Errorf("%w: %d parameters, %d gradients, state of %d", ErrShape, len(w), len(g), len(s.M))
	}
	for i, v := range g {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%w: element %d is %g", ErrNotFinite, i, f)
		}
	}
	s.Step++
	rate := lr / (1 - math.Pow(a.Beta1, float64(s.Step)))
	root := math.Sqrt(1 - math.Pow(a.Beta2, float64(s.Step)))
	decay := 0.0
	if decays {
		decay = 2 * a.L2
	}
	for i := range w {
		grad := float64(g[i]) + decay*float64(w[i])
		m := a.Beta1*float64(s.M[i]) + (1-a.Beta1)*grad
		v := a.Beta2*float64(s.V[i]) + (1-a.Beta2)*grad*grad
		largest := math.Max(float64(s.VMax[i]), v)
		s.M[i], s.V[i], s.VMax[i] = float32(m), float32(v), float32(largest)
		w[i] = float32(float64(w[i]) - rate*m/(math.Sqrt(largest)/root+a.Epsilon))
	}
	return nil
}
