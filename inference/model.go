package inference

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// ErrModel marks a model file that is no model this program can sample; its text says why.
var ErrModel = errors.New("inference: model cannot be used")

// Runner runs a graph on tensors by name. internal/ort's session is one; tests use others. Run must
// be cancellable and keep no tensor.
type Runner interface {
	Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error)
	Device() string
	Close() error
}

// OpenRunner makes a [Runner] of a graph.
type OpenRunner func(g *graph.Graph) (Runner, error)

// Model is a network that is ready to be sampled: the part before the noise, which runs once per
// exam, and the part after it, which runs once per sample. Safe for concurrent use, except Close.
type Model struct {
	card    modelcard.Card
	sha     string
	prefix  Runner   // nil where the noise enters at the very beginning
	suffix  Runner   // from the carried tensors and the noise to the output
	carried []string // inputs of the suffix that are not noise: outputs of the prefix, or the image itself
}

// Parts are what a [Model] consists of.
type Parts struct {
	Card    modelcard.Card
	SHA256  string // of the file, hex
	Prefix  Runner // may be nil
	Suffix  Runner
	Carried []string // inputs of Suffix that are not noise
}

// NewModel assembles a model from its parts, which it owns from then on; on an error they stay the
// caller's to close. It is what [Load] ends in;
// tests call it with runners of their own.
func NewModel(p Parts) (*Model, error) {
	if err := p.Card.Validate(); err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	if p.Suffix == nil {
		return nil, errors.New("inference: a model needs a part that runs")
	}
	return &Model{card: p.Card, sha: p.SHA256, prefix: p.Prefix, suffix: p.Suffix, carried: p.Carried}, nil
}

// Card returns what the model says about itself.
func (m *Model) Card() modelcard.Card { return m.card }

// SHA256 returns the digest of the model file, hex.
func (m *Model) SHA256() string { return m.sha }

// Device says what runs the model; where the part before the noise runs otherwise, both.
func (m *Model) Device() string {
	device := m.suffix.Device()
	if m.prefix != nil && m.prefix.Device() != device {
		device += "; before the noise " + m.prefix.Device()
	}
	return device
}

// Fallbacks names the operators that run on the CPU although another device was asked for, of both
// parts, with their number, e.g. "Resize ×3". It is empty where everything runs where it should, and
// for runners that cannot tell.
func (m *Model) Fallbacks() []string {
	var all []string
	for _, r := range []Runner{m.prefix, m.suffix} {
		if f, ok := r.(interface{ Fallbacks() []string }); ok {
			all = append(all, f.Fallbacks()...)
		}
	}
	return all
}

// Close frees the model. No sampling may be under way.
func (m *Model) Close() error {
	err := m.suffix.Close()
	if m.prefix != nil {
		err = errors.Join(err, m.prefix.Close())
	}
	return err
}

// WarmUp runs the model once on zeros, so that the first sample does not pay for what the device
// does only once.
func (m *Model) WarmUp(ctx context.Context) error {
	carried, err := m.prepare(ctx, tensor.NewFloat32(m.inputShape()...))
	if err != nil {
		return err
	}
	_, err = m.sample(ctx, carried, NewNoise(m.card, 0).Tensors())
	return err
}

// inputShape is [1, C, D, H, W].
func (m *Model) inputShape() []int {
	r := m.card.Recipe
	return []int{1, len(r.Channels), r.Size[2], r.Size[1], r.Size[0]}
}

// prepare runs what does not depend on the noise, and returns the suffix's inputs without the noise.
func (m *Model) prepare(ctx context.Context, input *tensor.Tensor) (map[string]*tensor.Tensor, error) {
	have := map[string]*tensor.Tensor{}
	if m.prefix != nil {
		var err error
		if have, err = m.prefix.Run(ctx, map[string]*tensor.Tensor{m.card.Input: input}); err != nil {
			return nil, fmt.Errorf("inference: running the part before the noise: %w", err)
		}
	}
	carried := make(map[string]*tensor.Tensor, len(m.carried))
	for _, name := range m.carried {
		switch t, ok := have[name]; {
		case ok:
			carried[name] = t
		case name == m.card.Input:
			carried[name] = input
		default:
			return nil, fmt.Errorf("%w: its first part does not yield %q, which its second part needs", ErrModel, name)
		}
	}
	return carried, nil
}

// sample runs the suffix once and returns the probabilities [K, voxels].
func (m *Model) sample(ctx context.Context, carried, noise map[string]*tensor.Tensor) ([]float32, error) {
	in := maps.Clone(carried)
	maps.Copy(in, noise)
	out, err := m.suffix.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	t := out[m.card.Output]
	if t == nil || t.Type != tensor.Float32 {
		return nil, fmt.Errorf("%w: the model yields no float32 output %q", ErrOutput, m.card.Output)
	}
	return t.F32, nil
}
