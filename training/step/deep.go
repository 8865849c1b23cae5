package step

import (
	"bayeslice/internal/onnx/graph"
	"bayeslice/training/loss"
)

// deep is the loss under deep supervision (Isensee et al. 2021, nnU-Net; the second revision of the
// paper's network has it too): the same loss on the full grid and on the logits of every decoder level,
// given coarse to fine, with weights 1, ½, ¼ … from fine to coarse that are divided by their sum.
// nnU-Net gives its coarsest level, whose grid is coarser than any here, no weight. Labels and distances
// on a coarser grid are those of the voxel in the middle of each block, the later one of two.
func deep(b *graph.Builder, o loss.Options, full loss.Inputs, segmentation *graph.Node, levels []*graph.Node) *graph.Node {
	if len(levels) == 0 {
		return segmentation
	}
	total, weight, sum := segmentation, float32(1), float32(1)
	for i := len(levels) - 1; i >= 0; i-- {
		in := loss.Inputs{Logits: levels[i], Label: middles(b, full.Label, levels[i].Shape())}
		if full.Distance != nil {
			in.Distance = middles(b, full.Distance, levels[i].Shape())
		}
		weight /= 2
		sum += weight
		total = b.Add(total, b.Mul(loss.Build(b, o, in), b.Scalar(weight)))
	}
	return b.Mul(total, b.Scalar(1/sum))
}

// middles takes from x the voxel in the middle of each block, so that its grid becomes that of a shape.
func middles(b *graph.Builder, x *graph.Node, shape []int) *graph.Node {
	var starts, stops, axes, steps []int
	for ax := 2; ax < len(shape); ax++ {
		step := x.Shape()[ax] / shape[ax]
		starts, stops = append(starts, step/2), append(stops, x.Shape()[ax])
		axes, steps = append(axes, ax), append(steps, step)
	}
	return b.Node("Slice", nil, x, b.Int64s(starts...), b.Int64s(stops...), b.Int64s(axes...), b.Int64s(steps...))
}
