// Package dicomout writes volumes as single-frame DICOM MR Image Storage objects, explicit VR little
// endian. It knows geometry and attributes, not what is in the picture; UIDs are deterministic, so
// that the same study written twice gives the same bytes.
package dicomout

import (
	"context"
	"errors"

	"bayeslice/internal/volume"
)

// ErrValue marks a volume or attribute that a DICOM MR image cannot hold.
var ErrValue = errors.New("dicomout: value does not fit a DICOM MR image")

// Study is what all series of one examination share.
type Study struct {
	Key                string // any text that identifies the study; UIDs are hashes of it
	PatientName        string // DICOM person name, components separated by ^
	PatientID          string
	PatientSex         string // M, F or O
	StudyID            string
	Description        string
	Date, Time         string // YYYYMMDD and HHMMSS; empty where unknown
	Manufacturer       string
	Model              string
	SoftwareVersion    string
	Comments           string  // ImageComments (0020,4000) of every image
	FieldStrengthTesla float64 // MagneticFieldStrength (0018,0087)
}

// Series is what all images of one series share. Several calls of [WriteSeries] with the same
// Number add images to the same series, as scanners store one diffusion series with several
// b-values; give each call its own FirstInstance.
type Series struct {
	Number        int
	Description   string
	ImageType     []string // such as ORIGINAL, PRIMARY, DIFFUSION, NONE
	SequenceName  string
	Protocol      string  // ProtocolName (0018,1030)
	Scanning      string  // ScanningSequence: SE, GR or EP
	Variant       string  // SequenceVariant: SK, NONE, …
	TR, TE        float64 // ms
	FlipAngle     float64 // degrees
	Averages      float64
	HasB          bool
	B             float64    // s/mm², written as (0018,9087) where HasB
	FirstInstance int        // InstanceNumber of the first slice; 0 stands for 1
	Window        [2]float64 // centre and width; width 0 leaves both out
	Slope         float64    // RescaleSlope, stored value = value / Slope; 0 leaves the rescale out
}

// WriteSeries writes one file per slice of v into dir, which is made where it does not exist. File
// names are IM followed by the instance number. Voxels must be whole multiples of the slope within
// 0…65535 after division by it; anything else fails with [ErrValue]. Files appear under their final
// name only when complete.
func WriteSeries(ctx context.Context, dir string, study Study, series Series, v *volume.Volume) error {
	return errors.New("dicomout: under construction")
}
