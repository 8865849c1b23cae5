package viewer

import (
	"errors"
	"path/filepath"
	"strings"

	"bayeslice/internal/annotate"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/edit"
)

// labels is what the window does for the editing of contours: a document for each exam that is opened, its
// journal, recovery, and the files that contours are saved to.
type labels struct {
	w      *Window
	editor *edit.Editor
	worker *worker

	key     string          // of the exam that the document belongs to, "" for none
	grid    geom.Grid       // of its T2W image
	count   int             // of documents, so that what comes late for an old one is dropped
	pending *newJournal     // that is being made for the document, nil for none
	failed  bool            // it could not be made; the user may try again
	closes  <-chan struct{} // closed once every document before is
	target  saveTarget
	saving  bool
}

// errNoContours says that the window was given no folder for autosaving.
var errNoContours = errors.New("viewer: autosaving is off, no folder was given for it; save the contours often")

func newLabels(w *Window) *labels {
	l := &labels{w: w, worker: newWorker(w.ctx, w.do, &w.work)}
	l.editor = edit.New(w.state, l.worker)
	w.addSection(l.editor)
	w.handle(viewstate.SaveLabels, l.save)
	w.handle(viewstate.SaveLabelsAs, l.saveAs)
	return l
}

// update follows the state: another exam has another document, and drawing wants a journal.
func (l *labels) update(c viewstate.Change) {
	if c.Has(viewstate.ChangedExam) {
		l.follow(l.w.state.Exam())
	}
	if c.Has(viewstate.ChangedTool|viewstate.ChangedLabels) && l.editor.WantsJournal() && l.pending == nil && !l.failed {
		l.makeJournal()
	}
}

// waits reports whether a viewport need not follow a change yet: a stroke that is being drawn is shown where it is
// drawn, and everywhere when it ends.
func (l *labels) waits(view int, c viewstate.Change) bool {
	at, drawing := l.editor.Stroke()
	return drawing && view != at && c&^(viewstate.ChangedLabels|viewstate.ChangedMarks) == 0
}

// follow gives the exam that is open now a document of its own.
func (l *labels) follow(e *exam.Exam) {
	key, grid, ok := "", geom.Grid{}, false
	if e != nil {
		key = e.Key
		grid, ok = e.ReferenceGrid()
	}
	if ok && l.editor.Open() && key == l.key && grid == l.grid || !ok && !l.editor.Open() {
		return
	}
	var next *annotate.Document
	if ok {
		next = annotate.New(grid)
	}
	l.key, l.grid, l.target = key, grid, saveTarget{}
	l.replace(next, false)
	if ok && l.w.opt.Contours != "" {
		l.find()
	}
}

// replace makes a document the one that is edited, and closes the one before: its journal stays where it
// holds unsaved work.
func (l *labels) replace(next *annotate.Document, kept bool) {
	l.count++
	unsaved := l.editor.Unsaved()
	l.setDocument(next, kept)
	if unsaved && next != nil {
		l.editor.Tell(lang.T("The contours of the exam before are kept, and offered when it is opened again."))
	}
}

// setDocument puts a document, which may be nil, in the place of the one before, which is closed on a worker
// goroutine, with the journal that is still being made for it.
func (l *labels) setDocument(next *annotate.Document, kept bool) {
	making := l.pending
	l.pending, l.failed = nil, false
	old := l.editor.SetDocument(next, kept) // which may begin a journal of the next
	if old == nil {
		return
	}
	before, done := l.closes, make(chan struct{})
	l.closes = done
	l.w.work.Go(func() {
		err := old.Close()
		if making != nil {
			err = errors.Join(err, making.keep(old))
		}
		l.closed(err)
		if before != nil {
			<-before
		}
		close(done)
	})
}

// newJournal is a journal that is being made on a worker goroutine. The document may be left meanwhile.
type newJournal struct {
	made    chan struct{} // closed when the others hold
	journal *annotate.Journal
	err     error
}

// keep waits for the journal and leaves in it what is unsaved of a document that was closed without it.
func (n *newJournal) keep(d *annotate.Document) error {
	<-n.made
	switch {
	case n.journal == nil && !d.Unsaved():
		return nil // there is nothing to keep
	case n.journal == nil:
		return n.err
	case !d.Unsaved():
		return n.journal.Remove()
	}
	if err := d.Keep(n.journal); err != nil {
		return errors.Join(err, n.journal.Remove())
	}
	return d.Close()
}

