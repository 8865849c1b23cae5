package viewer

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/explore"
)

// TruthSource is an [Engine] that knows what is in a synthetic exam that it made.
type TruthSource interface {
	// Truth returns the labels of an exam made by [Engine.DemoExam]; ok is false for any other.
	Truth(e *exam.Exam) (r viewstate.Reference, ok bool)
}

// candidatesOf makes models comparable: under a short title each, which is a bundled one's loss.
func candidatesOf(models []Model) []explore.Candidate {
	var out []explore.Candidate
	for _, m := range models {
		title := m.Card.Name
		switch {
		case m.Bundled && m.Card.Loss != "":
			title = m.Card.Loss
		case title == "":
			title = filepath.Base(m.ID)
		}
		out = append(out, explore.Candidate{ID: m.ID, Title: uniqueTitle(out, m.Card.Task, title), Task: m.Card.Task,
			Loss: m.Card.Loss, Bundled: m.Bundled})
	}
	return out
}

// uniqueTitle adds a number to a title that another model of the task has.
func uniqueTitle(before []explore.Candidate, task modelcard.Task, title string) string {
	unique := title
	for n := 2; slices.ContainsFunc(before, func(c explore.Candidate) bool { return c.Task == task && c.Title == unique }); n++ {
		unique = lang.T("%s (%d)", title, n)
	}
	return unique
}

// comparison is a run of the compared models, one after the other.
type comparison struct {
	exam    *exam.Exam
	task    modelcard.Task
	slots   []int
	jobs    []Job
	titles  []string
	at      int // of the job under way
	results []*inference.Prediction
}

// exploreSection remembers the exploration in session files.
type exploreSection struct {
	*explore.Explore
	w *Window
}

// RestoreSection implements [session.Section].
func (s exploreSection) RestoreSection(data json.RawMessage) error {
	err := s.Explore.RestoreSection(data)
	if s.TakeTruthWanted() {
		s.w.useTruth()
	}
	return err
}

// newComparison lists what has to run so that every chosen model has samples of one number and seed.
func (w *Window) newComparison() *comparison {
	samples, seed := w.Numbers()
	moves, known := w.reading.reading.ModelMoves(), w.finishedNow().results
	c := &comparison{exam: w.state.Exam(), task: w.explore.x.Task()}
	for _, slot := range w.explore.x.Wanted(samples, seed, moves) {
		chosen := w.explore.x.Chosen(slot)
		for _, m := range w.explore.models {
			if m.ID == chosen.ID {
				c.slots, c.titles = append(c.slots, slot), append(c.titles, chosen.Title)
				c.jobs = append(c.jobs, Job{Model: m, Samples: samples, Seed: seed, Moves: moves, Known: known, Measuring: w.measuring(w.state.Exam())})
			}
		}
	}
	return c
}

// startComparison runs the compared models that have no result yet.
func (w *Window) startComparison() {
	if w.state.Exam() == nil || w.running != nil || w.closing {
		return
	}
	c := w.newComparison()
	if len(c.jobs) == 0 {
		return
	}
	w.startWork(func() { w.explore.begin(c) }, func(ctx context.Context) error { return w.compare(ctx, c) }, func(err error) {
		w.run.finish(nil, err)
		w.explore.finish(c, err)
		if err != nil {
			w.showRunError(lang.T("The comparison ended early"), err, w.startComparison)
		}
	})
}

// compare samples each model in turn until one fails or is stopped. It runs on a worker goroutine.
func (w *Window) compare(ctx context.Context, c *comparison) error {
	for i, job := range c.jobs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.do(func() {
			if c.at = i; w.current(c) {
				w.run.begin(job)
				w.explore.showRun()
			}
		})
		show := func(p *inference.Prediction) {
			w.run.progress(p)
			w.state.SetCompared(c.task, c.slots[i], viewstate.Compared{ID: job.Model.ID, Title: c.titles[i], Prediction: p})
			w.explore.showProgress(c, p)
		}
		shots := &snapshots{w: w, e: c.exam, show: show}
		result, device, err := w.opt.Engine.Predict(ctx, c.exam, job, shots.take)
		shots.end()
		if result != nil {
			w.do(func() {
				c.results = append(c.results, result)
				if w.current(c) {
					w.bar.deviceIs = device
					show(result)
				}
			})
		}
		if err != nil || result.Stop == inference.Cancelled {
			return err
		}
	}
	return nil
}

// results lists the exam's own results, or, where there is none, those of compared models; with gaps.
func (w *Window) results() []*inference.Prediction {
	var own, compared []*inference.Prediction
	for _, task := range runTasks {
		if p := w.state.Prediction(task); p != nil {
			own = append(own, p)
		}
		for slot := range explore.Slots {
			compared = append(compared, w.state.ComparedOf(task, slot).Prediction)
		}
	}
	if len(own) > 0 {
		return own
	}
	return compared
}

// current reports whether a comparison's exam is still the one on screen.
func (w *Window) current(c *comparison) bool { return w.state.Exam() == c.exam && !w.closing }

// useTruth makes the labels of a synthetic exam the reference.
func (w *Window) useTruth() {
	source, ok := w.opt.Engine.(TruthSource)
	if !ok || w.state.Exam() == nil {
		return
	}
	if r, ok := source.Truth(w.state.Exam()); ok {
		w.explore.x.SetTruth(r)
	}
}

// knowsTruth reports whether the labels of the open exam can be had.
func (w *Window) knowsTruth() bool {
	source, ok := w.opt.Engine.(TruthSource)
	if !ok || w.state.Exam() == nil {
		return false
	}
	_, ok = source.Truth(w.state.Exam())
	return ok
}
