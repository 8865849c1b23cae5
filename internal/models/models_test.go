package models

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/internal/testenv"
)

func TestAnUntrainedModelIsWrittenReadAndOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "m.onnx")
	if err := WriteUntrained(path, "small", modelcard.Anatomy, 7, "test"); err != nil {
		t.Fatal(err)
	}
	card, sha, err := Card(path)
	if err != nil || card.Trained || card.WeightSeed != 7 || card.Task != modelcard.Anatomy || len(sha) != 64 {
		t.Fatalf("%+v, %s, %v", card, sha, err)
	}
	env, err := ort.Open(ort.Options{})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	m, err := BuiltIn().Open(t.Context(), devices.New(env, devices.Options{}), path, devices.Use{})
	if err != nil {
		t.Fatal(err)
	}
	if m.SHA256() != sha || len(m.Fallbacks()) != 0 {
		t.Errorf("digest %s, want %s; fallbacks %v", m.SHA256(), sha, m.Fallbacks())
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoModelIsRefused(t *testing.T) {
	notes := filepath.Join(t.TempDir(), "notes.onnx")
	if err := os.WriteFile(notes, []byte("these are notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{notes, filepath.Join(t.TempDir(), "gone.onnx"), t.TempDir()} {
		if _, _, err := Card(path); !errors.Is(err, inference.ErrModel) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
	if err := WriteUntrained(filepath.Join(t.TempDir(), "m.onnx"), "huge", modelcard.Anatomy, 1, ""); !errors.Is(err, nets.ErrConfig) {
		t.Errorf("an unknown preset: %v", err)
	}
}
