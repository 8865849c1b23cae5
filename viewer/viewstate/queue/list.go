package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"bayeslice/internal/lang"
	"bayeslice/internal/review"
	"bayeslice/internal/worklist"
	"bayeslice/viewer/viewstate"
)

// List is the work list of the window. Make it with [NewList].
type List struct {
	s         *viewstate.State
	worker    Worker
	clock     func() time.Time
	listeners []func()

	store    *worklist.Store // nil while no list is open
	list     *worklist.List
	current  string // ID of the open exam where it is one of the list
	worked   time.Duration
	last     time.Time // when the user did something last
	works    int       // counts writings, so that none replaces another
	sampling *sampling // nil while nothing is sampled
	openOnly bool
}

// sampling is a sampling of the list's exams under way.
type sampling struct {
	cancel   context.CancelFunc
	progress worklist.SampleProgress
}

// NewList returns a work list without a folder. clock tells the time, by which the user's work is measured.
func NewList(s *viewstate.State, w Worker, clock func() time.Time) *List {
	l := &List{s: s, worker: w, clock: clock}
	s.Listen(l.stateChanged)
	return l
}

// Listen adds a function that is called after every change that the panel shows.
func (l *List) Listen(f func()) { l.listeners = append(l.listeners, f) }

func (l *List) tell() {
	for _, f := range l.listeners {
		f()
	}
}

// idle is the time without any doing after which the user is taken to be away.
const idle = time.Minute

// stateChanged measures the user's work on the open exam.
func (l *List) stateChanged(ch viewstate.Change) {
	if l.current != "" && ch.Has(viewstate.ChangedCursor|viewstate.ChangedCamera|viewstate.ChangedWindow|viewstate.ChangedLabels|viewstate.ChangedProbe) {
		now := l.clock()
		if d := now.Sub(l.last); d > 0 && d < idle {
			l.worked += d
		}
		l.last = now
	}
	if ch.Has(viewstate.ChangedTexts) {
		l.tell()
	}
}

// background hands a work to the worker under a name of its own: writings come one after the other, and none is lost.
func (l *List) background(work func(ctx context.Context) func()) {
	l.works++
	l.worker.Submit(fmt.Sprintf("list %d", l.works), work)
}

// Open reads the list of a folder; file is where it is kept, "" in the folder itself. done is called on the window's
// goroutine with the error, or nil; a list that was open stays where it fails. A sampling of that is ended.
func (l *List) Open(folder, file string, done func(error)) {
	l.background(func(context.Context) func() {
		store, err := worklist.Open(folder, worklist.Options{File: file, Clock: l.clock})
		return func() {
			if err == nil {
				l.StopSampling()
				l.store, l.current = store, ""
				l.renew()
			}
			done(err)
		}
	})
}

// Close forgets the list. What was done is in its file.
func (l *List) Close() {
	l.StopSampling()
	l.flushWork()
	l.store, l.list, l.current = nil, nil, ""
	l.tell()
}

// renew shows the list as it is now.
func (l *List) renew() {
	if l.store != nil {
		l.list = l.store.List()
	}
	l.tell()
}

// IsOpen reports whether there is a list.
func (l *List) IsOpen() bool { return l.store != nil }

// Folder names the folder on screen; in private mode it does not.
func (l *List) Folder() string {
	switch {
	case l.store == nil:
		return ""
	case l.s.Private():
		return lang.T("Folder of exams")
	}
	return filepath.Base(l.store.Folder())
}

// Paths returns the folder of exams and the file of the list, for session files; "" while no list is open.
func (l *List) Paths() (folder, file string) {
	if l.store == nil {
		return "", ""
	}
	return l.store.Folder(), l.store.File()
}

// Row is one exam of the table.
type Row struct {
	ID      string
	Title   string // without a name in private mode
	State   worklist.State
	Error   string // expected error, "0.8 mL"; "" where it was not sampled
	Why     string // what is uncertain, or what is wrong with the exam
	Note    string // the user's; "" in private mode
	Broken  bool   // it cannot be opened or is not there
	Current bool   // it is open
}

// Rows returns the exams in the order in which they should be worked on.
func (l *List) Rows() []Row {
	if l.list == nil {
		return nil
	}
	private := l.s.Private()
	var out []Row
	for _, e := range l.list.Ranked() {
		if l.openOnly && !e.State.Open() && e.ID() != l.current {
			continue
		}
		row := Row{ID: e.ID(), Title: e.Title(), State: e.State, Why: why(e), Note: e.Note, Broken: e.Problem != "" || e.Missing, Current: e.ID() == l.current}
		if private {
			row.Title, row.Note = e.Alias(), ""
		}
		if e.Score != nil {
			row.Error = review.ML(e.Score.ErrorML)
		}
		out = append(out, row)
	}
	return out
}

// why says what makes an exam uncertain, or what is wrong with it.
func why(e worklist.Entry) string {
	switch {
	case e.Missing:
		return lang.T("not in the folder any more")
	case e.Problem != "":
		return e.Problem
	case e.Score == nil:
		return lang.T("not sampled yet")
	case len(e.Score.Spots) == 0:
		return lang.T("no uncertain spot")
	}
	worst := e.Score.Spots[0]
	return lang.T("%s · %s", Reason(worst), review.ML(worst.ErrorML))
}

// OpenOnly reports whether only exams are listed that are still to be done.
func (l *List) OpenOnly() bool { return l.openOnly }

// SetOpenOnly lists only exams that are still to be done, or all.
func (l *List) SetOpenOnly(on bool) { l.openOnly = on; l.tell() }

