package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	lib "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"bayeslice/internal/geom"
)

// attrs are the decoded elements of one data set or sequence item.
type attrs map[tag.Tag]lib.Value

// decode hands what the sieve kept to the library. The library may panic on values it does not
// expect; that becomes [ErrMalformed].
func decode(s *sieved) (a attrs, err error) {
	defer func() {
		if recover() != nil {
			a, err = nil, fmt.Errorf("%w: the decoder gave up", ErrMalformed)
		}
	}()
	uid := explicitLE
	if s.syntax.order == binary.BigEndian {
		uid = explicitBE
	}
	if len(uid)%2 == 1 {
		uid += "\x00"
	}
	var b bytes.Buffer
	b.Write(make([]byte, 128))
	b.WriteString("DICM\x02\x00\x00\x00UL\x04\x00")
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(8+len(uid))))
	b.WriteString("\x02\x00\x10\x00UI")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(uid))))
	b.WriteString(uid)
	b.Write(s.kept)
	set, err := lib.Parse(&b, int64(b.Len()), nil, lib.AllowUnknownSpecificCharacterSet())
	if err != nil {
		return nil, fmt.Errorf("%w: its elements cannot be decoded", ErrMalformed)
	}
	return toAttrs(set.Elements), nil
}

// toAttrs indexes elements; of a repeated tag the first counts.
func toAttrs(elements []*lib.Element) attrs {
	a := make(attrs, len(elements))
	for _, e := range elements {
		if _, twice := a[e.Tag]; !twice {
			a[e.Tag] = e.Value
		}
	}
	return a
}

// texts returns a value as strings, whatever VR it was stored with; nil where absent or empty.
func (a attrs) texts(t tag.Tag) []string {
	v, ok := a[t]
	if !ok {
		return nil
	}
	var out []string
	switch x := v.GetValue().(type) {
	case []string:
		out = x
	case []int:
		for _, n := range x {
			out = append(out, strconv.Itoa(n))
		}
	case []float64:
		for _, f := range x {
			out = append(out, strconv.FormatFloat(f, 'g', -1, 64))
		}
	case []byte:
		out = strings.Split(string(x), "\\")
	}
	empty := true
	trimmed := make([]string, len(out))
	for i, s := range out {
		trimmed[i] = strings.Trim(s, " \x00\r\n\t")
		empty = empty && trimmed[i] == ""
	}
	if empty {
		return nil
	}
	return trimmed
}

// text returns the first string of a value, "" where absent.
func (a attrs) text(t tag.Tag) string {
	if s := a.texts(t); len(s) > 0 {
		return s[0]
	}
	return ""
}

// numbers returns a value as finite numbers; ok is false where it is absent or any part is not one.
func (a attrs) numbers(t tag.Tag) (out []float64, ok bool) {
	for _, s := range a.texts(t) {
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, false
		}
		out = append(out, f)
	}
	return out, len(out) > 0
}

// number returns the first number of a value, or otherwise.
func (a attrs) number(t tag.Tag, otherwise float64) float64 {
	if n, ok := a.numbers(t); ok {
		return n[0]
	}
	return otherwise
}

// integer returns the first number of a value as an integer, or otherwise where it is none or huge.
func (a attrs) integer(t tag.Tag, otherwise int) int {
	f := a.number(t, math.NaN())
	if math.IsNaN(f) || math.Abs(f) > 1<<31-1 || f != math.Trunc(f) {
		return otherwise
	}
	return int(f)
}

// vector returns three numbers.
func (a attrs) vector(t tag.Tag) (geom.Vec3, bool) {
	n, ok := a.numbers(t)
	if !ok || len(n) != 3 {
		return geom.Vec3{}, false
	}
	return geom.Vec3{n[0], n[1], n[2]}, true
}

// items returns the items of a sequence.
func (a attrs) items(t tag.Tag) []attrs {
	v, ok := a[t]
	if !ok {
		return nil
	}
	seq, ok := v.GetValue().([]*lib.SequenceItemValue)
	if !ok {
		return nil
	}
	out := make([]attrs, 0, len(seq))
	for _, item := range seq {
		if elements, ok := item.GetValue().([]*lib.Element); ok {
			out = append(out, toAttrs(elements))
		}
	}
	return out
}

// item returns the first item of a sequence, nil where there is none (reading from nil attrs finds nothing).
func (a attrs) item(t tag.Tag) attrs {
	if it := a.items(t); len(it) > 0 {
		return it[0]
	}
	return nil
}
