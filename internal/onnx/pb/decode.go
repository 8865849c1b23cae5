package pb

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Decode reads a ModelProto. It never panics, whatever the bytes, and allocates memory in proportion
// to len(data) only. Strings and elements are copied, so data may be reused afterwards. Unknown fields
// that cannot change the result (documentation, annotations) are skipped.
func Decode(data []byte) (*Model, error) {
	m := &Model{}
	err := message(data, "model", func(f field) (err error) {
		switch f.num {
		case 1:
			return f.int64(&m.IRVersion)
		case 2:
			return f.string(&m.ProducerName)
		case 3:
			return f.string(&m.ProducerVersion)
		case 6:
			return f.string(&m.Doc)
		case 7:
			if m.Graph != nil {
				return fmt.Errorf("%w: two graphs", ErrMalformed)
			}
			m.Graph = &Graph{}
			return f.message(m.Graph.decode)
		case 8:
			if err := room(len(m.Opsets), maxEntries, "operator sets"); err != nil {
				return err
			}
			m.Opsets = append(m.Opsets, Opset{})
			return f.message(m.Opsets[len(m.Opsets)-1].decode)
		case 14:
			if err := room(len(m.Metadata), maxEntries, "metadata entries"); err != nil {
				return err
			}
			m.Metadata = append(m.Metadata, Entry{})
			return f.message(m.Metadata[len(m.Metadata)-1].decode)
		case 20, 25:
			return fmt.Errorf("%w: model field %d (training information or local functions)", ErrUnsupported, f.num)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if m.Graph == nil {
		return nil, fmt.Errorf("%w: it holds no graph", ErrMalformed)
	}
	return m, nil
}

func (o *Opset) decode(data []byte) error {
	return message(data, "operator set", func(f field) error {
		switch f.num {
		case 1:
			return f.name(&o.Domain)
		case 2:
			return f.int64(&o.Version)
		}
		return nil
	})
}

func (e *Entry) decode(data []byte) error {
	return message(data, "metadata", func(f field) error {
		switch f.num {
		case 1:
			return f.string(&e.Key)
		case 2:
			return f.string(&e.Value)
		}
		return nil
	})
}

func (g *Graph) decode(data []byte) error {
	return message(data, "graph", func(f field) error {
		switch f.num {
		case 1:
			if err := room(len(g.Nodes), maxParts, "nodes"); err != nil {
				return err
			}
			n := &Node{}
			g.Nodes = append(g.Nodes, n)
			return f.message(n.decode)
		case 2:
			return f.name(&g.Name)
		case 5:
			if err := room(len(g.Initializers), maxParts, "tensors"); err != nil {
				return err
			}
			t := &Tensor{}
			g.Initializers = append(g.Initializers, t)
			return f.message(t.decode)
		case 11:
			if err := room(len(g.Inputs), maxParts, "inputs"); err != nil {
				return err
			}
			g.Inputs = append(g.Inputs, ValueInfo{})
			return f.message(g.Inputs[len(g.Inputs)-1].decode)
		case 12:
			if err := room(len(g.Outputs), maxParts, "outputs"); err != nil {
				return err
			}
			g.Outputs = append(g.Outputs, ValueInfo{})
			return f.message(g.Outputs[len(g.Outputs)-1].decode)
		case 15:
			return fmt.Errorf("%w: sparse initialisers", ErrUnsupported)
		}
		return nil
	})
}

func (n *Node) decode(data []byte) error {
	err := message(data, "node", func(f field) error {
		switch f.num {
		case 1:
			return f.appendName(&n.Inputs)
		case 2:
			return f.appendName(&n.Outputs)
		case 3:
			return f.name(&n.Name)
		case 4:
			return f.name(&n.OpType)
		case 5:
			if err := room(len(n.Attributes), maxAttributes, "attributes"); err != nil {
				return err
			}
			n.Attributes = append(n.Attributes, Attribute{})
			return f.message(n.Attributes[len(n.Attributes)-1].decode)
		case 7:
			return f.name(&n.Domain)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("node %q (%q): %w", n.Name, n.OpType, err)
	}
	return nil
}

func (a *Attribute) decode(data []byte) error {
	err := message(data, "attribute", func(f field) error {
		switch f.num {
		case 1:
			return f.name(&a.Name)
		case 2:
			return f.float(&a.F)
		case 3:
			return f.int64(&a.I)
		case 4:
			return f.name(&a.S)
		case 5:
			a.T = &Tensor{}
			return f.message(a.T.decode)
		case 7:
			return f.floats(&a.Floats)
		case 8:
			return f.list(&a.Ints)
		case 9:
			return f.appendName(&a.Strings)
		case 6, 10, 11, 21:
			return fmt.Errorf("%w: attribute %q holds a sub-graph, a list of tensors or a reference", ErrUnsupported, a.Name)
		case 20:
			var v int64
			err := f.int64(&v)
			a.Type = AttributeType(v)
			return err
		}
		return nil
	})
	if err == nil && a.Type == AttrTensor && a.T == nil {
		return fmt.Errorf("%w: attribute %q says it holds a tensor and holds none", ErrMalformed, a.Name)
	}
	return err
}

func (v *ValueInfo) decode(data []byte) error {
	return message(data, "value", func(f field) error {
		switch f.num {
		case 1:
			return f.name(&v.Name)
		case 2:
			return f.message(v.decodeType)
		}
		return nil
	})
}

func (v *ValueInfo) decodeType(data []byte) error {
	return message(data, "type", func(f field) error {
		if f.num == 6 { // denotation, a comment
			return nil
		}
		if f.num != 1 {
			return fmt.Errorf("%w: value %q is not a dense tensor", ErrUnsupported, v.Name)
		}
		return f.message(func(data []byte) error {
			return message(data, "tensor type", func(f field) error {
				switch f.num {
				case 1:
					var t int64
					err := f.int64(&t)
					v.Type = DataType(t)
					return err
				case 2:
					return f.message(v.decodeShape)
				}
				return nil
			})
		})
	})
}

func (v *ValueInfo) decodeShape(data []byte) error {
	return message(data, "shape", func(f field) error {
		if f.num != 1 {
			return nil
		}
		if err := room(len(v.Dims), maxList, "axes"); err != nil {
			return err
		}
		dim := int64(-1)
		err := f.message(func(data []byte) error {
			return message(data, "dimension", func(f field) error {
				if f.num == 1 {
					return f.int64(&dim)
				}
				return nil
			})
		})
		v.Dims = append(v.Dims, dim)
		return err
	})
}

// tensorParts are the fields of a TensorProto before they are known to agree.
type tensorParts struct {
	raw    []byte
	hasRaw bool
	f32    []float32
	i64    []int64
	i32    []int64
}

func (t *Tensor) decode(data []byte) error {
	var p tensorParts
	err := message(data, "tensor", func(f field) error {
		switch f.num {
		case 1:
			return f.list(&t.Dims)
		case 2:
			var v int64
			err := f.int64(&v)
			t.Type = DataType(v)
			return err
		case 4:
			return f.floats(&p.f32)
		case 5:
			return f.int64s(&p.i32)
		case 7:
			return f.int64s(&p.i64)
		case 8:
			return f.name(&t.Name)
		case 9:
			p.hasRaw = true
			return f.bytes(&p.raw)
		case 13:
			return ErrExternalData
		case 14:
			var where int64
			if err := f.int64(&where); err != nil || where == 0 {
				return err
			}
			return ErrExternalData
		case 3, 6, 10, 11:
			return fmt.Errorf("%w: tensor field %d (segments, strings, doubles or unsigned integers)", ErrUnsupported, f.num)
		}
		return nil
	})
	if err == nil {
		err = t.fill(p)
	}
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return nil
}

// fill checks that the elements fit the dimensions and puts them where Type says.
func (t *Tensor) fill(p tensorParts) error {
	count, err := elements(t.Dims)
	if err != nil {
		return err
	}
	size := map[DataType]int{Float: 4, Int64: 8, Bool: 1, Float16: 2}[t.Type]
	if size == 0 {
		return fmt.Errorf("%w: element type %d", ErrUnsupported, t.Type)
	}
	got := map[DataType]int{Float: len(p.f32), Int64: len(p.i64), Bool: len(p.i32), Float16: len(p.i32)}[t.Type]
	if p.hasRaw {
		if len(p.raw)%size != 0 {
			return fmt.Errorf("%w: %d bytes are no whole number of elements", ErrMalformed, len(p.raw))
		}
		got = len(p.raw) / size
	}
	if int64(got) != count {
		return fmt.Errorf("%w: %d elements where dimensions %v ask for %d", ErrMalformed, got, t.Dims, count)
	}
	if p.hasRaw {
		t.takeRaw(p.raw, got)
	} else {
		t.takeTyped(p)
	}
	return nil
}

// takeRaw takes n elements from little-endian bytes.
func (t *Tensor) takeRaw(raw []byte, n int) {
	switch t.Type {
	case Float:
		t.F32 = floatsFrom(raw)
	case Float16:
		t.F32 = make([]float32, n)
		for i := range t.F32 {
			t.F32[i] = FromHalf(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	case Int64:
		t.I64 = make([]int64, n)
		for i := range t.I64 {
			t.I64[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	case Bool:
		t.U8 = make([]uint8, n)
		for i, b := range raw {
			t.U8[i] = min(b, 1)
		}
	}
}

// takeTyped takes the elements from the field that other writers use for the type. Float16 numbers lie
// there as their bits.
func (t *Tensor) takeTyped(p tensorParts) {
	switch t.Type {
	case Float:
		t.F32 = p.f32
	case Float16:
		t.F32 = make([]float32, len(p.i32))
		for i, bits := range p.i32 {
			t.F32[i] = FromHalf(uint16(bits))
		}
	case Int64:
		t.I64 = p.i64
	case Bool:
		t.U8 = make([]uint8, len(p.i32))
		for i, b := range p.i32 {
			if b != 0 {
				t.U8[i] = 1
			}
		}
	}
}

// elements multiplies dimensions, refusing negative ones and products beyond 2⁴⁰.
func elements(dims []int64) (int64, error) {
	n := int64(1)
	for _, d := range dims {
		if d < 0 || (d > 0 && n > (1<<40)/d) {
			return 0, fmt.Errorf("%w: dimensions %v", ErrMalformed, dims)
		}
		n *= d
	}
	return n, nil
}

func floatsFrom(raw []byte) []float32 {
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// field is one field of a message: a number in u (varint, fixed) or bytes in b.
type field struct {
	num protowire.Number
	typ protowire.Type
	u   uint64
	b   []byte
}

// message calls visit for every field of a message in file order.
func message(data []byte, what string, visit func(field) error) error {
	for len(data) > 0 {
		f := field{}
		var n int
		if f.num, f.typ, n = protowire.ConsumeTag(data); n < 0 {
			return fmt.Errorf("%w: %s: %w", ErrMalformed, what, protowire.ParseError(n))
		}
		data = data[n:]
		switch f.typ {
		case protowire.VarintType:
			f.u, n = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(data)
			f.u = uint64(v)
		case protowire.Fixed64Type:
			f.u, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			f.b, n = protowire.ConsumeBytes(data)
		default:
			return fmt.Errorf("%w: %s: field %d is a group", ErrMalformed, what, f.num)
		}
		if n < 0 {
			return fmt.Errorf("%w: %s: field %d: %w", ErrMalformed, what, f.num, protowire.ParseError(n))
		}
		data = data[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return fmt.Errorf("%w: field %d has wire type %d instead of %d", ErrMalformed, f.num, f.typ, typ)
	}
	return nil
}

func (f field) int64(to *int64) error {
	*to = int64(f.u)
	return f.want(protowire.VarintType)
}

func (f field) float(to *float32) error {
	*to = math.Float32frombits(uint32(f.u))
	return f.want(protowire.Fixed32Type)
}

func (f field) bytes(to *[]byte) error {
	*to = f.b
	return f.want(protowire.BytesType)
}

func (f field) string(to *string) error {
	*to = string(f.b)
	return f.want(protowire.BytesType)
}

func (f field) message(decode func([]byte) error) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	return decode(f.b)
}

// int64s reads a repeated integer, packed or not.
func (f field) int64s(to *[]int64) error {
	if f.typ == protowire.VarintType {
		*to = append(*to, int64(f.u))
		return nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	for b := f.b; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return fmt.Errorf("%w: field %d: %w", ErrMalformed, f.num, protowire.ParseError(n))
		}
		*to = append(*to, int64(v))
		b = b[n:]
	}
	return nil
}

// floats reads a repeated float, packed or not.
func (f field) floats(to *[]float32) error {
	if f.typ == protowire.Fixed32Type {
		*to = append(*to, math.Float32frombits(uint32(f.u)))
		return nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	if len(f.b)%4 != 0 {
		return fmt.Errorf("%w: field %d: %d bytes of floats", ErrMalformed, f.num, len(f.b))
	}
	*to = append(*to, floatsFrom(f.b)...)
	return nil
}
