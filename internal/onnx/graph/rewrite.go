package graph

import (
	"fmt"
	"maps"
)

// Rewrite copies g node by node in topological order. For each operator node n, replace may return
// another node that computes the same value, built from in (the copies of what n reads), or nil to
// keep n as it is. Inputs, outputs and metadata stay; nodes that serve no output any more are dropped.
// A replacement must have n's shape and type.
func Rewrite(g *Graph, replace func(b *Builder, n *Node, in []*Node) *Node) (*Graph, error) {
	return Build(g.name, func(b *Builder) {
		maps.Copy(b.meta, g.metadata)
		to := make(map[*Node]*Node, len(g.nodes))
		b.copies = to
		for _, leaf := range []bool{true, false} {
			for _, n := range g.nodes {
				if (len(n.in) == 0) == leaf {
					to[n] = b.rewriteOne(n, to, replace)
				}
			}
		}
		for _, o := range g.outputs {
			b.Output(o.name, to[o])
		}
	})
}

// Copied returns, inside a [Rewrite], what now stands for a node of the graph being rewritten: any
// input, parameter or constant, and operators that come before the present one; nil for others.
func (b *Builder) Copied(n *Node) *Node { return b.copies[n] }

func (b *Builder) rewriteOne(n *Node, to map[*Node]*Node, replace func(*Builder, *Node, []*Node) *Node) *Node {
	switch n.op {
	case OpInput:
		return b.Input(n.name, n.typ, n.shape...)
	case OpParam:
		p := &Node{name: n.name, op: OpParam, typ: n.typ, shape: n.shape, data: n.data}
		b.claim(n.name)
		b.nodes = append(b.nodes, p)
		return p
	case OpConst:
		return b.Const(n.data)
	}
	in := make([]*Node, len(n.in))
	for i, x := range n.in {
		in[i] = to[x]
	}
	var made *Node
	b.Scope(n.name, func() { made = replace(b, n, in) })
	if made == nil {
		return b.named(b.unique(n.name), n.op, n.attrs, in...)
	}
	if made.typ != n.typ || fmt.Sprint(made.shape) != fmt.Sprint(n.shape) {
		panic(buildError{fmt.Errorf("%w: a rewriting replaced %s by %s", ErrGraph, n, made)})
	}
	return made
}

// Select returns the part of g that computes the named outputs, in the order given, and the inputs
// that this part reads. A name may be any node's.
func Select(g *Graph, outputs ...string) (*Graph, error) {
	byName := make(map[string]*Node, len(g.nodes))
	for _, n := range g.nodes {
		byName[n.name] = n
	}
	part := &Graph{name: g.name, metadata: maps.Clone(g.metadata)}
	for _, name := range outputs {
		n := byName[name]
		if n == nil {
			return nil, fmt.Errorf("%w: %q has no node %q", ErrGraph, g.name, name)
		}
		part.outputs = append(part.outputs, n)
	}
	part.nodes = prune(g.nodes, part.outputs)
	for _, n := range part.nodes {
		if n.op == OpInput {
			part.inputs = append(part.inputs, n)
		}
	}
	return part, part.Verify()
}
