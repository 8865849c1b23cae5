package graph

import (
	"fmt"
	"slices"

	"bayeslice/internal/tensor"
)

func inferFloat(n *Node) (result, error) {
	return result{tensor.Float32, n.in[0].shape}, n.wantFloat()
}

func inferIdentity(n *Node) (result, error) { return result{n.in[0].typ, n.in[0].shape}, nil }

func inferNot(n *Node) (result, error) {
	if n.in[0].typ != tensor.Bool {
		return result{}, fmt.Errorf("input is %s instead of bool", n.in[0].typ)
	}
	return result{tensor.Bool, n.in[0].shape}, nil
}

// onnxTypes are the values of the attribute "to" of Cast.
var onnxTypes = map[int]tensor.DType{1: tensor.Float32, 7: tensor.Int64, 9: tensor.Bool}

func inferCast(n *Node) (result, error) {
	to, ok := onnxTypes[n.Int("to", 0)]
	if !ok {
		return result{}, fmt.Errorf("cast to element type %d", n.Int("to", 0))
	}
	return result{to, n.in[0].shape}, nil
}

func (n *Node) inShapes() [][]int {
	out := make([][]int, len(n.in))
	for i, in := range n.in {
		out[i] = in.shape
	}
	return out
}

func inferBroadcast(n *Node) (result, error) {
	if err := n.wantFloat(); err != nil {
		return result{}, err
	}
	shape, err := broadcast(n.inShapes()...)
	return result{tensor.Float32, shape}, err
}

func inferCompare(n *Node) (result, error) {
	if n.in[0].typ != n.in[1].typ {
		return result{}, fmt.Errorf("comparison of %s with %s", n.in[0].typ, n.in[1].typ)
	}
	shape, err := broadcast(n.inShapes()...)
	return result{tensor.Bool, shape}, err
}

func inferWhere(n *Node) (result, error) {
	if n.in[0].typ != tensor.Bool || n.in[1].typ != n.in[2].typ {
		return result{}, fmt.Errorf("want a bool condition and two values of one type")
	}
	shape, err := broadcast(n.inShapes()...)
	return result{n.in[1].typ, shape}, err
}

func inferClip(n *Node) (result, error) {
	for _, bound := range n.in[1:] {
		if bound != nil && len(bound.shape) != 0 {
			return result{}, fmt.Errorf("bounds must be scalars")
		}
	}
	return inferFloat(n)
}

func inferAxis(n *Node) (result, error) {
	if _, err := axis(n.Int("axis", -1), len(n.in[0].shape)); err != nil {
		return result{}, err
	}
	return inferFloat(n)
}

func inferReduce(n *Node) (result, error) {
	axes, err := n.ints(1)
	if err != nil {
		return result{}, err
	}
	if n.in[0].typ != tensor.Float32 || len(axes) == 0 {
		return result{}, fmt.Errorf("want a float32 tensor and at least one axis")
	}
	shape := slices.Clone(n.in[0].shape)
	for _, a := range axes {
		if a, err = axis(a, len(shape)); err != nil {
			return result{}, err
		}
		if shape[a] < 0 {
			return result{}, fmt.Errorf("axes %v name one twice", axes)
		}
		shape[a] = -1
	}
	keep := n.Int("keepdims", 1) != 0
	var out []int
	for _, d := range shape {
		if d < 0 && keep {
			d = 1
		}
		if d > 0 {
			out = append(out, d)
		}
	}
	return result{tensor.Float32, out}, nil
}

func inferMatMul(n *Node) (result, error) {
	x, y := n.in[0].shape, n.in[1].shape
	if err := n.wantFloat(); err != nil {
		return result{}, err
	}
	if len(x) < 2 || len(y) < 2 || x[len(x)-1] != y[len(y)-2] {
		return result{}, fmt.Errorf("matrices %v and %v do not multiply", x, y)
	}
	batch, err := broadcast(x[:len(x)-2], y[:len(y)-2])
	return result{tensor.Float32, append(batch, x[len(x)-2], y[len(y)-1])}, err
}

func inferInstanceNorm(n *Node) (result, error) {
	x, scale, shift := n.in[0].shape, n.in[1].shape, n.in[2].shape
	if len(x) < 3 || !slices.Equal(scale, []int{x[1]}) || !slices.Equal(shift, scale) {
		return result{}, fmt.Errorf("scale %v and shift %v do not fit the channels of %v", scale, shift, x)
	}
	return inferFloat(n)
}
