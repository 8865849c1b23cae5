package trainer

import (
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/prep"
	"bayeslice/training"
	"bayeslice/training/loss"
	"bayeslice/training/step"
)

// ErrConfig marks settings that cannot be trained with; the text says which figure is wrong.
var ErrConfig = errors.New("trainer: unusable settings")

// Format is the version of the run folder written by this program.
const Format = 1

// Config is everything that determines a run, except the examples themselves, of which it holds the
// fingerprint. It is written to run.json when the run is made and never changed. Start from [Defaults].
type Config struct {
	Format int         `json:"format"`
	Name   string      `json:"name"` // for people; becomes the model's name
	Preset string      `json:"preset"`
	Net    nets.Config `json:"net"`
	Recipe prep.Recipe `json:"recipe"`

	Loss loss.Options `json:"loss"`
	Beta float64      `json:"beta"` // weight of the divergence, which is in nats; the paper gives none
	// DeepSupervision also scores the decoder's levels, see step.Config. The model is the same network.
	DeepSupervision bool `json:"deepSupervision,omitempty"`

	Steps  int     `json:"steps"`  // updates
	Batch  int     `json:"batch"`  // exams per update, one after the other
	Rate   float64 `json:"rate"`   // learning rate at the first step
	RateTo float64 `json:"rateTo"` // at the last
	WarmUp int     `json:"warmUp"` // steps over which the rate rises linearly from 0
	L2     float64 `json:"l2"`     // weight of Σ w² over kernels
	Clip   float64 `json:"clip"`   // largest norm of the whole gradient; 0 does not clip
	Seed   uint64  `json:"seed"`   // of the initial weights and of the noise

	DataSeed     uint64                `json:"dataSeed"`     // of the sequence of examples; used by their source
	Augmentation training.Augmentation `json:"augmentation"` // what the examples went through; applied by their source
	Data         training.Origin       `json:"data"`
	SkipBad      bool                  `json:"skipBad"` // leave out exams that cannot be used instead of stopping

	CheckpointEvery   int    `json:"checkpointEvery"`   // steps
	ValidateEvery     int    `json:"validateEvery"`     // steps; 0 validates at the end only
	ValidationSamples int    `json:"validationSamples"` // executions per exam in validation
	From              string `json:"from,omitempty"`    // SHA-256 of the checkpoint whose weights the run started from

	Command string `json:"command,omitempty"` // command line that makes the same run
	Program string `json:"program"`           // name and version that made the run
	Device  string `json:"device"`            // provider that was asked for; "" is the CPU
	Threads int    `json:"threads"`           // threads of one operator; 0 is the machine's default
}

// DefaultBeta is the weight of the divergence where the user names none. Segmentation losses here are
// means over voxels, so that β = 1 would let the latent die out; with β near 0 the posterior would pass
// the label on in the latent, which the prior cannot imitate. The paper gives no value.
const DefaultBeta = 0.01

// Defaults returns the paper's settings for a preset network and a loss: α of the task for BCE and FL,
// γ, learning rates, L2, batch 1. The caller sets Steps, Seed, Data and Program. It fails with
// [nets.ErrConfig] where there is no such preset.
func Defaults(preset string, task modelcard.Task, kind loss.Kind) (Config, error) {
	p, err := nets.FindPreset(preset, task)
	if err != nil {
		return Config{}, err
	}
	recipe := training.Paper()
	c := Config{
		Format: Format, Name: fmt.Sprintf("M1 %s %s %s", preset, task, kind), Preset: preset, Net: p.Config, Recipe: p.Recipe,
		Loss: loss.Options{Kind: kind}, Beta: DefaultBeta,
		Steps: 1000, Batch: 1, Rate: recipe.LearningRate, RateTo: recipe.LearningRateTo, L2: recipe.L2, Seed: 1,
		Augmentation: recipe.Augmentation, CheckpointEvery: 100, ValidateEvery: 250, ValidationSamples: 4,
	}
	switch kind {
	case loss.FL:
		c.Loss.Alpha, c.Loss.Gamma = training.Alpha(task), recipe.Gamma
	case loss.BCE:
		c.Loss.Alpha = training.Alpha(task)
	}
	return c, nil
}

// Validate reports, as [ErrConfig] or the error of the network or the loss, the first setting that cannot
// be trained with.
func (c Config) Validate() error {
	if err := c.Net.Validate(); err != nil {
		return err
	}
	if err := c.Loss.Validate(c.Net.Classes); err != nil {
		return err
	}
	positive := func(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
	notNegative := func(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }
	for _, check := range []struct {
		ok   bool
		text string
	}{
		{c.Format == Format, fmt.Sprintf("format %d; this program reads format %d", c.Format, Format)},
		{c.Recipe.Size == [3]int{c.Net.Size[2], c.Net.Size[1], c.Net.Size[0]}, "the recipe's grid is not the network's"},
		{len(c.Recipe.Channels) == c.Net.Channels, "the recipe's channels are not the network's"},
		{c.Steps >= 1, fmt.Sprintf("%d steps; there must be at least 1", c.Steps)},
		{c.Batch >= 1 && c.Batch <= 4096, fmt.Sprintf("batch %d; it must lie within 1 to 4096", c.Batch)},
		{positive(c.Rate), fmt.Sprintf("learning rate %g; it must be positive", c.Rate)},
		{notNegative(c.RateTo) && c.RateTo <= c.Rate, fmt.Sprintf("last learning rate %g; it must lie within 0 to the first", c.RateTo)},
		{c.WarmUp >= 0 && c.WarmUp < c.Steps, fmt.Sprintf("warm-up of %d steps; it must be shorter than the run", c.WarmUp)},
		{notNegative(c.Beta), fmt.Sprintf("β = %g; it must not be negative", c.Beta)},
		{notNegative(c.L2), fmt.Sprintf("L2 = %g; it must not be negative", c.L2)},
		{notNegative(c.Clip), fmt.Sprintf("clipping at %g; it must not be negative", c.Clip)},
		{c.CheckpointEvery >= 1, fmt.Sprintf("a checkpoint every %d steps; it must be at least every step", c.CheckpointEvery)},
		{c.ValidateEvery >= 0, fmt.Sprintf("validation every %d steps; it must not be negative", c.ValidateEvery)},
		{c.ValidationSamples >= 1, fmt.Sprintf("%d executions in validation; there must be at least 1", c.ValidationSamples)},
		{c.Threads >= 0, fmt.Sprintf("%d threads; there must not be fewer than 0", c.Threads)},
	} {
		if !check.ok {
			return fmt.Errorf("%w: %s", ErrConfig, check.text)
		}
	}
	return nil
}

// step is the step that the run takes.
func (c Config) step() step.Config {
	return step.Config{Net: c.Net, Loss: c.Loss, Beta: c.Beta, DeepSupervision: c.DeepSupervision}
}

// shape is what all examples of the run must have in common.
func (c Config) shape() training.Shape {
	return training.Shape{Channels: c.Net.Channels, Classes: c.Net.Classes, Size: c.Net.Size, NeedsLabel: c.Net.Task == modelcard.Anatomy}
}
