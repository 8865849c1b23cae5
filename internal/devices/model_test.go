package devices_test

import (
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// model is a convolution of volumes.
func model(t *testing.T) *graph.Graph {
	t.Helper()
	g, err := graph.Build("model", func(b *graph.Builder) {
		x, w := b.Input("x", tensor.Float32, 1, 2, 3, 4, 5), b.Param("w", 2, 2, 3, 3, 3)
		one := []int{1, 1, 1}
		b.Output("y", b.Conv(x, w, nil, graph.ConvOptions{Begin: one, End: one}))
	})
	if err != nil {
		t.Fatal(err)
	}
	w := tensor.NewFloat32(2, 2, 3, 3, 3)
	for i := range w.F32 {
		w.F32[i] = float32(i%7) - 3
	}
	if g, err = g.Bind(map[string]*tensor.Tensor{"w": w}); err != nil {
		t.Fatal(err)
	}
	return g
}

// input is the n-th input of the model.
func input(n int) map[string]*tensor.Tensor {
	x := tensor.NewFloat32(1, 2, 3, 4, 5)
	for i := range x.F32 {
		x.F32[i] = float32((i*7+n)%11) - 5
	}
	return map[string]*tensor.Tensor{"x": x}
}
