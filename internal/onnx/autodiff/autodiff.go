// Package autodiff differentiates graphs in reverse mode. The gradient of a scalar is more nodes in the
// same graph, made of the operators of package graph alone, so it runs wherever the graph runs.
//
// Words: the loss is a node with one element. The cotangent of a node is the gradient of the loss with
// respect to it and has its shape. A rule turns the cotangent of a node into those of what the node
// reads. There is one rule per operator, all in one table, [rules]; operators through which nothing can
// flow stand in [stops] with the reason. Rules need not undo broadcasting where the table says that the
// operator broadcasts: the driver sums what comes back to the input's shape, and holds every other
// shape against the input's. At kinks (ReLU at 0, ties of maxima) the choice is PyTorch's.
package autodiff

import (
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// Gradient adds to b the nodes that compute the gradient of loss with respect to each of wrt, which may
// be any float32 nodes, and returns them in that order, each of its node's shape. Where loss does not
// depend on a node, its gradient is zeros. A loss of more than one element, an operator without a rule
// on the way, or a rule that returns a wrong shape fails the builder with a sentence naming the node.
func Gradient(b *graph.Builder, loss *graph.Node, wrt ...*graph.Node) []*graph.Node {
	return gradient(b, rules, loss, wrt)
}

// Differentiate returns g with one more output for each of its parameters, [GradientName] of it: the
// gradient of the node or output named loss. Parameters stay parameters; see [graph.FeedParams].
func Differentiate(g *graph.Graph, loss string) (*graph.Graph, error) {
	return graph.Extend(g, func(b *graph.Builder) {
		var from *graph.Node
		for _, n := range g.Nodes() {
			if n.Name() == loss {
				from = b.Copied(n)
			}
		}
		if from == nil {
			b.Fail("autodiff: the graph has no node %q", loss)
		}
		var params []*graph.Node
		for _, p := range g.Params() {
			params = append(params, b.Copied(p))
		}
		for i, d := range Gradient(b, from, params...) {
			b.Output(GradientName(params[i].Name()), d)
		}
	})
}

// GradientName is the name under which [Differentiate] gives the gradient of a parameter.
func GradientName(param string) string { return "gradient." + param }

// entry is one line of the table.
type entry struct {
	rule rule
	// broadcasts says that cotangents may come back in a shape to which the input's broadcasts.
	broadcasts bool
}

// rule returns one cotangent for each input of the node, nil for inputs that want none.
type rule func(r *reverse) []*graph.Node

// reverse is what a rule sees: the node, the cotangent of its output, and the builder.
type reverse struct {
	*graph.Builder
	n     *graph.Node
	dy    *graph.Node
	wants func(i int) bool
}

// in is input i of the node; x is the first.
func (r *reverse) in(i int) *graph.Node { return r.n.In()[i] }
func (r *reverse) x() *graph.Node       { return r.n.In()[0] }

func gradient(b *graph.Builder, table map[string]entry, loss *graph.Node, wrt []*graph.Node) []*graph.Node {
	if loss.DType() != tensor.Float32 || tensor.Count(loss.Shape()) != 1 {
		b.Fail("autodiff: the loss must be one float32 number, it is %s", loss)
	}
	d := driver{b: b, table: table, cotangents: map[*graph.Node]*graph.Node{}, pieces: map[*graph.Node][]piece{}}
	d.plan(loss, wrt)
	d.cotangents[loss] = shaped(b, b.Scalar(1), loss.Shape())
	for _, n := range slices.Backward(d.order) {
		b.Scope("gradient/"+n.Name(), func() {
			d.join(n)
			if dy := d.cotangents[n]; dy != nil && len(n.In()) > 0 {
				d.step(n, dy)
			}
		})
	}
	out := make([]*graph.Node, len(wrt))
	for i, w := range wrt {
		if out[i] = d.cotangents[w]; out[i] != nil {
			continue
		}
		if out[i] = b.Scalar(0); len(w.Shape()) > 0 {
			out[i] = b.Expand(out[i], w.Shape()...)
		}
	}
	return out
}

// driver walks the graph backwards from the loss.
type driver struct {
	b          *graph.Builder
	table      map[string]entry
	order      []*graph.Node // what the loss depends on, topologically
	useful     map[*graph.Node]bool
	cotangents map[*graph.Node]*graph.Node
	pieces     map[*graph.Node][]piece // by what was sliced: not yet in its cotangent
}

// plan orders what the loss depends on, and marks as useful what depends on one of wrt in turn.
func (d *driver) plan(loss *graph.Node, wrt []*graph.Node) {
	wanted, seen := map[*graph.Node]bool{}, map[*graph.Node]bool{}
	for _, w := range wrt {
		if w.DType() != tensor.Float32 {
			d.b.Fail("autodiff: no gradient with respect to %s: only float32 has one", w)
		}
		wanted[w] = true
	}
	d.useful = map[*graph.Node]bool{}
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		useful := wanted[n]
		for _, in := range n.In() {
			visit(in)
			useful = useful || d.useful[in]
		}
		d.useful[n] = useful && n.DType() == tensor.Float32
		d.order = append(d.order, n)
	}
	visit(loss)
}

