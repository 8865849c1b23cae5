package nets_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// openORT opens ONNX Runtime on two threads, or skips the test.
func openORT(t testing.TB) *ort.Env {
	t.Helper()
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 2})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	return env
}

// run runs g once.
func run(t testing.TB, env *ort.Env, g *graph.Graph, in map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	t.Helper()
	var file bytes.Buffer
	if err := g.Encode(&file); err != nil {
		t.Fatal(err)
	}
	s, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	mine := map[string]*tensor.Tensor{}
	for _, n := range g.Inputs() {
		mine[n.Name()] = in[n.Name()]
	}
	out, err := s.Run(context.Background(), mine)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// uniform is splitmix64 of (FNV-1a of the name + index) in [0, 1), as testdata/m1_golden.py has it.
func uniform(name string, n int) []float64 {
	h := uint64(0xCBF29CE484222325)
	for _, c := range []byte(name) {
		h = (h ^ uint64(c)) * 0x100000001B3
	}
	out := make([]float64, n)
	for i := range out {
		x := uint64(i) + h + 0x9E3779B97F4A7C15
		x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
		x = (x ^ x>>27) * 0x94D049BB133111EB
		x ^= x >> 31
		out[i] = float64(x>>11) * 0x1p-53
	}
	return out
}

// formulaTensor is the tensor that the golden script gives to a float parameter or input.
func formulaTensor(name string, shape []int) *tensor.Tensor {
	t := tensor.NewFloat32(shape...)
	factor, offset := math.Sqrt(12), 0.0 // inputs and the latent noise: zero mean, unit variance
	switch name[strings.LastIndex(name, ".")+1:] {
	case "weight":
		factor = math.Sqrt(12 / float64(tensor.Count(shape[1:])))
	case "bias":
		factor = 0.2
	case "scale":
		factor, offset = 0.8, 1
	case "shift":
		factor = 0.4
	}
	for i, u := range uniform(name, t.Count()) {
		t.F32[i] = float32(offset + factor*(u-0.5))
	}
	return t
}

// formulaWeights gives every parameter of g its tensor.
func formulaWeights(g *graph.Graph) nets.Weights {
	w := nets.Weights{}
	for _, p := range g.Params() {
		w[p.Name()] = formulaTensor(p.Name(), p.Shape())
	}
	return w
}

// formulaInputs gives image, label and noise their tensors.
func formulaInputs(c nets.Config, noise []modelcard.Noise) map[string]*tensor.Tensor {
	in := map[string]*tensor.Tensor{}
	d, h, w := c.Size[0], c.Size[1], c.Size[2]
	in[nets.InputName] = formulaTensor(nets.InputName, []int{1, c.Channels, d, h, w})
	label := tensor.NewFloat32(1, c.Classes-1, d, h, w)
	for i, u := range uniform(nets.LabelName, d*h*w) {
		if class := int(u * float64(c.Classes)); class > 0 {
			label.F32[(class-1)*d*h*w+i] = 1
		}
	}
	in[nets.LabelName] = label
	for _, n := range noise {
		if n.Kind == modelcard.Normal {
			in[n.Name] = formulaTensor(n.Name, n.Shape)
			continue
		}
		mask := tensor.NewBool(n.Shape...)
		for i, u := range uniform(n.Name, mask.Count()) {
			if u < n.Keep {
				mask.U8[i] = 1
			}
		}
		in[n.Name] = mask
	}
	return in
}
