// Package dicomseg reads DICOM segmentations: SEG objects with one bit a pixel (BINARY) or fractions (FRACTIONAL), and
// LABELMAP ones. Frames may come in any order, empty ones may be missing, and segments may overlap. Geometry is that of the
// frames' own planes, in LPS millimetres at voxel centres; positions are brought to one regular lattice. What a
// segment is of is told by its codes and label ([dicomcode.Of]). Source: DICOM PS3.3 A.51, C.8.20.
package dicomseg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/volume"
)

// Sentinels. Other errors are those of package dicom, with the file's base name.
var (
	// ErrNotSegmentation marks a DICOM file that is something else.
	ErrNotSegmentation = errors.New("dicomseg: not a DICOM segmentation")
	// ErrSegments marks segments that cannot be made one mask: unknown ones, or ones that overlap.
	ErrSegments = errors.New("dicomseg: the segments cannot be used like this")
)

// SOP classes that are read.
const (
	segmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4"
	labelmapStorage     = "1.2.840.10008.5.1.4.1.1.66.7"
)

// Kind is what the values of a segmentation are.
type Kind string

// Kinds.
const (
	Binary      Kind = "BINARY"
	Probability Kind = "PROBABILITY" // FRACTIONAL, the probability that the segment is there
	Occupancy   Kind = "OCCUPANCY"   // FRACTIONAL, the part of the voxel that the segment fills
	Labelmap    Kind = "LABELMAP"
)

// Segment is one segment. Texts are the file's and may say anything.
type Segment struct {
	Number             int // SegmentNumber
	Label, Description string
	Structure          dicomcode.Structure
	Type, Category     dicomcode.Code
	Algorithm          string // "AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"
	AlgorithmName      string
}

// String names a segment for people.
func (s Segment) String() string {
	if s.Label == "" {
		return fmt.Sprintf("segment %d", s.Number)
	}
	return fmt.Sprintf("segment %d (%s)", s.Number, s.Label)
}

// File is one segmentation. Immutable.
type File struct {
	Grid             geom.Grid // smallest lattice that holds every frame; k runs along the slice normal
	Kind             Kind
	Segments         []Segment // by number; without the background of a label map
	FrameOfReference string    // UID
	Instance         string    // SOP instance UID
	Sources          []string  // SOP instance UIDs of the images that it refers to, sorted
	Warnings         []string  // sentences to show: what was assumed while reading

	pixels  dicom.Pixels
	maximum float64 // stored value that stands for 1
	padding int     // of a label map: value of places that were not looked at
	frames  []frame
}

// frame is where a stored frame belongs.
type frame struct{ segment, slice int }

// Is reports whether a file is a DICOM segmentation, by its first elements. A file that cannot be read is none.
func Is(path string) bool {
	o, err := readObject(path, func(t dicom.Tag, depth int) bool { return depth == 0 && (t == tagSOPClass || t == tagModality) })
	return err == nil && isSegmentation(o)
}

func isSegmentation(o *dicom.Object) bool {
	switch o.Text(tagSOPClass) {
	case segmentationStorage, labelmapStorage:
		return true
	}
	return o.Text(tagModality) == "SEG"
}

func readObject(path string, keep func(t dicom.Tag, depth int) bool) (*dicom.Object, error) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	return dicom.ReadObject(os.DirFS(dir), name, keep)
}

// Open reads a segmentation. It fails with [ErrNotSegmentation], or one of package dicom's errors: [dicom.ErrGeometry] where the frames
// form no volume.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("dicomseg: %s: %w", filepath.Base(path), err)
	}
	return f, nil
}

func open(path string) (*File, error) {
	o, err := readObject(path, wanted)
	if err != nil {
		return nil, err
	}
	if !isSegmentation(o) {
		return nil, fmt.Errorf("%w (%s)", ErrNotSegmentation, o.Text(tagModality))
	}
	f := &File{FrameOfReference: o.Text(tagFrameOfReference), Instance: o.Text(tagSOPInstance), Sources: sources(o.Dataset)}
	module, err := o.PixelModule()
	if err != nil {
		return nil, err
	}
	if err := f.kind(o, module); err != nil {
		return nil, err
	}
	if err := f.segments(o); err != nil {
		return nil, err
	}
	if err := f.place(o, module); err != nil {
		return nil, err
	}
	dir, _ := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f.pixels, err = o.Pixels(os.DirFS(dir))
	return f, err
}

