package dicom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Bounds of the sieve. Values longer than maxValue are never needed here.
const (
	maxDepth    = 24      // nested sequences
	maxValue    = 1 << 16 // bytes of one kept value
	undefined   = 0xFFFFFFFF
	preambleLen = 132 // 128 bytes and "DICM"
)

// errMore asks for a longer prefix of the file.
var errMore = errors.New("dicom: prefix too short")

// pixelSpan is where the pixel data lie in the (inflated) file.
type pixelSpan struct {
	offset       int64
	length       int64 // bytes; where encapsulated, all that follow
	encapsulated bool
	vr           string // of the element; "" where implicit
}

// sieved is what is kept of a file: elements of interest re-encoded with explicit VR in the byte
// order of the source, text in UTF-8, ready for the library.
type sieved struct {
	syntax syntax
	kept   []byte
	pixels *pixelSpan // nil: no pixel data
}

// element is one data element as found in the file.
type element struct {
	tag    tag.Tag
	vr     string
	offset int64 // of the value
	length int64 // undefined: -1
}

// walker reads element headers from a prefix of a file, and never trusts a length.
type walker struct {
	data []byte // prefix of the file, or all of it
	size int64  // of the whole file
	syn  syntax
	text charset // of the data set
	keep func(t tag.Tag, depth int) bool
}

// bytesAt returns n bytes at off, [errMore] where they lie beyond the prefix, [ErrTruncated] beyond the file.
func (w *walker) bytesAt(off, n int64) ([]byte, error) {
	if n < 0 || off < 0 || off+n > w.size {
		return nil, fmt.Errorf("%w: %d bytes are needed at offset %d of %d", ErrTruncated, n, off, w.size)
	}
	if off+n > int64(len(w.data)) {
		return nil, errMore
	}
	return w.data[off : off+n], nil
}

// has32BitLength reports whether an explicit VR has two reserved bytes and a 32-bit length (PS3.5 7.1.2).
func has32BitLength(vr string) bool {
	switch vr {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return true
	}
	return false
}

// dictionaryVR returns the standard VR of a tag, "UN" for private and unknown ones.
func dictionaryVR(t tag.Tag) string {
	if info, err := tag.Find(t); err == nil && len(info.VRs) > 0 {
		return info.VRs[0]
	}
	return "UN"
}

// next reads the header of the element at off.
func (w *walker) next(off int64) (element, error) {
	b, err := w.bytesAt(off, 8)
	if err != nil {
		return element{}, err
	}
	o := w.syn.order
	e := element{tag: tag.Tag{Group: o.Uint16(b), Element: o.Uint16(b[2:])}, offset: off + 8}
	switch {
	case e.tag.Group == tag.GroupSeqItem:
		e.vr, e.length = "NA", int64(o.Uint32(b[4:]))
	case w.syn.implicit:
		e.vr, e.length = dictionaryVR(e.tag), int64(o.Uint32(b[4:]))
	default:
		e.vr, e.length = string(b[4:6]), int64(o.Uint16(b[6:]))
		if has32BitLength(e.vr) {
			if b, err = w.bytesAt(off+8, 4); err != nil {
				return element{}, err
			}
			e.length, e.offset = int64(o.Uint32(b)), off+12
		}
	}
	if e.length == undefined {
		e.length = -1
		return e, nil
	}
	if e.offset+e.length > w.size {
		return element{}, fmt.Errorf("%w: element %v claims %d bytes where %d are left", ErrTruncated, e.tag, e.length, w.size-e.offset)
	}
	return e, nil
}

// items calls each for every item of the sequence e and returns the offset after it. each gets the
// item's content as [from, to), to = -1 for an item of undefined length, and returns where it ended.
func (w *walker) items(e element, depth int, each func(from, to int64) (int64, error)) (int64, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("%w: sequences are nested more than %d deep", ErrMalformed, maxDepth)
	}
	off, end := e.offset, int64(-1)
	if e.length >= 0 {
		end = e.offset + e.length
	}
	for end < 0 || off < end {
		it, err := w.next(off)
		if err != nil {
			return 0, err
		}
		switch {
		case it.tag == tag.SequenceDelimitationItem:
			return it.offset, nil
		case it.tag != tag.Item:
			return 0, fmt.Errorf("%w: element %v where a sequence item is expected", ErrMalformed, it.tag)
		}
		to := int64(-1)
		if it.length >= 0 {
			to = it.offset + it.length
		}
		if end >= 0 && to > end {
			return 0, fmt.Errorf("%w: an item of %v is longer than the sequence", ErrMalformed, e.tag)
		}
		if off, err = each(it.offset, to); err != nil {
			return 0, err
		}
	}
	return off, nil
}

