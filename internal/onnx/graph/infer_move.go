package graph

import (
	"fmt"
	"slices"

	"bayeslice/internal/tensor"
)

func inferConcat(n *Node) (result, error) {
	first := n.in[0]
	a, err := axis(n.Int("axis", 0), len(first.shape))
	if err != nil {
		return result{}, err
	}
	shape := slices.Clone(first.shape)
	for _, in := range n.in[1:] {
		same := len(in.shape) == len(shape) && in.typ == first.typ
		for i := 0; same && i < len(shape); i++ {
			same = i == a || in.shape[i] == shape[i]
		}
		if !same {
			return result{}, fmt.Errorf("%s and %s differ beside axis %d", first, in, a)
		}
		shape[a] += in.shape[a]
	}
	return result{first.typ, shape}, nil
}

// sliceArgs are the constants of a Slice, made plain: per axis start, stop (exclusive), step.
type sliceArgs struct{ start, stop, step []int }

func (n *Node) sliceArgs() (sliceArgs, error) {
	shape := n.in[0].shape
	a := sliceArgs{make([]int, len(shape)), slices.Clone(shape), slices.Repeat([]int{1}, len(shape))}
	var lists [4][]int
	for i := range lists {
		var err error
		if lists[i], err = n.ints(i + 1); err != nil {
			return a, err
		}
	}
	starts, stops, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if len(stops) != len(starts) || (axes != nil && len(axes) != len(starts)) || (steps != nil && len(steps) != len(starts)) || len(starts) > len(shape) {
		return a, fmt.Errorf("starts %v, ends %v, axes %v, steps %v differ in length", starts, stops, axes, steps)
	}
	for i := range starts {
		ax, step := i, 1
		var err error
		if axes != nil {
			if ax, err = axis(axes[i], len(shape)); err != nil {
				return a, err
			}
		}
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return a, fmt.Errorf("step 0")
		}
		a.start[ax], a.stop[ax], a.step[ax] = clampSlice(starts[i], stops[i], step, shape[ax])
	}
	return a, nil
}

// clampSlice applies ONNX's rule for negative and overlong bounds.
func clampSlice(start, stop, step, size int) (int, int, int) {
	if start < 0 {
		start += size
	}
	if stop < 0 {
		stop += size
	}
	if step > 0 {
		return min(max(start, 0), size), min(max(stop, 0), size), step
	}
	return min(max(start, 0), size-1), min(max(stop, -1), size-1), step
}

func inferSlice(n *Node) (result, error) {
	a, err := n.sliceArgs()
	if err != nil {
		return result{}, err
	}
	shape := make([]int, len(a.start))
	for i := range shape {
		span, step := a.stop[i]-a.start[i], a.step[i]
		if step < 0 {
			span, step = -span, -step
		}
		shape[i] = (max(span, 0) + step - 1) / step
	}
	return result{n.in[0].typ, shape}, nil
}

func inferGather(n *Node) (result, error) {
	shape := n.in[0].shape
	a, err := axis(n.Int("axis", 0), len(shape))
	if err != nil {
		return result{}, err
	}
	index, err := n.ints(1)
	if err != nil {
		return result{}, err
	}
	for _, i := range index {
		if i < -shape[a] || i >= shape[a] {
			return result{}, fmt.Errorf("index %d on an axis of %d", i, shape[a])
		}
	}
	out := append(slices.Clone(shape[:a]), n.in[1].shape...)
	return result{n.in[0].typ, append(out, shape[a+1:]...)}, nil
}

func inferPad(n *Node) (result, error) {
	pads, err := n.ints(1)
	if err != nil {
		return result{}, err
	}
	shape := slices.Clone(n.in[0].shape)
	if mode := n.Text("mode", "constant"); mode != "constant" && mode != "edge" {
		return result{}, fmt.Errorf("mode %q", mode)
	}
	if len(pads) != 2*len(shape) {
		return result{}, fmt.Errorf("%d pads for %d axes", len(pads), len(shape))
	}
	for i, p := range pads {
		if p < -1<<30 || p > 1<<30 {
			return result{}, fmt.Errorf("pads %v out of range", pads)
		}
		shape[i%len(shape)] += p
	}
	return result{n.in[0].typ, shape}, nil
}