// Progress returns how far the work is: the share 0…1 of exams that are completed, and in words.
func (l *List) Progress() (share float64, text string) {
	if l.list == nil {
		return 0, ""
	}
	p := l.list.Progress()
	text = lang.T("%d of %d completed", p.Done, p.Total)
	if p.Flagged > 0 {
		text += " · " + lang.T("%d flagged", p.Flagged)
	}
	if p.Broken > 0 {
		text += " · " + lang.T("%d cannot be used", p.Broken)
	}
	return float64(p.Done) / float64(max(p.Total, 1)), text
}

// Current returns the entry of the open exam; ok is false where it is none of the list.
func (l *List) Current() (e worklist.Entry, ok bool) {
	if l.list == nil || l.current == "" {
		return worklist.Entry{}, false
	}
	return l.list.Find(l.current)
}

// Next returns the exam to go on with; ok is false where no other is left.
func (l *List) Next() (e worklist.Entry, ok bool) {
	if l.list == nil {
		return worklist.Entry{}, false
	}
	return l.list.Next(l.current)
}

// Find returns the entry of an ID.
func (l *List) Find(id string) (e worklist.Entry, ok bool) {
	if l.list == nil {
		return worklist.Entry{}, false
	}
	return l.list.Find(id)
}

// Place returns the path of an entry's exam and which of several studies it is, and the folder of its labels.
func (l *List) Place(e worklist.Entry) (path, study, labels string) {
	return l.store.Place(e), e.Study, l.store.LabelsFolder(e)
}

// Opened tells which exam is open: its path, and its study where the place holds several. It is the current one where the
// list has it.
func (l *List) Opened(path, study string) {
	l.flushWork()
	l.current = ""
	if l.list == nil || path == "" {
		l.tell()
		return
	}
	for _, e := range l.list.Entries() {
		if filepath.Clean(l.store.Place(e)) == filepath.Clean(path) && (e.Study == study || e.Study == "" || study != "" && e.Study[:min(len(study), len(e.Study))] == study) {
			l.current = e.ID()
		}
	}
	l.last = l.clock()
	l.tell()
}

// Mark changes the state of an exam. done is called on the window's goroutine with the error, or nil.
func (l *List) Mark(id string, state worklist.State, done func(error)) {
	store := l.store
	if store == nil {
		return
	}
	if id == l.current {
		l.flushWork()
	}
	l.write(store, func() error { return store.SetState(id, state) }, done)
}

// Annotate changes the note on an exam. done is called as by [List.Mark].
func (l *List) Annotate(id, note string, done func(error)) {
	store := l.store
	if store == nil {
		return
	}
	l.write(store, func() error { return store.SetNote(id, note) }, done)
}

// Refresh looks again which exams are there. done is called as by [List.Mark].
func (l *List) Refresh(done func(error)) {
	store := l.store
	if store == nil {
		return
	}
	l.write(store, func() error { _, _, err := store.Refresh(); return err }, done)
}

// write writes the list on the worker and shows it.
func (l *List) write(store *worklist.Store, change func() error, done func(error)) {
	l.background(func(context.Context) func() {
		err := change()
		return func() {
			if l.store == store {
				l.renew()
			}
			done(err)
		}
	})
}

// flushWork writes down the time that the user has spent on the open exam.
func (l *List) flushWork() {
	store, id, spent := l.store, l.current, l.worked.Round(time.Second)
	l.worked = 0
	if store == nil || id == "" || spent <= 0 {
		return
	}
	l.write(store, func() error {
		if err := store.AddWork(id, spent, 0); err != nil && !errors.Is(err, worklist.ErrNoEntry) {
			return err
		}
		return nil
	}, func(error) {}) // whoever changes the state next is told that the list cannot be written
}

// Sampling returns how far sampling is; ok is false while nothing is sampled.
func (l *List) Sampling() (p worklist.SampleProgress, ok bool) {
	if l.sampling == nil {
		return worklist.SampleProgress{}, false
	}
	return l.sampling.progress, true
}

// SamplingText says in words how far sampling is.
func (l *List) SamplingText() string {
	p, ok := l.Sampling()
	if !ok {
		return ""
	}
	text := lang.T("Sampling exam %d of %d", min(p.Done+1, p.Total), p.Total)
	if p.Failed > 0 {
		text += " · " + lang.N(p.Failed, "%d failed", "%d failed")
	}
	return text
}

// BeginSampling starts a sampling: run is to be called on a goroutine of its own and returns when it has ended; what to do
// then on the window's goroutine is finish's. post runs a function on the window's goroutine. prepare, which may be nil,
// completes o on run's goroutine. ok is false without a list, and while one is under way.
func (l *List) BeginSampling(ctx context.Context, o worklist.Sampling, post func(func()), prepare func(context.Context, *worklist.Sampling) error) (run func() error, finish func(), ok bool) {
	if l.store == nil || l.sampling != nil {
		return nil, nil, false
	}
	ctx, cancel := context.WithCancel(ctx)
	now, store := &sampling{cancel: cancel, progress: worklist.SampleProgress{Total: len(l.list.Entries())}}, l.store
	l.sampling = now
	o.Progress = func(p worklist.SampleProgress) {
		post(func() {
			now.progress = p
			if l.store == store {
				l.renew()
			}
		})
	}
	l.tell()
	run = func() error {
		defer cancel()
		if _, _, err := store.Refresh(); err != nil {
			return err
		}
		if prepare != nil {
			if err := prepare(ctx, &o); err != nil {
				return err
			}
		}
		return store.Sample(ctx, o)
	}
	finish = func() {
		if l.sampling == now {
			l.sampling = nil
		}
		if l.store == store {
			l.renew()
		}
		l.tell()
	}
	return run, finish, true
}

// StopSampling ends the sampling under way; the results so far stay.
func (l *List) StopSampling() {
	if l.sampling != nil {
		l.sampling.cancel()
	}
}
