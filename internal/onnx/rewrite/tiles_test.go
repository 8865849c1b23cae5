package rewrite_test

import (
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
)

// TestTileConvs holds tiles equal to plain convolutions on ONNX Runtime's CPU provider.
func TestTileConvs(t *testing.T) {
	at := func(b ...int) []int { return b }
	cases := map[string]struct {
		size, kernel []int
		o            graph.ConvOptions
		left         int // convolutions with the plain kernel that remain
	}{
		"1x3x3":         {at(3, 8, 12), at(1, 3, 3), graph.ConvOptions{Begin: at(0, 1, 1), End: at(0, 1, 1)}, 0},
		"large":         {at(2, 400, 404), at(1, 3, 3), graph.ConvOptions{Begin: at(0, 1, 1), End: at(0, 1, 1)}, 0},
		"3x3x3":         {at(5, 8, 12), at(3, 3, 3), graph.ConvOptions{Begin: at(1, 1, 1), End: at(1, 1, 1)}, 0},
		"uneven size":   {at(4, 7, 10), at(3, 3, 3), graph.ConvOptions{Begin: at(1, 1, 1), End: at(1, 1, 1)}, 0},
		"no padding":    {at(4, 10, 9), at(3, 3, 3), graph.ConvOptions{}, 0},
		"more padding":  {at(4, 7, 8), at(3, 3, 3), graph.ConvOptions{Begin: at(0, 0, 2), End: at(2, 3, 0)}, 0},
		"deep steps":    {at(7, 8, 8), at(3, 3, 3), graph.ConvOptions{Strides: at(2, 1, 1), Dilations: at(2, 1, 1), Begin: at(2, 1, 1), End: at(1, 1, 1)}, 0},
		"steps stay":    {at(4, 8, 8), at(1, 3, 3), graph.ConvOptions{Strides: at(1, 2, 1), Begin: at(0, 1, 1), End: at(0, 1, 1)}, 2},
		"dilated stays": {at(4, 8, 8), at(1, 3, 3), graph.ConvOptions{Dilations: at(1, 1, 2), Begin: at(0, 1, 2), End: at(0, 1, 2)}, 2},
		"groups stay":   {at(4, 8, 8), at(1, 3, 3), graph.ConvOptions{Group: 2, Begin: at(0, 1, 1), End: at(0, 1, 1)}, 2},
		"1x1x1 stays":   {at(4, 8, 8), at(1, 1, 1), graph.ConvOptions{}, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := bound(t, func(b *graph.Builder) {
				const channels, filters = 48, 64
				x := b.Input("x", tensor.Float32, append(at(1, channels), c.size...)...)
				w := b.Param("w", append(at(filters, channels/max(c.o.Group, 1)), c.kernel...)...)
				b.Output("y", b.Relu(b.Conv(x, w, b.Param("bias", filters), c.o)))
				b.Output("z", b.Conv(x, w, nil, c.o))
			})
			fast, err := rewrite.Lower(g, rewrite.Tiles)
			if err != nil {
				t.Fatal(err)
			}
			if n := plainConvs(fast, c.kernel); n != c.left {
				t.Errorf("%d plain convolutions remain, want %d", n, c.left)
			}
			env, in := graphtest.OpenORT(t, 2), inputs(g, 7)
			compare(t, graphtest.Run(t, env, g, in), graphtest.Run(t, env, fast, in))
		})
	}
}

// plainConvs counts the convolutions of a kernel.
func plainConvs(g *graph.Graph, kernel []int) int {
	n := 0
	for _, x := range g.Nodes() {
		if x.Op() != "Conv" || len(x.Shape()) != 5 {
			continue
		}
		k := x.In()[1].Shape()[2:]
		if k[0] == kernel[0] && k[1] == kernel[1] && k[2] == kernel[2] {
			n++
		}
	}
	return n
}

// TestTileConvsWeighs leaves convolutions whose transformations would cost what they save, and those whose weights are
// inputs, which would be transformed at every run.
func TestTileConvsWeighs(t *testing.T) {
	same := graph.ConvOptions{Begin: []int{0, 1, 1}, End: []int{0, 1, 1}}
	g := bound(t, func(b *graph.Builder) {
		few, many := b.Input("few", tensor.Float32, 1, 4, 3, 8, 8), b.Input("many", tensor.Float32, 1, 64, 3, 8, 8)
		b.Output("thin", b.Conv(few, b.Param("w", 4, 4, 1, 3, 3), nil, same))
		b.Output("fed", b.Conv(many, b.Relu(b.Input("v", tensor.Float32, 64, 64, 1, 3, 3)), nil, same))
		b.Output("wide", b.Conv(many, b.Param("u", 64, 64, 1, 3, 3), nil, same))
	})
	fast, err := rewrite.TileConvs(g)
	if err != nil {
		t.Fatal(err)
	}
	if n := plainConvs(fast, []int{1, 3, 3}); n != 2 {
		t.Errorf("%d plain convolutions remain, want 2", n)
	}
}
