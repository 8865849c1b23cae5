// Package dicomtest makes small DICOM files for tests, in every native encoding. It shares no code
// with the reader, so that it can serve as its opposite.
package dicomtest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Transfer syntaxes that [Encode] writes; any other UID is written as explicit VR little endian.
const (
	ImplicitLE = "1.2.840.10008.1.2"
	ExplicitLE = "1.2.840.10008.1.2.1"
	ExplicitBE = "1.2.840.10008.1.2.2"
	Deflated   = "1.2.840.10008.1.2.1.99"
)

// Element is one data element. Value is a string, []byte (as is), []uint16 (US, SS, OW), []float64
// (FD) or [][]Element (the items of an SQ).
type Element struct {
	Tag   uint32 // 0xGGGGEEEE
	VR    string
	Value any
}

// Encode returns a file with preamble, meta information and the elements in order of their tags;
// of elements with equal tags the last is written.
func Encode(syntax string, elements []Element) []byte {
	var out bytes.Buffer
	out.Write(make([]byte, 128))
	out.WriteString("DICM")
	meta := encoder{order: binary.LittleEndian}
	meta.element(Element{0x00020010, "UI", syntax})
	group := encoder{order: binary.LittleEndian}
	group.element(Element{0x00020000, "UL", binary.LittleEndian.AppendUint32(nil, uint32(meta.Len()))})
	out.Write(group.Bytes())
	out.Write(meta.Bytes())
	body := encoder{order: binary.LittleEndian, implicit: syntax == ImplicitLE}
	if syntax == ExplicitBE {
		body.order = binary.BigEndian
	}
	body.elements(elements)
	if syntax != Deflated {
		return append(out.Bytes(), body.Bytes()...)
	}
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is valid
	}
	_, werr := w.Write(body.Bytes())
	if cerr := w.Close(); werr != nil || cerr != nil {
		panic("dicomtest: a buffer does not fail")
	}
	return out.Bytes()
}

type encoder struct {
	bytes.Buffer
	order    binary.AppendByteOrder
	implicit bool
}

func (e *encoder) elements(list []Element) {
	byTag := map[uint32]Element{}
	for _, el := range list {
		byTag[el.Tag] = el
	}
	tags := make([]uint32, 0, len(byTag))
	for t := range byTag {
		tags = append(tags, t)
	}
	slices.Sort(tags)
	for _, t := range tags {
		e.element(byTag[t])
	}
}

func (e *encoder) element(el Element) {
	value := e.value(el)
	if len(value)%2 == 1 {
		pad := byte(' ')
		if el.VR == "UI" || el.VR == "OB" || el.VR == "UN" {
			pad = 0
		}
		value = append(value, pad)
	}
	e.tag(el.Tag)
	switch {
	case e.implicit:
		e.Write(e.order.AppendUint32(nil, uint32(len(value))))
	case slices.Contains([]string{"OB", "OW", "SQ", "UN", "UT"}, el.VR):
		e.WriteString(el.VR + "\x00\x00")
		e.Write(e.order.AppendUint32(nil, uint32(len(value))))
	default:
		e.WriteString(el.VR)
		e.Write(e.order.AppendUint16(nil, uint16(len(value))))
	}
	e.Write(value)
}

func (e *encoder) tag(t uint32) {
	e.Write(e.order.AppendUint16(nil, uint16(t>>16)))
	e.Write(e.order.AppendUint16(nil, uint16(t&0xFFFF)))
}

func (e *encoder) value(el Element) []byte {
	switch v := el.Value.(type) {
	case string:
		return []byte(v)
	case []byte:
		return v
	case []uint16:
		var out []byte
		for _, x := range v {
			out = e.order.AppendUint16(out, x)
		}
		return out
	case []float64:
		var out []byte
		for _, x := range v {
			out = e.order.AppendUint64(out, math.Float64bits(x))
		}
		return out
	case [][]Element:
		inner := encoder{order: e.order, implicit: e.implicit}
		for _, item := range v {
			content := encoder{order: e.order, implicit: e.implicit}
			content.elements(item)
			inner.tag(0xFFFEE000)
			inner.Write(e.order.AppendUint32(nil, uint32(content.Len())))
			inner.Write(content.Bytes())
		}
		return inner.Bytes()
	}
	panic(fmt.Sprintf("dicomtest: no encoding of %T", el.Value))
}