// kind settles what the values are.
func (f *File) kind(o *dicom.Object, p dicom.Pixels) error {
	kind := o.Text(tagSegmentationType)
	if kind == "" && o.Text(tagSOPClass) == labelmapStorage {
		kind = string(Labelmap)
	}
	f.maximum = 1
	switch {
	case kind == string(Binary) && p.Bits == 1:
		f.Kind = Binary
	case kind == "FRACTIONAL" && p.Bits == 8:
		f.Kind = Probability
		if o.Text(tagFractionalType) == string(Occupancy) {
			f.Kind = Occupancy
		}
		if f.maximum = o.Number(tagMaximumFraction, 0); !(f.maximum >= 1 && f.maximum <= 255) {
			return fmt.Errorf("%w: fractions of %g", dicom.ErrMalformed, f.maximum)
		}
	case kind == string(Labelmap) && p.Bits > 1:
		f.Kind, f.padding = Labelmap, o.Integer(tagPadding, 0)
	default:
		return fmt.Errorf("%w: a %q segmentation of %d bits a pixel; export it as BINARY", dicom.ErrUnsupported, kind, p.Bits)
	}
	return nil
}

// Segment returns the segment of a number.
func (f *File) Segment(number int) (s Segment, ok bool) {
	for _, s := range f.Segments {
		if s.Number == number {
			return s, true
		}
	}
	return Segment{}, false
}

// Of returns the segments of a structure, in the order of their numbers.
func (f *File) Of(structure dicomcode.Structure) []Segment {
	var out []Segment
	for _, s := range f.Segments {
		if s.Structure == structure {
			out = append(out, s)
		}
	}
	return out
}

// Fractions returns the values of a segment on f.Grid, from 0 to 1. It fails with [ErrSegments] where there is no such segment.
func (f *File) Fractions(number int) (*volume.Volume, error) {
	if _, ok := f.Segment(number); !ok {
		return nil, fmt.Errorf("%w: there is no segment %d; choose one of %s", ErrSegments, number, f.List())
	}
	out := make([]float32, f.Grid.Voxels())
	err := f.each(func(segment, at, value int) error {
		if segment == number {
			out[at] = float32(float64(value) / f.maximum)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return volume.New(f.Grid, out, "")
}

// Mask paints segments with labels, by their numbers, on f.Grid. Fractions must be 0 or 1. It fails with [ErrSegments] where a number is
// unknown, a fraction is in between, or a voxel belongs to two segments of different labels.
func (f *File) Mask(labels map[int]uint8) (*volume.Mask, error) {
	for number := range labels {
		if _, ok := f.Segment(number); !ok {
			return nil, fmt.Errorf("%w: there is no segment %d; choose one of %s", ErrSegments, number, f.List())
		}
	}
	out := make([]uint8, f.Grid.Voxels())
	err := f.each(func(segment, at, value int) error {
		label, chosen := labels[segment]
		switch {
		case !chosen:
		case float64(value) != f.maximum:
			return fmt.Errorf("%w: it holds %g, and a mask holds 0 or 1; give it as probabilities", ErrSegments, float64(value)/f.maximum)
		case out[at] != 0 && out[at] != label:
			return fmt.Errorf("%w: segments with the labels %d and %d overlap; choose one of them", ErrSegments, out[at], label)
		default:
			out[at] = label
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return volume.NewMask(f.Grid, out)
}

// each calls visit for every stored value that is not 0: the segment, the offset in an array on f.Grid and the value, which is 1 in a
// label map.
func (f *File) each(visit func(segment, at, value int) error) error {
	plane := f.pixels.Rows * f.pixels.Columns
	for n, fr := range f.frames {
		to := fr.slice * plane
		for i := 0; i < plane; i++ {
			at := n*plane + i
			if f.pixels.Bits == 1 && at%8 == 0 && i+8 <= plane && f.pixels.Data[at/8] == 0 {
				i += 7 // most of a mask is empty
				continue
			}
			value, segment := f.stored(at), fr.segment
			if f.Kind == Labelmap && value != 0 {
				if value == f.padding {
					continue
				}
				value, segment = 1, value
			}
			if value == 0 {
				continue
			}
			if err := visit(segment, to+i, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// stored returns stored value n.
func (f *File) stored(n int) int {
	switch f.pixels.Bits {
	case 1:
		return int(f.pixels.Data[n/8] >> (n % 8) & 1)
	case 8:
		return int(f.pixels.Data[n])
	}
	return int(f.pixels.Order.Uint16(f.pixels.Data[2*n:]))
}
