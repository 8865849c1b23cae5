package viewer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/session"
	"bayeslice/viewer/viewstate"
)

// resultsSection remembers how results came about. They come from the file beside the session, or are sampled again.
type resultsSection struct{ w *Window }

// SectionName implements [session.Section].
func (resultsSection) SectionName() string { return "results" }

// SaveSection implements [session.Section].
func (x resultsSection) SaveSection() (any, error) {
	s := x.w.state
	var out []session.Result
	add := func(p *inference.Prediction, id, title string, slot int) {
		if p != nil && p.Samples > 0 && id != "" {
			out = append(out, session.Result{Task: string(p.Card.Task), Model: id, Title: title, Hash: p.ModelSHA, Seed: p.Seed,
				Samples: p.Samples, Slot: slot, Device: p.Device, Moves: movesOf(p.Moved)})
		}
	}
	for _, task := range runTasks {
		add(s.Prediction(task), x.w.ranBy[task], "", viewstate.OwnResult)
		for slot := range viewstate.ViewportCount {
			c := s.ComparedOf(task, slot)
			add(c.Prediction, c.ID, c.Title, slot)
		}
	}
	if out == nil {
		return nil, nil //nolint:nilnil // nothing to remember
	}
	return out, nil
}

// RestoreSection implements [session.Section]: it shows what was kept, and begins to sample the rest; those results
// come as those of any run.
func (x resultsSection) RestoreSection(data json.RawMessage) error {
	var in []session.Result
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("viewer: the results of the session: %w", err)
	}
	for _, r := range in {
		if err := r.Check(); err != nil {
			return fmt.Errorf("viewer: the results of the session: %w", err)
		}
		if r.Slot < viewstate.OwnResult || r.Slot >= viewstate.ViewportCount {
			return fmt.Errorf("viewer: the results of the session: a result for place %d", r.Slot)
		}
	}
	x.w.wantResults = x.w.showKept(in)
	x.w.resample()
	return nil
}

// again is a run that makes the results of a session once more.
type again struct {
	exam    *exam.Exam
	wanted  []session.Result
	jobs    []Job // one for each that is wanted
	results []*inference.Prediction
}

// resample samples the results of a session again, once the models are known.
func (w *Window) resample() {
	if len(w.wantResults) == 0 || !w.modelsKnown || w.state.Exam() == nil || w.running != nil || w.closing {
		return
	}
	a := &again{exam: w.state.Exam()}
	var lost []string
	for _, r := range w.wantResults {
		m := w.run.modelOf(modelcard.Task(r.Task), r.Model)
		if m == nil {
			lost = append(lost, lang.T("%s, seed %d, %s", r.Model, r.Seed, lang.N(r.Samples, "%d sample", "%d samples")))
			continue
		}
		a.wanted = append(a.wanted, r)
		a.jobs = append(a.jobs, Job{Model: *m, Samples: r.Samples, Seed: r.Seed, Moves: r.Moves})
	}
	w.wantResults = nil
	if len(lost) > 0 {
		w.showSentence(lang.T("Results of the session are missing"), lang.T("Their models are not in the list any more."),
			lang.T("Open the model files and run them as below."), fmt.Sprint(lost))
	}
	if len(a.jobs) > 0 {
		w.startAgain(a)
	}
}

// modelOf returns the model of a task with an ID, or nil.
func (p *runPanel) modelOf(task modelcard.Task, id string) *Model {
	picker := p.pickers[task]
	if picker == nil {
		return nil
	}
	if i := slices.IndexFunc(picker.models, func(m Model) bool { return m.ID == id }); i >= 0 {
		return &picker.models[i]
	}
	return nil
}

// startAgain runs the jobs of a session.
func (w *Window) startAgain(a *again) {
	w.startWork(func() { w.run.begin(a.jobs[0]) }, func(ctx context.Context) error { return w.runAgain(ctx, a) }, func(err error) {
		w.run.finish(a.results, err)
		if err != nil {
			w.showError(lang.T("The results of the session are incomplete"), err)
		}
		if w.opt.Ran != nil {
			w.opt.Ran()
		}
	})
}

// runAgain samples each result in turn until one fails or is stopped. It runs on a worker goroutine.
func (w *Window) runAgain(ctx context.Context, a *again) error {
	for i, job := range a.jobs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.do(func() {
			if w.state.Exam() == a.exam && !w.closing {
				w.run.begin(job)
			}
		})
		shots := &snapshots{w: w, e: a.exam, show: func(p *inference.Prediction) { w.showAgain(a.wanted[i], job, p) }}
		result, device, err := w.opt.Engine.Predict(ctx, a.exam, job, shots.take)
		shots.end()
		if result != nil {
			w.do(func() {
				a.results = append(a.results, result)
				if w.state.Exam() == a.exam && !w.closing {
					w.bar.deviceIs = device
					w.showAgain(a.wanted[i], job, result)
					w.checkHash(a.wanted[i], result)
				}
			})
		}
		if err != nil || result.Stop == inference.Cancelled {
			return err
		}
	}
	return nil
}

// showAgain puts a result where it was.
func (w *Window) showAgain(r session.Result, job Job, p *inference.Prediction) {
	w.run.progress(p)
	w.place(r, job.Model.ID, p)
}

// place puts a result of a model where it was.
func (w *Window) place(r session.Result, model string, p *inference.Prediction) {
	if r.Slot == viewstate.OwnResult {
		w.ranBy[p.Card.Task] = model
		w.state.SetPrediction(p)
		return
	}
	w.state.SetCompared(p.Card.Task, r.Slot, viewstate.Compared{ID: model, Title: r.Title, Prediction: p})
}

// checkHash tells where a result comes from another model file than the first time.
func (w *Window) checkHash(r session.Result, p *inference.Prediction) {
	if r.Hash != "" && p.ModelSHA != r.Hash {
		w.showSentence(lang.T("A result of the session is new"), lang.T("The model file %s has changed since the session was saved.", p.Card.Name),
			lang.T("What is shown comes from the file that is there now."), "")
	}
}
