package graph_test

import (
	"bytes"
	"slices"
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

func extendable(t *testing.T) *graph.Graph {
	t.Helper()
	g, err := graph.Build("test", func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, 2, 3)
		b.Output("y", b.Mul(x, b.Param("w", 3)))
		b.Metadata("k", "v")
	})
	if err != nil {
		t.Fatal(err)
	}
	if g, err = g.Bind(map[string]*tensor.Tensor{"w": tensor.FromFloat32([]float32{1, 2, 3}, 3)}); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestExtend(t *testing.T) {
	g := extendable(t)
	more, err := graph.Extend(g, func(b *graph.Builder) {
		b.Output("z", b.Exp(b.Copied(g.Outputs()[0])))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Outputs()) != 1 || len(more.Outputs()) != 2 || more.Metadata()["k"] != "v" || more.Params()[0].Data() == nil {
		t.Errorf("outputs %v and %v, metadata %v", g.Outputs(), more.Outputs(), more.Metadata())
	}
	if _, err := graph.Extend(g, func(b *graph.Builder) { b.Output("y", b.Scalar(1)) }); err == nil {
		t.Error("a second output y was accepted")
	}
}

func TestFeedParams(t *testing.T) {
	g := extendable(t)
	fed, err := graph.FeedParams(g)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range fed.Inputs() {
		names = append(names, n.Name())
	}
	if !slices.Equal(names, []string{"x", "w"}) || len(fed.Params()) != 0 || len(g.Params()) != 1 {
		t.Errorf("inputs %v, parameters %v", names, fed.Params())
	}
	var file bytes.Buffer
	if err := fed.Encode(&file); err != nil {
		t.Errorf("without bound parameters: %v", err)
	}
}

func TestBounds(t *testing.T) {
	_, err := graph.Build("test", func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, 5, 6, 7)
		s := b.Node("Slice", nil, x, b.Int64s(-1, 2), b.Int64s(-1<<31, 100), b.Int64s(1, -1), b.Int64s(-2, 3))
		start, stop, step := s.Bounds()
		if !slices.Equal(start, []int{0, 5, 2}) || !slices.Equal(stop, []int{5, -1, 7}) || !slices.Equal(step, []int{1, -2, 3}) {
			t.Errorf("start %v, stop %v, step %v", start, stop, step)
		}
		if got := s.IntsIn(4); !slices.Equal(got, []int{-2, 3}) || b.Pad(x, []int{0, 0, 0}, []int{0, 0, 1}).IntsIn(2) != nil {
			t.Errorf("steps %v", got)
		}
		b.Output("y", s)
	})
	if err != nil {
		t.Fatal(err)
	}
}
