package viewstate

import (
	"context"
	"errors"
	"sync"
	"time"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// TrainPhase is what a [Training] is doing.
type TrainPhase uint8

// Phases.
const (
	TrainIdle      TrainPhase = iota // nothing has run since the program started
	TrainPreparing                   // data and network are made ready
	TrainRunning
	TrainPausing // the step under way is finished first
	TrainPaused
	TrainStopping // the step under way is finished first, then a checkpoint is written
	TrainStopped  // by the user; the checkpoint is kept
	TrainFinished
	TrainFailed
)

// Active reports whether a run is under way, paused or not.
func (p TrainPhase) Active() bool { return p >= TrainPreparing && p <= TrainStopping }

// TrainChange is a set of things that differ since the last notification.
type TrainChange uint8

// Changes of a [Training].
const (
	TrainFormChanged   TrainChange = 1 << iota // choices, or what can be chosen
	TrainPlanChanged                           // plan, or why there is none
	TrainStateChanged                          // phase, step, times, message
	TrainCurvesChanged                         // curves
	TrainRunsChanged                           // list of runs
)

// Has reports whether any of the given bits is set.
func (c TrainChange) Has(bits TrainChange) bool { return c&bits != 0 }

// trainingRefresh is the least time between two notifications about steps.
const trainingRefresh = 250 * time.Millisecond

// TrainingOptions are what a [Training] needs of its surroundings.
type TrainingOptions struct {
	Trainer Trainer
	Context context.Context //nolint:containedctx // the life of the work: ending it stops a run, which keeps its checkpoint
	Do      func(func())    // runs a function on the window's goroutine soon
	Go      func(func())    // runs a function on a goroutine of its own that is waited for at the end
	Clock   func() time.Time
	After   func(time.Duration, func()) // runs a function later, on any goroutine
	Changed func(TrainChange)           // on the window's goroutine
}

// Training is the page on which networks are trained, without a toolkit: what is chosen, what the
// run under way does, and the runs of a folder. One run is under way at a time. A Training belongs to the
// goroutine of the window; the work is done on others.
type Training struct {
	o    TrainingOptions
	form TrainForm

	choices  map[modelcard.Task]TrainChoices
	asking   map[modelcard.Task]bool
	plan     *TrainPlan
	planErr  error
	planning context.CancelFunc
	planID   int // counts plans, so that a result of an old one is dropped

	phase    TrainPhase
	err      error // why the run failed, or what else could not be done
	stage    TrainProgress
	session  TrainSession
	cancel   context.CancelFunc
	run      TrainRun // whose curves are shown
	end      TrainEnd
	log      trainLog
	last     TrainStep
	pace     pace
	device   string // of the shown run, "" where it is not known
	moved    bool   // another device took over in the middle of the run
	opening  string // what is done to open the network; "" is not known
	done     int    // steps in this session
	notes    []string
	runs     []TrainRun
	runsErr  error
	runsRead bool

	incoming struct {
		sync.Mutex
		events []TrainEvent
		posted bool // a function that shows them is on its way
		timed  bool // one will be, later
		shown  time.Time
	}
}

// NewTraining returns a page on which nothing is chosen yet; [Training.Open] fills it.
func NewTraining(o TrainingOptions) *Training {
	return &Training{o: o, form: TrainForm{Task: modelcard.Anatomy},
		choices: map[modelcard.Task]TrainChoices{}, asking: map[modelcard.Task]bool{}}
}

// Open brings choices, plan and the list of runs up to date, as when the page comes into view.
func (t *Training) Open() {
	t.ask(t.form.Task)
	t.RefreshRuns()
	t.replan()
}

// Phase returns what the page is doing.
func (t *Training) Phase() TrainPhase { return t.phase }

// Err returns why the run failed or what else could not be done, or nil.
func (t *Training) Err() error { return t.err }

// Shown returns the run whose curves are shown; its Folder is "" where there is none.
func (t *Training) Shown() TrainRun { return t.run }

// Runs returns the runs of the folder, the newest first, and why they cannot be listed.
func (t *Training) Runs() ([]TrainRun, error) { return t.runs, t.runsErr }

// changed notifies.
func (t *Training) changed(c TrainChange) {
	if t.o.Changed != nil {
		t.o.Changed(c)
	}
}

// CanStart reports whether a run may start now: there is a plan of what is chosen, and no run is under way.
func (t *Training) CanStart() bool { return t.plan != nil && !t.phase.Active() }

// CanPause reports whether the run can be paused, CanGoOn whether it is paused.
func (t *Training) CanPause() bool { return t.phase == TrainRunning }

// CanGoOn reports whether a paused run can go on.
func (t *Training) CanGoOn() bool { return t.phase == TrainPaused || t.phase == TrainPausing }

// CanCancel reports whether there is a run to be stopped.
func (t *Training) CanCancel() bool { return t.phase.Active() && t.phase != TrainStopping }

// CanOpenModel reports whether the shown run has a model for the window.
func (t *Training) CanOpenModel() bool { return t.run.Model != "" }

// CanContinue reports whether a run of the list can go on.
func (t *Training) CanContinue(r TrainRun) bool {
	return !r.Finished && r.Problem == "" && !t.phase.Active()
}

// Start begins the run that is chosen. What keeps it from starting is shown.
func (t *Training) Start() {
	setup, err := t.form.Setup()
	if err != nil || !t.CanStart() {
		t.changed(TrainPlanChanged | TrainStateChanged)
		return
	}
	t.begin(TrainRun{Name: lang.T("New run"), Task: setup.Task, Loss: setup.Loss, Size: setup.Size, Synthetic: t.Synthetic()}, func(ctx context.Context, progress func(TrainProgress)) (TrainSession, []TrainEvent, error) {
		s, err := t.o.Trainer.Begin(ctx, setup, progress)
		return s, nil, err
	})
}

// Continue goes on with an unfinished run.
func (t *Training) Continue(r TrainRun) {
	if !t.CanContinue(r) {
		return
	}
	t.begin(r, func(ctx context.Context, progress func(TrainProgress)) (TrainSession, []TrainEvent, error) {
		past, err := t.o.Trainer.History(ctx, r.Folder)
		if err != nil {
			return nil, nil, err
		}
		s, err := t.o.Trainer.Continue(ctx, r.Folder, progress)
		return s, past, err
	})
}

// Pause makes the run wait after the step under way.
func (t *Training) Pause() {
	if t.CanPause() {
		t.phase = TrainPausing
		t.session.Pause()
		t.changed(TrainStateChanged)
	}
}

// GoOn lets a paused run go on.
func (t *Training) GoOn() {
	if t.CanGoOn() {
		t.phase = TrainRunning
		t.pace = pace{}
		t.session.Resume()
		t.changed(TrainStateChanged)
	}
}

// Cancel stops the run; its checkpoint is kept.
func (t *Training) Cancel() {
	if t.CanCancel() {
		t.phase = TrainStopping
		t.cancel()
		t.changed(TrainStateChanged)
	}
}

// begin prepares a session and trains on a goroutine of its own.
func (t *Training) begin(run TrainRun, prepare func(context.Context, func(TrainProgress)) (TrainSession, []TrainEvent, error)) {
	ctx, cancel := context.WithCancel(t.o.Context)
	t.cancel = cancel
	t.phase, t.err = TrainPreparing, nil
	t.stage, t.run, t.end = TrainProgress{}, run, TrainEnd{}
	t.log, t.last, t.pace, t.done, t.notes = trainLog{}, TrainStep{}, pace{}, 0, nil
	t.device, t.opening, t.moved = "", "", false
	t.changed(TrainStateChanged | TrainCurvesChanged | TrainPlanChanged | TrainRunsChanged)
	t.o.Go(func() {
		defer cancel()
		session, past, err := prepare(ctx, t.preparing())
		if err != nil {
			t.o.Do(func() { t.ended(TrainEnd{}, err) })
			return
		}
		t.o.Do(func() { t.started(session, past) })
		end, err := session.Train(ctx, t.take)
		err = errors.Join(err, session.Close())
		t.o.Do(func() {
			t.flush()
			t.ended(end, err)
		})
	})
}

// preparing returns a progress callback that reaches the window when it has shown the last one.
func (t *Training) preparing() func(TrainProgress) {
	free := make(chan struct{}, 1)
	free <- struct{}{}
	return func(p TrainProgress) {
		select {
		case <-free:
		default:
			return
		}
		t.o.Do(func() {
			if t.phase == TrainPreparing {
				t.stage = p
				t.changed(TrainStateChanged)
			}
			free <- struct{}{}
		})
	}
}

// started shows a session that is ready to train.
func (t *Training) started(s TrainSession, past []TrainEvent) {
	t.session, t.run, t.device = s, s.Run(), ""
	for _, e := range past {
		if e.Step <= t.run.Step && e.Device == "" { // later ones were lost with a crash and come again
			t.log.add(e)
		}
	}
	if t.phase == TrainPreparing {
		t.phase = TrainRunning
	}
	t.changed(TrainStateChanged | TrainCurvesChanged)
	t.RefreshRuns()
}

// ended shows how a run ended.
func (t *Training) ended(end TrainEnd, err error) {
	t.end, t.session, t.cancel = end, nil, nil
	if end.Step > 0 {
		t.run.Step = end.Step
	}
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		t.phase, t.err = TrainFailed, err
	case end.Finished:
		t.phase = TrainFinished
		t.run.Finished, t.run.Model = true, end.Model
	default:
		t.phase = TrainStopped
	}
	t.changed(TrainStateChanged | TrainCurvesChanged | TrainPlanChanged)
	t.RefreshRuns()
}

