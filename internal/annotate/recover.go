package annotate

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"

	"github.com/gofrs/flock"
)

const (
	journalExt = ".journal"
	lockExt    = ".lock"
	damagedExt = ".damaged"
)

// errInUse says that another window holds a journal.
var errInUse = errors.New("in use by another window")

// journalStem is how the names of an exam's journals begin. It names neither patient nor place.
func journalStem(examKey string, g geom.Grid) string {
	sum := sha256.Sum256([]byte(examKey))
	return hex.EncodeToString(sum[:8]) + "-" + GridDigest(g)
}

// createJournal makes a journal's file and takes its lock.
func createJournal(path string) (*os.File, *flock.Flock, error) {
	lock, err := lockJournal(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		unlock(lock)
		return nil, nil, journalError("cannot begin to autosave", err)
	}
	return file, lock, nil
}

// lockJournal takes the lock beside a journal. A program that dies gives it back.
func lockJournal(path string) (*flock.Flock, error) {
	lock := flock.New(path + lockExt)
	ok, err := lock.TryLock()
	if err != nil {
		return nil, journalError("cannot lock the autosave file", err)
	}
	if !ok {
		return nil, fmt.Errorf("%w: %w; close the other window of this exam first", ErrJournal, errInUse)
	}
	return lock, nil
}

// unlock gives a lock back and removes its file.
func unlock(lock *flock.Flock) {
	err := os.Remove(lock.Path()) // first, lest a file goes that another window has locked
	_ = lock.Unlock()
	if err != nil {
		_ = os.Remove(lock.Path()) // Windows removes no open file; where this fails an empty file stays, which does no harm
	}
}

// Found is a journal with work that was not saved.
type Found struct {
	Path     string
	Changed  time.Time // of the last change
	Steps    int       // changes since the last saving, undone and redone ones counted too
	Problem  error     // why it cannot be recovered, nil where it can
	TornTail bool      // the last change was not written to its end, and will be missing
}

// Find looks in a folder for journals of an exam that no open window uses and that hold unsaved work, the
// latest first. Journals without any are removed. A folder that does not exist holds none. It fails with
// [ErrJournal].
func Find(dir, examKey string, grid geom.Grid) ([]Found, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, journalError("cannot look for autosaved contours", err)
	}
	var out []Found
	for n := len(entries) - 1; n >= 0; n-- {
		name := entries[n].Name()
		if !strings.HasPrefix(name, journalStem(examKey, grid)) || filepath.Ext(name) != journalExt {
			continue
		}
		f, ok := examine(filepath.Join(dir, name), examKey, grid)
		if !ok {
			continue
		}
		at := 0
		for at < len(out) && out[at].Changed.After(f.Changed) {
			at++
		}
		out = append(out[:at], append([]Found{f}, out[at:]...)...)
	}
	return out, nil
}

// examine reads a journal; ok is false where it is in use, gone, or holds nothing unsaved.
func examine(path, examKey string, grid geom.Grid) (f Found, ok bool) {
	lock, err := lockJournal(path)
	if err != nil {
		return Found{}, false
	}
	defer unlock(lock)
	f.Path = path
	if st, err := os.Stat(path); err == nil {
		f.Changed = st.ModTime()
	}
	r, err := replay(path, examKey, grid)
	if err != nil {
		f.Problem = err
		return f, !errors.Is(err, fs.ErrNotExist)
	}
	if r.since == 0 && r.end != damaged {
		_ = os.Remove(path) // where that fails it is tried again next time
		return f, false
	}
	f.Steps, f.TornTail = r.since, r.end == torn
	return f, true
}

// Recovery says what came back from a journal.
type Recovery struct {
	Steps     int    // changes replayed
	LostBytes int    // of a last change that was not written to its end, or of what follows damage
	Damaged   string // copy of a journal that is damaged before its end, "" where it is not
}

