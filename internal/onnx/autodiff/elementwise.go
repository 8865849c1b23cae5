package autodiff

import (
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// one wraps the cotangent of a node's only differentiable input, its first.
func (r *reverse) one(dx *graph.Node) []*graph.Node {
	out := make([]*graph.Node, len(r.n.In()))
	out[0] = dx
	return out
}

// zero is the constant that stands for no gradient inside a Where.
func (r *reverse) zero() *graph.Node { return r.Scalar(0) }

func add(r *reverse) []*graph.Node { return []*graph.Node{r.dy, r.dy} }

func sub(r *reverse) []*graph.Node { return []*graph.Node{r.dy, r.Neg(r.dy)} }

func mul(r *reverse) []*graph.Node {
	return []*graph.Node{r.Mul(r.dy, r.in(1)), r.Mul(r.dy, r.in(0))}
}

// div: y = a/b, ∂y/∂b = −y/b.
func div(r *reverse) []*graph.Node {
	da := r.Div(r.dy, r.in(1))
	return []*graph.Node{da, r.Neg(r.Mul(da, r.n))}
}

// pow: y = aᵖ, ∂y/∂a = p·aᵖ⁻¹; ∂y/∂p = y·log a, which is defined for a > 0 only.
func pow(r *reverse) []*graph.Node {
	out := make([]*graph.Node, 2)
	a, p := r.in(0), r.in(1)
	if r.wants(0) {
		out[0] = r.Mul(r.dy, r.Mul(p, r.Pow(a, r.Sub(p, r.Scalar(1)))))
	}
	if r.wants(1) {
		out[1] = r.Mul(r.dy, r.Mul(r.n, r.Log(a)))
	}
	return out
}

// extremum of several inputs: the cotangent goes to the inputs that equal the result, in equal shares.
func extremum(r *reverse) []*graph.Node {
	var masks []*graph.Node
	var ties *graph.Node
	for _, in := range r.n.In() {
		m := r.Cast(r.Equal(in, r.n), tensor.Float32)
		masks = append(masks, m)
		if ties == nil {
			ties = m
		} else {
			ties = r.Add(ties, m)
		}
	}
	share := r.Div(r.dy, ties)
	for i := range masks {
		masks[i] = r.Mul(share, masks[i])
	}
	return masks
}

func where(r *reverse) []*graph.Node {
	cond := r.in(0)
	return []*graph.Node{nil, r.Where(cond, r.dy, r.zero()), r.Where(cond, r.zero(), r.dy)}
}

// identity also serves Cast: from float32 to float32 it is one, and other casts are never asked.
func identity(r *reverse) []*graph.Node { return r.one(r.dy) }

func neg(r *reverse) []*graph.Node { return r.one(r.Neg(r.dy)) }

func abs(r *reverse) []*graph.Node { return r.one(r.Mul(r.dy, r.Sign(r.x()))) }

func exp(r *reverse) []*graph.Node { return r.one(r.Mul(r.dy, r.n)) }

func log(r *reverse) []*graph.Node { return r.one(r.Div(r.dy, r.x())) }

func sqrt(r *reverse) []*graph.Node {
	return r.one(r.Div(r.Mul(r.dy, r.Scalar(0.5)), r.n))
}

func reciprocal(r *reverse) []*graph.Node {
	return r.one(r.Neg(r.Mul(r.dy, r.Mul(r.n, r.n))))
}

func sigmoid(r *reverse) []*graph.Node {
	return r.one(r.Mul(r.dy, r.Mul(r.n, r.Sub(r.Scalar(1), r.n))))
}

func tanh(r *reverse) []*graph.Node {
	return r.one(r.Mul(r.dy, r.Sub(r.Scalar(1), r.Mul(r.n, r.n))))
}

func relu(r *reverse) []*graph.Node {
	return r.one(r.Where(r.Greater(r.n, r.zero()), r.dy, r.zero()))
}

// leakyRelu with a positive slope reads the sign from the output, which a convolution behind it keeps
// in any case, so that the input need not be kept as well. Between slopes 0 and 1 the factor is a
// clipped multiple, which takes a third of the time of a choice; it is off for outputs between 0 and 1e-20 only.
func leakyRelu(r *reverse) []*graph.Node {
	slope, from := r.n.Float("alpha", 0.01), r.n
	if slope <= 0 {
		from = r.x()
	}
	factor := r.Clip(r.Mul(from, r.Scalar(1e20)), slope, 1)
	if slope < 0 || slope > 1 {
		factor = r.Where(r.Greater(from, r.zero()), r.Scalar(1), r.Scalar(slope))
	}
	return r.one(r.Mul(r.dy, factor))
}

// clip passes the cotangent where the input came through unchanged, bounds included.
func clip(r *reverse) []*graph.Node {
	return r.one(r.Where(r.Equal(r.x(), r.n), r.dy, r.zero()))
}
