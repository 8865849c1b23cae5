package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/nets"
)

// The demo takes the bundled model of a task; an untrained one where there is none, or a size is asked for.
func TestTheDemoTakesBundledModels(t *testing.T) {
	p, err := nets.FindPreset("tiny", modelcard.Anatomy)
	if err != nil {
		t.Fatal(err)
	}
	w, err := nets.Init(p.Config, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "trained.onnx")
	facts := &modelcard.TrainingFacts{Steps: 1, Batch: 1, Data: modelcard.DataFacts{Kind: "phantoms", Synthetic: true, Fingerprint: strings.Repeat("00", 32)}}
	if err := models.WriteTrained(path, p.Config, w, modelcard.Card{Name: "tiny", Recipe: p.Recipe, Loss: "CE", Training: facts}); err != nil {
		t.Fatal(err)
	}
	onnx, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{Options: Options{Out: &bytes.Buffer{}, Models: models.NewLibrary(fstest.MapFS{"anatomy-ce.onnx": {Data: onnx}})}}
	for _, c := range []struct {
		task modelcard.Task
		size string
		want string
	}{
		{modelcard.Anatomy, "", "anatomy-ce"},
		{modelcard.Anatomy, "tiny", filepath.Join(dir, "models", "untrained-tiny-anatomy.onnx")},
		{modelcard.Diagnosis, "", filepath.Join(dir, "models", "untrained-small-diagnosis.onnx")},
	} {
		got, err := s.demoModel(demoJob{out: dir, size: c.size, seed: 1}, c.task)
		if err != nil || got != c.want {
			t.Errorf("%s, size %q: %q, %v, want %q", c.task, c.size, got, err, c.want)
		}
		f, err := s.bundled().Read(got)
		if err != nil || f.Card.Task != c.task || f.Card.Trained != (got == "anatomy-ce") {
			t.Errorf("%s, size %q: %v", c.task, c.size, err)
		}
	}
}