// Recover replays a journal and goes on writing to it; see [Document.Keep] for problem. Undo reaches as far
// back as it did. Where the last change was cut short, it alone is missing; a journal that is damaged
// elsewhere is copied before anything behind the damage is dropped. It fails with [ErrJournal] for a
// journal of another exam or grid, of a newer program, in use, or without a usable beginning, and leaves
// it as it is.
func Recover(path, examKey string, grid geom.Grid, problem func(error)) (*Document, Recovery, error) {
	lock, err := lockJournal(path)
	if err != nil {
		return nil, Recovery{}, err
	}
	r, err := replay(path, examKey, grid)
	if err != nil {
		unlock(lock)
		return nil, Recovery{}, err
	}
	out := Recovery{Steps: r.steps, LostBytes: r.lost}
	if r.end == damaged {
		if out.Damaged, err = keepCopy(path); err != nil {
			unlock(lock)
			return nil, Recovery{}, journalError("cannot copy the damaged journal before repairing it", err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err == nil {
		if err = file.Truncate(r.good); err != nil {
			_ = file.Close()
		}
	}
	if err != nil {
		unlock(lock)
		return nil, Recovery{}, journalError("cannot go on autosaving", err)
	}
	r.doc.journal = newJournal(path, file, lock, r.good, problem)
	return r.doc, out, nil
}

// DiscardJournal removes a journal that was found. It fails with [ErrJournal] where it is in use or cannot be removed.
func DiscardJournal(path string) error {
	lock, err := lockJournal(path)
	if err != nil {
		return err
	}
	defer unlock(lock)
	return removeJournal(path)
}

func removeJournal(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return journalError("cannot remove the autosaved contours", err)
	}
	return nil
}

// keepCopy copies a file beside itself and returns the copy's name.
func keepCopy(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	to := path + damagedExt
	return to, codec.WritePrivateFile(to, func(w io.Writer) error { _, err := w.Write(data); return err })
}

// replayed is what the bytes of a journal amount to.
type replayed struct {
	doc   *Document
	steps int // changes since the beginning
	since int // changes since the last saving
	good  int64
	lost  int
	end   verdict
}

// maxJournal bounds the journals that are read: years of drawing do not fill it.
const maxJournal = 1 << 30

func replay(path, examKey string, grid geom.Grid) (*replayed, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, journalError("cannot read the autosaved contours", err)
	}
	if !st.Mode().IsRegular() || st.Size() > maxJournal {
		return nil, fmt.Errorf("%w: %s is no journal", ErrJournal, filepath.Base(path))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, journalError("cannot read the autosaved contours", err)
	}
	return replayBytes(data, examKey, grid)
}

func replayBytes(data []byte, examKey string, grid geom.Grid) (*replayed, error) {
	r := &replayed{doc: New(grid)}
	rest := data
	for n := 0; ; n++ {
		payload, after, v := nextRecord(rest)
		if v == whole {
			rec, ok := decodeRecord(payload)
			if err := r.begins(n, rec, ok, examKey, grid); err != nil {
				return nil, err
			}
			if !ok || !r.take(n, rec) {
				v = damaged
			}
		}
		if v != whole {
			if n < 2 {
				return nil, fmt.Errorf("%w: it breaks off before the first contour; remove it", ErrJournal)
			}
			r.end, r.lost = v, len(rest)
			return r, nil
		}
		rest = after
		r.good = int64(len(data) - len(rest))
	}
}

// begins checks that record n, where it is the head, belongs to this exam.
func (r *replayed) begins(n int, rec record, ok bool, examKey string, grid geom.Grid) error {
	if n > 0 {
		return nil
	}
	switch {
	case !ok || rec.kind != recordHead:
		return fmt.Errorf("%w: the file does not begin as a journal does", ErrJournal)
	case rec.head.Format != journalFormat:
		return fmt.Errorf("%w: it has version %d, this program knows %d; open it with the program that wrote it", ErrJournal, rec.head.Format, journalFormat)
	case rec.head.Exam != examKey:
		return fmt.Errorf("%w: it belongs to another exam; open that exam to recover it", ErrJournal)
	case rec.head.Grid != GridDigest(grid) || rec.head.Size != grid.Size:
		return fmt.Errorf("%w: it was drawn on another T2W series; choose that series to recover it", ErrJournal)
	}
	return nil
}

// take carries out record n and reports whether it could be.
func (r *replayed) take(n int, rec record) bool {
	d := r.doc
	switch rec.kind {
	case recordHead:
		return n == 0
	case recordBase:
		if n != 1 || !d.replayPatches(rec.step) {
			return false
		}
		d.history.assisted = d.history.assisted || len(rec.step.patches) > 0 // what it began with is not known
		d.revision++
		d.saved = d.revision
		return true
	case recordSaved:
		d.saved, r.since = d.revision, 0
		return n > 1
	}
	ok := n > 1
	switch rec.kind {
	case recordStep:
		if ok = ok && d.replayPatches(rec.step); ok {
			d.history.push(rec.step)
			d.revision++
		}
	case recordUndo:
		if ok {
			_, ok = d.Undo()
		}
	case recordRedo:
		if ok {
			_, ok = d.Redo()
		}
	default:
		ok = false
	}
	if ok {
		r.steps++
		r.since++
	}
	return ok
}

// replayPatches applies the patches of a step where all of them follow from the document as it is.
func (d *Document) replayPatches(s step) bool {
	seen := [layerCount]bool{}
	for _, p := range s.patches {
		if p.layer >= layerCount || seen[p.layer] || p.check(&d.layers[p.layer]) != nil {
			return false
		}
		seen[p.layer] = true
	}
	for _, p := range s.patches {
		p.apply(&d.layers[p.layer], true)
	}
	return true
}
