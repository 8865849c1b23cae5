package graph_test

import (
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// What a graph needs, counted by hand: values of 100 floats are 400 bytes.
func TestNeeds(t *testing.T) {
	input := func(b *graph.Builder) *graph.Node { return b.Input("x", tensor.Float32, 1, 1, 100) }
	for name, c := range map[string]struct {
		f                    func(b *graph.Builder) *graph.Node
		bytes, work, longest int64
	}{
		"in place":         {func(b *graph.Builder) *graph.Node { return b.Relu(b.Relu(b.Exp(input(b)))) }, 800, 300, 100}, // the input is not written over
		"two at once":      {func(b *graph.Builder) *graph.Node { x := b.Exp(input(b)); return b.Add(b.Relu(x), b.Abs(x)) }, 1200, 400, 100},
		"broadcast":        {func(b *graph.Builder) *graph.Node { return b.Expand(input(b), 50, 1, 100) }, 400 + 3*8 + 20000, 5000, 5000},
		"made at opening":  {func(b *graph.Builder) *graph.Node { return b.Add(input(b), b.Expand(b.Scalar(1), 10, 1, 100)) }, 4 + 3*8 + 400 + 4000 + 4000, 2000, 1000},
		"a reader twice":   {func(b *graph.Builder) *graph.Node { x := b.Exp(input(b)); return b.Mul(x, x) }, 800, 200, 100},
		"bool is one byte": {func(b *graph.Builder) *graph.Node { x := input(b); return b.Cast(b.Greater(x, x), tensor.Float32) }, 900, 200, 100},
		"convolution": {func(b *graph.Builder) *graph.Node {
			return b.Conv(input(b), b.Param("w", 2, 1, 5), nil, graph.ConvOptions{})
		}, 400 + 40 + 2*96*4, 2 * 96 * 5, 2 * 96 * 5},
		"a product beyond counting": {func(b *graph.Builder) *graph.Node {
			side := b.Expand(b.Scalar(1), 1<<18, 1<<18)
			return b.ReduceMean(b.MatMul(b.MatMul(side, side), side), 0, 1)
		}, 4 + 2*8 + 3*(4<<36), 3 << 54, 1 << 54},
	} {
		got := build(t, c.f).Needs()
		if got.Bytes != c.bytes || got.Longest != c.longest || name != "a product beyond counting" && got.Work != c.work || got.Slowest == "" || got.At == "" {
			t.Errorf("%s: %+v, want %d bytes, %d in all, %d at most", name, got, c.bytes, c.work, c.longest)
		}
	}
}
