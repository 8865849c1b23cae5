package graph

import (
	"slices"

	"bayeslice/internal/tensor"
)

// ConvOptions is the geometry of a convolution, one entry per spatial axis; nil lists are the
// operator's defaults (strides and dilations 1, paddings 0), Group 0 is one group.
type ConvOptions struct {
	Strides    []int
	Dilations  []int
	Begin, End []int // zero padding before and after
	Group      int
}

func (o ConvOptions) attrs() Attrs {
	a := Attrs{}
	if o.Strides != nil {
		a["strides"] = slices.Clone(o.Strides)
	}
	if o.Dilations != nil {
		a["dilations"] = slices.Clone(o.Dilations)
	}
	if o.Begin != nil || o.End != nil {
		a["pads"] = append(slices.Clone(o.Begin), o.End...)
	}
	if o.Group > 1 {
		a["group"] = o.Group
	}
	return a
}

// Options returns the geometry of a Conv or ConvTranspose node with all defaults filled in. It
// panics on other operators, which is a programmer error.
func (n *Node) Options() ConvOptions {
	win, err := n.window()
	if err != nil {
		panic(err)
	}
	return ConvOptions{win.strides, win.dilations, win.begin, win.end, win.group}
}

// Conv convolves x [N, C, …] with weight [out, C/group, k…] and adds bias [out], which may be nil.
func (b *Builder) Conv(x, weight, bias *Node, o ConvOptions) *Node {
	return b.node("Conv", o.attrs(), x, weight, bias)
}

// ConvTranspose is the transposed convolution of x [N, C, …] with weight [C, out/group, k…]; the
// paddings crop the result, extra (may be nil) enlarges it at the end.
func (b *Builder) ConvTranspose(x, weight, bias *Node, o ConvOptions, extra []int) *Node {
	a := o.attrs()
	if extra != nil {
		a["output_padding"] = slices.Clone(extra)
	}
	return b.node("ConvTranspose", a, x, weight, bias)
}

// InstanceNorm normalises each channel of each batch element over space, with scale and shift [C].
func (b *Builder) InstanceNorm(x, scale, shift *Node, epsilon float32) *Node {
	return b.node("InstanceNormalization", Attrs{"epsilon": epsilon}, x, scale, shift)
}

// LeakyRelu is x where positive, slope·x elsewhere.
func (b *Builder) LeakyRelu(x *Node, slope float32) *Node {
	return b.node("LeakyRelu", Attrs{"alpha": slope}, x)
}

// Relu is max(x, 0).
func (b *Builder) Relu(x *Node) *Node { return b.node("Relu", nil, x) }

// Sigmoid is 1/(1+e⁻ˣ).
func (b *Builder) Sigmoid(x *Node) *Node { return b.node("Sigmoid", nil, x) }

// Tanh is the hyperbolic tangent.
func (b *Builder) Tanh(x *Node) *Node { return b.node("Tanh", nil, x) }

// Softmax normalises exponentials along an axis.
func (b *Builder) Softmax(x *Node, axis int) *Node {
	return b.node("Softmax", Attrs{"axis": axis}, x)
}

// LogSoftmax is the logarithm of [Builder.Softmax], computed stably.
func (b *Builder) LogSoftmax(x *Node, axis int) *Node {
	return b.node("LogSoftmax", Attrs{"axis": axis}, x)
}

// Exp is the exponential.
func (b *Builder) Exp(x *Node) *Node { return b.node("Exp", nil, x) }

// Log is the natural logarithm.
func (b *Builder) Log(x *Node) *Node { return b.node("Log", nil, x) }

// Sqrt is the square root.
func (b *Builder) Sqrt(x *Node) *Node { return b.node("Sqrt", nil, x) }

// Reciprocal is 1/x.
func (b *Builder) Reciprocal(x *Node) *Node { return b.node("Reciprocal", nil, x) }

// Neg is −x.
func (b *Builder) Neg(x *Node) *Node { return b.node("Neg", nil, x) }

// Abs is |x|.
func (b *Builder) Abs(x *Node) *Node { return b.node("Abs", nil, x) }

// Sign is −1, 0 or 1.
func (b *Builder) Sign(x *Node) *Node { return b.node("Sign", nil, x) }

// Identity copies x under another name.
func (b *Builder) Identity(x *Node) *Node { return b.node("Identity", nil, x) }

// Not negates a bool tensor.
func (b *Builder) Not(x *Node) *Node { return b.node("Not", nil, x) }

// Add is x + y, broadcast.
func (b *Builder) Add(x, y *Node) *Node { return b.node("Add", nil, x, y) }

// Sub is x − y, broadcast.
func (b *Builder) Sub(x, y *Node) *Node { return b.node("Sub", nil, x, y) }

// Mul is x · y elementwise, broadcast.
func (b *Builder) Mul(x, y *Node) *Node { return b.node("Mul", nil, x, y) }

