package app

import (
	"context"

	"bayeslice/internal/exam"
	"bayeslice/internal/review"
	"bayeslice/internal/settings"
	"bayeslice/internal/worklist"
	"bayeslice/internal/worklist/predict"
	"bayeslice/viewer"
)

var _ viewer.Ranker = (*engine)(nil)

// rankSeed is the seed by which exams are ranked: that of the command line, so that both know each other's results.
const rankSeed = 1

// Ranking implements [viewer.Ranker].
func (e *engine) Ranking(ctx context.Context, m viewer.Model) (worklist.Sampling, error) {
	r := &ranker{e: e, id: m.ID}
	if err := r.with(ctx, func(s *predict.Sampler) { r.name, r.key = s.Name(), s.Key() }); err != nil {
		return worklist.Sampling{}, err
	}
	choices := ""
	if store, err := settings.Open(""); err == nil { // unusable settings are told at the start
		choices = worklist.DigestFile(store.SeriesChoices())
	}
	return worklist.Sampling{
		Predictor: r,
		Choices:   choices,
		Open: func(ctx context.Context, place, study string) (*exam.Exam, error) {
			return exam.Open(ctx, place, exam.Options{Study: study, Overrides: e.overrides})
		},
	}, nil
}

// ranker predicts exams for a work list. Runs that the user asks for go between two exams.
type ranker struct {
	e             *engine
	id, name, key string
}

func (r *ranker) Name() string { return r.name }

func (r *ranker) Key() string { return r.key }

// Predict implements [worklist.Predictor].
func (r *ranker) Predict(ctx context.Context, x *exam.Exam) (f review.Field, err error) {
	e := r.with(ctx, func(s *predict.Sampler) { f, err = s.Predict(ctx, x) })
	if e != nil {
		return f, e
	}
	return f, runtimeError(err)
}

// with calls f with the model, while nothing else runs.
func (r *ranker) with(ctx context.Context, f func(*predict.Sampler)) error {
	r.e.runs.Lock()
	defer r.e.runs.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	m, err := r.e.load(ctx, r.id, nil)
	if err != nil {
		return err
	}
	f(&predict.Sampler{Model: m.model, Seed: rankSeed})
	return nil
}
