// Package modelcard is what a model file says about itself. The card travels as JSON in the ONNX
// metadata entry [MetadataKey], so that a model is one file that explains itself.
package modelcard

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/prep"
)

// MetadataKey is the key of the ONNX metadata entry that holds the card.
const MetadataKey = "bayeslice.card"

// Version is the format written by this program.
const Version = 1

// ErrCard marks metadata that is missing or unusable.
var ErrCard = errors.New("modelcard: not a Bayeslice model")

// Task is what a model segments.
type Task string

// Tasks of the paper.
const (
	Anatomy   Task = "anatomy"   // classes background, TZ, PZ from T2W
	Diagnosis Task = "diagnosis" // classes background, csPCa from T2W, high-b DWI, ADC
)

// NoiseKind is the distribution of a noise input.
type NoiseKind string

// Noise distributions. Bernoulli inputs are bool tensors, true = keep, with probability Keep;
// Normal inputs are float32, zero mean, unit variance.
const (
	Bernoulli NoiseKind = "bernoulli"
	Normal    NoiseKind = "normal"
)

// Noise declares one graph input that carries randomness, in the order in which it is drawn.
type Noise struct {
	Name  string    `json:"name"`
	Kind  NoiseKind `json:"kind"`
	Keep  float64   `json:"keep,omitempty"`
	Shape []int     `json:"shape"`
}

// Card describes a model. The graph's tensors are: Input float32 [1, C, D, H, W]; Output float32
// [1, K, D, H, W], softmax probabilities with class 0 the background; one input per Noise entry.
type Card struct {
	Format      int            `json:"format"`
	Name        string         `json:"name"`
	Task        Task           `json:"task"`
	Classes     []string       `json:"classes"` // K names, background first: "background", "TZ", "PZ" or "background", "csPCa"
	Recipe      prep.Recipe    `json:"recipe"`
	Input       string         `json:"input"`
	Output      string         `json:"output"`
	Attention   []string       `json:"attention,omitempty"` // optional outputs: attention maps, coarse to fine
	Noise       []Noise        `json:"noise"`
	Dropout     float64        `json:"dropout"`
	Latent      int            `json:"latent"`         // dimensions of z
	LatentScale string         `json:"latentScale"`    // how the prior's standard deviation is made, in words
	Loss        string         `json:"loss,omitempty"` // CE, BCE, FL, DB, …; "" for untrained weights
	Alpha       []float64      `json:"alpha,omitempty"`
	Gamma       float64        `json:"gamma,omitempty"`
	WeightSeed  uint64         `json:"weightSeed"`
	Trained     bool           `json:"trained"`
	TrainedOn   string         `json:"trainedOn,omitempty"` // in words; Training says more
	Training    *TrainingFacts `json:"training,omitempty"`  // nil for untrained weights and in files of earlier versions
	Storage     Storage        `json:"storage,omitempty"`
	IntendedUse string         `json:"intendedUse"`
	Program     string         `json:"program"` // name and version that wrote the file
}

// Encode returns the metadata value.
func (c Card) Encode() (string, error) {
	b, err := json.Marshal(c)
	return string(b), err
}

// Decode reads the card from ONNX metadata and checks that it is complete; [ErrCard] says what is missing.
func Decode(metadata map[string]string) (Card, error) {
	text, ok := metadata[MetadataKey]
	if !ok {
		return Card{}, fmt.Errorf("%w: the ONNX file has no metadata entry %q; only models written by this program describe their own preparation", ErrCard, MetadataKey)
	}
	var c Card
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Card{}, fmt.Errorf("%w: metadata entry %q: %w", ErrCard, MetadataKey, err)
	}
	return c, c.Validate()
}

// Validate reports, as [ErrCard], the first thing that makes a card unusable.
func (c Card) Validate() error {
	switch {
	case c.Format != Version:
		return fmt.Errorf("%w: format %d, this program reads format %d", ErrCard, c.Format, Version)
	case c.Task != Anatomy && c.Task != Diagnosis:
		return fmt.Errorf("%w: unknown task %q", ErrCard, c.Task)
	case c.Task == Anatomy && !slices.Equal(c.Classes, []string{"background", "TZ", "PZ"}),
		c.Task == Diagnosis && !slices.Equal(c.Classes, []string{"background", "csPCa"}):
		return fmt.Errorf("%w: classes %q do not belong to task %q", ErrCard, c.Classes, c.Task)
	case c.Input == "" || c.Output == "":
		return fmt.Errorf("%w: no input or output is named", ErrCard)
	}
	if c.Storage != Float32 && c.Storage != Float16 {
		return fmt.Errorf("%w: weights stored as %q, which this program does not read", ErrCard, c.Storage)
	}
	if err := c.validateTexts(); err != nil {
		return err
	}
	if err := c.validateNoise(); err != nil {
		return err
	}
	if err := c.validateTraining(); err != nil {
		return err
	}
	if err := c.Recipe.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrCard, err)
	}
	return nil
}

// keepTolerance is what a keep probability may differ from the one that the dropout gives.
const keepTolerance = 1e-6

// validateNoise checks the dropout, the latent space and the noise inputs, and that they agree: a mask
// keeps with 1 − p, or with 1 − p/2 where the network halves its dropout.
func (c Card) validateNoise() error {
	switch {
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("%w: dropout %g is not in 0 ≤ p < 1", ErrCard, c.Dropout)
	case c.Latent < 0:
		return fmt.Errorf("%w: a latent space of %d dimensions", ErrCard, c.Latent)
	}
	named := map[string]bool{c.Input: true}
	for _, n := range c.Noise {
		if named[n.Name] {
			return fmt.Errorf("%w: two of its inputs are named %q", ErrCard, n.Name)
		}
		named[n.Name] = true
		switch {
		case n.Name == "" || (n.Kind != Bernoulli && n.Kind != Normal):
			return fmt.Errorf("%w: noise input %q of kind %q is not usable", ErrCard, n.Name, n.Kind)
		case len(n.Shape) == 0 || slices.ContainsFunc(n.Shape, func(d int) bool { return d < 1 }):
			return fmt.Errorf("%w: noise input %q has the shape %v", ErrCard, n.Name, n.Shape)
		case n.Kind == Bernoulli && !c.keeps(n.Keep):
			return fmt.Errorf("%w: noise input %q keeps with %g, which does not follow from dropout %g", ErrCard, n.Name, n.Keep, c.Dropout)
		}
	}
	return nil
}

// keeps reports whether a probability of keeping follows from the dropout.
func (c Card) keeps(keep float64) bool {
	return keep > 0 && keep <= 1 &&
		(math.Abs(keep-(1-c.Dropout)) <= keepTolerance || math.Abs(keep-(1-c.Dropout/2)) <= keepTolerance)
}
