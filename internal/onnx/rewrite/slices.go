package rewrite

import (
	"fmt"
	"slices"

	"bayeslice/internal/onnx/graph"
)

// Lowering is how the convolutions of volumes are put to a device. All compute the same up to rounding;
// which is fastest depends on the device.
type Lowering string

// The lowerings. Volumes leaves convolutions as they are; Slices makes them two-dimensional, see [SliceConvs]; Tiles
// replaces the larger ones by minimal filtering, see [TileConvs].
const (
	Volumes Lowering = "volumes"
	Slices  Lowering = "slices"
	Tiles   Lowering = "tiles"
)

// Lowerings returns all lowerings, the plain one first.
func Lowerings() []Lowering { return []Lowering{Volumes, Slices, Tiles} }

// Lower returns the graph in a lowering; Volumes returns g itself. It fails where the lowering is not
// known, and with [graph.ErrGraph].
func Lower(g *graph.Graph, l Lowering) (*graph.Graph, error) {
	switch l {
	case Volumes, "":
		return g, nil
	case Slices:
		out, err := SliceConvs(g)
		if err != nil {
			return nil, fmt.Errorf("rewrite: convolutions of slices: %w", err)
		}
		return out, nil
	case Tiles:
		out, err := TileConvs(g)
		if err != nil {
			return nil, fmt.Errorf("rewrite: convolutions of tiles: %w", err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("rewrite: lowering %q is not known; it is one of %v", l, Lowerings())
}

// SliceConvs replaces three-dimensional convolutions by two-dimensional ones of a batch of slices. A slice
// of the result depends on as many slices of the input as the kernel is deep; these become channels:
//
//	[N, C, D, H, W] → [N·D′, depth·C, H, W],  kernel [O, C, depth, h, w] → [O, depth·C, h, w]
//
// A 1×1×1 kernel is a matrix product. The sums have the same terms. Providers have tuned kernels for two
// dimensions and often plain ones for three (WebGPU), or none (Core ML). Grouped convolutions, and those
// of other ranks, are left as they are.
func SliceConvs(g *graph.Graph) (*graph.Graph, error) {
	return graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		if n.Op() != "Conv" || len(n.Shape()) != 5 || n.Options().Group != 1 {
			return nil
		}
		var bias *graph.Node
		if len(in) > 2 {
			bias = in[2]
		}
		if pointwise(n) {
			return pointConv(b, n, in[0], in[1], bias)
		}
		return sliceConv(b, n, in[0], in[1], bias)
	})
}

// pointwise reports whether every voxel of the result depends on one voxel at the same place.
func pointwise(n *graph.Node) bool {
	o := n.Options()
	return slices.Max(n.In()[1].Shape()[2:]) == 1 && slices.Max(o.Strides) == 1 && slices.Max(o.Begin) == 0 && slices.Max(o.End) == 0
}

// pointConv multiplies the channels of every voxel by a matrix.
func pointConv(b *graph.Builder, n, x, w, bias *graph.Node) *graph.Node {
	out, channels := w.Shape()[0], w.Shape()[1]
	y := b.MatMul(b.Reshape(w, out, channels), b.Reshape(x, x.Shape()[0], channels, -1))
	if bias != nil {
		y = b.Add(y, b.Reshape(bias, out, 1))
	}
	return b.Reshape(y, n.Shape()...)
}

// sliceConv convolves slices.
func sliceConv(b *graph.Builder, n, x, w, bias *graph.Node) *graph.Node {
	o, s, k, y := n.Options(), x.Shape(), w.Shape(), n.Shape()
	batch, channels, depth := s[0], s[1], k[2]
	taken := sliceTaps(b, swapPlanes(b, x), o, depth, y[2]) // [N, D′, depth·C, H, W]
	taken = b.Reshape(taken, batch*y[2], depth*channels, s[3], s[4])
	kernel := b.Reshape(b.Transpose(w, 0, 2, 1, 3, 4), k[0], depth*channels, k[3], k[4])
	flat := b.Conv(taken, kernel, bias, graph.ConvOptions{Strides: o.Strides[1:], Dilations: o.Dilations[1:], Begin: o.Begin[1:], End: o.End[1:]})
	return swapPlanes(b, b.Reshape(flat, batch, y[2], y[1], y[3], y[4]))
}

// swapPlanes exchanges channels and slices: [N, A, B, H, W] to [N, B, A, H, W].
func swapPlanes(b *graph.Builder, x *graph.Node) *graph.Node {
	s := x.Shape()
	if s[1] == 1 || s[2] == 1 {
		return b.Reshape(x, s[0], s[2], s[1], s[3], s[4])
	}
	if s[0] != 1 {
		return b.Transpose(x, 0, 2, 1, 3, 4)
	}
	// Four axes are fewer than five: providers transpose them faster.
	return b.Reshape(b.Transpose(b.Reshape(x, s[1:]...), 1, 0, 2, 3), 1, s[2], s[1], s[3], s[4])
}

// sliceTaps joins along the channels, for every slice of the result, the slices that the taps of the kernel see.
func sliceTaps(b *graph.Builder, x *graph.Node, o graph.ConvOptions, depth, count int) *graph.Node {
	stride, dilation := o.Strides[0], o.Dilations[0]
	if o.Begin[0] > 0 || o.End[0] > 0 {
		x = b.Pad(x, []int{0, o.Begin[0], 0, 0, 0}, []int{0, o.End[0], 0, 0, 0})
	}
	var taps []*graph.Node
	for t := range depth {
		taps = append(taps, everyNth(b, x, t*dilation, stride, count))
	}
	if len(taps) == 1 {
		return taps[0]
	}
	return b.Concat(2, taps...)
}

// everyNth takes count slices along axis 1, from start in steps.
func everyNth(b *graph.Builder, x *graph.Node, start, step, count int) *graph.Node {
	if step == 1 {
		if start == 0 && count == x.Shape()[1] {
			return x
		}
		return b.Slice(x, 1, start, start+count)
	}
	index := make([]int, count)
	for i := range index {
		index[i] = start + i*step
	}
	return b.Gather(x, 1, index...)
}
