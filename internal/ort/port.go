package ort

import (
	"fmt"
	"slices"

	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/tensor"
)

// Port is one input or output of a model.
type Port struct {
	Name  string
	Type  tensor.DType
	Shape []int // −1 where the model leaves a dimension open
}

func (p Port) String() string { return fmt.Sprintf("%s %v%v", p.Name, p.Type, p.Shape) }

// static reports whether the shape is known before a run.
func (p Port) static() bool { return !slices.Contains(p.Shape, -1) }

// fits says why a tensor cannot be fed to the port, or "".
func (p Port) fits(t *tensor.Tensor) string {
	switch {
	case t == nil:
		return "is missing"
	case t.Type != p.Type:
		return fmt.Sprintf("is %v, want %v", t.Type, p.Type)
	case len(t.Shape) != len(p.Shape):
		return fmt.Sprintf("has shape %v, want %v", t.Shape, p.Shape)
	case elements(t) != t.Count() || t.Count() <= 0:
		return fmt.Sprintf("holds %d elements, its shape %v has %d", elements(t), t.Shape, t.Count())
	}
	for a, want := range p.Shape {
		if t.Shape[a] <= 0 || (want >= 0 && t.Shape[a] != want) {
			return fmt.Sprintf("has shape %v, want %v", t.Shape, p.Shape)
		}
	}
	return ""
}

func elements(t *tensor.Tensor) int {
	switch t.Type {
	case tensor.Float32:
		return len(t.F32)
	case tensor.Bool:
		return len(t.U8)
	case tensor.Int64:
		return len(t.I64)
	}
	return -1
}

// maxElements bounds a tensor's elements (4 GiB of float32), so that a damaged file cannot ask for more.
const maxElements = 1 << 30

// ports reads a model's inputs and outputs from its bytes. ONNX Runtime would tell them too, but
// the Go wrapper must build and optimise a whole session for the answer.
func ports(onnx []byte) (in, out []Port, err error) {
	ins, outs, err := pb.Signature(onnx)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if len(ins) == 0 || len(outs) == 0 {
		return nil, nil, fmt.Errorf("%w: its graph has %d inputs and %d outputs", ErrModel, len(ins), len(outs))
	}
	if in, err = portsOf(ins); err != nil {
		return nil, nil, err
	}
	out, err = portsOf(outs)
	return in, out, err
}

func portsOf(values []pb.ValueInfo) ([]Port, error) {
	all := make([]Port, 0, len(values))
	for _, v := range values {
		t, ok := map[pb.DataType]tensor.DType{pb.Float: tensor.Float32, pb.Int64: tensor.Int64, pb.Bool: tensor.Bool}[v.Type]
		if !ok {
			return nil, fmt.Errorf("%w: %q has ONNX element type %d; float32, int64 and bool can be used", ErrModel, v.Name, v.Type)
		}
		p := Port{Name: v.Name, Type: t}
		n := int64(1)
		for _, d := range v.Dims {
			if d == 0 || d < -1 || (d > 0 && n > maxElements/d) {
				return nil, fmt.Errorf("%w: %q has shape %v, which this program cannot hold", ErrModel, v.Name, v.Dims)
			}
			n *= max(d, 1)
			p.Shape = append(p.Shape, int(d))
		}
		all = append(all, p)
	}
	return all, nil
}
