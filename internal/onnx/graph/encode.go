package graph

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/tensor"
)

// Producer stands in the files as the program that wrote them.
const Producer = "bayeslice"

var pbTypes = map[tensor.DType]pb.DataType{tensor.Float32: pb.Float, tensor.Int64: pb.Int64, tensor.Bool: pb.Bool}

// Encode writes the graph as an ONNX model. All parameters must be bound. Equal graphs give equal
// bytes. Weights are streamed: the memory needed does not grow with them.
func (g *Graph) Encode(w io.Writer) error {
	m, err := g.model()
	if err != nil {
		return err
	}
	return m.Encode(w)
}

// EncodeBytes is [Graph.Encode] into memory, of which it takes no more than the bytes need.
func (g *Graph) EncodeBytes() ([]byte, error) {
	m, err := g.model()
	if err != nil {
		return nil, err
	}
	var n counted
	if err := m.Encode(&n); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, n))
	if err := m.Encode(out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// counted counts what is written to it.
type counted int

func (n *counted) Write(b []byte) (int, error) {
	*n += counted(len(b))
	return len(b), nil
}

func (g *Graph) model() (*pb.Model, error) {
	m := &pb.Model{IRVersion: IRVersion, ProducerName: Producer, Opsets: []pb.Opset{{Version: Opset}}, Graph: &pb.Graph{Name: g.name}}
	for _, k := range slices.Sorted(maps.Keys(g.metadata)) {
		m.Metadata = append(m.Metadata, pb.Entry{Key: k, Value: g.metadata[k]})
	}
	for _, n := range g.nodes {
		switch n.op {
		case OpInput:
			m.Graph.Inputs = append(m.Graph.Inputs, n.valueInfo())
		case OpParam, OpConst:
			if n.data == nil {
				return nil, fmt.Errorf("%w: parameter %q has no elements; bind weights before writing", ErrGraph, n.name)
			}
			m.Graph.Initializers = append(m.Graph.Initializers, &pb.Tensor{Name: n.name, Dims: dims(n.shape), Type: pbTypes[n.typ],
				F32: n.data.F32, I64: n.data.I64, U8: n.data.U8})
		default:
			m.Graph.Nodes = append(m.Graph.Nodes, n.proto())
		}
	}
	for _, o := range g.outputs {
		m.Graph.Outputs = append(m.Graph.Outputs, o.valueInfo())
	}
	return m, nil
}

func (n *Node) valueInfo() pb.ValueInfo {
	return pb.ValueInfo{Name: n.name, Type: pbTypes[n.typ], Dims: dims(n.shape)}
}

func (n *Node) proto() *pb.Node {
	p := &pb.Node{Name: n.name, OpType: n.op, Outputs: []string{n.name}}
	for _, in := range n.in {
		name := ""
		if in != nil {
			name = in.name
		}
		p.Inputs = append(p.Inputs, name)
	}
	for _, name := range slices.Sorted(maps.Keys(n.attrs)) {
		a := pb.Attribute{Name: name}
		switch v := n.attrs[name].(type) {
		case int:
			a.Type, a.I = pb.AttrInt, int64(v)
		case float32:
			a.Type, a.F = pb.AttrFloat, v
		case string:
			a.Type, a.S = pb.AttrString, v
		case []int:
			a.Type, a.Ints = pb.AttrInts, dims(v)
		}
		p.Attributes = append(p.Attributes, a)
	}
	return p
}

func dims(shape []int) []int64 {
	out := make([]int64, len(shape))
	for i, d := range shape {
		out[i] = int64(d)
	}
	return out
}
