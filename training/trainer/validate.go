package trainer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

// Validation is how the network does on exams that it does not learn from: the mean of several
// executions with the latent drawn from the prior, as at inference.
type Validation struct {
	Exams int                `json:"exams"`
	NLL   float64            `json:"nll"`             // mean of −log p of the true class over all voxels, nats
	Dice  map[string]float64 `json:"dice"`            // hard Dice per class and, for zones, of their union "WG": mean over the exams that have it
	AUROC *float64           `json:"auroc,omitempty"` // per exam, of the largest csPCa probability; nil unless exams of both kinds are there
}

// validator runs the inference graph with parameters as inputs.
type validator struct {
	config Config
	runner inference.Runner
	names  []string // parameters the graph reads
	noise  []modelcard.Noise
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
	v.runner, err = openGraph(g, open)
	return v, err
}

// openGraph encodes a graph and opens it.
func openGraph(g *graph.Graph, open inference.OpenRunner) (inference.Runner, error) {
	var b bytes.Buffer
	if err := g.WithMetadata(nil).Encode(&b); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	return open(b.Bytes())
}

// run validates weights on all exams of a set. Every validation of a run draws the same noise.
func (v *validator) run(ctx context.Context, weights nets.Weights, set training.Set, skip func(error) error) (*Validation, error) {
	in := map[string]*tensor.Tensor{}
	for _, name := range v.names {
		in[name] = weights[name]
	}
	noise := inference.NewNoise(modelcard.Card{Noise: v.noise}, v.config.Seed^validationStream)
	drawn := noise.Tensors()
	maps.Copy(in, drawn)
	t := newTally(v.config.Net)
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
		mean := make([]float64, v.config.Net.Classes*len(e.Label))
		for s := range v.config.ValidationSamples {
			if err := noise.Fill(i*v.config.ValidationSamples+s, drawn); err != nil {
				return nil, err
			}
			out, err := v.runner.Run(ctx, in)
			if err != nil {
				return nil, err
			}
			for j, p := range out[nets.OutputName].F32 {
				mean[j] += float64(p) / float64(v.config.ValidationSamples)
			}
		}
		t.add(mean, e.Label)
	}
	return t.result(), nil
}

// validationStream separates the noise of validation from that of training under one seed.
const validationStream = 0x9E6C63D0876A9A47

// tally sums up what a [Validation] reports.
type tally struct {
	net    nets.Config
	exams  int
	nll    float64
	voxels int
	dice   map[string][]float64
	scores [2][]float64 // largest csPCa probability of exams without, and with, csPCa
}

func newTally(net nets.Config) *tally { return &tally{net: net, dice: map[string][]float64{}} }

// add takes in the mean probabilities [K, voxels] and the label of one exam.
func (t *tally) add(p []float64, label []uint8) {
	n := len(label)
	hard := make([]uint8, n)
	top := 0.0
	for i := range label {
		for k := 1; k < t.net.Classes; k++ {
			if p[k*n+i] > p[int(hard[i])*n+i] {
				hard[i] = uint8(k)
			}
		}
		top = max(top, 1-p[i])
		t.nll -= math.Log(max(p[int(label[i])*n+i], 1e-12))
	}
	t.exams++
	t.voxels += n
	names := nets.Classes(t.net.Task)
	for k := 1; k < t.net.Classes; k++ {
		t.overlap(names[k], hard, label, func(c uint8) bool { return int(c) == k })
	}
	if t.net.Task == modelcard.Anatomy {
		t.overlap("WG", hard, label, func(c uint8) bool { return c != 0 })
	} else {
		with := 0
		if slices.ContainsFunc(label, func(c uint8) bool { return c != 0 }) {
			with = 1
		}
		t.scores[with] = append(t.scores[with], top)
	}
}

// overlap adds the hard Dice of a structure where the label has it.
func (t *tally) overlap(name string, hard, label []uint8, in func(uint8) bool) {
	var a, b, both int
	for i := range label {
		x, y := in(hard[i]), in(label[i])
		if x {
			a++
		}
		if y {
			b++
		}
		if x && y {
			both++
		}
	}
	if b > 0 {
		t.dice[name] = append(t.dice[name], 2*float64(both)/float64(a+b))
	}
}

func (t *tally) result() *Validation {
	v := &Validation{Exams: t.exams, Dice: map[string]float64{}}
	if t.voxels > 0 {
		v.NLL = t.nll / float64(t.voxels)
	}
	for name, all := range t.dice {
		for _, d := range all {
			v.Dice[name] += d / float64(len(all))
		}
	}
	if without, with := t.scores[0], t.scores[1]; len(without) > 0 && len(with) > 0 {
		var wins float64
		for _, w := range with {
			for _, o := range without {
				switch {
				case w > o:
					wins++
				case w == o:
					wins += 0.5
				}
			}
		}
		auroc := wins / float64(len(with)*len(without))
		v.AUROC = &auroc
	}
	return v
}