// skip returns the offset after e without keeping anything.
func (w *walker) skip(e element, depth int) (int64, error) {
	if e.length >= 0 {
		return e.offset + e.length, nil
	}
	inner := *w
	if e.vr == "UN" { // content of an unknown VR of undefined length is implicit little endian (PS3.5 6.2.2)
		inner.syn = syntaxOf(implicitLE)
	}
	return inner.items(e, depth, func(from, to int64) (int64, error) {
		if to >= 0 {
			return to, nil
		}
		return inner.elements(from, -1, depth+1, nil)
	})
}

// elements walks the elements of [from, to), or up to an item delimiter where to < 0, and
// re-encodes those that w.keep wants into dst (nil: none). It returns the offset after them.
func (w *walker) elements(from, to int64, depth int, dst *bytes.Buffer) (int64, error) {
	off := from
	for to < 0 || off < to {
		e, err := w.next(off)
		if err != nil {
			return 0, err
		}
		if to < 0 && e.tag == tag.ItemDelimitationItem {
			return e.offset, nil
		}
		if off, err = w.element(e, depth, dst); err != nil {
			return 0, err
		}
		if to >= 0 && off > to {
			return 0, fmt.Errorf("%w: element %v reaches beyond its item", ErrMalformed, e.tag)
		}
	}
	return off, nil
}

// element keeps or skips one element and returns the offset after it.
func (w *walker) element(e element, depth int, dst *bytes.Buffer) (int64, error) {
	if e.tag == tag.SpecificCharacterSet && depth == 0 && e.length >= 0 && e.length <= maxValue {
		value, err := w.bytesAt(e.offset, e.length)
		w.text = newCharset(value)
		return e.offset + e.length, err
	}
	if dst == nil || !w.keep(e.tag, depth) {
		return w.skip(e, depth)
	}
	if e.vr == "SQ" {
		return w.copySequence(e, depth, dst)
	}
	if e.length < 0 || e.length > maxValue {
		return w.skip(e, depth)
	}
	value, err := w.bytesAt(e.offset, e.length)
	if err != nil {
		return 0, err
	}
	if hasText(e.vr) {
		value = w.text.utf8Of(value, e.vr == "PN")
	}
	writeLeaf(dst, w.syn.order, e, value)
	return e.offset + e.length, nil
}

// copySequence re-encodes a sequence with undefined lengths throughout.
func (w *walker) copySequence(e element, depth int, dst *bytes.Buffer) (int64, error) {
	o := w.syn.order
	writeTag(dst, o, e.tag)
	dst.WriteString("SQ\x00\x00")
	dst.Write(appendUint32(o, undefined))
	off, err := w.items(e, depth, func(from, to int64) (int64, error) {
		writeTag(dst, o, tag.Item)
		dst.Write(appendUint32(o, undefined))
		end, err := w.elements(from, to, depth+1, dst)
		writeTag(dst, o, tag.ItemDelimitationItem)
		dst.Write([]byte{0, 0, 0, 0})
		return end, err
	})
	writeTag(dst, o, tag.SequenceDelimitationItem)
	dst.Write([]byte{0, 0, 0, 0})
	return off, err
}

// vrUnit is the value size of numeric VRs, and 1 for the text VRs that are kept; other VRs are left out.
var vrUnit = map[string]int64{
	"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8,
	"AE": 1, "AS": 1, "CS": 1, "DA": 1, "DS": 1, "DT": 1, "IS": 1, "LO": 1, "LT": 1, "PN": 1, "SH": 1,
	"ST": 1, "TM": 1, "UI": 1, "UT": 1, "OB": 1, "UN": 1,
}

// writeLeaf re-encodes a value element with explicit VR, or leaves it out where its length does
// not fit its VR. An unknown VR of a standard tag becomes the dictionary's.
func writeLeaf(dst *bytes.Buffer, o binary.ByteOrder, e element, value []byte) {
	vr := e.vr
	if vr == "UN" && o == binary.LittleEndian {
		vr = dictionaryVR(e.tag)
	}
	unit, known := vrUnit[vr]
	if !known || int64(len(value))%unit != 0 || len(value) > 0xFFFE && !has32BitLength(vr) {
		return
	}
	writeTag(dst, o, e.tag)
	dst.WriteString(vr)
	if has32BitLength(vr) {
		dst.Write([]byte{0, 0})
		dst.Write(appendUint32(o, len(value)))
	} else {
		dst.Write(appendUint16(o, len(value)))
	}
	dst.Write(value)
}

func appendUint32(o binary.ByteOrder, n int) []byte {
	b := make([]byte, 4)
	o.PutUint32(b, uint32(n))
	return b
}

func appendUint16(o binary.ByteOrder, n int) []byte {
	b := make([]byte, 2)
	o.PutUint16(b, uint16(n))
	return b
}

func writeTag(dst *bytes.Buffer, o binary.ByteOrder, t tag.Tag) {
	dst.Write(appendUint16(o, int(t.Group)))
	dst.Write(appendUint16(o, int(t.Element)))
}
