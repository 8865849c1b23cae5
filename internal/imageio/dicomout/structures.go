package dicomout

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/volume"
)

const (
	structureSetStorage = "1.2.840.10008.5.1.4.1.1.481.3"
	studyManagement     = "1.2.840.10008.3.1.2.3.1" // SOP class by which a structure set names a study
	maxContourText      = 65534                     // bytes that a decimal string with explicit VR can hold
)

// Structure is one region of interest of a structure set.
type Structure struct {
	Name        string // at most 64 characters
	Description string
	Kind        dicomcode.Structure
	Algorithm   Algorithm
	Color       [3]uint8       // sRGB
	Mask        *volume.Mask   // on the grid
	Labels      map[uint8]bool // of the mask, that the structure is made of
}

// StructureSet is one RTSTRUCT object. Every structure gets closed planar contours in the slices of the grid, through the middles of the
// faces between its voxels and others, so that exactly the centres of its voxels lie within. A hole is joined to the contour round it by
// a channel of no width (the keyhole of PS3.3 C.8.8.6.3), which runs between voxel centres.
type StructureSet struct {
	Derived
	Label      string // at most 16 characters
	Grid       geom.Grid
	Structures []Structure
}

// WriteStructures writes a structure set; the file appears whole or not at all. Structures without voxels are listed without contours. It
// fails with [ErrValue] where a mask lies on another grid or an outline has more corners than DICOM can hold, with ctx's error, or
// what the file system says.
func WriteStructures(ctx context.Context, path string, x StructureSet) error {
	if len(x.Structures) == 0 {
		return fmt.Errorf("%w: no structure", ErrValue)
	}
	s := &set{}
	x.elements(s, structureSetStorage, "RTSTRUCT")
	x.frameOfReferenceElements(s)
	x.text(s)
	images := x.imagesOf(x.Grid)
	s.items(tag.ReferencedFrameOfReferenceSequence, x.referencedFrame(images))
	var rois, contours, observations []*set
	for n := range x.Structures {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := x.contours(n, images)
		if err != nil {
			return err
		}
		rois, contours, observations = append(rois, x.roi(n)), append(contours, c), append(observations, x.observation(n))
	}
	s.items(tag.StructureSetROISequence, rois...)
	s.items(tag.ROIContourSequence, contours...)
	s.items(tag.RTROIObservationsSequence, observations...)
	return write(path, "structures", s)
}

// text adds what the object as a whole says.
func (x StructureSet) text(s *set) {
	date, clock := x.moment()
	s.text(tag.OperatorsName)
	s.text(tag.InstanceNumber, "1")
	s.text(tag.StructureSetLabel, clip(x.Label, 16))
	s.text(tag.StructureSetName, clip(x.Description, 64))
	s.text(tag.StructureSetDescription, clip(x.Statement, 1024))
	s.text(tag.StructureSetDate, date)
	s.text(tag.StructureSetTime, clock)
	s.text(tag.ApprovalStatus, "UNAPPROVED")
}

// referencedFrame names the frame of reference, and the images where they are known.
func (x StructureSet) referencedFrame(images []*dicom.ImageRef) *set {
	s := one(tag.FrameOfReferenceUID, x.frameOfReference())
	instances := x.instances(images)
	if len(instances) == 0 {
		return s
	}
	study, series := &set{}, one(tag.SeriesInstanceUID, x.uid(x.Origin.Series))
	series.items(tag.ContourImageSequence, instances...)
	study.text(tag.ReferencedSOPClassUID, studyManagement)
	study.text(tag.ReferencedSOPInstanceUID, x.study())
	study.items(tag.RTReferencedSeriesSequence, series)
	s.items(tag.RTReferencedStudySequence, study)
	return s
}

// roi names structure n.
func (x StructureSet) roi(n int) *set {
	st, s := x.Structures[n], &set{}
	s.text(tag.ROINumber, strconv.Itoa(n+1))
	s.text(tag.ReferencedFrameOfReferenceUID, x.frameOfReference())
	s.text(tag.ROIName, clip(st.Name, 64))
	s.optional(tag.ROIDescription, clip(st.Description, 1024))
	s.text(tag.ROIGenerationAlgorithm, st.Algorithm.Type)
	s.optional(tag.ROIGenerationDescription, clip(strings.TrimSpace(st.Algorithm.Name+" "+st.Algorithm.Version), 64))
	return s
}

// observation says what structure n is.
func (x StructureSet) observation(n int) *set {
	st, s := x.Structures[n], &set{}
	kind, _ := st.Kind.Type()
	s.text(tag.ObservationNumber, strconv.Itoa(n+1))
	s.text(tag.ReferencedROINumber, strconv.Itoa(n+1))
	if kind.Value != "" {
		s.code(tag.RTROIIdentificationCodeSequence, kind)
	}
	s.text(tag.RTROIInterpretedType, map[bool]string{true: "GTV", false: "ORGAN"}[st.Kind == dicomcode.Lesion])
	s.text(tag.ROIInterpreter)
	return s
}

// contours are those of structure n in every slice.
func (x StructureSet) contours(n int, images []*dicom.ImageRef) (*set, error) {
	st, s := x.Structures[n], &set{}
	if st.Mask == nil || !st.Mask.Grid().SameAs(x.Grid, 1e-3) {
		return nil, fmt.Errorf("%w: %s does not lie on the grid of the structure set", ErrValue, st.Name)
	}
	s.text(tag.ROIDisplayColor, strconv.Itoa(int(st.Color[0])), strconv.Itoa(int(st.Color[1])), strconv.Itoa(int(st.Color[2])))
	s.text(tag.ReferencedROINumber, strconv.Itoa(n+1))
	var in [256]bool
	var labels []uint8
	for l, on := range st.Labels {
		if in[l] = on; on {
			labels = append(labels, l)
		}
	}
	region := st.Mask.Region(labels...)
	var items []*set
	for k := region.Box.Min[2]; len(labels) > 0 && k < region.Box.Max[2]; k++ {
		for _, outline := range keyholes(st.Mask.Outlines(&in, region.Box, k)) {
			c, err := x.contour(outline, k, images[k])
			if err != nil {
				return nil, fmt.Errorf("%w (%s, slice %d)", err, st.Name, k+1)
			}
			items = append(items, c)
		}
	}
	if len(items) > 0 {
		s.items(tag.ContourSequence, items...)
	}
	return s, nil
}

// contour is one closed outline, given in half voxels, in slice k.
func (x StructureSet) contour(outline []corner, k int, image *dicom.ImageRef) (*set, error) {
	s := &set{}
	if image != nil {
		s.items(tag.ContourImageSequence, x.reference(image))
	}
	data, size := make([]string, 0, 3*len(outline)), 0
	for _, c := range outline {
		at := x.Grid.World(geom.Vec3{float64(c.i) / 2, float64(c.j) / 2, float64(k)})
		for _, mm := range at {
			data = append(data, strconv.FormatFloat(math.Round(mm*1e4)/1e4, 'f', -1, 64)) // a tenth of a micrometre
			size += len(data[len(data)-1]) + 1
		}
	}
	if size > maxContourText {
		return nil, fmt.Errorf("%w: an outline of %d corners, more than a contour can hold; smooth it first", ErrValue, len(outline))
	}
	s.text(tag.ContourGeometricType, "CLOSED_PLANAR")
	s.text(tag.NumberOfContourPoints, strconv.Itoa(len(outline)))
	s.text(tag.ContourData, data...)
	return s, nil
}
