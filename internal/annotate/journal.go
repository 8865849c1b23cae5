package annotate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bayeslice/internal/geom"

	"github.com/gofrs/flock"
)

// Journal writes what happens to a document down while it happens. Writing is done by a goroutine of its
// own, and bringing the file to the disk by another one, so that a slow disk does not hold up the hand that
// draws. Where writing fails the records are kept in memory and tried again with the next one.
type Journal struct {
	path string
	head journalHead
	lock *flock.Flock
	file disk
	tell func(error)

	mu      sync.Mutex
	wake    *sync.Cond
	queue   []entry
	end     int64   // bytes of whole records in the file
	failed  error   // of the last attempt, nil where it went well
	news    []error // to be told
	dirty   bool    // written, not yet known to be on the disk
	syncing bool
	closed  bool
	running sync.WaitGroup
}

// disk is the file that a journal writes to, an [os.File]; tests have others.
type disk interface {
	WriteAt(b []byte, at int64) (int, error)
	Sync() error
	Close() error
}

// newJournal starts the goroutines on a file whose first end bytes are whole records.
func newJournal(path string, file disk, lock *flock.Flock, end int64, tell func(error)) *Journal {
	j := &Journal{path: path, lock: lock, file: file, tell: tell, end: end}
	j.wake = sync.NewCond(&j.mu)
	j.running.Add(2)
	go j.writer()
	go j.syncer()
	return j
}

// NewJournal makes a journal in dir, which is made where it does not exist, for a document on a grid;
// examKey is [exam.Exam.Key]. problem, which may be nil, is called from another goroutine with an error when
// writing begins to fail and with nil when it works again; it must return at once. The document goes on in
// memory in either case. It may take as long as the disk, and be called from any goroutine. It fails with
// [ErrJournal], which wraps the file system's error.
func NewJournal(dir, examKey string, grid geom.Grid, problem func(error)) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, journalError("cannot make the folder for autosaving", err)
	}
	for n := range 1000 {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d%s", journalStem(examKey, grid), n, journalExt))
		file, lock, err := createJournal(path)
		if errors.Is(err, fs.ErrExist) || errors.Is(err, errInUse) {
			continue
		}
		if err != nil {
			return nil, err
		}
		j := newJournal(path, file, lock, 0, problem)
		j.head = journalHead{Format: journalFormat, Exam: examKey, Grid: GridDigest(grid), Size: grid.Size}
		return j, nil
	}
	return nil, fmt.Errorf("%w: a thousand journals of this exam lie in the folder; remove those no longer wanted", ErrJournal)
}

// Remove ends and removes a journal that no document writes to. It fails with [ErrJournal].
func (j *Journal) Remove() error { return j.close(true) }

// Keep writes down in a new journal how the document came to be what it is, as far back as it can be undone,
// and from now on every change. It fails with [ErrJournal] for a journal of another grid, and where there
// is one already.
func (d *Document) Keep(j *Journal) error {
	if d.journal != nil {
		return fmt.Errorf("%w: changes are written down already", ErrJournal)
	}
	if j.head.Grid != GridDigest(d.grid) {
		return fmt.Errorf("%w: it was made for another T2W series", ErrJournal)
	}
	j.append(false, d.past(j.head)...)
	d.journal = j
	return nil
}

// past returns the records of a journal of the document as it is.
func (d *Document) past(head journalHead) []record {
	start := &Document{grid: d.grid}
	for l := range d.layers {
		start.layers[l] = d.Snapshot().thawed(Layer(l))
	}
	done, undone := d.history.done, d.history.undone
	for n := len(done) - 1; n >= 0; n-- {
		for _, p := range done[n].patches {
			p.apply(&start.layers[p.layer], false)
		}
	}
	out := []record{{kind: recordHead, head: head}, {kind: recordBase, step: start.content()}}
	for _, s := range done {
		out = append(out, record{kind: recordStep, step: s})
	}
	for n := len(undone) - 1; n >= 0; n-- {
		out = append(out, record{kind: recordStep, step: undone[n]})
	}
	for range undone {
		out = append(out, record{kind: recordUndo})
	}
	if !d.Unsaved() {
		out = append(out, record{kind: recordSaved})
	}
	return out
}

// content returns the document as changes from an empty one.
func (d *Document) content() step {
	var s step
	empty := newSheets(d.grid.Size)
	for l := range d.layers {
		if p := diff(Layer(l), d.grid.Size, empty.slice, d.layers[l].slice); p != nil {
			s.patches = append(s.patches, p)
		}
	}
	return s
}

// JournalPath returns the file that changes are written to, "" where none is.
func (d *Document) JournalPath() string {
	if d.journal == nil {
		return ""
	}
	return d.journal.path
}

// Flush waits until all changes so far are on the disk. It fails with [ErrJournal] where they cannot be
// written.
func (d *Document) Flush() error {
	if d.journal == nil {
		return nil
	}
	return d.journal.flush()
}

