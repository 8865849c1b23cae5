package dicomout

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/frame"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicomcode"
)

// Identifiers of what is written and of who writes it.
const (
	mrImageStorage = "1.2.840.10008.5.1.4.1.1.4"
	implementation = "BAYESLICE_1"
	charset        = "ISO_IR 192" // UTF-8
)

// UID returns a DICOM unique identifier under the 2.25 arc that is a pure function of the parts: a
// name-based UUID (RFC 9562, version 8) of their SHA-256, written as a decimal number.
func UID(parts ...string) string {
	h := sha256.Sum256([]byte("bayeslice\x00" + strings.Join(parts, "\x00")))
	id := h[:16]
	id[6] = id[6]&0x0F | 0x80
	id[8] = id[8]&0x3F | 0x80
	return "2.25." + new(big.Int).SetBytes(id).String()
}

func (s Study) uid() string { return UID(s.Key, "study") }

func (s Study) seriesUID(number int) string { return UID(s.Key, "series", strconv.Itoa(number)) }

func (s Study) instanceUID(series, instance int) string {
	return UID(s.Key, "image", strconv.Itoa(series), strconv.Itoa(instance))
}

// set collects elements and the first errors met in making them.
type set struct {
	elements []*dicom.Element
	errs     []error
}

// text adds a string element; no values make it empty, as type 2 attributes may be.
func (s *set) text(t tag.Tag, values ...string) {
	if len(values) == 0 {
		values = []string{""}
	}
	s.add(t, values)
}

// optional adds a string element only where the value is not empty.
func (s *set) optional(t tag.Tag, value string) {
	if value != "" {
		s.add(t, []string{value})
	}
}

// decimal adds a decimal string (VR DS).
func (s *set) decimal(t tag.Tag, values ...float64) {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = Decimal(v)
	}
	s.add(t, texts)
}

// positive adds a decimal string where the value is above 0, and an empty one elsewhere.
func (s *set) positive(t tag.Tag, v float64) {
	if v > 0 {
		s.decimal(t, v)
		return
	}
	s.text(t)
}

func (s *set) add(t tag.Tag, data any) {
	e, err := dicom.NewElement(t, data)
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("%w: %v: %w", ErrValue, t, err))
		return
	}
	s.elements = append(s.elements, e)
}

// file adds what every file begins with, but for its instance UID.
func (s *set) file(class string) {
	s.text(tag.MediaStorageSOPClassUID, class)
	s.text(tag.TransferSyntaxUID, uid.ExplicitVRLittleEndian)
	s.text(tag.ImplementationClassUID, UID("implementation"))
	s.text(tag.ImplementationVersionName, implementation)
	s.add(tag.FileMetaInformationVersion, []byte{0, 1})
	s.text(tag.SpecificCharacterSet, charset)
	s.text(tag.SOPClassUID, class)
}

// items adds a sequence.
func (s *set) items(t tag.Tag, items ...*set) {
	all := make([][]*dicom.Element, len(items))
	for n, i := range items {
		s.errs = append(s.errs, i.errs...)
		all[n] = sorted(i.elements)
	}
	s.add(t, all)
}

// code adds a code sequence of one item for each code.
func (s *set) code(t tag.Tag, codes ...dicomcode.Code) {
	items := make([]*set, len(codes))
	for n, c := range codes {
		items[n] = &set{}
		items[n].text(tag.CodeValue, c.Value)
		items[n].text(tag.CodingSchemeDesignator, c.Scheme)
		items[n].text(tag.CodeMeaning, c.Meaning)
	}
	s.items(t, items...)
}

func (s *set) done() ([]*dicom.Element, error) { return s.elements, errors.Join(s.errs...) }

// Decimal writes a number as a DICOM decimal string (VR DS): the most digits that fit 16 bytes.
func Decimal(v float64) string {
	for digits := 16; digits > 1; digits-- {
		if t := strconv.FormatFloat(v, 'g', digits, 64); len(t) <= 16 {
			if short := strconv.FormatFloat(v, 'g', -1, 64); len(short) <= len(t) {
				return short
			}
			return t
		}
	}
	return strconv.FormatFloat(v, 'g', 1, 64)
}

// sharedElements returns what all images of a call have in common.
func sharedElements(study Study, series Series, g geom.Grid) ([]*dicom.Element, error) {
	s := &set{}
	s.file(mrImageStorage)
	s.text(tag.ImageType, series.ImageType...)
	s.text(tag.StudyDate, study.Date)
	s.text(tag.StudyTime, study.Time)
	s.text(tag.AccessionNumber)
	s.text(tag.Modality, "MR")
	s.text(tag.Manufacturer, study.Manufacturer)
	s.text(tag.ReferringPhysicianName)
	s.optional(tag.StudyDescription, study.Description)
	s.optional(tag.SeriesDescription, series.Description)
	s.optional(tag.ManufacturerModelName, study.Model)

	s.text(tag.PatientName, study.PatientName)
	s.text(tag.PatientID, study.PatientID)
	s.text(tag.PatientBirthDate)
	s.text(tag.PatientSex, study.PatientSex)

	s.text(tag.StudyInstanceUID, study.uid())
	s.text(tag.SeriesInstanceUID, study.seriesUID(series.Number))
	s.text(tag.StudyID, study.StudyID)
	s.text(tag.SeriesNumber, strconv.Itoa(series.Number))
	s.text(tag.FrameOfReferenceUID, UID(study.Key, "frame of reference"))
	s.text(tag.PositionReferenceIndicator)
	s.optional(tag.ImageComments, study.Comments)
	s.optional(tag.BodyPartExamined, study.BodyPart)
	s.optional(tag.ContentQualification, study.Qualification)
	acquisitionElements(s, study, series)
	gridElements(s, g)
	displayElements(s, series)
	if series.Unit.Code != "" {
		unitElements(s, series)
	}
	return s.done()
}

