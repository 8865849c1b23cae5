package rewrite_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
)

func random(rng *rand.Rand, n *graph.Node) *tensor.Tensor {
	if n.DType() == tensor.Bool {
		t := tensor.NewBool(n.Shape()...)
		for i := range t.U8 {
			t.U8[i] = uint8(rng.IntN(2))
		}
		return t
	}
	t := tensor.NewFloat32(n.Shape()...)
	for i := range t.F32 {
		t.F32[i] = float32(rng.NormFloat64())
	}
	return t
}

// bound builds a graph and gives its parameters random elements.
func bound(t *testing.T, f func(b *graph.Builder)) *graph.Graph {
	t.Helper()
	g, err := graph.Build("test", f)
	if err != nil {
		t.Fatal(err)
	}
	rng, w := rand.New(rand.NewPCG(1, 2)), map[string]*tensor.Tensor{}
	for _, p := range g.Params() {
		w[p.Name()] = random(rng, p)
	}
	if g, err = g.Bind(w); err != nil {
		t.Fatal(err)
	}
	return g
}

// inputs draws a tensor for every input of g.
func inputs(g *graph.Graph, seed uint64) map[string]*tensor.Tensor {
	rng, in := rand.New(rand.NewPCG(seed, 0)), map[string]*tensor.Tensor{}
	for _, n := range g.Inputs() {
		in[n.Name()] = random(rng, n)
	}
	return in
}

// compare holds every output of got within 1e-4 of want, relative to want's largest magnitude.
func compare(t *testing.T, want, got map[string]*tensor.Tensor) {
	t.Helper()
	for name, w := range want {
		g := got[name]
		if g == nil || g.Count() != w.Count() {
			t.Errorf("output %q is missing or has another size", name)
			continue
		}
		scale, worst := 0.0, 0.0
		for i, v := range w.F32 {
			scale = max(scale, math.Abs(float64(v)))
			worst = max(worst, math.Abs(float64(v)-float64(g.F32[i])))
		}
		if !(worst <= 1e-4*scale) || scale == 0 {
			t.Errorf("output %q differs by %g of %g", name, worst, scale)
		}
	}
}

func count(g *graph.Graph, op string) int {
	n := 0
	for _, x := range g.Nodes() {
		if x.Op() == op {
			n++
		}
	}
	return n
}

// check runs g and its rewriting on the same inputs; left is how many nodes of op must remain.
func check(t *testing.T, g *graph.Graph, pass func(*graph.Graph) (*graph.Graph, error), op string, left int) {
	t.Helper()
	fast, err := pass(g)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(fast, op); n != left {
		t.Errorf("%d %s nodes remain, want %d", n, op, left)
	}
	env, in := graphtest.OpenORT(t, 2), inputs(g, 7)
	compare(t, graphtest.Run(t, env, g, in), graphtest.Run(t, env, fast, in))
}

// widest is the largest number of input channels of a convolution.
func widest(g *graph.Graph) int {
	n := 0
	for _, x := range g.Nodes() {
		if x.Op() == "Conv" {
			n = max(n, x.In()[0].Shape()[1])
		}
	}
	return n
}

func TestFoldBroadcastConv(t *testing.T) {
	same := graph.ConvOptions{Begin: []int{0, 1, 1}, End: []int{0, 1, 1}}
	cases := map[string]struct {
		kernel []int
		o      graph.ConvOptions
	}{
		"1x3x3":            {[]int{1, 3, 3}, same},
		"3x3x3":            {[]int{3, 3, 3}, graph.ConvOptions{Begin: []int{1, 1, 1}, End: []int{1, 1, 1}}},
		"1x1x1":            {[]int{1, 1, 1}, graph.ConvOptions{}},
		"5x3x1 wide":       {[]int{5, 3, 1}, graph.ConvOptions{Begin: []int{2, 1, 0}, End: []int{2, 1, 0}}},
		"stride, uneven":   {[]int{3, 3, 3}, graph.ConvOptions{Strides: []int{2, 2, 1}, Begin: []int{0, 0, 1}, End: []int{1, 1, 1}}},
		"dilated":          {[]int{1, 3, 3}, graph.ConvOptions{Dilations: []int{1, 2, 1}, Begin: []int{0, 2, 1}, End: []int{0, 2, 1}}},
		"larger than half": {[]int{3, 7, 7}, graph.ConvOptions{Begin: []int{1, 3, 3}, End: []int{1, 3, 3}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := bound(t, func(b *graph.Builder) {
				x, z := b.Input("x", tensor.Float32, 1, 3, 4, 6, 5), b.Input("z", tensor.Float32, 1, 8, 1, 1, 1)
				v := b.Input("v", tensor.Float32, 1, 2, 1, 1, 1)
				all := b.Concat(1, b.Expand(v, 1, 2, 4, 6, 5), x, b.Expand(z, 1, 8, 4, 6, 5))
				w := b.Param("w", append([]int{4, 13}, c.kernel...)...)
				b.Output("y", b.Conv(all, w, b.Param("bias", 4), c.o))
			})
			check(t, g, rewrite.FoldBroadcastConv, "MatMul", 2)
			fast, err := rewrite.FoldBroadcastConv(g)
			if err != nil || widest(fast) != 4 {
				t.Errorf("a convolution still reads %d channels (%v)", widest(fast), err)
			}
		})
	}
}

