package dicomout

import (
	"context"
	"fmt"
	"math"
	"strconv"

	lib "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/frame"
	"github.com/suyashkumar/dicom/pkg/tag"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/volume"
)

const (
	segmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4"
	// FractionSteps is MaximumFractionalValue of what is written: a fraction is kept to half of 1/FractionSteps.
	FractionSteps = 255
)

// Algorithm says how a segment came about.
type Algorithm struct {
	Type       string // AUTOMATIC, SEMIAUTOMATIC or MANUAL
	Name       string // of the model, "" for MANUAL
	Version    string // of the model, such as the beginning of its hash
	Parameters string // settings and the model's whole hash, for people
}

// Segment is one segment of a segmentation. One of In and Fraction is set, as [Segmentation.Fractional] says.
type Segment struct {
	Label       string // as the segment is listed, at most 64 characters
	Description string
	Structure   dicomcode.Structure
	Algorithm   Algorithm
	Tracking    string            // names one lesion; "" where the structure is the only one of its kind
	Color       [3]uint8          // sRGB for display; zero leaves it out
	In          func(at int) bool // by offset in an array on the grid
	Fraction    *volume.Volume    // probabilities on the grid
}

// Segmentation is one DICOM SEG object.
type Segmentation struct {
	Derived
	Content    string // ContentDescription, at most 64 characters
	Grid       geom.Grid
	Segments   []Segment
	Fractional bool // FRACTIONAL PROBABILITY instead of BINARY
}

// WriteSegmentation writes a segmentation with a frame for every segment and slice, also empty ones, so that the file
// holds the whole grid. The file appears whole or not at all. It fails with [ErrValue] where a segment does not fit the grid or a
// fraction is not within 0…1, with ctx's error, or what the file system says.
func WriteSegmentation(ctx context.Context, path string, x Segmentation) error {
	if len(x.Segments) == 0 || len(x.Segments) > math.MaxUint16 {
		return fmt.Errorf("%w: %d segments", ErrValue, len(x.Segments))
	}
	pixels, err := x.pixels(ctx)
	if err != nil {
		return err
	}
	s := &set{}
	x.elements(s, segmentationStorage, "SEG")
	x.frameOfReferenceElements(s)
	x.content(s)
	x.pixelModule(s)
	x.references(s)
	items := make([]*set, len(x.Segments))
	for n := range x.Segments {
		items[n] = x.segment(n)
	}
	s.items(tag.SegmentSequence, items...)
	x.frames(s)
	s.add(tag.PixelData, lib.PixelDataInfo{IntentionallyUnprocessed: true, UnprocessedValueData: pixels, Frames: []*frame.Frame{}})
	return write(path, "segmentation", s)
}

// pixels are the stored values of all frames: segment by segment, slice by slice.
func (x Segmentation) pixels(ctx context.Context) ([]byte, error) {
	n := x.Grid.Voxels()
	size := (n*len(x.Segments) + 7) / 8
	if x.Fractional {
		size = n * len(x.Segments)
	}
	out := make([]byte, size+size%2)
	for i, seg := range x.Segments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch {
		case !x.Fractional && seg.In != nil:
			for at := range n {
				if seg.In(at) {
					bit := i*n + at
					out[bit/8] |= 1 << (bit % 8)
				}
			}
		case x.Fractional && seg.Fraction != nil && len(seg.Fraction.Data()) == n:
			for at, p := range seg.Fraction.Data() {
				if !(p >= -1e-6 && p <= 1+1e-6) {
					return nil, fmt.Errorf("%w: voxel %d of %s is %g, and a probability lies between 0 and 1", ErrValue, at, seg.Label, p)
				}
				out[i*n+at] = byte(math.Round(min(max(float64(p), 0), 1) * FractionSteps))
			}
		default:
			return nil, fmt.Errorf("%w: segment %d (%s) holds no voxels on this grid", ErrValue, i+1, seg.Label)
		}
	}
	return out, nil
}

