package rewrite

import (
	"slices"

	"bayeslice/internal/onnx/graph"
)

// FoldNorm uses three facts about instance normalisation y = scale·(x − mean)/sd + shift, per channel:
// the mean of y over space is shift, whatever x is; a factor per channel on y may be put into scale and
// shift; and so may a positive factor that stands behind leaky rectifiers and sums of such y, since a
// leaky rectifier commutes with it. The squeeze of squeeze-and-excitation after a normalisation thus
// depends on weights alone, and its excitation and the 1/keep of dropout cost nothing. A normalisation
// is only changed where nothing else reads it.
func FoldNorm(g *graph.Graph) (*graph.Graph, error) {
	g, err := graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		if n.Op() == "ReduceMean" {
			return meanOfNorm(b, n, in)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	uses := countUses(g) // without the means, normalisations have one reader
	return graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		if n.Op() != "Mul" {
			return nil
		}
		for i := range 2 {
			v := in[1-i]
			if factorFor(n.In()[i], v) && scalable(uses, n.In()[i], len(v.Shape()) == 0, maxDepth) {
				return scaled(b, in[i], v)
			}
		}
		return nil
	})
}

// countUses counts the readers of each node; being an output counts as one.
func countUses(g *graph.Graph) map[*graph.Node]int {
	uses := map[*graph.Node]int{}
	for _, n := range g.Nodes() {
		for _, in := range n.In() {
			if in != nil {
				uses[in]++
			}
		}
	}
	for _, o := range g.Outputs() {
		uses[o]++
	}
	return uses
}

// meanOfNorm replaces the mean over all of space of a normalised tensor by its shift.
func meanOfNorm(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
	x := in[0]
	if x.Op() != "InstanceNormalization" || x.Shape()[0] != 1 || n.Int("keepdims", 1) == 0 {
		return nil
	}
	for i, d := range x.Shape() {
		if want := i >= 2; (n.Shape()[i] == 1 && d > 1) != (want && d > 1) {
			return nil
		}
	}
	return b.Reshape(x.In()[2], n.Shape()...)
}

// factorFor reports whether v is a positive scalar constant, or holds one factor for each channel of x.
func factorFor(x, v *graph.Node) bool {
	if len(v.Shape()) == 0 {
		return v.Op() == graph.OpConst && v.Data().F32 != nil && v.Data().F32[0] > 0
	}
	s := x.Shape()
	return len(s) > 2 && s[0] == 1 && slices.Equal(v.Shape(), append([]int{1, s[1]}, slices.Repeat([]int{1}, len(s)-2)...))
}

// maxDepth is how many nodes a factor may pass: each that it passes is made anew.
const maxDepth = 16

// scalable reports whether a factor may pass through y and at most depth nodes before it; positive ones also pass leaky
// rectifiers.
func scalable(uses map[*graph.Node]int, y *graph.Node, positive bool, depth int) bool {
	if depth--; uses[y] != 1 || depth < 0 {
		return false
	}
	switch y.Op() {
	case "InstanceNormalization":
		return true
	case "LeakyRelu", "Relu":
		return positive && scalable(uses, y.In()[0], positive, depth)
	case "Add":
		x, z := y.In()[0], y.In()[1]
		return slices.Equal(x.Shape(), z.Shape()) && scalable(uses, x, positive, depth) && scalable(uses, z, positive, depth)
	case "Mul":
		return positive && scalable(uses, y.In()[0], positive, depth) && factorFor(y.In()[0], y.In()[1])
	}
	return false
}

// scaled builds v·y.
func scaled(b *graph.Builder, y, v *graph.Node) *graph.Node {
	in := y.In()
	switch y.Op() {
	case "InstanceNormalization":
		flat := v
		if len(v.Shape()) > 0 {
			flat = b.Reshape(v, v.Shape()[1])
		}
		return b.InstanceNorm(in[0], b.Mul(in[1], flat), b.Mul(in[2], flat), y.Float("epsilon", 1e-5))
	case "Add":
		return b.Add(scaled(b, in[0], v), scaled(b, in[1], v))
	case "Mul":
		return b.Mul(scaled(b, in[0], v), in[1])
	}
	return b.Node(y.Op(), y.Attrs(), scaled(b, in[0], v))
}

// DropNormBias removes the bias of convolutions that only an instance normalisation reads: the
// normalisation subtracts it again with the channel's mean.
func DropNormBias(g *graph.Graph) (*graph.Graph, error) {
	uses, normed := countUses(g), map[*graph.Node]bool{}
	for _, n := range g.Nodes() {
		if n.Op() == "InstanceNormalization" && uses[n.In()[0]] == 1 {
			normed[n.In()[0]] = true
		}
	}
	return graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		if n.Op() != "Conv" || len(in) < 3 || !normed[n] {
			return nil
		}
		return b.Conv(in[0], in[1], nil, n.Options())
	})
}
