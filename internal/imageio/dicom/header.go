package dicom

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"bayeslice/internal/geom"
)

// Identity is what could identify the patient. It stays in memory; the caller keeps it out of
// logs and results.
type Identity struct {
	PatientName, PatientID, BirthDate, Sex, Institution string
	StudyDate, StudyTime, StudyID, Accession            string
}

// Header is what is known of one file before its pixels are read. Immutable.
type Header struct {
	Name     string // within the file system it was read from
	Identity Identity

	SOPClass, SOPInstance           string
	Study, Series                   string // instance UIDs
	FrameOfReference                string // UID, "" where unknown
	Modality, Manufacturer          string
	SeriesNumber, Instance          int
	Description, Protocol, Sequence string // SeriesDescription, ProtocolName, SequenceName or PulseSequenceName
	ScanningSequence                string // components joined by a backslash
	StudyDescription, Comments      string
	Derivation, Contrast            string // DerivationDescription, ContrastBolusAgent
	PatientPosition                 string // "HFS", …
	RepetitionTime, FlipAngle       float64
	Acquisition, Temporal           int    // AcquisitionNumber, TemporalPositionIdentifier; 0 where unknown
	Time                            string // AcquisitionTime, else ContentTime: orders repeats
	Photometric                     string
	Rows, Columns, Samples          int
	BitsAllocated, BitsStored, High int // High is HighBit
	Signed, Lossy                   bool
	Frames                          []Frame // one for a classic image
	TransferSyntax                  string
	Enhanced                        bool // multi-frame with functional groups
	Directory                       bool // a DICOMDIR: it lists files and is no image; see [Directory]

	syntax syntax
	pixels pixelSpan
}

// Frame is one image plane. Immutable.
type Frame struct {
	Header           *Header
	Index            int        // 0-based frame number in the file
	HasPlane         bool       // the geometry below is valid
	Position         geom.Vec3  // LPS mm of the centre of the first voxel
	Row, Column      geom.Vec3  // unit directions of growing column index (i) and row index (j)
	PixelMM          [2]float64 // mm between columns (i) and between rows (j)
	ImageType        []string   // values, upper case
	Echo             float64    // ms
	B                BValue     // diffusion weighting
	Directionality   string     // DiffusionDirectionality: "ISOTROPIC", "DIRECTIONAL", "NONE", ""
	Slope, Intercept float64    // modality rescale
	Temporal         int        // TemporalPositionIndex or identifier
	RealWorld        []RealWorldMap
}

// ReadHeader reads what comes before the pixels of one file. It fails with one of the package's
// sentinels, or the file system's error, and never panics whatever the file holds.
func ReadHeader(fsys fs.FS, name string) (*Header, error) {
	s, err := sieveFile(fsys, name, wanted)
	if err != nil {
		return nil, err
	}
	a, err := decode(s)
	if err != nil {
		return nil, err
	}
	return newHeader(name, s, a)
}

// newHeader interprets the decoded elements.
func newHeader(name string, s *sieved, a attrs) (*Header, error) {
	h := &Header{Name: name, syntax: s.syntax, TransferSyntax: s.syntax.uid}
	h.identify(a)
	if h.Directory = a[tagRecords] != nil; h.Directory { // its data set names no SOP class (PS3.3 F.3)
		return h, fmt.Errorf("%w (DICOMDIR)", ErrNotImage)
	}
	if h.SOPClass == "" && h.Series == "" && h.Modality == "" {
		return nil, fmt.Errorf("%w: it names no SOP class, series or modality", ErrNotDICOM)
	}
	if s.pixels == nil && mrImage(h.SOPClass) {
		return h, fmt.Errorf("%w: it ends before its pixel data", ErrTruncated)
	}
	if s.pixels == nil || nonImage(h.Modality) {
		return h, fmt.Errorf("%w (%s)", ErrNotImage, kindOf(h))
	}
	h.pixels = *s.pixels
	h.describe(a)
	if err := h.pixelModule(a); err != nil {
		return h, err
	}
	if err := h.frames(a); err != nil {
		return h, err
	}
	return h, nil
}

