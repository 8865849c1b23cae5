// Package predict ranks the exams of a work list with a sampled network: it is the worklist.Predictor of models.
package predict

import (
	"context"
	"fmt"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/prep"
	"bayeslice/internal/review"
)

// DefaultSamples is the number of samples by which exams are ranked unless said otherwise: their order is settled long before the
// maps that are read are.
const DefaultSamples = 20

// Sampler samples one model on exam after exam, with the same seed for each. It may be used by one goroutine at a time.
type Sampler struct {
	Model   *inference.Model // must be set; the caller closes it
	Samples int              // of each exam; 0 is [DefaultSamples]
	Seed    uint64           // of the noise
	// Progress is called before the first and after each sample of an exam, on the goroutine of Predict; may be nil.
	Progress func(inference.Progress)
}

func (s *Sampler) samples() int {
	if s.Samples > 0 {
		return s.Samples
	}
	return DefaultSamples
}

// Name implements worklist.Predictor: the model's name.
func (s *Sampler) Name() string { return s.Model.Card().Name }

// Key implements worklist.Predictor: the digest of the model file, the number of samples and the seed.
func (s *Sampler) Key() string {
	return fmt.Sprintf("%.16s/%d/%d", s.Model.SHA256(), s.samples(), s.Seed)
}

// Predict implements worklist.Predictor. It fails as prep.Recipe.Apply and inference.Sampler.Run do; a
// sampling that was cancelled gives ctx's error and no field.
func (s *Sampler) Predict(ctx context.Context, e *exam.Exam) (review.Field, error) {
	prepared, err := s.Model.Card().Recipe.Apply(ctx, e, prep.Options{})
	if err != nil {
		return review.Field{}, err
	}
	run := inference.Sampler{Model: s.Model, Samples: s.samples(), Seed: s.Seed, StoreBytes: -1, Progress: s.Progress}
	p, err := run.Run(ctx, prepared, nil)
	if err != nil {
		return review.Field{}, err
	}
	if err := ctx.Err(); err != nil {
		return review.Field{}, err
	}
	return Field(p), nil
}

// Field returns a prediction as package review reads it.
func Field(p *inference.Prediction) review.Field {
	return review.Field{Classes: p.Card.Classes, Mean: p.Mean}
}
