package settings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsSurviveAndKeepWhatTheyDoNotKnow(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "settings.json")
	if err := os.WriteFile(file, []byte(`{"version":1,"samples":7,"later":{"a":[1,2]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil || s.Samples != 7 || s.ModelsDir() != filepath.Join(dir, "models") {
		t.Fatalf("%+v, %v", s, err)
	}
	s.Seed = 5
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `"later"`) || !strings.Contains(string(text), `"seed": 5`) {
		t.Errorf("%s, %v", text, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestNothingIsWrittenWithoutAChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made for defaults: %v", err)
	}
}

func TestDamagedSettingsAreRefusedAndLeftAlone(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "{", "newer": `{"version":99}`, "wrong type": `{"samples":"many"}`} {
		dir := t.TempDir()
		file := filepath.Join(dir, "settings.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != text {
			t.Errorf("%s: changed to %q, %v", name, after, err)
		}
	}
}

func TestAChoiceThatWasTakenBackIsGone(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.Private, s.Scale, s.Models = true, 150, "/some/models"
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	s.Private, s.Models = false, ""
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil || again.Private || again.Models != "" || again.Scale != 150 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestScaleIsAlwaysUsable(t *testing.T) {
	for stored, want := range map[int]float32{0: 1, 100: 1, 125: 1.25, 200: 2, 5000: 2, -3: 1} {
		if got := (Settings{Scale: stored}).UIScale(); got != want {
			t.Errorf("%d %% gives %g, want %g", stored, got, want)
		}
	}
}
