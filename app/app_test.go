package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/internal/settings"
	"bayeslice/internal/testenv"
	"bayeslice/viewer"
)

func TestNoDisplayIsASentence(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"nothing set":      {},
		"Wayland alone":    {"WAYLAND_DISPLAY": "wayland-0"},
		"nobody answers":   {"DISPLAY": ":4711"},
		"with screen part": {"DISPLAY": ":4711.0"},
	} {
		err := checkDisplay(func(k string) string { return env[k] })
		if !errors.Is(err, ErrDisplay) || !strings.Contains(err.Error(), "bayeslice infer") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkDisplay(func(string) string { return "somewhere:10.0" }); err != nil {
		t.Errorf("a forwarded display is refused unseen: %v", err)
	}
}

func TestOptionsComeBeforeSettings(t *testing.T) {
	got := asked(settings.Settings{Samples: 7, Seed: 3, Provider: "cuda"}, Options{Samples: 9, Renderer: "cpu"})
	if got.Samples != 9 || got.Seed != 3 || got.Provider != "cuda" || got.Renderer != "cpu" {
		t.Errorf("%+v", got)
	}
	if got := asked(settings.Settings{}, Options{}); got.Samples != 100 || got.Seed != 1 {
		t.Errorf("defaults %+v", got)
	}
}

// testEngine has a models folder and a cache of its own.
func testEngine(t *testing.T, files ...string) *engine {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	o, err := exam.OpenOverrides(filepath.Join(t.TempDir(), "choices.json"))
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(engineConfig{models: files, library: models.NewLibrary(fstest.MapFS{}), folder: t.TempDir(), overrides: o, runtime: ort.Options{Threads: 2}})
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestModelsNamesWhatCannotBeUsedAndOffersUntrainedOnes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "notes.onnx")
	if err := os.WriteFile(bad, []byte("these are notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := testEngine(t, bad, filepath.Join(t.TempDir(), "gone.onnx"))
	offered, problems := e.Models(t.Context())
	if len(offered) != 2 || offered[0].Card.Task != modelcard.Anatomy || offered[1].Card.Task != modelcard.Diagnosis || offered[0].Card.Trained {
		t.Errorf("models %+v", offered)
	}
	if len(problems) != 2 || !strings.HasPrefix(problems[0], "notes.onnx: ") || !strings.HasPrefix(problems[1], "gone.onnx: ") {
		t.Errorf("problems %q", problems)
	}
	again, _ := e.Models(t.Context())
	if len(again) != 2 || again[0].ID != offered[0].ID {
		t.Errorf("the second time: %+v", again)
	}
}

// tinyModel writes a network for tests, trained on phantoms as it says, and returns its path.
func tinyModel(t *testing.T, task modelcard.Task, loss string) string {
	t.Helper()
	p, err := nets.FindPreset("tiny", task)
	if err != nil {
		t.Fatal(err)
	}
	w, err := nets.Init(p.Config, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	facts := &modelcard.TrainingFacts{Steps: 1, Batch: 1, Data: modelcard.DataFacts{Kind: "phantoms", Synthetic: true, Fingerprint: strings.Repeat("00", 32)}}
	if err := models.WriteTrained(path, p.Config, w, modelcard.Card{Name: "tiny " + loss, Recipe: p.Recipe, Loss: loss, Training: facts}); err != nil {
		t.Fatal(err)
	}
	return path
}

// library bundles one anatomy model under two names.
func library(t *testing.T) *models.Library {
	t.Helper()
	onnx, err := os.ReadFile(tinyModel(t, modelcard.Anatomy, "FL"))
	if err != nil {
		t.Fatal(err)
	}
	return models.NewLibrary(fstest.MapFS{"anatomy-ce.onnx": {Data: onnx}, "anatomy-zz.onnx": {Data: onnx}})
}

func TestBundledModelsComeFirstAndFilesAreAdded(t *testing.T) {
	e := testEngine(t)
	e.library = library(t)
	list := func() (ids, preferred []string) {
		offered, problems := e.Models(t.Context())
		if len(problems) != 0 {
			t.Errorf("problems %q", problems)
		}
		for _, m := range offered {
			ids = append(ids, filepath.Base(m.ID))
			if m.Preferred {
				preferred = append(preferred, filepath.Base(m.ID))
			}
		}
		return ids, preferred
	}
	ids, preferred := list()
	if len(ids) != 3 || ids[0] != "anatomy-ce" || ids[1] != "anatomy-zz" || !strings.HasPrefix(ids[2], "untrained-small-diagnosis") {
		t.Errorf("models %q", ids)
	}
	if !slices.Equal(preferred, []string{"anatomy-ce"}) {
		t.Errorf("preferred %q", preferred)
	}
	mine := tinyModel(t, modelcard.Anatomy, "CE")
	if m, err := e.OpenModel(t.Context(), mine); err != nil || m.ID != mine || m.Bundled || m.Card.Name != "tiny CE" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := e.OpenModel(t.Context(), filepath.Join(t.TempDir(), "gone.onnx")); !errors.Is(err, inference.ErrModel) {
		t.Errorf("a file that is not there: %v", err)
	}
	if ids, preferred = list(); len(ids) != 4 || ids[0] != "model.onnx" || !slices.Equal(preferred, []string{"model.onnx"}) {
		t.Errorf("models %q, preferred %q", ids, preferred)
	}
	e.models = []string{"anatomy-zz"}
	if ids, preferred = list(); len(ids) != 3 || !slices.Equal(preferred, []string{"anatomy-zz"}) {
		t.Errorf("models %q, preferred %q", ids, preferred)
	}
}

func TestABundledModelIsLoadedOnce(t *testing.T) {
	env, err := ort.Open(ort.Options{})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	t.Setenv(ort.EnvLibrary, env.Library().Path) // testEngine has a cache of its own, without the library
	e := testEngine(t)
	e.library = library(t)
	a, err := e.load(t.Context(), "anatomy-ce", nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := e.load(t.Context(), "anatomy-ce", nil); err != nil || a != b {
		t.Errorf("loaded again: %v", err)
	}
}

func TestPredictSaysThatTheLibraryIsMissing(t *testing.T) {
	e := testEngine(t)
	e.runtime.Library = filepath.Join(t.TempDir(), "libnothing.so")
	offered, _ := e.Models(t.Context())
	if len(offered) == 0 {
		t.Fatal("no model")
	}
	_, _, err := e.Predict(t.Context(), &exam.Exam{}, viewer.Job{Model: offered[0], Samples: 1}, nil)
	if !errors.Is(err, viewer.ErrRuntime) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := e.Predict(ctx, &exam.Exam{}, viewer.Job{Model: offered[0], Samples: 1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestTheNetworkLeavesACoreToTheWindow(t *testing.T) {
	for _, c := range []struct{ asked, cores, want int }{{0, 2, 1}, {0, 1, 1}, {3, 2, 3}} {
		if got := besideWindow(c.asked, c.cores); got != c.want {
			t.Errorf("asked for %d on %d cores: %d, want %d", c.asked, c.cores, got, c.want)
		}
	}
}
