package graph

import (
	"fmt"
	"slices"

	"bayeslice/internal/tensor"
)

// attrKind is what an attribute of an operator holds.
type attrKind uint8

const (
	kindInt attrKind = iota
	kindFloat
	kindText
	kindInts
)

// result is the shape and type of a node's output.
type result struct {
	typ   tensor.DType
	shape []int
}

// opSpec says what a legal node of an operator is.
type opSpec struct {
	min, max int // number of inputs; max −1 is any number
	attrs    map[string]attrKind
	infer    func(n *Node) (result, error)
}

var (
	convAttrs = map[string]attrKind{"auto_pad": kindText, "dilations": kindInts, "group": kindInt,
		"kernel_shape": kindInts, "pads": kindInts, "strides": kindInts}
	transposedAttrs = map[string]attrKind{"auto_pad": kindText, "dilations": kindInts, "group": kindInt,
		"kernel_shape": kindInts, "pads": kindInts, "strides": kindInts, "output_padding": kindInts}
	resizeAttrs = map[string]attrKind{"mode": kindText, "nearest_mode": kindText, "coordinate_transformation_mode": kindText}
	reduceAttrs = map[string]attrKind{"keepdims": kindInt}
	axisAttr    = map[string]attrKind{"axis": kindInt}
)

// ops is the table of operators: a graph holds nothing else. An operator is added by its line here, a
// shape rule, and a method of [Builder] where it deserves one.
var ops = map[string]opSpec{
	"Conv":                  {2, 3, convAttrs, inferConv},
	"ConvTranspose":         {2, 3, transposedAttrs, inferConvTranspose},
	"MatMul":                {2, 2, nil, inferMatMul},
	"InstanceNormalization": {3, 3, map[string]attrKind{"epsilon": kindFloat}, inferInstanceNorm},
	"LeakyRelu":             {1, 1, map[string]attrKind{"alpha": kindFloat}, inferFloat},
	"Softmax":               {1, 1, axisAttr, inferAxis},
	"LogSoftmax":            {1, 1, axisAttr, inferAxis},
	"Relu":                  {1, 1, nil, inferFloat},
	"Sigmoid":               {1, 1, nil, inferFloat},
	"Tanh":                  {1, 1, nil, inferFloat},
	"Exp":                   {1, 1, nil, inferFloat},
	"Log":                   {1, 1, nil, inferFloat},
	"Sqrt":                  {1, 1, nil, inferFloat},
	"Reciprocal":            {1, 1, nil, inferFloat},
	"Neg":                   {1, 1, nil, inferFloat},
	"Abs":                   {1, 1, nil, inferFloat},
	"Sign":                  {1, 1, nil, inferFloat},
	"Identity":              {1, 1, nil, inferIdentity},
	"Not":                   {1, 1, nil, inferNot},
	"Cast":                  {1, 1, map[string]attrKind{"to": kindInt}, inferCast},
	"Add":                   {2, 2, nil, inferBroadcast},
	"Sub":                   {2, 2, nil, inferBroadcast},
	"Mul":                   {2, 2, nil, inferBroadcast},
	"Div":                   {2, 2, nil, inferBroadcast},
	"Pow":                   {2, 2, nil, inferBroadcast},
	"Max":                   {1, -1, nil, inferBroadcast},
	"Min":                   {1, -1, nil, inferBroadcast},
	"Greater":               {2, 2, nil, inferCompare},
	"Less":                  {2, 2, nil, inferCompare},
	"Equal":                 {2, 2, nil, inferCompare},
	"Where":                 {3, 3, nil, inferWhere},
	"Clip":                  {1, 3, nil, inferClip},
	"ReduceMean":            {2, 2, reduceAttrs, inferReduce},
	"ReduceSum":             {2, 2, reduceAttrs, inferReduce},
	"ReduceMax":             {2, 2, reduceAttrs, inferReduce},
	"Concat":                {1, -1, axisAttr, inferConcat},
	"Slice":                 {3, 5, nil, inferSlice},
	"Gather":                {2, 2, axisAttr, inferGather},
	"Pad":                   {2, 3, map[string]attrKind{"mode": kindText}, inferPad},
	"Reshape":               {2, 2, nil, inferReshape},
	"Transpose":             {1, 1, map[string]attrKind{"perm": kindInts}, inferTranspose},
	"Expand":                {2, 2, nil, inferExpand},
	"Resize":                {4, 4, resizeAttrs, inferResize},
	"DepthToSpace":          {1, 1, map[string]attrKind{"blocksize": kindInt, "mode": kindText}, inferDepthToSpace},
}

