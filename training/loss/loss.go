// Package loss builds the segmentation losses of the paper, and the divergence of its latent, as graph
// nodes. A loss only builds: gradients are package autodiff's part.
//
// Tensors are [N, K, D, H, W]: exams, classes (background first), space. y is the one-hot label, p the
// softmax of the logits over classes. Reductions, which scale the learning rate: cross-entropies, focal
// and boundary loss are means over voxels and exams; soft Dice sums over the voxels of an exam and is
// averaged over foreground classes and exams; the divergence is summed over latent dimensions and
// averaged over exams. Every loss is one number of shape [1] and finite for all finite logits.
package loss

import (
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// ErrOptions marks a loss that cannot be built; the text says which figure is wrong.
var ErrOptions = errors.New("loss: unusable loss")

// Kind names a segmentation loss.
type Kind string

// Segmentation losses. The first four are the paper's.
const (
	CE     Kind = "CE"      // cross-entropy: mean of −Σ_k y log p
	BCE    Kind = "BCE"     // balanced cross-entropy: mean of −Σ_k α y log p
	FL     Kind = "FL"      // focal loss: mean of −Σ_k α y (1−p)^γ log p (Lin et al. 2017)
	DB     Kind = "DB"      // ½ soft Dice + ½ boundary loss (Kervadec et al. 2021)
	CEDice Kind = "CE+Dice" // cross-entropy + soft Dice (Isensee et al. 2021)
)

// Kinds lists all losses, the paper's first and in its order.
func Kinds() []Kind { return []Kind{CE, BCE, FL, DB, CEDice} }

// NeedsDistance says whether the loss reads signed distance maps, see [Inputs].
func (k Kind) NeedsDistance() bool { return k == DB }

// smooth is added to numerator and denominator of the soft Dice coefficient, in voxels: a class that is
// neither labelled nor predicted scores 1.
const smooth = 1e-5

// Options chooses a loss.
type Options struct {
	Kind  Kind
	Alpha []float64 // BCE and FL: one positive weight per class, background first
	Gamma float64   // FL: 0 or at least 1, so that the gradient stays finite where p = 1
}

// Inputs are what a loss reads.
type Inputs struct {
	Logits *graph.Node // float32 [N, K, D, H, W]
	Label  *graph.Node // y, float32 [N, K, D, H, W]; see [OneHot]
	// Distance is φ, float32 [N, K−1, D, H, W], for losses that want it: the signed distance of each
	// foreground class (see volume.SignedDistance), in voxels or mm as the trainer chooses.
	Distance *graph.Node
}

// Validate reports, as [ErrOptions], the first thing that makes the loss unusable for K classes.
func (o Options) Validate(classes int) error {
	switch o.Kind {
	case CE, DB, CEDice:
		return nil
	case BCE, FL:
	default:
		return fmt.Errorf("%w: there is no loss %q; there are %v", ErrOptions, o.Kind, Kinds())
	}
	if len(o.Alpha) != classes {
		return fmt.Errorf("%w: %s has %d class weights α for %d classes", ErrOptions, o.Kind, len(o.Alpha), classes)
	}
	for _, a := range o.Alpha {
		if !(a > 0) || math.IsInf(a, 0) {
			return fmt.Errorf("%w: class weights α must be positive, they are %v", ErrOptions, o.Alpha)
		}
	}
	if g := o.Gamma; o.Kind == FL && (!(g >= 1 && g <= 100) && g != 0) {
		return fmt.Errorf("%w: γ = %g; it must be 0 or between 1 and 100", ErrOptions, g)
	}
	return nil
}

// Build makes the loss, of shape [1]. Options that do not hold, or inputs that do not fit each other,
// fail the builder.
func Build(b *graph.Builder, o Options, in Inputs) *graph.Node {
	shape := in.Logits.Shape()
	if len(shape) < 3 || shape[1] < 2 {
		b.Fail("loss: logits %v are not [N, K, space…] with at least two classes", shape)
	}
	if err := o.Validate(shape[1]); err != nil {
		b.Fail("%w", err)
	}
	if fmt.Sprint(in.Label.Shape()) != fmt.Sprint(shape) {
		b.Fail("loss: label %v and logits %v differ in shape", in.Label.Shape(), shape)
	}
	m := maker{Builder: b, Inputs: in, classes: shape[1]}
	switch o.Kind {
	case CE:
		return m.crossEntropy(nil, 0)
	case BCE:
		return m.crossEntropy(o.Alpha, 0)
	case FL:
		return m.crossEntropy(o.Alpha, o.Gamma)
	case DB:
		p := m.foreground(b.Softmax(in.Logits, 1))
		return b.Mul(b.Add(m.dice(p), m.boundary(p)), b.Scalar(0.5))
	}
	return b.Add(m.crossEntropy(nil, 0), m.dice(m.foreground(b.Softmax(in.Logits, 1))))
}

// OneHot puts the background before foreground masks [N, K−1, D, H, W] of zeros and ones: it is 1 where
// all of them are 0. The result is [N, K, D, H, W].
func OneHot(b *graph.Builder, foreground *graph.Node) *graph.Node {
	return b.Concat(1, b.Sub(b.Scalar(1), b.ReduceSum(foreground, 1)), foreground)
}

// maker makes the terms of one loss.
type maker struct {
	*graph.Builder
	Inputs
	classes int
}

// mean averages everything, into shape [1].
func (m maker) mean(x *graph.Node) *graph.Node {
	return m.ReduceMean(m.Reshape(x, -1), 0)
}

// crossEntropy is the mean of −Σ α y (1−p)^γ log p; alpha nil is 1.
func (m maker) crossEntropy(alpha []float64, gamma float64) *graph.Node {
	weighted := m.Label
	if alpha != nil {
		w := tensor.NewFloat32(append([]int{1, m.classes}, ones(len(m.Logits.Shape())-2)...)...)
		for i, a := range alpha {
			w.F32[i] = float32(a)
		}
		weighted = m.Mul(weighted, m.Const(w))
	}
	logP := m.LogSoftmax(m.Logits, 1)
	if gamma != 0 {
		weighted = m.Mul(weighted, m.focus(logP, gamma))
	}
	return m.Neg(m.mean(m.ReduceSum(m.Mul(weighted, logP), 1)))
}

// focus is (1−p)^γ. Rounding may leave p a little above 1, where most powers are undefined.
func (m maker) focus(logP *graph.Node, gamma float64) *graph.Node {
	q := m.Relu(m.Sub(m.Scalar(1), m.Exp(logP)))
	switch gamma {
	case 1:
		return q
	case 2:
		return m.Mul(q, q)
	}
	return m.Pow(q, m.Scalar(float32(gamma)))
}

// foreground drops the background channel.
func (m maker) foreground(x *graph.Node) *graph.Node { return m.Slice(x, 1, 1, m.classes) }

// dice is 1 − (2Σyp + s)/(Σy + Σp + s), sums over space, averaged over foreground classes and exams.
func (m maker) dice(p *graph.Node) *graph.Node {
	var space []int
	for ax := 2; ax < len(p.Shape()); ax++ {
		space = append(space, ax)
	}
	y := m.foreground(m.Label)
	both := m.Add(m.Mul(m.ReduceSum(m.Mul(y, p), space...), m.Scalar(2)), m.Scalar(smooth))
	all := m.Add(m.Add(m.ReduceSum(y, space...), m.ReduceSum(p, space...)), m.Scalar(smooth))
	return m.Sub(m.Scalar(1), m.mean(m.Div(both, all)))
}

// boundary is the mean of p·φ over voxels, foreground classes and exams.
func (m maker) boundary(p *graph.Node) *graph.Node {
	if m.Distance == nil || fmt.Sprint(m.Distance.Shape()) != fmt.Sprint(p.Shape()) {
		m.Fail("loss: the boundary loss wants signed distances %v, it was given %s", p.Shape(), m.Distance)
	}
	return m.mean(m.Mul(p, m.Distance))
}

func ones(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// Gaussian is a diagonal normal distribution, float32 [N, L, 1, 1, 1] each.
type Gaussian struct {
	Mean, LogScale *graph.Node // LogScale is log σ
}

// KL is the Kullback-Leibler divergence of q from p in nats, in closed form, summed over the dimensions
// and averaged over the exams, of shape [1]:
//
//	Σ log σ_p − log σ_q + (σ_q² + (μ_q − μ_p)²)/(2σ_p²) − ½
func KL(b *graph.Builder, q, p Gaussian) *graph.Node {
	two := b.Scalar(2)
	gap := b.Sub(q.Mean, p.Mean)
	precision := b.Exp(b.Neg(b.Mul(p.LogScale, two)))
	spread := b.Add(b.Exp(b.Mul(q.LogScale, two)), b.Mul(gap, gap))
	terms := b.Add(b.Sub(p.LogScale, q.LogScale), b.Mul(b.Sub(b.Mul(spread, precision), b.Scalar(1)), b.Scalar(0.5)))
	exams := terms.Shape()[0]
	return b.ReduceMean(b.Reshape(b.ReduceSum(b.Reshape(terms, exams, -1), 1), -1), 0)
}