func (d Derived) frameOfReferenceElements(s *set) {
	s.text(tag.FrameOfReferenceUID, d.frameOfReference())
	s.text(tag.PositionReferenceIndicator)
}

// content adds what the object as a whole says.
func (x Segmentation) content(s *set) {
	date, clock := x.moment()
	s.text(tag.ContentDate, date)
	s.text(tag.ContentTime, clock)
	s.text(tag.InstanceNumber, "1")
	s.text(tag.ImageType, "DERIVED", "PRIMARY")
	s.text(tag.ContentLabel, "SEGMENTATION")
	s.text(tag.ContentDescription, clip(x.Content, 64))
	s.text(tag.ContentCreatorName)
	s.optional(tag.ImageComments, clip(x.Statement, 10240))
	s.text(tag.LossyImageCompression, "00")
	overlap := "UNDEFINED"
	if x.Fractional {
		s.text(tag.SegmentationType, "FRACTIONAL")
		s.text(tag.SegmentationFractionalType, "PROBABILITY")
		s.add(tag.MaximumFractionalValue, []int{FractionSteps})
	} else {
		s.text(tag.SegmentationType, "BINARY")
		overlap = x.overlap()
	}
	s.text(tag.SegmentsOverlap, overlap)
}

// overlap tells whether any voxel belongs to two segments.
func (x Segmentation) overlap() string {
	taken := make([]bool, x.Grid.Voxels())
	for _, seg := range x.Segments {
		for at := range taken {
			if !seg.In(at) {
				continue
			}
			if taken[at] {
				return "YES"
			}
			taken[at] = true
		}
	}
	return "NO"
}

// pixelModule adds how values are stored.
func (x Segmentation) pixelModule(s *set) {
	bits := 1
	if x.Fractional {
		bits = 8
	}
	s.add(tag.SamplesPerPixel, []int{1})
	s.text(tag.PhotometricInterpretation, "MONOCHROME2")
	s.text(tag.NumberOfFrames, strconv.Itoa(len(x.Segments)*x.Grid.Size[2]))
	s.add(tag.Rows, []int{x.Grid.Size[1]})
	s.add(tag.Columns, []int{x.Grid.Size[0]})
	s.add(tag.BitsAllocated, []int{bits})
	s.add(tag.BitsStored, []int{bits})
	s.add(tag.HighBit, []int{bits - 1})
	s.add(tag.PixelRepresentation, []int{0})
}

// references adds the series that it was made on.
func (x Segmentation) references(s *set) {
	instances := x.instances(x.imagesOf(x.Grid))
	if len(instances) == 0 {
		return
	}
	series := &set{}
	series.text(tag.SeriesInstanceUID, x.uid(x.Origin.Series))
	series.items(tag.ReferencedInstanceSequence, instances...)
	s.items(tag.ReferencedSeriesSequence, series)
}

// segment is the description of segment n.
func (x Segmentation) segment(n int) *set {
	seg, s := x.Segments[n], &set{}
	kind, category := seg.Structure.Type()
	s.add(tag.SegmentNumber, []int{n + 1})
	s.text(tag.SegmentLabel, clip(seg.Label, 64))
	if seg.Description != "" {
		s.text(tag.SegmentDescription, clip(seg.Description, 1024))
	}
	s.code(tag.SegmentedPropertyCategoryCodeSequence, category)
	s.code(tag.SegmentedPropertyTypeCodeSequence, kind)
	if seg.Structure == dicomcode.Lesion {
		s.code(tag.AnatomicRegionSequence, dicomcode.Prostate)
	}
	s.text(tag.SegmentAlgorithmType, seg.Algorithm.Type)
	if seg.Algorithm.Name != "" {
		s.text(tag.SegmentAlgorithmName, clip(seg.Algorithm.Name, 64))
		a := &set{}
		a.code(tag.AlgorithmFamilyCodeSequence, dicomcode.ArtificialIntelligence)
		a.text(tag.AlgorithmName, clip(seg.Algorithm.Name, 64))
		a.text(tag.AlgorithmVersion, clip(seg.Algorithm.Version, 64))
		a.optional(tag.AlgorithmParameters, clip(seg.Algorithm.Parameters, 10240))
		s.items(tag.SegmentationAlgorithmIdentificationSequence, a)
	}
	if seg.Color != ([3]uint8{}) {
		lab := cieLab(seg.Color)
		s.add(tag.RecommendedDisplayCIELabValue, lab[:])
	}
	if seg.Tracking != "" {
		s.text(tag.TrackingID, clip(seg.Tracking, 64))
		s.text(tag.TrackingUID, UID(x.Key, "tracking", seg.Tracking, seg.Algorithm.Parameters))
	}
	return s
}

