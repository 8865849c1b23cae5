// Package picking is the choice of a file or a folder, without a toolkit: where it stands, what is listed there, what is
// selected, and what keys do. Folders are read by [List], on a worker, since a disk or a network may answer late; everything
// else runs on the window's goroutine and touches no disk.
package picking

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Question is what may be chosen.
type Question struct {
	Folder     bool     // a folder is asked for; else a file
	Extensions []string // of the files that are offered, with dots, in lower case; nil for all
}

// offers reports whether a file of a name can be chosen.
func (q Question) offers(name string) bool {
	return !q.Folder && (len(q.Extensions) == 0 || slices.Contains(q.Extensions, strings.ToLower(filepath.Ext(name))))
}

// Entry is a line of the list.
type Entry struct {
	Name   string
	Folder bool
	Hidden bool // its name begins with a dot
}

// Listing is what a folder holds: folders first, each in the order of their names, whatever the case.
type Listing struct {
	Folder  string
	Entries []Entry
	Others  int // files that are not offered
}

// List reads a folder, on any goroutine. A link counts as what it leads to. It fails with what the system says.
func List(folder string, q Question) (Listing, error) {
	found, err := os.ReadDir(folder)
	if err != nil {
		return Listing{}, err
	}
	l := Listing{Folder: folder}
	for _, e := range found {
		entry := Entry{Name: e.Name(), Folder: e.IsDir(), Hidden: strings.HasPrefix(e.Name(), ".")}
		if e.Type()&os.ModeSymlink != 0 {
			if to, err := os.Stat(filepath.Join(folder, e.Name())); err == nil {
				entry.Folder = to.IsDir()
			}
		}
		if entry.Folder || q.offers(entry.Name) {
			l.Entries = append(l.Entries, entry)
		} else if !entry.Hidden {
			l.Others++
		}
	}
	slices.SortStableFunc(l.Entries, func(a, b Entry) int {
		if a.Folder != b.Folder {
			return map[bool]int{true: -1, false: 1}[a.Folder]
		}
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return l, nil
}

// Nearest is [List] of a folder, or where it is not there any more of the nearest one around it that is.
func Nearest(folder string, q Question) (Listing, error) {
	l, err := List(folder, q)
	for up := filepath.Dir(folder); errors.Is(err, fs.ErrNotExist) && up != folder; up = filepath.Dir(folder) {
		folder = up
		l, err = List(folder, q)
	}
	return l, err
}

// typeAhead is how long what was typed last counts as the beginning of a name.
const typeAhead = time.Second

// Picker is a choice under way. Make it with [New].
type Picker struct {
	question Question
	folder   string // that is shown, or asked for
	selected string // the name to be selected when the folder is listed
	listing  Listing
	shown    []Entry // of the listing, without hidden ones unless they are wanted
	at       int     // selected entry, −1 for none
	hidden   bool
	asked    int // counts listings asked for, so that the answer to an old one is dropped
	busy     bool
	err      error
	typed    string
	since    time.Time // of the last character of typed
}

// New begins a choice in a folder, in which an entry of a name ("" for none) is to be selected. [Picker.Ask] says what is
// to be listed.
func New(q Question, folder, selected string) *Picker {
	p := &Picker{question: q, at: -1}
	p.Go(folder, selected)
	return p
}

// Question returns what may be chosen.
func (p *Picker) Question() Question { return p.question }

// Folder returns the folder that is shown, or asked for.
func (p *Picker) Folder() string { return p.folder }

// Entries returns what is listed. Read only.
func (p *Picker) Entries() []Entry { return p.shown }

// Others returns how many files of the folder are not offered.
func (p *Picker) Others() int { return p.listing.Others }

// At returns the selected line, −1 for none.
func (p *Picker) At() int { return p.at }

// Busy reports whether a folder is being read.
func (p *Picker) Busy() bool { return p.busy }

// Err returns why the folder could not be read, or nil.
func (p *Picker) Err() error { return p.err }

// Ask returns what has to be listed now, with a number for [Picker.Answer]; ok is false where nothing has.
func (p *Picker) Ask() (folder string, asked int, ok bool) { return p.folder, p.asked, p.busy }

// Answer takes what [List] returned for a number. An answer to an older question is dropped.
func (p *Picker) Answer(asked int, l Listing, err error) {
	if asked != p.asked || !p.busy {
		return
	}
	p.busy, p.err, p.listing = false, err, l
	if err == nil {
		p.folder = l.Folder
	}
	p.show(p.selected)
}

// show lists what is wanted and selects a name, or else the first line. Where a folder is asked for nothing else is selected:
// the one that is shown is the choice then.
func (p *Picker) show(name string) {
	p.shown, p.at = nil, -1
	for _, e := range p.listing.Entries {
		if !e.Hidden || p.hidden {
			p.shown = append(p.shown, e)
		}
	}
	p.at = slices.IndexFunc(p.shown, func(e Entry) bool { return e.Name == name })
	if p.at < 0 && len(p.shown) > 0 && !p.question.Folder {
		p.at = 0
	}
}

// Go shows another folder, with an entry of a name selected; "" is the first file or folder where a file is asked for, else none.
func (p *Picker) Go(folder, selected string) {
	p.folder, p.selected, p.typed, p.err = filepath.Clean(folder), selected, "", nil
	p.listing, p.shown, p.at = Listing{}, nil, -1
	p.asked++
	p.busy = true
}

// Up shows the folder around, with the one that was shown selected; false at the top.
func (p *Picker) Up() bool {
	up := filepath.Dir(p.folder)
	if up == p.folder {
		return false
	}
	p.Go(up, filepath.Base(p.folder))
	return true
}

// Hidden reports whether names that begin with a dot are listed.
func (p *Picker) Hidden() bool { return p.hidden }

// SetHidden lists names that begin with a dot, or leaves them out.
func (p *Picker) SetHidden(on bool) {
	p.hidden = on
	name := ""
	if e, ok := p.entry(); ok {
		name = e.Name
	}
	p.show(name)
}

func (p *Picker) entry() (Entry, bool) {
	if p.at < 0 || p.at >= len(p.shown) {
		return Entry{}, false
	}
	return p.shown[p.at], true
}

// OnFolder reports whether the selected line is a folder.
func (p *Picker) OnFolder() bool {
	e, ok := p.entry()
	return ok && e.Folder
}

// Select selects a line; one that is not there is ignored.
func (p *Picker) Select(at int) {
	if at >= 0 && at < len(p.shown) {
		p.at, p.typed = at, ""
	}
}

// Move goes by some lines, up where negative, and stops at the ends.
func (p *Picker) Move(by int) {
	if len(p.shown) > 0 {
		p.Select(min(max(p.at+by, 0), len(p.shown)-1))
	}
}

// Type takes a typed character: characters within a second of each other are the beginning of a name, to which the
// selection goes. The same character again and again goes from one such name to the next.
func (p *Picker) Type(r rune, now time.Time) {
	if now.Sub(p.since) > typeAhead {
		p.typed = ""
	}
	p.since = now
	one := string(unicode.ToLower(r))
	from := max(p.at, 0)
	if strings.Trim(p.typed, one) == "" { // a first character, or the same one again
		if !p.begin(one, p.at+1) {
			p.begin(one, 0)
		}
		p.typed += one
		return
	}
	p.typed += one
	if !p.begin(p.typed, from) {
		p.begin(p.typed, 0)
	}
}

// begin selects the first line from one on whose name begins with a text; false for none.
func (p *Picker) begin(text string, from int) bool {
	for i := from; i < len(p.shown); i++ {
		if strings.HasPrefix(strings.ToLower(p.shown[i].Name), text) {
			p.at = i
			return true
		}
	}
	return false
}

// Enter opens the selected line: it goes into a folder, and chooses a file.
func (p *Picker) Enter() (path string, chosen bool) {
	e, ok := p.entry()
	if !ok {
		return "", false
	}
	path = filepath.Join(p.folder, e.Name)
	if e.Folder {
		p.Go(path, "")
		return "", false
	}
	return path, true
}

// Choice returns what the button of the dialog chooses: the selected file, or the selected folder, and where nothing is selected
// the folder that is shown; ok is false where there is nothing to be chosen.
func (p *Picker) Choice() (path string, ok bool) {
	e, selected := p.entry()
	switch {
	case selected && e.Folder == p.question.Folder:
		return filepath.Join(p.folder, e.Name), true
	case p.question.Folder && !p.busy && p.err == nil:
		return p.folder, true
	}
	return "", false
}

// Typed takes a path that was typed in and whether a folder is there, which a worker has looked up: it goes to a folder, and
// chooses a file that is offered; ok is false for another file.
func (p *Picker) Typed(path string, folder bool) (chosen, ok bool) {
	switch {
	case folder:
		p.Go(path, "")
		return false, true
	case p.question.offers(filepath.Base(path)):
		return true, true
	}
	return false, false
}

// Start returns where a choice begins, given what was chosen last: its folder, with it selected; or home where nothing
// was.
func Start(last, home string) (folder, selected string) {
	if last == "" {
		return home, ""
	}
	return filepath.Dir(last), filepath.Base(last)
}
