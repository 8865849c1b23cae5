// Package probe names the first node of a graph that holds something that is not a number. It is for
// looking into a run that went wrong, not for every run: it reads most intermediate results once more.
package probe

import (
	"fmt"
	"math"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// OutputName is the output that [Watch] adds: float32 [n], NaN for every watched node that holds a NaN
// or an infinity and 0 for the others.
const OutputName = "probe.finite"

// passing are the operators whose result is finite wherever what they read is: they move elements or
// bound them. What is bad in them was so before.
var passing = map[string]bool{
	"Identity": true, "Reshape": true, "Transpose": true, "Slice": true, "Gather": true, "Concat": true, "Pad": true, "Expand": true,
	"Resize": true, "DepthToSpace": true, "Where": true, "Cast": true, "Neg": true, "Abs": true, "Sign": true, "Relu": true,
	"Sigmoid": true, "Tanh": true, "Clip": true, "Max": true, "Min": true, "ReduceMax": true,
}

// Watch returns g with the output [OutputName], and what its elements stand for: the float32 nodes of g
// in which a number can become infinite or NaN, in topological order, inputs and parameters first met
// included. Constants are left out, because a graph may hold infinities on purpose.
func Watch(g *graph.Graph) (*graph.Graph, []*graph.Node, error) {
	var watched []*graph.Node
	out, err := graph.Extend(g, func(b *graph.Builder) {
		sums := map[int][]*graph.Node{} // by rank
		place := map[int][]int{}        // by rank: the numbers in watched
		for _, n := range g.Nodes() {
			if n.Op() == graph.OpConst || n.DType() != tensor.Float32 || passing[n.Op()] {
				continue
			}
			rank := len(n.Shape())
			sums[rank], place[rank] = append(sums[rank], check(b, b.Copied(n))), append(place[rank], len(watched))
			watched = append(watched, n)
		}
		var flat []*graph.Node
		number, next := make([]int, len(watched)), 0
		for rank := range 16 {
			if len(sums[rank]) == 0 {
				continue
			}
			flat = append(flat, b.Reshape(join(b, sums[rank]), -1))
			for _, i := range place[rank] {
				number[i], next = next, next+1
			}
		}
		b.Output(OutputName, b.Gather(join(b, flat), 0, number...))
	})
	return out, watched, err
}

// check is NaN where x holds a NaN or an infinity, and 0 otherwise, with every axis of x of length 1.
// 0·x is NaN for NaN and both infinities, and 0 for everything else; sums of zeros cannot overflow.
func check(b *graph.Builder, x *graph.Node) *graph.Node {
	zeros := b.Mul(x, b.Scalar(0))
	if len(x.Shape()) == 0 {
		return b.Expand(zeros, 1)
	}
	axes := make([]int, len(x.Shape()))
	for i := range axes {
		axes[i] = i
	}
	return b.ReduceSum(zeros, axes...)
}

// join concatenates along the first axis, a few at a time: ONNX Runtime takes minutes to open a graph in
// which one node reads thousands.
func join(b *graph.Builder, list []*graph.Node) *graph.Node {
	const few = 32
	for len(list) > 1 {
		var next []*graph.Node
		for len(list) > 0 {
			n := min(few, len(list))
			next, list = append(next, b.Concat(0, list[:n]...)), list[n:]
		}
		list = next
	}
	return list[0]
}

// First returns the first node, in topological order, that was not finite in a run of a watched graph,
// or nil: everything before it was sound, so the fault lies in it or in what it was fed. It fails where
// the output does not belong to the nodes.
func First(watched []*graph.Node, output *tensor.Tensor) (*graph.Node, error) {
	if output == nil || output.Type != tensor.Float32 || len(output.F32) != len(watched) {
		return nil, fmt.Errorf("probe: the output %q does not belong to these %d nodes", OutputName, len(watched))
	}
	for i, v := range output.F32 {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return watched[i], nil
		}
	}
	return nil, nil
}
