// Package ref computes graphs the plain way: every operator of package graph as its definition reads,
// in float64, one element after the other. It is the oracle against which gradients, rewritings and
// ONNX Runtime are tested, and far too slow for anything else.
package ref

import (
	"errors"
	"fmt"
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// ErrRun marks a graph that cannot be computed: missing or unfitting inputs, unbound parameters.
var ErrRun = errors.New("ref")

// Array is a dense row-major tensor of float64. Integers are held exactly, bools as 0 and 1.
type Array struct {
	Shape []int
	Data  []float64
}

// New returns zeros.
func New(shape ...int) *Array { return &Array{shape, make([]float64, tensor.Count(shape))} }

// FromTensor converts any tensor.
func FromTensor(t *tensor.Tensor) *Array {
	a := New(t.Shape...)
	for i := range a.Data {
		switch t.Type {
		case tensor.Float32:
			a.Data[i] = float64(t.F32[i])
		case tensor.Int64:
			a.Data[i] = float64(t.I64[i])
		case tensor.Bool:
			a.Data[i] = float64(t.U8[i])
		}
	}
	return a
}

// Tensor converts to an element type; float32 rounds.
func (a *Array) Tensor(typ tensor.DType) *tensor.Tensor {
	t := &tensor.Tensor{Shape: a.Shape, Type: typ}
	for _, v := range a.Data {
		switch typ {
		case tensor.Float32:
			t.F32 = append(t.F32, float32(v))
		case tensor.Int64:
			t.I64 = append(t.I64, int64(v))
		case tensor.Bool:
			t.U8 = append(t.U8, uint8(v))
		}
	}
	return t
}

// Run computes g on the inputs given by name and returns its outputs by name.
func Run(g *graph.Graph, in map[string]*Array) (map[string]*Array, error) {
	values := make(map[*graph.Node]*Array, len(g.Nodes()))
	for _, n := range g.Nodes() {
		v, err := value(n, in, values)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(v.Shape, n.Shape()) || len(v.Data) != tensor.Count(n.Shape()) {
			return nil, fmt.Errorf("%w: %s came out as %v with %d elements", ErrRun, n, v.Shape, len(v.Data))
		}
		values[n] = v
	}
	out := map[string]*Array{}
	for _, o := range g.Outputs() {
		out[o.Name()] = values[o]
	}
	return out, nil
}

func value(n *graph.Node, in map[string]*Array, values map[*graph.Node]*Array) (*Array, error) {
	if n.Op() == graph.OpInput {
		if in[n.Name()] == nil {
			return nil, fmt.Errorf("%w: input %s is missing", ErrRun, n)
		}
		return in[n.Name()], nil
	}
	if n.Data() != nil {
		return FromTensor(n.Data()), nil
	}
	compute, known := operators[n.Op()]
	if !known {
		return nil, fmt.Errorf("%w: %s cannot be computed (an unbound parameter, or an operator not written here)", ErrRun, n)
	}
	args := make([]*Array, len(n.In()))
	for i, x := range n.In() {
		args[i] = values[x]
	}
	return compute(n, args), nil
}

// operators computes each operator of package graph from its arguments, whose shapes the graph vouches for.
var operators = map[string]func(n *graph.Node, in []*Array) *Array{
	"Conv": conv, "ConvTranspose": convTranspose, "MatMul": matMul, "InstanceNormalization": instanceNorm,
	"Softmax": softmax, "LogSoftmax": logSoftmax,
	"ReduceMean": reduceMean, "ReduceSum": reduceSum, "ReduceMax": reduceMax,
	"Concat": concat, "Slice": slice, "Gather": gather, "Pad": pad, "Reshape": reshape, "Transpose": transpose,
	"Expand": expand, "Resize": resize, "DepthToSpace": depthToSpace,
	"Identity": unary(func(x float64) float64 { return x }), "Cast": cast,
	"LeakyRelu": leakyRelu, "Relu": unary(relu), "Sigmoid": unary(sigmoid), "Tanh": unary(tanh), "Exp": unary(exp), "Log": unary(log),
	"Sqrt": unary(sqrt), "Reciprocal": unary(reciprocal), "Neg": unary(neg), "Abs": unary(abs), "Sign": unary(sign), "Not": unary(not),
	"Add": nary(add), "Sub": nary(sub), "Mul": nary(mul), "Div": nary(div), "Pow": nary(pow), "Max": nary(maximum), "Min": nary(minimum),
	"Greater": nary(greater), "Less": nary(less), "Equal": nary(equal), "Where": where, "Clip": clip,
}

// index walks all positions of a shape in row-major order.
func index(shape []int, f func(at []int)) {
	at := make([]int, len(shape))
	for range tensor.Count(shape) {
		f(at)
		for ax := len(shape) - 1; ax >= 0; ax-- {
			if at[ax]++; at[ax] < shape[ax] {
				break
			}
			at[ax] = 0
		}
	}
}

// offset is the place of a position in an array of the shape.
func offset(shape, at []int) int {
	o := 0
	for ax, i := range at {
		o = o*shape[ax] + i
	}
	return o
}

// at reads a position.
func (a *Array) at(at []int) float64 { return a.Data[offset(a.Shape, at)] }

// build makes an array from a function of the position.
func build(shape []int, f func(at []int) float64) *Array {
	out := New(shape...)
	i := 0
	index(shape, func(at []int) {
		out.Data[i] = f(at)
		i++
	})
	return out
}

// broadcast reads a at a position of a larger shape.
func (a *Array) broadcast(at []int) float64 {
	lead, o := len(at)-len(a.Shape), 0
	for ax, d := range a.Shape {
		i := at[lead+ax]
		if d == 1 {
			i = 0
		}
		o = o*d + i
	}
	return a.Data[o]
}
