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
	"bayeslice/training"
	"bayeslice/training/cohort"
)

// ofReaders is a small cohort whose folds need no file.
func ofReaders() cohort.Choice {
	return cohort.Choice{Format: cohort.Format, Seed: 5, Exams: 6, Readers: 3, Ambiguous: 0.5, ExamSeed: 2, SplitSeed: 1, Folds: 3, Runs: 2, Fold: 1, Run: 1, Augment: true}
}

func TestReadersAreOpenedAlikeForBothTasks(t *testing.T) {
	ctx, c := context.Background(), ofReaders()
	c.Cache = t.TempDir()
	open := func(c cohort.Choice, task modelcard.Task) (*cohort.Cohort, []*training.Example) {
		o, err := cohort.Open(ctx, c, need(t, task), nil)
		if err != nil {
			t.Fatal(err)
		}
		held := make([]*training.Example, o.Validation.Len())
		for i := range held {
			if held[i], err = o.Validation.Example(ctx, i); err != nil {
				t.Fatal(err)
			}
		}
		return o, held
	}
	zones, heldZones := open(c, modelcard.Anatomy)
	cancer, held := open(c, modelcard.Diagnosis)
	if len(held) != 2 || len(heldZones) != 2 || zones.Origin.Exams != 4 || cancer.Origin.Validation != 2 || !cancer.Origin.Synthetic ||
		cancer.Origin.Kind != "simulated readers" || cancer.Origin.Folds != 3 || cancer.Origin.Fold != 1 {
		t.Fatalf("%d and %d held, origin %+v", len(heldZones), len(held), cancer.Origin)
	}
	for i, e := range held {
		if e.Exam != heldZones[i].Exam {
			t.Errorf("the folds differ between tasks: %s and %s", heldZones[i].Exam, e.Exam)
		}
		n, ok := cancer.Readings.Index(e.Exam)
		if !ok {
			t.Fatalf("%s is no exam of the cohort", e.Exam)
		}
		labels, err := cancer.Readings.Readings(ctx, n)
		if err != nil || len(labels) != 3 || !slices.Equal(labels[cancer.Readings.Reader(n)], e.Label) {
			t.Errorf("%s does not have the label of its reader (%d labels, %v)", e.Exam, len(labels), err)
		}
	}
	again, _ := open(c, modelcard.Diagnosis)
	other := c
	other.Run, other.Fold, other.Seed = 0, 0, 9 // the exams stay, whatever run, fold and order
	first, heldFirst := open(other, modelcard.Diagnosis)
	if again.Origin != cancer.Origin || first.Origin.Fingerprint == cancer.Origin.Fingerprint {
		t.Errorf("fingerprints %s, %s again, %s of another fold", cancer.Origin.Fingerprint, again.Origin.Fingerprint, first.Origin.Fingerprint)
	}
	files, err := filepath.Glob(filepath.Join(c.Cache, "*.example"))
	if err != nil || len(files) != 12 { // six of either task
		t.Errorf("%d prepared exams in the cache, want 12 (%v)", len(files), err)
	}
	checkFolds(t, c)
	checkFresh(t, c, files, heldFirst[0], open)
}

// checkFresh verifies that an exam whose prepared copy is gone or damaged is made anew, the same.
func checkFresh(t *testing.T, c cohort.Choice, files []string, want *training.Example, open func(cohort.Choice, modelcard.Task) (*cohort.Cohort, []*training.Example)) {
	t.Helper()
	for _, f := range files {
		if err := os.WriteFile(f, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.Run, c.Fold, c.Seed = 0, 0, 9
	o, held := open(c, modelcard.Diagnosis)
	if len(o.Notes) != 6 || !reflect.DeepEqual(held[0], want) {
		t.Errorf("damaged exams gave %d notes and another example: %v", len(o.Notes), o.Notes)
	}
}

// checkFolds verifies that both tasks have the same folds, stratified by what readers call.
func checkFolds(t *testing.T, c cohort.Choice) {
	t.Helper()
	var tables [2]cohort.FoldTable
	for i, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		var err error
		if tables[i], err = cohort.Folds(context.Background(), c, need(t, task), nil); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(tables[0].Splits, tables[1].Splits) {
		t.Error("the tasks have other folds")
	}
	for run, folds := range tables[1].Splits.Validation {
		least, most := 99, 0
		for _, names := range folds {
			n := tables[1].Positives(names)
			least, most = min(least, n), max(most, n)
		}
		if most-least > 1 {
			t.Errorf("run %d: %d to %d exams with csPCa in a fold", run, least, most)
		}
	}
}

func TestAChoiceOfReaders(t *testing.T) {
	dir, c := t.TempDir(), ofReaders()
	c.Cache = dir
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := cohort.Load(dir); err != nil || !reflect.DeepEqual(got, c) || !got.Simulated() || got.Phantoms() {
		t.Errorf("read %+v (%v), wrote %+v", got, err, c)
	}
	for name, spoil := range map[string]func(c *cohort.Choice){
		"one exam":             func(c *cohort.Choice) { c.Exams = 1 },
		"too many exams":       func(c *cohort.Choice) { c.Exams = 1 << 20 },
		"nobody reads":         func(c *cohort.Choice) { c.Readers = 0 },
		"a crowd reads":        func(c *cohort.Choice) { c.Readers = 1000 },
		"share":                func(c *cohort.Choice) { c.Ambiguous = -0.1 },
		"masks":                func(c *cohort.Choice) { c.Masks = "x" },
		"anatomies":            func(c *cohort.Choice) { c.Anatomies = 3 },
		"more folds":           func(c *cohort.Choice) { c.Folds = 7 },
		"one fold":             func(c *cohort.Choice) { c.Folds = 1 },
		"fold":                 func(c *cohort.Choice) { c.Fold = 3 },
		"run":                  func(c *cohort.Choice) { c.Run = 2 },
		"readers of a folder":  func(c *cohort.Choice) { *c = ofFolder("x"); c.Readers = 2 },
		"readers of phantoms":  func(c *cohort.Choice) { *c = ofPhantoms(); c.Readers = 2 },
		"exams of a folder":    func(c *cohort.Choice) { *c = ofFolder("x"); c.Exams = 20 },
		"exam seed of folders": func(c *cohort.Choice) { *c = ofFolder("x"); c.ExamSeed = 1 },
	} {
		c := ofReaders()
		if spoil(&c); !errors.Is(c.Validate(), cohort.ErrChoice) {
			t.Errorf("%s: %v", name, c.Validate())
		}
	}
}
