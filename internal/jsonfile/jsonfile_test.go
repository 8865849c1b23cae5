package jsonfile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type form struct {
	Version int    `json:"version"`
	Name    string `json:"name,omitempty"`
	On      bool   `json:"on,omitempty"`
}

func TestUnknownFieldsStayAndEmptiedOnesGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "x.json")
	v := form{}
	f, err := Open(path, 2, &v)
	if err != nil || f.Found() {
		t.Fatal(f, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"version":1,"name":"a","on":true,"later":[1,2]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err = Open(path, 2, &v)
	if err != nil || !f.Found() || v.Name != "a" || !v.On {
		t.Fatal(v, err)
	}
	v.On = false
	v.Name = "b"
	if err := f.Save(v); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got["on"] != nil || got["name"] != "b" || got["version"] != 2.0 || got["later"] == nil {
		t.Errorf("%s", data)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := f.Remove(); err != nil || f.Found() {
		t.Error(err)
	}
	if err := f.Remove(); err != nil {
		t.Error("removing it twice:", err)
	}
}

func TestWhatCannotBeReadIsRefusedAndLeftAlone(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":    {"{", "correct it, or move it away"},
		"no object":  {`[1]`, "correct it, or move it away"},
		"wrong type": {`{"version":1,"name":5}`, "correct it, or move it away"},
		"newer":      {`{"version":3,"name":5}`, "has version 3, this program knows 2; update the program"},
	} {
		path := filepath.Join(t.TempDir(), "x.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, 2, &form{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != c.text {
			t.Errorf("%s: changed to %q, %v", name, after, err)
		}
	}
	if _, err := Open(t.TempDir(), 2, &form{}); err == nil {
		t.Error("a folder was read as a file")
	}
}

func TestAnUnwritablePlaceIsToldAndTheOldFileStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(filepath.Join(path, "x.json"), 1, &form{}) // below a file
	if err == nil {
		if err = f.Save(form{}); err == nil {
			t.Error("it was written below a file")
		}
	}
}