// mrImage reports whether an SOP class is one of the MR images, which always have pixel data.
func mrImage(class string) bool {
	switch class {
	case "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4":
		return true
	}
	return false
}

// nonImage lists modalities whose pixel data are not images to read from.
func nonImage(modality string) bool {
	switch modality {
	case "SEG", "PR", "KO", "SR", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "DOC", "PLAN":
		return true
	}
	return false
}

// kindOf names what a file without image is.
func kindOf(h *Header) string {
	if h.Modality != "" {
		return h.Modality
	}
	return "no pixel data"
}

// identify fills who and what.
func (h *Header) identify(a attrs) {
	h.Identity = Identity{
		PatientName: a.text(tag.PatientName), PatientID: a.text(tag.PatientID), BirthDate: a.text(tag.PatientBirthDate),
		Sex: a.text(tag.PatientSex), Institution: a.text(tag.InstitutionName), StudyDate: a.text(tag.StudyDate),
		StudyTime: a.text(tag.StudyTime), StudyID: a.text(tag.StudyID), Accession: a.text(tag.AccessionNumber),
	}
	h.SOPClass, h.SOPInstance = a.text(tag.SOPClassUID), a.text(tag.SOPInstanceUID)
	h.Study, h.Series = a.text(tag.StudyInstanceUID), a.text(tag.SeriesInstanceUID)
	h.FrameOfReference = a.text(tag.FrameOfReferenceUID)
	h.Modality, h.Manufacturer = strings.ToUpper(a.text(tag.Modality)), a.text(tag.Manufacturer)
	h.SeriesNumber, h.Instance = a.integer(tag.SeriesNumber, 0), a.integer(tag.InstanceNumber, 0)
}

// describe fills how it was made.
func (h *Header) describe(a attrs) {
	h.Description, h.Protocol = a.text(tag.SeriesDescription), a.text(tag.ProtocolName)
	h.Sequence = a.text(tag.SequenceName)
	if h.Sequence == "" {
		h.Sequence = a.text(tag.PulseSequenceName)
	}
	h.ScanningSequence = strings.Join(a.texts(tag.ScanningSequence), "\\")
	h.StudyDescription, h.Comments = a.text(tag.StudyDescription), a.text(tag.ImageComments)
	h.Derivation, h.Contrast = a.text(tag.DerivationDescription), a.text(tag.ContrastBolusAgent)
	h.PatientPosition = a.text(tag.PatientPosition)
	h.RepetitionTime, h.FlipAngle = a.number(tag.RepetitionTime, 0), a.number(tag.FlipAngle, 0)
	h.Acquisition, h.Temporal = a.integer(tag.AcquisitionNumber, 0), a.integer(tag.TemporalPositionIdentifier, 0)
	if h.Time = a.text(tag.AcquisitionTime); h.Time == "" {
		h.Time = a.text(tag.ContentTime)
	}
	h.Lossy = a.text(tag.LossyImageCompression) == "01"
}

