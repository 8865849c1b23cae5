// Package settings is what the program keeps between sessions: one versioned JSON file in the user's
// configuration folder, read by the window and by the commands alike. No identity of a patient and no
// path of an exam is stored.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"bayeslice/internal/imageio/codec"
)

// ErrSettings marks stored settings that cannot be used. They are left as they are.
var ErrSettings = errors.New("settings: unusable settings")

// version is the version of the file written here.
const version = 1

// Settings are the user's choices. Zero values stand for defaults.
type Settings struct {
	Version  int    `json:"version"`
	Models   string `json:"models,omitempty"`   // folder of model files; see [Store.Models]
	Library  string `json:"library,omitempty"`  // ONNX Runtime library or its folder
	Provider string `json:"provider,omitempty"` // execution provider
	Threads  int    `json:"threads,omitempty"`  // of one operator
	Renderer string `json:"renderer,omitempty"` // "auto", "gl" or "cpu"
	Samples  int    `json:"samples,omitempty"`
	Seed     uint64 `json:"seed,omitempty"`
}

// Store is the file the settings live in. Not safe for concurrent use.
type Store struct {
	Settings // change and [Store.Save]

	dir    string
	raw    map[string]json.RawMessage // everything in the file, fields of other versions included
	stored Settings                   // as in the file
}

// Open reads the settings in dir, or in the user's configuration folder where dir is "". A missing
// file is a file of defaults. It fails with [ErrSettings] where the file is damaged or of a newer version.
func Open(dir string) (*Store, error) {
	if dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("%w: no configuration folder: %w; set HOME or XDG_CONFIG_HOME", ErrSettings, err)
		}
		dir = filepath.Join(base, "bayeslice")
	}
	s := &Store{dir: dir, raw: map[string]json.RawMessage{}}
	data, err := os.ReadFile(s.File())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if err := errors.Join(json.Unmarshal(data, &s.raw), json.Unmarshal(data, &s.Settings)); err != nil {
		return nil, fmt.Errorf("%w: %s is not valid JSON (%w); correct it, or move it away to start afresh", ErrSettings, s.File(), err)
	}
	if s.Version > version {
		return nil, fmt.Errorf("%w: %s has version %d, this program knows %d; update the program, or move the file away", ErrSettings, s.File(), s.Version, version)
	}
	s.stored = s.Settings
	return s, nil
}

// File is the path of the settings.
func (s *Store) File() string { return filepath.Join(s.dir, "settings.json") }

// SeriesChoices is the path of the user's choices of series (see exam.OpenOverrides).
func (s *Store) SeriesChoices() string { return filepath.Join(s.dir, "series-choices.json") }

// ModelsDir is the folder that model files are offered from: the one set, or models beside the settings.
func (s *Store) ModelsDir() string {
	if s.Models != "" {
		return s.Models
	}
	return filepath.Join(s.dir, "models")
}

// Save writes the settings whole or not at all, and keeps fields that this version does not know. A
// file that would not change is left alone. It fails with [ErrSettings].
func (s *Store) Save() error {
	out := s.Settings
	out.Version = version
	if s.stored.Version == 0 {
		s.stored.Version = version // nothing is written for the number alone
	}
	if out == s.stored {
		return nil
	}
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	all := maps.Clone(s.raw)
	maps.Copy(all, fields)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	err = codec.WriteFile(s.File(), func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	s.raw, s.stored = all, out
	return nil
}