func TestLowerConvTranspose(t *testing.T) {
	cases := map[string]struct {
		kernel []int
		o      graph.ConvOptions
		extra  []int
		left   int
	}{
		"1x3x3 by 2":   {[]int{1, 3, 3}, graph.ConvOptions{Strides: []int{1, 2, 2}, Begin: []int{0, 0, 0}, End: []int{0, 1, 1}}, nil, 0},
		"3x3x3 by 2":   {[]int{3, 3, 3}, graph.ConvOptions{Strides: []int{2, 2, 2}, Begin: []int{0, 0, 0}, End: []int{1, 1, 1}}, nil, 0},
		"mixed":        {[]int{3, 3, 5}, graph.ConvOptions{Strides: []int{1, 2, 3}, Begin: []int{1, 0, 1}, End: []int{1, 1, 1}}, nil, 0},
		"stride 1":     {[]int{3, 3, 3}, graph.ConvOptions{Begin: []int{1, 1, 1}, End: []int{1, 1, 1}}, nil, 0},
		"kernel 2":     {[]int{2, 2, 2}, graph.ConvOptions{Strides: []int{2, 2, 2}}, nil, 0},
		"5 by 2":       {[]int{1, 5, 5}, graph.ConvOptions{Strides: []int{1, 2, 2}, Begin: []int{0, 1, 1}, End: []int{0, 2, 2}}, nil, 0},
		"empty phases": {[]int{1, 1, 1}, graph.ConvOptions{Strides: []int{1, 2, 2}}, []int{0, 1, 1}, 1},
		"uneven size":  {[]int{1, 3, 3}, graph.ConvOptions{Strides: []int{1, 2, 2}}, nil, 1},
		"dilated":      {[]int{1, 3, 3}, graph.ConvOptions{Dilations: []int{1, 2, 2}}, nil, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := bound(t, func(b *graph.Builder) {
				x := b.Input("x", tensor.Float32, 1, 3, 3, 4, 5)
				w := b.Param("w", append([]int{3, 4}, c.kernel...)...)
				b.Output("y", b.ConvTranspose(x, w, b.Param("bias", 4), c.o, c.extra))
			})
			check(t, g, rewrite.LowerConvTranspose, "ConvTranspose", c.left)
		})
	}
}

func TestExpandEnlargement(t *testing.T) {
	for _, to := range [][]int{{1, 3, 4, 9, 5}, {1, 3, 2, 3, 10}, {1, 6, 4, 6, 15}, {1, 3, 2, 3, 5}} {
		g := bound(t, func(b *graph.Builder) {
			b.Output("y", b.Enlarge(b.Input("x", tensor.Float32, 1, 3, 2, 3, 5), to...))
		})
		check(t, g, rewrite.ExpandEnlargement, "Resize", 0)
	}
}

// excited is normalisation, squeeze and excitation, a shortcut and dropout.
func excited(b *graph.Builder) (norm, y *graph.Node) {
	x, mask := b.Input("x", tensor.Float32, 1, 4, 3, 4, 5), b.Input("mask", tensor.Bool, 1, 4, 3, 4, 5)
	norm = b.InstanceNorm(x, b.Param("scale", 4), b.Param("shift", 4), 1e-3)
	gate := b.Sigmoid(b.Conv(b.ReduceMean(norm, 2, 3, 4), b.Param("w", 4, 4, 1, 1, 1), nil, graph.ConvOptions{}))
	short := b.InstanceNorm(b.Neg(x), b.Param("scale2", 4), b.Param("shift2", 4), 1e-3)
	y = b.LeakyRelu(b.Add(b.Mul(norm, gate), short), 0.1)
	return norm, b.Where(mask, b.Mul(y, b.Scalar(2)), b.Scalar(0))
}

