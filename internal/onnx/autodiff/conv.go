package autodiff

import (
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// conv: the data gradient of a stride-1 convolution is one with the kernel flipped in space and its
// channel axes exchanged; of a strided one the transposed convolution with the same kernel, which
// rewrite.LowerConvTranspose makes fast.
func conv(r *reverse) []*graph.Node {
	out := make([]*graph.Node, len(r.n.In()))
	o := r.n.Options()
	if r.wants(0) {
		out[0] = r.perGroup(o, []*graph.Node{r.dy, r.in(1)}, []int{1, 0}, 1, func(in []*graph.Node) *graph.Node {
			return r.convData(in[0], in[1], o)
		})
	}
	if r.wants(1) {
		out[1] = r.perGroup(o, []*graph.Node{r.x(), r.dy}, []int{1, 1}, 0, func(in []*graph.Node) *graph.Node {
			return r.taps(in[0], in[1], r.in(1).Shape()[2:], o)
		})
	}
	if r.wants(2) {
		out[2] = r.bias()
	}
	return out
}

// convTranspose is the adjoint of conv: its data gradient is the strided convolution with the same
// kernel, and in its weight gradient input and cotangent change places.
func convTranspose(r *reverse) []*graph.Node {
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
			return r.taps(in[0], in[1], r.in(1).Shape()[2:], o)
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

// taps is the weight gradient of an ungrouped convolution that leads from large to the grid of small:
//
//	g[s, l, t] = Σ over batch and voxels v of small: small[s, v] · large[l, v·stride + t·dilation − begin]
//
// one product of matrices [S, V]·[V, L] for each tap t of the kernel, contracted over voxels.
func (r *reverse) taps(large, small *graph.Node, kernel []int, o graph.ConvOptions) *graph.Node {
	batch, s, l := small.Shape()[0], small.Shape()[1], large.Shape()[1]
	voxels := tensor.Count(small.Shape()[2:])
	padded := r.pad(large, append([]int{0, 0}, o.Begin...), append([]int{0, 0}, o.End...))
	rows := r.Reshape(small, batch, s, voxels)
	var parts []*graph.Node
	for t := range tensor.Count(kernel) {
		window := r.window(padded, small.Shape()[2:], tap(t, kernel), o)
		product := r.MatMul(rows, r.swap(r.Reshape(window, batch, l, voxels)))
		if batch > 1 {
			product = r.ReduceSum(product, 0)
		}
		parts = append(parts, product)
	}
	joined := parts[0]
	if len(parts) > 1 {
		joined = r.Transpose(r.Concat(0, parts...), 1, 2, 0)
	}
	return r.Reshape(joined, append([]int{s, l}, kernel...)...)
}

// tap is the position in the kernel of its element number t.
func tap(t int, kernel []int) []int {
	at := make([]int, len(kernel))
	for ax := len(kernel) - 1; ax >= 0; ax-- {
		at[ax], t = t%kernel[ax], t/kernel[ax]
	}
	return at
}

// window takes from a padded tensor what one tap of the kernel meets.
func (r *reverse) window(x *graph.Node, size, at []int, o graph.ConvOptions) *graph.Node {
	var starts, stops, axes, steps []int
	for ax, n := range size {
		start := at[ax] * o.Dilations[ax]
		stop := start + (n-1)*o.Strides[ax] + 1
		if start == 0 && stop == x.Shape()[2+ax] && o.Strides[ax] == 1 {
			continue
		}
		starts, stops = append(starts, start), append(stops, stop)
		axes, steps = append(axes, 2+ax), append(steps, o.Strides[ax])
	}
	if len(axes) == 0 {
		return x
	}
	return r.Node("Slice", nil, x, r.Int64s(starts...), r.Int64s(stops...), r.Int64s(axes...), r.Int64s(steps...))
}
