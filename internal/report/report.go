// Package report writes a prediction where other programs can use it: NIfTI maps and masks on the T2W
// image's grid, a result.json that says how they came about, and a PNG panel in the manner of
// Figure 3 of Saha et al. 2021 (overlay with contours, uncertainty, histograms of class
// probabilities). Nothing it writes holds the patient's identity. It neither samples nor opens exams.
package report

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Disclaimer stands in every file that this package writes for people.
const Disclaimer = "Research use only. Not a medical device. Not for diagnosis or treatment decisions. " +
	"AI output may be wrong; the uncertainty shown is the model's own estimate."

// Names of the two files that are read by people.
const (
	ResultFile = "result.json"
	PanelFile  = "panel.png"
)

// Sentinels of [Write], [Ready] and [Room].
var (
	// ErrExists: the folder holds an earlier result, or a file that would be replaced, and Options.Overwrite is not set.
	ErrExists = errors.New("report: the folder holds an earlier result")
	// ErrForeign: the folder holds a result.json that this program did not write; it is not replaced.
	ErrForeign = errors.New("report: the folder holds another program's result.json")
	// ErrNothing: the prediction holds no sample, or lacks a map, so that there is nothing to write.
	ErrNothing = errors.New("report: nothing was predicted")
	// ErrSpace: the disk has no room for the result; see [Room].
	ErrSpace = errors.New("report: not enough free space")
	// ErrVerify: a file was read back and differs from what was written.
	ErrVerify = errors.New("report: a written file differs from the result when read back")
)

// Options of [Write] and [Panel]. The zero value writes everything with the CPU renderer.
type Options struct {
	Program   string          // name and version for result.json and the panel's footer
	Reference *volume.Mask    // reader's annotation, drawn as white lines; any grid; labels over 0 are the structure
	Overwrite bool            // replace an earlier result in the folder
	Renderer  render.Renderer // draws the slices; nil takes the CPU renderer

	// SEG and RTStruct also write DICOM segmentations of masks and mean probabilities, and a structure set of zones or lesions.
	SEG, RTStruct bool
	DICOM         DICOMOptions // of those
}

// PartialError says that writing stopped, and what lies in the folder nevertheless.
type PartialError struct {
	Written []string // names of complete files
	Err     error
}

// Error names the files that were written.
func (e *PartialError) Error() string {
	if len(e.Written) == 0 {
		return "report: no file was written: " + e.Err.Error()
	}
	return fmt.Sprintf("report: only %s were written, the result is incomplete: %s", strings.Join(e.Written, ", "), e.Err)
}

// Unwrap returns the cause.
func (e *PartialError) Unwrap() error { return e.Err }

// Write makes dir where it does not exist and writes the prediction into it, on the grid of the exam's
// T2W image. With Options.Overwrite the files of an earlier result, and no others, are removed first. Each file appears under its name only when it is complete, and result.json comes last, so
// that a folder with a result.json is whole. NIfTI files and DICOM objects are read back and compared. It fails with
// [ErrExists], [ErrForeign], [ErrNothing], [*PartialError] (which unwraps to the file system's error or to
// [ErrVerify]), or ctx's error.
func Write(ctx context.Context, dir string, e *exam.Exam, p *inference.Prediction, o Options) error {
	maps, err := newMaps(ctx, e, p)
	if err != nil {
		return err
	}
	if err := Ready(dir, o.Overwrite); err != nil {
		return err
	}
	if err := clearResult(dir); err != nil {
		return err
	}
	files := slices.Concat(maps.files(), o.objects(e, p, maps))
	written := make([]string, 0, len(files)+2)
	partial := func(err error) error { return &PartialError{Written: written, Err: err} }
	for i := range files {
		if err := ctx.Err(); err != nil {
			return partial(err)
		}
		if err := files[i].write(ctx, dir); err != nil {
			return partial(err)
		}
		written = append(written, files[i].Name)
	}
	img, err := panel(ctx, e, p, maps, o)
	if err != nil {
		return partial(err)
	}
	if err := writePNG(filepath.Join(dir, PanelFile), img); err != nil {
		return partial(err)
	}
	written = append(written, PanelFile)
	if err := writeJSON(filepath.Join(dir, ResultFile), newResult(e, p, maps, files, o)); err != nil {
		return partial(err)
	}
	return nil
}

// objects are the DICOM objects of a result folder.
func (o Options) objects(e *exam.Exam, p *inference.Prediction, m *maps) []file {
	var out []file
	d := dicomMaker{e, o.Program, o.DICOM}
	if o.SEG {
		out = d.files(m, p)
	}
	if from := m.parts(p); o.RTStruct && len(from.structures) > 0 {
		out = append(out, file{Name: contoursName, item: Contours, Meaning: d.meaning(contoursMeaning), object: func(ctx context.Context, path string) error {
			return d.contours(ctx, path, m.hard.Grid(), []part{from}, p.Card.Notice())
		}})
	}
	return out
}

// Ready makes dir where it does not exist and reports what would keep [Write] from it, before any time
// is spent on a result: [ErrExists], [ErrForeign], or [*PartialError] with the file system's error.
func Ready(dir string, overwrite bool) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return &PartialError{Err: err}
	}
	switch _, err := os.Stat(filepath.Join(dir, ResultFile)); {
	case errors.Is(err, os.ErrNotExist):
		if names := present(dir); len(names) > 0 && !overwrite {
			return fmt.Errorf("%w, or files named as in one: %s", ErrExists, strings.Join(names, ", "))
		}
	case err != nil:
		return &PartialError{Err: err}
	case !overwrite:
		return ErrExists
	}
	if _, err := earlierFiles(dir); errors.Is(err, ErrForeign) {
		return err
	} else if err != nil {
		return &PartialError{Err: err}
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return &PartialError{Err: err}
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return &PartialError{Err: err}
	}
	return nil
}
