package autodiff_test

import (
	"math/rand/v2"
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// ruleCase is one way to use an operator. Sizes and attributes are drawn from the maker's generator, so
// that a case is a family.
type ruleCase struct {
	op, name string
	make     func(m *maker) *graph.Node
}

// maker makes a case's graph: its inputs, drawn at random, are differentiated.
type maker struct {
	*graph.Builder
	rng    *rand.Rand
	wrt    []*graph.Node
	values map[string]*tensor.Tensor
}

// size is a random extent.
func (m *maker) size(from, to int) int { return from + m.rng.IntN(to-from+1) }

// sizes is a random shape.
func (m *maker) sizes(rank int) []int {
	s := make([]int, rank)
	for i := range s {
		s[i] = m.size(1, 4)
	}
	return s
}

// in is an input with normal elements, between drawn uniformly from an interval.
func (m *maker) in(shape ...int) *graph.Node {
	return m.fed(shape, func() float64 { return m.rng.NormFloat64() })
}

func (m *maker) between(low, high float64, shape ...int) *graph.Node {
	return m.fed(shape, func() float64 { return low + (high-low)*m.rng.Float64() })
}

func (m *maker) fed(shape []int, draw func() float64) *graph.Node {
	n := m.Input("x"+string(rune('0'+len(m.wrt))), tensor.Float32, slices.Clone(shape)...)
	t := tensor.NewFloat32(shape...)
	for i := range t.F32 {
		t.F32[i] = float32(draw())
	}
	m.wrt, m.values[n.Name()] = append(m.wrt, n), t
	return n
}

// mask is a random bool input.
func (m *maker) mask(shape ...int) *graph.Node {
	n, t := m.Input("mask", tensor.Bool, shape...), tensor.NewBool(shape...)
	for i := range t.U8 {
		t.U8[i] = uint8(m.rng.IntN(2))
	}
	m.values["mask"] = t
	return n
}

// thinned sets random extents to 1 and may drop leading axes, so that it broadcasts to shape.
func (m *maker) thinned(shape []int) []int {
	s := slices.Clone(shape)
	for i := range s {
		if m.rng.IntN(2) == 0 {
			s[i] = 1
		}
	}
	return s[m.rng.IntN(len(s)):]
}

// pair is two inputs that broadcast, either of them the larger.
func (m *maker) pair(low, high float64) (x, y *graph.Node) {
	full := m.sizes(3)
	a, b := full, m.thinned(full)
	if m.rng.IntN(2) == 0 {
		a, b = b, a
	}
	return m.between(low, high, a...), m.between(low, high, b...)
}

func one(op string, low, high float64) ruleCase {
	return ruleCase{op, "", func(m *maker) *graph.Node { return m.Node(op, nil, m.between(low, high, m.sizes(3)...)) }}
}

func two(op string, low, high float64) ruleCase {
	return ruleCase{op, "", func(m *maker) *graph.Node {
		x, y := m.pair(low, high)
		return m.Node(op, nil, x, y)
	}}
}

func axisOp(op string) ruleCase {
	return ruleCase{op, "", func(m *maker) *graph.Node {
		return m.Node(op, graph.Attrs{"axis": m.size(-3, 2)}, m.in(m.sizes(3)...))
	}}
}

func reduction(op string, keep int) ruleCase {
	name := []string{"dropped axes", "kept axes"}[keep]
	return ruleCase{op, name, func(m *maker) *graph.Node {
		axes := m.rng.Perm(4)[:m.size(1, 3)]
		axes[0] -= 4
		return m.Node(op, graph.Attrs{"keepdims": keep}, m.in(m.sizes(4)...), m.Int64s(axes...))
	}}
}

var ruleCases = []ruleCase{
	two("Add", -2, 2), two("Sub", -2, 2), two("Mul", -2, 2), two("Div", 0.5, 2), two("Pow", 0.5, 2), two("Max", -1, 1), two("Min", -1, 1),
	{"Mul", "by a scalar", func(m *maker) *graph.Node { return m.Mul(m.in(m.sizes(2)...), m.in()) }},
	{"Mul", "of slices that tile", func(m *maker) *graph.Node {
		x := m.in(2, 6, 3)
		return m.Mul(m.Slice(x, 1, 3, 6), m.Slice(x, 1, 0, 3))
	}},
	{"Mul", "of slices that overlap or leave gaps", func(m *maker) *graph.Node {
		x := m.in(2, 6, 2)
		a, b := m.size(0, 3), m.size(0, 3)
		return m.Mul(m.Mul(m.Slice(x, 1, a, a+3), m.Slice(x, 1, b, b+3)), m.Slice(m.Slice(x, 2, 0, 1), 1, 3, 6))
	}},
	{"Concat", "of slices along two axes", func(m *maker) *graph.Node {
		x := m.in(2, 2)
		return m.Concat(0, m.Slice(x, 0, 0, 1), m.Slice(x, 0, 1, 2), m.Transpose(m.Slice(x, 1, 0, 1), 1, 0), m.Exp(x))
	}},
	{"Reshape", "of a scalar", func(m *maker) *graph.Node { return m.Reshape(m.in(), 1, 1) }},
	{"Max", "of three", func(m *maker) *graph.Node {
		return m.Node("Max", nil, m.in(2, 3), m.in(3), m.in(2, 1))
	}},
	{"Pow", "constant exponent, negative base", func(m *maker) *graph.Node {
		return m.Pow(m.in(m.sizes(3)...), m.Scalar(float32(m.size(2, 4))))
	}},
	{"Where", "", func(m *maker) *graph.Node {
		x, y := m.pair(-1, 1)
		return m.Where(m.mask(1, 1), x, y)
	}},
	{"Where", "broadcast condition", func(m *maker) *graph.Node {
		return m.Where(m.mask(3, 1, 4), m.in(2, 4), m.in(1))
	}},
	one("Identity", -1, 1), one("Neg", -1, 1), one("Abs", -1, 1), one("Exp", -1, 1), one("Log", 0.2, 2), one("Sqrt", 0.2, 2),
	one("Reciprocal", 0.3, 2), one("Sigmoid", -4, 4), one("Tanh", -2, 2), one("Relu", -1, 1),
	{"LeakyRelu", "", func(m *maker) *graph.Node { return m.LeakyRelu(m.in(m.sizes(3)...), m.rng.Float32()) }},
	{"LeakyRelu", "falling", func(m *maker) *graph.Node { return m.LeakyRelu(m.in(m.sizes(3)...), -m.rng.Float32()) }},
	{"LeakyRelu", "steep", func(m *maker) *graph.Node { return m.LeakyRelu(m.in(m.sizes(3)...), 1+m.rng.Float32()) }},
	{"Clip", "", func(m *maker) *graph.Node { return m.Clip(m.in(m.sizes(3)...), -0.5, 0.7) }},
	{"Clip", "above only", func(m *maker) *graph.Node { return m.Node("Clip", nil, m.in(5), nil, m.Scalar(0.3)) }},
	{"Cast", "to float32", func(m *maker) *graph.Node { return m.Cast(m.in(2, 3), tensor.Float32) }},
	{"Cast", "through int64, where it stops", func(m *maker) *graph.Node {
		x := m.between(-5, 5, 4)
		return m.Add(x, m.Cast(m.Cast(x, tensor.Int64), tensor.Float32))
	}},
	axisOp("Softmax"), axisOp("LogSoftmax"),
	reduction("ReduceSum", 0), reduction("ReduceSum", 1), reduction("ReduceMean", 0), reduction("ReduceMean", 1), reduction("ReduceMax", 0), reduction("ReduceMax", 1),
	{"MatMul", "", func(m *maker) *graph.Node {
		batch, k := m.sizes(2), m.size(1, 4)
		return m.MatMul(m.in(append(batch, m.size(1, 4), k)...), m.in(append(m.thinned(batch), k, m.size(1, 4))...))
	}},
	{"MatMul", "no batch on the left", func(m *maker) *graph.Node { return m.MatMul(m.in(2, 3), m.in(4, 3, 2)) }},
	{"InstanceNormalization", "", func(m *maker) *graph.Node {
		c := m.size(1, 3)
		x := m.in(m.size(1, 2), c, m.size(2, 3), m.size(2, 3), m.size(1, 2))
		return m.InstanceNorm(x, m.in(c), m.in(c), 1e-3)
	}},
	{"InstanceNormalization", "one axis, far from zero", func(m *maker) *graph.Node {
		return m.InstanceNorm(m.between(9, 11, 2, 3, 5), m.in(3), m.in(3), 1e-2)
	}},
	{"Concat", "", func(m *maker) *graph.Node {
		a, b := m.sizes(3), m.size(0, 2)
		second, third := slices.Clone(a), slices.Clone(a)
		second[b], third[b] = m.size(1, 4), m.size(1, 4)
		return m.Concat(b-3*m.size(0, 1), m.in(a...), m.in(second...), m.in(third...))
	}},
	{"Slice", "", func(m *maker) *graph.Node {
		start := m.size(0, 3)
		return m.Slice(m.in(3, 6, 2), 1, start, m.size(start+1, 6))
	}},
	{"Slice", "steps, reversed", func(m *maker) *graph.Node {
		x := m.in(m.size(4, 7), m.size(4, 7), 2)
		return m.Node("Slice", nil, x, m.Int64s(-1, m.size(0, 3)), m.Int64s(-1<<31, 1<<30), m.Int64s(0, 1), m.Int64s(-m.size(1, 3), m.size(1, 3)))
	}},
	{"Gather", "", func(m *maker) *graph.Node {
		index := []int{m.size(-4, 3), m.size(0, 3), 2, 2, 0}
		shape, axis := []int{4, 4, 4}, m.size(-3, 2)
		return m.Gather(m.in(shape...), axis, index...)
	}},
	{"Pad", "", func(m *maker) *graph.Node {
		return m.Pad(m.in(4, 3, 4), []int{m.size(-1, 2), 0, m.size(-1, 2)}, []int{m.size(-1, 2), 2, m.size(-1, 2)})
	}},
	{"Pad", "with a value", func(m *maker) *graph.Node {
		return m.Node("Pad", graph.Attrs{"mode": "constant"}, m.in(4, 3), m.Int64s(1, -1, 2, 2), m.in())
	}},
	{"Pad", "edge", func(m *maker) *graph.Node {
		return m.Node("Pad", graph.Attrs{"mode": "edge"}, m.in(m.size(1, 4), m.size(1, 2)), m.Int64s(m.size(0, 3), m.size(0, 2), m.size(0, 3), m.size(0, 2)))
	}},
	{"Reshape", "", func(m *maker) *graph.Node { return m.Reshape(m.in(2, m.size(1, 4), 6), 4, -1, 3) }},
	{"Transpose", "", func(m *maker) *graph.Node { return m.Transpose(m.in(m.sizes(4)...), m.rng.Perm(4)...) }},
	{"Expand", "", func(m *maker) *graph.Node {
		full := m.sizes(4)
		return m.Expand(m.in(m.thinned(full)...), full...)
	}},
	{"Resize", "", func(m *maker) *graph.Node {
		s := m.sizes(5)
		to := slices.Clone(s)
		for i := range to[2:] {
			to[2+i] *= m.size(1, 3)
		}
		return m.Enlarge(m.in(s...), to...)
	}},
	{"DepthToSpace", "DCR", func(m *maker) *graph.Node {
		k := m.size(1, 3)
		return m.DepthToSpace(m.in(2, 2*k*k, m.size(1, 3), 2), k)
	}},
	{"DepthToSpace", "CRD", func(m *maker) *graph.Node {
		k := m.size(1, 3)
		return m.Node("DepthToSpace", graph.Attrs{"blocksize": k, "mode": "CRD"}, m.in(2, 2*k*k, m.size(1, 3), 2))
	}},
	{"Conv", "stride 1", func(m *maker) *graph.Node { return m.conv([]int{1, 1, 1}, []int{1, 1, 1}, 1) }},
	{"Conv", "strided", func(m *maker) *graph.Node { return m.conv([]int{1, 2, m.size(2, 3)}, []int{1, 1, 1}, 1) }},
	{"Conv", "dilated", func(m *maker) *graph.Node { return m.conv([]int{1, 1, 1}, []int{1, 2, m.size(1, 2)}, 1) }},
	{"Conv", "strided and dilated", func(m *maker) *graph.Node { return m.conv([]int{2, 1}, []int{1, 2}, 1) }},
	{"Conv", "groups", func(m *maker) *graph.Node { return m.conv([]int{1, m.size(1, 2)}, []int{1, 1}, m.size(2, 3)) }},
	{"Conv", "padding beyond the kernel, no bias", func(m *maker) *graph.Node {
		return m.Conv(m.in(1, 2, 4, 3), m.in(2, 2, 1, 2), nil, graph.ConvOptions{Begin: []int{1, 2}, End: []int{0, 3}})
	}},
	{"ConvTranspose", "stride 1", func(m *maker) *graph.Node { return m.convTranspose([]int{1, 1, 1}, []int{1, 1, 1}, 1) }},
	{"ConvTranspose", "strided", func(m *maker) *graph.Node { return m.convTranspose([]int{1, 2, m.size(2, 3)}, []int{1, 1, 1}, 1) }},
	{"ConvTranspose", "dilated", func(m *maker) *graph.Node { return m.convTranspose([]int{1, m.size(1, 2)}, []int{2, 1}, 1) }},
	{"ConvTranspose", "groups", func(m *maker) *graph.Node { return m.convTranspose([]int{2, 1}, []int{1, 1}, m.size(2, 3)) }},
	{"ConvTranspose", "extra voxels, cropped start", func(m *maker) *graph.Node {
		o := graph.ConvOptions{Strides: []int{3}, Begin: []int{1}, End: []int{0}}
		return m.ConvTranspose(m.in(1, 2, 3), m.in(2, 2, 2), m.in(2), o, []int{m.size(0, 2)})
	}},
}

// conv is a convolution of random size and padding.
func (m *maker) conv(strides, dilations []int, groups int) *graph.Node {
	in, out := m.size(1, 2), m.size(1, 2)
	x, w := []int{m.size(1, 2), in * groups}, []int{out * groups, in}
	o := graph.ConvOptions{Strides: strides, Dilations: dilations, Group: groups}
	for i := range strides {
		k := m.size(1, 3)
		w = append(w, k)
		x = append(x, (k-1)*dilations[i]+m.size(1, 3))
		o.Begin, o.End = append(o.Begin, m.size(0, k-1)), append(o.End, m.size(0, k-1))
	}
	return m.Conv(m.in(x...), m.in(w...), m.in(out*groups), o)
}

// convTranspose is a transposed convolution of random size and cropping.
func (m *maker) convTranspose(strides, dilations []int, groups int) *graph.Node {
	in, out := m.size(1, 2), m.size(1, 2)
	x, w := []int{m.size(1, 2), in * groups}, []int{in * groups, out}
	o := graph.ConvOptions{Strides: strides, Dilations: dilations, Group: groups}
	for i := range strides {
		k := m.size(1, 3)
		w, x = append(w, k), append(x, m.size(2, 3))
		reach := (k-1)*dilations[i] + 1
		o.Begin, o.End = append(o.Begin, m.size(0, (reach-1)/2)), append(o.End, m.size(0, (reach-1)/2))
	}
	return m.ConvTranspose(m.in(x...), m.in(w...), m.in(out*groups), o, nil)
}
