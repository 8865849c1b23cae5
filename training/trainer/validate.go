package trainer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

// Validation is how the network does on exams that it does not learn from: the mean of several
// executions with the latent drawn from the prior, as at inference. Definitions are those of package
// metrics.
type Validation struct {
	Exams int                `json:"exams"`
	NLL   float64            `json:"nll"`             // over all voxels, nats
	Brier float64            `json:"brier"`           // over all voxels
	ECE   float64            `json:"ece"`             // over all voxels
	Dice  map[string]float64 `json:"dice"`            // hard Dice per class and, for zones, of their union "WG": mean over the exams that have it
	AUROC *float64           `json:"auroc,omitempty"` // per exam, of the largest csPCa probability; nil unless exams of both kinds are there
}

// validator runs the inference graph with parameters as inputs.
type validator struct {
	config Config
	runner inference.Runner
	names  []string // parameters the graph reads
	noise  []modelcard.Noise
	moved  int // changes of device of runner that were told
}

func newValidator(c Config, open inference.OpenRunner) (*validator, error) {
	g, noise, err := nets.Inference(c.Net)
	if err != nil {
		return nil, err
	}
	if g, err = graph.Select(g, nets.OutputName); err != nil {
		return nil, err
	}
	if g, err = rewrite.All(g); err != nil {
		return nil, err
	}
	v := &validator{config: c, noise: noise}
	for _, p := range g.Params() {
		v.names = append(v.names, p.Name())
	}
	if g, err = graph.FeedParams(g); err != nil {
		return nil, err
	}
	v.runner, err = open(g)
	return v, err
}

// run validates weights on all exams of a set. Every validation of a run draws the same noise. It is nil
// where skip left all of them out.
func (v *validator) run(ctx context.Context, weights nets.Weights, set training.Set, skip func(error) error) (*Validation, error) {
	in := map[string]*tensor.Tensor{}
	for _, name := range v.names {
		in[name] = weights[name]
	}
	noise := inference.NewNoise(modelcard.Card{Noise: v.noise}, v.config.Seed^validationStream)
	drawn := noise.Tensors()
	maps.Copy(in, drawn)
	t, err := newTally(v.config.Net)
	if err != nil {
		return nil, err
	}
	for i := range set.Len() {
		e, err := set.Example(ctx, i)
		if err == nil {
			err = e.Check(v.config.shape())
		}
		if errors.Is(err, training.ErrExample) {
			err = skip(err)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		in[nets.InputName] = e.Image
		mean := make([]float32, v.config.Net.Classes*len(e.Label))
		for s := range v.config.ValidationSamples {
			if err := noise.Fill(i*v.config.ValidationSamples+s, drawn); err != nil {
				return nil, err
			}
			out, err := v.runner.Run(ctx, in)
			if err != nil {
				return nil, err
			}
			for j, p := range out[nets.OutputName].F32 {
				mean[j] += p / float32(v.config.ValidationSamples)
			}
		}
		if err := t.add(mean, e.Label); err != nil {
			return nil, fmt.Errorf("trainer: validating %s: %w", e.Exam, err)
		}
	}
	return t.result()
}

// validationStream separates the noise of validation from that of training under one seed.
const validationStream = 0x9E6C63D0876A9A47

// tally sums up what a [Validation] reports.
type tally struct {
	net         nets.Config
	exams       int
	calibration *metrics.Calibration
	dice        map[string][]float64
	scores      []float64 // largest csPCa probability of each exam
	positive    []bool
}

func newTally(net nets.Config) (*tally, error) {
	c, err := metrics.NewCalibration(net.Classes, metrics.DefaultBins)
	return &tally{net: net, calibration: c, dice: map[string][]float64{}}, err
}

// add takes in the mean probabilities [K, voxels] and the label of one exam.
func (t *tally) add(p []float32, label []uint8) error {
	if err := t.calibration.Add(p, label); err != nil {
		return err
	}
	t.exams++
	n := len(label)
	hard := make([]uint8, n)
	for i := range label {
		for k := 1; k < t.net.Classes; k++ {
			if p[k*n+i] > p[int(hard[i])*n+i] {
				hard[i] = uint8(k)
			}
		}
	}
	names := nets.Classes(t.net.Task)
	for k := 1; k < t.net.Classes; k++ {
		if err := t.overlap(names[k], hard, label, uint8(k)); err != nil {
			return err
		}
	}
	if t.net.Task == modelcard.Anatomy {
		return t.overlap("WG", hard, label)
	}
	t.scores = append(t.scores, float64(slices.Max(p[n:])))
	t.positive = append(t.positive, slices.Max(label) > 0)
	return nil
}

// overlap adds the hard Dice of a structure where the label has it.
func (t *tally) overlap(name string, hard, label []uint8, classes ...uint8) error {
	o, err := metrics.CountOverlap(hard, label, classes...)
	if err == nil && o.Reference > 0 {
		t.dice[name] = append(t.dice[name], o.Dice())
	}
	return err
}

// result is what was measured; nil where no exam was.
func (t *tally) result() (*Validation, error) {
	if t.exams == 0 {
		return nil, nil // no failure, and no figures either
	}
	v := &Validation{Exams: t.exams, Dice: map[string]float64{}}
	c, err := t.calibration.Result()
	if err != nil {
		return nil, fmt.Errorf("trainer: validation: %w", err)
	}
	v.NLL, v.Brier, v.ECE = c.NLL, c.Brier, c.ECE
	for name, all := range t.dice {
		for _, d := range all {
			v.Dice[name] += d / float64(len(all))
		}
	}
	switch auroc, err := metrics.AUROC(t.scores, t.positive); {
	case err == nil:
		v.AUROC = &auroc
	case !errors.Is(err, metrics.ErrUndefined):
		return nil, fmt.Errorf("trainer: validation: %w", err)
	}
	return v, nil
}
