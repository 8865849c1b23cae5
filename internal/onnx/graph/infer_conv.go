package graph

import (
	"fmt"

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
	lists := map[string]*[]int{"strides": &win.strides, "dilations": &win.dilations, "kernel_shape": nil}
	for name, to := range lists {
		v := n.Ints(name)
		if v != nil && len(v) != rank {
			return window{}, fmt.Errorf("%s %v for %d spatial axes", name, v, rank)
		}
		for i := range rank {
			at := 1
			if v != nil {
				at = v[i]
			} else if to == nil {
				continue
			}
			if at < 1 || (to == nil && at != w[2+i]) {
				return window{}, fmt.Errorf("%s %v with weight %v", name, v, w)
			}
			if to != nil {
				*to = append(*to, at)
			}
		}
	}
	pads := n.Ints("pads")
	if pads == nil {
		pads = make([]int, 2*rank)
	}
	if len(pads) != 2*rank {
		return window{}, fmt.Errorf("pads %v for %d spatial axes", pads, rank)
	}
	win.begin, win.end = pads[:rank], pads[rank:]
	for i, p := range pads {
		if p < 0 || p > 1<<20 || win.dilations[i%rank] > 1<<20 || win.strides[i%rank] > 1<<20 {
			return window{}, fmt.Errorf("pads %v, strides %v or dilations %v out of range", pads, win.strides, win.dilations)
		}
	}
	return win, nil
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
