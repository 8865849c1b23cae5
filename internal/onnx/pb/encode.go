package pb

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Encode writes m as a ModelProto. Tensors are streamed as raw_data from the slices they hold, so the
// memory needed beyond m does not grow with the weights. Fields are written in ascending order, which
// makes the bytes a function of m alone. The error is the writer's.
func (m *Model) Encode(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	head := part{}
	head.int64(1, m.IRVersion)
	head.string(2, m.ProducerName)
	head.string(3, m.ProducerVersion)
	head.string(6, m.Doc)
	graph := part{}
	if m.Graph != nil {
		graph = m.Graph.part()
	}
	head.message(7, graph)
	for _, o := range m.Opsets {
		p := part{}
		p.string(1, o.Domain)
		p.int64(2, o.Version)
		head.message(8, p)
	}
	for _, e := range m.Metadata {
		p := part{}
		p.string(1, e.Key)
		p.string(2, e.Value)
		head.message(14, p)
	}
	if err := head.write(out); err != nil {
		return err
	}
	return out.Flush()
}

func (g *Graph) part() part {
	p := part{}
	for _, n := range g.Nodes {
		p.message(1, n.part())
	}
	p.string(2, g.Name)
	for _, t := range g.Initializers {
		p.message(5, t.part())
	}
	for _, v := range g.Inputs {
		p.message(11, v.part())
	}
	for _, v := range g.Outputs {
		p.message(12, v.part())
	}
	return p
}

func (n *Node) part() part {
	p := part{}
	for _, s := range n.Inputs {
		p.bytes(1, s) // an omitted optional input is an empty string and keeps its place
	}
	for _, s := range n.Outputs {
		p.bytes(2, s)
	}
	p.string(3, n.Name)
	p.string(4, n.OpType)
	for i := range n.Attributes {
		p.message(5, n.Attributes[i].part())
	}
	p.string(7, n.Domain)
	return p
}

func (a *Attribute) part() part {
	p := part{}
	p.string(1, a.Name)
	switch a.Type {
	case AttrFloat:
		p.buf = protowire.AppendTag(p.buf, 2, protowire.Fixed32Type)
		p.buf = protowire.AppendFixed32(p.buf, math.Float32bits(a.F))
	case AttrInt:
		p.varint(3, a.I)
	case AttrString:
		p.bytes(4, a.S)
	case AttrTensor:
		p.message(5, a.T.part())
	case AttrFloats:
		for _, f := range a.Floats {
			p.buf = protowire.AppendTag(p.buf, 7, protowire.Fixed32Type)
			p.buf = protowire.AppendFixed32(p.buf, math.Float32bits(f))
		}
	case AttrInts:
		for _, i := range a.Ints {
			p.varint(8, i)
		}
	case AttrStrings:
		for _, s := range a.Strings {
			p.bytes(9, s)
		}
	}
	p.varint(20, int64(a.Type))
	return p
}

func (t *Tensor) part() part {
	p := part{}
	for _, d := range t.Dims {
		p.varint(1, d)
	}
	p.varint(2, int64(t.Type))
	p.string(8, t.Name)
	p.raw(9, t)
	return p
}

func (v *ValueInfo) part() part {
	shape := part{}
	for _, d := range v.Dims {
		dim := part{}
		if d >= 0 {
			dim.varint(1, d)
		}
		shape.message(1, dim)
	}
	tensorType, typ, p := part{}, part{}, part{}
	tensorType.varint(1, int64(v.Type))
	tensorType.message(2, shape)
	typ.message(1, tensorType)
	p.string(1, v.Name)
	p.message(2, typ)
	return p
}

// part is a message being put together: small bytes held here, element data referred to by chunks.
type part struct {
	buf    []byte
	chunks []chunk
}

// chunk is element data to be written after the first `at` bytes of a part's buffer.
type chunk struct {
	at int
	t  *Tensor
}

func (p *part) int64(num protowire.Number, v int64) {
	if v != 0 {
		p.varint(num, v)
	}
}

func (p *part) varint(num protowire.Number, v int64) {
	p.buf = protowire.AppendTag(p.buf, num, protowire.VarintType)
	p.buf = protowire.AppendVarint(p.buf, uint64(v))
}

func (p *part) string(num protowire.Number, s string) {
	if s != "" {
		p.bytes(num, s)
	}
}

func (p *part) bytes(num protowire.Number, s string) {
	p.buf = protowire.AppendTag(p.buf, num, protowire.BytesType)
	p.buf = protowire.AppendString(p.buf, s)
}

func (p *part) raw(num protowire.Number, t *Tensor) {
	p.buf = protowire.AppendTag(p.buf, num, protowire.BytesType)
	p.buf = protowire.AppendVarint(p.buf, uint64(t.rawSize()))
	p.chunks = append(p.chunks, chunk{len(p.buf), t})
}

func (p *part) message(num protowire.Number, sub part) {
	p.buf = protowire.AppendTag(p.buf, num, protowire.BytesType)
	p.buf = protowire.AppendVarint(p.buf, uint64(sub.size()))
	for _, c := range sub.chunks {
		p.chunks = append(p.chunks, chunk{len(p.buf) + c.at, c.t})
	}
	p.buf = append(p.buf, sub.buf...)
}

func (p *part) size() int {
	n := len(p.buf)
	for _, c := range p.chunks {
		n += c.t.rawSize()
	}
	return n
}

func (p *part) write(w *bufio.Writer) error {
	done := 0
	for _, c := range p.chunks {
		if _, err := w.Write(p.buf[done:c.at]); err != nil {
			return err
		}
		done = c.at
		if err := c.t.writeRaw(w); err != nil {
			return err
		}
	}
	_, err := w.Write(p.buf[done:])
	return err
}

func (t *Tensor) rawSize() int {
	if t.Type == Float16 {
		return 2 * len(t.F32)
	}
	return 4*len(t.F32) + 8*len(t.I64) + len(t.U8)
}

func (t *Tensor) writeRaw(w *bufio.Writer) error {
	var word [8]byte
	for _, v := range t.F32 {
		size := 4
		if t.Type == Float16 {
			size = 2
			binary.LittleEndian.PutUint16(word[:], Half(v))
		} else {
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
		}
		if _, err := w.Write(word[:size]); err != nil {
			return err
		}
	}
	for _, v := range t.I64 {
		binary.LittleEndian.PutUint64(word[:], uint64(v))
		if _, err := w.Write(word[:]); err != nil {
			return err
		}
	}
	_, err := w.Write(t.U8)
	return err
}