func TestFoldNorm(t *testing.T) {
	g := bound(t, func(b *graph.Builder) {
		_, y := excited(b)
		b.Output("y", y)
	})
	check(t, g, rewrite.FoldNorm, "ReduceMean", 0)
	fast, err := rewrite.FoldNorm(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range fast.Nodes() {
		if n.Op() == "Mul" && tensor.Count(n.Shape()) > 4 {
			t.Errorf("a factor is still applied to every voxel: %s", n)
		}
	}

	shared := bound(t, func(b *graph.Builder) {
		norm, y := excited(b)
		b.Output("y", y)
		b.Output("norm", b.Exp(norm)) // a second reader of the unscaled normalisation
	})
	check(t, shared, rewrite.FoldNorm, "ReduceMean", 0)

	negative := bound(t, func(b *graph.Builder) {
		x := b.InstanceNorm(b.Input("x", tensor.Float32, 1, 4, 3, 4, 5), b.Param("scale", 4), b.Param("shift", 4), 1e-3)
		b.Output("y", b.Mul(b.LeakyRelu(x, 0.1), b.Scalar(-2)))
	})
	check(t, negative, rewrite.FoldNorm, "Mul", 1)
}

func TestDropNormBias(t *testing.T) {
	g := bound(t, func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, 1, 2, 3, 4, 5)
		y := b.Conv(x, b.Param("w", 3, 2, 1, 1, 1), b.Param("bias", 3), graph.ConvOptions{})
		b.Output("y", b.InstanceNorm(y, b.Param("scale", 3), b.Param("shift", 3), 1e-3))
		kept := b.Conv(x, b.Param("w2", 3, 2, 1, 1, 1), b.Param("bias2", 3), graph.ConvOptions{})
		b.Output("kept", kept)
		b.Output("normed", b.InstanceNorm(kept, b.Param("scale2", 3), b.Param("shift2", 3), 1e-3))
	})
	check(t, g, rewrite.DropNormBias, "Conv", 2)
	fast, err := rewrite.DropNormBias(g)
	if err != nil || len(fast.Params()) != len(g.Params())-1 {
		t.Errorf("%d of %d parameters remain (%v)", len(fast.Params()), len(g.Params()), err)
	}
}

func TestMergeConvs(t *testing.T) {
	o := graph.ConvOptions{Strides: []int{1, 2, 2}, Begin: []int{0, 0, 0}, End: []int{0, 1, 1}}
	g := bound(t, func(b *graph.Builder) {
		x := b.Relu(b.Input("x", tensor.Float32, 1, 2, 3, 4, 6))
		for i, out := range []int{3, 1, 4} {
			name := string(rune('a' + i))
			y := b.Conv(x, b.Param("w"+name, out, 2, 1, 3, 3), b.Param("b"+name, out), o)
			b.Output("y"+name, b.Exp(y))
		}
		b.Output("other", b.Conv(x, b.Param("w", 2, 2, 1, 1, 1), nil, graph.ConvOptions{}))
	})
	check(t, g, rewrite.MergeConvs, "Conv", 2)
}

// TestCut holds that prefix and suffix together equal the whole, and what crosses.
func TestCut(t *testing.T) {
	env := graphtest.OpenORT(t, 2)
	g := bound(t, func(b *graph.Builder) {
		x, noise := b.Input("x", tensor.Float32, 1, 2, 4), b.Input("noise", tensor.Float32, 1, 2, 4)
		steady := b.Exp(b.Mul(x, b.Param("p", 2, 1)))
		deep := b.Sqrt(steady)
		weights := b.Exp(b.Param("q", 2, 1))                                // of weights only: repeated, not passed
		b.Output("y", b.Add(b.Mul(deep, b.Mul(noise, weights)), b.Tanh(x))) // Tanh(x) crosses beside deep
		b.Output("z", b.Sub(noise, x))                                      // the suffix reads x itself
		b.Output("calm", b.Neg(deep))                                       // no noise reaches it
	})
	prefix, suffix, err := graph.Cut(g, []string{"noise"})
	if err != nil {
		t.Fatal(err)
	}
	in := inputs(g, 3)
	want := graphtest.Run(t, env, g, in)
	for k, v := range graphtest.Run(t, env, prefix, in) {
		in[k] = v
	}
	compare(t, want, graphtest.Run(t, env, suffix, in))
	var crossing []string
	for _, o := range prefix.Outputs() {
		crossing = append(crossing, o.Name())
	}
	if len(crossing) != 3 || len(suffix.Inputs()) != 5 {
		t.Errorf("%v cross, and the suffix reads %v", crossing, suffix.Inputs())
	}
	for _, n := range prefix.Inputs() {
		if n.Name() == "noise" {
			t.Error("the prefix reads the noise")
		}
	}
	if _, _, err := graph.Cut(g, []string{"missing"}); err == nil {
		t.Error("cutting at an unknown input succeeded")
	}
	all, rest, err := graph.Cut(g, []string{"noise", "x"})
	if err != nil || all != nil {
		t.Fatalf("with every input noisy the prefix is %v (%v)", all, err)
	}
	compare(t, want, graphtest.Run(t, env, rest, in))
}
