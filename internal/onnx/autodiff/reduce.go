package autodiff

import (
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// softmax: dx = y·(dy − Σ dy·y) along the axis.
func softmax(r *reverse) []*graph.Node {
	product := r.Mul(r.dy, r.n)
	sum := r.ReduceSum(product, r.n.Int("axis", -1))
	return r.one(r.Sub(product, r.Mul(r.n, sum)))
}

// logSoftmax: dx = dy − eʸ·Σ dy along the axis.
func logSoftmax(r *reverse) []*graph.Node {
	sum := r.ReduceSum(r.dy, r.n.Int("axis", -1))
	return r.one(r.Sub(r.dy, r.Mul(r.Exp(r.n), sum)))
}

// kept is the shape of a reduction's result with its axes kept.
func (r *reverse) kept() []int {
	shape := slices.Clone(r.x().Shape())
	for _, a := range r.n.IntsIn(1) {
		shape[(a+len(shape))%len(shape)] = 1
	}
	return shape
}

// spread brings something of the reduction's shape back to that of its input.
func (r *reverse) spread(v *graph.Node) *graph.Node {
	return r.Expand(r.Reshape(v, r.kept()...), r.x().Shape()...)
}

func reduceSum(r *reverse) []*graph.Node { return r.one(r.spread(r.dy)) }

func reduceMean(r *reverse) []*graph.Node {
	count := tensor.Count(r.x().Shape()) / tensor.Count(r.n.Shape())
	return r.one(r.spread(r.Mul(r.dy, r.Scalar(1/float32(count)))))
}

// reduceMax: the elements that equal the maximum share its cotangent equally.
func reduceMax(r *reverse) []*graph.Node {
	mask := r.Cast(r.Equal(r.x(), r.Reshape(r.n, r.kept()...)), tensor.Float32)
	ties := r.ReduceSum(mask, r.n.IntsIn(1)...)
	return r.one(r.Mul(mask, r.Div(r.Reshape(r.dy, r.kept()...), ties)))
}

// swap exchanges the last two axes.
func (r *reverse) swap(x *graph.Node) *graph.Node {
	perm := make([]int, len(x.Shape()))
	for i := range perm {
		perm[i] = i
	}
	n := len(perm)
	perm[n-1], perm[n-2] = n-2, n-1
	return r.Transpose(x, perm...)
}

func matMul(r *reverse) []*graph.Node {
	return []*graph.Node{r.MatMul(r.dy, r.swap(r.in(1))), r.MatMul(r.swap(r.in(0)), r.dy)}
}

// instanceNorm: with x̂ = (x − mean)/σ, σ² = variance + ε, means over space,
//
//	d shift = Σ dy,  d scale = Σ dy·x̂,  dx = scale/σ · (dy − mean(dy) − x̂·mean(dy·x̂)).
//
// The two sums also give the two means. x̂ is never formed: x − mean takes 1/σ as a factor per channel.
func instanceNorm(r *reverse) []*graph.Node {
	x, scale := r.x(), r.in(1)
	shape := x.Shape()
	space := make([]int, len(shape)-2)
	for i := range space {
		space[i] = 2 + i
	}
	voxels := r.Scalar(1 / float32(tensor.Count(shape[2:])))
	perChannel := append([]int{1, shape[1]}, slices.Repeat([]int{1}, len(space))...)

	centred := r.Sub(x, r.ReduceMean(x, space...))
	variance := r.ReduceMean(r.Mul(centred, centred), space...)
	inverse := r.Reciprocal(r.Sqrt(r.Add(variance, r.Scalar(r.n.Float("epsilon", 1e-5)))))
	sum := r.ReduceSum(r.dy, space...)
	moment := r.Mul(r.ReduceSum(r.Mul(r.dy, centred), space...), inverse) // Σ dy·x̂

	out := make([]*graph.Node, 3)
	if r.wants(0) {
		gain := r.Mul(r.Reshape(scale, perChannel...), inverse)
		tilt := r.Mul(centred, r.Mul(r.Mul(moment, voxels), inverse))
		out[0] = r.Mul(r.Sub(r.Sub(r.dy, r.Mul(sum, voxels)), tilt), gain)
	}
	if r.wants(1) {
		out[1] = r.Reshape(r.ReduceSum(moment, 0), shape[1])
	}
	if r.wants(2) {
		out[2] = r.Reshape(r.ReduceSum(sum, 0), shape[1])
	}
	return out
}
