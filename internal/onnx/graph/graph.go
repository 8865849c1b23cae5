// Package graph builds, checks, reads and writes tensor graphs in the ONNX operator set. Every node
// has one output whose shape and element type are known when the node is made: shapes are static, so
// a graph that can be built can be run. Tensors are row-major; images are [N, C, D, H, W].
//
// Building throws: a [Builder] method given unfitting shapes panics with a private type that only
// [Build] and [Rewrite] recover, and they return it as an error that names the node and the shapes.
// Everything else returns errors. What an operator is (inputs, attributes, shape rule) stands in one
// table, [ops]. The package computes nothing: running a graph is ONNX Runtime's part.
package graph

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"bayeslice/internal/tensor"
)

// Opset is the version of the ONNX operator set that graphs are written in and read from, IRVersion
// that of the file format. ONNX Runtime 1.14 and later run both.
const (
	Opset     = 18
	IRVersion = 8
)

// ErrGraph marks a graph that cannot be: unfitting shapes, unknown operators, dangling values.
var ErrGraph = errors.New("graph")

// Pseudo-operators: nodes that hold or receive a tensor instead of computing one.
const (
	OpInput = "Input" // fed at every run
	OpParam = "Param" // a named weight; its elements may be bound later, see [Graph.Bind]
	OpConst = "Const" // part of the graph's construction (axes, sizes, scalars); never trained
)

// ConstPrefix begins the name of every constant in a file, which tells it from a parameter.
const ConstPrefix = "const/"

// Attrs are a node's attributes by ONNX name. A value is an int, a float32, a string or an []int.
type Attrs map[string]any

// Node is one value of a graph: an operator, what it reads, and the shape and type of its one output.
// Nodes are read-only once made and belong to the graph (or builder) that made them.
type Node struct {
	name  string
	op    string
	in    []*Node // nil for an omitted optional input
	attrs Attrs
	shape []int
	typ   tensor.DType
	data  *tensor.Tensor // OpConst always, OpParam once bound
}

// Name is unique in the graph and is the ONNX name of the node's output.
func (n *Node) Name() string { return n.name }

// Op is the ONNX operator, or [OpInput], [OpParam], [OpConst].
func (n *Node) Op() string { return n.op }

// In returns the nodes that n reads, nil where an optional input is omitted. Do not modify.
func (n *Node) In() []*Node { return n.in }

// Shape is the shape of the output. Do not modify.
func (n *Node) Shape() []int { return n.shape }

// DType is the element type of the output.
func (n *Node) DType() tensor.DType { return n.typ }

// Data is the tensor of a constant or of a bound parameter, else nil. Do not modify.
func (n *Node) Data() *tensor.Tensor { return n.data }

// Attrs returns the attributes as they were given; absent ones have the operator's default. Do not modify.
func (n *Node) Attrs() Attrs { return n.attrs }

// Int returns an integer attribute, or def where it is absent.
func (n *Node) Int(name string, def int) int {
	if v, ok := n.attrs[name].(int); ok {
		return v
	}
	return def
}

// Float returns a float attribute, or def where it is absent.
func (n *Node) Float(name string, def float32) float32 {
	if v, ok := n.attrs[name].(float32); ok {
		return v
	}
	return def
}

// Text returns a string attribute, or def where it is absent.
func (n *Node) Text(name, def string) string {
	if v, ok := n.attrs[name].(string); ok {
		return v
	}
	return def
}

// Ints returns a list attribute, or nil where it is absent. Do not modify.
func (n *Node) Ints(name string) []int {
	v, _ := n.attrs[name].([]int)
	return v
}

// String gives the operator, name and shape, for messages.
func (n *Node) String() string {
	if n == nil {
		return "(none)"
	}
	return fmt.Sprintf("%s %q %s%v", n.op, n.name, n.typ, n.shape)
}

// Graph is a finished graph. It is immutable and may be shared between goroutines; [Graph.Bind],
// [Rewrite] and [Cut] make new graphs that share the elements of parameters.
type Graph struct {
	name     string
	nodes    []*Node // topological: a node comes after everything it reads
	inputs   []*Node
	outputs  []*Node
	metadata map[string]string
}

// Name is the graph's name.
func (g *Graph) Name() string { return g.name }

// Nodes returns all nodes, inputs, parameters and constants included, in topological order. Do not modify.
func (g *Graph) Nodes() []*Node { return g.nodes }

// Inputs returns the nodes fed at a run, in the order of their making. Do not modify.
func (g *Graph) Inputs() []*Node { return g.inputs }

// Outputs returns the results in the order in which they were declared. Do not modify.
func (g *Graph) Outputs() []*Node { return g.outputs }

// Params returns the parameters in the order of their making.
func (g *Graph) Params() []*Node {
	var out []*Node
	for _, n := range g.nodes {
		if n.op == OpParam {
			out = append(out, n)
		}
	}
	return out
}

// Metadata returns a copy of the key-value pairs stored with the graph.
func (g *Graph) Metadata() map[string]string { return maps.Clone(g.metadata) }

// WithMetadata returns a graph that differs in its metadata only.
func (g *Graph) WithMetadata(m map[string]string) *Graph {
	out := *g
	out.metadata = maps.Clone(m)
	return &out
}

// Bind returns a graph whose parameters hold the tensors of weights, by name (not copied). It fails
// with [ErrGraph] where a parameter has no tensor or one of another shape or type; tensors for which
// the graph has no parameter are ignored, because a part of a network has a part of its weights.
func (g *Graph) Bind(weights map[string]*tensor.Tensor) (*Graph, error) {
	return copyGraph(g, func(n *Node) error {
		if n.op != OpParam {
			return nil
		}
		t := weights[n.name]
		switch {
		case t == nil && n.data != nil:
			return nil
		case t == nil:
			return fmt.Errorf("%w: no weights for parameter %q %v", ErrGraph, n.name, n.shape)
		case t.Type != n.typ || !slices.Equal(t.Shape, n.shape):
			return fmt.Errorf("%w: weights %s%v do not fit parameter %s", ErrGraph, t.Type, t.Shape, n)
		}
		n.data = t
		return nil
	})
}

// copyGraph copies every node, letting edit change each copy's own fields.
func copyGraph(g *Graph, edit func(*Node) error) (*Graph, error) {
	to := make(map[*Node]*Node, len(g.nodes))
	follow := func(from []*Node) []*Node {
		out := make([]*Node, len(from))
		for i, n := range from {
			out[i] = to[n]
		}
		return out
	}
	out := &Graph{name: g.name, metadata: maps.Clone(g.metadata)}
	for _, n := range g.nodes {
		c := *n
		c.in = follow(n.in)
		if err := edit(&c); err != nil {
			return nil, err
		}
		to[n] = &c
		out.nodes = append(out.nodes, &c)
	}
	out.inputs, out.outputs = follow(g.inputs), follow(g.outputs)
	return out, nil
}