// pixelModule fills and checks how pixels are stored (PS3.3 C.7.6.3).
func (h *Header) pixelModule(a attrs) error {
	h.Photometric = a.text(tag.PhotometricInterpretation)
	h.Rows, h.Columns = a.integer(tag.Rows, 0), a.integer(tag.Columns, 0)
	h.Samples = a.integer(tag.SamplesPerPixel, 1)
	h.BitsAllocated = a.integer(tag.BitsAllocated, 0)
	h.BitsStored = a.integer(tag.BitsStored, h.BitsAllocated)
	h.High = a.integer(tag.HighBit, h.BitsStored-1)
	h.Signed = a.integer(tag.PixelRepresentation, 0) == 1
	switch {
	case h.Rows <= 0 || h.Columns <= 0:
		return fmt.Errorf("%w: an image of %d rows and %d columns", ErrMalformed, h.Rows, h.Columns)
	case h.Samples != 1 || h.Photometric != "MONOCHROME1" && h.Photometric != "MONOCHROME2" && h.Photometric != "":
		return fmt.Errorf("%w: a colour image (%s)", ErrNotImage, h.Photometric)
	case h.BitsAllocated == 1:
		return fmt.Errorf("%w: a one-bit image", ErrNotImage)
	case h.BitsAllocated != 8 && h.BitsAllocated != 16 && h.BitsAllocated != 32:
		return fmt.Errorf("%w: %d bits a pixel; export the series with 16", ErrUnsupported, h.BitsAllocated)
	case h.BitsStored < 1 || h.BitsStored > h.BitsAllocated || h.High < h.BitsStored-1 || h.High >= h.BitsAllocated:
		return fmt.Errorf("%w: %d of %d bits used, the highest being bit %d", ErrMalformed, h.BitsStored, h.BitsAllocated, h.High)
	}
	return nil
}

// frameBytes is the size of one native frame.
func (h *Header) frameBytes() int64 {
	return int64(h.Rows) * int64(h.Columns) * int64(h.BitsAllocated/8)
}

// pixelBytes is the size of count native frames. Those of one bit a pixel follow each other without padding
// (PS3.5 8.1.1).
func (h *Header) pixelBytes(count int) int64 {
	if h.BitsAllocated == 1 {
		return (int64(h.Rows)*int64(h.Columns)*int64(count) + 7) / 8
	}
	return h.frameBytes() * int64(count)
}

// frames fills the planes, from functional groups where there are several.
func (h *Header) frames(a attrs) error {
	count := a.integer(tag.NumberOfFrames, 1)
	if count < 1 {
		return fmt.Errorf("%w: %d frames", ErrMalformed, count)
	}
	if h.pixels.encapsulated && h.frameBytes() > maxUnpacked/int64(count) {
		return fmt.Errorf("%w: %d images of %d×%d pixels in one compressed file", ErrTooLarge, count, h.Columns, h.Rows)
	}
	if h.pixels.encapsulated && h.frameBytes() > h.pixels.length*h.syntax.expansion()/int64(count) {
		return fmt.Errorf("%w: %d images of %d×%d pixels cannot come from %d compressed bytes", ErrTruncated, count, h.Columns, h.Rows, h.pixels.length)
	}
	if h.syntax.decodable() && h.pixels.encapsulated != h.syntax.compressed() {
		return fmt.Errorf("%w: the pixels are not encoded as the transfer syntax says", ErrMalformed)
	}
	if !h.pixels.encapsulated {
		if need := h.frameBytes() * int64(count); need/int64(count) != h.frameBytes() || need > h.pixels.length {
			return fmt.Errorf("%w: %d images of %d×%d pixels do not fit into %d bytes of pixel data",
				ErrTruncated, count, h.Columns, h.Rows, h.pixels.length)
		}
	}
	per := a.items(tag.PerFrameFunctionalGroupsSequence)
	shared := a.item(tag.SharedFunctionalGroupsSequence)
	switch {
	case len(per) == 0 && len(shared) == 0 && count == 1:
		h.Frames = []Frame{classicFrame(h, a)}
		return nil
	case len(per) == 0 && len(shared) == 0:
		return fmt.Errorf("%w: %d frames in one file without positions (functional groups); export the series as single images", ErrUnsupported, count)
	case len(per) != count:
		return fmt.Errorf("%w: %d frames but %d functional groups", ErrMalformed, count, len(per))
	}
	h.Enhanced = true
	h.describeEnhanced(a, shared, per[0])
	h.Frames = make([]Frame, count)
	for i := range h.Frames {
		h.Frames[i] = enhancedFrame(h, a, shared, per[i], i)
	}
	return nil
}

