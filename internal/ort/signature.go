package ort

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

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
		if want >= 0 && t.Shape[a] != want {
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

// Field numbers of onnx.proto that lead to the ports of a model.
const (
	modelGraph       = 7
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12
	initializerName  = 8
	valueName        = 1
	valueType        = 2
	typeTensor       = 1
	tensorElem       = 1
	tensorShape      = 2
	shapeDim         = 1
	dimValue         = 1
)

// signature reads a model's inputs and outputs from its bytes. ONNX Runtime would tell them too,
// but the Go wrapper must build and optimise a whole session for the answer.
func signature(onnx []byte) (in, out []Port, err error) {
	weights := map[string]bool{}
	err = fields(onnx, func(num protowire.Number, graph []byte) error {
		if num != modelGraph {
			return nil
		}
		return fields(graph, func(num protowire.Number, b []byte) error {
			switch num {
			case graphInput, graphOutput:
				p, err := readPort(b)
				if num == graphInput {
					in = append(in, p)
				} else {
					out = append(out, p)
				}
				return err
			case graphInitializer:
				return fields(b, func(num protowire.Number, name []byte) error {
					if num == initializerName {
						weights[string(name)] = true
					}
					return nil
				})
			}
			return nil
		})
	})
	// Old models list their weights among the inputs.
	in = slices.DeleteFunc(in, func(p Port) bool { return weights[p.Name] })
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: not an ONNX file: %w", ErrModel, err)
	case len(in) == 0 || len(out) == 0:
		return nil, nil, fmt.Errorf("%w: not a usable ONNX file: its graph has %d inputs and %d outputs", ErrModel, len(in), len(out))
	}
	return in, out, nil
}

func readPort(b []byte) (p Port, err error) {
	typed := false
	err = fields(b, func(num protowire.Number, v []byte) error {
		switch num {
		case valueName:
			p.Name = string(v)
		case valueType:
			return fields(v, func(num protowire.Number, v []byte) error {
				if num != typeTensor {
					return fmt.Errorf("%q is not a tensor", p.Name)
				}
				typed = true
				return readTensorType(v, &p)
			})
		}
		return nil
	})
	switch {
	case err != nil:
		return p, err
	case !typed:
		return p, fmt.Errorf("%q has no type", p.Name)
	}
	return p, p.checkSize()
}

func readTensorType(b []byte, p *Port) error {
	for len(b) > 0 {
		num, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if num == tensorElem && wire == protowire.VarintType {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return protowire.ParseError(n)
			}
			t, ok := map[uint64]tensor.DType{1: tensor.Float32, 7: tensor.Int64, 9: tensor.Bool}[v]
			if !ok {
				return fmt.Errorf("%q has ONNX element type %d; float32, int64 and bool can be used", p.Name, v)
			}
			p.Type = t
		}
		n = protowire.ConsumeFieldValue(num, wire, b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if num == tensorShape && wire == protowire.BytesType {
			shape, _ := protowire.ConsumeBytes(b)
			if err := readShape(shape, p); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}

func readShape(b []byte, p *Port) error {
	return fields(b, func(num protowire.Number, dim []byte) error {
		if num != shapeDim {
			return nil
		}
		size := -1
		for len(dim) > 0 {
			num, wire, n := protowire.ConsumeTag(dim)
			if n < 0 {
				return protowire.ParseError(n)
			}
			dim = dim[n:]
			if num == dimValue && wire == protowire.VarintType {
				v, _ := protowire.ConsumeVarint(dim)
				if v == 0 || v > maxElements {
					return fmt.Errorf("%q has a dimension of %d", p.Name, v)
				}
				size = int(v)
			}
			if n = protowire.ConsumeFieldValue(num, wire, dim); n < 0 {
				return protowire.ParseError(n)
			}
			dim = dim[n:]
		}
		p.Shape = append(p.Shape, size)
		return nil
	})
}

// checkSize refuses a shape that asks for more memory than any model needs.
func (p Port) checkSize() error {
	n := 1
	for _, d := range p.Shape {
		if d > 0 && n > maxElements/d {
			return fmt.Errorf("%q has shape %v, more than this program can hold", p.Name, p.Shape)
		}
		n *= max(d, 1)
	}
	return nil
}

// fields calls f with every length-delimited field of a message, and skips the others.
func fields(b []byte, f func(num protowire.Number, value []byte) error) error {
	for len(b) > 0 {
		num, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(num, wire, b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if wire == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(b)
			if err := f(num, value); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}
