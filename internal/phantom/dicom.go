package phantom

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"bayeslice/internal/imageio/dicomout"
	"bayeslice/internal/imageio/nifti"
)

// What every written file says of itself.
const (
	// Manufacturer is the Manufacturer (0008,0070) of every image, by which a reader knows a phantom.
	Manufacturer = "Bayeslice phantom"
	// Comment is the ImageComments (0020,4000) of every image.
	Comment = "SYNTHETIC: computer-generated phantom, not a patient"
)

// Series numbers of the written study.
const (
	numberT2W = iota + 2
	numberDWI
	numberADC
	numberHighB
)

// Folders of the written study, one per series, which are also the series' descriptions.
const (
	folderT2W   = "t2_tse_tra"
	folderDWI   = "ep2d_diff_tra"
	folderADC   = "ep2d_diff_tra_ADC"
	folderHighB = "ep2d_diff_tra_CALC_BVAL"
)

// WriteDICOM writes the exam as a DICOM study: one folder per series (T2W, DWI with every acquired
// b-value, ADC and, where it is calculated, high-b) under dir, which is made where it does not exist.
// The same exam gives the same bytes. It fails with [io/fs.ErrExist] where dir holds anything (see
// [ClearDICOM]), and with the errors of [dicomout.WriteSeries].
func (e *Exam) WriteDICOM(ctx context.Context, dir string) error {
	if err := vacant(dir); err != nil {
		return err
	}
	study := e.study()
	if err := dicomout.WriteSeries(ctx, filepath.Join(dir, folderT2W), study, t2wSeries(), e.T2W); err != nil {
		return err
	}
	first := 1
	for _, d := range e.DWI {
		s := diffusionSeries(numberDWI, folderDWI, fmt.Sprintf("*ep_b%gt", d.B))
		s.ImageType = []string{"ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"}
		s.HasB, s.B, s.FirstInstance = true, d.B, first
		first += d.Volume.Grid().Size[2]
		if err := dicomout.WriteSeries(ctx, filepath.Join(dir, folderDWI), study, s, d.Volume); err != nil {
			return err
		}
	}
	adc := e.derivedSeries(numberADC, folderADC, "ADC")
	adc.Window = [2]float64{1000, 2000}
	// One µm²/s is 10⁻⁶ mm²/s.
	adc.Unit = dicomout.Unit{Code: "um2/s", Meaning: "square micrometer per second", Label: "ADC"}
	if err := dicomout.WriteSeries(ctx, filepath.Join(dir, adc.Description), study, adc, e.ADC); err != nil {
		return err
	}
	if !e.HighB.Calculated {
		return nil
	}
	high := e.derivedSeries(numberHighB, folderHighB, "CALC_BVALUE")
	high.HasB, high.B, high.Window = true, e.HighB.B, [2]float64{100, 200}
	return dicomout.WriteSeries(ctx, filepath.Join(dir, high.Description), study, high, e.HighB.Volume)
}

// derivedSeries describes a series computed from the diffusion images. Its sequence name keeps the
// range of acquired b-values, as scanners leave it.
func (e *Exam) derivedSeries(number int, name, kind string) dicomout.Series {
	bs := e.Config.BValues
	s := diffusionSeries(number, name, fmt.Sprintf("*ep_b%g_%g", bs[0], bs[len(bs)-1]))
	s.ImageType = []string{"DERIVED", "PRIMARY", "DIFFUSION", kind}
	return s
}

// study describes the exam without anything that could pass for a person.
func (e *Exam) study() dicomout.Study {
	seed := strconv.FormatUint(e.Config.Seed, 10)
	return dicomout.Study{
		Key:         "phantom " + e.fingerprint(),
		PatientName: "PHANTOM^SYNTHETIC", PatientID: "SYNTHETIC-" + seed, PatientSex: "M",
		StudyID: "1", Description: "SYNTHETIC prostate phantom",
		Manufacturer: Manufacturer, Model: "Bayeslice phantom generator", SoftwareVersion: "1",
		BodyPart: "PROSTATE", Qualification: "RESEARCH", Comments: Comment, FieldStrengthTesla: 3,
	}
}

// fingerprint tells apart exams that differ in any knob, so that two of them never share a UID.
func (e *Exam) fingerprint() string {
	c := e.Config
	c.Progress = nil
	return strings.ReplaceAll(fmt.Sprintf("%+v", c), " ", ",")
}

func t2wSeries() dicomout.Series {
	return dicomout.Series{
		Number: numberT2W, Description: folderT2W, Protocol: folderT2W, SequenceName: "*tse2d1_25",
		ImageType: []string{"ORIGINAL", "PRIMARY", "OTHER"}, Scanning: "SE", Variant: "SK", Acquisition: "2D",
		TR: t2wTR, TE: t2wTE, EchoTrain: 25, FlipAngle: 160, Averages: 3, Window: [2]float64{350, 700},
	}
}

func diffusionSeries(number int, description, sequence string) dicomout.Series {
	return dicomout.Series{
		Number: number, Description: description, Protocol: "ep2d_diff_tra", SequenceName: sequence,
		Scanning: "EP", Variant: "SK", Acquisition: "2D", TR: dwiTR, TE: dwiTE, EchoTrain: 64, FlipAngle: 90,
		Averages: 1, Window: [2]float64{400, 800},
	}
}

// WriteLabels writes zones.nii.gz and lesions.nii.gz on the T2W grid into dir, which is made where
// it does not exist. Values are those of [Labels]. Errors are those of [nifti.WriteMask].
func (e *Exam) WriteLabels(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("phantom: make the folder for the labels: %w", err)
	}
	if err := nifti.WriteMask(filepath.Join(dir, "zones.nii.gz"), e.Labels.Zones); err != nil {
		return err
	}
	return nifti.WriteMask(filepath.Join(dir, "lesions.nii.gz"), e.Labels.Lesions)
}
