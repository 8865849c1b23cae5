package ref

import (
	"math"

	"bayeslice/internal/onnx/graph"
)

func unary(f func(float64) float64) func(*graph.Node, []*Array) *Array {
	return func(_ *graph.Node, in []*Array) *Array {
		out := New(in[0].Shape...)
		for i, v := range in[0].Data {
			out.Data[i] = f(v)
		}
		return out
	}
}

// nary folds a binary function over broadcast arguments.
func nary(f func(x, y float64) float64) func(*graph.Node, []*Array) *Array {
	return func(n *graph.Node, in []*Array) *Array {
		return build(n.Shape(), func(at []int) float64 {
			v := in[0].broadcast(at)
			for _, a := range in[1:] {
				v = f(v, a.broadcast(at))
			}
			return v
		})
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func relu(x float64) float64       { return max(x, 0) }
func sigmoid(x float64) float64    { return 1 / (1 + math.Exp(-x)) }
func tanh(x float64) float64       { return math.Tanh(x) }
func exp(x float64) float64        { return math.Exp(x) }
func log(x float64) float64        { return math.Log(x) }
func sqrt(x float64) float64       { return math.Sqrt(x) }
func reciprocal(x float64) float64 { return 1 / x }
func neg(x float64) float64        { return -x }
func abs(x float64) float64        { return math.Abs(x) }
func sign(x float64) float64       { return truth(x > 0) - truth(x < 0) }
func not(x float64) float64        { return 1 - x }

func add(x, y float64) float64     { return x + y }
func sub(x, y float64) float64     { return x - y }
func mul(x, y float64) float64     { return x * y }
func div(x, y float64) float64     { return x / y }
func pow(x, y float64) float64     { return math.Pow(x, y) }
func maximum(x, y float64) float64 { return max(x, y) }
func minimum(x, y float64) float64 { return min(x, y) }
func greater(x, y float64) float64 { return truth(x > y) }
func less(x, y float64) float64    { return truth(x < y) }
func equal(x, y float64) float64   { return truth(x == y) }

func leakyRelu(n *graph.Node, in []*Array) *Array {
	slope := float64(n.Float("alpha", 0.01))
	return unary(func(x float64) float64 {
		if x < 0 {
			return slope * x
		}
		return x
	})(n, in)
}

func where(n *graph.Node, in []*Array) *Array {
	return build(n.Shape(), func(at []int) float64 {
		if in[0].broadcast(at) != 0 {
			return in[1].broadcast(at)
		}
		return in[2].broadcast(at)
	})
}

func clip(n *graph.Node, in []*Array) *Array {
	low, high := math.Inf(-1), math.Inf(1)
	if len(in) > 1 && in[1] != nil {
		low = in[1].Data[0]
	}
	if len(in) > 2 && in[2] != nil {
		high = in[2].Data[0]
	}
	return unary(func(x float64) float64 { return min(max(x, low), high) })(n, in)
}

// ONNX element types of the attribute "to".
const (
	toInt64 = 7
	toBool  = 9
)

func cast(n *graph.Node, in []*Array) *Array {
	return unary(func(x float64) float64 {
		switch n.Int("to", 0) {
		case toInt64:
			return math.Trunc(x)
		case toBool:
			return truth(x != 0)
		}
		return x
	})(n, in)
}
