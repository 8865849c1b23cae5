package nets_test

import (
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/tensor"
)

// formulaWeights gives every parameter of g its tensor.
func formulaWeights(g *graph.Graph) nets.Weights {
	w := nets.Weights{}
	for _, p := range g.Params() {
		w[p.Name()] = graphtest.Formula(p.Name(), p.Shape())
	}
	return w
}

// formulaInputs gives image, label and noise their tensors.
func formulaInputs(c nets.Config, noise []modelcard.Noise) map[string]*tensor.Tensor {
	in := map[string]*tensor.Tensor{}
	d, h, w := c.Size[0], c.Size[1], c.Size[2]
	in[nets.InputName] = graphtest.Formula(nets.InputName, []int{1, c.Channels, d, h, w})
	label := tensor.NewFloat32(1, c.Classes-1, d, h, w)
	for i, u := range graphtest.Uniform(nets.LabelName, d*h*w) {
		if class := int(u * float64(c.Classes)); class > 0 {
			label.F32[(class-1)*d*h*w+i] = 1
		}
	}
	in[nets.LabelName] = label
	for _, n := range noise {
		if n.Kind == modelcard.Normal {
			in[n.Name] = graphtest.Formula(n.Name, n.Shape)
			continue
		}
		mask := tensor.NewBool(n.Shape...)
		for i, u := range graphtest.Uniform(n.Name, mask.Count()) {
			if u < n.Keep {
				mask.U8[i] = 1
			}
		}
		in[n.Name] = mask
	}
	return in
}
