// Package graphtest is what tests of graphs share: running one through ONNX Runtime, the tensors that
// the golden scripts make from names alone, and PyTorch as the peer of a benchmark. No program uses it.
package graphtest

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// OpenORT opens ONNX Runtime on the CPU with so many threads, or skips the test.
func OpenORT(t testing.TB, threads int) *ort.Env {
	t.Helper()
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: threads})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	return env
}

// Session opens g as it is. It fails as graph.Graph.Encode and [ort.Env.NewSession] do.
func Session(env *ort.Env, g *graph.Graph, o ort.SessionOptions) (*ort.Session, error) {
	var file bytes.Buffer
	if err := g.Encode(&file); err != nil {
		return nil, err
	}
	return env.NewSession(file.Bytes(), o)
}

// Run runs g once on those of the tensors that are its inputs, and returns its outputs by name.
func Run(t testing.TB, env *ort.Env, g *graph.Graph, in map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	t.Helper()
	s, err := Session(env, g, ort.SessionOptions{})
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
	out, err := s.Run(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Uniform is splitmix64 of (FNV-1a of the name + index) in [0, 1), as the golden scripts have it.
func Uniform(name string, n int) []float64 {
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

// Formula is the tensor that the golden scripts give to a float parameter or input.
func Formula(name string, shape []int) *tensor.Tensor {
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
	for i, u := range Uniform(name, t.Count()) {
		t.F32[i] = float32(offset + factor*(u-0.5))
	}
	return t
}

// PyTorch starts a peer script on two threads, as [testenv.Python] does, and returns its name and version; ask is nil
// where no python3 has torch.
func PyTorch(b *testing.B, script string) (version string, ask func(request string) (string, error)) {
	b.Helper()
	version, ask = testenv.Python(b, script, "2")
	if ask == nil {
		b.Log("no python3 here has torch: no comparison with PyTorch")
	}
	return "PyTorch " + version + " eager", ask
}

// NoPyTorch says how to install the peer.
const NoPyTorch = "not installed: Debian's python3-torch"
