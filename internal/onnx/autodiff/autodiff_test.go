package autodiff_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/ref"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// draws is how many members of each case's family are tried, nativeDraws in ONNX Runtime.
const draws, nativeDraws = 6, 2

// built is a case made into a graph: loss = Σ y·weight with random weights, and its gradients.
type built struct {
	g      *graph.Graph
	wrt    []string
	values map[string]*tensor.Tensor
}

func (c ruleCase) build(table autodiff.Table, draw uint64) (built, error) {
	rng := rand.New(rand.NewPCG(draw, 11))
	out := built{values: map[string]*tensor.Tensor{}}
	var err error
	out.g, err = graph.Build(c.op, func(b *graph.Builder) {
		m := &maker{Builder: b, rng: rng, values: out.values}
		y := c.make(m)
		if y.Op() != c.op && c.op != "Cast" {
			b.Fail("the case of %s tests %s", c.op, y.Op())
		}
		weight := b.Input("weight", tensor.Float32, y.Shape()...)
		out.values["weight"] = tensor.NewFloat32(y.Shape()...)
		for i := range out.values["weight"].F32 {
			out.values["weight"].F32[i] = float32(rng.NormFloat64())
		}
		loss := b.ReduceSum(b.Reshape(b.Mul(y, weight), -1), 0)
		b.Output("loss", loss)
		for i, d := range autodiff.GradientBy(table, b, loss, m.wrt...) {
			out.wrt = append(out.wrt, m.wrt[i].Name())
			b.Output("d"+m.wrt[i].Name(), d)
		}
	})
	return out, err
}

// arrays converts the inputs for the interpreter.
func (c built) arrays() map[string]*ref.Array {
	in := map[string]*ref.Array{}
	for name, t := range c.values {
		in[name] = ref.FromTensor(t)
	}
	return in
}

// check compares every gradient with central differences of the loss, both in float64.
func (c built) check() error {
	in := c.arrays()
	got, err := ref.Run(c.g, in)
	if err != nil {
		return err
	}
	forward, err := graph.Select(c.g, "loss")
	if err != nil {
		return err
	}
	loss := func() float64 {
		out, err := ref.Run(forward, in)
		if err != nil {
			return math.NaN()
		}
		return out["loss"].Data[0]
	}
	const h = 1e-5
	for _, name := range c.wrt {
		x, d := in[name].Data, got["d"+name].Data
		for i, v := range x {
			x[i] = v + h
			up := loss()
			x[i] = v - h
			slope := (up - loss()) / (2 * h)
			x[i] = v
			if !(math.Abs(slope-d[i]) <= 1e-6*(1+math.Abs(slope))) {
				return fmt.Errorf("%s: gradient of element %d of %s is %g, the difference quotient %g", c.g.Name(), i, name, d[i], slope)
			}
		}
	}
	return nil
}

func (c ruleCase) String() string { return strings.TrimSpace(c.op + " " + c.name) }

func TestRulesAgainstFiniteDifferences(t *testing.T) {
	for _, c := range ruleCases {
		t.Run(strings.ReplaceAll(c.String(), " ", "-"), func(t *testing.T) {
			for draw := range uint64(draws) {
				g, err := c.build(autodiff.Rules, draw)
				if err == nil {
					err = g.check()
				}
				if err != nil {
					t.Errorf("draw %d: %v", draw, err)
				}
			}
		})
	}
}

// TestWeightGradientsInChunks repeats the cases of convolutions by other ways to the same gradient.
func TestWeightGradientsInChunks(t *testing.T) {
	for _, c := range ruleCases {
		if !strings.HasPrefix(c.op, "Conv") {
			continue
		}
		for draw := range uint64(3 * draws) {
			g, err := c.build(autodiff.Chunked(), draw)
			if err == nil {
				err = g.check()
			}
			if err != nil {
				t.Errorf("%s, draw %d: %v", c, draw, err)
			}
		}
	}
}

// TestRulesInONNXRuntime holds ONNX Runtime, in float32, against the interpreter: forward and gradients.
func TestRulesInONNXRuntime(t *testing.T) {
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	for _, c := range ruleCases {
		t.Run(strings.ReplaceAll(c.String(), " ", "-"), func(t *testing.T) {
			for draw := range uint64(nativeDraws) {
				g, err := c.build(autodiff.Rules, draw)
				if err != nil {
					t.Fatal(err)
				}
				want, err := ref.Run(g.g, g.arrays())
				if err != nil {
					t.Fatal(err)
				}
				compare(t, fmt.Sprintf("draw %d", draw), want, run(t, env, g.g, g.values))
			}
		})
	}
}

