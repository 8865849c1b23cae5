package step_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
	"bayeslice/training/loss"
	"bayeslice/training/step"
)

// TestOnWebGPU holds a step of a tiny network on the WebGPU provider against the CPU's: every output
// within 1e-3 of its norm. It is skipped where the machine has no Vulkan, Metal or Direct3D device. SwiftShader,
// Vulkan in software, needs half a minute of a core, most of it to compile shaders.
func TestOnWebGPU(t *testing.T) {
	if testing.Short() {
		t.Skip("compiling shaders takes long")
	}
	testenv.SoftwareVulkan(t)
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 2})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	net := nets.PaperM1(modelcard.Diagnosis)
	net.Size, net.Filters, net.Latent, net.Head = [3]int{4, 16, 16}, [nets.Levels]int{8, 8, 8, 8, 8}, 4, [2]int{8, 4}
	c := step.Config{Net: net, Loss: loss.Options{Kind: loss.FL, Alpha: []float64{0.75, 0.25}, Gamma: 2}, Beta: 0.1}
	s, err := step.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := s.Graph.Encode(&file); err != nil {
		t.Fatal(err)
	}
	in := inputs(t, c, s)
	run := func(p ort.Provider) map[string]*tensor.Tensor {
		session, err := env.NewSession(file.Bytes(), ort.SessionOptions{Provider: p})
		if errors.Is(err, ort.ErrProvider) {
			testenv.SkipOrFail(t, "webgpu", err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		t.Log(session.Device())
		out, err := session.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	got, want := run(ort.WebGPU), run(ort.CPU)
	for name, w := range want {
		norm, difference := 0.0, 0.0
		for i, v := range w.F32 {
			d := float64(v) - float64(got[name].F32[i])
			norm, difference = norm+float64(v)*float64(v), difference+d*d
		}
		if !slices.Equal(w.Shape, got[name].Shape) || !(math.Sqrt(difference) <= 1e-3*math.Sqrt(norm)) {
			t.Errorf("%s %v differs by %g of %g", name, w.Shape, math.Sqrt(difference), math.Sqrt(norm))
		}
	}
}
