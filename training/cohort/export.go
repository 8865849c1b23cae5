package cohort

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/imageio/nifti"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/training/synth"
)

// Folders and the table that [Export] writes.
const (
	ExportExams     = "exams"     // EXAM/t2w_synthetic.nii.gz, hbv_…, adc_…
	ExportZones     = "zones"     // EXAM.nii.gz, 1 = TZ and 2 = PZ: the label of the exam's reader
	ExportLesions   = "lesions"   // EXAM.nii.gz, 1 = csPCa: likewise
	ExportReaders   = "readers"   // reader-1/zones, reader-1/lesions, …: those of every reader
	ExportFrequency = "frequency" // zones/EXAM_probability_tz.nii.gz, …_pz, lesions/EXAM_probability_cspca.nii.gz
	ExportTable     = "readers.csv"
)

// synthetic is what files of generated exams say about themselves.
const synthetic = "synthetic, made by Bayeslice; no patient"

// Export writes a cohort that simulated readers have labelled into a folder, as NIfTI on the recipe's grid
// about the origin, axes along L, P, H: images, the label of each exam, those of every reader, and how often
// each class was given to each voxel. c must be [Choice.Simulated]; recipe has the channels T2W, HBV and ADC.
// T2W and HBV are in arbitrary units, ADC in 10⁻⁶ mm²/s. Existing files of the same names are replaced.
// progress is called with finished exams. It fails with [ErrChoice], as [synth.NewCohort], or with the file system's
// or ctx's error; exams that are finished stay.
func Export(ctx context.Context, c Choice, recipe prep.Recipe, dir string, progress func(done, total int)) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if !c.Simulated() {
		return fmt.Errorf("%w: what is written are exams of simulated readers", ErrChoice)
	}
	cache, err := c.cache()
	if err != nil {
		return err
	}
	e := exporter{dir: dir}
	for _, task := range [2]modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		s, _, err := c.made(Need{Task: task, Recipe: recipe}, cache)
		if err != nil {
			return err
		}
		e.parts = append(e.parts, exportPart{of: s, classes: exportClasses[task], folder: map[modelcard.Task]string{
			modelcard.Anatomy: ExportZones, modelcard.Diagnosis: ExportLesions}[task]})
	}
	if e.grid, err = centred(recipe); err != nil {
		return err
	}
	for i := range c.Exams {
		if err := e.exam(ctx, i, recipe); err != nil {
			return err
		}
		if progress != nil {
			progress(i+1, c.Exams)
		}
	}
	return e.table(c)
}

// exportClasses are the names of the foreground classes in files of frequencies.
var exportClasses = map[modelcard.Task][]string{modelcard.Anatomy: {"tz", "pz"}, modelcard.Diagnosis: {"cspca"}}

// exporter writes exams.
type exporter struct {
	dir   string
	grid  geom.Grid
	parts []exportPart
}

// exportPart is one task of a cohort.
type exportPart struct {
	of      *synth.Cohort
	folder  string
	classes []string
}

// centred is the recipe's grid about the origin.
func centred(r prep.Recipe) (geom.Grid, error) {
	var origin geom.Vec3
	for a := range origin {
		origin[a] = -float64(r.Size[a]-1) / 2 * r.SpacingMM[a]
	}
	return geom.NewGrid(r.Size, origin, r.SpacingMM, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
}

// exam writes one exam with everything about it.
func (e *exporter) exam(ctx context.Context, i int, recipe prep.Recipe) error {
	for _, p := range e.parts {
		labels, err := p.of.Readings(ctx, i)
		if err != nil {
			return err
		}
		if err := e.mask(labels[p.of.Reader(i)], p.folder, p.of.Name(i)); err != nil {
			return err
		}
		for r, label := range labels {
			if err := e.mask(label, ExportReaders, fmt.Sprintf("reader-%d", r+1), p.folder, p.of.Name(i)); err != nil {
				return err
			}
		}
		f, err := p.of.Frequency(ctx, i, len(labels))
		if err != nil {
			return err
		}
		n := e.grid.Voxels()
		for k, class := range p.classes {
			if err := e.image(f[(k+1)*n:(k+2)*n], ExportFrequency, p.folder, p.of.Name(i)+"_probability_"+class); err != nil {
				return err
			}
		}
	}
	images := e.parts[len(e.parts)-1].of
	x, err := images.Example(ctx, i)
	if err != nil {
		return err
	}
	n := e.grid.Voxels()
	for c, channel := range recipe.Channels {
		if err := e.image(measured(channel, x.Image.F32[c*n:(c+1)*n]), ExportExams, images.Name(i), exportNames[channel.ExamRole()]+"_synthetic"); err != nil {
			return err
		}
	}
	return nil
}

// exportNames are what image files of roles are called, as their readers understand.
var exportNames = map[exam.Role]string{exam.T2W: "t2w", exam.HighB: "hbv", exam.ADC: "adc"}

// measured undoes the normalisation of a channel: for a z-score, to a mean of 400 and an SD of 80.
func measured(c prep.Channel, values []float32) []float32 {
	shift, scale := 400.0, 80.0
	if c.Norm == prep.Linear {
		shift, scale = c.Low, c.High-c.Low
	}
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(shift + scale*float64(v))
	}
	return out
}

// path names a file in the folder, and makes the folders on the way.
func (e *exporter) path(parts []string) (string, error) {
	path := filepath.Join(append([]string{e.dir}, parts...)...) + ".nii.gz"
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("cohort: folder for the exams: %w", err)
	}
	return path, nil
}

func (e *exporter) mask(label []uint8, parts ...string) error {
	path, err := e.path(parts)
	if err != nil {
		return err
	}
	m, err := volume.NewMask(e.grid, label)
	if err != nil {
		return err
	}
	return nifti.WriteMask(path, m, nifti.Describe(synthetic))
}

func (e *exporter) image(values []float32, parts ...string) error {
	path, err := e.path(parts)
	if err != nil {
		return err
	}
	v, err := volume.New(e.grid, values, "")
	if err != nil {
		return err
	}
	return nifti.WriteVolume(path, v, nifti.Describe(synthetic))
}

// table lists who labels each exam, whether he calls csPCa, and which share of the readers does.
func (e *exporter) table(c Choice) error {
	s := e.parts[0].of
	rows := [][]string{{"exam", "reader", "positive", "share"}}
	for i := range s.Len() {
		share := strconv.FormatFloat(s.PositiveShare(i, c.Readers), 'g', 4, 64)
		rows = append(rows, []string{s.Name(i), strconv.Itoa(s.Reader(i) + 1), strconv.FormatBool(s.Positive(i)), share})
	}
	err := codec.WriteFile(filepath.Join(e.dir, ExportTable), func(w io.Writer) error { return csv.NewWriter(w).WriteAll(rows) })
	if err != nil {
		return fmt.Errorf("cohort: table of readers: %w", err)
	}
	return nil
}
