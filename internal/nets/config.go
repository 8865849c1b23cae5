// Package nets builds the networks as graphs: M1, the paper's deep attentive 3D U-Net with a
// probabilistic latent and Monte-Carlo dropout, for any filters, strides and grid, with its
// initialisation and its model file. Tensors are [N, C, D, H, W] with N = 1; D, H, W are the model
// grid's z, y, x. All randomness enters through graph inputs; the package draws initial weights only.
package nets

import (
	"errors"
	"fmt"

	"bayeslice/internal/modelcard"
)

// ErrConfig marks a network that cannot be built; the text says which figure is wrong and why.
var ErrConfig = errors.New("nets: unusable network")

// Levels is the number of resolutions of the U-Net, the bottleneck included.
const Levels = 5

// Config describes an M1. Kernels and strides are (z, y, x) per level; level 0 is the stem.
type Config struct {
	Task      modelcard.Task
	Channels  int            // input images
	Classes   int            // background included
	Size      [3]int         // voxels D, H, W
	Filters   [Levels]int    // channels per level, f0…f4
	Kernels   [Levels][3]int // k0…k4
	Strides   [Levels][3]int // s0…s4: the step from the level above
	Reduction int            // squeeze-and-excitation: f/Reduction hidden channels
	Dropout   float64        // p after e1…e4, u3, u2, u1; p/2 after u0
	Latent    int            // dimensions of z
	Head      [2]int         // channels of the head's two convolutions
	Slope     float32        // of LeakyReLU
	Epsilon   float32        // of instance normalisation
}

// PaperM1 is the network of the paper at its full size: 160 × 160 × 20 voxels, 32…512 filters.
func PaperM1(task modelcard.Task) Config {
	c := Config{
		Task: task, Channels: 3, Classes: 2,
		Size:      [3]int{20, 160, 160},
		Filters:   [Levels]int{32, 64, 128, 256, 512},
		Kernels:   [Levels][3]int{{1, 3, 3}, {1, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}},
		Strides:   [Levels][3]int{{1, 1, 1}, {1, 2, 2}, {1, 2, 2}, {2, 2, 2}, {1, 2, 2}},
		Reduction: 8, Dropout: 0.5, Latent: 256, Head: [2]int{64, 16},
		Slope: 0.1, Epsilon: 1e-3,
	}
	if task == modelcard.Anatomy {
		c.Channels, c.Classes = 1, 3
	}
	return c
}

// Validate reports, as [ErrConfig], the first thing that makes the network impossible to build.
func (c Config) Validate() error {
	switch {
	case c.Channels < 1 || c.Classes < 2 || c.Channels > 64 || c.Classes > 64:
		return fmt.Errorf("%w: %d input channels and %d classes", ErrConfig, c.Channels, c.Classes)
	case c.Latent < 1 || c.Latent > 1<<16 || c.Head[0] < 1 || c.Head[1] < 1 || c.Head[0] > 1<<16 || c.Head[1] > 1<<16:
		return fmt.Errorf("%w: %d latent dimensions and a head of %v channels", ErrConfig, c.Latent, c.Head)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("%w: dropout %g is outside [0, 1)", ErrConfig, c.Dropout)
	case !(c.Slope >= 0 && c.Slope <= 1) || !(c.Epsilon > 0):
		return fmt.Errorf("%w: LeakyReLU slope %g, normalisation epsilon %g", ErrConfig, c.Slope, c.Epsilon)
	case c.Reduction < 1:
		return fmt.Errorf("%w: squeeze-and-excitation reduction %d", ErrConfig, c.Reduction)
	}
	for l, f := range c.Filters {
		if f < 1 || f > 1<<14 || f%4 != 0 || f%c.Reduction != 0 {
			return fmt.Errorf("%w: level %d has %d filters, which must be a positive multiple of 4 and of the reduction %d", ErrConfig, l, f, c.Reduction)
		}
	}
	for axis, name := range []string{"D (z)", "H (y)", "W (x)"} {
		if err := c.validateAxis(axis, name); err != nil {
			return err
		}
	}
	return nil
}

// validateAxis holds that each level halves (or whatever its stride is) without remainder, since the
// decoder enlarges by the same factors and must meet the encoder's sizes again.
func (c Config) validateAxis(axis int, name string) error {
	total := 1
	for l := range Levels {
		k, s := c.Kernels[l][axis], c.Strides[l][axis]
		if k < 1 || k > 31 || k%2 == 0 || s < 1 || s > 8 {
			return fmt.Errorf("%w: level %d has kernel %d and stride %d along %s; kernels are odd, up to 31, and strides 1 to 8", ErrConfig, l, k, s, name)
		}
		total *= s
	}
	if n := c.Size[axis]; n < 1 || n > 4096 || n%total != 0 {
		return fmt.Errorf("%w: %d voxels along %s are no multiple of the product %d of its strides", ErrConfig, n, name, total)
	}
	if c.Strides[0][axis] != 1 {
		return fmt.Errorf("%w: the stem has stride %d along %s; it must keep the grid, since the head predicts on it", ErrConfig, c.Strides[0][axis], name)
	}
	return nil
}

// samePads are TensorFlow's 'same' paddings of a convolution: the output has ⌈n/stride⌉ voxels, and of
// an odd total the larger half stands at the end.
func samePads(n, kernel, stride int) (begin, end int) {
	out := (n + stride - 1) / stride
	total := max((out-1)*stride+kernel-n, 0)
	return total / 2, total - total/2
}
