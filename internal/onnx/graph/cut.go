package graph

import (
	"fmt"
	"maps"
)

// OnceSuffix is appended in the prefix to the name of an output of g that no noise reaches; the suffix
// passes it through under its own name.
const OnceSuffix = "/once"

// Cut divides g at the named inputs, which change from run to run. The prefix holds everything that
// reads the other inputs and none of these, and runs once; the suffix holds the rest and has all of
// g's outputs. What passes between them is exactly what the suffix reads: each such tensor is an
// output of the prefix and, under the same name, an input of the suffix. A steady input of g that the
// suffix reads itself is an input of both. What depends on no input at all (constants, and values made
// of weights only) is repeated in the suffix where it is needed, so that weights stay constants there.
//
// The prefix is nil where nothing can be computed ahead of time. Unknown names give [ErrGraph].
func Cut(g *Graph, noise []string) (prefix, suffix *Graph, err error) {
	c := cutter{g: g, reach: map[*Node]reach{}}
	if err := c.mark(noise); err != nil {
		return nil, nil, err
	}
	suffix, err = Build(g.name+"/suffix", c.buildSuffix)
	if err != nil || len(c.crossing) == 0 {
		return nil, suffix, err
	}
	prefix, err = Build(g.name+"/prefix", c.buildPrefix)
	return prefix, suffix, err
}

// reach says which inputs a node depends on.
type reach uint8

const (
	fixed  reach = iota // none
	steady              // inputs that stay the same
	noisy               // an input that changes from run to run
)

type cutter struct {
	g        *Graph
	reach    map[*Node]reach
	crossing []*Node // steady operator nodes that the suffix needs, in topological order
}

func (c *cutter) mark(noise []string) error {
	left := map[string]bool{}
	for _, name := range noise {
		left[name] = true
	}
	for _, n := range c.g.nodes {
		r := fixed
		if n.op == OpInput {
			r = steady
			if left[n.name] {
				r = noisy
				delete(left, n.name)
			}
		}
		for _, in := range n.in {
			if in != nil {
				r = max(r, c.reach[in])
			}
		}
		c.reach[n] = r
	}
	for name := range left {
		return fmt.Errorf("%w: %q has no input %q to cut at", ErrGraph, c.g.name, name)
	}
	return nil
}

// buildSuffix copies the noisy nodes and what they need, and collects what must cross.
func (c *cutter) buildSuffix(b *Builder) {
	maps.Copy(b.meta, c.g.metadata)
	keep, isOutput := c.needed(), map[*Node]bool{}
	for _, o := range c.g.outputs {
		isOutput[o] = true
	}
	to := map[*Node]*Node{}
	for _, n := range c.g.nodes {
		switch {
		case !keep[n]:
		case c.reach[n] == steady && n.op != OpInput:
			c.crossing = append(c.crossing, n)
			to[n] = b.Input(crossingName(n, isOutput[n]), n.typ, n.shape...)
		default:
			to[n] = b.rewriteOne(n, to, func(*Builder, *Node, []*Node) *Node { return nil })
		}
	}
	for _, o := range c.g.outputs {
		b.Output(o.name, to[o])
	}
}

// needed finds what the suffix holds: walking back from the outputs and stopping at what crosses.
func (c *cutter) needed() map[*Node]bool {
	keep := map[*Node]bool{}
	for _, o := range c.g.outputs {
		keep[o] = true
	}
	for i := len(c.g.nodes) - 1; i >= 0; i-- {
		n := c.g.nodes[i]
		if n.op == OpInput && c.reach[n] == noisy {
			keep[n] = true // a noise input stays an input even where nothing reads it
		}
		if !keep[n] || c.reach[n] == steady {
			continue
		}
		for _, in := range n.in {
			if in != nil {
				keep[in] = true
			}
		}
	}
	return keep
}

func (c *cutter) buildPrefix(b *Builder) {
	keep := map[*Node]bool{}
	for _, n := range prune(c.g.nodes, c.crossing) {
		keep[n] = true
	}
	isOutput := map[*Node]bool{}
	for _, o := range c.g.outputs {
		isOutput[o] = true
	}
	to := map[*Node]*Node{}
	for _, n := range c.g.nodes {
		if keep[n] {
			to[n] = b.rewriteOne(n, to, func(*Builder, *Node, []*Node) *Node { return nil })
		}
	}
	for _, n := range c.crossing {
		b.Output(crossingName(n, isOutput[n]), to[n])
	}
}

func crossingName(n *Node, isOutput bool) string {
	if isOutput {
		return n.name + OnceSuffix
	}
	return n.name
}
