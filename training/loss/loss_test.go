package loss_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/ref"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
	"bayeslice/training/loss"
)

// golden is testdata/loss_golden.json, made with PyTorch by testdata/loss_golden.py.
type golden struct {
	Cases      map[string]goldenCase
	Divergence struct {
		Inputs, Gradients [][]float64
		Value             float64
	}
}

type goldenCase struct {
	Shape                   []int
	Alpha                   []float64
	Gamma                   float64
	Logits, Label, Distance []float64
	Losses                  map[loss.Kind]struct {
		Value    float64
		Gradient []float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "loss_golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// lossGraph is a loss of inputs logits, label (foreground) and distance, and its gradient.
func lossGraph(o loss.Options, shape []int) (*graph.Graph, error) {
	return graph.Build("loss", func(b *graph.Builder) {
		front := append([]int{shape[0], shape[1] - 1}, shape[2:]...)
		in := loss.Inputs{Logits: b.Input("logits", tensor.Float32, shape...)}
		in.Label = loss.OneHot(b, b.Input("label", tensor.Float32, front...))
		if o.Kind.NeedsDistance() {
			in.Distance = b.Input("distance", tensor.Float32, front...)
		}
		value := loss.Build(b, o, in)
		b.Output("loss", value)
		b.Output("gradient", autodiff.Gradient(b, value, in.Logits)[0])
	})
}

// inputs makes the tensors of a case; label is one-hot without the background.
func (c goldenCase) inputs() map[string]*ref.Array {
	front := append([]int{c.Shape[0], c.Shape[1] - 1}, c.Shape[2:]...)
	label, voxels := ref.New(front...), tensor.Count(c.Shape[2:])
	for i, class := range c.Label {
		if class > 0 {
			exam, voxel := i/voxels, i%voxels
			label.Data[(exam*front[1]+int(class)-1)*voxels+voxel] = 1
		}
	}
	return map[string]*ref.Array{"logits": {Shape: c.Shape, Data: c.Logits}, "label": label, "distance": {Shape: front, Data: c.Distance}}
}

// openORT opens ONNX Runtime, or skips the test.
func openORT(t *testing.T) *ort.Env {
	t.Helper()
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	return env
}

func run(t *testing.T, env *ort.Env, g *graph.Graph, in map[string]*ref.Array) map[string]*ref.Array {
	t.Helper()
	var file bytes.Buffer
	if err := g.Encode(&file); err != nil {
		t.Fatal(err)
	}
	s, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fed := map[string]*tensor.Tensor{}
	for _, n := range g.Inputs() {
		fed[n.Name()] = in[n.Name()].Tensor(tensor.Float32)
	}
	got, err := s.Run(context.Background(), fed)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*ref.Array{}
	for name, v := range got {
		out[name] = ref.FromTensor(v)
	}
	return out
}

// near compares relative to the largest magnitude wanted.
func near(t *testing.T, what string, want, got []float64, tolerance float64) {
	t.Helper()
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	for i, v := range want {
		if !(math.Abs(got[i]-v) <= tolerance*scale) {
			t.Errorf("%s: element %d is %.9g, PyTorch says %.9g", what, i, got[i], v)
			return
		}
	}
}

func TestAgainstPyTorch(t *testing.T) {
	for name, c := range readGolden(t).Cases {
		for _, kind := range loss.Kinds() {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				want, ok := c.Losses[kind]
				if !ok {
					t.Fatal("no golden values")
				}
				g, err := lossGraph(loss.Options{Kind: kind, Alpha: c.Alpha, Gamma: c.Gamma}, c.Shape)
				if err != nil {
					t.Fatal(err)
				}
				got, err := ref.Run(g, c.inputs())
				if err != nil {
					t.Fatal(err)
				}
				// α is float32 in the graph.
				near(t, "loss", []float64{want.Value}, got["loss"].Data, 1e-7)
				near(t, "gradient", want.Gradient, got["gradient"].Data, 1e-6)
				native := run(t, openORT(t), g, c.inputs())
				near(t, "loss in ONNX Runtime", []float64{want.Value}, native["loss"].Data, 1e-5)
				near(t, "gradient in ONNX Runtime", want.Gradient, native["gradient"].Data, 1e-5)
			})
		}
	}
}

