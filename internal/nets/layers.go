package nets

import (
	"fmt"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// layers makes the layers of one network under a common name, with their parameters.
type layers struct {
	b    *graph.Builder
	c    Config
	name string // dotted path of the parameters
}

// in returns the same layers one name deeper.
func (l layers) in(name string) layers {
	if l.name != "" {
		name = l.name + "." + name
	}
	l.name = name
	return l
}

// scope names the nodes that f makes after the layer.
func (l layers) scope(f func() *graph.Node) (out *graph.Node) {
	l.b.Scope(l.name, func() { out = f() })
	return out
}

func (l layers) param(kind string, shape ...int) *graph.Node {
	return l.b.Param(l.name+"."+kind, shape...)
}

// conv is a 'same' convolution with bias.
func (l layers) conv(x *graph.Node, filters int, kernel, stride [3]int) *graph.Node {
	o := graph.ConvOptions{Strides: stride[:]}
	for a := range 3 {
		begin, end := samePads(x.Shape()[2+a], kernel[a], stride[a])
		o.Begin, o.End = append(o.Begin, begin), append(o.End, end)
	}
	w := l.param("weight", filters, x.Shape()[1], kernel[0], kernel[1], kernel[2])
	return l.scope(func() *graph.Node { return l.b.Conv(x, w, l.param("bias", filters), o) })
}

// conv1 is a 1×1×1 convolution.
func (l layers) conv1(x *graph.Node, filters int) *graph.Node {
	return l.conv(x, filters, [3]int{1, 1, 1}, [3]int{1, 1, 1})
}

// up is the transposed 'same' convolution: the adjoint of a 'same' convolution from the enlarged size,
// so it yields exactly size × stride.
func (l layers) up(x *graph.Node, filters int, kernel, stride [3]int) *graph.Node {
	o := graph.ConvOptions{Strides: stride[:]}
	var extra []int
	for a := range 3 {
		begin, end := samePads(x.Shape()[2+a]*stride[a], kernel[a], stride[a])
		o.Begin, o.End = append(o.Begin, begin), append(o.End, end)
		extra = append(extra, max(stride[a]-kernel[a], 0))
	}
	w := l.param("weight", x.Shape()[1], filters, kernel[0], kernel[1], kernel[2])
	return l.scope(func() *graph.Node { return l.b.ConvTranspose(x, w, l.param("bias", filters), o, extra) })
}

func (l layers) norm(x *graph.Node) *graph.Node {
	c := x.Shape()[1]
	scale, shift := l.param("scale", c), l.param("shift", c)
	return l.scope(func() *graph.Node { return l.b.InstanceNorm(x, scale, shift, l.c.Epsilon) })
}

func (l layers) leaky(x *graph.Node) *graph.Node {
	return l.scope(func() *graph.Node { return l.b.LeakyRelu(x, l.c.Slope) })
}

// convNorm is a 'same' convolution and instance normalisation.
func (l layers) convNorm(x *graph.Node, filters int, kernel, stride [3]int) *graph.Node {
	return l.in("norm").norm(l.in("conv").conv(x, filters, kernel, stride))
}

// block is the squeeze-and-excitation residual bottleneck B(f, k, s).
func (l layers) block(x *graph.Node, filters int, kernel, stride [3]int) *graph.Node {
	one := [3]int{1, 1, 1}
	y := l.leaky(l.in("reduce").convNorm(x, filters/4, kernel, stride))
	y = l.leaky(l.in("middle").convNorm(y, filters/4, [3]int{3, 3, 3}, one))
	y = l.in("expand").convNorm(y, filters, one, one)
	y = l.in("excite").excite(y)
	short := l.in("shortcut").convNorm(x, filters, kernel, stride)
	return l.leaky(l.scope(func() *graph.Node { return l.b.Add(y, short) }))
}

// excite scales each channel by what its mean over space says (squeeze and excitation).
func (l layers) excite(x *graph.Node) *graph.Node {
	c := x.Shape()[1]
	mean := l.scope(func() *graph.Node { return l.b.ReduceMean(x, 2, 3, 4) })
	hidden := l.leaky(l.in("squeeze").conv1(mean, c/l.c.Reduction))
	gate := l.in("gate").conv1(hidden, c)
	return l.scope(func() *graph.Node { return l.b.Mul(x, l.b.Sigmoid(gate)) })
}

// attention is the grid attention gate at one level: x is the skip connection, gate the bottleneck.
// It returns the gated features and the map a [1, 1, D, H, W] in 0…1.
func (l layers) attention(x, gate *graph.Node) (out, a *graph.Node) {
	f := x.Shape()[1]
	theta := l.in("theta").conv1(x, f)
	phi := l.in("phi").conv1(gate, f)
	sum := l.scope(func() *graph.Node { return l.b.Add(theta, l.b.Enlarge(phi, theta.Shape()...)) })
	psi := l.in("psi").conv1(l.leaky(sum), 1)
	a = l.scope(func() *graph.Node { return l.b.Sigmoid(psi) })
	gated := l.scope(func() *graph.Node { return l.b.Mul(x, a) })
	return l.in("out").convNorm(gated, f, [3]int{1, 1, 1}, [3]int{1, 1, 1}), a
}

// encoder is the stem and the blocks e1…e4; after, where not nil, is applied to each e_l and its result
// goes on. It returns the five levels, the stem first.
func (l layers) encoder(x *graph.Node, after func(level int, x *graph.Node) *graph.Node) [Levels]*graph.Node {
	c := l.c
	var e [Levels]*graph.Node
	stem := l.in("stem")
	e[0] = stem.leaky(stem.convNorm(x, c.Filters[0], c.Kernels[0], c.Strides[0]))
	for i := 1; i < Levels; i++ {
		e[i] = l.in(fmt.Sprintf("e%d", i)).block(e[i-1], c.Filters[i], c.Kernels[i], c.Strides[i])
		if after != nil {
			e[i] = after(i, e[i])
		}
	}
	return e
}

// dropout keeps each element where the bool input says so and scales what it keeps by 1/keep, so that
// the expectation stays (inverted dropout). With keep = 1 it is nothing.
func (l layers) dropout(x *graph.Node, keep float64, declare func(name string, keep float64, shape []int) *graph.Node) *graph.Node {
	if keep == 1 {
		return x
	}
	mask := declare(l.name, keep, x.Shape())
	return l.scope(func() *graph.Node {
		scaled := l.b.Mul(x, l.b.Scalar(float32(1/keep)))
		return l.b.Where(mask, scaled, l.b.Const(tensor.NewFloat32()))
	})
}
