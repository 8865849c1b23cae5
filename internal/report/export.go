package report

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// Item is one kind of file that can be exported.
type Item string

// Items of an [Export].
const (
	Zones        Item = "zones"      // masks of the most probable class
	Lesions      Item = "lesions"    // lesion candidates, labelled with their id
	Means        Item = "mean"       // mean probability of each class
	Deviations   Item = "sd"         // standard deviation of each class
	Entropies    Item = "entropy"    // total uncertainty, nats
	Aleatoric    Item = "expected"   // expected entropy, nats
	Epistemic    Item = "mi"         // mutual information, nats
	Computed     Item = "region"     // where the model computed
	Contours     Item = "contours"   // a DICOM structure set, whatever the format
	EditedLabels Item = "labels"     // the reader's contours
	PagePDF      Item = "report-pdf" // the one-page report
	PagePNG      Item = "report-png" // the same as a picture
	ViewPNG      Item = "view-png"   // what the window shows
)

// Items lists every item in the order in which a dialog shows them, which is the order of writing.
var Items = [...]Item{Zones, Lesions, Means, Deviations, Entropies, Aleatoric, Epistemic, Computed, EditedLabels, Contours, PagePDF, PagePNG, ViewPNG}

// Format is a format of masks and maps, by the ending of the files.
type Format string

// Formats.
const (
	NIfTI Format = ".nii.gz"
	MHA   Format = ".mha"
	DICOM Format = ".dcm" // DICOM SEG, for which see [Format.Holds]
)

// Formats lists every format in display order.
var Formats = [...]Format{NIfTI, MHA, DICOM}

// Holds reports whether there are files of an item in the format. DICOM SEG holds masks and probabilities, no other maps.
func (f Format) Holds(i Item) bool {
	if f != DICOM {
		return true
	}
	switch i {
	case Deviations, Entropies, Aleatoric, Epistemic, Computed:
		return false
	}
	return true
}

// Sentinels of [Export].
var (
	// ErrFolder: the folder of an export cannot be written to; it wraps the file system's error.
	ErrFolder = errors.New("report: the files cannot be written there")
	// ErrName: the beginning of the file names cannot be part of a file's name.
	ErrName = errors.New("report: this name cannot be used for files")
)

// Labels are contours that a reader drew or corrected.
type Labels struct {
	Name    string       // part of the file's name, such as "reader-zones"
	Meaning string       // "1 = TZ, 2 = PZ"
	Mask    *volume.Mask // on any grid; written on that of the T2W image

	Lesions  bool // Mask holds lesions rather than 1 for TZ and 2 for PZ
	Assisted bool // the program had a part in them, beyond drawing
}

// Export writes a chosen set of files into one folder, all or none: they are written into a hidden
// folder beside their places, read back and compared voxel by voxel and by geometry, and only then moved to
// their names. Exam must be set; the rest as far as Items ask for it.
type Export struct {
	Dir         string // an existing folder
	Name        string // how every file's name begins; "" takes [AnonymousName]
	Format      Format // "" is NIfTI
	Items       []Item
	Exam        *exam.Exam
	Predictions []*inference.Prediction
	Labels      []Labels
	Page        Page         // what the report shows beside; its Exam and Predictions are set from here where they are not
	View        image.Image  // for ViewPNG, as [Stamp] made it
	Program     string       // name and version
	Overwrite   bool         // replace files of the same names
	DICOM       DICOMOptions // of DICOM objects
	// Progress, which may be nil, is called on the worker before each file and at the end with "".
	Progress func(done, of int, file string)
}

// AnonymousName returns how the names of exported files begin where the user gives no other: nothing in it
// but a hash of the study.
func AnonymousName(e *exam.Exam) string { return "study-" + shortKey(e) }

// shortKey is enough of the exam's key to tell exams apart.
func shortKey(e *exam.Exam) string {
	if len(e.Key) > 8 {
		return e.Key[:8]
	}
	return e.Key
}

// Run writes the files and returns their names in the order of writing. It fails, with nothing written and
// nothing replaced, with [ErrExists] (whose text names the files), [ErrName], [ErrNothing], [ErrVerify], [ErrFolder], [prep.ErrMissingRole],
// or ctx's error; [*PartialError] says that a file could not be moved to its name after others were.
func (x Export) Run(ctx context.Context) ([]string, error) {
	files, err := x.plan()
	if err != nil {
		return nil, err
	}
	if err := x.free(files); err != nil {
		return nil, err
	}
	stage, err := os.MkdirTemp(x.Dir, ".bayeslice-export-*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	defer os.RemoveAll(stage) //nolint:errcheck // what it held was moved away, or the error that stays is told
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x.progress(i, len(files), f.name)
		if err := f.write(ctx, filepath.Join(stage, f.name)); err != nil {
			return nil, writing(err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := x.free(files); err != nil { // somebody may have written meanwhile
		return nil, err
	}
	return x.publish(stage, files)
}

// writing marks what the file system refused.
func writing(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) && !errors.Is(err, ErrVerify) {
		return fmt.Errorf("%w: %w", ErrFolder, err)
	}
	return err
}

// publish moves complete files to their names.
func (x Export) publish(stage string, files []planned) ([]string, error) {
	var written []string
	for _, f := range files {
		if err := os.Rename(filepath.Join(stage, f.name), filepath.Join(x.Dir, f.name)); err != nil {
			return written, &PartialError{Written: written, Err: fmt.Errorf("%w: %w", ErrFolder, err)}
		}
		written = append(written, f.name)
	}
	x.progress(len(files), len(files), "")
	return written, nil
}

func (x Export) progress(done, of int, file string) {
	if x.Progress != nil {
		x.Progress(done, of, file)
	}
}

// Names lists the files that [Export.Run] would write, and those of them that are there already. It draws
// and computes nothing. It fails as Run does.
func (x Export) Names() (names, existing []string, err error) {
	files, err := x.plan()
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		names = append(names, f.name)
		if _, err := os.Lstat(filepath.Join(x.Dir, f.name)); err == nil {
			existing = append(existing, f.name)
		}
	}
	return names, existing, nil
}

// free reports, as [ErrExists], what stands in the way of the files.
func (x Export) free(files []planned) error {
	var there []string
	for _, f := range files {
		info, err := os.Lstat(filepath.Join(x.Dir, f.name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("%w: %w", ErrFolder, err)
		case info.IsDir():
			return fmt.Errorf("%w: %s is a folder", ErrFolder, f.name)
		case !x.Overwrite:
			there = append(there, f.name)
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("%w: %s", ErrExists, strings.Join(there, ", "))
	}
	return nil
}

// stem is the checked beginning of every name.
func (x Export) stem() (string, error) {
	name := x.Name
	if name == "" {
		name = AnonymousName(x.Exam)
	}
	if strings.TrimSpace(name) != name || strings.HasPrefix(name, ".") || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool {
		return r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r)
	}) {
		return "", fmt.Errorf("%w: %q; use letters, digits, spaces and hyphens, a hundred at most", ErrName, name)
	}
	return name, nil
}

// t2wMask brings labels to the T2W image's grid; moved tells that they were on another.
func t2wMask(ctx context.Context, e *exam.Exam, m *volume.Mask) (on *volume.Mask, moved bool, err error) {
	grid, ok := e.ReferenceGrid()
	switch {
	case !ok:
		return nil, false, fmt.Errorf("%w: results are written on the T2W image's grid", prep.ErrMissingRole)
	case m.Grid().SameAs(grid, 1e-4):
		return m, false, nil
	}
	on, err = volume.ResampleMask(ctx, m, grid)
	return on, true, err
}
