package rewrite

import (
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// Minimal filtering F(4, 3) of Winograd (1980), in the form of Lavin and Gray (2016): four outputs y of a kernel g of
// three taps over six inputs x are y = A·((G·g) ⊙ (B·x)), with six products instead of twelve. In both axes of a plane
// that is 36 products for a tile of 4 × 4 outputs, where the plain sum has 144.
const (
	tileOut  = 4               // outputs of a tile along an axis
	tileTaps = 3               // of the kernel
	tileIn   = tileOut + 3 - 1 // inputs of a tile, and products
	tileArea = tileIn * tileIn
)

var (
	tileB = [][]float32{{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}}
	tileG = [][]float32{{1. / 4, 0, 0}, {-1. / 6, -1. / 6, -1. / 6}, {-1. / 6, 1. / 6, -1. / 6}, {1. / 24, 1. / 12, 1. / 6}, {1. / 24, -1. / 12, 1. / 6}, {0, 0, 1}}
	tileA = [][]float32{{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}
)

// leastTileGain is how many times fewer products tiles must need, their transformations counted, before a convolution
// is replaced: transformed tensors are 2¼ times as large, and where less is saved memory costs it again.
const leastTileGain = 2

// mostTiled bounds the elements of a transformed tensor where slices can be taken a few at a time.
const mostTiled = 32 << 20

// TileConvs replaces convolutions whose kernel is 3 × 3 in the plane of the slices, of any depth, with stride 1 there,
// by Winograd's minimal filtering over tiles of 4 × 4 voxels, where that leaves half of the arithmetic or less:
//
//	transform    [1, 1, C·D, H, W]      a fixed convolution of 36 kernels, 6 × 6, by steps of 4
//	multiply     [1, 36·C, D, tiles]    36 groups; what is left of the kernel is its depth, or a product of matrices
//	transform    [36, F·D·tiles]        a product with a fixed matrix, then tiles become planes
//
// The transformed kernel depends on weights alone. Rounding grows by about one decimal digit.
func TileConvs(g *graph.Graph) (*graph.Graph, error) {
	inputs := fromInputs(g)
	return graph.Rewrite(g, func(b *graph.Builder, n *graph.Node, in []*graph.Node) *graph.Node {
		if n.Op() != "Conv" || inputs[n.In()[1]] || !tileable(n) || tileGain(n) < leastTileGain {
			return nil
		}
		y := tileSlices(b, n, in[0], in[1])
		if len(in) > 2 && in[2] != nil {
			y = b.Add(y, b.Reshape(in[2], 1, n.Shape()[1], 1, 1, 1))
		}
		return y
	})
}

// fromInputs tells which nodes depend on an input: what does not is computed when a session opens.
func fromInputs(g *graph.Graph) map[*graph.Node]bool {
	reached := map[*graph.Node]bool{}
	for _, n := range g.Nodes() {
		reached[n] = n.Op() == graph.OpInput
		for _, in := range n.In() {
			reached[n] = reached[n] || in != nil && reached[in]
		}
	}
	return reached
}

// tileable reports whether tiles can compute a convolution.
func tileable(n *graph.Node) bool {
	o, k := n.Options(), n.In()[1].Shape()
	return len(n.Shape()) == 5 && n.Shape()[0] == 1 && o.Group == 1 && k[3] == tileTaps && k[4] == tileTaps &&
		o.Strides[1] == 1 && o.Strides[2] == 1 && o.Dilations[1] == 1 && o.Dilations[2] == 1
}

// tileGain is the number of products of a plain convolution over that of tiles.
func tileGain(n *graph.Node) float64 {
	k, out, in := n.In()[1].Shape(), n.Shape(), n.In()[0].Shape()
	filters, channels, depth := k[0], k[1], k[2]
	tiles := ceilDiv(out[3], tileOut) * ceilDiv(out[4], tileOut)
	plain := filters * channels * depth * tileTaps * tileTaps * out[2] * out[3] * out[4]
	tiled := tileArea * tiles * (channels*tileArea*in[2] + filters*channels*depth*out[2] + filters*tileOut*tileOut*out[2])
	return float64(plain) / float64(tiled)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// tileSlices builds the convolution n of x [1, C, D, H, W] with w [F, C, depth, 3, 3], without its bias. Where slices do
// not meet they are taken a few at a time, so that what is transformed stays small.
func tileSlices(b *graph.Builder, n, x, w *graph.Node) *graph.Node {
	o, in, out, k := n.Options(), x.Shape(), n.Shape(), w.Shape()
	kernel := tileKernel(b, w)
	slice := tileArea * in[1] * ceilDiv(out[3], tileOut) * ceilDiv(out[4], tileOut)
	count := max(1, mostTiled/slice)
	if k[2] > 1 || o.Strides[0] > 1 || o.Begin[0] > 0 || o.End[0] > 0 || count >= in[2] {
		return tileConv(b, n, x, kernel)
	}
	var parts []*graph.Node
	for first := 0; first < in[2]; first += count {
		parts = append(parts, tileConv(b, n, b.Slice(x, 2, first, min(first+count, in[2])), kernel))
	}
	return b.Concat(2, parts...)
}

// tileKernel transforms w [F, C, depth, 3, 3] to [36, F, C, depth].
func tileKernel(b *graph.Builder, w *graph.Node) *graph.Node {
	k := w.Shape()
	m := b.Transpose(b.Const(both(tileG, tileArea, tileTaps*tileTaps)), 1, 0)
	kernel := b.MatMul(b.Reshape(w, k[0]*k[1]*k[2], tileTaps*tileTaps), m)
	return b.Reshape(b.Transpose(kernel, 1, 0), tileArea, k[0], k[1], k[2])
}

// tileConv builds the convolution n of x, all of its slices or some, with a transformed kernel.
func tileConv(b *graph.Builder, n, x, kernel *graph.Node) *graph.Node {
	o, in, out := n.Options(), x.Shape(), n.Shape()
	rows, columns := ceilDiv(out[3], tileOut), ceilDiv(out[4], tileOut)
	window := graph.ConvOptions{Strides: []int{1, tileOut, tileOut}, Begin: []int{0, o.Begin[1], o.Begin[2]},
		End: []int{0, tileOut*rows + 2 - in[3] - o.Begin[1], tileOut*columns + 2 - in[4] - o.Begin[2]}}
	x = b.Conv(b.Reshape(x, 1, 1, in[1]*in[2], in[3], in[4]), b.Const(both(tileB, tileArea, 1, 1, tileIn, tileIn)), nil, window)
	y, slices := tileProducts(b, o, b.Reshape(x, 1, tileArea*in[1], in[2], rows*columns), kernel)
	planes := y.Shape()[1]
	y = b.MatMul(b.Const(both(tileA, tileOut*tileOut, tileArea)), y)
	y = b.Transpose(b.Reshape(y, tileOut, tileOut, planes), 0, 2, 1) // two steps are faster than one
	y = b.Transpose(b.Reshape(y, tileOut, planes/columns, columns*tileOut), 1, 0, 2)
	y = b.Reshape(y, 1, out[1], slices, rows*tileOut, columns*tileOut)
	if rows*tileOut > out[3] {
		y = b.Slice(y, 3, 0, out[3])
	}
	if columns*tileOut > out[4] {
		y = b.Slice(y, 4, 0, out[4])
	}
	return y
}

// tileProducts multiplies transformed tiles x [1, 36·C, D, tiles] by a transformed kernel [36, F, C, depth]. It returns
// [36, F·slices·tiles] and the number of slices.
func tileProducts(b *graph.Builder, o graph.ConvOptions, x, kernel *graph.Node) (y *graph.Node, slices int) {
	s, k := x.Shape(), kernel.Shape()
	if k[3] == 1 && o.Strides[0] == 1 && o.Begin[0] == 0 && o.End[0] == 0 {
		y = b.MatMul(b.Reshape(kernel, k[:3]...), b.Reshape(x, tileArea, k[2], s[2]*s[3]))
		return b.Reshape(y, tileArea, -1), s[2]
	}
	y = b.Conv(x, b.Reshape(kernel, tileArea*k[1], k[2], k[3], 1), nil, graph.ConvOptions{Group: tileArea,
		Strides: []int{o.Strides[0], 1}, Dilations: []int{o.Dilations[0], 1}, Begin: []int{o.Begin[0], 0}, End: []int{o.End[0], 0}})
	return b.Reshape(y, tileArea, -1), y.Shape()[2]
}

// both is the Kronecker product of a matrix with itself, which does along two axes what the matrix does along one.
func both(m [][]float32, shape ...int) *tensor.Tensor {
	t := tensor.NewFloat32(shape...)
	rows, columns := len(m), len(m[0])
	for i := range rows * rows {
		for j := range columns * columns {
			t.F32[i*columns*columns+j] = m[i/rows][j/columns] * m[i%rows][j%columns]
		}
	}
	return t
}
