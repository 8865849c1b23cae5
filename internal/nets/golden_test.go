package nets_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
)

// golden is testdata/m1_golden.json: M1 rendered in PyTorch by testdata/m1_golden.py.
type golden struct {
	Config struct {
		Channels, Classes, Reduction, Latent int
		Size                                 [3]int
		Filters                              [nets.Levels]int
		Kernels, Strides                     [nets.Levels][3]int
		Dropout                              float64
		Head                                 [2]int
		Slope, Epsilon                       float32
	}
	Inference, Training map[string]summary
}

// summary is what is kept of a tensor.
type summary struct {
	Shape            []int
	Mean, MeanSquare float64
	Step             int
	Values           []float64
}

func readGolden(t *testing.T) map[string]golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "m1_golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]golden
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (g golden) config() nets.Config {
	c := g.Config
	return nets.Config{Task: modelcard.Diagnosis, Channels: c.Channels, Classes: c.Classes, Size: c.Size, Filters: c.Filters, Kernels: c.Kernels,
		Strides: c.Strides, Reduction: c.Reduction, Dropout: c.Dropout, Latent: c.Latent, Head: c.Head, Slope: c.Slope, Epsilon: c.Epsilon}
}

// check holds got within 1e-4 of the golden values, relative to the tensor's root mean square.
func (s summary) check(t *testing.T, name string, got *tensor.Tensor) {
	t.Helper()
	if got == nil || !slices.Equal(got.Shape, s.Shape) {
		t.Errorf("%s: got %v, want shape %v", name, got, s.Shape)
		return
	}
	scale := math.Sqrt(s.MeanSquare)
	sum, squares := 0.0, 0.0
	for _, v := range got.F32 {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(got.Count())
	if d := math.Abs(sum/n - s.Mean); !(d <= 1e-4*scale) {
		t.Errorf("%s: mean %g, want %g", name, sum/n, s.Mean)
	}
	if d := math.Abs(squares/n - s.MeanSquare); !(d <= 1e-4*s.MeanSquare) {
		t.Errorf("%s: mean square %g, want %g", name, squares/n, s.MeanSquare)
	}
	for i, want := range s.Values {
		if v := float64(got.F32[i*s.Step]); !(math.Abs(v-want) <= 1e-4*scale) {
			t.Errorf("%s: element %d is %g, want %g", name, i*s.Step, v, want)
		}
	}
}

// latentOutputs adds the prior's mean and log-scale to the outputs of an inference graph.
func latentOutputs(t *testing.T, c nets.Config) (*graph.Graph, []modelcard.Noise) {
	t.Helper()
	var v nets.Values
	g, err := graph.Build("M1", func(b *graph.Builder) {
		v = nets.Build(b, c, false)
		b.Output(nets.OutputName, v.Probabilities)
		for i, name := range nets.AttentionNames() {
			b.Output(name, v.Attention[i])
		}
		b.Output(nets.PriorMeanName, v.PriorMean)
		b.Output(nets.PriorScaleName, v.PriorLogScale)
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, v.Noise
}

// TestInferenceAgainstPyTorch runs the plain and the rewritten graph, whole and cut, against PyTorch.
func TestInferenceAgainstPyTorch(t *testing.T) {
	env := graphtest.OpenORT(t, 2)
	for name, want := range readGolden(t) {
		t.Run(name, func(t *testing.T) {
			plain, noise := latentOutputs(t, want.config())
			plain, err := plain.Bind(formulaWeights(plain))
			if err != nil {
				t.Fatal(err)
			}
			fast, err := rewrite.All(plain)
			if err != nil {
				t.Fatal(err)
			}
			in := formulaInputs(want.config(), noise)
			for variant, g := range map[string]*graph.Graph{"plain": plain, "rewritten": fast} {
				got := graphtest.Run(t, env, g, in)
				for output, s := range want.Inference {
					s.check(t, variant+" "+output, got[output])
				}
			}
			names := make([]string, len(noise))
			for i, n := range noise {
				names[i] = n.Name
			}
			prefix, suffix, err := graph.Cut(fast, names)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range graphtest.Run(t, env, prefix, in) {
				in[k] = v
			}
			got := graphtest.Run(t, env, suffix, in)
			for output, s := range want.Inference {
				s.check(t, "cut "+output, got[output])
			}
		})
	}
}

// TestTrainingAgainstPyTorch holds the posterior net and the logits of the training graph.
func TestTrainingAgainstPyTorch(t *testing.T) {
	env := graphtest.OpenORT(t, 2)
	for name, want := range readGolden(t) {
		t.Run(name, func(t *testing.T) {
			g, noise, err := nets.Training(want.config())
			if err != nil {
				t.Fatal(err)
			}
			if g, err = g.Bind(formulaWeights(g)); err != nil {
				t.Fatal(err)
			}
			got := graphtest.Run(t, env, g, formulaInputs(want.config(), noise))
			for output, s := range want.Training {
				s.check(t, output, got[output])
			}
		})
	}
}

// TestNoiseMatters guards against a graph that lost its dropout or its latent.
func TestNoiseMatters(t *testing.T) {
	env := graphtest.OpenORT(t, 2)
	want := readGolden(t)["diagnosis"]
	g, noise, err := nets.Inference(want.config())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = g.Bind(formulaWeights(g)); err != nil {
		t.Fatal(err)
	}
	in := formulaInputs(want.config(), noise)
	base := graphtest.Run(t, env, g, in)[nets.OutputName]
	for _, n := range noise {
		kept := in[n.Name]
		changed := *kept
		changed.F32, changed.U8 = slices.Clone(kept.F32), slices.Clone(kept.U8)
		for i := range changed.F32 {
			changed.F32[i]++
		}
		for i := range changed.U8 {
			changed.U8[i] ^= 1
		}
		in[n.Name] = &changed
		got := graphtest.Run(t, env, g, in)[nets.OutputName]
		in[n.Name] = kept
		if slices.Equal(got.F32, base.F32) {
			t.Errorf("the result does not depend on %s", n.Name)
		}
	}
}
