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
// yes; biases, norm scales and shifts no). It computes in float32, as PyTorch does. It fails with
// [ErrShape] or [ErrNotFinite] before anything is changed.
func (a AMSGrad) Update(w, g []float32, s *State, lr float64, decays bool) error {
	if len(g) != len(w) || len(s.M) != len(w) || len(s.V) != len(w) || len(s.VMax) != len(w) {
		return fmt.Errorf("%w: %d parameters, %d gradients, state of %d", ErrShape, len(w), len(g), len(s.M))
	}
	for i, v := range g {
		if math.Float32bits(v)&exponent == exponent {
			return fmt.Errorf("%w: element %d is %g", ErrNotFinite, i, v)
		}
	}
	s.Step++
	// lr/(1−β₁ᵗ) · m / (√v̂/root + ε) with root = √(1−β₂ᵗ) is rate · m / (√v̂ + ε·root).
	root := math.Sqrt(1 - math.Pow(a.Beta2, float64(s.Step)))
	c := constants{
		rate: float32(lr / (1 - math.Pow(a.Beta1, float64(s.Step))) * root), epsilon: float32(a.Epsilon * root),
		beta1: float32(a.Beta1), rest1: float32(1 - a.Beta1), beta2: float32(a.Beta2), rest2: float32(1 - a.Beta2),
	}
	if decays {
		c.decay = float32(2 * a.L2)
	}
	c.apply(w, g, s)
	return nil
}

// exponent has the bits that are all set in float32 numbers that are not finite.
const exponent = 0x7f800000

// constants are what a step has in common for all elements.
type constants struct{ rate, epsilon, beta1, rest1, beta2, rest2, decay float32 }

// apply is the loop of [AMSGrad.Update]; all slices have one length. The conversions keep machines with
// fused multiply-add from rounding differently.
func (c constants) apply(w, g []float32, s *State) {
	n := len(w)
	g, ms, vs, tops := g[:n], s.M[:n], s.V[:n], s.VMax[:n]
	for i, x := range w {
		grad := g[i] + float32(c.decay*x)
		m := float32(c.beta1*ms[i]) + float32(c.rest1*grad)
		v := float32(c.beta2*vs[i]) + float32(float32(c.rest2*grad)*grad)
		top := tops[i]
		if v > top {
			top = v
		}
		ms[i], vs[i], tops[i] = m, v, top
		w[i] = x - float32(float32(c.rate*m)/(float32(math.Sqrt(float64(top)))+c.epsilon))
	}
}
