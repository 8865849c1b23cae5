// Package probe names the first node of a graph that holds something that is not a number. It is for
// looking into a run that went wrong, not for every run: it reads every intermediate result once more.
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

// Watch returns g with the output [OutputName], and what its elements stand for: all float32 nodes of
// g in topological order, inputs and parameters first met included. Constants are left out, because a
// graph may hold infinities on purpose.
func Watch(g *graph.Graph) (*graph.Graph, []*graph.Node, error) {
	var watched []*graph.Node
	out, err := graph.Extend(g, func(b *graph.Builder) {
		var sums []*graph.Node
		for _, n := range g.Nodes() {
			if n.Op() == graph.OpConst || n.DType() != tensor.Float32 {
				continue
			}
			watched = append(watched, n)
			// 0·x is NaN for NaN and both infinities, and 0 for everything else; sums of zeros cannot overflow.
			zeros := b.Mul(b.Copied(n), b.Scalar(0))
			if len(n.Shape()) == 0 {
				zeros = b.Expand(zeros, 1)
			}
			sums = append(sums, b.ReduceSum(b.Reshape(zeros, -1), 0))
		}
		b.Output(OutputName, b.Concat(0, sums...))
	})
	return out, watched, err
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
