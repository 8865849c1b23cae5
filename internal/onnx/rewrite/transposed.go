package rewrite

import (
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// maxTaps bounds the kernels that are taken apart, since each tap may become a convolution.
const maxTaps = 512

// LowerConvTranspose replaces strided transposed convolutions by small stride-1 convolutions, one for
// each phase of the output grid, whose results are interleaved: output voxels with the same remainder
// modulo the stride see the same taps of the kernel. The arithmetic is the same; ONNX Runtime's CPU
// provider is about ten times faster at it. Groups, dilations, phases without taps and croppings that
// reach beyond the kernel are left as they are.
func LowerConvTranspose(g *graph.Graph) (*graph.Graph, error) {
	return graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		if n.Op() != "ConvTranspose" {
			return nil
		}
		o := n.Options()
		if o.Group != 1 || slices.Max(o.Dilations) > 1 || tensor.Count(in[1].Shape()[2:]) > maxTaps {
			return nil
		}
		phases, ok := axisPhases(n, o)
		if !ok {
			return nil
		}
		return lower(b, in, phases)
	})
}

// phase is one remainder of the output index along one axis: output stride·m + remainder is the
// correlation at m of the input with the taps first, first+stride, … in reverse order.
type phase struct {
	first, taps, stride int
	begin, end          int // zero padding of the input
}

// axisPhases works out the phases of every spatial axis. With y[i] = Σ x[o]·w[t] over o·s + t − begin = i,
// output i = s·m + a has t = r + s·j and o = m + c − j, where a + begin = s·c + r.
func axisPhases(n *graph.Node, o graph.ConvOptions) ([][]phase, bool) {
	x, w, y := n.In()[0].Shape()[2:], n.In()[1].Shape()[2:], n.Shape()[2:]
	all := make([][]phase, len(x))
	for ax, s := range o.Strides {
		if y[ax]%s != 0 {
			return nil, false
		}
		for a := range s {
			c, r := (a+o.Begin[ax])/s, (a+o.Begin[ax])%s
			p := phase{first: r, taps: (w[ax] - r + s - 1) / s, stride: s}
			p.begin = p.taps - 1 - c
			p.end = y[ax]/s + p.taps - 1 - x[ax] - p.begin
			if r >= w[ax] || p.begin < 0 || p.end < 0 {
				return nil, false
			}
			all[ax] = append(all[ax], p)
		}
	}
	return all, true
}

// lower makes the convolutions of all phase combinations and interleaves them.
func lower(b *graph.Builder, in []*graph.Node, phases [][]phase) *graph.Node {
	var bias *graph.Node
	if len(in) > 2 {
		bias = in[2]
	}
	kernel, taps := in[1].Shape()[2:], tapsFirst(b, in[1])
	return combine(b, phases, nil, func(chosen []phase) *graph.Node {
		w := phaseWeight(b, taps, in[1].Shape()[:2], kernel, chosen)
		o := graph.ConvOptions{}
		for _, p := range chosen {
			o.Begin, o.End = append(o.Begin, p.begin), append(o.End, p.end)
		}
		return b.Conv(in[0], w, bias, o)
	})
}

// combine walks the axes from the outermost, and interleaves along each what comes back from within.
func combine(b *graph.Builder, phases [][]phase, chosen []phase, conv func([]phase) *graph.Node) *graph.Node {
	ax := len(chosen)
	if ax == len(phases) {
		return conv(chosen)
	}
	var parts []*graph.Node
	for _, p := range phases[ax] {
		parts = append(parts, combine(b, phases, append(slices.Clone(chosen), p), conv))
	}
	return interleave(b, parts, 2+ax)
}

// interleave joins parts voxel by voxel along an axis.
func interleave(b *graph.Builder, parts []*graph.Node, axis int) *graph.Node {
	if len(parts) == 1 {
		return parts[0]
	}
	shape := slices.Clone(parts[0].Shape())
	spread := slices.Insert(slices.Clone(shape), axis+1, 1)
	for i, p := range parts {
		parts[i] = b.Reshape(p, spread...)
	}
	shape[axis] *= len(parts)
	return b.Reshape(b.Concat(axis+1, parts...), shape...)
}

// tapsFirst brings a kernel [in, out, k…] into the order [taps, out·in], so that all of a tap lies together.
func tapsFirst(b *graph.Builder, w *graph.Node) *graph.Node {
	in, out := w.Shape()[0], w.Shape()[1]
	swapped := b.Transpose(b.Reshape(w, in, out, -1), 1, 0, 2)
	return b.Transpose(b.Reshape(swapped, out*in, -1), 1, 0)
}

// phaseWeight takes the taps of a phase, reversed, as [out, in, taps…]. It gathers them by number: ONNX
// Runtime's WebGPU provider gets slices with steps below −1 wrong.
func phaseWeight(b *graph.Builder, taps *graph.Node, channels, kernel []int, chosen []phase) *graph.Node {
	numbers, size := []int{0}, []int{channels[1], channels[0]}
	for i, p := range chosen {
		var next []int
		for _, n := range numbers {
			for j := range p.taps {
				next = append(next, n*kernel[i]+p.first+p.stride*(p.taps-1-j))
			}
		}
		numbers, size = next, append(size, p.taps)
	}
	return b.Reshape(b.Transpose(b.Gather(taps, 0, numbers...), 1, 0), size...)
}
