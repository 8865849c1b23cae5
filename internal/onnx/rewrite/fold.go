package rewrite

import (
	"bayeslice/internal/onnx/graph"
)

// FoldBroadcastConv takes the constant channels out of convolutions. Where a convolution reads
// Concat([x, Expand(z)]) with z a vector spread over space, each tap of the kernel that falls inside
// the volume contributes W_z·z and each that falls on the zero padding contributes nothing. That is
// what one channel of ones contributes under the kernel W_z·z, so
//
//	conv([x, z…z], [W_x, W_z]) = conv([x, 1], [W_x, W_z·z])
//
// whatever the kernel, stride, dilation and padding, borders included. With 32 + 256 channels it
// leaves 33/288 of the arithmetic. It applies to ungrouped convolutions of one batch element.
func FoldBroadcastConv(g *graph.Graph) (*graph.Graph, error) {
	return graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		if n.Op() != "Conv" || n.Options().Group != 1 {
			return nil
		}
		return foldConv(b, n, in)
	})
}

// spread is a run of channels of a Concat: x, or where vector is not nil its broadcast.
type spread struct {
	x, vector   *graph.Node
	start, stop int
}

// channels lists what a Concat along the channels joins.
func channels(x *graph.Node) (list []spread, constant int) {
	if x.Op() != "Concat" || x.Int("axis", 0) != 1 || x.Shape()[0] != 1 {
		return nil, 0
	}
	at := 0
	for _, part := range x.In() {
		s := spread{x: part, start: at, stop: at + part.Shape()[1]}
		if part.Op() == "Expand" && flat(part.In()[0].Shape(), part.Shape()) {
			s.vector = part.In()[0]
			constant += s.stop - s.start
		}
		at = s.stop
		list = append(list, s)
	}
	return list, constant
}

// flat reports whether from has the rank and channels of to and one voxel.
func flat(from, to []int) bool {
	if len(from) != len(to) || from[1] != to[1] {
		return false
	}
	for _, d := range from[2:] {
		if d != 1 {
			return false
		}
	}
	return true
}

func foldConv(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
	list, constant := channels(in[0])
	if constant < 2 { // one channel of ones would replace one channel
		return nil
	}
	w := in[1]
	out, kernel := w.Shape()[0], w.Shape()[2:]
	var xs, ws []*graph.Node
	var ones *graph.Node
	for _, s := range list {
		part := b.Slice(w, 1, s.start, s.stop)
		if s.vector == nil {
			xs, ws = append(xs, s.x), append(ws, part)
			continue
		}
		// [1, C] times [out, C, taps] is [out, 1, taps].
		taps := b.Reshape(part, out, s.stop-s.start, -1)
		product := b.MatMul(b.Reshape(s.vector, 1, s.stop-s.start), taps)
		product = b.Reshape(product, append([]int{out, 1}, kernel...)...)
		if ones == nil {
			ones = product
		} else {
			ones = b.Add(ones, product)
		}
	}
	shape := append([]int{1, 1}, in[0].Shape()[2:]...)
	xs, ws = append(xs, b.Expand(b.Scalar(1), shape...)), append(ws, ones)
	var bias *graph.Node
	if len(in) > 2 {
		bias = in[2]
	}
	return b.Conv(b.Concat(1, xs...), b.Concat(1, ws...), bias, n.Options())
}
