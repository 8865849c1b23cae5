package cohort_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/phantom"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/dataset"
)

func need(t *testing.T, task modelcard.Task) cohort.Need {
	t.Helper()
	p, err := nets.FindPreset("tiny", task)
	if err != nil {
		t.Fatal(err)
	}
	return cohort.Need{Task: task, Recipe: p.Recipe, Augmentation: training.Paper().Augmentation}
}

func ofPhantoms() cohort.Choice {
	return cohort.Choice{Format: cohort.Format, Seed: 5, Anatomies: 2, Held: 2}
}

func ofFolder(path string) cohort.Choice {
	return cohort.Choice{Format: cohort.Format, Seed: 5, Path: path, Zones: dataset.TZPZ, LesionFrom: 1, SplitSeed: 1, Folds: 2, Runs: 1, Augment: true}
}

func TestAChoiceSurvivesItsFile(t *testing.T) {
	dir := t.TempDir()
	c := ofFolder("exams")
	c.Classes, c.Masks, c.SkipBad = map[string]string{"1": "TZ"}, "masks", true
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := cohort.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c.Path, c.Masks = filepath.Join(here, "exams"), filepath.Join(here, "masks") // so that a run resumes from any folder
	if !reflect.DeepEqual(got, c) {
		t.Errorf("read %+v, wrote %+v", got, c)
	}
}

func TestADamagedChoiceIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := cohort.Load(dir); !errors.Is(err, cohort.ErrChoice) {
		t.Errorf("without a file: %v", err)
	}
	for name, text := range map[string]string{"cut": `{"format": 1, "seed"`, "version": `{"format": 9, "seed": 1, "anatomies": 3}`,
		"unknown": `{"format": 1, "seed": 1, "anatomies": 3, "secret": true}`, "nothing": `{"format": 1, "seed": 1}`} {
		if err := os.WriteFile(filepath.Join(dir, cohort.FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cohort.Load(dir); !errors.Is(err, cohort.ErrChoice) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(c *cohort.Choice){
		"folds of phantoms":   func(c *cohort.Choice) { c.Path = ""; c.Anatomies = 3 },
		"phantoms of folders": func(c *cohort.Choice) { c.Anatomies = 3 },
		"one fold":            func(c *cohort.Choice) { c.Folds = 1 },
		"fold":                func(c *cohort.Choice) { c.Fold = 2 },
		"negative fold":       func(c *cohort.Choice) { c.Fold = -1 },
		"run":                 func(c *cohort.Choice) { c.Run = 1 },
		"lesion value":        func(c *cohort.Choice) { c.LesionFrom = 256 },
	} {
		c := ofFolder("x")
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		if spoil(&c); !errors.Is(c.Validate(), cohort.ErrChoice) {
			t.Errorf("%s: %v", name, c.Validate())
		}
	}
	c := ofFolder("x")
	c.Splits, c.Fold, c.Run = "splits.json", 7, 4 // the file says how many there are
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	for _, spoil := range []func(c *cohort.Choice){func(c *cohort.Choice) { c.Anatomies = 0 }, func(c *cohort.Choice) { c.Anatomies = 1 << 20 }, func(c *cohort.Choice) { c.Held = -1 }} {
		c := ofPhantoms()
		if spoil(&c); !errors.Is(c.Validate(), cohort.ErrChoice) {
			t.Errorf("%+v: %v", c, c.Validate())
		}
	}
}

// Phantoms opened twice are the same; another seed gives others.
func TestPhantoms(t *testing.T) {
	c := ofPhantoms()
	c.Cache = t.TempDir()
	draw := func(c cohort.Choice) (*cohort.Cohort, []float32) {
		o, err := cohort.Open(context.Background(), c, need(t, modelcard.Anatomy), nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := o.Train.Draw(context.Background(), 3)
		if err != nil {
			t.Fatal(err)
		}
		return o, e.Image.F32
	}
	a, x := draw(c)
	b, y := draw(c)
	if a.Origin != b.Origin || !slices.Equal(x, y) {
		t.Error("the same choice gives other examples")
	}
	if a.Validation.Len() != 2 || a.Origin.Validation != 2 || !a.Origin.Synthetic || a.Memory != 2*1_500_000+2*32*32*8*5 { // anatomies on their lattice; held-out examples with labels
		t.Errorf("%d held, %+v, %d bytes", a.Validation.Len(), a.Origin, a.Memory)
	}
	c.Seed = 6
	if d, z := draw(c); d.Origin.Fingerprint == a.Origin.Fingerprint || slices.Equal(x, z) {
		t.Error("another seed gives the same examples")
	}
}

// A folder opened with augmentation and without differs in what is learnt from, not in what is checked with.
func TestAFolder(t *testing.T) {
	root := t.TempDir()
	for i, name := range []string{"a", "b"} {
		cfg := phantom.DefaultConfig(uint64(i))
		cfg.T2W = phantom.Protocol{Columns: 100, Rows: 100, Slices: 12, PixelMM: 1, SliceMM: 5}
		cfg.DWI = phantom.Protocol{Columns: 40, Rows: 40, Slices: 12, PixelMM: 3, SliceMM: 5}
		cfg.SubSamples, cfg.SubSamplesDiff = 1, 1
		made, err := phantom.Generate(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(made.WriteDICOM(context.Background(), filepath.Join(root, name, "exam")), made.WriteLabels(filepath.Join(root, name, "labels"))); err != nil {
			t.Fatal(err)
		}
	}
	c := ofFolder(root)
	c.Cache = t.TempDir()
	last := 0
	first := func(c cohort.Choice) (*cohort.Cohort, *training.Example, *training.Example) {
		o, err := cohort.Open(context.Background(), c, need(t, modelcard.Anatomy), func(done, total int) { last = done*10 + total })
		if err != nil {
			t.Fatal(err)
		}
		learn, err := o.Train.Draw(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		check, err := o.Validation.Example(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return o, learn, check
	}
	a, learnA, checkA := first(c)
	c.Augment = false
	b, learnB, checkB := first(c)
	if slices.Equal(learnA.Image.F32, learnB.Image.F32) || !slices.Equal(checkA.Image.F32, checkB.Image.F32) || learnA.Exam == checkA.Exam {
		t.Errorf("augmentation: %s and %s learnt from, %s and %s checked with", learnA.Exam, learnB.Exam, checkA.Exam, checkB.Exam)
	}
	if a.Origin.Fingerprint == b.Origin.Fingerprint || !a.Origin.Synthetic || a.Origin.Exams != 1 || a.Origin.Validation != 1 || last != 22 {
		t.Errorf("origins %+v and %+v, progress %d", a.Origin, b.Origin, last)
	}
	if want := int64(32 * 32 * 8 * 5 * 2); a.Memory != want {
		t.Errorf("the data take %d bytes, want %d", a.Memory, want)
	}
	table, err := cohort.Folds(context.Background(), c, need(t, modelcard.Anatomy), nil)
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Concat(table.Splits.Validation[0]...); len(names) != 2 || table.Positives(names) != 2 {
		t.Errorf("folds %v, %d with foreground", names, table.Positives(names))
	}
	if _, err := cohort.Folds(context.Background(), ofPhantoms(), need(t, modelcard.Anatomy), nil); !errors.Is(err, cohort.ErrChoice) {
		t.Errorf("folds of phantoms: %v", err)
	}
}