func run(t *testing.T, env *ort.Env, g *graph.Graph, in map[string]*tensor.Tensor) map[string]*tensor.Tensor {
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
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compare holds every output within 2e-5 of the float64 values, relative to the largest of them.
func compare(t *testing.T, what string, want map[string]*ref.Array, got map[string]*tensor.Tensor) {
	t.Helper()
	for name, w := range want {
		scale := 1.0
		for _, v := range w.Data {
			scale = max(scale, math.Abs(v))
		}
		for i, v := range w.Data {
			if d := math.Abs(v - float64(got[name].F32[i])); !(d <= 2e-5*scale) {
				t.Errorf("%s: element %d of %s is %g, the interpreter says %g", what, i, name, got[name].F32[i], v)
				break
			}
		}
	}
}

// TestEveryOperatorIsDecided fails where an operator has neither a rule nor a reason to stop, and where
// a rule has no case.
func TestEveryOperatorIsDecided(t *testing.T) {
	for _, op := range graph.Operators() {
		_, ruled := autodiff.Rules[op]
		if _, stopped := autodiff.Stops[op]; ruled == stopped {
			t.Errorf("operator %s: rule %t, stop %t; want one of them", op, ruled, stopped)
		}
	}
	if bare := withoutCase(autodiff.Rules); len(bare) > 0 {
		t.Errorf("rules without a case: %v", bare)
	}
	planted := autodiff.Planted("Planted", nil)
	if bare := withoutCase(planted); !slices.Equal(bare, []string{"Planted"}) {
		t.Errorf("a planted rule without a case was not reported: %v", bare)
	}
}

func withoutCase(table autodiff.Table) []string {
	var bare []string
	for op := range table {
		if !slices.ContainsFunc(ruleCases, func(c ruleCase) bool { return c.op == op }) {
			bare = append(bare, op)
		}
	}
	return bare
}

// TestCheckCanFail plants wrong rules and wants every one of them reported.
func TestCheckCanFail(t *testing.T) {
	wrong := map[string]func(b *graph.Builder, n, dy *graph.Node) []*graph.Node{
		"Tanh":    func(b *graph.Builder, n, dy *graph.Node) []*graph.Node { return []*graph.Node{b.Mul(dy, n)} },
		"Sub":     func(_ *graph.Builder, _, dy *graph.Node) []*graph.Node { return []*graph.Node{dy, dy} },
		"Softmax": func(b *graph.Builder, n, dy *graph.Node) []*graph.Node { return []*graph.Node{b.Mul(dy, n)} },
		"Sqrt": func(b *graph.Builder, n, dy *graph.Node) []*graph.Node {
			return []*graph.Node{b.Mul(b.Div(dy, n), b.Scalar(0.501))}
		},
	}
	for op, r := range wrong {
		for _, c := range ruleCases {
			if c.op != op {
				continue
			}
			g, err := c.build(autodiff.Planted(op, r), 1)
			if err != nil {
				t.Fatal(err)
			}
			if g.check() == nil {
				t.Errorf("a wrong rule of %s went unnoticed", op)
			}
		}
	}
}

// TestShapesAreHeld wants an error that names node, input and shapes where a rule returns a wrong shape.
func TestShapesAreHeld(t *testing.T) {
	cases := map[string]struct {
		rule func(b *graph.Builder, n, dy *graph.Node) []*graph.Node
		want string
	}{
		"shape":   {func(b *graph.Builder, _, dy *graph.Node) []*graph.Node { return []*graph.Node{b.Reshape(dy, 3, 2)} }, "returned float32[3 2] for input 0, want float32[2 3]"},
		"type":    {func(b *graph.Builder, _, dy *graph.Node) []*graph.Node { return []*graph.Node{b.Greater(dy, dy)} }, "returned bool[2 3] for input 0"},
		"missing": {func(*graph.Builder, *graph.Node, *graph.Node) []*graph.Node { return []*graph.Node{nil} }, "no gradient for input 0"},
		"count":   {func(*graph.Builder, *graph.Node, *graph.Node) []*graph.Node { return nil }, "0 gradients for 1 inputs"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := graph.Build("test", func(b *graph.Builder) {
				x := b.Input("x", tensor.Float32, 2, 3)
				var y *graph.Node
				b.Scope("layer", func() { y = b.Tanh(x) })
				b.Output("d", autodiff.GradientBy(autodiff.Planted("Tanh", c.rule), b, b.ReduceSum(y, 0, 1), x)[0])
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "layer/Tanh") {
				t.Errorf("got %v, want an error that names layer/Tanh and says %q", err, c.want)
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	cases := map[string]struct {
		f    func(b *graph.Builder, x *graph.Node)
		want string
	}{
		"vector loss": {func(b *graph.Builder, x *graph.Node) { autodiff.Gradient(b, b.Exp(x), x) }, "must be one float32 number"},
		"bool":        {func(b *graph.Builder, x *graph.Node) { autodiff.Gradient(b, b.ReduceSum(x, 0), b.Greater(x, x)) }, "only float32"},
		"no rule": {func(b *graph.Builder, x *graph.Node) {
			autodiff.GradientBy(autodiff.Table{}, b, b.ReduceSum(x, 0), x)
		}, "operator ReduceSum"},
	}
	for name, c := range cases {
		_, err := graph.Build("test", func(b *graph.Builder) {
			x := b.Input("x", tensor.Float32, 3)
			b.Output("y", b.Exp(x))
			c.f(b, x)
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestSharedAndUnused holds that several uses add up, that an unrelated node has zeros, and that ties
// and kinks follow PyTorch.
func TestSharedAndUnused(t *testing.T) {
	g, err := graph.Build("test", func(b *graph.Builder) {
		x, unused := b.Input("x", tensor.Float32, 3), b.Input("unused", tensor.Float32, 2)
		y := b.Add(b.Mul(x, x), b.Mul(x, b.Scalar(3)))      // 2x + 3
		y = b.Add(y, b.Sign(x))                             // 0
		y = b.Add(y, b.Max(x, b.Scalar(2)))                 // ½ at the tie x = 2, 1 above
		y = b.Add(y, b.Clip(x, 0, 2))                       // 1 at the bound, 0 above
		loss := b.Add(b.ReduceSum(y, 0), b.ReduceMax(x, 0)) // ½ for both maxima
		for i, d := range autodiff.Gradient(b, loss, x, unused, loss) {
			b.Output(fmt.Sprint("d", i), d)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ref.Run(g, map[string]*ref.Array{"x": {Shape: []int{3}, Data: []float64{2, 3, 3}}, "unused": ref.New(2)})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{2*2 + 3 + 0.5 + 1, 2*3 + 3 + 1 + 0.5, 2*3 + 3 + 1 + 0.5}; !slices.Equal(got["d0"].Data, want) {
		t.Errorf("got %v, want %v", got["d0"].Data, want)
	}
	if !slices.Equal(got["d1"].Data, []float64{0, 0}) || got["d2"].Data[0] != 1 {
		t.Errorf("unused %v, the loss itself %v", got["d1"].Data, got["d2"].Data)
	}
}

func TestDifferentiate(t *testing.T) {
	g, err := graph.Build("test", func(b *graph.Builder) {
		y := b.MatMul(b.Input("x", tensor.Float32, 2, 3), b.Param("w", 3, 1))
		b.Output("y", y)
		b.Output("loss", b.ReduceMean(b.Mul(y, y), 0, 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := autodiff.Differentiate(g, "missing"); err == nil || !strings.Contains(err.Error(), `"missing"`) {
		t.Errorf("an unknown loss gave %v", err)
	}
	d, err := autodiff.Differentiate(g, "loss")
	if err != nil {
		t.Fatal(err)
	}
	if d, err = graph.FeedParams(d); err != nil {
		t.Fatal(err)
	}
	x := &ref.Array{Shape: []int{2, 3}, Data: []float64{1, 2, 3, 4, 5, 6}}
	w := &ref.Array{Shape: []int{3, 1}, Data: []float64{1, 0, -1}}
	got, err := ref.Run(d, map[string]*ref.Array{"x": x, "w": w})
	if err != nil {
		t.Fatal(err)
	}
	// y = (−2, −2); d loss / d w = Σ 2·y·x / 2 = −2·(5, 7, 9).
	if want := []float64{-10, -14, -18}; !slices.Equal(got[autodiff.GradientName("w")].Data, want) || got["loss"].Data[0] != 4 {
		t.Errorf("loss %v, gradient %v, want 4 and %v", got["loss"].Data, got[autodiff.GradientName("w")].Data, want)
	}
}
