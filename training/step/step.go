// Package step makes the training step of M1 as one graph: the forward pass with the latent drawn from
// the posterior, the loss with the weighted divergence, and the gradient of every parameter. It is made
// of standard operators, so ONNX Runtime runs it on whatever device the user has.
//
// Everything that changes from step to step is an input: image, label, noise and the parameters. The
// graph holds one exam; batches are made by adding up gradients. It neither draws noise nor updates
// parameters.
package step

import (
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
	"bayeslice/training/loss"
)

// ErrConfig marks a step that cannot be made.
var ErrConfig = errors.New("step: unusable training step")

// Names of the graph's own tensors; image, label and noise have the names of package nets, gradients
// that of [autodiff.GradientName].
const (
	DistanceName     = "distance"          // input float32 [1, K−1, D, H, W], for losses that want it
	LossName         = "loss"              // output [1]: segmentation loss, with that of all levels under deep supervision, + β·divergence
	SegmentationName = "loss.segmentation" // output [1], of the network's own result
	DivergenceName   = "loss.divergence"   // output [1], nats, not weighted
)

// Config says what is trained and by which loss.
type Config struct {
	Net  nets.Config
	Loss loss.Options
	Beta float64 // weight β of the divergence of the posterior from the prior, ≥ 0
	// DeepSupervision also scores what each level of the decoder would say by itself, see [deep].
	DeepSupervision bool
}

// Param is one parameter of the network in training, posterior net included.
type Param struct {
	Name  string
	Shape []int
	// Idle says that the loss cannot depend on it, so that the graph has neither the input nor the
	// gradient: a bias that the next normalisation subtracts again. Its gradient is 0.
	Idle bool
}

// Step is a finished training step.
type Step struct {
	// Graph has the inputs image, label, distance where the loss wants it, the noise, and every
	// parameter that is not idle, by its name; the outputs [LossName], [SegmentationName],
	// [DivergenceName], and the gradient of every parameter that is not idle, of the parameter's shape.
	Graph  *graph.Graph
	Noise  []modelcard.Noise // in the order in which it is drawn
	Params []Param           // in the order of the network
}

// New makes the step. It fails with [ErrConfig], or with the error of the network or the loss, where the
// configuration does not hold.
func New(c Config) (*Step, error) {
	s := &Step{}
	plain, err := s.forward(c)
	if err != nil {
		return nil, err
	}
	if s.Graph, err = backward(plain); err != nil {
		return nil, fmt.Errorf("step: %w", err)
	}
	fed := map[string]bool{}
	for _, n := range s.Graph.Inputs() {
		fed[n.Name()] = true
	}
	for _, p := range plain.Params() {
		s.Params = append(s.Params, Param{p.Name(), p.Shape(), !fed[p.Name()]})
	}
	return s, nil
}

// Initial draws the weights that a training by c starts from, idle parameters included, by the rules of
// [nets.Init]: without deep supervision those of [nets.Training].
func Initial(c Config, seed uint64) (nets.Weights, error) {
	plain, err := new(Step).forward(c)
	if err != nil {
		return nil, err
	}
	return nets.InitGraph(plain, seed)
}

// forward is the network and its loss with unbound parameters.
func (s *Step) forward(c Config) (*graph.Graph, error) {
	if !(c.Beta >= 0) || math.IsInf(c.Beta, 0) {
		return nil, fmt.Errorf("%w: β = %g; it must not be negative", ErrConfig, c.Beta)
	}
	return graph.Build("M1 training step", func(b *graph.Builder) {
		v := nets.Build(b, c.Net, true)
		s.Noise = v.Noise
		in := loss.Inputs{Logits: v.Logits}
		b.Scope("loss", func() { in.Label = loss.OneHot(b, v.Label) })
		if c.Loss.Kind.NeedsDistance() {
			in.Distance = b.Input(DistanceName, tensor.Float32, v.Label.Shape()...)
		}
		var levels []*graph.Node
		if c.DeepSupervision {
			levels = v.DeepLogits(b, c.Net)
		}
		b.Scope("loss", func() {
			segmentation := loss.Build(b, c.Loss, in)
			divergence := loss.KL(b, loss.Gaussian{Mean: v.PosteriorMean, LogScale: v.PosteriorLogScale}, loss.Gaussian{Mean: v.PriorMean, LogScale: v.PriorLogScale})
			total := deep(b, c.Loss, in, segmentation, levels)
			b.Output(LossName, b.Add(total, b.Mul(divergence, b.Scalar(float32(c.Beta)))))
			b.Output(SegmentationName, segmentation)
			b.Output(DivergenceName, divergence)
		})
	})
}

// backward adds the gradients. The rewritings before it change what is differentiated, so that their
// savings hold backwards too (joined sibling convolutions take a third of the peak memory away);
// transposed convolutions are only interleaved at the end, because their own gradient is one strided
// convolution and that of an interleaved one would be many.
func backward(g *graph.Graph) (*graph.Graph, error) {
	passes := []func(*graph.Graph) (*graph.Graph, error){
		rewrite.FoldBroadcastConv, rewrite.ExpandEnlargement, rewrite.FoldNorm, rewrite.DropNormBias, rewrite.MergeConvs,
		func(g *graph.Graph) (*graph.Graph, error) { return autodiff.Differentiate(g, LossName) },
		rewrite.LowerConvTranspose, graph.FeedParams,
	}
	for _, pass := range passes {
		next, err := pass(g)
		if err != nil {
			return nil, err
		}
		g = next
	}
	return g, nil
}
