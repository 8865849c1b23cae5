package trainer

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/tensor"
	"bayeslice/training/optim"
	"bayeslice/training/schedule"
	"bayeslice/training/step"
)

// updater adds up the gradients of a batch and updates the parameters.
type updater struct {
	params []step.Param
	sum    map[string][]float32
	count  int
	adam   optim.AMSGrad
	rate   schedule.Cosine
	warm   int
	clip   float64
}

func newUpdater(c Config, params []step.Param) *updater {
	u := &updater{sum: map[string][]float32{}, adam: optim.NewAMSGrad(), rate: schedule.Cosine{From: c.Rate, To: c.RateTo, Steps: c.Steps - 1}, warm: c.WarmUp, clip: c.Clip}
	u.adam.L2 = c.L2
	for _, p := range params {
		if !p.Idle {
			u.params = append(u.params, p)
		}
	}
	return u
}

// add takes in the gradients of one exam; the tensors are the updater's from then on. It fails with
// [optim.ErrNotFinite] where one is not finite, before anything is added.
func (u *updater) add(out map[string]*tensor.Tensor) error {
	for _, p := range u.params {
		g := out[autodiff.GradientName(p.Name)]
		if g == nil {
			return fmt.Errorf("trainer: the step yields no gradient of %q", p.Name)
		}
		if i := slices.IndexFunc(g.F32, func(v float32) bool { return v-v != 0 }); i >= 0 {
			return fmt.Errorf("%w: element %d of that of %q is %g", optim.ErrNotFinite, i, p.Name, g.F32[i])
		}
	}
	for _, p := range u.params {
		g := out[autodiff.GradientName(p.Name)]
		if u.count == 0 {
			u.sum[p.Name] = g.F32
			continue
		}
		sum := u.sum[p.Name]
		for i, v := range g.F32 {
			sum[i] += v
		}
	}
	u.count++
	return nil
}

// norm is the Euclidean norm of the mean gradient of the batch.
func (u *updater) norm() float64 {
	var sum float64
	for _, p := range u.params {
		for _, v := range u.sum[p.Name] {
			sum += float64(v) * float64(v)
		}
	}
	return math.Sqrt(sum) / float64(max(u.count, 1))
}

// rateAt is the learning rate of the update after step updates.
func (u *updater) rateAt(done int) float64 {
	rate := u.rate.At(done)
	if done < u.warm {
		rate *= float64(done+1) / float64(u.warm+1)
	}
	return rate
}

// apply makes one update of s with the mean gradient, whose norm it is given.
func (u *updater) apply(s *state, norm float64) error {
	scale := 1 / float64(u.count)
	if u.clip > 0 && norm > u.clip {
		scale *= u.clip / norm
	}
	rate := u.rateAt(s.step)
	for _, p := range u.params {
		g := u.sum[p.Name]
		if scale != 1 {
			for i := range g {
				g[i] = float32(float64(g[i]) * scale)
			}
		}
		memory := s.memory[p.Name]
		if memory == nil {
			memory = optim.NewState(len(g))
			s.memory[p.Name] = memory
		}
		if err := u.adam.Update(s.weights[p.Name].F32, g, memory, rate, decays(p.Name)); err != nil {
			return fmt.Errorf("trainer: parameter %q: %w", p.Name, err)
		}
	}
	u.count = 0
	return nil
}

// decays says whether L2 applies to a parameter: to kernels, not to biases or norms.
func decays(name string) bool { return strings.HasSuffix(name, "weight") }
