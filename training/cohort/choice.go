// Package cohort opens the examples that a user chose for a run, whatever they are: randomised phantoms
// made as they are drawn, a fixed cohort that simulated readers have labelled, an nnU-Net folder, a folder of exams with masks, or generated phantoms on the
// disk. The window and the commands open data through it, and it keeps the choice in the run folder, so
// that a run goes on with the data that it began with.
package cohort

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"bayeslice/internal/imageio/codec"
	"bayeslice/training/dataset"
	"bayeslice/training/synth"
)

// ErrChoice marks a choice of data that cannot be; the text says what is wrong.
var ErrChoice = errors.New("cohort: unusable choice of data")

// FileName is the file of the choice in a run folder.
const FileName = "data.json"

// Format is the version of that file.
const Format = 1

// Choice says which examples a run learns from and is checked with. Paths are absolute once it is saved.
type Choice struct {
	Format int    `json:"format"`
	Seed   uint64 `json:"seed"` // of randomised phantoms, else of the order and augmentation of exams
	Cache  string `json:"cache,omitempty"`

	// Of randomised phantoms; Path is "".
	Anatomies int `json:"anatomies,omitempty"` // drawn again and again, each time with a new contrast
	Held      int `json:"held,omitempty"`      // phantoms of other anatomies, for validation

	// Of a cohort with simulated readers, see [synth.CohortConfig]; Path is "". Folds, Runs, Fold, Run, SplitSeed,
	// Splits and Augment are as of a folder.
	Exams     int     `json:"exams,omitempty"`
	Readers   int     `json:"readers,omitempty"`
	Ambiguous float64 `json:"ambiguous,omitempty"` // share of ambiguous foci, 0…1
	ExamSeed  uint64  `json:"examSeed,omitempty"`  // of exams, readers and labels

	// Of a folder, see [dataset.Options].
	Path        string            `json:"path,omitempty"`
	Masks       string            `json:"masks,omitempty"`
	MaskPattern string            `json:"maskPattern,omitempty"`
	Manifest    string            `json:"manifest,omitempty"`
	Channels    map[string]string `json:"channels,omitempty"`
	Classes     map[string]string `json:"classes,omitempty"`
	Zones       dataset.Zones     `json:"zones,omitempty"`
	LesionFrom  int               `json:"lesionFrom,omitempty"`
	Splits      string            `json:"splits,omitempty"` // file of folds; "" is kept with the cache
	SplitSeed   uint64            `json:"splitSeed,omitempty"`
	Folds       int               `json:"folds,omitempty"`
	Runs        int               `json:"runs,omitempty"`
	Fold        int               `json:"fold,omitempty"` // counted from 0: the one that is not learnt from
	Run         int               `json:"run,omitempty"`  // counted from 0
	Augment     bool              `json:"augment,omitempty"`
	SkipBad     bool              `json:"skipBad,omitempty"` // leave out exams that cannot be used
}

// Phantoms says whether the choice is randomised phantoms.
func (c Choice) Phantoms() bool { return c.Path == "" && c.Exams == 0 }

// Simulated says whether the choice is a fixed cohort that simulated readers have labelled.
func (c Choice) Simulated() bool { return c.Path == "" && c.Exams != 0 }

