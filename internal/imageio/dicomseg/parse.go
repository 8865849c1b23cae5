package dicomseg

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
)

// Tags that are read.
var (
	tagCharset          = dicom.TagOf(0x0008, 0x0005)
	tagSOPClass         = dicom.TagOf(0x0008, 0x0016)
	tagSOPInstance      = dicom.TagOf(0x0008, 0x0018)
	tagModality         = dicom.TagOf(0x0008, 0x0060)
	tagFrameOfReference = dicom.TagOf(0x0020, 0x0052)
	tagSegmentationType = dicom.TagOf(0x0062, 0x0001)
	tagSegments         = dicom.TagOf(0x0062, 0x0002)
	tagFractionalType   = dicom.TagOf(0x0062, 0x0010)
	tagMaximumFraction  = dicom.TagOf(0x0062, 0x000E)
	tagPadding          = dicom.TagOf(0x0028, 0x0120)

	tagNumber           = dicom.TagOf(0x0062, 0x0004)
	tagLabel            = dicom.TagOf(0x0062, 0x0005)
	tagDescription      = dicom.TagOf(0x0062, 0x0006)
	tagAlgorithmType    = dicom.TagOf(0x0062, 0x0008)
	tagAlgorithmName    = dicom.TagOf(0x0062, 0x0009)
	tagReferenced       = dicom.TagOf(0x0062, 0x000B)
	tagIdentification   = dicom.TagOf(0x0062, 0x000A)
	tagPropertyCategory = dicom.TagOf(0x0062, 0x0003)
	tagPropertyType     = dicom.TagOf(0x0062, 0x000F)
	tagCode             = dicom.TagOf(0x0008, 0x0100)
	tagScheme           = dicom.TagOf(0x0008, 0x0102)
	tagMeaning          = dicom.TagOf(0x0008, 0x0104)

	tagShared       = dicom.TagOf(0x5200, 0x9229)
	tagPerFrame     = dicom.TagOf(0x5200, 0x9230)
	tagPositions    = dicom.TagOf(0x0020, 0x9113)
	tagOrientations = dicom.TagOf(0x0020, 0x9116)
	tagMeasures     = dicom.TagOf(0x0028, 0x9110)
	tagThickness    = dicom.TagOf(0x0018, 0x0050)
	tagSpacing      = dicom.TagOf(0x0018, 0x0088)

	tagReferencedSeries    = dicom.TagOf(0x0008, 0x1115)
	tagReferencedInstances = dicom.TagOf(0x0008, 0x114A)
	tagReferencedInstance  = dicom.TagOf(0x0008, 0x1155)
)

// root and inner are the elements kept at the root and in items.
var root = set(tagCharset, tagSOPClass, tagSOPInstance, tagModality, tagFrameOfReference, tagSegmentationType, tagSegments, tagFractionalType,
	tagMaximumFraction, tagPadding, tagShared, tagPerFrame, tagReferencedSeries, dicom.TagOf(0x0028, 0x0002), dicom.TagOf(0x0028, 0x0008),
	dicom.TagOf(0x0028, 0x0010), dicom.TagOf(0x0028, 0x0011), dicom.TagOf(0x0028, 0x0100), dicom.TagOf(0x0028, 0x0101))

var inner = set(tagNumber, tagLabel, tagDescription, tagAlgorithmType, tagAlgorithmName, tagReferenced, tagIdentification, tagPropertyCategory,
	tagPropertyType, tagCode, tagScheme, tagMeaning, tagPositions, tagOrientations, tagMeasures, tagThickness, tagSpacing, tagReferencedInstances,
	tagReferencedInstance, dicom.TagOf(0x0020, 0x0032), dicom.TagOf(0x0020, 0x0037), dicom.TagOf(0x0028, 0x0030))

func set(tags ...dicom.Tag) map[dicom.Tag]bool {
	out := make(map[dicom.Tag]bool, len(tags))
	for _, t := range tags {
		out[t] = true
	}
	return out
}

// wanted tells which elements are kept.
func wanted(t dicom.Tag, depth int) bool {
	if depth == 0 {
		return root[t]
	}
	return inner[t]
}

func code(d dicom.Dataset) dicomcode.Code {
	return dicomcode.Code{Value: d.Text(tagCode), Scheme: d.Text(tagScheme), Meaning: d.Text(tagMeaning)}
}

// segments reads the descriptions of segments.
func (f *File) segments(o *dicom.Object) error {
	seen := map[int]bool{}
	for _, d := range o.Items(tagSegments) {
		s := Segment{Number: d.Integer(tagNumber, -1), Label: d.Text(tagLabel), Description: d.Text(tagDescription),
			Algorithm: d.Text(tagAlgorithmType), AlgorithmName: d.Text(tagAlgorithmName),
			Type: code(d.Item(tagPropertyType)), Category: code(d.Item(tagPropertyCategory))}
		if s.Number == 0 && f.Kind == Labelmap {
			continue // the background
		}
		if s.Number < 1 || seen[s.Number] {
			return fmt.Errorf("%w: segment number %d, which is missing or taken", dicom.ErrMalformed, s.Number)
		}
		seen[s.Number] = true
		s.Structure = dicomcode.Of(s.Type, s.Label)
		f.Segments = append(f.Segments, s)
	}
	if len(f.Segments) == 0 {
		return fmt.Errorf("%w: it describes no segment", dicom.ErrMalformed)
	}
	slices.SortFunc(f.Segments, func(a, b Segment) int { return cmp.Compare(a.Number, b.Number) })
	return nil
}

// sources lists the instances that the segmentation refers to.
func sources(o dicom.Dataset) []string {
	var out []string
	for _, series := range o.Items(tagReferencedSeries) {
		for _, i := range series.Items(tagReferencedInstances) {
			if uid := i.Text(tagReferencedInstance); uid != "" {
				out = append(out, uid)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// List names the segments for people.
func (f *File) List() string {
	const most = 8
	var names []string
	for n, s := range f.Segments {
		if n == most {
			names = append(names, fmt.Sprintf("%d more", len(f.Segments)-most))
			break
		}
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}
