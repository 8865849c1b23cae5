package ref

import (
	"math"
	"slices"

	"bayeslice/internal/onnx/graph"
)

// groups calls f with the offsets of all elements that differ along the given axes only.
func groups(a *Array, axes []int, f func(offsets []int)) {
	outer, inner := slices.Clone(a.Shape), slices.Repeat([]int{1}, len(a.Shape))
	for _, ax := range axes {
		ax = (ax + len(outer)) % len(outer)
		outer[ax], inner[ax] = 1, a.Shape[ax]
	}
	index(outer, func(base []int) {
		base = slices.Clone(base)
		var offsets []int
		index(inner, func(at []int) {
			sum := slices.Clone(base)
			for i := range sum {
				sum[i] += at[i]
			}
			offsets = append(offsets, offset(a.Shape, sum))
		})
		f(offsets)
	})
}

// reduce makes one number of each group, in order.
func reduce(f func(values []float64) float64) func(*graph.Node, []*Array) *Array {
	return func(n *graph.Node, in []*Array) *Array {
		out := &Array{Shape: n.Shape()}
		groups(in[0], n.IntsIn(1), func(offsets []int) {
			values := make([]float64, len(offsets))
			for i, o := range offsets {
				values[i] = in[0].Data[o]
			}
			out.Data = append(out.Data, f(values))
		})
		return out
	}
}

func sum(values []float64) float64 {
	s := 0.0
	for _, v := range values {
		s += v
	}
	return s
}

func mean(values []float64) float64 { return sum(values) / float64(len(values)) }

var (
	reduceSum  = reduce(sum)
	reduceMean = reduce(mean)
	reduceMax  = reduce(func(values []float64) float64 { return slices.Max(values) })
)

func logSoftmax(n *graph.Node, in []*Array) *Array {
	out := New(in[0].Shape...)
	groups(in[0], []int{n.Int("axis", -1)}, func(offsets []int) {
		top, total := math.Inf(-1), 0.0
		for _, o := range offsets {
			top = max(top, in[0].Data[o])
		}
		for _, o := range offsets {
			total += math.Exp(in[0].Data[o] - top)
		}
		for _, o := range offsets {
			out.Data[o] = in[0].Data[o] - top - math.Log(total)
		}
	})
	return out
}

func softmax(n *graph.Node, in []*Array) *Array {
	return unary(math.Exp)(n, []*Array{logSoftmax(n, in)})
}

func instanceNorm(n *graph.Node, in []*Array) *Array {
	x, scale, shift := in[0], in[1], in[2]
	out := New(x.Shape...)
	var space []int
	for ax := 2; ax < len(x.Shape); ax++ {
		space = append(space, ax)
	}
	group := 0
	groups(x, space, func(offsets []int) {
		c := group % x.Shape[1]
		group++
		m, v := 0.0, 0.0
		for _, o := range offsets {
			m += x.Data[o] / float64(len(offsets))
		}
		for _, o := range offsets {
			v += (x.Data[o] - m) * (x.Data[o] - m) / float64(len(offsets))
		}
		for _, o := range offsets {
			out.Data[o] = (x.Data[o]-m)/math.Sqrt(v+float64(n.Float("epsilon", 1e-5)))*scale.Data[c] + shift.Data[c]
		}
	})
	return out
}

func matMul(n *graph.Node, in []*Array) *Array {
	a, b := in[0], in[1]
	shared := a.Shape[len(a.Shape)-1]
	last := len(n.Shape()) - 1
	return build(n.Shape(), func(at []int) float64 {
		left, right, s := slices.Clone(at), slices.Clone(at), 0.0
		for k := range shared {
			left[last], right[last-1] = k, k
			s += a.broadcast(left) * b.broadcast(right)
		}
		return s
	})
}
