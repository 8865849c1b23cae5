package fold

import (
	"context"
	"errors"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/evaluate"
	"bayeslice/training"
)

// About is what a result says about itself besides its figures.
type About struct {
	Program     string // name and version
	Name        string // of the configuration: its loss
	ResearchUse string
	Time        time.Time // zero leaves it out
}

// Write measures the model of a file on a set, with its typical exam shown where typical is set, and writes results.json
// (last), exams.csv and report.html into dir, over those that are there. It fails as [inference.LoadWith], [Evaluate]
// and [evaluate.WriteFolder] do.
func Write(ctx context.Context, model string, open inference.Openers, set training.Set, dir string, typical bool, o Options, about About) (r *evaluate.Result, err error) {
	m, err := inference.LoadWith(ctx, model, open)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if typical {
		if o.Show, err = Typical(ctx, set); err != nil {
			return nil, err
		}
	}
	if r, err = Evaluate(ctx, m, set, o); err != nil {
		return nil, err
	}
	r.Program, r.Name, r.ResearchUse = about.Program, about.Name, about.ResearchUse
	if !about.Time.IsZero() {
		r.Time = about.Time.UTC().Format(time.RFC3339)
	}
	return r, evaluate.WriteFolder(dir, r, true)
}
