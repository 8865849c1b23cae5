// Package dicomout writes volumes as single-frame DICOM MR Image Storage objects, explicit VR little
// endian. It knows geometry and attributes, not what is in the picture; UIDs are deterministic, so
// that the same study written twice gives the same bytes.
package dicomout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/suyashkumar/dicom"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/syserr"
	"bayeslice/internal/volume"
)

// ErrValue marks a volume or attribute that a DICOM object cannot hold.
var ErrValue = errors.New("dicomout: value does not fit a DICOM object")

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
	BodyPart           string  // BodyPartExamined, a defined term such as PROSTATE
	Qualification      string  // ContentQualification: PRODUCT, RESEARCH or SERVICE; empty leaves it out
	Comments           string  // ImageComments (0020,4000) of every image
	FieldStrengthTesla float64 // MagneticFieldStrength (0018,0087)
}

// Unit is a unit of measurement in UCUM with what it measures.
type Unit struct {
	Code    string // UCUM code, such as um2/s
	Meaning string // the unit in words
	Label   string // what is measured, at most 16 characters
}

// Series is what all images of one series share. Several calls of [WriteSeries] with the same
// Number add images to the same series, as scanners store one diffusion series with several
// b-values; give each call its own FirstInstance.
type Series struct {
	Number        int
	Description   string
	ImageType     []string // such as ORIGINAL, PRIMARY, DIFFUSION, NONE
	SequenceName  string
	Protocol      string // ProtocolName (0018,1030)
	Scanning      string // ScanningSequence: SE, GR or EP
	Variant       string // SequenceVariant: SK, NONE, …
	Acquisition   string // MRAcquisitionType: 2D or 3D
	TR, TE        float64
	EchoTrain     int
	FlipAngle     float64 // degrees
	Averages      float64
	HasB          bool
	B             float64    // s/mm², written as (0018,9087) where HasB
	FirstInstance int        // InstanceNumber of the first slice; 0 stands for 1
	Window        [2]float64 // centre and width; width 0 leaves both out
	Slope         float64    // RescaleSlope, stored value = value / Slope; 0 leaves the rescale out
	Unit          Unit       // of the values, written as a real-world value mapping; zero leaves that out
}

// WriteSeries writes one file per slice of v into dir, which is made where it does not exist. File
// names are IM followed by the instance number. Voxels must be whole multiples of the slope within
// 0…65535 after division by it, and k must run along the slice normal or against it on a grid with
// uniform spacing, as every [geom.Grid] does; anything else fails with [ErrValue]. Files appear under
// their final name only when complete; on an error the files before it stay. A full disk or a folder
// that cannot be written is reported as a sentence that wraps the operating system's error.
func WriteSeries(ctx context.Context, dir string, study Study, series Series, v *volume.Volume) error {
	if err := makeFolder(dir); err != nil {
		return err
	}
	if series.FirstInstance == 0 {
		series.FirstInstance = 1
	}
	shared, err := sharedElements(study, series, v.Grid())
	if err != nil {
		return err
	}
	for k := range v.Grid().Size[2] {
		if err := ctx.Err(); err != nil {
			return err
		}
		instance := series.FirstInstance + k
		pixels, err := encode(v.Slice(k), series.Slope)
		if err != nil {
			return fmt.Errorf("%w (series %d, slice %d)", err, series.Number, k)
		}
		own, err := imageElements(study, series, v.Grid(), k, pixels)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, fmt.Sprintf("IM%05d.dcm", instance))
		dataset := dicom.Dataset{Elements: sorted(shared, own)}
		if err := codec.WriteFile(path, func(w io.Writer) error { return dicom.Write(w, dataset) }); err != nil {
			return err
		}
	}
	return nil
}

// encode returns the stored values of a slice, little endian.
func encode(values []float32, slope float64) ([]byte, error) {
	if slope == 0 {
		slope = 1
	}
	out := make([]byte, 0, 2*len(values))
	for i, v := range values {
		stored := float64(v) / slope
		n := math.Round(stored)
		if !(n >= 0 && n <= math.MaxUint16) || math.Abs(stored-n) > 1e-3 {
			return nil, fmt.Errorf("%w: voxel %d is %g, which is not a whole multiple of %g in 0…65535", ErrValue, i, v, slope)
		}
		out = append(out, byte(int(n)), byte(int(n)>>8))
	}
	return out, nil
}

// makeFolder makes the folder, or says why it cannot be and what helps.
func makeFolder(dir string) error {
	err := os.MkdirAll(dir, 0o750)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syserr.DiskFull):
		return fmt.Errorf("dicomout: the disk has no room for the folder %s; free some space or choose another place: %w", filepath.Base(dir), err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("dicomout: the folder %s may not be made; choose a place that you may write to: %w", filepath.Base(dir), err)
	}
	return fmt.Errorf("dicomout: the folder %s cannot be made; choose another place: %w", filepath.Base(dir), err)
}