// frames adds the functional groups and what their indices mean.
func (x Segmentation) frames(s *set) {
	organisation := UID("dimensions of segment and position")
	s.items(tag.DimensionOrganizationSequence, one(tag.DimensionOrganizationUID, organisation))
	s.items(tag.DimensionIndexSequence, dimension(organisation, tag.ReferencedSegmentNumber, tag.SegmentIdentificationSequence, "segment"),
		dimension(organisation, tag.ImagePositionPatient, tag.PlanePositionSequence, "position"))
	shared, orientation, measures := &set{}, &set{}, &set{}
	d, g := x.Grid.Dir, x.Grid
	orientation.decimal(tag.ImageOrientationPatient, d[0][0], d[0][1], d[0][2], d[1][0], d[1][1], d[1][2])
	measures.decimal(tag.SliceThickness, g.Spacing[2])
	measures.decimal(tag.SpacingBetweenSlices, g.Spacing[2])
	measures.decimal(tag.PixelSpacing, g.Spacing[1], g.Spacing[0])
	shared.items(tag.PlaneOrientationSequence, orientation)
	shared.items(tag.PixelMeasuresSequence, measures)
	s.items(tag.SharedFunctionalGroupsSequence, shared)
	images := x.imagesOf(g)
	linked := len(x.instances(images)) > 0
	var per []*set
	for n := range x.Segments {
		for k := range g.Size[2] {
			per = append(per, x.frame(n, k, images[k], linked))
		}
	}
	s.items(tag.PerFrameFunctionalGroupsSequence, per...)
}

// frame is the functional groups of one frame. A group that some frames have is there in all of them, which linked tells of the source.
func (x Segmentation) frame(segment, k int, image *dicom.ImageRef, linked bool) *set {
	f, content, position, identification := &set{}, &set{}, &set{}, &set{}
	content.add(tag.DimensionIndexValues, []int{segment + 1, k + 1})
	f.items(tag.FrameContentSequence, content)
	at := x.Grid.World(geom.Vec3{0, 0, float64(k)})
	position.decimal(tag.ImagePositionPatient, at[0], at[1], at[2])
	f.items(tag.PlanePositionSequence, position)
	identification.add(tag.ReferencedSegmentNumber, []int{segment + 1})
	f.items(tag.SegmentIdentificationSequence, identification)
	if image == nil {
		if linked {
			f.items(tag.DerivationImageSequence)
		}
		return f
	}
	derivation, source := &set{}, x.reference(image)
	source.code(tag.PurposeOfReferenceCodeSequence, dicomcode.SourceImage)
	source.text(tag.SpatialLocationsPreserved, "YES")
	derivation.code(tag.DerivationCodeSequence, dicomcode.Segmentation)
	derivation.items(tag.SourceImageSequence, source)
	f.items(tag.DerivationImageSequence, derivation)
	return f
}

// one is an item with one text.
func one(t tag.Tag, value string) *set {
	s := &set{}
	s.text(t, value)
	return s
}

// dimension is an index of frames.
func dimension(organisation string, pointer, group tag.Tag, label string) *set {
	s := one(tag.DimensionOrganizationUID, organisation)
	s.add(tag.DimensionIndexPointer, []int{int(pointer.Group), int(pointer.Element)})
	s.add(tag.FunctionalGroupPointer, []int{int(group.Group), int(group.Element)})
	s.text(tag.DimensionDescriptionLabel, label)
	return s
}
