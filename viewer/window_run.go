package viewer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// snapshotEvery is the least time between two snapshots on screen.
const snapshotEvery = 100 * time.Millisecond

// loadModels lists the models off the UI goroutine.
func (w *Window) loadModels() {
	w.work.Go(func() {
		models, problems := w.opt.Engine.Models(w.ctx)
		w.do(func() {
			if w.closing {
				return
			}
			w.run.setModels(models)
			w.explore.setModels(models)
			for _, p := range problems {
				w.showSentence(lang.T("A model file cannot be used"), p, lang.T("Choose another file; see bayeslice model show."), "")
			}
			if w.wantRun {
				w.wantRun = false
				w.startRun()
			}
			w.modelsKnown = true
			w.resample()
		})
	})
}

// startRunWhenModelsKnown runs at once, or when the list of models has arrived and the run of the exam before has ended.
func (w *Window) startRunWhenModelsKnown() {
	if w.modelsKnown && w.running == nil {
		w.startRun()
	} else {
		w.wantRun = true
	}
}

// startRun runs the chosen models one after the other on the open exam. A result of a compared model is taken over where
// it is what the run would give; one of the exam's own is made anew, since the user asks for it.
func (w *Window) startRun() {
	var own []*inference.Prediction
	for _, task := range runTasks {
		own = append(own, w.state.Prediction(task))
	}
	w.startRunKnowing(slices.DeleteFunc(w.finishedNow().results, func(p *inference.Prediction) bool { return slices.Contains(own, p) }))
}

// runMoved gives the models the images where they are displayed, and runs those again that see a difference.
func (w *Window) runMoved() {
	w.reading.reading.GiveOffset()
	if w.running != nil || !w.modelsKnown {
		w.wantRun = true
		return
	}
	w.startRunKnowing(w.finishedNow().results)
}

// startRunKnowing runs the chosen models; known results are not made again.
func (w *Window) startRunKnowing(known []*inference.Prediction) {
	e := w.state.Exam()
	if e == nil || w.running != nil || w.closing {
		return
	}
	jobs, err := w.run.jobs()
	if err != nil {
		w.run.refresh()
		return
	}
	for i := range jobs {
		jobs[i].Moves, jobs[i].Known, jobs[i].Measuring = w.reading.reading.ModelMoves(), known, w.measuring(e)
	}
	var results []*inference.Prediction
	w.startWork(func() {
		if layout, _ := w.state.Layout(); layout == viewstate.Read {
			w.selectPanel(w.layers)
		}
		w.run.begin(jobs[0])
	}, func(ctx context.Context) (err error) {
		results, err = w.runJobs(ctx, e, jobs)
		return err
	}, func(err error) {
		w.run.finish(results, err)
		if err != nil {
			w.showRunError(lang.T("The run ended early"), err, w.startRun)
		}
		if w.opt.Ran != nil {
			w.opt.Ran()
		}
	})
}

// startWork begins a run of any kind, which [Window.stopRun] ends: it shows that it begins, works on a worker
// goroutine, and ends on the UI goroutine with what failed (nil for a run that was stopped), unless the window
// is closing. What had to wait for its end begins then.
func (w *Window) startWork(begin func(), work func(context.Context) error, end func(error)) {
	ctx, cancel := context.WithCancel(w.ctx)
	w.running = cancel
	begin()
	w.work.Go(func() {
		defer cancel()
		err := work(ctx)
		w.do(func() {
			w.running = nil
			if w.closing {
				return
			}
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			end(err)
			w.runWaiting()
		})
	})
}

// runWaiting begins what had to wait for the end of a run.
func (w *Window) runWaiting() {
	if w.wantRun && w.modelsKnown {
		w.wantRun = false
		w.startRun()
	}
	w.resample()
}

// runJobs samples each model in turn until one fails or is stopped. It runs on a worker goroutine.
func (w *Window) runJobs(ctx context.Context, e *exam.Exam, jobs []Job) ([]*inference.Prediction, error) {
	var results []*inference.Prediction
	for _, job := range jobs {
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		w.do(func() {
			if w.state.Exam() == e && !w.closing {
				w.run.begin(job)
			}
		})
		snapshots := &snapshots{w: w, e: e}
		snapshots.show = func(p *inference.Prediction) {
			w.ranBy[p.Card.Task] = job.Model.ID
			w.state.SetPrediction(p)
			w.withPictures(func() {
				if !snapshots.over() {
					w.run.progress(p)
				}
			})
		}
		result, device, err := w.opt.Engine.Predict(ctx, e, job, snapshots.take)
		snapshots.end()
		if result != nil { // a run that fails may have samples
			results = append(results, result)
			w.do(func() {
				if w.state.Exam() != e || w.closing {
					return
				}
				w.bar.deviceIs = device
				w.run.progress(result)
				w.ranBy[result.Card.Task] = job.Model.ID
				w.state.SetPrediction(result)
			})
		}
		if err != nil || result.Stop == inference.Cancelled {
			return results, err
		}
	}
	return results, nil
}

// stopRun asks the run under way to end; the samples so far are kept.
func (w *Window) stopRun() {
	if w.running != nil {
		w.running()
		w.run.tell(lang.T("Stopping after this sample …"), "")
	}
}

// snapshots hands the newest snapshot of a run to the window, at most ten times a second and never
// faster than the window shows them.
type snapshots struct {
	w    *Window
	e    *exam.Exam
	show func(*inference.Prediction) // on the UI goroutine

	mu    sync.Mutex
	busy  bool
	ended bool
	last  time.Time
}

// take is the engine's callback. It never blocks.
func (s *snapshots) take(p *inference.Prediction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.busy || s.ended || now.Sub(s.last) < snapshotEvery {
		return
	}
	s.busy, s.last = true, now
	s.w.do(func() {
		s.mu.Lock()
		s.busy = false
		s.mu.Unlock()
		if s.over() || s.w.closing || s.w.state.Exam() != s.e {
			return
		}
		s.show(p)
	})
}

// over reports whether the result comes instead.
func (s *snapshots) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// end drops snapshots that are not shown yet: the result comes instead.
func (s *snapshots) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
}