// infer checks n against the table and sets its shape and type.
func (n *Node) infer() error {
	spec, known := ops[n.op]
	if !known {
		return fmt.Errorf("%w: node %q: operator %q is not one of those handled here", ErrGraph, n.name, n.op)
	}
	if len(n.in) < spec.min || (spec.max >= 0 && len(n.in) > spec.max) {
		return n.errorf("%d inputs", len(n.in))
	}
	for i, in := range n.in {
		if in == nil && (i < spec.min && n.op != "Resize" || spec.max < 0) {
			return n.errorf("input %d is missing", i)
		}
	}
	for name, value := range n.attrs {
		kind, ok := spec.attrs[name]
		if !ok || kind != kindOf(value) {
			return n.errorf("attribute %q = %#v (%T) is not one of this operator", name, value, value)
		}
	}
	r, err := spec.infer(n)
	if err == nil {
		err = validShape(r.shape)
	}
	if err != nil {
		return n.errorf("%w", err)
	}
	n.typ, n.shape = r.typ, r.shape
	return nil
}

// maxTold bounds the inputs that a message lists.
const maxTold = 8

// errorf makes an error that names the node and the shapes it reads.
func (n *Node) errorf(format string, args ...any) error {
	var in []string
	for i, x := range n.in {
		if i == maxTold {
			in = append(in, fmt.Sprintf("and %d more", len(n.in)-i))
			break
		}
		in = append(in, x.String())
	}
	return fmt.Errorf("%w: node %q (%s of %v): %w", ErrGraph, n.name, n.op, in, fmt.Errorf(format, args...))
}

func kindOf(v any) attrKind {
	switch v.(type) {
	case int:
		return kindInt
	case float32:
		return kindFloat
	case string:
		return kindText
	case []int:
		return kindInts
	}
	return 255
}

// maxRank is the most axes that a tensor can have; images have five, pairs of their axes eight.
const maxRank = 16

// validShape holds every extent positive and the number of elements within 2³⁶, so that products of
// shapes cannot overflow; what a graph's values may take together is for [Graph.Needs] to tell.
func validShape(shape []int) error {
	if len(shape) > maxRank {
		return fmt.Errorf("a tensor of %d axes, where %d are the most", len(shape), maxRank)
	}
	n := 1
	for _, d := range shape {
		if d <= 0 || d > (1<<36)/n {
			return fmt.Errorf("shape %v has an empty axis or too many elements", shape)
		}
		n *= d
	}
	return nil
}

// ints returns input i as constant integers.
func (n *Node) ints(i int) ([]int, error) {
	if i >= len(n.in) || n.in[i] == nil {
		return nil, nil
	}
	d := n.in[i].data
	if d == nil || d.Type != tensor.Int64 {
		return nil, fmt.Errorf("input %d must be a constant list of integers, since shapes are static", i)
	}
	out := make([]int, len(d.I64))
	for k, v := range d.I64 {
		out[k] = int(v)
	}
	return out, nil
}

// wantFloat checks that the given inputs (all where none are given) are float32.
func (n *Node) wantFloat() error {
	for i, in := range n.in {
		if in != nil && in.typ != tensor.Float32 {
			return fmt.Errorf("input %d is %s instead of float32", i, in.typ)
		}
	}
	return nil
}

// axis normalises an axis of a tensor of the given rank.
func axis(a, rank int) (int, error) {
	if a < -rank || a >= rank {
		return 0, fmt.Errorf("axis %d of a tensor with %d axes", a, rank)
	}
	return (a + rank) % rank, nil
}

// broadcast merges shapes by the rule of NumPy: aligned at the last axis, an extent of 1 stretches.
func broadcast(shapes ...[]int) ([]int, error) {
	var out []int
	for _, s := range shapes {
		if len(s) > len(out) {
			out = append(slices.Repeat([]int{1}, len(s)-len(out)), out...)
		}
		for i := range s {
			d, o := s[len(s)-1-i], &out[len(out)-1-i]
			switch {
			case *o == 1:
				*o = d
			case d != 1 && d != *o:
				return nil, fmt.Errorf("shapes %v do not broadcast", shapes)
			}
		}
	}
	return out, nil
}
