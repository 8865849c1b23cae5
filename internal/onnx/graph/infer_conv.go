package graph

import (
	"fmt"
	"slices"

	"bayeslice/internal/tensor"
)

// window is the geometry of a convolution over its spatial axes, defaults filled in.
type window struct {
	kernel, strides, dilations, begin, end []int
	group                                  int
}

// window reads a convolution's attributes. Weights are [out, in/group, k…], for a transposed
// convolution [in, out/group, k…].
func (n *Node) window() (window, error) {
	x, w := n.in[0].shape, n.in[1].shape
	rank := len(x) - 2
	if rank < 1 || len(w) != len(x) {
		return window{}, fmt.Errorf("input %v and weight %v differ in rank, or have no spatial axes", x, w)
	}
	if p := n.Text("auto_pad", "NOTSET"); p != "NOTSET" {
		return window{}, fmt.Errorf("auto_pad %q: paddings must be written out", p)
	}
	win := window{kernel: w[2:], group: n.Int("group", 1)}
	if k := n.Ints("kernel_shape"); k != nil && !slices.Equal(k, win.kernel) {
		return window{}, fmt.Errorf("kernel_shape %v with weight %v", k, w)
	}
	var err error
	if win.strides, err = n.steps("strides", rank); err != nil {
		return window{}, err
	}
	if win.dilations, err = n.steps("dilations", rank); err != nil {
		return window{}, err
	}
	pads := n.Ints("pads")
	if pads == nil {
		pads = make([]int, 2*rank)
	}
	if len(pads) != 2*rank {
		return window{}, fmt.Errorf("pads %v for %d spatial axes", pads, rank)
	}
	win.begin, win.end = pads[:rank], pads[rank:]
	for _, p := range pads {
		if p < 0 || p > 1<<20 {
			return window{}, fmt.Errorf("pads %v out of range", pads)
		}
	}
	return win, nil
}

// steps reads strides or dilations, which are 1 where they are not given.
func (n *Node) steps(name string, rank int) ([]int, error) {
	v := n.Ints(name)
	if v == nil {
		return slices.Repeat([]int{1}, rank), nil
	}
	if len(v) != rank || slices.Min(v) < 1 || slices.Max(v) > 1<<20 {
		return nil, fmt.Errorf("%s %v for %d spatial axes", name, v, rank)
	}
	return v, nil
}

// checkBias checks the optional third input.
func (n *Node) checkBias(channels int) error {
	if len(n.in) > 2 && n.in[2] != nil {
		if s := n.in[2].shape; len(s) != 1 || s[0] != channels {
			return fmt.Errorf("bias %v for %d channels", s, channels)
		}
	}
	return n.wantFloat()
}

func inferConv(n *Node) (result, error) {
	win, err := n.window()
	if err != nil {
		return result{}, err
	}
	x, w := n.in[0].shape, n.in[1].shape
	if g := win.group; g < 1 || w[0]%g != 0 || x[1] != w[1]*g {
		return result{}, fmt.Errorf("weight %v with %d groups does not fit input %v", w, g, x)
	}
	out := []int{x[0], w[0]}
	for i, k := range win.kernel {
		room := x[2+i] + win.begin[i] + win.end[i] - ((k-1)*win.dilations[i] + 1)
		if room < 0 {
			return result{}, fmt.Errorf("kernel %v is larger than the padded input %v", win.kernel, x)
		}
		out = append(out, room/win.strides[i]+1)
	}
	return result{tensor.Float32, out}, n.checkBias(w[0])
}

func inferConvTranspose(n *Node) (result, error) {
	win, err := n.window()
	if err != nil {
		return result{}, err
	}
	x, w := n.in[0].shape, n.in[1].shape
	if g := win.group; g < 1 || x[1]%g != 0 || x[1] != w[0] || w[1] > (1<<30)/g {
		return result{}, fmt.Errorf("weight %v with %d groups does not fit input %v", w, g, x)
	}
	extra := n.Ints("output_padding")
	if extra != nil && len(extra) != len(win.kernel) {
		return result{}, fmt.Errorf("output_padding %v for %d spatial axes", extra, len(win.kernel))
	}
	for i, e := range extra {
		if e < 0 || e >= max(win.strides[i], win.dilations[i]) {
			return result{}, fmt.Errorf("output_padding %v with strides %v and dilations %v", extra, win.strides, win.dilations)
		}
	}
	out := []int{x[0], w[1] * win.group}
	for i, k := range win.kernel {
		d := (x[2+i]-1)*win.strides[i] + (k-1)*win.dilations[i] + 1 - win.begin[i] - win.end[i]
		if extra != nil {
			d += extra[i]
		}
		out = append(out, d)
	}
	return result{tensor.Float32, out}, n.checkBias(w[1] * win.group)
}