func inferReshape(n *Node) (result, error) {
	want, err := n.ints(1)
	if err != nil {
		return result{}, err
	}
	shape, total, open, known := slices.Clone(want), tensor.Count(n.in[0].shape), -1, 1
	for i, d := range shape {
		if d == 0 && i < len(n.in[0].shape) {
			d = n.in[0].shape[i]
			shape[i] = d
		}
		switch {
		case d == -1 && open < 0:
			open = i
		case d < 1 || d > total || known > total/d:
			return result{}, fmt.Errorf("cannot become %v", want)
		default:
			known *= d
		}
	}
	if open >= 0 && total%known == 0 {
		shape[open] = total / known
	}
	if slices.Contains(shape, -1) || tensor.Count(shape) != total {
		return result{}, fmt.Errorf("cannot become %v", want)
	}
	return result{n.in[0].typ, shape}, nil
}

func inferTranspose(n *Node) (result, error) {
	shape, perm := n.in[0].shape, n.Ints("perm")
	out, seen := make([]int, len(shape)), make([]bool, len(shape))
	if len(perm) != len(shape) {
		return result{}, fmt.Errorf("permutation %v", perm)
	}
	for i, p := range perm {
		if p < 0 || p >= len(shape) || seen[p] {
			return result{}, fmt.Errorf("permutation %v", perm)
		}
		seen[p], out[i] = true, shape[p]
	}
	return result{n.in[0].typ, out}, nil
}

func inferExpand(n *Node) (result, error) {
	to, err := n.ints(1)
	if err != nil {
		return result{}, err
	}
	if err := validShape(to); err != nil {
		return result{}, err
	}
	shape, err := broadcast(n.in[0].shape, to)
	return result{n.in[0].typ, shape}, err
}

// inferResize admits nearest-neighbour enlargement by whole factors, each voxel repeated.
func inferResize(n *Node) (result, error) {
	sizes, err := n.ints(3)
	if err != nil {
		return result{}, err
	}
	in := n.in[0]
	if in == nil || n.in[1] != nil || n.in[2] != nil || len(sizes) != len(in.shape) {
		return result{}, fmt.Errorf("want the data and one target size per axis")
	}
	if n.Text("mode", "nearest") != "nearest" || n.Text("nearest_mode", "") != "floor" || n.Text("coordinate_transformation_mode", "") != "asymmetric" {
		return result{}, fmt.Errorf("only nearest-neighbour repetition is handled (nearest, floor, asymmetric)")
	}
	for i, d := range in.shape {
		if sizes[i] < d || sizes[i]%d != 0 {
			return result{}, fmt.Errorf("size %v is no whole multiple of %v", sizes, in.shape)
		}
	}
	return result{in.typ, sizes}, n.wantFirstFloat()
}

func (n *Node) wantFirstFloat() error {
	if n.in[0].typ != tensor.Float32 {
		return fmt.Errorf("input is %s instead of float32", n.in[0].typ)
	}
	return nil
}

func inferDepthToSpace(n *Node) (result, error) {
	s, k := n.in[0].shape, n.Int("blocksize", 0)
	if len(s) != 4 || k < 1 || k > 1<<10 || s[1]%(k*k) != 0 {
		return result{}, fmt.Errorf("blocks of %d", k)
	}
	if mode := n.Text("mode", "DCR"); mode != "DCR" && mode != "CRD" {
		return result{}, fmt.Errorf("mode %q", mode)
	}
	return result{tensor.Float32, []int{s[0], s[1] / (k * k), s[2] * k, s[3] * k}}, n.wantFirstFloat()
}
