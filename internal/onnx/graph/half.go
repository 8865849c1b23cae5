package graph

import (
	"fmt"
	"io"
	"math"

	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/tensor"
)

// halfPrefix begins the name of what a file written by [Graph.EncodeHalf] holds for a kernel.
const halfPrefix = "half/"

// IsKernel reports whether a parameter of this shape is a kernel: it has two axes or more. Biases, and
// the scales and shifts of norms, have one.
func IsKernel(shape []int) bool { return len(shape) >= 2 }

// RoundHalf returns a copy of a float32 tensor with every element rounded to the nearest float16.
func RoundHalf(t *tensor.Tensor) *tensor.Tensor {
	out := tensor.NewFloat32(t.Shape...)
	for i, v := range t.F32 {
		out.F32[i] = pb.FromHalf(pb.Half(v))
	}
	return out
}

// EncodeHalf writes the graph as [Graph.Encode] does, but stores its kernels ([IsKernel]) as float16,
// rounded as by [RoundHalf], which takes half the space. In the file a Cast makes each of them float32
// again, so that any program computes as with the rounded weights, and [Decode] gives plain parameters
// back. A weight beyond the range of float16 gives [ErrGraph].
func (g *Graph) EncodeHalf(w io.Writer) error {
	m, err := g.model()
	if err != nil {
		return err
	}
	kernels, taken := map[string]bool{}, map[string]bool{}
	for _, n := range g.nodes {
		kernels[n.name] = n.op == OpParam && IsKernel(n.shape)
		taken[n.name] = true
	}
	var casts []*pb.Node
	for i, t := range m.Graph.Initializers {
		if !kernels[t.Name] {
			continue
		}
		half := *t
		half.Name, half.Type = halfPrefix+t.Name, pb.Float16
		if taken[half.Name] {
			return fmt.Errorf("%w: a node is named %q, so that the weights cannot be stored as float16", ErrGraph, half.Name)
		}
		if err := fitsHalf(t); err != nil {
			return err
		}
		m.Graph.Initializers[i] = &half
		casts = append(casts, &pb.Node{Name: t.Name, OpType: "Cast", Inputs: []string{half.Name}, Outputs: []string{t.Name},
			Attributes: []pb.Attribute{{Name: "to", Type: pb.AttrInt, I: int64(pb.Float)}}})
	}
	m.Graph.Nodes = append(casts, m.Graph.Nodes...)
	return m.Encode(w)
}

// fitsHalf checks that no finite weight becomes infinite as float16.
func fitsHalf(t *pb.Tensor) error {
	for _, v := range t.F32 {
		if rounded := float64(pb.FromHalf(pb.Half(v))); math.IsInf(rounded, 0) && !math.IsInf(float64(v), 0) {
			return fmt.Errorf("%w: parameter %q holds %g, and float16 ends at 65504", ErrGraph, t.Name, v)
		}
	}
	return nil
}

// declareHalf makes the parameters that Casts of float16 weights to float32 stand for in a file. What
// else reads the weights is refused by [decoder.node].
func (d *decoder) declareHalf(t *pb.Tensor, casts []*pb.Node) {
	d.b.claim(t.Name)
	d.halves[t.Name] = true
	for _, p := range casts {
		d.leaf(p.Outputs[0], &tensor.Tensor{Shape: d.shape(t.Name, t.Dims), Type: tensor.Float32, F32: t.F32})
		d.done[p] = true
	}
}

// castsToFloat32 lists, by what they read, the nodes that do nothing but make one value float32.
func castsToFloat32(nodes []*pb.Node) map[string][]*pb.Node {
	out := map[string][]*pb.Node{}
	for _, p := range nodes {
		if p.OpType != "Cast" || p.Domain != "" || len(p.Inputs) != 1 || len(p.Outputs) != 1 || len(p.Attributes) != 1 {
			continue
		}
		if to := p.Attributes[0]; to.Name == "to" && to.I == int64(pb.Float) {
			out[p.Inputs[0]] = append(out[p.Inputs[0]], p)
		}
	}
	return out
}