// take is the session's callback: it keeps every event, and shows them a few times a second. It never blocks.
func (t *Training) take(e TrainEvent) {
	in := &t.incoming
	in.Lock()
	defer in.Unlock()
	in.events = append(in.events, e)
	if early := trainingRefresh - t.o.Clock().Sub(in.shown); e.Learnt == nil || early <= 0 {
		t.post()
	} else if !in.posted && !in.timed {
		in.timed = true
		t.o.After(early, func() {
			in.Lock()
			defer in.Unlock()
			in.timed = false
			t.post()
		})
	}
}

// post has the events shown soon. t.incoming is locked.
func (t *Training) post() {
	in := &t.incoming
	if in.posted || len(in.events) == 0 {
		return
	}
	in.posted, in.shown = true, t.o.Clock()
	t.o.Do(t.flush)
}

// flush shows the events that came since the last time.
func (t *Training) flush() {
	in := &t.incoming
	in.Lock()
	events := in.events
	in.events, in.posted = nil, false
	in.Unlock()
	if len(events) == 0 {
		return
	}
	for _, e := range events {
		t.log.add(e)
		t.note(e)
	}
	if last := events[len(events)-1]; last.Learnt != nil {
		t.pace.passed(last.Step, t.o.Clock())
	}
	t.changed(TrainStateChanged | TrainCurvesChanged)
}

// maxNotes bounds the notes that are kept for the page; the run's log has all.
const maxNotes = 100

// note keeps what an event says about the run under way.
func (t *Training) note(e TrainEvent) {
	t.run.Step = max(t.run.Step, e.Step)
	if e.Learnt != nil {
		t.last = *e.Learnt
		t.done++
		t.pace.add(e.Learnt.Seconds)
	}
	if e.Opening != "" {
		t.opening = e.Opening
	}
	if e.Device != "" {
		t.moved = t.moved || t.device != "" && t.device != e.Device
		t.device = e.Device
	}
	if e.Paused && t.phase == TrainPausing {
		t.phase = TrainPaused
	}
	if e.Note != "" {
		t.notes = append(t.notes, e.Note)
		t.notes = t.notes[max(0, len(t.notes)-maxNotes):]
	}
}
