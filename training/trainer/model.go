package trainer

import (
	"fmt"
	"path/filepath"
	"slices"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
)

// writeModel writes the inference network with the weights of a state as a model file that tells how it
// was trained.
func (r *Run) writeModel(path string, s *state, v *Validation, runtime, device string) error {
	c := r.config
	events, err := ReadLog(r.dir)
	if err != nil {
		return err
	}
	card := modelcard.Card{
		Name: c.Name, Recipe: c.Recipe, WeightSeed: c.Seed, Program: c.Program,
		Loss: string(c.Loss.Kind), Alpha: c.Loss.Alpha, Gamma: c.Loss.Gamma,
		Training: &modelcard.TrainingFacts{
			Beta: c.Beta, DataSeed: c.DataSeed, NoiseSeed: c.Seed, Steps: s.step, Batch: c.Batch, LearningRate: c.Rate, LearningRateTo: c.RateTo, L2: c.L2,
			Data: modelcard.DataFacts{
				Kind: c.Data.Kind, Description: c.Data.Description, Synthetic: c.Data.Synthetic, Exams: c.Data.Exams, Validation: c.Data.Validation,
				Folds: c.Data.Folds, Fold: c.Data.Fold, Fingerprint: c.Data.Fingerprint,
			},
			Program: c.Program, Runtime: runtime, Provider: device, StartedFrom: c.From, Command: c.Command, Validation: v.scores(),
		},
	}
	card.Training.Augmentation = c.Augmentation.String()
	if v != nil {
		card.Training.ValidatedOn = fmt.Sprintf("%d exams that it did not learn from, the mean of %d samples each", v.Exams, c.ValidationSamples)
	}
	for _, e := range Curve(events, Stepped) {
		card.Training.Seconds += e.Seconds
	}
	if err := models.WriteTrained(path, c.Net, s.weights, card); err != nil {
		return fmt.Errorf("trainer: model: %w", err)
	}
	return nil
}

// scores lists the figures of a validation in a fixed order; none where there was none.
func (v *Validation) scores() []modelcard.Score {
	if v == nil {
		return nil
	}
	scores := []modelcard.Score{{Name: "NLL", Value: v.NLL}, {Name: "Brier", Value: v.Brier}, {Name: "ECE", Value: v.ECE}}
	var names []string
	for name := range v.Dice {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		scores = append(scores, modelcard.Score{Name: name + " hard Dice", Value: v.Dice[name]})
	}
	if v.AUROC != nil {
		scores = append(scores, modelcard.Score{Name: "AUROC", Value: *v.AUROC})
	}
	return scores
}

// Export writes the model of the last usable checkpoint of a run, finished or not, with the figures of
// its last validation. It fails with [ErrRun] where there is no checkpoint yet. runtime and device say
// what the run was trained with.
func (r *Run) Export(path, runtime, device string) error {
	last, _, err := r.Last()
	if err != nil {
		return err
	}
	if last == nil {
		return fmt.Errorf("%w: %s has no checkpoint yet; let it train first", ErrRun, filepath.Base(r.dir))
	}
	events, err := ReadLog(r.dir)
	if err != nil {
		return err
	}
	var v *Validation
	for _, e := range Curve(events, Validated) {
		if e.Step <= last.Step {
			v = e.Validation
		}
	}
	return r.writeModel(path, last.state, v, runtime, device)
}
