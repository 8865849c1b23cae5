package dicom

import "github.com/suyashkumar/dicom/pkg/tag"

// Tags without a name in the library.
var (
	tagRWVSequence   = tag.Tag{Group: 0x0040, Element: 0x9096}
	tagUnitsSequence = tag.Tag{Group: 0x0040, Element: 0x08EA}
	tagRecords       = tag.Tag{Group: 0x0004, Element: 0x1220}
	tagFileID        = tag.Tag{Group: 0x0004, Element: 0x1500}
)

// topLevel are the elements kept of a data set's root.
var topLevel = tagSet(
	tag.ImageType, tag.SOPClassUID, tag.SOPInstanceUID, tag.StudyDate,
	tag.AcquisitionTime, tag.ContentTime, tag.Modality, tag.Manufacturer, tag.InstitutionName, tag.StudyDescription,
	tag.SeriesDescription, tag.PatientName, tag.PatientID, tag.PatientBirthDate,
	tag.PatientSex, tag.StudyTime, tag.StudyID, tag.AccessionNumber,
	tag.ScanningSequence, tag.SequenceVariant, tag.SequenceName, tag.RepetitionTime, tag.EchoTime, tag.InversionTime,
	tag.EchoNumbers, tag.ProtocolName, tag.FlipAngle, tag.PatientPosition, tag.ContrastBolusAgent,
	tag.DiffusionBValue, tag.DiffusionDirectionality, tag.StudyInstanceUID, tag.SeriesInstanceUID, tag.SeriesNumber,
	tag.AcquisitionNumber, tag.InstanceNumber, tag.ImagePositionPatient, tag.ImageOrientationPatient,
	tag.FrameOfReferenceUID, tag.TemporalPositionIdentifier, tag.ImageComments, tag.DerivationDescription,
	tag.SamplesPerPixel, tag.PhotometricInterpretation, tag.NumberOfFrames, tag.Rows, tag.Columns, tag.PixelSpacing,
	tag.BitsAllocated, tag.BitsStored, tag.HighBit, tag.PixelRepresentation, tag.RescaleIntercept, tag.RescaleSlope,
	tag.RescaleType, tag.LossyImageCompression, tag.EchoPulseSequence, tag.SharedFunctionalGroupsSequence,
	tag.PerFrameFunctionalGroupsSequence, tag.PulseSequenceName, tagRWVSequence, tagRecords,
)

// nested are the elements kept inside kept sequences: the functional group macros of enhanced MR
// (PS3.3 C.7.6.16, C.8.13.5), units of real-world values, and directory records.
var nested = tagSet(
	tag.FrameContentSequence, tag.PlanePositionSequence, tag.PlaneOrientationSequence, tag.PixelMeasuresSequence,
	tag.PixelValueTransformationSequence, tag.MRDiffusionSequence, tag.MREchoSequence, tag.MRImageFrameTypeSequence,
	tag.MRTimingAndRelatedParametersSequence, tag.RepetitionTime,
	tagRWVSequence, tagUnitsSequence,
	tag.TemporalPositionIndex, tag.StackID, tag.InStackPositionNumber, tag.ImagePositionPatient, tag.ImageOrientationPatient,
	tag.PixelSpacing, tag.RescaleIntercept, tag.RescaleSlope, tag.RescaleType, tag.DiffusionBValue,
	tag.DiffusionDirectionality, tag.EffectiveEchoTime, tag.FrameType, tag.FrameAcquisitionNumber,
	tag.RealWorldValueSlope, tag.RealWorldValueIntercept, tag.CodeValue, tag.CodingSchemeDesignator, tag.CodeMeaning, tagFileID, tag.DirectoryRecordType,
)

// privateB are the private elements that hold b-values, by group and low byte; their high byte is
// the block that the group's private creator reserved.
var privateB = map[uint16]uint16{0x0019: 0x0C, 0x0043: 0x39, 0x2001: 0x03, 0x0065: 0x09}

func tagSet(tags ...tag.Tag) map[tag.Tag]bool {
	set := make(map[tag.Tag]bool, len(tags))
	for _, t := range tags {
		set[t] = true
	}
	return set
}

// wanted tells the sieve what to keep.
func wanted(t tag.Tag, depth int) bool {
	if low, ok := privateB[t.Group]; ok {
		return t.Element < 0x100 || t.Element&0xFF == low
	}
	if depth == 0 {
		return topLevel[t]
	}
	return nested[t]
}
