package ref

import (
	"slices"

	"bayeslice/internal/onnx/graph"
)

func reshape(n *graph.Node, in []*Array) *Array { return &Array{n.Shape(), in[0].Data} }

func expand(n *graph.Node, in []*Array) *Array { return build(n.Shape(), in[0].broadcast) }

func transpose(n *graph.Node, in []*Array) *Array {
	from := make([]int, len(in[0].Shape))
	return build(n.Shape(), func(at []int) float64 {
		for i, p := range n.Ints("perm") {
			from[p] = at[i]
		}
		return in[0].at(from)
	})
}

func concat(n *graph.Node, in []*Array) *Array {
	axis := (n.Int("axis", 0) + len(n.Shape())) % len(n.Shape())
	return build(n.Shape(), func(at []int) float64 {
		from := slices.Clone(at)
		part := 0
		for from[axis] >= in[part].Shape[axis] {
			from[axis] -= in[part].Shape[axis]
			part++
		}
		return in[part].at(from)
	})
}

func slice(n *graph.Node, in []*Array) *Array {
	start, _, step := n.Bounds()
	from := make([]int, len(start))
	return build(n.Shape(), func(at []int) float64 {
		for ax := range from {
			from[ax] = start[ax] + at[ax]*step[ax]
		}
		return in[0].at(from)
	})
}

func gather(n *graph.Node, in []*Array) *Array {
	rank := len(in[0].Shape)
	axis := (n.Int("axis", 0) + rank) % rank
	taken := len(in[1].Shape) // axes of the indices
	return build(n.Shape(), func(at []int) float64 {
		i := int(in[1].at(at[axis : axis+taken]))
		if i < 0 {
			i += in[0].Shape[axis]
		}
		from := append(slices.Clone(at[:axis]), i)
		return in[0].at(append(from, at[axis+taken:]...))
	})
}

func pad(n *graph.Node, in []*Array) *Array {
	shape, pads := in[0].Shape, n.IntsIn(1)
	edge, fill := n.Text("mode", "constant") == "edge", 0.0
	if len(in) > 2 && in[2] != nil {
		fill = in[2].Data[0]
	}
	from := make([]int, len(shape))
	return build(n.Shape(), func(at []int) float64 {
		for ax, d := range shape {
			i := at[ax] - pads[ax]
			if edge {
				i = min(max(i, 0), d-1)
			}
			if i < 0 || i >= d {
				return fill
			}
			from[ax] = i
		}
		return in[0].at(from)
	})
}

func resize(n *graph.Node, in []*Array) *Array {
	from := make([]int, len(n.Shape()))
	return build(n.Shape(), func(at []int) float64 {
		for ax, d := range in[0].Shape {
			from[ax] = at[ax] / (n.Shape()[ax] / d)
		}
		return in[0].at(from)
	})
}

func depthToSpace(n *graph.Node, in []*Array) *Array {
	k, channels := n.Int("blocksize", 0), n.Shape()[1]
	return build(n.Shape(), func(at []int) float64 {
		c, row, column := at[1], at[2]%k, at[3]%k
		from := (row*k+column)*channels + c
		if n.Text("mode", "DCR") == "CRD" {
			from = (c*k+row)*k + column
		}
		return in[0].at([]int{at[0], from, at[2] / k, at[3] / k})
	})
}
