// Package session keeps everything that is open in one versioned JSON file, so that it can be restored
// exactly: which exam from where, and one section for each part of the window that has something to
// remember. Pixels are not in it: the exam is read again, and results come from a file beside it (package
// resultfile) or are sampled again from the same model, seed and number of samples. The file holds no identity
// beside the path that the user chose.
package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/jsonfile"
)

// ErrSession marks a session file that cannot be used or written. What was there stays.
var ErrSession = errors.New("session: unusable session file")

// Extension ends the names of session files.
const Extension = ".bayeslice"

// version is the version of the files written here.
const version = 1

// Exam says which exam was open.
type Exam struct {
	Path     string `json:"path,omitempty"`     // absolute, as it was opened
	Relative string `json:"relative,omitempty"` // from the session file's folder, so that both can move together
	Study    string `json:"study,omitempty"`    // which of several exams there; see exam.Options.Study
	Key      string `json:"key,omitempty"`      // exam.Exam.Key, to tell that it is the same one
	Demo     bool   `json:"demo,omitempty"`     // the synthetic demo exam, which has no path
}

// File is what a session file holds. Immutable once it was read.
type File struct {
	Version  int                        `json:"version"`
	Program  string                     `json:"program,omitempty"` // version of the program that wrote it
	Saved    time.Time                  `json:"saved"`
	Exam     *Exam                      `json:"exam,omitempty"` // nil: none was open
	Sections map[string]json.RawMessage `json:"sections,omitempty"`
}

// Section is a part of what is open, such as the views or the measurements. Its methods are called on the
// window's goroutine.
type Section interface {
	// SectionName is the stable name under which the section is stored.
	SectionName() string
	// SaveSection returns what [json.Marshal] is to write, or nil where there is nothing to remember.
	// Path and identity of the patient must not be in it.
	SaveSection() (any, error)
	// RestoreSection takes what was saved, for the exam that is open now. Bad data must leave the part
	// as it is and return an error that says what is wrong; fields it does not know are ignored.
	RestoreSection(data json.RawMessage) error
}

// Collect saves the sections, in order. Those of old that no section has the name of, as a newer program
// wrote them, are kept. It fails with [ErrSession], naming the section.
func Collect(sections []Section, old map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	out := maps.Clone(old)
	if out == nil {
		out = map[string]json.RawMessage{}
	}
	for _, s := range sections {
		name := s.SectionName()
		delete(out, name)
		v, err := s.SaveSection()
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrSession, name, err)
		}
		if v == nil {
			continue
		}
		data, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrSession, name, err)
		}
		out[name] = data
	}
	return out, nil
}

// Problem is a part of a session that was not restored.
type Problem struct {
	Section string
	Err     error // nil: this program has no such part
}

// Restore gives each section its data, in order; a section without any is left alone. What could not be
// restored is told, and keeps nothing else from being restored.
func (f *File) Restore(sections []Section) []Problem {
	var problems []Problem
	used := map[string]bool{}
	for _, s := range sections {
		name := s.SectionName()
		used[name] = true
		data, ok := f.Sections[name]
		if !ok {
			continue
		}
		if err := s.RestoreSection(data); err != nil {
			problems = append(problems, Problem{name, err})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Sections)) {
		if !used[name] {
			problems = append(problems, Problem{Section: name})
		}
	}
	return problems
}

// Open reads a session file. It fails with [ErrSession] and a sentence: where the file is missing or
// damaged, or of a newer version; the file stays as it is.
func Open(path string) (*File, error) {
	out := &File{}
	file, err := jsonfile.Open(path, version, out)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrSession, err)
	case !file.Found():
		return nil, fmt.Errorf("%w: %s: %w", ErrSession, path, fs.ErrNotExist)
	case out.Version < 1:
		return nil, fmt.Errorf("%w: %s is no session file; choose one that ends in %s", ErrSession, path, Extension)
	}
	return out, nil
}

// Write writes a session file whole or not at all, in the place of one that is there. It holds the path of the exam, so that
// nobody but the user may read it. It fails with [ErrSession].
func Write(path string, f File) error {
	f.Version = version
	if f.Exam != nil && f.Exam.Path != "" {
		e := *f.Exam
		e.Relative = relative(filepath.Dir(path), e.Path)
		f.Exam = &e
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSession, err)
	}
	err = codec.WritePrivateFile(path, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSession, err)
	}
	return nil
}

// relative returns the way from a folder to path with slashes, or "" where there is none.
func relative(folder, path string) string {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(abs, path)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel)
}

// Places lists where the exam of the session file at path may lie now, the likeliest first: where it was,
// and at the same place beside the session file.
func (e Exam) Places(path string) []string {
	var out []string
	if e.Path != "" {
		out = append(out, e.Path)
	}
	if e.Relative != "" {
		beside := filepath.Join(filepath.Dir(path), filepath.FromSlash(e.Relative))
		if filepath.Clean(e.Path) != beside {
			out = append(out, beside)
		}
	}
	return out
}

// WithExtension returns path so that it ends in [Extension].
func WithExtension(path string) string {
	if strings.EqualFold(filepath.Ext(path), Extension) {
		return path
	}
	return path + Extension
}

// Result is how a result came about, so that it can be sampled again. It is the form in which sections
// store results.
type Result struct {
	Task    string `json:"task"`
	Title   string `json:"title,omitempty"`  // on screen, of a compared model
	Model   string `json:"model"`            // its place in the program's list: a path, or the name of a bundled one
	Hash    string `json:"hash"`             // of the model file: another file does not give the same numbers
	Seed    uint64 `json:"seed,string"`      // as text, since JSON's numbers end at 2⁵³
	Samples int    `json:"samples"`          // how many were drawn
	Slot    int    `json:"slot"`             // compared model, −1 for the exam's own results
	Device  string `json:"device,omitempty"` // what ran it, for information: another one differs by rounding
	// Moves is by how much images were moved before the network saw them, world LPS mm, by Series.ID.
	Moves map[string]geom.Vec3 `json:"moves,omitempty"`
}

// Check reports what makes a result unusable, or nil.
func (r Result) Check() error {
	switch {
	case r.Model == "" || r.Task == "":
		return errors.New("a result without its model")
	case r.Samples < 1:
		return fmt.Errorf("a result of %d samples", r.Samples)
	}
	return nil
}
