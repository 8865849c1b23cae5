package nets

import (
	"fmt"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// Names of the graphs' tensors.
const (
	InputName          = "image"              // float32 [1, C, D, H, W]
	LabelName          = "label"              // float32 [1, K−1, D, H, W], one-hot without the background; training only
	OutputName         = "probabilities"      // float32 [1, K, D, H, W], softmax over classes
	LogitsName         = "logits"             // float32 [1, K, D, H, W], before the softmax; training only
	PriorMeanName      = "prior.mean"         // float32 [1, L, 1, 1, 1]
	PriorScaleName     = "prior.logscale"     // float32 [1, L, 1, 1, 1], clipped
	PosteriorMeanName  = "posterior.mean"     // training only
	PosteriorScaleName = "posterior.logscale" // training only
	LatentNoise        = "noise.z"            // float32 [1, L, 1, 1, 1], standard normal
	logScaleLimit      = 10                   // the log-scale of z is clipped to ±10
	maskPrefix         = "noise."             // bool masks: noise.e1 … noise.u0
	attentionPrefix    = "attention."         // attention.1 … attention.3, float32 [1, 1, d, h, w]
)

// LatentScale says how the standard deviation of z is made; it goes into the model card. The authors'
// first revision used the raw output, which can be negative; their second uses the exponential.
const LatentScale = "exp(clip(log-scale, -10, 10))"

// Values are the nodes of an M1 in a graph under construction. The posterior's are nil at inference.
type Values struct {
	Image, Label                     *graph.Node
	Logits, Probabilities            *graph.Node
	PriorMean, PriorLogScale         *graph.Node
	PosteriorMean, PosteriorLogScale *graph.Node
	Attention                        []*graph.Node // levels 3, 2, 1: coarse to fine
	Decoder                          []*graph.Node // u3, u2, u1 after their dropout: coarse to fine
	Noise                            []modelcard.Noise
}

// Build makes M1 with unbound parameters. In training the latent is drawn from the posterior net, which
// also sees the label; at inference from the prior net. A configuration that does not hold fails the builder.
func Build(b *graph.Builder, c Config, training bool) Values {
	if err := c.Validate(); err != nil {
		b.Fail("%w", err)
	}
	root := layers{b: b, c: c}
	v := Values{Image: b.Input(InputName, tensor.Float32, 1, c.Channels, c.Size[0], c.Size[1], c.Size[2])}
	u0 := v.unet(root)
	v.PriorMean, v.PriorLogScale = root.in("prior").latentNet(v.Image)
	mean, logScale := v.PriorMean, v.PriorLogScale
	if training {
		v.Label = b.Input(LabelName, tensor.Float32, 1, c.Classes-1, c.Size[0], c.Size[1], c.Size[2])
		v.PosteriorMean, v.PosteriorLogScale = root.in("posterior").latentNet(b.Concat(1, v.Image, v.Label))
		mean, logScale = v.PosteriorMean, v.PosteriorLogScale
	}
	v.Logits = v.head(root.in("head"), u0, mean, logScale)
	v.Probabilities = root.in("head").scope(func() *graph.Node { return b.Softmax(v.Logits, 1) })
	return v
}

// declareMask makes the bool input of one dropout layer.
func (v *Values) declareMask(b *graph.Builder) func(string, float64, []int) *graph.Node {
	return func(layer string, keep float64, shape []int) *graph.Node {
		n := modelcard.Noise{Name: maskPrefix + layer, Kind: modelcard.Bernoulli, Keep: keep, Shape: shape}
		v.Noise = append(v.Noise, n)
		return b.Input(n.Name, tensor.Bool, shape...)
	}
}

// unet is encoder, attention and nested decoder; it returns u0 after its dropout.
func (v *Values) unet(n layers) *graph.Node {
	f, k, s := n.c.Filters, n.c.Kernels, n.c.Strides
	one, mask := [3]int{1, 1, 1}, v.declareMask(n.b)
	drop := func(name string, p float64, x *graph.Node) *graph.Node { return n.in(name).dropout(x, 1-p, mask) }
	up := func(name string, to int, x *graph.Node) *graph.Node { return n.in(name).up(x, f[to], k[to+1], s[to+1]) }
	decode := func(name string, level int, in ...*graph.Node) *graph.Node {
		x := in[0]
		if len(in) > 1 {
			x = n.b.Concat(1, in...)
		}
		return n.in(name).block(x, f[level], k[level], one)
	}
	names := [Levels]string{"", "e1", "e2", "e3", "e4"}
	e := n.encoder(v.Image, func(level int, x *graph.Node) *graph.Node { return drop(names[level], n.c.Dropout, x) })
	g := e[4]
	a3, m3 := n.in("a3").attention(e[3], g)
	a2, m2 := n.in("a2").attention(e[2], g)
	a1, m1 := n.in("a1").attention(e[1], g)
	v.Attention = []*graph.Node{m3, m2, m1}

	d3 := up("d3", 3, g)
	d3p := up("d3p", 2, d3)
	d3pp := up("d3pp", 1, d3p)
	u3 := drop("u3", n.c.Dropout, decode("u3", 3, d3, a3))
	d2 := up("d2", 2, u3)
	d2p := up("d2p", 1, d2)
	u2 := drop("u2", n.c.Dropout, decode("u2", 2, d2, d3p, a2))
	d1 := up("d1", 1, u2)
	u1 := drop("u1", n.c.Dropout, decode("u1", 1, d1, d2p, d3pp, a1))
	v.Decoder = []*graph.Node{u3, u2, u1}
	d0 := up("d0", 0, u1)
	return drop("u0", n.c.Dropout/2, decode("u0", 0, d0))
}

// latentNet is the prior or posterior net: an encoder without dropout, averaged over space, and a
// 1×1×1 convolution to the mean and clipped log-scale of a diagonal Gaussian.
func (l layers) latentNet(x *graph.Node) (mean, logScale *graph.Node) {
	n := l.c.Latent
	e := l.encoder(x, nil)
	pooled := l.scope(func() *graph.Node { return l.b.ReduceMean(e[Levels-1], 2, 3, 4) })
	both := l.in("latent").conv1(pooled, 2*n)
	mean = l.scope(func() *graph.Node { return l.b.Slice(both, 1, 0, n) })
	logScale = l.scope(func() *graph.Node { return l.b.Clip(l.b.Slice(both, 1, n, 2*n), -logScaleLimit, logScaleLimit) })
	return mean, logScale
}

// head draws z = mean + e^logScale · ε, spreads it over space beside u0 and classifies.
func (v *Values) head(l layers, u0, mean, logScale *graph.Node) *graph.Node {
	b, c := l.b, l.c
	shape := []int{1, c.Latent, 1, 1, 1}
	v.Noise = append(v.Noise, modelcard.Noise{Name: LatentNoise, Kind: modelcard.Normal, Shape: shape})
	epsilon := b.Input(LatentNoise, tensor.Float32, shape...)
	x := l.scope(func() *graph.Node {
		z := b.Add(mean, b.Mul(b.Exp(logScale), epsilon))
		return b.Concat(1, u0, b.Expand(z, 1, c.Latent, c.Size[0], c.Size[1], c.Size[2]))
	})
	one := [3]int{1, 1, 1}
	x = l.leaky(l.in("first").convNorm(x, c.Head[0], c.Kernels[0], one))
	x = l.leaky(l.in("second").convNorm(x, c.Head[1], c.Kernels[0], one))
	return l.in("class").conv1(x, c.Classes)
}

// DeepLogits adds what deep supervision trains beside the head: a 1×1×1 convolution to the classes on
// each decoder level, with parameters of its own. It returns logits [1, K, d, h, w] for levels 3, 2 and 1.
// They belong into training graphs only.
func (v *Values) DeepLogits(b *graph.Builder, c Config) []*graph.Node {
	root := layers{b: b, c: c}.in("deep")
	out := make([]*graph.Node, len(v.Decoder))
	for i, u := range v.Decoder {
		out[i] = root.in(fmt.Sprint(len(v.Decoder)-i)).conv1(u, c.Classes)
	}
	return out
}

// AttentionNames are the optional outputs of an inference graph, coarse to fine.
func AttentionNames() []string {
	return []string{attentionPrefix + "3", attentionPrefix + "2", attentionPrefix + "1"}
}

// Inference is the graph of one Monte-Carlo sample with unbound parameters: input [InputName], the
// noise inputs in the order returned, outputs [OutputName] and [AttentionNames]. Errors are [ErrConfig].
func Inference(c Config) (*graph.Graph, []modelcard.Noise, error) {
	var v Values
	g, err := graph.Build("M1", func(b *graph.Builder) {
		v = Build(b, c, false)
		b.Output(OutputName, v.Probabilities)
		for i, name := range AttentionNames() {
			b.Output(name, v.Attention[i])
		}
	})
	return g, v.Noise, err
}

// Training is the forward pass of training with unbound parameters: inputs [InputName] and [LabelName]
// and the noise; outputs logits, probabilities and both Gaussians, from which a loss is made.
func Training(c Config) (*graph.Graph, []modelcard.Noise, error) {
	var v Values
	g, err := graph.Build("M1 training", func(b *graph.Builder) {
		v = Build(b, c, true)
		b.Output(LogitsName, v.Logits)
		b.Output(OutputName, v.Probabilities)
		b.Output(PriorMeanName, v.PriorMean)
		b.Output(PriorScaleName, v.PriorLogScale)
		b.Output(PosteriorMeanName, v.PosteriorMean)
		b.Output(PosteriorScaleName, v.PosteriorLogScale)
	})
	return g, v.Noise, err
}
