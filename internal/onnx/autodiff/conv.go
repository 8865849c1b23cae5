package autodiff

import (
	"slices"

	"bayeslice/internal/onnx/graph"
)

// conv: the data gradient of a stride-1 convolution is one with the kernel flipped in space and its
// channel axes exchanged; of a strided one the transposed convolution with the same kernel, which
// rewrite.LowerConvTranspose makes fast.
func (c contraction) conv(r *reverse) []*graph.Node {
	out := make([]*graph.Node, len(r.n.In()))
	o := r.n.Options()
	if r.wants(0) {
		out[0] = r.perGroup(o, []*graph.Node{r.dy, r.in(1)}, []int{1, 0}, 1, func(in []*graph.Node) *graph.Node {
			return r.convData(in[0], in[1], o)
		})
	}
	if r.wants(1) {
		out[1] = r.perGroup(o, []*graph.Node{r.x(), r.dy}, []int{1, 1}, 0, func(in []*graph.Node) *graph.Node {
			return c.taps(r, in[0], in[1], r.in(1).Shape()[2:], o)
		})
	}
	if r.wants(2) {
		out[2] = r.bias()
	}
	return out
}

// convTranspose is the adjoint of conv: its data gradient is the strided convolution with the same
// kernel, and in its weight gradient input and cotangent change places.
func (c contraction) convTranspose(r *reverse) []*graph.Node {
	out := make([]*graph.Node, len(r.n.In()))
	o := r.n.Options()
	// The padding after the volume with which a convolution leads from the output's size to the input's.
	o.End = make([]int, len(o.Begin))
	for ax := range o.End {
		reach := (r.x().Shape()[2+ax]-1)*o.Strides[ax] + (r.in(1).Shape()[2+ax]-1)*o.Dilations[ax] + 1
		o.End[ax] = reach - o.Begin[ax] - r.n.Shape()[2+ax]
	}
	if r.wants(0) {
		out[0] = r.perGroup(o, []*graph.Node{r.dy, r.in(1)}, []int{1, 0}, 1, func(in []*graph.Node) *graph.Node {
			return r.correlate(in[0], in[1], o)
		})
	}
	if r.wants(1) {
		out[1] = r.perGroup(o, []*graph.Node{r.dy, r.x()}, []int{1, 1}, 0, func(in []*graph.Node) *graph.Node {
			return c.taps(r, in[0], in[1], r.in(1).Shape()[2:], o)
		})
	}
	if r.wants(2) {
		out[2] = r.bias()
	}
	return out
}

// bias sums the cotangent over the batch and space.
func (r *reverse) bias() *graph.Node {
	axes := []int{0}
	for ax := 2; ax < len(r.dy.Shape()); ax++ {
		axes = append(axes, ax)
	}
	return r.Reshape(r.ReduceSum(r.dy, axes...), r.dy.Shape()[1])
}

// perGroup cuts each of in along its axis into the convolution's groups, applies f to each group and
// joins the results along the axis to.
func (r *reverse) perGroup(o graph.ConvOptions, in []*graph.Node, axes []int, to int, f func([]*graph.Node) *graph.Node) *graph.Node {
	if o.Group == 1 {
		return f(in)
	}
	var parts []*graph.Node
	for g := range o.Group {
		part := make([]*graph.Node, len(in))
		for i, x := range in {
			n := x.Shape()[axes[i]] / o.Group
			part[i] = r.Slice(x, axes[i], g*n, (g+1)*n)
		}
		parts = append(parts, f(part))
	}
	return r.Concat(to, parts...)
}

// convData is the data gradient of an ungrouped convolution with weight w [out, in, k…].
func (r *reverse) convData(dy, w *graph.Node, o graph.ConvOptions) *graph.Node {
	size, kernel := r.x().Shape()[2:], w.Shape()[2:]
	if slices.Max(o.Strides) > 1 {
		extra := make([]int, len(size))
		for ax := range size {
			room := size[ax] + o.Begin[ax] + o.End[ax] - ((kernel[ax]-1)*o.Dilations[ax] + 1)
			extra[ax] = room % o.Strides[ax] // voxels at the end that no window reached
		}
		return r.ConvTranspose(dy, w, nil, graph.ConvOptions{Strides: o.Strides, Dilations: o.Dilations, Begin: o.Begin, End: o.End}, extra)
	}
	var space []int
	perm := []int{1, 0}
	back := graph.ConvOptions{Strides: o.Strides, Dilations: o.Dilations}
	for ax, k := range kernel {
		reach := (k - 1) * o.Dilations[ax]
		back.Begin, back.End = append(back.Begin, reach-o.Begin[ax]), append(back.End, reach-o.End[ax])
		perm = append(perm, 2+ax)
		if k > 1 {
			space = append(space, 2+ax)
		}
	}
	if len(space) > 0 {
		w = r.flip(w, space...)
	}
	return r.correlate(dy, r.Transpose(w, perm...), back)
}

// correlate is an ungrouped convolution whose paddings may be negative, which crops.
func (r *reverse) correlate(x, w *graph.Node, o graph.ConvOptions) *graph.Node {
	zero := []int{0, 0}
	cropBegin, cropEnd := slices.Clone(zero), slices.Clone(zero)
	begin, end := make([]int, len(o.Begin)), make([]int, len(o.End))
	for ax := range o.Begin {
		begin[ax], end[ax] = max(o.Begin[ax], 0), max(o.End[ax], 0)
		cropBegin, cropEnd = append(cropBegin, min(o.Begin[ax], 0)), append(cropEnd, min(o.End[ax], 0))
	}
	x = r.pad(x, cropBegin, cropEnd)
	return r.Conv(x, w, nil, graph.ConvOptions{Strides: o.Strides, Dilations: o.Dilations, Begin: begin, End: end})
}