// Validate reports, as [ErrChoice], what cannot be.
func (c Choice) Validate() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrChoice}, args...)...)
	}
	if c.Format != Format {
		return fail("format %d; this program reads format %d", c.Format, Format)
	}
	if err := c.validateReaders(fail); err != nil {
		return err
	}
	switch {
	case c.Phantoms() && (c.Masks != "" || c.Manifest != "" || c.Splits != "" || c.Folds != 0 || c.Fold != 0):
		return fail("masks, a manifest, splits and folds belong to a folder of exams, and phantoms were chosen")
	case !c.Phantoms() && (c.Anatomies != 0 || c.Held != 0):
		return fail("anatomies and held phantoms belong to phantoms, and a folder was chosen")
	case c.Phantoms() && (c.Anatomies < 1 || c.Anatomies > synth.MaxAnatomies):
		return fail("%d anatomies; choose 1 to %d", c.Anatomies, synth.MaxAnatomies)
	case c.Held < 0 || c.Held > synth.MaxAnatomies:
		return fail("%d phantoms for validation; choose 0 to %d", c.Held, synth.MaxAnatomies)
	case !c.Phantoms() && c.Folds < 2:
		return fail("folds: %d; choose at least 2, since one of them is kept for validation", c.Folds)
	case c.Fold < 0 || c.Fold > 0 && c.Fold >= c.Folds && c.Splits == "": // a file of folds knows better
		return fail("fold %d of %d; choose one from 0 to %d", c.Fold, c.Folds, c.Folds-1)
	case c.Run < 0 || !c.Phantoms() && c.Run >= c.Runs && c.Splits == "":
		return fail("run %d of %d; choose one from 0 to %d", c.Run, c.Runs, c.Runs-1)
	case c.LesionFrom < 0 || c.LesionFrom > 255:
		return fail("lesions from value %d; choose 1 to 255", c.LesionFrom)
	}
	return nil
}

// validateReaders reports what cannot be of a cohort with simulated readers, or belongs to one alone.
func (c Choice) validateReaders(fail func(format string, args ...any) error) error {
	switch {
	case !c.Simulated() && (c.Exams != 0 || c.Readers != 0 || c.Ambiguous != 0 || c.ExamSeed != 0):
		return fail("exams, readers, ambiguous foci and their seed belong to simulated readers, and other data were chosen")
	case !c.Simulated():
		return nil
	case c.Masks != "" || c.MaskPattern != "" || c.Manifest != "" || len(c.Channels) != 0 || len(c.Classes) != 0 || c.Zones != "" || c.LesionFrom != 0:
		return fail("masks, a manifest, channels and classes belong to a folder of exams, and simulated readers were chosen")
	case c.Exams < 2 || c.Exams > synth.MaxExams:
		return fail("%d exams; choose 2 to %d", c.Exams, synth.MaxExams)
	case c.Readers < 1 || c.Readers > synth.MaxReaders:
		return fail("%d readers; choose 1 to %d", c.Readers, synth.MaxReaders)
	case !(c.Ambiguous >= 0 && c.Ambiguous <= 1):
		return fail("a share of %g of ambiguous foci; choose 0 to 1", c.Ambiguous)
	case c.Folds > c.Exams:
		return fail("%d folds of %d exams; choose fewer folds", c.Folds, c.Exams)
	}
	return nil
}

// absolute makes every path absolute, so that a run resumes from any folder.
func (c Choice) absolute() (Choice, error) {
	for _, p := range []*string{&c.Path, &c.Masks, &c.Manifest, &c.Splits, &c.Cache} {
		if *p == "" {
			continue
		}
		full, err := filepath.Abs(*p)
		if err != nil {
			return c, fmt.Errorf("cohort: %w", err)
		}
		*p = full
	}
	return c, nil
}

// Save writes the choice into a run folder.
func (c Choice) Save(dir string) error {
	c, err := c.absolute()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("cohort: %w", err)
	}
	err = codec.WriteFile(filepath.Join(dir, FileName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("cohort: choice of data: %w", err)
	}
	return nil
}

// maxChoice bounds the file, in bytes.
const maxChoice = 64 << 20

// Load reads the choice of a run folder. It fails with [ErrChoice], or the file system's error.
func Load(dir string) (Choice, error) {
	var c Choice
	text, err := codec.ReadSmall(filepath.Join(dir, FileName), maxChoice)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%w: %s holds no %s, so that the run's data are unknown; name the folder of a run that this program made", ErrChoice, filepath.Base(dir), FileName)
	}
	if err != nil {
		return c, fmt.Errorf("cohort: choice of data: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: %s cannot be read (%w); copy it from a backup, or start the run anew", ErrChoice, FileName, err)
	}
	return c, c.Validate()
}
