package autodiff

import (
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

func reshape(r *reverse) []*graph.Node { return r.one(shaped(r.Builder, r.dy, r.x().Shape())) }

func transpose(r *reverse) []*graph.Node {
	perm := r.n.Ints("perm")
	back := make([]int, len(perm))
	for i, p := range perm {
		back[p] = i
	}
	return r.one(r.Transpose(r.dy, back...))
}

// expand is undone by the driver, which sums over what was stretched.
func expand(r *reverse) []*graph.Node { return r.one(r.dy) }

func concat(r *reverse) []*graph.Node {
	axis := r.n.Int("axis", 0)
	if axis < 0 {
		axis += len(r.n.Shape())
	}
	out, at := make([]*graph.Node, len(r.n.In())), 0
	for i, in := range r.n.In() {
		next := at + in.Shape()[axis]
		if r.wants(i) {
			out[i] = r.Slice(r.dy, axis, at, next)
		}
		at = next
	}
	return out
}

// slice puts the cotangent back where the elements came from, zeros elsewhere.
func slice(r *reverse) []*graph.Node {
	size := r.x().Shape()
	start, _, step := r.n.Bounds()
	dx := r.dy
	begin, end := make([]int, len(size)), make([]int, len(size))
	for ax := range size {
		count, first, by := r.n.Shape()[ax], start[ax], step[ax]
		if by < 0 {
			dx = r.flip(dx, ax)
			first, by = first+by*(count-1), -by
		}
		dx = r.dilate(dx, ax, by)
		begin[ax], end[ax] = first, size[ax]-first-count*by
	}
	return r.one(r.pad(dx, begin, end))
}

// flip reverses an axis.
func (r *reverse) flip(x *graph.Node, axis ...int) *graph.Node {
	n := len(axis)
	last, before, back := make([]int, n), slices.Repeat([]int{-1 << 31}, n), slices.Repeat([]int{-1}, n)
	for i, a := range axis {
		last[i] = x.Shape()[a] - 1
	}
	return r.Node("Slice", nil, x, r.Int64s(last...), r.Int64s(before...), r.Int64s(axis...), r.Int64s(back...))
}

// dilate puts by−1 zeros after every element along an axis.
func (r *reverse) dilate(x *graph.Node, axis, by int) *graph.Node {
	if by == 1 {
		return x
	}
	joined := slices.Clone(x.Shape())
	apart := slices.Insert(slices.Clone(joined), axis+1, 1)
	joined[axis] *= by
	begin, end := make([]int, len(apart)), make([]int, len(apart))
	end[axis+1] = by - 1
	return r.Reshape(r.Pad(r.Reshape(x, apart...), begin, end), joined...)
}

// pad adds zeros, or crops where counts are negative; nothing where all are 0.
func (r *reverse) pad(x *graph.Node, begin, end []int) *graph.Node {
	if slices.IndexFunc(append(slices.Clone(begin), end...), func(n int) bool { return n != 0 }) < 0 {
		return x
	}
	return r.Pad(x, begin, end)
}

// gather adds up the cotangents of every source element: a product with the matrix that has a one where
// element i was taken as number j.
func gather(r *reverse) []*graph.Node {
	shape, axis := r.x().Shape(), r.n.Int("axis", 0)
	if axis < 0 {
		axis += len(shape)
	}
	index := r.n.IntsIn(1)
	taken := tensor.NewFloat32(shape[axis], len(index))
	for j, i := range index {
		taken.F32[(i+shape[axis])%shape[axis]*len(index)+j]++
	}
	dy := r.Reshape(r.dy, tensor.Count(shape[:axis]), len(index), tensor.Count(shape[axis+1:]))
	return []*graph.Node{r.Reshape(r.MatMul(r.Const(taken), dy), shape...), nil}
}

// pad crops what was padded. In mode "edge" the border elements also collect what was copied from them.
func pad(r *reverse) []*graph.Node {
	rank := len(r.x().Shape())
	pads := r.n.IntsIn(1)
	out := make([]*graph.Node, len(r.n.In()))
	dx := r.dy
	if r.n.Text("mode", "constant") == "edge" {
		for ax := range rank {
			dx = r.foldEdges(dx, ax, pads[ax], pads[rank+ax])
		}
		out[0] = dx
		return out
	}
	begin, end := make([]int, rank), make([]int, rank)
	for ax := range rank {
		begin[ax], end[ax] = -pads[ax], -pads[rank+ax]
	}
	out[0] = r.pad(dx, begin, end)
	if r.wants(2) { // the value that was filled in: everything that did not come from x
		out[2] = r.Sub(r.total(dx), r.total(out[0]))
		out[2] = shaped(r.Builder, out[2], r.in(2).Shape())
	}
	return out
}

// total sums all elements.
func (r *reverse) total(x *graph.Node) *graph.Node {
	return r.ReduceSum(r.Reshape(x, -1), 0)
}

// foldEdges undoes edge padding along one axis; negative counts, which cropped, are filled with zeros.
func (r *reverse) foldEdges(dy *graph.Node, axis, before, after int) *graph.Node {
	if size := dy.Shape()[axis] - max(before, 0) - max(after, 0); size == 1 && (before > 0 || after > 0) {
		dy = r.ReduceSum(dy, axis)
	} else {
		dy = r.foldStart(dy, axis, before)
		if after > 0 {
			dy = r.flip(r.foldStart(r.flip(dy, axis), axis, after), axis)
		}
	}
	begin, end := make([]int, len(dy.Shape())), make([]int, len(dy.Shape()))
	begin[axis], end[axis] = max(-before, 0), max(-after, 0)
	return r.pad(dy, begin, end)
}

// foldStart sums the first count+1 elements of an axis into one.
func (r *reverse) foldStart(dy *graph.Node, axis, count int) *graph.Node {
	if count <= 0 {
		return dy
	}
	edge := r.ReduceSum(r.Slice(dy, axis, 0, count+1), axis)
	return r.Concat(axis, edge, r.Slice(dy, axis, count+1, dy.Shape()[axis]))
}

// resize sums the voxels into which each was repeated.
func resize(r *reverse) []*graph.Node {
	var pairs, repeats []int
	for i, d := range r.x().Shape() {
		factor := r.n.Shape()[i] / d
		if factor > 1 {
			repeats = append(repeats, len(pairs)+1)
			pairs = append(pairs, d, factor)
		} else {
			pairs = append(pairs, d)
		}
	}
	dx := r.dy
	if len(repeats) > 0 {
		dx = r.Reshape(r.ReduceSum(r.Reshape(dx, pairs...), repeats...), r.x().Shape()...)
	}
	return r.one(dx)
}

// depthToSpace moves blocks of space back into channels.
func depthToSpace(r *reverse) []*graph.Node {
	s, k := r.x().Shape(), r.n.Int("blocksize", 0)
	perm := []int{0, 3, 5, 1, 2, 4} // to (block row, block column, channel)
	if r.n.Text("mode", "DCR") == "CRD" {
		perm = []int{0, 1, 3, 5, 2, 4}
	}
	blocks := r.Reshape(r.dy, s[0], s[1]/(k*k), s[2], k, s[3], k)
	return r.one(r.Reshape(r.Transpose(blocks, perm...), s...))
}
