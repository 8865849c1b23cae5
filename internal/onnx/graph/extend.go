package graph

import (
	"fmt"
	"maps"
	"slices"
)

// Operators lists the operators of the table in alphabetical order.
func Operators() []string { return slices.Sorted(maps.Keys(ops)) }

// Extend copies g and runs f on the builder of the copy, which may add nodes and outputs; inside f,
// [Builder.Copied] leads from the nodes of g to their copies. Inputs, outputs and metadata of g stay.
func Extend(g *Graph, f func(b *Builder)) (*Graph, error) {
	return Build(g.name, func(b *Builder) {
		maps.Copy(b.meta, g.metadata)
		b.copies = make(map[*Node]*Node, len(g.nodes))
		keep := func(*Builder, *Node, []*Node) *Node { return nil }
		for _, n := range g.nodes {
			b.copies[n] = b.rewriteOne(n, b.copies, keep)
		}
		for _, o := range g.outputs {
			b.Output(o.name, b.copies[o])
		}
		f(b)
	})
}

// FeedParams returns a graph whose parameters are inputs of the same names, after the inputs of g:
// the form in which weights change from run to run. Bound elements are left behind.
func FeedParams(g *Graph) (*Graph, error) {
	var fed []*Node
	out, err := copyGraph(g, func(n *Node) error {
		if n.op == OpParam {
			n.op, n.data = OpInput, nil
			fed = append(fed, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.inputs = append(out.inputs, fed...)
	return out, out.Verify()
}

// IntsIn returns input i as constant integers (axes, sizes, paddings), nil where it is omitted. It
// panics where the input is something else, which the table rules out for such inputs.
func (n *Node) IntsIn(i int) []int {
	v, err := n.ints(i)
	if err != nil {
		panic(fmt.Errorf("graph: %s: %w", n, err))
	}
	return v
}

// Bounds returns what a Slice node takes along every axis of its input: indices start, start + step, …
// short of stop, defaults and negative bounds made plain. With a negative step stop may be −1. It
// panics on other operators, which is a programmer error.
func (n *Node) Bounds() (start, stop, step []int) {
	a, err := n.sliceArgs()
	if n.op != "Slice" || err != nil {
		panic(fmt.Errorf("graph: bounds of %s: %w", n, err))
	}
	return a.start, a.stop, a.step
}
