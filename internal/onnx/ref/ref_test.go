package ref

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// TestEveryOperatorIsComputed holds the interpreter's table against the graph's.
func TestEveryOperatorIsComputed(t *testing.T) {
	for _, op := range graph.Operators() {
		if operators[op] == nil {
			t.Errorf("operator %s is not written", op)
		}
	}
	if len(operators) != len(graph.Operators()) {
		t.Errorf("%d operators are written, the graph has %d", len(operators), len(graph.Operators()))
	}
}

// TestWorkedByHand holds a convolution, its transpose and a normalisation against figures worked by hand.
func TestWorkedByHand(t *testing.T) {
	g, err := graph.Build("test", func(b *graph.Builder) {
		x, w := b.Input("x", tensor.Float32, 1, 1, 4), b.Input("w", tensor.Float32, 1, 1, 3)
		b.Output("conv", b.Conv(x, w, nil, graph.ConvOptions{Strides: []int{2}, Begin: []int{1}, End: []int{0}}))
		b.Output("up", b.ConvTranspose(x, w, nil, graph.ConvOptions{Strides: []int{2}, Begin: []int{0}, End: []int{1}}, nil))
		one, zero := b.Expand(b.Scalar(2), 1), b.Expand(b.Scalar(1), 1)
		b.Output("norm", b.InstanceNorm(x, one, zero, 0.25))
	})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*Array{"x": {[]int{1, 1, 4}, []float64{1, 2, 2, 1}}, "w": {[]int{1, 1, 3}, []float64{1, 10, 100}}}
	got, err := Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{
		"conv": {210, 122},                         // 10·1 + 100·2; 1·2 + 10·2 + 100·1
		"up":   {1, 10, 102, 20, 202, 20, 201, 10}, // the ninth voxel is cropped
		// mean 1.5, variance 0.25, σ² + ε = 0.5
		"norm": {1 - 1.414213562373095, 1 + 1.414213562373095, 1 + 1.414213562373095, 1 - 1.414213562373095},
	}
	for name, w := range want {
		for i, v := range w {
			if d := got[name].Data[i] - v; d > 1e-12 || d < -1e-12 {
				t.Errorf("%s is %v, want %v", name, got[name].Data, w)
				break
			}
		}
	}
}

// TestUndifferentiableOperators holds what the gradient tests do not reach against ONNX Runtime.
func TestUndifferentiableOperators(t *testing.T) {
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	g, err := graph.Build("test", func(b *graph.Builder) {
		x, y := b.Input("x", tensor.Float32, 2, 3), b.Input("y", tensor.Float32, 3)
		b.Output("sign", b.Sign(x))
		b.Output("greater", b.Greater(x, y))
		b.Output("less", b.Less(x, y))
		b.Output("equal", b.Equal(x, y))
		b.Output("not", b.Not(b.Equal(x, y)))
		b.Output("int", b.Cast(x, tensor.Int64))
		b.Output("bool", b.Cast(x, tensor.Bool))
		b.Output("back", b.Cast(b.Less(x, y), tensor.Float32))
	})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*tensor.Tensor{"x": tensor.FromFloat32([]float32{-2.7, 0, 2.7, 1, 1, -1}, 2, 3), "y": tensor.FromFloat32([]float32{1, 1, -1}, 3)}
	var file bytes.Buffer
	if err := g.Encode(&file); err != nil {
		t.Fatal(err)
	}
	s, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Run(g, map[string]*Array{"x": FromTensor(in["x"]), "y": FromTensor(in["y"])})
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range want {
		if !slices.Equal(FromTensor(w).Data, got[name].Data) {
			t.Errorf("%s: got %v, ONNX Runtime says %v", name, got[name].Data, FromTensor(w).Data)
		}
		if back := got[name].Tensor(w.Type); !slices.Equal(FromTensor(back).Data, got[name].Data) {
			t.Errorf("%s does not survive the conversion to %s", name, w.Type)
		}
	}
}

func TestMisuse(t *testing.T) {
	g, err := graph.Build("test", func(b *graph.Builder) {
		b.Output("y", b.Add(b.Input("x", tensor.Float32, 2), b.Param("w", 2)))
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]map[string]*Array{"missing input": {}, "unbound parameter": {"x": New(2)}, "wrong shape": {"x": New(3)}} {
		if _, err := Run(g, in); !errors.Is(err, ErrRun) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
