package graph

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/tensor"
)

// Decode reads an ONNX model of operators in the table, with static shapes, and infers every shape
// anew. What is not ONNX gives an error of package pb; an operator, an operator-set version or a shape
// that is not handled gives [ErrGraph] and is named. Nodes that serve no output are dropped.
func Decode(r io.Reader) (*Graph, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return DecodeBytes(data)
}

// DecodeBytes is [Decode] for a file that is in memory; data is not kept.
func DecodeBytes(data []byte) (*Graph, error) {
	m, err := pb.Decode(data)
	if err != nil {
		return nil, err
	}
	for _, o := range m.Opsets {
		if o.Domain != "" && o.Domain != "ai.onnx" {
			continue // a node of another domain is refused by its operator
		}
		if o.Version != Opset {
			return nil, fmt.Errorf("%w: the file uses ONNX operator set %d, this program reads %d", ErrGraph, o.Version, Opset)
		}
	}
	return Build(m.Graph.Name, func(b *Builder) {
		d := decoder{b: b, values: map[string]*Node{}, halves: map[string]bool{}, done: map[*pb.Node]bool{}}
		d.declare(m.Graph)
		for _, n := range m.Graph.Nodes {
			if !d.done[n] {
				d.node(n)
			}
		}
		for _, o := range m.Graph.Outputs {
			d.output(o)
		}
		for _, e := range m.Metadata {
			b.Metadata(e.Key, e.Value)
		}
	})
}

// decoder turns one file's names into nodes.
type decoder struct {
	b      *Builder
	values map[string]*Node
	halves map[string]bool   // names of float16 weights, which a Cast makes float32
	done   map[*pb.Node]bool // such Casts: each is a parameter already
}

// declare makes the inputs and initialisers.
func (d *decoder) declare(g *pb.Graph) {
	held := map[string]bool{}
	for _, t := range g.Initializers {
		held[t.Name] = true
	}
	for _, v := range g.Inputs {
		if held[v.Name] {
			continue // old files list initialisers among the inputs
		}
		typ, ok := typeOf(v.Type)
		if !ok {
			d.b.Fail("input %q has element type %d", v.Name, v.Type)
		}
		d.values[v.Name] = d.b.Input(v.Name, typ, d.shape(v.Name, v.Dims)...)
	}
	casts := castsToFloat32(g.Nodes)
	for _, t := range g.Initializers {
		if t.Type == pb.Float16 {
			d.declareHalf(t, casts[t.Name])
			continue
		}
		typ, _ := typeOf(t.Type)
		d.leaf(t.Name, &tensor.Tensor{Shape: d.shape(t.Name, t.Dims), Type: typ, F32: t.F32, I64: t.I64, U8: t.U8})
	}
}

// leaf makes a parameter, or a constant where the name says so.
func (d *decoder) leaf(name string, data *tensor.Tensor) {
	op := OpParam
	if strings.HasPrefix(name, ConstPrefix) {
		op = OpConst
	}
	d.b.claim(name)
	n := &Node{name: name, op: op, typ: data.Type, shape: data.Shape, data: data}
	d.b.nodes = append(d.b.nodes, n)
	d.values[name] = n
}

func (d *decoder) node(p *pb.Node) {
	if p.Domain != "" && p.Domain != "ai.onnx" {
		d.b.Fail("node %q: operator %q of domain %q is not handled", p.Name, p.OpType, p.Domain)
	}
	if len(p.Outputs) != 1 {
		d.b.Fail("node %q (%q) has %d outputs, only one is handled", p.Name, p.OpType, len(p.Outputs))
	}
	in := make([]*Node, len(p.Inputs))
	for i, name := range p.Inputs {
		if name == "" {
			continue
		}
		if d.halves[name] {
			d.b.Fail("node %q (%q) reads the float16 weights %q; only a Cast to float32 may", p.Name, p.OpType, name)
		}
		if in[i] = d.values[name]; in[i] == nil {
			d.b.Fail("node %q (%q) reads %q, which nothing before it makes", p.Name, p.OpType, name)
		}
	}
	attrs := Attrs{}
	for _, a := range p.Attributes {
		attrs[a.Name] = d.attr(p, a)
	}
	name := p.Outputs[0]
	d.b.claim(name)
	d.values[name] = d.b.named(name, p.OpType, attrs, in...)
}

func (d *decoder) attr(p *pb.Node, a pb.Attribute) any {
	switch a.Type {
	case pb.AttrInt:
		return int(a.I)
	case pb.AttrFloat:
		return a.F
	case pb.AttrString:
		return a.S
	case pb.AttrInts:
		out := make([]int, len(a.Ints))
		for i, v := range a.Ints {
			out[i] = int(v)
		}
		return out
	}
	d.b.Fail("node %q (%q): attribute %q is of a kind not handled (%d)", p.Name, p.OpType, a.Name, a.Type)
	return nil
}

func (d *decoder) output(v pb.ValueInfo) {
	n := d.values[v.Name]
	if n == nil {
		d.b.Fail("output %q is made by no node", v.Name)
	}
	typ, ok := typeOf(v.Type)
	if !ok || typ != n.typ || (v.Dims != nil && !slices.Equal(v.Dims, dims(n.shape))) {
		d.b.Fail("output %q is declared as %v, but it is %s", v.Name, v.Dims, n)
	}
	d.b.outputs = append(d.b.outputs, n)
}

func (d *decoder) shape(name string, in []int64) []int {
	if len(in) > maxRank {
		d.b.Fail("%q has %d axes, where %d are the most", name, len(in), maxRank)
	}
	out := make([]int, len(in))
	for i, v := range in {
		if v < 1 || v > 1<<36 {
			d.b.Fail("%q has shape %v; every extent must be fixed and positive", name, in)
		}
		out[i] = int(v)
	}
	return out
}

func typeOf(t pb.DataType) (tensor.DType, bool) {
	for typ, code := range pbTypes {
		if code == t {
			return typ, true
		}
	}
	return 0, false
}