// step applies the rule of n and adds what it returns to the cotangents of n's inputs.
func (d *driver) step(n, dy *graph.Node) {
	wants := func(i int) bool { return i < len(n.In()) && n.In()[i] != nil && d.useful[n.In()[i]] }
	some := false
	for i := range n.In() {
		some = some || wants(i)
	}
	if _, stopped := stops[n.Op()]; stopped || !some {
		return
	}
	if p, ok := pieceOf(n, dy); ok {
		d.pieces[n.In()[0]] = append(d.pieces[n.In()[0]], p)
		return
	}
	d.apply(n, dy, wants)
}

// apply is the table's part of step.
func (d *driver) apply(n, dy *graph.Node, wants func(i int) bool) {
	e, known := d.table[n.Op()]
	if !known {
		d.b.Fail("autodiff: operator %s of %s has no rule", n.Op(), n)
	}
	back := e.rule(&reverse{Builder: d.b, n: n, dy: dy, wants: wants})
	if len(back) != len(n.In()) {
		d.b.Fail("autodiff: the rule of %s returned %d gradients for %d inputs", n, len(back), len(n.In()))
	}
	for i, in := range n.In() {
		if !wants(i) {
			continue
		}
		d.add(in, d.fit(n, i, back[i], e.broadcasts))
	}
}

// add adds a part to the cotangent of n.
func (d *driver) add(n, part *graph.Node) {
	if sum := d.cotangents[n]; sum != nil {
		part = d.b.Add(sum, part)
	}
	d.cotangents[n] = part
}

// fit holds the cotangent of input i against the input's shape, summing what was broadcast.
func (d *driver) fit(n *graph.Node, i int, got *graph.Node, broadcasts bool) *graph.Node {
	want := n.In()[i].Shape()
	if got == nil {
		d.b.Fail("autodiff: the rule of %s has no gradient for input %d, %s", n, i, n.In()[i])
	}
	if got.DType() == tensor.Float32 && slices.Equal(got.Shape(), want) {
		return got
	}
	lead := len(got.Shape()) - len(want)
	stretched, fits := []int{}, got.DType() == tensor.Float32 && broadcasts && lead >= 0
	for ax := range got.Shape() {
		extent := 1
		if ax >= lead && fits {
			extent = want[ax-lead]
		}
		switch {
		case extent == 1 && (got.Shape()[ax] > 1 || ax < lead):
			stretched = append(stretched, ax)
		case extent != got.Shape()[ax]:
			fits = false
		}
	}
	if !fits {
		d.b.Fail("autodiff: the rule of %s returned %s%v for input %d, want float32%v", n, got.DType(), got.Shape(), i, want)
	}
	return shaped(d.b, d.b.ReduceSum(got, stretched...), want)
}

// shaped gives x another shape, which may be that of a scalar: the axes of length 0 that Reshape would
// need for it cannot be written.
func shaped(b *graph.Builder, x *graph.Node, shape []int) *graph.Node {
	switch {
	case slices.Equal(x.Shape(), shape):
		return x
	case len(shape) > 0:
		return b.Reshape(x, shape...)
	}
	return b.Node("ReduceSum", graph.Attrs{"keepdims": 0}, b.Reshape(x, -1), b.Int64s(0))
}