func TestDivergenceAgainstPyTorch(t *testing.T) {
	want := readGolden(t).Divergence
	names := []string{"mq", "sq", "mp", "sp"}
	g, err := graph.Build("KL", func(b *graph.Builder) {
		var in []*graph.Node
		for _, name := range names {
			in = append(in, b.Input(name, tensor.Float32, 2, 4, 1, 1, 1))
		}
		kl := loss.KL(b, loss.Gaussian{Mean: in[0], LogScale: in[1]}, loss.Gaussian{Mean: in[2], LogScale: in[3]})
		b.Output("loss", kl)
		for i, d := range autodiff.Gradient(b, kl, in...) {
			b.Output("d"+names[i], d)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*ref.Array{}
	for i, name := range names {
		in[name] = &ref.Array{Shape: []int{2, 4, 1, 1, 1}, Data: want.Inputs[i]}
	}
	got, err := ref.Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "divergence", []float64{want.Value}, got["loss"].Data, 1e-12)
	native := run(t, openORT(t), g, in)
	near(t, "divergence in ONNX Runtime", []float64{want.Value}, native["loss"].Data, 1e-5)
	for i, name := range names {
		near(t, "gradient of "+name, want.Gradients[i], got["d"+name].Data, 1e-12)
		near(t, "gradient of "+name+" in ONNX Runtime", want.Gradients[i], native["d"+name].Data, 1e-5)
	}
}

// TestExtremeLogits wants finite losses and gradients in float32 where the network is certain, rightly
// and wrongly.
func TestExtremeLogits(t *testing.T) {
	env := openORT(t)
	shape := []int{1, 2, 1, 2, 4}
	in := map[string]*ref.Array{"logits": ref.New(shape...), "label": ref.New(1, 1, 1, 2, 4), "distance": ref.New(1, 1, 1, 2, 4)}
	copy(in["logits"].Data, []float64{200, -200, 17, -17, 0, 1e4, 1e-30, 30, -200, 200, -17, 17, 0, -1e4, 0, -30})
	copy(in["label"].Data, []float64{1, 1, 1, 1, 0, 0, 0, 0})
	copy(in["distance"].Data, []float64{0, 0, 0, -3, 9, 1, 1, 1})
	for _, o := range []loss.Options{{Kind: loss.CE}, {Kind: loss.DB}, {Kind: loss.CEDice}, {Kind: loss.BCE, Alpha: []float64{1, 2}},
		{Kind: loss.FL, Alpha: []float64{1, 2}, Gamma: 0}, {Kind: loss.FL, Alpha: []float64{1, 2}, Gamma: 1},
		{Kind: loss.FL, Alpha: []float64{1, 2}, Gamma: 1.3}, {Kind: loss.FL, Alpha: []float64{1, 2}, Gamma: 2}, {Kind: loss.FL, Alpha: []float64{1, 2}, Gamma: 5}} {
		g, err := lossGraph(o, shape)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range run(t, env, g, in) {
			for i, x := range v.Data {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s γ = %g: element %d of the %s is %g", o.Kind, o.Gamma, i, name, x)
				}
			}
		}
	}
}

// TestSpecialCases holds identities: FL with γ = 0 is BCE, BCE with α = 1 is CE, and soft Dice of a
// class that is neither labelled nor predicted does not count as an error.
func TestSpecialCases(t *testing.T) {
	c := readGolden(t).Cases["anatomy"]
	value := func(o loss.Options, in map[string]*ref.Array) float64 {
		g, err := lossGraph(o, c.Shape)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ref.Run(g, in)
		if err != nil {
			t.Fatal(err)
		}
		return out["loss"].Data[0]
	}
	in, one := c.inputs(), []float64{1, 1, 1}
	ce := value(loss.Options{Kind: loss.CE}, in)
	if bce := value(loss.Options{Kind: loss.BCE, Alpha: one}, in); bce != ce {
		t.Errorf("BCE with α = 1 is %g, CE is %g", bce, ce)
	}
	if fl := value(loss.Options{Kind: loss.FL, Alpha: one}, in); fl != ce {
		t.Errorf("FL with γ = 0 is %g, CE is %g", fl, ce)
	}
	for i := range in["label"].Data {
		in["label"].Data[i] = 0
	}
	in["logits"] = ref.New(c.Shape...)
	for i := range tensor.Count(c.Shape[2:]) {
		in["logits"].Data[i] = 100
	}
	if v := value(loss.Options{Kind: loss.CEDice}, in); !(math.Abs(v) < 1e-9) {
		t.Errorf("nothing labelled, nothing predicted: CE + Dice is %g, want 0", v)
	}
}

func TestMisuse(t *testing.T) {
	shape := []int{1, 3, 1, 1, 2}
	for name, c := range map[string]struct {
		o    loss.Options
		want string
	}{
		"unknown kind":   {loss.Options{Kind: "MSE"}, `no loss "MSE"`},
		"too few α":      {loss.Options{Kind: loss.BCE, Alpha: []float64{1, 2}}, "2 class weights α for 3 classes"},
		"α of 0":         {loss.Options{Kind: loss.FL, Alpha: []float64{1, 0, 1}, Gamma: 2}, "must be positive"},
		"γ between":      {loss.Options{Kind: loss.FL, Alpha: []float64{1, 1, 1}, Gamma: 0.5}, "γ = 0.5"},
		"γ not a number": {loss.Options{Kind: loss.FL, Alpha: []float64{1, 1, 1}, Gamma: math.NaN()}, "γ = NaN"},
	} {
		_, err := lossGraph(c.o, shape)
		if !errors.Is(err, loss.ErrOptions) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	for name, f := range map[string]func(b *graph.Builder, x *graph.Node){
		"boundary loss wants signed distances": func(b *graph.Builder, x *graph.Node) {
			loss.Build(b, loss.Options{Kind: loss.DB}, loss.Inputs{Logits: x, Label: x})
		},
		"differ in shape": func(b *graph.Builder, x *graph.Node) {
			loss.Build(b, loss.Options{Kind: loss.CE}, loss.Inputs{Logits: x, Label: b.Slice(x, 1, 1, 3)})
		},
		"at least two classes": func(b *graph.Builder, x *graph.Node) {
			loss.Build(b, loss.Options{Kind: loss.CE}, loss.Inputs{Logits: b.Slice(x, 1, 1, 2), Label: x})
		},
	} {
		_, err := graph.Build("test", func(b *graph.Builder) {
			x := b.Input("x", tensor.Float32, shape...)
			f(b, x)
			b.Output("y", b.Exp(x))
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}
