package nets_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
)

// TestHalfFileEqualsRoundedWeights runs the file itself on ONNX Runtime, casts and all, and as this
// program decodes it: both equal the network whose kernels were rounded before it was written.
func TestHalfFileEqualsRoundedWeights(t *testing.T) {
	env := graphtest.OpenORT(t, 1)
	p, err := nets.FindPreset("tiny", modelcard.Diagnosis)
	if err != nil {
		t.Fatal(err)
	}
	w, err := nets.Init(p.Config, 5)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	half, plain := filepath.Join(dir, "half.onnx"), filepath.Join(dir, "plain.onnx")
	card := modelcard.Card{Name: "test", Recipe: p.Recipe, IntendedUse: "test"}
	card.Storage = modelcard.Float16
	if err := nets.WriteModel(half, p.Config, w, card); err != nil {
		t.Fatal(err)
	}
	card.Storage = modelcard.Float32
	if err := nets.WriteModel(plain, p.Config, nets.AsStored(w, modelcard.Float16), card); err != nil {
		t.Fatal(err)
	}
	a, b := read(t, half), read(t, plain)
	if len(a) > len(b)*6/10 {
		t.Errorf("%d bytes as float16, %d as float32", len(a), len(b))
	}
	g, err := graph.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	_, noise, err := nets.Inference(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	in := formulaInputs(p.Config, noise)
	delete(in, nets.LabelName)
	want := runFile(t, env, b, in)
	for name, got := range map[string]*tensor.Tensor{"the file": runFile(t, env, a, in), "the graph": graphtest.Run(t, env, g, in)[nets.OutputName]} {
		worst := 0.0
		for i, v := range got.F32 {
			worst = math.Max(worst, math.Abs(float64(v-want.F32[i])))
		}
		if !(worst <= 1e-6) {
			t.Errorf("%s differs by %g from float32 weights of the same values", name, worst)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// runFile runs a model file as any program would, and returns its probabilities.
func runFile(t *testing.T, env *ort.Env, file []byte, in map[string]*tensor.Tensor) *tensor.Tensor {
	t.Helper()
	s, err := env.NewSession(file, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out[nets.OutputName]
}
