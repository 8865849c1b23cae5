package step_test

import (
	"math"
	"strings"
	"testing"

	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/ref"
	"bayeslice/training/loss"
	"bayeslice/training/step"
)

// TestDeepGradientAgainstDifferences moves all parameters of a tiny network along their gradient, in
// float64, and wants the loss to change as the gradient says.
func TestDeepGradientAgainstDifferences(t *testing.T) {
	c := readGolden(t)["diagnosis"].config()
	c.Net.Size, c.Net.Filters, c.Net.Latent, c.Net.Head = [3]int{2, 16, 16}, [nets.Levels]int{8, 8, 8, 8, 8}, 2, [2]int{4, 4}
	c.Net.Slope = 0.9 // so that kinks matter little
	c.Loss, c.DeepSupervision = loss.Options{Kind: loss.CEDice}, true
	s, err := step.New(c)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*ref.Array{}
	for name, v := range inputs(t, c, s) {
		in[name] = ref.FromTensor(v)
	}
	at, err := ref.Run(s.Graph, in)
	if err != nil {
		t.Fatal(err)
	}
	square, deep := 0.0, 0.0
	for _, p := range s.Params {
		if p.Idle {
			continue
		}
		for _, d := range at[autodiff.GradientName(p.Name)].Data {
			square += d * d
			if strings.HasPrefix(p.Name, "deep.") {
				deep += d * d
			}
		}
	}
	if !(deep > 0) {
		t.Error("the loss does not depend on the heads of the levels")
	}
	const h = 1e-6
	moved := func(by float64) float64 {
		changed := map[string]*ref.Array{}
		for name, a := range in {
			changed[name] = a
		}
		for _, p := range s.Params {
			if p.Idle {
				continue
			}
			a := &ref.Array{Shape: in[p.Name].Shape, Data: append([]float64(nil), in[p.Name].Data...)}
			for i, d := range at[autodiff.GradientName(p.Name)].Data {
				a.Data[i] += by * d / math.Sqrt(square)
			}
			changed[p.Name] = a
		}
		out, err := ref.Run(s.Graph, changed)
		if err != nil {
			t.Fatal(err)
		}
		return out[step.LossName].Data[0]
	}
	slope := (moved(h) - moved(-h)) / (2 * h)
	if want := math.Sqrt(square); !(math.Abs(slope-want) <= 1e-5*want) {
		t.Errorf("the loss rises by %g along its gradient, whose norm is %g", slope, want)
	}
}

// TestDeepSupervisionIsForTrainingOnly wants the same weights of the network with and without, and none
// of the levels' heads in the network that samples.
func TestDeepSupervisionIsForTrainingOnly(t *testing.T) {
	c := readGolden(t)["diagnosis"].config()
	plain, err := step.Initial(c, 3)
	if err != nil {
		t.Fatal(err)
	}
	c.DeepSupervision = true
	with, err := step.Initial(c, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(with) != len(plain)+6 {
		t.Errorf("%d parameters with deep supervision, %d without; want 6 more", len(with), len(plain))
	}
	for name, w := range plain {
		if with[name] == nil || with[name].F32[0] != w.F32[0] {
			t.Errorf("deep supervision changes %q", name)
		}
	}
	g, _, err := nets.Inference(c.Net)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Bind(with); err != nil {
		t.Error(err)
	}
	for _, p := range g.Params() {
		if strings.HasPrefix(p.Name(), "deep.") {
			t.Errorf("the network that samples has %q", p.Name())
		}
	}
}
