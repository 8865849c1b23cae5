package nifti

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"bayeslice/internal/imageio/codec"
)

// Sizes of the two headers, which are also their first field.
const (
	headerSize1 = 348
	headerSize2 = 540
)

// header is what the reader needs of either header.
type header struct {
	version   int // 1 or 2
	pair      bool
	order     binary.ByteOrder
	dim       [8]int64
	datatype  int
	bits      int
	pixdim    [8]float64
	offset    float64 // of the voxels, in bytes from the start of their file
	scale     codec.Scale
	units     int
	qform     int
	sform     int
	quatern   [3]float64
	qoffset   [3]float64
	srow      [3][4]float64
	descrip   string
	bytesRead int64
}

// Sniff reports whether a file that begins with these bytes, at least 348 of them after gzip, is
// NIfTI-1, NIfTI-2 or the header of Analyze 7.5, which [Open] refuses with a reason.
func Sniff(head []byte) bool {
	if len(head) < headerSize1 {
		return false
	}
	return sizeField(head) != 0
}

// sizeField returns the size that the first field announces in either byte order; 0 for neither header.
func sizeField(b []byte) uint32 {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if n := order.Uint32(b); n == headerSize1 || n == headerSize2 {
			return n
		}
	}
	return 0
}

func byteOrder(b []byte) binary.ByteOrder {
	if n := binary.LittleEndian.Uint32(b); n == headerSize1 || n == headerSize2 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// readHeader reads and decodes the header at the start of r.
func readHeader(r io.Reader) (*header, error) {
	b := make([]byte, headerSize2)
	if err := readFull(r, b[:headerSize1]); err != nil {
		return nil, err
	}
	order := byteOrder(b)
	switch sizeField(b) {
	case headerSize1:
		return decode1(b[:headerSize1], order)
	case headerSize2:
		if err := readFull(r, b[headerSize1:]); err != nil {
			return nil, err
		}
		return decode2(b, order)
	}
	return nil, fmt.Errorf("it does not begin as NIfTI does: %w", codec.ErrFormat)
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("it ends within its header; copy it again from its source: %w", codec.ErrTruncated)
	}
	return fmt.Errorf("its header cannot be read (%w); copy it again from its source: %w", err, codec.ErrFormat)
}

// magic decodes the mark that tells one file from a pair.
func magic(mark string, version int) (pair bool, err error) {
	switch mark {
	case fmt.Sprintf("n+%d", version):
		return false, nil
	case fmt.Sprintf("ni%d", version):
		return true, nil
	}
	if version == 1 {
		return false, fmt.Errorf("it is an Analyze 7.5 header, which does not say which side is left; convert it to NIfTI with the software that wrote it: %w", codec.ErrUnsupported)
	}
	return false, fmt.Errorf("its magic number is damaged: %w", codec.ErrFormat)
}

// decode1 decodes the 348 bytes of NIfTI-1. Offsets are those of nifti1.h.
func decode1(b []byte, order binary.ByteOrder) (*header, error) {
	pair, err := magic(cString(b[344:348]), 1)
	if err != nil {
		return nil, err
	}
	i16 := func(at int) int { return int(int16(order.Uint16(b[at:]))) }
	f32 := func(at int) float64 { return float64(math.Float32frombits(order.Uint32(b[at:]))) }
	h := &header{
		version: 1, pair: pair, order: order, bytesRead: headerSize1,
		datatype: i16(70), bits: i16(72), offset: f32(108), scale: codec.Scale{Slope: f32(112), Inter: f32(116)},
		units: int(b[123]), descrip: cString(b[148:228]), qform: i16(252), sform: i16(254),
	}
	for a := range 8 {
		h.dim[a], h.pixdim[a] = int64(i16(40+2*a)), f32(76+4*a)
	}
	for a := range 3 {
		h.quatern[a], h.qoffset[a] = f32(256+4*a), f32(268+4*a)
		for c := range 4 {
			h.srow[a][c] = f32(280 + 16*a + 4*c)
		}
	}
	return h, nil
}

