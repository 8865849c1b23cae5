package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/ort"
	"bayeslice/internal/settings"
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
	e := newEngine(engineConfig{models: files, folder: t.TempDir(), overrides: o, runtime: ort.Options{Threads: 2}})
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
	models, problems := e.Models(t.Context())
	if len(models) != 2 || models[0].Card.Task != modelcard.Anatomy || models[1].Card.Task != modelcard.Diagnosis || models[0].Card.Trained {
		t.Errorf("models %+v", models)
	}
	if len(problems) != 2 || !strings.HasPrefix(problems[0], "notes.onnx: ") || !strings.HasPrefix(problems[1], "gone.onnx: ") {
		t.Errorf("problems %q", problems)
	}
	again, _ := e.Models(t.Context())
	if len(again) != 2 || again[0].ID != models[0].ID {
		t.Errorf("the second time: %+v", again)
	}
}

func TestPredictSaysThatTheLibraryIsMissing(t *testing.T) {
	e := testEngine(t)
	e.runtime.Library = filepath.Join(t.TempDir(), "libnothing.so")
	models, _ := e.Models(t.Context())
	if len(models) == 0 {
		t.Fatal("no model")
	}
	_, _, err := e.Predict(t.Context(), &exam.Exam{}, viewer.Job{Model: models[0], Samples: 1}, nil)
	if !errors.Is(err, viewer.ErrRuntime) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := e.Predict(ctx, &exam.Exam{}, viewer.Job{Model: models[0], Samples: 1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