// Close ends the journal. One without unsaved changes is removed; another one stays, to be found by [Find].
// The document remains usable, without a journal. It fails with [ErrJournal] where changes could not be
// written.
func (d *Document) Close() error {
	if d.stroke != nil {
		_, _ = d.stroke.End() // fails where it drew nothing
	}
	return d.end(!d.Unsaved())
}

// Discard ends and removes the journal, unsaved changes included. It fails with [ErrJournal] where that is
// not possible.
func (d *Document) Discard() error { return d.end(true) }

func (d *Document) end(remove bool) error {
	if d.journal == nil {
		return nil
	}
	j := d.journal
	d.journal = nil
	return j.close(remove)
}

// patience is how long a change waits for being handed to the system, after which the death of the program
// loses nothing of it. A disk takes microseconds, unless it is in trouble.
const patience = 20 * time.Millisecond

// append queues records, and waits for the last to be written as long as that takes no time to speak of.
func (j *Journal) append(wait bool, records ...record) {
	var e entry
	j.mu.Lock()
	for _, r := range records {
		b, err := r.encode()
		if err != nil {
			j.report(journalError("a change cannot be written down", err))
			continue
		}
		e = entry{b, make(chan struct{})}
		j.queue = append(j.queue, e)
	}
	wait = wait && j.failed == nil && e.tried != nil
	j.wake.Broadcast()
	j.mu.Unlock()
	if !wait {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-e.tried:
	case <-timer.C:
	}
}

// entry is an encoded record in the queue. tried is closed when it was written, or could not be.
type entry struct {
	bytes []byte
	tried chan struct{}
}

// tell wakes whoever waits for the entry.
func (e *entry) tell() {
	select {
	case <-e.tried:
	default:
		close(e.tried)
	}
}

// report notes how the last attempt went, to be told where that changes. j.mu is held.
func (j *Journal) report(err error) {
	if (err == nil) != (j.failed == nil) {
		j.news = append(j.news, err)
		j.wake.Broadcast()
	}
	j.failed = err
}

// writer writes records as they come, and tells how it goes.
func (j *Journal) writer() {
	defer j.running.Done()
	j.mu.Lock()
	defer j.mu.Unlock()
	tried := 0 // records that were in the queue when writing failed
	for {
		for !j.closed && len(j.queue) <= tried && len(j.news) == 0 {
			j.wake.Wait()
		}
		if len(j.news) > 0 {
			j.deliver()
			continue
		}
		if len(j.queue) == 0 {
			return // closed
		}
		if tried = j.writeOne(); tried > 0 && j.closed {
			return
		}
	}
}

// deliver tells what is new. j.mu is held, and released meanwhile.
func (j *Journal) deliver() {
	news := j.news
	j.news = nil
	if j.tell == nil {
		return
	}
	j.mu.Unlock()
	defer j.mu.Lock()
	for _, err := range news {
		j.tell(err)
	}
}

// writeOne writes the first record of the queue, and returns 0, or how many are waiting where that
// failed. j.mu is held, and released meanwhile.
func (j *Journal) writeOne() (waiting int) {
	defer j.wake.Broadcast()
	e, at := j.queue[0], j.end
	j.mu.Unlock()
	_, err := j.file.WriteAt(e.bytes, at)
	j.mu.Lock()
	if err != nil {
		j.report(journalError("cannot autosave", err))
		for n := range j.queue {
			j.queue[n].tell()
		}
		return len(j.queue)
	}
	e.tell()
	j.end += int64(len(e.bytes))
	j.queue = j.queue[1:]
	j.dirty = true
	if len(j.queue) == 0 {
		j.report(nil)
	}
	return 0
}

// syncer brings what was written to the disk.
func (j *Journal) syncer() {
	defer j.running.Done()
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		for !j.dirty {
			if j.closed && (len(j.queue) == 0 || j.failed != nil) {
				return
			}
			j.wake.Wait()
		}
		j.dirty, j.syncing = false, true
		j.mu.Unlock()
		err := j.file.Sync()
		j.mu.Lock()
		j.syncing = false
		if err != nil {
			j.report(journalError("cannot bring the autosaved contours to the disk", err))
		}
		j.wake.Broadcast()
	}
}

func (j *Journal) flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.failed == nil && (len(j.queue) > 0 || j.dirty || j.syncing) {
		j.wake.Wait()
	}
	return j.failed
}

func (j *Journal) close(remove bool) error {
	j.mu.Lock()
	j.closed = true
	j.wake.Broadcast()
	j.mu.Unlock()
	j.running.Wait()
	err := j.failed
	if e := j.file.Sync(); err == nil && e != nil && !remove {
		err = journalError("cannot bring the autosaved contours to the disk", e)
	}
	if e := j.file.Close(); err == nil && e != nil {
		err = journalError("cannot close the autosave file", e)
	}
	if remove {
		err = removeJournal(j.path)
	}
	unlock(j.lock)
	return err
}

func journalError(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrJournal, doing, err)
}
