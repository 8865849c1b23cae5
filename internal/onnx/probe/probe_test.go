package probe_test

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"

	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/probe"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// model is log of a layer, whose gradient is infinite where the layer is 0.
func model(b *graph.Builder) {
	x, w := b.Input("x", tensor.Float32, 2, 3), b.Input("w", tensor.Float32, 3)
	var y *graph.Node
	b.Scope("layer", func() { y = b.Relu(b.Mul(x, w)) })
	b.Scope("root", func() { y = b.Sqrt(y) })
	loss := b.ReduceSum(b.Reshape(y, -1), 0)
	b.Output("loss", loss)
	b.Output("gradient", autodiff.Gradient(b, loss, w)[0])
}

func TestFirstNodeThatIsNotFinite(t *testing.T) {
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	g, err := graph.Build("test", model)
	if err != nil {
		t.Fatal(err)
	}
	watchedGraph, watched, err := probe.Watch(g)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := watchedGraph.Encode(&file); err != nil {
		t.Fatal(err)
	}
	s, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cases := map[string]struct {
		x, w []float32
		want string
	}{
		"all finite":         {[]float32{1, 2, 3, 4, 5, 6}, []float32{1, 1, 1}, ""},
		"NaN fed":            {[]float32{1, 2, 3, nan, 5, 6}, []float32{1, 1, 1}, "x"},
		"infinite parameter": {[]float32{1, 2, 3, 4, 5, 6}, []float32{1, inf, 1}, "w"},
		"overflow":           {[]float32{1, 2, 3, 4, 5, 3e38}, []float32{1, 1, 100}, "layer/Mul"},
		"gradient of √0":     {[]float32{1, 2, 3, 4, 5, 0}, []float32{1, 1, 1}, "gradient/root/Sqrt/Div"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := s.Run(context.Background(), map[string]*tensor.Tensor{"x": tensor.FromFloat32(c.x, 2, 3), "w": tensor.FromFloat32(c.w, 3)})
			if err != nil {
				t.Fatal(err)
			}
			n, err := probe.First(watched, out[probe.OutputName])
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if n != nil {
				got = n.Name()
			}
			if got != c.want {
				t.Errorf("named %q, want %q", got, c.want)
			}
		})
	}
}

func TestOutputThatDoesNotBelong(t *testing.T) {
	g, err := graph.Build("test", model)
	if err != nil {
		t.Fatal(err)
	}
	_, watched, err := probe.Watch(g)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range watched {
		names = append(names, n.Name())
	}
	if want := []string{"x", "w", "layer/Mul", "root/Sqrt", "loss", "gradient/root/Sqrt/Div"}; !contains(names, want) {
		t.Errorf("watched are %q, want at least %q", names, want)
	}
	for _, bad := range []*tensor.Tensor{nil, tensor.NewFloat32(2), tensor.NewBool(len(watched))} {
		if _, err := probe.First(watched, bad); err == nil {
			t.Errorf("output %v was taken", bad)
		}
	}
}

func contains(all, some []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}

// TestManyNodes holds the order of what is watched where it is joined in several stages and ranks.
func TestManyNodes(t *testing.T) {
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	g, err := graph.Build("test", func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, 2, 3)
		for range 40 {
			x = b.Mul(x, b.Scalar(10))
			x = b.Reshape(b.Mul(b.Reshape(x, 6), b.Scalar(1)), 2, 3)
		}
		b.Output("y", x)
	})
	if err != nil {
		t.Fatal(err)
	}
	watchedGraph, watched, err := probe.Watch(g)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := watchedGraph.Encode(&file); err != nil {
		t.Fatal(err)
	}
	s, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for start, steps := range map[float32]int{1: 39, 1e10: 29, 1e30: 9} { // 10^39 is beyond the largest number
		out, err := s.Run(context.Background(), map[string]*tensor.Tensor{"x": tensor.FromFloat32([]float32{0, 0, start, 0, 0, 0}, 2, 3)})
		if err != nil {
			t.Fatal(err)
		}
		n, err := probe.First(watched, out[probe.OutputName])
		if want := 2*steps - 1; err != nil || n != watched[want] {
			t.Errorf("from %g: named %v (%v), want %v", start, n, err, watched[want])
		}
	}
}
