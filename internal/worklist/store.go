package worklist

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bayeslice/internal/jsonfile"
)

// Options of [Open]. The zero value keeps the list in the folder of the exams.
type Options struct {
	// File is where the list is kept; "" is [FileName] in the folder of exams. Elsewhere it serves folders that cannot be
	// written to.
	File string
	// Clock tells when an entry was changed; nil leaves it out.
	Clock func() time.Time
}

// Store is a work list with its file.
type Store struct {
	folder, path string
	clock        func() time.Time

	mu      sync.Mutex
	entries []Entry
	list    *List
	running bool // a sampling is under way
}

// Open reads the work list of a folder and looks which exams are there. It writes nothing: the file appears with the
// first change, or [Store.Save]. It fails with [ErrFolder], [ErrList] or the file system's error.
func Open(folder string, o Options) (*Store, error) {
	full, err := filepath.Abs(folder)
	if err != nil {
		return nil, folderError(folder, err)
	}
	s := &Store{folder: full, path: filepath.Join(full, FileName), clock: o.Clock}
	if o.File != "" {
		if s.path, err = filepath.Abs(o.File); err != nil {
			return nil, fmt.Errorf("worklist: %w", err)
		}
	}
	places, err := scan(full)
	if err != nil {
		return nil, err
	}
	c, _, err := s.read()
	if err != nil {
		return nil, err
	}
	s.set(merge(c.Exams, places))
	return s, nil
}

// Folder is the folder of the exams. It may hold identity.
func (s *Store) Folder() string { return s.folder }

// File is the file of the list.
func (s *Store) File() string { return s.path }

// Place returns the path of an entry's exam, for exam.Open together with [Entry.Study].
func (s *Store) Place(e Entry) string { return filepath.Join(s.folder, filepath.FromSlash(e.Path)) }

// List returns the list as it is now.
func (s *Store) List() *List {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list
}

// Save writes the list although nothing has changed, so that its file exists.
func (s *Store) Save() error { return s.change(func() error { return nil }) }

// Refresh looks again which exams are there, and writes the list where that has changed. Exams that are gone stay in the
// list as missing where the user has worked on them.
func (s *Store) Refresh() (added, removed int, err error) {
	places, err := scan(s.folder)
	if err != nil {
		return 0, 0, err
	}
	err = s.change(func() error {
		before := present(s.entries)
		s.entries = merge(s.entries, places)
		after := present(s.entries)
		for path := range after {
			if !before[path] {
				added++
			}
		}
		for path := range before {
			if !after[path] {
				removed++
			}
		}
		return nil
	})
	return added, removed, err
}

func present(entries []Entry) map[string]bool {
	out := map[string]bool{}
	for _, e := range entries {
		if !e.Missing {
			out[e.Path] = true
		}
	}
	return out
}

// SetState changes how far the work on an exam is. It fails with [ErrNoEntry], [ErrState], [ErrList] where the file was
// damaged meanwhile, or the file system's error; then the list is as it was.
func (s *Store) SetState(id string, state State) error {
	if _, err := ParseState(string(state)); err != nil {
		return err
	}
	return s.edit(id, func(e *Entry) { e.State, e.Changed = state, s.now() })
}

// SetNote changes the note on an exam. It fails as [Store.SetState] does.
func (s *Store) SetNote(id, note string) error {
	return s.edit(id, func(e *Entry) { e.Note, e.Changed = note, s.now() })
}

// AddWork adds to what the user has spent on an exam: time, and the volume of labels that changed, mL. Values
// that are not positive add nothing. It fails as [Store.SetState] does.
func (s *Store) AddWork(id string, spent time.Duration, editedML float64) error {
	return s.edit(id, func(e *Entry) {
		e.Seconds += max(spent.Seconds(), 0)
		if editedML > 0 {
			e.EditedML += editedML
		}
	})
}

// Forget takes back what sampling told of an exam, for one whose series were chosen anew.
func (s *Store) Forget(id string) error {
	return s.edit(id, func(e *Entry) { e.Score, e.Stamp, e.Problem = nil, "", "" })
}

func (s *Store) now() time.Time {
	if s.clock == nil {
		return time.Time{}
	}
	return s.clock().UTC().Round(time.Second)
}

// edit changes one entry.
func (s *Store) edit(id string, to func(*Entry)) error {
	return s.change(func() error {
		for n := range s.entries {
			if s.entries[n].ID() == id {
				to(&s.entries[n])
				return nil
			}
		}
		return ErrNoEntry
	})
}

// change applies a change to the entries as the file has them now, and writes them. On an error everything is as it was.
func (s *Store) change(apply func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.entries
	c, f, err := s.read()
	if err != nil {
		return err
	}
	s.entries = newer(c.Exams, before)
	if err = apply(); err == nil {
		c.Exams, c.Folder, c.What = newList(s.entries).entries, s.relativeFolder(), whatItIs
		err = f.Save(c)
	}
	if err != nil {
		s.entries = before
		return err
	}
	s.set(c.Exams)
	return nil
}

// newer returns what the file holds, which another process may have changed, with the places that it does not know, and
// with what this process saw to be missing.
func newer(stored, own []Entry) []Entry {
	out := append([]Entry(nil), stored...)
	known, missing := map[string]bool{}, map[string]bool{}
	for _, e := range out {
		known[e.Path] = true
	}
	for _, e := range own {
		missing[e.Path] = e.Missing
		if !known[e.Path] {
			out = append(out, e)
		}
	}
	for n := range out {
		if gone, seen := missing[out[n].Path]; seen {
			out[n].Missing = gone
		}
	}
	return out
}

// set publishes entries.
func (s *Store) set(entries []Entry) {
	s.entries = entries
	s.list = newList(entries)
}

// read reads the file and checks that it is of this folder. A list beside its exams may have been moved with them.
func (s *Store) read() (content, *jsonfile.File, error) {
	c, f, err := readFile(s.path)
	if err != nil || !f.Found() {
		return c, f, err
	}
	other := filepath.FromSlash(c.Folder)
	if !filepath.IsAbs(other) {
		other = filepath.Join(filepath.Dir(s.path), other)
	}
	here, err := os.Stat(s.folder)
	if err != nil {
		return c, f, folderError(s.folder, err)
	}
	if there, err := os.Stat(other); err != nil || !os.SameFile(here, there) {
		return c, f, fmt.Errorf("%w: the file is the list of another folder; choose another file for the list", ErrList)
	}
	return c, f, nil
}

// relativeFolder returns the folder of exams as the file names it.
func (s *Store) relativeFolder() string {
	if rel, err := filepath.Rel(filepath.Dir(s.path), s.folder); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(s.folder)
}
