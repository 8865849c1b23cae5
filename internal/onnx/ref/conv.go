package ref

import (
	"bayeslice/internal/onnx/graph"
)

// conv sums over the kernel's taps that fall inside the volume.
func conv(n *graph.Node, in []*Array) *Array {
	x, w, o := in[0], in[1], n.Options()
	perGroup := w.Shape[0] / o.Group // output channels
	from := make([]int, len(x.Shape))
	return build(n.Shape(), func(at []int) float64 {
		sum := biasOf(in, at[1])
		index(w.Shape[1:], func(tap []int) {
			from[0], from[1] = at[0], at[1]/perGroup*w.Shape[1]+tap[0]
			for ax := range tap[1:] {
				from[2+ax] = at[2+ax]*o.Strides[ax] + tap[1+ax]*o.Dilations[ax] - o.Begin[ax]
				if from[2+ax] < 0 || from[2+ax] >= x.Shape[2+ax] {
					return
				}
			}
			sum += x.at(from) * w.Data[at[1]*len(w.Data)/w.Shape[0]+offset(w.Shape[1:], tap)]
		})
		return sum
	})
}

// convTranspose scatters every input voxel through the kernel.
func convTranspose(n *graph.Node, in []*Array) *Array {
	x, w, o := in[0], in[1], n.Options()
	out := build(n.Shape(), func(at []int) float64 { return biasOf(in, at[1]) })
	perGroup := w.Shape[0] / o.Group // input channels
	to := make([]int, len(x.Shape))
	index(x.Shape, func(at []int) {
		index(w.Shape[1:], func(tap []int) {
			to[0], to[1] = at[0], at[1]/perGroup*w.Shape[1]+tap[0]
			for ax := range tap[1:] {
				to[2+ax] = at[2+ax]*o.Strides[ax] + tap[1+ax]*o.Dilations[ax] - o.Begin[ax]
				if to[2+ax] < 0 || to[2+ax] >= out.Shape[2+ax] {
					return
				}
			}
			out.Data[offset(out.Shape, to)] += x.at(at) * w.Data[at[1]*len(w.Data)/w.Shape[0]+offset(w.Shape[1:], tap)]
		})
	})
	return out
}

func biasOf(in []*Array, channel int) float64 {
	if len(in) > 2 && in[2] != nil {
		return in[2].Data[channel]
	}
	return 0
}
