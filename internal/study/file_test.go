package study_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/study"
	"bayeslice/training/loss"
)

// The example says nothing but the defaults, and an empty file is the defaults too.
func TestTheExampleIsTheDefaults(t *testing.T) {
	for name, text := range map[string]string{"example": study.Example(), "empty": ""} {
		f, err := study.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if want := study.Defaults(); !reflect.DeepEqual(f, want) {
			t.Errorf("%s: %+v\nwant %+v", name, f, want)
		}
	}
}

func TestAFileSurvivesItsText(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.toml")
	text := "tasks = [\"diagnosis\"]\nlosses = [\"DB\"]\n[cohort]\nkind = \"folder\"\npath = \"exams\"\nclasses = { 1 = \"csPCa\" }\n[training]\nsteps = 7\n[training.diagnosis]\nrate = 2e-3\n[training.anatomy]\nsteps = 9\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := study.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	d := f.Training[modelcard.Diagnosis]
	if d.Steps != 7 || d.Rate != 2e-3 || f.Cohort[modelcard.Diagnosis].Path != filepath.Join(dir, "exams") || len(f.Training) != 1 {
		t.Errorf("%+v", f)
	}
	again, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	if g, err := study.Parse(again); err != nil || !reflect.DeepEqual(f, g) {
		t.Errorf("%v\n%+v\n%+v\n%s", err, f, g, again)
	}
}

func TestWrongFilesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"runs = 1\nstesp = 3\n":               "line 2: there is no setting \"stesp\"",
		"[training]\n\n  stepps = 3\n":        "line 3: there is no setting \"training.stepps\"",
		"[training.diagnosis]\nstepps = 3\n":  "line 2: there is no setting \"training.diagnosis.stepps\"",
		"[evaluation]\nsamples = \"many\"\n":  "line 2",
		"runs = \n":                           "line 1",
		"runs = 0":                            "runs is 0",
		"folds = 1":                           "folds is 1",
		"tasks = []":                          "tasks names none",
		"tasks = [\"anatomy\", \"anatomy\"]":  "twice",
		"tasks = [\"lesions\"]":               "choose anatomy",
		"losses = [\"MSE\"]":                  "choose of CE",
		"name = \"  \"":                       "name is empty",
		"[training]\npreset = \"huge\"":       "full, small, compact, tiny",
		"[training]\nsteps = 0":               "0 steps",
		"[training]\ndropout = 1.0":           "training.dropout is 1",
		"[training]\nrate = nan":              "learning rate",
		"[evaluation]\nsamples = 0":           "evaluation.samples is 0",
		"[evaluation]\nbootstrap_rounds = -1": "bootstrap_rounds is -1",
		"[cohort]\nkind = \"folder\"":         "needs a path",
		"[cohort]\npath = \"x\"":              "set kind = \"folder\"",
		"[cohort]\nkind = \"phantoms\"":       "choose \"generated\" or \"folder\"",
		"[cohort]\nexams = 3":                 "5 folds of 3 exams",
		"[cohort]\nambiguous = 2.0":           "ambiguous",
		"[cohort.anatomy]\nreaders = 0":       "0 readers",
		"[cohort]\nkind = \"folder\"\npath=\"x\"\nlesion_from = 300": "lesions from value 300",
	} {
		_, err := study.Parse(text)
		if !errors.Is(err, study.ErrFile) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Indices follow from the file alone: task, loss, run, fold.
func TestElements(t *testing.T) {
	f := study.Defaults()
	all := f.Elements()
	if len(all) != 120 {
		t.Fatalf("%d elements", len(all))
	}
	seen := map[string]bool{}
	for i, e := range all {
		if e.Index != i || seen[e.Name()] {
			t.Errorf("element %d: %+v", i, e)
		}
		seen[e.Name()] = true
	}
	if e := all[60+2*15+1*5+2]; e.Name() != "diagnosis-fl-run2-fold3" || e.Loss != loss.FL || e.Run != 1 || e.Fold != 2 {
		t.Errorf("%+v", e)
	}
}

func TestAFolderKeepsItsStudy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "study")
	f := study.Defaults()
	if _, err := study.Open(dir); !errors.Is(err, study.ErrFolder) {
		t.Errorf("no study: %v", err)
	}
	s, err := study.Create(dir, f)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.File(), f) {
		t.Errorf("%+v", s.File())
	}
	if _, err := study.Create(dir, f); err != nil {
		t.Errorf("the same again: %v", err)
	}
	x := f.Training[modelcard.Anatomy]
	x.RateTo = 1e-6
	f.Training = map[modelcard.Task]study.Training{modelcard.Anatomy: x, modelcard.Diagnosis: f.Training[modelcard.Diagnosis]}
	if _, err := study.Create(dir, f); !errors.Is(err, study.ErrFolder) || !strings.Contains(err.Error(), "training.anatomy.rate_to is 1e-7 there and 0.000001 in the file") {
		t.Errorf("another rate: %v", err)
	}
	if _, err := s.Element(120); !errors.Is(err, study.ErrIndex) {
		t.Errorf("element 120: %v", err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := study.Create(other, study.Defaults()); !errors.Is(err, study.ErrFolder) {
		t.Errorf("a folder of something else: %v", err)
	}
}
