package rewrite

import (
	"fmt"

	"bayeslice/internal/onnx/graph"
)

// MergeConvs joins convolutions of the same input with the same kernel size and geometry into one with
// all their output channels, whose result is sliced: the input is unrolled once instead of once each,
// and the matrix product is larger. Only ungrouped convolutions whose weights are parameters, constants
// or inputs are joined.
func MergeConvs(g *graph.Graph) (*graph.Graph, error) {
	groups := siblings(g)
	merged := map[*graph.Node]*graph.Node{} // by first sibling: the joint convolution
	return graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		group := groups[n]
		if len(group) < 2 {
			return nil
		}
		joint := merged[group[0]]
		if joint == nil {
			joint = joinConvs(b, group, in[0])
			merged[group[0]] = joint
		}
		start := 0
		for _, s := range group {
			if s == n {
				break
			}
			start += s.Shape()[1]
		}
		return b.Slice(joint, 1, start, start+n.Shape()[1])
	})
}

// siblings maps each convolution that can be joined to its group, in graph order.
func siblings(g *graph.Graph) map[*graph.Node][]*graph.Node {
	byKey := map[string][]*graph.Node{}
	for _, n := range g.Nodes() {
		if n.Op() != "Conv" || n.Options().Group != 1 || !leaf(n.In()[1]) || (len(n.In()) > 2 && !leaf(n.In()[2])) {
			continue
		}
		key := fmt.Sprint(n.In()[0].Name(), n.In()[1].Shape()[1:], n.Options(), len(n.In()))
		byKey[key] = append(byKey[key], n)
	}
	groups := map[*graph.Node][]*graph.Node{}
	for _, list := range byKey {
		for _, n := range list {
			groups[n] = list
		}
	}
	return groups
}

func leaf(n *graph.Node) bool {
	return n.Op() == graph.OpParam || n.Op() == graph.OpConst || n.Op() == graph.OpInput
}

func joinConvs(b *graph.Builder, group []*graph.Node, x *graph.Node) *graph.Node {
	var weights, biases []*graph.Node
	for _, n := range group {
		weights = append(weights, b.Copied(n.In()[1]))
		if len(n.In()) > 2 {
			biases = append(biases, b.Copied(n.In()[2]))
		}
	}
	var bias *graph.Node
	if biases != nil {
		bias = b.Concat(0, biases...)
	}
	return b.Conv(x, b.Concat(0, weights...), bias, group[0].Options())
}
