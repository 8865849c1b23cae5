package rewrite_test

import (
	"math"
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/onnx/ref"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
)

// sliceCases are convolutions of x [2, 3, 5, 6, 7] with kernels [4, 3, …]; batched ones keep both batch elements.
var sliceCases = map[string]struct {
	kernel []int
	o      graph.ConvOptions
	batch  int
	left   int // convolutions of volumes that remain
}{
	"1x3x3":           {[]int{1, 3, 3}, graph.ConvOptions{Begin: []int{0, 1, 1}, End: []int{0, 1, 1}}, 1, 0},
	"3x3x3":           {[]int{3, 3, 3}, graph.ConvOptions{Begin: []int{1, 1, 1}, End: []int{1, 1, 1}}, 1, 0},
	"3x3x3 batched":   {[]int{3, 3, 3}, graph.ConvOptions{Begin: []int{1, 1, 1}, End: []int{1, 1, 1}}, 2, 0},
	"3x1x1":           {[]int{3, 1, 1}, graph.ConvOptions{Begin: []int{2, 0, 0}, End: []int{0, 0, 0}}, 1, 0},
	"1x1x1":           {[]int{1, 1, 1}, graph.ConvOptions{}, 1, 0},
	"1x1x1 batched":   {[]int{1, 1, 1}, graph.ConvOptions{}, 2, 0},
	"1x1x1 stride":    {[]int{1, 1, 1}, graph.ConvOptions{Strides: []int{2, 2, 1}}, 1, 0},
	"1x1x1 padded":    {[]int{1, 1, 1}, graph.ConvOptions{Begin: []int{1, 0, 2}, End: []int{0, 1, 0}}, 1, 0},
	"stride, uneven":  {[]int{3, 3, 3}, graph.ConvOptions{Strides: []int{2, 2, 1}, Begin: []int{0, 0, 1}, End: []int{1, 1, 1}}, 1, 0},
	"dilated":         {[]int{3, 3, 3}, graph.ConvOptions{Dilations: []int{2, 1, 2}, Begin: []int{2, 1, 2}, End: []int{1, 1, 2}}, 2, 0},
	"whole depth":     {[]int{5, 3, 3}, graph.ConvOptions{}, 1, 0},
	"depth and steps": {[]int{2, 2, 2}, graph.ConvOptions{Strides: []int{3, 2, 2}}, 1, 0},
	"groups stay":     {[]int{3, 3, 3}, graph.ConvOptions{Group: 3}, 1, 1},
}

// sliced builds the graph of a case, with a bias and without.
func sliced(t *testing.T, kernel []int, o graph.ConvOptions, batch int) *graph.Graph {
	return bound(t, func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, batch, 3, 5, 6, 7)
		if o.Group == 3 {
			b.Output("y", b.Conv(x, b.Param("w", append([]int{6, 1}, kernel...)...), nil, o))
			return
		}
		w := b.Param("w", append([]int{4, 3}, kernel...)...)
		y := b.Relu(b.Conv(x, w, b.Param("bias", 4), o))
		b.Output("y", y)
		b.Output("z", b.Conv(x, w, nil, o))
	})
}

// TestSliceConvs holds both lowerings equal: in float64 to 1e-12, and on ONNX Runtime's CPU provider.
func TestSliceConvs(t *testing.T) {
	for name, c := range sliceCases {
		t.Run(name, func(t *testing.T) {
			g := sliced(t, c.kernel, c.o, c.batch)
			fast, err := rewrite.Lower(g, rewrite.Slices)
			if err != nil {
				t.Fatal(err)
			}
			if n := volumeConvs(fast); n != c.left {
				t.Errorf("%d convolutions of volumes remain, want %d", n, c.left)
			}
			env, in := graphtest.OpenORT(t, 2), inputs(g, 7)
			compare(t, graphtest.Run(t, env, g, in), graphtest.Run(t, env, fast, in))
			equalInFloat64(t, g, fast)
		})
	}
	if _, err := rewrite.Lower(sliced(t, []int{1, 1, 1}, graph.ConvOptions{}, 1), "cubes"); err == nil {
		t.Error("an unknown lowering was accepted")
	}
}

// volumeConvs counts the three-dimensional convolutions.
func volumeConvs(g *graph.Graph) int {
	n := 0
	for _, x := range g.Nodes() {
		if x.Op() == "Conv" && len(x.Shape()) == 5 {
			n++
		}
	}
	return n
}

// equalInFloat64 runs two graphs on the float64 interpreter.
func equalInFloat64(t *testing.T, g, fast *graph.Graph) {
	t.Helper()
	in := map[string]*ref.Array{}
	for name, x := range inputs(g, 11) {
		in[name] = ref.FromTensor(x)
	}
	want, err := ref.Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ref.Run(fast, in)
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range want {
		for i, v := range w.Data {
			if !(math.Abs(v-got[name].Data[i]) <= 1e-12) {
				t.Fatalf("%s[%d] is %v, want %v", name, i, got[name].Data[i], v)
			}
		}
	}
}