// acquisitionElements adds the MR acquisition attributes.
func acquisitionElements(s *set, study Study, series Series) {
	s.text(tag.ScanningSequence, series.Scanning)
	s.text(tag.SequenceVariant, series.Variant)
	s.text(tag.ScanOptions)
	s.text(tag.MRAcquisitionType, series.Acquisition)
	s.optional(tag.SequenceName, series.SequenceName)
	s.positive(tag.RepetitionTime, series.TR)
	s.positive(tag.EchoTime, series.TE)
	if series.Averages > 0 {
		s.decimal(tag.NumberOfAverages, series.Averages)
	}
	if study.FieldStrengthTesla > 0 {
		s.decimal(tag.MagneticFieldStrength, study.FieldStrengthTesla)
		const larmorMHz = 42.577478518
		s.decimal(tag.ImagingFrequency, larmorMHz*study.FieldStrengthTesla)
		s.text(tag.ImagedNucleus, "1H")
	}
	if series.EchoTrain > 0 {
		s.text(tag.EchoTrainLength, strconv.Itoa(series.EchoTrain))
	} else {
		s.text(tag.EchoTrainLength)
	}
	s.optional(tag.SoftwareVersions, study.SoftwareVersion)
	s.optional(tag.ProtocolName, series.Protocol)
	if series.FlipAngle > 0 {
		s.decimal(tag.FlipAngle, series.FlipAngle)
	}
	s.text(tag.PatientPosition, "HFS")
	if series.HasB {
		s.add(tag.DiffusionBValue, []float64{series.B})
	}
}

// gridElements adds the geometry that all slices share. PixelSpacing is row spacing, then column
// spacing: the distance along j, then along i.
func gridElements(s *set, g geom.Grid) {
	s.decimal(tag.SliceThickness, g.Spacing[2])
	s.decimal(tag.SpacingBetweenSlices, g.Spacing[2])
	s.decimal(tag.ImageOrientationPatient, g.Dir[0][0], g.Dir[0][1], g.Dir[0][2], g.Dir[1][0], g.Dir[1][1], g.Dir[1][2])
	s.decimal(tag.PixelSpacing, g.Spacing[1], g.Spacing[0])
	s.add(tag.Rows, []int{g.Size[1]})
	s.add(tag.Columns, []int{g.Size[0]})
}

// displayElements adds how stored values are to be read and shown.
func displayElements(s *set, series Series) {
	s.add(tag.SamplesPerPixel, []int{1})
	s.text(tag.PhotometricInterpretation, "MONOCHROME2")
	s.add(tag.BitsAllocated, []int{16})
	s.add(tag.BitsStored, []int{16})
	s.add(tag.HighBit, []int{15})
	s.add(tag.PixelRepresentation, []int{0})
	if series.Window[1] > 0 {
		s.decimal(tag.WindowCenter, series.Window[0])
		s.decimal(tag.WindowWidth, series.Window[1])
	}
	if series.Slope != 0 {
		s.decimal(tag.RescaleIntercept, 0)
		s.decimal(tag.RescaleSlope, series.Slope)
		s.text(tag.RescaleType, "US")
	}
	s.text(tag.LossyImageCompression, "00")
}

// unitElements adds the real-world value mapping that states the unit.
func unitElements(s *set, series Series) {
	item := &set{}
	item.text(tag.LUTExplanation, series.Unit.Label)
	item.code(tag.MeasurementUnitsCodeSequence, dicomcode.Code{Value: series.Unit.Code, Scheme: "UCUM", Meaning: series.Unit.Meaning})
	item.text(tag.LUTLabel, series.Unit.Label)
	item.add(tag.RealWorldValueLastValueMapped, []int{1<<16 - 1})
	item.add(tag.RealWorldValueFirstValueMapped, []int{0})
	slope := series.Slope
	if slope == 0 {
		slope = 1
	}
	item.add(tag.RealWorldValueIntercept, []float64{0})
	item.add(tag.RealWorldValueSlope, []float64{slope})
	s.items(tag.RealWorldValueMappingSequence, item)
}

// imageElements returns what only slice k has.
func imageElements(study Study, series Series, g geom.Grid, k int, pixels []byte) ([]*dicom.Element, error) {
	s := &set{}
	instance := series.FirstInstance + k
	id := study.instanceUID(series.Number, instance)
	corner := g.World(geom.Vec3{0, 0, float64(k)})
	s.text(tag.MediaStorageSOPInstanceUID, id)
	s.text(tag.SOPInstanceUID, id)
	s.text(tag.InstanceNumber, strconv.Itoa(instance))
	s.text(tag.AcquisitionNumber, "1")
	s.decimal(tag.ImagePositionPatient, corner[0], corner[1], corner[2])
	s.decimal(tag.SliceLocation, corner.Dot(g.Normal()))
	s.add(tag.PixelData, dicom.PixelDataInfo{IntentionallyUnprocessed: true, UnprocessedValueData: pixels, Frames: []*frame.Frame{}})
	return s.done()
}

// sorted merges elements in rising order of tags, as the standard asks.
func sorted(parts ...[]*dicom.Element) []*dicom.Element {
	all := slices.Concat(parts...)
	slices.SortStableFunc(all, func(a, b *dicom.Element) int {
		return cmp.Or(cmp.Compare(a.Tag.Group, b.Tag.Group), cmp.Compare(a.Tag.Element, b.Tag.Element))
	})
	return all
}