// decode2 decodes the 540 bytes of NIfTI-2. Offsets are those of nifti2.h.
func decode2(b []byte, order binary.ByteOrder) (*header, error) {
	pair, err := magic(cString(b[4:8]), 2)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b[8:12], []byte("\r\n\x1a\n")) {
		return nil, fmt.Errorf("its line ends were changed as if it were text; copy it again in binary mode: %w", codec.ErrFormat)
	}
	i16 := func(at int) int { return int(int16(order.Uint16(b[at:]))) }
	i32 := func(at int) int { return int(int32(order.Uint32(b[at:]))) }
	i64 := func(at int) int64 { return int64(order.Uint64(b[at:])) }
	f64 := func(at int) float64 { return math.Float64frombits(order.Uint64(b[at:])) }
	h := &header{
		version: 2, pair: pair, order: order, bytesRead: headerSize2,
		datatype: i16(12), bits: i16(14), offset: float64(i64(168)), scale: codec.Scale{Slope: f64(176), Inter: f64(184)},
		descrip: cString(b[240:320]), qform: i32(344), sform: i32(348), units: i32(500),
	}
	for a := range 8 {
		h.dim[a], h.pixdim[a] = i64(16+8*a), f64(104+8*a)
	}
	for a := range 3 {
		h.quatern[a], h.qoffset[a] = f64(352+8*a), f64(376+8*a)
		for c := range 4 {
			h.srow[a][c] = f64(400 + 32*a + 8*c)
		}
	}
	return h, nil
}

// cString returns the text before the first zero byte, as valid UTF-8.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.TrimSpace(strings.ToValidUTF8(string(b), "\uFFFD"))
}

// numbers maps the datatype codes of nifti1.h to voxel types.
var numbers = map[int]codec.Number{
	2: codec.Uint8, 4: codec.Int16, 8: codec.Int32, 16: codec.Float32, 64: codec.Float64,
	256: codec.Int8, 512: codec.Uint16, 768: codec.Uint32, 1024: codec.Int64, 1280: codec.Uint64,
}

var refused = map[int]string{
	1: "single bits", 32: "complex numbers", 128: "RGB colours", 1536: "128-bit floats", 1792: "complex numbers",
	2048: "complex numbers", 2304: "RGBA colours",
}

// layout checks what the header says of the voxels.
func (h *header) layout(info *codec.Info) (codec.Layout, error) {
	n, ok := numbers[h.datatype]
	if !ok {
		if what, known := refused[h.datatype]; known {
			return codec.Layout{}, fmt.Errorf("its voxels are %s; convert it to one real number a voxel: %w", what, codec.ErrUnsupported)
		}
		return codec.Layout{}, fmt.Errorf("its datatype code %d is unknown: %w", h.datatype, codec.ErrFormat)
	}
	if h.bits != 8*n.Size() {
		info.Warn("The header gives %d bits a voxel where %s has %d; the type is believed.", h.bits, n, 8*n.Size())
	}
	l := codec.Layout{Number: n, Order: h.order, Frames: 1, Size: [3]int{1, 1, 1}, Scale: h.realScale(info)}
	if h.dim[0] < 1 || h.dim[0] > 7 {
		return codec.Layout{}, fmt.Errorf("it announces %d dimensions: %w", h.dim[0], codec.ErrFormat)
	}
	for a := range int(h.dim[0]) {
		d := h.dim[a+1]
		if a >= 3 && d == 0 {
			d = 1 // written so for an axis that is not used
		}
		switch {
		case d < 0 || d > codec.MaxVoxels:
			return codec.Layout{}, fmt.Errorf("its dimension %d is %d voxels: %w", a+1, d, codec.ErrFormat)
		case a < 3:
			l.Size[a] = int(d)
		case a == 3:
			l.Frames = int(d)
		case d != 1:
			return codec.Layout{}, fmt.Errorf("it has %d values along its dimension %d (a vector image or CIFTI); split it into 3-D or 4-D images: %w", d, a+1, codec.ErrUnsupported)
		}
	}
	return l, nil
}

// realScale returns the scale of the header; a slope of 0 or one that is not finite means none.
func (h *header) realScale(info *codec.Info) codec.Scale {
	s := h.scale
	if s.Slope == 0 || !finite(s.Slope) {
		return codec.Identity
	}
	if !finite(s.Inter) {
		info.Warn("The header has a scale slope of %g but no valid intercept; 0 is assumed.", s.Slope)
		s.Inter = 0
	}
	return s
}

// voxelOffset returns where the voxels begin in their file.
func (h *header) voxelOffset() (int64, error) {
	if h.pair && h.offset == 0 {
		return 0, nil
	}
	first := float64(h.bytesRead)
	if !h.pair && h.offset == 0 {
		return h.bytesRead + 4, nil
	}
	if !finite(h.offset) || !h.pair && h.offset < first || h.offset < 0 || h.offset > 1<<40 {
		return 0, fmt.Errorf("its voxels would begin at byte %g: %w", h.offset, codec.ErrFormat)
	}
	return int64(h.offset), nil
}

func finite(x float64) bool { return x-x == 0 }