// closed tells where the journal of a document that is closed could not be written.
func (l *labels) closed(err error) {
	if err != nil {
		l.w.do(func() {
			if !l.w.closing {
				l.w.showError(lang.T("The contours before were not kept"), err)
			}
		})
	}
}

// current reports whether a document with a number is still the one that is edited.
func (l *labels) current(count int) bool { return count == l.count && !l.w.closing && l.editor.Open() }

// still reports whether the exam is open that contours were looked for; its document may be another one by now, since
// those of a work list come with saved contours.
func (l *labels) still(key string, grid geom.Grid) bool {
	return key == l.key && grid == l.grid && l.current(l.count)
}

// makeJournal begins to write down what is drawn.
func (l *labels) makeJournal() {
	if l.w.opt.Contours == "" {
		l.failed = true
		l.editor.SetTrouble(errNoContours)
		return
	}
	making := &newJournal{made: make(chan struct{})}
	l.pending = making
	count, key, grid := l.count, l.key, l.grid
	l.w.work.Go(func() {
		making.journal, making.err = annotate.NewJournal(l.w.opt.Contours, key, grid, l.trouble(count))
		close(making.made)
		l.w.do(func() {
			if l.pending != making {
				return // the document was left, and its journal with it
			}
			l.pending = nil
			err := making.err
			if err == nil {
				err = l.editor.Keep(making.journal)
			}
			l.failed = err != nil
			l.editor.SetTrouble(err)
		})
	})
}

// trouble returns what a journal calls when writing begins to fail, or works again.
func (l *labels) trouble(count int) func(error) {
	return func(err error) {
		l.w.do(func() {
			if l.current(count) {
				l.editor.SetTrouble(err)
			}
		})
	}
}

// tryAgain makes a journal where that failed before.
func (l *labels) tryAgain() {
	if l.failed && l.pending == nil {
		l.failed = false
		l.makeJournal()
	}
}

// find looks for unsaved contours of the exam that another session left behind.
func (l *labels) find() {
	key, grid, closes := l.key, l.grid, l.closes
	l.w.work.Go(func() {
		if closes != nil {
			<-closes // theirs may be what is looked for
		}
		found, err := annotate.Find(l.w.opt.Contours, key, grid)
		l.w.do(func() {
			switch {
			case !l.still(key, grid):
			case err != nil:
				l.editor.SetTrouble(err)
			case len(found) > 0:
				l.askRecover(key, grid, found)
			}
		})
	})
}

// recover goes on with contours that were found.
func (l *labels) recover(count int, f annotate.Found) {
	key, grid := l.key, l.grid
	l.w.work.Go(func() {
		d, r, err := annotate.Recover(f.Path, key, grid, l.trouble(count+1))
		l.w.do(func() {
			if d != nil && !l.current(count) {
				l.w.work.Go(func() { l.closed(d.Close()) })
				return
			}
			if err != nil {
				l.w.showError(lang.T("The contours were not recovered"), err)
				return
			}
			l.replace(d, true)
			l.w.state.SetLayout(viewstate.Contour)
			l.editor.Tell(recoveryText(r))
		})
	})
}

// recoveryText says what came back.
func recoveryText(r annotate.Recovery) string {
	text := lang.N(r.Steps, "%d change is back.", "%d changes are back.")
	if r.LostBytes > 0 && r.Damaged == "" {
		text += " " + lang.T("The last one was cut short and is missing.")
	}
	if r.Damaged != "" {
		text += " " + lang.T("The file was damaged; what follows the damage is missing. A copy is kept as %s.", filepath.Base(r.Damaged))
	}
	return text
}

// end closes the document when the window goes. Unsaved work stays in its journal.
func (l *labels) end() {
	l.setDocument(nil, false) // nobody is left to be told of a failure
}

// fileStem proposes how the names of an exam's files begin, without what may name the patient.
func (l *labels) fileStem() string { return "study-" + strings.ToLower(l.key[:min(4, len(l.key))]) }
