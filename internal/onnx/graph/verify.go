package graph

import (
	"fmt"
	"slices"

	"bayeslice/internal/tensor"
)

// Verify checks that the graph is well formed, and returns the first fault as [ErrGraph]: names are
// unique; nodes come after what they read; every operator, attribute and shape agrees with the table;
// constants have their elements; there are outputs, they are distinct, and every node that is not an
// input serves one. [Build] and [Decode] return verified graphs.
func (g *Graph) Verify() error {
	if len(g.outputs) == 0 {
		return fmt.Errorf("%w: %q has no outputs", ErrGraph, g.name)
	}
	names, seen := map[string]bool{}, map[*Node]bool{}
	for _, n := range g.nodes {
		if n.name == "" || names[n.name] {
			return fmt.Errorf("%w: the name %q is empty or taken twice", ErrGraph, n.name)
		}
		names[n.name] = true
		for _, in := range n.in {
			if in != nil && !seen[in] {
				return n.errorf("it reads %s, which does not come before it", in)
			}
		}
		seen[n] = true
		if err := n.check(); err != nil {
			return err
		}
	}
	outputs := map[*Node]bool{}
	for _, o := range g.outputs {
		if outputs[o] || !seen[o] {
			return fmt.Errorf("%w: output %s is declared twice or is not in the graph", ErrGraph, o)
		}
		outputs[o] = true
	}
	if used := prune(g.nodes, g.outputs, g.inputs); len(used) != len(g.nodes) {
		for i, n := range g.nodes {
			if i >= len(used) || used[i] != n {
				return fmt.Errorf("%w: %s serves no output", ErrGraph, n)
			}
		}
	}
	return nil
}

// check holds a single node against the table.
func (n *Node) check() error {
	switch n.op {
	case OpInput, OpParam, OpConst:
		if len(n.in) != 0 || (n.op == OpConst && n.data == nil) || (n.op == OpInput && n.data != nil) {
			return n.errorf("an input, parameter or constant is put together wrongly")
		}
		if n.data != nil && (n.data.Type != n.typ || !slices.Equal(n.data.Shape, n.shape) || elementsOf(n.data) != tensor.Count(n.shape)) {
			return n.errorf("it holds %d elements of %s%v", elementsOf(n.data), n.data.Type, n.data.Shape)
		}
		return validShape(n.shape)
	}
	again := *n
	if err := again.infer(); err != nil {
		return err
	}
	if again.typ != n.typ || !slices.Equal(again.shape, n.shape) {
		return n.errorf("its shape should be %s%v", again.typ, again.shape)
	}
	return nil
}

func elementsOf(t *tensor.Tensor) int {
	switch t.Type {
	case tensor.Float32:
		return len(t.F32)
	case tensor.Int64:
		return len(t.I64)
	}
	return len(t.U8)
}
