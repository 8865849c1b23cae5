package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"bayeslice/internal/modelcard"
)

// Sentinels; their texts say what to do next.
var (
	// ErrFolder: a folder is no study, or the study of another file.
	ErrFolder = errors.New("study: unusable study folder")
	// ErrIndex: there is no element of that number.
	ErrIndex = errors.New("study: there is no such element")
	// ErrBusy: another process works on the element, or prepares the data.
	ErrBusy = errors.New("study: another process is at work")
)

// Names in a study folder.
const (
	fileName    = "study.toml"
	splitsName  = "splits.json"
	dataName    = "data"
	trainings   = "trainings"
	evaluations = "evaluations"
	elements    = "elements"
	reportName  = "report"
)

// Study is a study in its folder. It is immutable; the folder is not.
type Study struct {
	dir      string
	file     File
	elements []Element
}

// Create makes a study in a folder that does not exist, is empty, or holds the same study already, which goes on then.
// It fails with [ErrFile], with [ErrFolder] where the folder holds another study, saying what differs, or something
// else, and with the file system's error.
func Create(dir string, f File) (*Study, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	s, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		begun := begin(dir, f)
		s, err = Open(dir) // which another process may have begun in the meantime
		if err != nil && begun != nil {
			err = begun
		}
	}
	if err != nil {
		return nil, err
	}
	if d := difference(s.file, f); d != "" {
		return nil, fmt.Errorf("%w: %s holds a study whose file differs: %s; choose another folder for the changed study, or run the file as it was", ErrFolder, dir, d)
	}
	return s, nil
}

// begin writes the file of a study into a folder that is not there or empty.
func begin(dir string, f File) error {
	if err := vacant(dir); err != nil {
		return err
	}
	text, err := f.Text()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return writeFile(filepath.Join(dir, fileName), []byte("# What this study consists of, with every default written out. It is not to be changed:\n"+
		"# what was trained already would not fit any more. Start a changed study in a folder of its own.\n"+text))
}

// vacant refuses a folder that holds anything but what an interrupted Create leaves.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "."+fileName) {
			return fmt.Errorf("%w: %s is not empty, and holds no study; choose another folder", ErrFolder, dir)
		}
	}
	return nil
}

// Open opens the study in a folder. It fails with [ErrFolder], which wraps [fs.ErrNotExist] where there is none, [ErrFile], or
// the file system's error.
func Open(dir string) (*Study, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	path := filepath.Join(full, fileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s holds no %s (%w); name the folder of a study, or start one with `bayeslice study run FILE -o %s`", ErrFolder, dir, fileName, fs.ErrNotExist, dir)
	}
	f, err := Read(path)
	if err != nil {
		return nil, err
	}
	return &Study{dir: full, file: f, elements: f.Elements()}, nil
}

// Dir is the folder, absolute.
func (s *Study) Dir() string { return s.dir }

// File is what the study consists of.
func (s *Study) File() File { return s.file }

// Elements lists the elements, see [File.Elements].
func (s *Study) Elements() []Element { return slices.Clone(s.elements) }

// Element returns an element by its index, counted from 0. It fails with [ErrIndex].
func (s *Study) Element(index int) (Element, error) {
	if index < 0 || index >= len(s.elements) {
		return Element{}, fmt.Errorf("%w: number %d; choose one from 0 to %d", ErrIndex, index, len(s.elements)-1)
	}
	return s.elements[index], nil
}

// Paths of an element.
func (s *Study) training(e Element) string   { return filepath.Join(s.dir, trainings, e.Name()) }
func (s *Study) evaluation(e Element) string { return filepath.Join(s.dir, evaluations, e.Name()) }
func (s *Study) record(e Element) string     { return filepath.Join(s.dir, elements, e.Name()+".json") }
func (s *Study) lockFile(e Element) string   { return filepath.Join(s.dir, elements, e.Name()+".lock") }

// Report is the folder of the report.
func (s *Study) Report() string { return filepath.Join(s.dir, reportName) }

// difference says in words where two files differ, "" where they are one study.
func difference(have, want File) string {
	a, b := flatten(have), flatten(want)
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	var out []string
	for k := range keys {
		if a[k] != b[k] {
			out = append(out, fmt.Sprintf("%s is %s there and %s in the file", k, orNone(a[k]), orNone(b[k])))
		}
	}
	sort.Strings(out)
	const most = 3
	if n := len(out); n > most {
		out = append(out[:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(out, "; ")
}

func orNone(v string) string {
	if v == "" {
		return "not set"
	}
	return v
}

// flatten lists every setting under the name that it has in a study file.
func flatten(f File) map[string]string {
	out := map[string]string{}
	add := func(prefix string, v any) {
		text, err := json.Marshal(v)
		var fields map[string]json.RawMessage
		if err != nil || json.Unmarshal(text, &fields) != nil {
			panic("study: settings that are no structure") // a fault of the program
		}
		for name, value := range fields {
			out[prefix+snake(name)] = string(value)
		}
	}
	add("evaluation.", f.Evaluation)
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if c, ok := f.Cohort[task]; ok {
			add("cohort."+string(task)+".", c)
		}
		if t, ok := f.Training[task]; ok {
			add("training."+string(task)+".", t)
		}
	}
	f.Cohort, f.Training, f.Evaluation = nil, nil, Evaluation{}
	add("", f)
	for _, k := range []string{"cohort", "training", "evaluation"} {
		delete(out, k)
	}
	return out
}

// snake turns a field's name into that of its key: RateTo is rate_to.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 && name != "L2" {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