// describeEnhanced fills what enhanced objects say elsewhere than classic ones.
func (h *Header) describeEnhanced(root, shared, first attrs) {
	timing := shared.item(tag.MRTimingAndRelatedParametersSequence)
	if timing == nil {
		timing = first.item(tag.MRTimingAndRelatedParametersSequence)
	}
	if h.RepetitionTime == 0 {
		h.RepetitionTime = timing.number(tag.RepetitionTime, 0)
	}
	if h.ScanningSequence == "" {
		h.ScanningSequence = map[string]string{"SPIN": "SE", "GRADIENT": "GR", "BOTH": "SE\\GR"}[root.text(tag.EchoPulseSequence)]
	}
}

// classicFrame reads the plane of a single-frame image.
func classicFrame(h *Header, a attrs) Frame {
	f := Frame{
		Header: h, ImageType: upper(a.texts(tag.ImageType)), Echo: a.number(tag.EchoTime, 0), B: bValue(a),
		Directionality: a.text(tag.DiffusionDirectionality), Temporal: h.Temporal,
		Slope: a.number(tag.RescaleSlope, 1), Intercept: a.number(tag.RescaleIntercept, 0),
		RealWorld: realWorld(a),
	}
	f.setPlane(a, a, a)
	return f
}

// enhancedFrame reads a frame's functional groups; a per-frame macro goes before a shared one.
func enhancedFrame(h *Header, root, shared, per attrs, index int) Frame {
	holder := func(t tag.Tag) attrs {
		if per.item(t) != nil {
			return per
		}
		return shared
	}
	group := func(t tag.Tag) attrs { return holder(t).item(t) }
	content, transform := group(tag.FrameContentSequence), group(tag.PixelValueTransformationSequence)
	f := Frame{
		Header: h, Index: index, ImageType: upper(group(tag.MRImageFrameTypeSequence).texts(tag.FrameType)),
		Echo:  group(tag.MREchoSequence).number(tag.EffectiveEchoTime, 0),
		Slope: transform.number(tag.RescaleSlope, 1), Intercept: transform.number(tag.RescaleIntercept, 0),
		Temporal: content.integer(tag.TemporalPositionIndex, 0), RealWorld: realWorld(holder(tagRWVSequence)),
	}
	if f.ImageType == nil {
		f.ImageType = upper(root.texts(tag.ImageType))
	}
	diffusion := group(tag.MRDiffusionSequence)
	f.Directionality = diffusion.text(tag.DiffusionDirectionality)
	if f.B = bValue(diffusion); !f.B.Known && f.Directionality == "NONE" {
		f.B = BValue{true, 0, "(0018,9075) NONE"}
	}
	if !f.B.Known {
		f.B = bValue(root)
	}
	f.setPlane(group(tag.PlanePositionSequence), group(tag.PlaneOrientationSequence), group(tag.PixelMeasuresSequence))
	return f
}

// setPlane fills the geometry where all of it is there and usable.
func (f *Frame) setPlane(position, orientation, measures attrs) {
	p, okP := position.vector(tag.ImagePositionPatient)
	o, okO := orientation.numbers(tag.ImageOrientationPatient)
	mm, okM := measures.numbers(tag.PixelSpacing)
	if !okP || !okO || !okM || len(o) != 6 || len(mm) != 2 || mm[0] <= 0 || mm[1] <= 0 {
		return
	}
	row, column := geom.Vec3{o[0], o[1], o[2]}, geom.Vec3{o[3], o[4], o[5]}
	if row.Norm() < 0.9 || row.Norm() > 1.1 || column.Norm() < 0.9 || column.Norm() > 1.1 {
		return
	}
	row, column = row.Unit(), column.Unit()
	if d := row.Dot(column); d > 1e-3 || d < -1e-3 {
		return
	}
	f.HasPlane, f.Position, f.Row, f.Column = true, p, row, column
	f.PixelMM = [2]float64{mm[1], mm[0]} // PixelSpacing is rows\columns
}

func upper(s []string) []string {
	for i := range s {
		s[i] = strings.ToUpper(s[i])
	}
	return s
}