// Div is x / y elementwise, broadcast.
func (b *Builder) Div(x, y *Node) *Node { return b.node("Div", nil, x, y) }

// Pow is x to the power y, broadcast.
func (b *Builder) Pow(x, y *Node) *Node { return b.node("Pow", nil, x, y) }

// Max is the elementwise maximum, broadcast.
func (b *Builder) Max(x, y *Node) *Node { return b.node("Max", nil, x, y) }

// Min is the elementwise minimum, broadcast.
func (b *Builder) Min(x, y *Node) *Node { return b.node("Min", nil, x, y) }

// Greater is the bool tensor x > y, broadcast.
func (b *Builder) Greater(x, y *Node) *Node { return b.node("Greater", nil, x, y) }

// Less is the bool tensor x < y, broadcast.
func (b *Builder) Less(x, y *Node) *Node { return b.node("Less", nil, x, y) }

// Equal is the bool tensor x = y, broadcast.
func (b *Builder) Equal(x, y *Node) *Node { return b.node("Equal", nil, x, y) }

// Where takes yes where cond holds and no elsewhere, broadcast.
func (b *Builder) Where(cond, yes, no *Node) *Node { return b.node("Where", nil, cond, yes, no) }

// Clip limits x to [low, high].
func (b *Builder) Clip(x *Node, low, high float32) *Node {
	return b.node("Clip", nil, x, b.Scalar(low), b.Scalar(high))
}

// ReduceMean averages over axes, which remain with extent 1.
func (b *Builder) ReduceMean(x *Node, axes ...int) *Node {
	return b.node("ReduceMean", Attrs{"keepdims": 1}, x, b.Int64s(axes...))
}

// ReduceSum sums over axes, which remain with extent 1.
func (b *Builder) ReduceSum(x *Node, axes ...int) *Node {
	return b.node("ReduceSum", Attrs{"keepdims": 1}, x, b.Int64s(axes...))
}

// ReduceMax is the maximum over axes, which remain with extent 1.
func (b *Builder) ReduceMax(x *Node, axes ...int) *Node {
	return b.node("ReduceMax", Attrs{"keepdims": 1}, x, b.Int64s(axes...))
}

// MatMul multiplies matrices over the last two axes; leading axes broadcast.
func (b *Builder) MatMul(x, y *Node) *Node { return b.node("MatMul", nil, x, y) }

// Concat joins tensors along an axis.
func (b *Builder) Concat(axis int, in ...*Node) *Node {
	return b.node("Concat", Attrs{"axis": axis}, in...)
}

// Slice takes start ≤ index < stop along one axis.
func (b *Builder) Slice(x *Node, axis, start, stop int) *Node {
	return b.node("Slice", nil, x, b.Int64s(start), b.Int64s(stop), b.Int64s(axis))
}

// Gather takes the given indices, a constant list, along one axis.
func (b *Builder) Gather(x *Node, axis int, index ...int) *Node {
	return b.node("Gather", Attrs{"axis": axis}, x, b.Int64s(index...))
}

// Pad adds begin and end zeros on every axis; negative counts crop.
func (b *Builder) Pad(x *Node, begin, end []int) *Node {
	return b.node("Pad", Attrs{"mode": "constant"}, x, b.Int64s(append(slices.Clone(begin), end...)...))
}

// Reshape gives x another shape with the same elements; one extent may be −1.
func (b *Builder) Reshape(x *Node, shape ...int) *Node {
	return b.node("Reshape", nil, x, b.Int64s(shape...))
}

// Transpose reorders axes: axis i of the result is axis perm[i] of x.
func (b *Builder) Transpose(x *Node, perm ...int) *Node {
	return b.node("Transpose", Attrs{"perm": perm}, x)
}

// Expand broadcasts x to shape.
func (b *Builder) Expand(x *Node, shape ...int) *Node {
	return b.node("Expand", nil, x, b.Int64s(shape...))
}

// Enlarge repeats voxels (nearest neighbour) to the given shape, a whole multiple of x's on each axis.
func (b *Builder) Enlarge(x *Node, shape ...int) *Node {
	a := Attrs{"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
	return b.node("Resize", a, x, nil, nil, b.Int64s(shape...))
}

// DepthToSpace moves blocks of channels of x [N, k·k·C, H, W] (block row, block column, channel, the
// mode "DCR") into space: [N, C, k·H, k·W].
func (b *Builder) DepthToSpace(x *Node, k int) *Node {
	return b.node("DepthToSpace", Attrs{"blocksize": k, "mode": "DCR"}, x)
}

// Cast converts elements; bool becomes 0 and 1.
func (b *Builder) Cast(x *Node, to tensor.DType) *Node {
	for code, typ := range onnxTypes {
		if typ == to {
			return b.node("Cast", Attrs{"to": code}, x)
		}
	}
	b.Fail("cast to %s", to)
	return nil
}
