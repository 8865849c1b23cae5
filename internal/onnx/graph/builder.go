package graph

import (
	"fmt"
	"maps"
	"strings"

	"bayeslice/internal/tensor"
)

// Builder makes the nodes of one graph. It is used inside the function given to [Build] or [Rewrite]
// only, on the calling goroutine. Its methods panic, privately, where shapes do not fit.
type Builder struct {
	nodes   []*Node
	inputs  []*Node
	outputs []*Node
	names   map[string]int // names in use, with the last number given to a repetition
	consts  map[string]*Node
	scope   []string
	meta    map[string]string
	copies  map[*Node]*Node // in a Rewrite: from the old graph's nodes to the new one's
}

// buildError is the private panic of a builder.
type buildError struct{ err error }

// Build runs f on a new builder and returns the graph of everything its outputs depend on, inputs
// included. Shape and naming errors come back as [ErrGraph]; other panics pass through.
func Build(name string, f func(b *Builder)) (g *Graph, err error) {
	b := &Builder{names: map[string]int{}, consts: map[string]*Node{}, meta: map[string]string{}}
	defer func() {
		if r := recover(); r != nil {
			thrown, ok := r.(buildError)
			if !ok {
				panic(r)
			}
			g, err = nil, thrown.err
		}
	}()
	f(b)
	g = &Graph{name: name, inputs: b.inputs, outputs: b.outputs, metadata: b.meta}
	g.nodes = prune(b.nodes, b.outputs, b.inputs)
	return g, g.Verify()
}

// prune keeps, in order, the nodes that the given ones depend on.
func prune(nodes []*Node, keep ...[]*Node) []*Node {
	used := map[*Node]bool{}
	for _, list := range keep {
		for _, n := range list {
			used[n] = true
		}
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if !used[nodes[i]] {
			continue
		}
		for _, in := range nodes[i].in {
			if in != nil {
				used[in] = true
			}
		}
	}
	var out []*Node
	for _, n := range nodes {
		if used[n] {
			out = append(out, n)
		}
	}
	return out
}

// Fail ends the building with an error that [Build] returns. The text follows the current scope.
func (b *Builder) Fail(format string, args ...any) {
	where := strings.Join(b.scope, "/")
	if where != "" {
		where = " " + where
	}
	panic(buildError{fmt.Errorf("%w%s: %w", ErrGraph, where, fmt.Errorf(format, args...))})
}

// Scope runs f with name joined to the names of the nodes made in it.
func (b *Builder) Scope(name string, f func()) {
	b.scope = append(b.scope, name)
	f()
	b.scope = b.scope[:len(b.scope)-1]
}

// Input declares a tensor that is fed at every run.
func (b *Builder) Input(name string, typ tensor.DType, shape ...int) *Node {
	b.claim(name)
	n := &Node{name: name, op: OpInput, typ: typ, shape: shape}
	b.checkShape(n)
	b.nodes, b.inputs = append(b.nodes, n), append(b.inputs, n)
	return n
}

// Param declares a float32 weight by its name, without elements; see [Graph.Bind].
func (b *Builder) Param(name string, shape ...int) *Node {
	if strings.HasPrefix(name, ConstPrefix) {
		b.Fail("parameter %q: names that begin with %q are constants", name, ConstPrefix)
	}
	b.claim(name)
	n := &Node{name: name, op: OpParam, typ: tensor.Float32, shape: shape}
	b.checkShape(n)
	b.nodes = append(b.nodes, n)
	return n
}

// Const makes a constant (t is retained and must not change). Equal small constants are one node.
func (b *Builder) Const(t *tensor.Tensor) *Node {
	key := ""
	if t.Count() <= 64 {
		key = fmt.Sprintf("%s%v%v%v%x", t.Type, t.Shape, t.F32, t.I64, t.U8)
		if n := b.consts[key]; n != nil {
			return n
		}
	}
	n := &Node{name: b.unique(fmt.Sprintf("%s%s", ConstPrefix, t.Type)), op: OpConst, typ: t.Type, shape: t.Shape, data: t}
	b.checkShape(n)
	b.nodes = append(b.nodes, n)
	if key != "" {
		b.consts[key] = n
	}
	return n
}

// Scalar makes a float32 constant of rank 0.
func (b *Builder) Scalar(v float32) *Node { return b.Const(tensor.FromFloat32([]float32{v})) }

// Int64s makes an int64 constant of rank 1, the form of axes and sizes.
func (b *Builder) Int64s(v ...int) *Node {
	data := make([]int64, len(v))
	for i := range v {
		data[i] = int64(v[i])
	}
	return b.Const(tensor.FromInt64(data, len(v)))
}

// Output declares n as a result under name. A node that already has a public name (an input, a
// parameter or another output) is passed through an Identity.
func (b *Builder) Output(name string, n *Node) {
	public := n.op == OpInput || n.op == OpParam || n.op == OpConst
	for _, o := range b.outputs {
		public = public || o == n
	}
	if public {
		n = b.node("Identity", nil, n)
	}
	if n.name != name {
		b.claim(name)
		n.name = name
	}
	b.outputs = append(b.outputs, n)
}

// Metadata stores a key-value pair with the graph.
func (b *Builder) Metadata(key, value string) { b.meta[key] = value }

// Node makes a node of any operator in the table; the methods named after operators are the usual way.
func (b *Builder) Node(op string, attrs Attrs, in ...*Node) *Node {
	return b.node(op, maps.Clone(attrs), in...)
}

func (b *Builder) node(op string, attrs Attrs, in ...*Node) *Node {
	name := strings.Join(append(append([]string{}, b.scope...), op), "/")
	return b.named(b.unique(name), op, attrs, in...)
}

// named makes a node whose name has been claimed already.
func (b *Builder) named(name, op string, attrs Attrs, in ...*Node) *Node {
	for len(in) > 0 && in[len(in)-1] == nil {
		in = in[:len(in)-1] // trailing omitted inputs are left out of the file
	}
	n := &Node{name: name, op: op, in: in, attrs: attrs}
	if err := n.infer(); err != nil {
		panic(buildError{err})
	}
	b.nodes = append(b.nodes, n)
	return n
}

func (b *Builder) checkShape(n *Node) {
	if err := validShape(n.shape); err != nil {
		b.Fail("%s: %w", n, err)
	}
}

func (b *Builder) claim(name string) {
	if name == "" {
		b.Fail("a node has the empty name")
	}
	if _, taken := b.names[name]; taken {
		b.Fail("the name %q is taken twice", name)
	}
	b.names[name] = 1
}

// unique claims name, or name_2, name_3, …
func (b *Builder) unique(name string) string {
	free := name
	for {
		if _, taken := b.names[free]; !taken {
			break
		}
		b.names[name]++
		free = fmt.Sprintf("%s_%d", name, b.names[name])
	}
	b.names[free] = 1
	return free
}
