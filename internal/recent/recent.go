// Package recent keeps the exams opened last: at most twelve, in one versioned JSON file beside the
// settings. That file, recent.json, holds the path of each exam as it was opened, its key (a hash), its
// name without identity, the month of the study and what series there were; no name, number or birth
// date of a patient. It also holds the files and folders that were chosen last, where the next choice begins. Where the user
// wants no list there is no file.
package recent

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bayeslice/internal/exam"
	"bayeslice/internal/jsonfile"
	"bayeslice/internal/lang"
)

// ErrRecent marks a list that cannot be read or written. The file stays as it is.
var ErrRecent = errors.New("recent: unusable list of recent exams")

// Most is the number of exams that are kept.
const Most = 12

// version is the version of the file written here.
const version = 1

// Entry is one exam.
type Entry struct {
	Path   string    `json:"path"`            // as it was opened
	Study  string    `json:"study,omitempty"` // which of several exams there; see exam.Options.Study
	Key    string    `json:"key"`             // exam.Exam.Key
	Name   string    `json:"name"`            // exam.Exam.Name: without identity
	Month  string    `json:"month,omitempty"` // of the study, "2026-07"
	Series []string  `json:"series,omitempty"`
	Opened time.Time `json:"opened"`
}

// EntryOf describes an exam that was opened at path (with study, where there are several) at a time.
func EntryOf(e *exam.Exam, path, study string, opened time.Time) Entry {
	out := Entry{Path: path, Study: study, Key: e.Key, Name: e.Name, Month: month(e.Identity.StudyDate), Opened: opened.UTC().Truncate(time.Second)}
	for _, r := range []struct {
		role exam.Role
		name string
	}{{exam.T2W, "T2W"}, {exam.ADC, "ADC"}, {exam.HighB, "DWI"}} {
		if e.Chosen(r.role) != nil {
			out.Series = append(out.Series, r.name)
		}
	}
	return out
}

// month turns 20260714 or 2026-07-14 into 2026-07, anything else into "".
func month(date string) string {
	digits := strings.ReplaceAll(date, "-", "")
	if t, err := time.Parse("20060102", digits); err == nil {
		return t.Format("2006-01")
	}
	return ""
}

// Label returns the line that stands for an exam in lists: the folder or file that was opened, the study
// where it holds several, and what there is. In private mode it is made of the key alone, as
// "Study 4F2A · 2026-07 · T2W/ADC/DWI": neither a name nor a folder.
func (e Entry) Label(private bool) string {
	study := lang.T("Study %s", strings.ToUpper(e.Key[:min(4, len(e.Key))]))
	parts := []string{study}
	if !private && e.Path != "" {
		parts = []string{filepath.Base(e.Path)}
		if e.Study != "" {
			parts = append(parts, study)
		}
	}
	if e.Month != "" {
		parts = append(parts, e.Month)
	}
	if len(e.Series) > 0 {
		parts = append(parts, strings.Join(e.Series, "/"))
	}
	return strings.Join(parts, " · ")
}

// Place returns where the exam lies, for a second line; "" in private mode.
func (e Entry) Place(private bool) string {
	if private {
		return ""
	}
	return e.Path
}

// Place is a file or folder that was chosen.
type Place struct {
	Use  string `json:"use"` // what it was chosen for: one name for choices that begin where the last of them was
	Path string `json:"path"`
}

type form struct {
	Version int     `json:"version"`
	Exams   []Entry `json:"exams"`
	Places  []Place `json:"places,omitempty"`
}

// List is the list. Not safe for concurrent use.
type List struct {
	file    *jsonfile.File
	keep    bool
	entries []Entry
	places  []Place
}

// Open reads the list in the file at path; keep says whether the user wants one. Without, the list is
// empty, and a file from before is deleted. It fails with [ErrRecent].
func Open(path string, keep bool) (*List, error) {
	var stored form
	file, err := jsonfile.Open(path, version, &stored)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecent, err)
	}
	l := &List{file: file, keep: keep}
	if !keep {
		return l, l.remove()
	}
	for _, e := range stored.Exams {
		if e.Path != "" && e.Key != "" && len(l.entries) < Most {
			l.entries = append(l.entries, e)
		}
	}
	for _, p := range stored.Places {
		if p.Use != "" && filepath.IsAbs(p.Path) && len(l.places) < Most {
			l.places = append(l.places, p)
		}
	}
	return l, nil
}

// Empty returns a list that is never saved, for a window without a settings folder.
func Empty() *List { return &List{keep: true} }

// Entries lists the exams, the last one first. The caller may keep it.
func (l *List) Entries() []Entry { return slices.Clone(l.entries) }

// Places lists what was chosen, the last first. The caller may keep it.
func (l *List) Places() []Place { return slices.Clone(l.places) }

// AddPlace puts a choice at the head of the list of places, in the place of an earlier one of the same path and use, and stores it.
// A path that is not absolute is ignored. It fails with [ErrRecent]; the choice is in the list then, for this session.
func (l *List) AddPlace(p Place) error {
	if p.Use == "" || !filepath.IsAbs(p.Path) {
		return nil
	}
	l.places = slices.DeleteFunc(l.places, func(q Place) bool { return q == p })
	l.places = slices.Insert(l.places, 0, p)
	l.places = l.places[:min(len(l.places), Most)]
	return l.save()
}

// Keeps reports whether exams are remembered.
func (l *List) Keeps() bool { return l.keep }

// SetKeep says whether exams are remembered. Without, the list is emptied and its file deleted at once.
// It fails with [ErrRecent].
func (l *List) SetKeep(keep bool) error {
	l.keep = keep
	if keep {
		return nil
	}
	return l.Clear()
}

// Add puts an exam at the head of the list, in the place of an earlier opening of the same one, and
// stores it. It fails with [ErrRecent]; the exam is in the list then, for this session.
func (l *List) Add(e Entry) error {
	if !l.keep || e.Path == "" || e.Key == "" {
		return nil
	}
	l.drop(e.Key)
	l.entries = slices.Insert(l.entries, 0, e)
	l.entries = l.entries[:min(len(l.entries), Most)]
	return l.save()
}

// Remove takes an exam off the list by its key. It fails with [ErrRecent].
func (l *List) Remove(key string) error {
	l.drop(key)
	return l.save()
}

func (l *List) drop(key string) {
	l.entries = slices.DeleteFunc(l.entries, func(e Entry) bool { return e.Key == key })
}

// Clear empties the list and deletes its file. It fails with [ErrRecent].
func (l *List) Clear() error {
	l.entries, l.places = nil, nil
	return l.remove()
}

func (l *List) remove() error {
	if l.file == nil {
		return nil
	}
	if err := l.file.Remove(); err != nil {
		return fmt.Errorf("%w: %w", ErrRecent, err)
	}
	return nil
}

func (l *List) save() error {
	if l.file == nil || !l.keep {
		return nil
	}
	if err := l.file.Save(form{Exams: l.entries, Places: l.places}); err != nil {
		return fmt.Errorf("%w: %w", ErrRecent, err)
	}
	return nil
}