// Slice is a small MR image. The zero value of a field leaves its element out, but for those that
// [Slice.Elements] defaults.
type Slice struct {
	Study, Series, SOP  string // UIDs; defaults "1.2.3", "1.2.3.4", from Series, Instance and Position
	Number, Instance    int
	Description         string
	ImageType, Sequence string
	Position            [3]float64
	Orientation         [6]float64 // default axial
	PixelMM             float64    // default 0.5
	Columns, Rows       int        // default 4 × 3
	Pixels              []uint16   // default a ramp plus Instance
	TE, TR              float64
	Scanning            string
	Frame               string // FrameOfReferenceUID, default "1.2.3.9"
	Extra               []Element
}

// Elements returns the slice's data set; Extra overrides.
func (s Slice) Elements() []Element {
	def := func(v, otherwise string) string {
		if v == "" {
			return otherwise
		}
		return v
	}
	if s.Orientation == [6]float64{} {
		s.Orientation = [6]float64{1, 0, 0, 0, 1, 0}
	}
	if s.PixelMM == 0 {
		s.PixelMM = 0.5
	}
	if s.Columns == 0 {
		s.Columns, s.Rows = 4, 3
	}
	if s.Pixels == nil {
		for n := range s.Columns * s.Rows {
			s.Pixels = append(s.Pixels, uint16(n+s.Instance))
		}
	}
	s.Series = def(s.Series, "1.2.3.4")
	out := []Element{
		{0x00080008, "CS", def(s.ImageType, `ORIGINAL\PRIMARY\M`)}, {0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4"},
		{0x00080018, "UI", def(s.SOP, fmt.Sprintf("%s.%d.%d", s.Series, s.Instance, int(1000*(s.Position[0]+s.Position[1]+s.Position[2])+1e6)))},
		{0x00080060, "CS", "MR"}, {0x0008103E, "LO", s.Description}, {0x00100020, "LO", "P1"},
		{0x0020000D, "UI", def(s.Study, "1.2.3")}, {0x0020000E, "UI", s.Series},
		{0x00200011, "IS", fmt.Sprint(s.Number)}, {0x00200013, "IS", fmt.Sprint(s.Instance)},
		{0x00200032, "DS", join(s.Position[:])}, {0x00200037, "DS", join(s.Orientation[:])}, {0x00200052, "UI", def(s.Frame, "1.2.3.9")},
		{0x00280002, "US", []uint16{1}}, {0x00280004, "CS", "MONOCHROME2"},
		{0x00280010, "US", []uint16{uint16(s.Rows)}}, {0x00280011, "US", []uint16{uint16(s.Columns)}},
		{0x00280030, "DS", join([]float64{s.PixelMM, s.PixelMM})}, {0x00280100, "US", []uint16{16}}, {0x00280101, "US", []uint16{16}},
		{0x00280102, "US", []uint16{15}}, {0x00280103, "US", []uint16{0}}, {0x7FE00010, "OW", s.Pixels},
	}
	for _, o := range []Element{{0x00180020, "CS", s.Scanning}, {0x00180024, "SH", s.Sequence}} {
		if o.Value != "" {
			out = append(out, o)
		}
	}
	if s.TE > 0 {
		out = append(out, Element{0x00180081, "DS", fmt.Sprint(s.TE)}, Element{0x00180080, "DS", fmt.Sprint(s.TR)})
	}
	return append(out, s.Extra...)
}

// Bytes encodes the slice with explicit VR little endian.
func (s Slice) Bytes() []byte { return Encode(ExplicitLE, s.Elements()) }

func join(x []float64) string {
	parts := make([]string, len(x))
	for i, v := range x {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, `\`)
}
