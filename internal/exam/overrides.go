package exam

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"bayeslice/internal/imageio/codec"
)

// ErrOverrides marks a file of stored choices that cannot be used.
var ErrOverrides = errors.New("exam: unusable file of series choices")

// overridesVersion is the version of the file format written here.
const overridesVersion = 1

// Overrides are the user's choices of series, kept in a JSON file under each exam's key, so that
// they survive reopening. No identity is stored. Safe for concurrent use.
type Overrides struct {
	mu    sync.Mutex
	file  string
	exams map[string]map[string]string // exam key → role name → Series.ID
}

// overridesFile is the file's layout.
type overridesFile struct {
	Version int                          `json:"version"`
	Exams   map[string]map[string]string `json:"exams"`
}

// maxOverrides bounds the file: a choice takes some hundred bytes.
const maxOverrides = 64 << 20

// OpenOverrides reads the choices stored in file; a missing file is an empty set. A damaged file
// or one of a newer version fails with [ErrOverrides] and is left as it is.
func OpenOverrides(file string) (*Overrides, error) {
	o := &Overrides{file: file, exams: map[string]map[string]string{}}
	data, err := codec.ReadSmall(file, maxOverrides)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOverrides, err)
	}
	var f overridesFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%w: %s is not valid JSON (%w); move it away to start afresh", ErrOverrides, filepath.Base(file), err)
	}
	if f.Version != overridesVersion {
		return nil, fmt.Errorf("%w: %s has version %d, this program knows %d; move it away or update the program",
			ErrOverrides, filepath.Base(file), f.Version, overridesVersion)
	}
	if f.Exams != nil {
		o.exams = f.Exams
	}
	return o, nil
}

// Set stores that the user wants series id of e in role, and writes the file.
func (o *Overrides) Set(e *Exam, role Role, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.exams[e.Key] == nil {
		o.exams[e.Key] = map[string]string{}
	}
	o.exams[e.Key][role.String()] = id
	return o.save()
}

// Clear forgets the choice for role, so that the rules decide again, and writes the file.
func (o *Overrides) Clear(e *Exam, role Role) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.exams[e.Key], role.String())
	if len(o.exams[e.Key]) == 0 {
		delete(o.exams, e.Key)
	}
	return o.save()
}

// get returns the stored choice for an exam's role.
func (o *Overrides) get(key string, role Role) (id string, ok bool) {
	if o == nil {
		return "", false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	id, ok = o.exams[key][role.String()]
	return id, ok
}

// save writes the file beside its old version and renames it into place. The lock is held.
func (o *Overrides) save() error {
	data, err := json.MarshalIndent(overridesFile{Version: overridesVersion, Exams: o.exams}, "", "  ")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOverrides, err)
	}
	dir := filepath.Dir(o.file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrOverrides, err)
	}
	err = codec.WritePrivateFile(o.file, func(w io.Writer) error { _, err := w.Write(append(data, '\n')); return err })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOverrides, err)
	}
	return nil
}
