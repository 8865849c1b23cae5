package graph

import (
	"slices"

	"bayeslice/internal/tensor"
)

// Needs is the least that running a graph takes, whatever runs it.
type Needs struct {
	Bytes   int64  // of all values that must be held at one moment, weights included
	At      string // the node that makes that moment
	Work    int64  // multiply-adds and elements written, of all nodes together
	Longest int64  // the same of the node with the most; it cannot be interrupted
	Slowest string // that node
}

// mostWork is where Work ends: sums of it do not overflow.
const mostWork = 1 << 60

// Needs counts what running the graph takes: inputs and weights stay; values that no input reaches are computed when it is
// opened, and stay where others read them; any other value is given up after its last reader, and may be written over by it
// where it has the same size.
func (g *Graph) Needs() Needs {
	c := counter{readers: countReaders(g), live: map[*Node]int64{}, fed: map[*Node]bool{}}
	for _, n := range g.nodes {
		c.fed[n] = n.op == OpInput || slices.ContainsFunc(n.in, func(in *Node) bool { return c.fed[in] })
	}
	for _, late := range []bool{false, true} {
		for _, n := range g.nodes {
			if c.fed[n] == late {
				c.add(n)
			}
		}
	}
	return c.needs
}

// countReaders counts for each node the nodes that read it; being an output counts as one.
func countReaders(g *Graph) map[*Node]int {
	readers := map[*Node]int{}
	for _, n := range g.nodes {
		for _, in := range distinct(n.in) {
			readers[in]++
		}
	}
	for _, o := range g.outputs {
		readers[o]++
	}
	return readers
}

// distinct lists what a node reads, each once.
func distinct(in []*Node) []*Node {
	var out []*Node
	seen := map[*Node]bool{nil: true}
	for _, n := range in {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// counter walks a graph in the order of its nodes.
type counter struct {
	fed     map[*Node]bool  // an input reaches it
	readers map[*Node]int   // left to come
	live    map[*Node]int64 // bytes that a value holds
	now     int64
	needs   Needs
}

func (c *counter) add(n *Node) {
	size := bytesOf(n)
	if held := c.taken(n, size); held != nil { // in place of what nobody reads any more
		c.now -= c.live[held]
		c.live[held] = 0
	}
	c.live[n] = size
	if c.now += size; c.now > c.needs.Bytes {
		c.needs.Bytes, c.needs.At = c.now, n.name
	}
	for _, in := range distinct(n.in) {
		if c.readers[in]--; c.readers[in] == 0 && len(in.in) > 0 && c.fed[in] == c.fed[n] {
			c.now -= c.live[in]
			c.live[in] = 0
		}
	}
	w := work(n)
	c.needs.Work = min(c.needs.Work+w, mostWork)
	if w > c.needs.Longest {
		c.needs.Longest, c.needs.Slowest = w, n.name
	}
}

// taken is the value that n may write over: computed, of n's size, read by n for the last time.
func (c *counter) taken(n *Node, size int64) *Node {
	for _, in := range distinct(n.in) {
		if len(in.in) > 0 && c.fed[in] && c.readers[in] == 1 && c.live[in] == size && !sums(n.op) {
			return in
		}
	}
	return nil
}

// sums reports whether an element of an operator's result is made of many, so that it cannot replace what it reads.
func sums(op string) bool { return op == "Conv" || op == "ConvTranspose" || op == "MatMul" }

// bytesOf is what a node's value takes.
func bytesOf(n *Node) int64 {
	size := map[tensor.DType]int64{tensor.Float32: 4, tensor.Int64: 8, tensor.Bool: 1}[n.typ]
	return size * int64(tensor.Count(n.shape))
}

// work is how many multiply-adds a node does and elements it writes.
func work(n *Node) int64 {
	if len(n.in) == 0 {
		return 0
	}
	count, taps := int64(tensor.Count(n.shape)), int64(1)
	switch n.op {
	case "Conv":
		taps = int64(tensor.Count(n.in[1].shape[1:]))
	case "ConvTranspose":
		count, taps = int64(tensor.Count(n.in[0].shape)), int64(tensor.Count(n.in[1].shape[1:]))
	case "MatMul":
		x := n.in[0].shape
		taps = int64(x[len(x)-1])
	}
	if taps > 0 && count > mostWork/taps {
		return mostWork
	}
	return count * taps
}
