package nets_test

import (
	"math"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/onnx/rewrite"
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

// TestTilesOfTheCompactNetwork holds minimal filtering equal on a whole network: in the probabilities, to 1e-4.
func TestTilesOfTheCompactNetwork(t *testing.T) {
	env := graphtest.OpenORT(t, 2)
	p, err := nets.FindPreset("compact", modelcard.Anatomy)
	if err != nil {
		t.Fatal(err)
	}
	g, noise, err := nets.Inference(p.Config)
	if err == nil {
		g, err = g.Bind(formulaWeights(g))
	}
	if err == nil {
		g, err = rewrite.All(g)
	}
	if err != nil {
		t.Fatal(err)
	}
	tiled, err := rewrite.TileConvs(g)
	if err != nil {
		t.Fatal(err)
	}
	if len(tiled.Nodes()) < len(g.Nodes())+20 {
		t.Errorf("tiles change %d nodes to %d: hardly a convolution was replaced", len(g.Nodes()), len(tiled.Nodes()))
	}
	in := formulaInputs(p.Config, noise)
	want, got := graphtest.Run(t, env, g, in)[nets.OutputName], graphtest.Run(t, env, tiled, in)[nets.OutputName]
	for i, v := range want.F32 {
		if d := math.Abs(float64(v - got.F32[i])); !(d <= 1e-4) {
			t.Fatalf("probability %d is %g with tiles, %g without", i, got.F32[i], v)
		}
	}
}
