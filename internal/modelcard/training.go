package modelcard

import (
	"encoding/hex"
	"fmt"
	"math"
)

// Storage is how a model file holds the kernels of its network, which are its weights of two axes and more.
type Storage string

// Storages. The network always computes in float32. Float16 halves the file; it rounds the kernels to
// the nearest number of 11 significant bits, ties to even.
const (
	Float32 Storage = "" // as they were trained
	Float16 Storage = "float16"
)

// TrainingFacts are how weights came about. Together with the loss, its parameters and the weight seed
// of the [Card] they are what it takes to train the same again.
type TrainingFacts struct {
	Beta           float64   `json:"beta"` // weight of the divergence of the latent
	DataSeed       uint64    `json:"dataSeed"`
	NoiseSeed      uint64    `json:"noiseSeed"` // of the dropout masks and the latent
	Steps          int       `json:"steps"`
	Batch          int       `json:"batch"` // examples a step
	LearningRate   float64   `json:"learningRate"`
	LearningRateTo float64   `json:"learningRateTo"` // at the last step
	L2             float64   `json:"l2"`
	Augmentation   string    `json:"augmentation,omitempty"` // what is changed at random in each example, in words
	Data           DataFacts `json:"data"`
	Program        string    `json:"program"`               // name and version that computed the steps
	Runtime        string    `json:"runtime"`               // "ONNX Runtime 1.27.0"
	Provider       string    `json:"provider"`              // execution provider that computed the steps
	Seconds        float64   `json:"seconds"`               // of computation, pauses left out
	ValidatedOn    string    `json:"validatedOn,omitempty"` // in words: which exams, how many samples of each
	Validation     []Score   `json:"validation,omitempty"`  // figures at the end, in the order in which to show them
	StartedFrom    string    `json:"startedFrom,omitempty"` // SHA-256, hex, of the checkpoint or model file whose weights were taken up; "" where they were drawn from the weight seed
	Limits         string    `json:"limits,omitempty"`      // what the model is known not to do, as sentences
	Command        string    `json:"command,omitempty"`     // command line that trains it again
}

// DataFacts are what a model has learnt from.
type DataFacts struct {
	Kind        string `json:"kind"`        // "nnU-Net", "exams", "phantoms", "simulated readers" or "randomised phantoms"
	Description string `json:"description"` // for people, without names of patients
	Synthetic   bool   `json:"synthetic"`   // made by a computer, every exam of it
	Exams       int    `json:"exams"`       // distinct exams that were learnt from; 0 where each draw was a new one
	Validation  int    `json:"validation"`  // exams that were not learnt from
	Folds       int    `json:"folds,omitempty"`
	Fold        int    `json:"fold,omitempty"` // counted from 0
	Fingerprint string `json:"fingerprint"`    // SHA-256, hex, of everything that determines the examples
}

// Score is one figure of a validation.
type Score struct {
	Name  string  `json:"name"` // "WG hard Dice"
	Value float64 `json:"value"`
}

// State is how far a result of the model can be trusted, by where its weights come from.
type State uint8

// States, the least trustworthy first.
const (
	Untrained     State = iota // initial weights: results mean nothing
	SyntheticOnly              // trained on generated exams alone
	Trained                    // trained on exams of which some are real, or of which the card does not say what they are
)

// State tells where the model's weights come from.
func (c Card) State() State {
	switch {
	case !c.Trained:
		return Untrained
	case c.Training != nil && c.Training.Data.Synthetic:
		return SyntheticOnly
	}
	return Trained
}

// Notice is the sentence that must stand beside every result of the model; "" where none must.
func (c Card) Notice() string {
	switch c.State() {
	case Untrained:
		return "UNTRAINED model: its output means nothing."
	case SyntheticOnly:
		return "Model trained on generated phantoms only (SYNTHETIC data), on no patient; not for diagnosis."
	}
	return ""
}

// validateTraining checks the facts of a trained model for what would make them misleading.
func (c Card) validateTraining() error {
	t := c.Training
	if t == nil {
		return nil
	}
	switch {
	case !c.Trained:
		return fmt.Errorf("%w: it tells of a training, and that its weights are untrained", ErrCard)
	case c.Loss == "":
		return fmt.Errorf("%w: its training names no loss", ErrCard)
	case t.Steps < 1 || t.Batch < 1:
		return fmt.Errorf("%w: its training has %d steps of %d examples", ErrCard, t.Steps, t.Batch)
	case t.Data.Kind == "" || t.Data.Exams < 0 || t.Data.Validation < 0:
		return fmt.Errorf("%w: its training data are of kind %q, with %d exams and %d for validation", ErrCard, t.Data.Kind, t.Data.Exams, t.Data.Validation)
	case t.Data.Fold < 0 || t.Data.Folds < 0 || t.Data.Fold > max(0, t.Data.Folds-1):
		return fmt.Errorf("%w: its training left out fold %d of %d", ErrCard, t.Data.Fold, t.Data.Folds)
	case !isDigest(t.Data.Fingerprint):
		return fmt.Errorf("%w: the fingerprint %q of its training data is no SHA-256", ErrCard, t.Data.Fingerprint)
	case t.StartedFrom != "" && !isDigest(t.StartedFrom):
		return fmt.Errorf("%w: what it started from, %q, is no SHA-256", ErrCard, t.StartedFrom)
	}
	return t.validateNumbers()
}

// validateNumbers holds every figure finite, and those that cannot be negative from 0 up.
func (t *TrainingFacts) validateNumbers() error {
	for _, n := range []Score{{"weight of the divergence", t.Beta}, {"first learning rate", t.LearningRate},
		{"last learning rate", t.LearningRateTo}, {"L2", t.L2}, {"time in seconds", t.Seconds}} {
		if !(n.Value >= 0) || math.IsInf(n.Value, 0) {
			return fmt.Errorf("%w: its training has the %s %g", ErrCard, n.Name, n.Value)
		}
	}
	for _, s := range t.Validation {
		if s.Name == "" || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
			return fmt.Errorf("%w: its validation has the figure %q = %g", ErrCard, s.Name, s.Value)
		}
	}
	return nil
}

// isDigest reports whether s is a SHA-256 in hex.
func isDigest(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
}
