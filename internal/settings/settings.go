// Package settings is what the program keeps between sessions: one versioned JSON file in the user's
// configuration folder, read by the window and by the commands alike. No identity of a patient and no
// path of an exam is stored in it; beside it lie the keyboard map (package keymap), and, unless the user
// wants none, the list of recent exams and the last session (packages recent and session), which hold paths.
package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/internal/jsonfile"
)

// ErrSettings marks stored settings that cannot be used. They are left as they are.
var ErrSettings = errors.New("settings: unusable settings")

// version is the version of the file written here.
const version = 1

// Settings are the user's choices. Zero values stand for defaults.
type Settings struct {
	Version  int    `json:"version"`
	Models   string `json:"models,omitempty"`   // folder of model files; see [Store.ModelsDir]
	Library  string `json:"library,omitempty"`  // ONNX Runtime library or its folder
	Provider string `json:"provider,omitempty"` // execution provider
	Threads  int    `json:"threads,omitempty"`  // of one operator
	Renderer string `json:"renderer,omitempty"` // "auto", "gl" or "cpu"
	Samples  int    `json:"samples,omitempty"`
	Seed     uint64 `json:"seed,omitempty"`

	Scale    int    `json:"uiScale,omitempty"`  // percent; see [Settings.UIScale]
	Contrast string `json:"contrast,omitempty"` // "" or [HighContrast]
	Language string `json:"language,omitempty"` // tag of a table of texts; "" follows the system
	Layout   string `json:"layout,omitempty"`   // name of the layout at the start; "" is the first
	Autosave string `json:"autosave,omitempty"` // folder of work not saved yet; see [Store.AutosaveDir]

	Private      bool `json:"private,omitempty"`      // the window shows no names and no paths
	NoRecents    bool `json:"noRecents,omitempty"`    // no list of recent exams and no last session is kept
	Acknowledged int  `json:"acknowledged,omitempty"` // the version of the research-use text that was accepted
}

// HighContrast is the [Settings.Contrast] of brighter texts and stronger lines.
const HighContrast = "high"

// Bounds of the magnification of the window, percent.
const (
	MinScale = 100
	MaxScale = 200
)

// UIScale returns the magnification of texts and controls as a factor, 1…2, whatever is stored.
func (s Settings) UIScale() float32 {
	if s.Scale == 0 {
		return 1
	}
	return float32(min(max(s.Scale, MinScale), MaxScale)) / 100
}

// Store is the file the settings live in. Not safe for concurrent use.
type Store struct {
	Settings // change and [Store.Save]

	dir    string
	file   *jsonfile.File
	stored Settings // as in the file
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
	s := &Store{dir: dir}
	file, err := jsonfile.Open(s.File(), version, &s.Settings)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	s.file, s.stored = file, s.Settings
	return s, nil
}

// File is the path of the settings.
func (s *Store) File() string { return filepath.Join(s.dir, "settings.json") }

// SeriesChoices is the path of the user's choices of series (see exam.OpenOverrides).
func (s *Store) SeriesChoices() string { return filepath.Join(s.dir, "series-choices.json") }

// Keys is the path of the user's keyboard map (see keymap.Open).
func (s *Store) Keys() string { return filepath.Join(s.dir, "keys.json") }

// Recents is the path of the list of recent exams (see recent.Open).
func (s *Store) Recents() string { return filepath.Join(s.dir, "recent.json") }

// LastSession is the path of what was open when the program ended (see session.Open).
func (s *Store) LastSession() string { return filepath.Join(s.dir, "last-session.json") }

// QuizResults returns the path of the file with the results of the calibration quiz; it holds no identity.
func (s *Store) QuizResults() string { return filepath.Join(s.dir, "quiz.json") }

// ModelsDir is the folder that model files are offered from: the one set, or models beside the settings.
func (s *Store) ModelsDir() string {
	if s.Models != "" {
		return s.Models
	}
	return filepath.Join(s.dir, "models")
}

// AutosaveDir is the folder that unsaved contours are kept in: the one set, or contours beside the settings.
func (s *Store) AutosaveDir() string {
	if s.Autosave != "" {
		return s.Autosave
	}
	return filepath.Join(s.dir, "contours")
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
	if err := s.file.Save(out); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	s.stored = out
	return nil
}
