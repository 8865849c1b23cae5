package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"bayeslice/internal/evaluate"
	"bayeslice/internal/imageio/codec"
	"bayeslice/training/trainer"
)

// State is how far an element is.
type State string

// States of elements.
const (
	Left    State = "left"    // not begun, or interrupted
	Running State = "running" // a process works on it
	Failed  State = "failed"  // the last attempt ended in an error; the next run tries again
	Done    State = "done"
)

// Record is what is kept of the last attempt at an element.
type Record struct {
	Failure  string    `json:"failure,omitempty"` // a sentence; "" where it succeeded
	Time     time.Time `json:"time,omitzero"`     // when it ended
	Train    float64   `json:"trainSeconds"`      // of all its steps, over all attempts; 0 in a failure
	Evaluate float64   `json:"evaluateSeconds"`
}

// ElementStatus is an element with its state.
type ElementStatus struct {
	Element
	State   State
	Step    int // finished steps of Steps
	Steps   int
	Failure string // of a failed one
	Record  Record
	Seconds float64 // that a finished element took to train, over all attempts
}

// Status is how far a study is.
type Status struct {
	Elements []ElementStatus
	Counts   map[State]int
	// Remaining is how many seconds the unfinished elements still take, one after the other, at the pace of the steps and
	// evaluations so far; 0 where nothing is known about it.
	Remaining float64
}

// Status looks up how far every element is. Progress is that of the last checkpoint or log entry. It fails with the file system's
// error, or ctx's.
func (s *Study) Status(ctx context.Context) (Status, error) {
	out := Status{Counts: map[State]int{}}
	for _, e := range s.elements {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		es, err := s.look(e)
		if err != nil {
			return out, err
		}
		out.Elements = append(out.Elements, es)
		out.Counts[es.State]++
	}
	out.Remaining = remaining(out.Elements)
	return out, nil
}

// look finds out how far an element is.
func (s *Study) look(e Element) (ElementStatus, error) {
	out := ElementStatus{Element: e, State: Left, Steps: s.file.Training[e.Task].Steps}
	record, err := s.readRecord(e)
	if err != nil {
		return out, err
	}
	out.Record, out.Failure = record, record.Failure
	if s.done(e) {
		out.State, out.Step, out.Failure, out.Seconds = Done, out.Steps, "", record.Train
		return out, nil
	}
	events, err := trainer.ReadLog(s.training(e))
	if err != nil {
		return out, err
	}
	for _, step := range trainer.Curve(events, trainer.Stepped) {
		out.Step = step.Step
		out.Seconds += step.Seconds
	}
	busy, err := s.busy(e)
	switch {
	case err != nil:
		return out, err
	case busy:
		out.State, out.Failure = Running, ""
	case out.Failure != "":
		out.State = Failed
	}
	return out, nil
}

// done says whether the element's results are written.
func (s *Study) done(e Element) bool {
	_, err := os.Stat(filepath.Join(s.evaluation(e), evaluate.ResultFile))
	return err == nil
}

// busy says whether a process works on the element.
func (s *Study) busy(e Element) (bool, error) {
	if _, err := os.Stat(s.lockFile(e)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	l := flock.New(s.lockFile(e), flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryRLock()
	if err != nil {
		return false, fmt.Errorf("study: %w", err)
	}
	if ok {
		err = l.Unlock()
	}
	return !ok, err
}

// lockPatience is how long a lock is tried for: looking at the status holds it for a moment.
const lockPatience = 500 * time.Millisecond

// claim takes a lock of the study for this process; the system gives it back when the process ends, however that
// happens. It fails with [ErrBusy] where another one has it.
func claim(ctx context.Context, path, what string) (*flock.Flock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	l := flock.New(path)
	patience, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	ok, err := l.TryLockContext(patience, lockPatience/10)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !ok && (err == nil || errors.Is(err, context.DeadlineExceeded)):
		return nil, fmt.Errorf("%w: it %s; wait for it, or stop it first", ErrBusy, what)
	case err != nil:
		return nil, fmt.Errorf("study: %w", err)
	}
	return l, nil
}

func (s *Study) readRecord(e Element) (Record, error) {
	var r Record
	text, err := codec.ReadSmall(s.record(e), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("study: %w", err)
	}
	if json.Unmarshal(text, &r) != nil { // it holds times and a message alone: a damaged one is as good as none
		r = Record{}
	}
	return r, nil
}

func (s *Study) writeRecord(e Element, r Record) error {
	if err := os.MkdirAll(filepath.Dir(s.record(e)), 0o750); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return writeJSON(s.record(e), r)
}

// remaining estimates the seconds that are left of the mean pace of each task's steps and evaluations so far.
func remaining(all []ElementStatus) float64 {
	type pace struct{ seconds, steps, evaluate, done float64 }
	paces := map[any]*pace{}
	for _, e := range all {
		p := paces[e.Task]
		if p == nil {
			p = &pace{}
			paces[e.Task] = p
		}
		p.seconds += e.Seconds
		p.steps += float64(e.Step)
		if e.State == Done {
			p.evaluate += e.Record.Evaluate
			p.done++
		}
	}
	total := 0.0
	for _, e := range all {
		p := paces[e.Task]
		if e.State == Done || p.steps == 0 {
			continue
		}
		total += p.seconds / p.steps * float64(e.Steps-e.Step)
		if p.done > 0 {
			total += p.evaluate / p.done
		}
	}
	return total
}
