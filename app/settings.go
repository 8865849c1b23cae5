package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// ErrConfig marks stored settings that cannot be used. They are left as they are.
var ErrConfig = errors.New("app: unusable settings")

// settingsVersion is the version of the file written here.
const settingsVersion = 1

// Settings are what the program keeps between sessions, as JSON in the user's configuration folder.
// Zero values stand for defaults. No identity and no path of an exam is stored.
type Settings struct {
	Version  int    `json:"version"`
	Models   string `json:"models,omitempty"`   // folder of model files; "" is models beside the settings
	Library  string `json:"library,omitempty"`  // ONNX Runtime library or its folder
	Provider string `json:"provider,omitempty"` // execution provider
	Threads  int    `json:"threads,omitempty"`
	Renderer string `json:"renderer,omitempty"` // "auto", "gl" or "cpu"
	Samples  int    `json:"samples,omitempty"`
	Seed     uint64 `json:"seed,omitempty"`

	libraryOption string // from the command line: it comes before the environment variable
}

// settingsStore is the file the settings live in.
type settingsStore struct {
	dir      string
	settings Settings
	raw      map[string]json.RawMessage // everything in the file, fields of other versions included
	stored   Settings                   // as in the file
}

// openSettings reads the settings in dir, or in the user's configuration folder where dir is "".
func openSettings(dir string) (*settingsStore, error) {
	if dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("%w: no configuration folder: %w; set HOME or XDG_CONFIG_HOME", ErrConfig, err)
		}
		dir = filepath.Join(base, "bayeslice")
	}
	s := &settingsStore{dir: dir, raw: map[string]json.RawMessage{}}
	data, err := os.ReadFile(s.file())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.filled(), nil
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := errors.Join(json.Unmarshal(data, &s.raw), json.Unmarshal(data, &s.settings)); err != nil {
		return nil, fmt.Errorf("%w: %s is not valid JSON (%w); correct it, or move it away to start afresh", ErrConfig, s.file(), err)
	}
	if s.settings.Version > settingsVersion {
		return nil, fmt.Errorf("%w: %s has version %d, this program knows %d; update the program, or move the file away", ErrConfig, s.file(), s.settings.Version, settingsVersion)
	}
	s.stored = s.settings
	return s.filled(), nil
}

func (s *settingsStore) file() string { return filepath.Join(s.dir, "settings.json") }

// filled sets defaults that depend on the folder.
func (s *settingsStore) filled() *settingsStore {
	if s.settings.Models == "" {
		s.settings.Models = filepath.Join(s.dir, "models")
	}
	return s
}

// save writes the settings beside the old file and renames them into place, keeping fields it does
// not know. A file that exists and would not change is left alone.
func (s *settingsStore) save() error {
	out := s.settings
	out.Version, out.libraryOption = settingsVersion, ""
	if out == s.stored {
		return nil
	}
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	all := maps.Clone(s.raw)
	maps.Copy(all, fields)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return writeAtomically(s.file(), append(text, '\n'))
}

// writeAtomically writes a file of the user's own beside path and renames it into place.
func writeAtomically(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	f, err := os.CreateTemp(dir, ".settings-*") // mode 0600
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, errors.Join(err, os.Remove(f.Name())))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
