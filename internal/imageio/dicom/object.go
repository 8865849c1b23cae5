package dicom

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"

	"github.com/suyashkumar/dicom/pkg/tag"

	"bayeslice/internal/geom"
)

// Tag names a data element by group and element number.
type Tag = tag.Tag

// TagOf returns the tag of a group and an element number, such as 0x0062 and 0x0004.
func TagOf(group, element uint16) Tag { return Tag{Group: group, Element: element} }

// Dataset is the decoded elements of a file or of an item of a sequence. The zero value holds nothing, and
// every method answers so. Immutable.
type Dataset struct{ a attrs }

// Text returns the first value of an element as text without blanks round it, "" where it is absent.
func (d Dataset) Text(t Tag) string { return d.a.text(t) }

// Texts returns the values of an element as texts, nil where it is absent or empty.
func (d Dataset) Texts(t Tag) []string { return d.a.texts(t) }

// Integer returns the first value of an element as an integer, or otherwise where it is none.
func (d Dataset) Integer(t Tag, otherwise int) int { return d.a.integer(t, otherwise) }

// Number returns the first value of an element as a finite number, or otherwise where it is none.
func (d Dataset) Number(t Tag, otherwise float64) float64 { return d.a.number(t, otherwise) }

// Numbers returns the values of an element as finite numbers; ok is false where any is none, or all are absent.
func (d Dataset) Numbers(t Tag) (values []float64, ok bool) { return d.a.numbers(t) }

// Items returns the items of a sequence, nil where it is absent.
func (d Dataset) Items(t Tag) []Dataset {
	items := d.a.items(t)
	if items == nil {
		return nil
	}
	out := make([]Dataset, len(items))
	for n, i := range items {
		out[n] = Dataset{i}
	}
	return out
}

// Item returns the first item of a sequence, an empty one where it is absent.
func (d Dataset) Item(t Tag) Dataset { return Dataset{d.a.item(t)} }

// Plane returns the geometry of an image plane, of which the parts stand in the items of functional groups or
// all in one data set. ok is false where a part is missing or unusable.
func Plane(position, orientation, measures Dataset) (p ImagePlane, ok bool) {
	var f Frame
	f.setPlane(position.a, orientation.a, measures.a)
	return ImagePlane{Position: f.Position, Row: f.Row, Column: f.Column, PixelMM: f.PixelMM}, f.HasPlane
}

// ImagePlane is where a frame lies, as in [Frame].
type ImagePlane struct {
	Position    geom.Vec3  // LPS mm of the centre of the first voxel
	Row, Column geom.Vec3  // unit directions of growing column index (i) and row index (j)
	PixelMM     [2]float64 // mm between columns (i) and between rows (j)
}

// Object is a DICOM file that is read for what it says rather than as an MR image. Immutable.
type Object struct {
	Dataset
	header *Header // as far as its pixels need one
	hasPix bool
}

// ReadObject reads of a file the elements that keep wants before its pixel data; depth is 0 at the root. It fails as [ReadHeader]
// does, but for what is wrong with pixels, which [Object.Pixels] tells.
func ReadObject(fsys fs.FS, name string, keep func(t Tag, depth int) bool) (*Object, error) {
	s, err := sieveFile(fsys, name, keep)
	if err != nil {
		return nil, err
	}
	a, err := decode(s)
	if err != nil {
		return nil, err
	}
	o := &Object{Dataset: Dataset{a}, header: &Header{Name: name, syntax: s.syntax, TransferSyntax: s.syntax.uid}}
	if s.pixels != nil {
		o.header.pixels, o.hasPix = *s.pixels, true
	}
	return o, nil
}

// Pixels are the stored values of all frames of an object: one bit each where Bits is 1, the first in the lowest bit and
// frames without padding between them, else whole little- or big-endian numbers as Order says.
type Pixels struct {
	Rows, Columns, Frames int
	Bits                  int // 1, 8 or 16 allocated for a pixel
	Order                 binary.ByteOrder
	Data                  []byte
}

// PixelModule returns the size and number of the frames, without their data. It fails with [ErrMalformed], [ErrUnsupported],
// [ErrTruncated] or [ErrNotImage].
func (o *Object) PixelModule() (Pixels, error) {
	if !o.hasPix {
		return Pixels{}, fmt.Errorf("%w (%s)", ErrNotImage, o.Text(tag.Modality))
	}
	h := *o.header
	p := Pixels{Rows: o.Integer(tag.Rows, 0), Columns: o.Integer(tag.Columns, 0), Frames: o.Integer(tag.NumberOfFrames, 1),
		Bits: o.Integer(tag.BitsAllocated, 0), Order: h.syntax.order}
	h.Rows, h.Columns, h.BitsAllocated = p.Rows, p.Columns, p.Bits
	const most = 1 << 16
	switch {
	case p.Rows < 1 || p.Columns < 1 || p.Rows > most || p.Columns > most || p.Frames < 1 || p.Frames > most:
		return Pixels{}, fmt.Errorf("%w: %d frames of %d rows and %d columns", ErrMalformed, p.Frames, p.Rows, p.Columns)
	case o.Integer(tag.SamplesPerPixel, 1) != 1 || p.Bits != 1 && p.Bits != 8 && p.Bits != 16:
		return Pixels{}, fmt.Errorf("%w: %d samples of %d bits a pixel; export it with one of 1, 8 or 16 bits", ErrUnsupported, o.Integer(tag.SamplesPerPixel, 1), p.Bits)
	case !h.syntax.decodable() || p.Bits == 1 && h.syntax.compressed():
		return Pixels{}, h.syntax.refusal()
	case h.pixels.encapsulated != h.syntax.compressed():
		return Pixels{}, fmt.Errorf("%w: the pixels are not encoded as the transfer syntax says", ErrMalformed)
	}
	if need := h.pixelBytes(p.Frames); !h.pixels.encapsulated && need > h.pixels.length || h.pixels.encapsulated && need > h.pixels.length*h.syntax.expansion() {
		return Pixels{}, fmt.Errorf("%w: %d frames of %d×%d pixels do not fit into %d bytes of pixel data", ErrTruncated, p.Frames, p.Columns, p.Rows, h.pixels.length)
	}
	return p, nil
}

// Pixels reads the stored values from the file that the object was read from. It fails as [Object.PixelModule] does, or where the file
// changed.
func (o *Object) Pixels(fsys fs.FS) (Pixels, error) {
	p, err := o.PixelModule()
	if err != nil {
		return Pixels{}, err
	}
	h := *o.header
	h.Rows, h.Columns, h.BitsAllocated, h.BitsStored = p.Rows, p.Columns, p.Bits, o.Integer(tag.BitsStored, p.Bits)
	h.High, h.Frames = h.BitsStored-1, make([]Frame, p.Frames)
	if p.Data, err = readPixels(context.Background(), fsys, &h); err != nil {
		return Pixels{}, err
	}
	if h.syntax.compressed() {
		p.Order = binary.LittleEndian
	}
	if p.Bits < 16 && p.Order == binary.BigEndian && h.pixels.vr == "OW" { // bytes lie in words, the low one last
		for n := 0; n+1 < len(p.Data); n += 2 {
			p.Data[n], p.Data[n+1] = p.Data[n+1], p.Data[n]
		}
	}
	return p, nil
}
