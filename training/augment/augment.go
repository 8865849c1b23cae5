// Package augment changes training examples at random, as the paper does: noise, left-right flip, and a
// rotation, translation and scaling within the axial plane, of image and label together. Everything is
// drawn from a seed, so that the same seed gives the same example on every machine.
package augment

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

// stream tells the numbers drawn here from those that others draw from the same seed.
const stream = 0x6175676d656e74

// Frame is what a change needs to know of an example's grid besides its size.
type Frame struct {
	Spacing geom.Vec3 // mm between voxel centres along W, H, D; only the axial plane, W and H, counts
	// Background is the value of each channel where there is no image; 0 for channels it does not list.
	Background []float32
}

// FrameOf returns the frame of examples prepared by a recipe: its spacing, and for each channel what
// [prep.Recipe.Apply] writes outside an image.
func FrameOf(r prep.Recipe) Frame {
	f := Frame{Spacing: r.SpacingMM, Background: make([]float32, len(r.Channels))}
	for c, channel := range r.Channels {
		if channel.Norm != prep.Linear {
			continue
		}
		v := -channel.Low / (channel.High - channel.Low)
		if channel.Clip {
			v = min(max(v, 0), 1)
		}
		f.Background[c] = float32(v)
	}
	return f
}

// Change is what happens to one example: flipped first, then scaled and rotated about the middle of the
// grid, then moved, and last made noisy. The zero value leaves an example as it is.
type Change struct {
	Flip        bool       // left-right: along W, which runs to the patient's left
	Scale       float64    // growth as a share: 0.1 is a tenth larger; a size of nothing, −1, leaves the background
	RotationDeg float64    // from W towards H: counter-clockwise as seen from the head, with W to the left and H to the back
	ShiftMM     [2]float64 // along W and H
	NoiseSD     float64    // of the Gaussian noise, in units of the normalised image
	NoiseSeed   uint64
}

// Draw draws a change within the bounds of a from seed, each of its parts uniformly. size is the number of
// voxels along W, H, D. The bounds that are switched off do not change what the others draw.
func Draw(size [3]int, spacing geom.Vec3, a training.Augmentation, seed uint64) Change {
	rng := rand.New(rand.NewPCG(seed, stream))
	sign := func(bound float64) float64 { return bound * (2*rng.Float64() - 1) }
	c := Change{
		NoiseSD:     a.NoiseSD * rng.Float64(),
		Flip:        rng.Uint64()&1 == 1 && a.Flip,
		RotationDeg: sign(a.RotationDeg),
	}
	for i := range c.ShiftMM {
		c.ShiftMM[i] = sign(a.TranslateFor) * float64(size[i]) * spacing[i]
	}
	c.Scale = sign(a.ScaleFor)
	c.NoiseSeed = rng.Uint64()
	return c
}

// Apply returns e changed at random within the bounds of a: what seed draws ([Draw]), done by
// [Change.Apply]. An augmentation without bounds returns e itself.
func Apply(e *training.Example, f Frame, a training.Augmentation, seed uint64) *training.Example {
	s := e.Image.Shape
	return Draw([3]int{s[4], s[3], s[2]}, f.Spacing, a, seed).Apply(e, f)
}

// Apply returns e after the change; e itself where nothing is to change. The image is read linearly, the
// label at the nearest voxel, both at the same points. In millimetres the change keeps shapes, whatever the
// spacing. Points outside the grid, which ends half a voxel beyond the outermost centres, get the
// background and class 0. e must have passed [training.Example.Check].
func (c Change) Apply(e *training.Example, f Frame) *training.Example {
	if c.still() && c.NoiseSD == 0 {
		return e
	}
	out := &training.Example{Exam: e.Exam, Label: e.Label}
	if c.still() {
		out.Image = tensor.NewFloat32(e.Image.Shape...)
		copy(out.Image.F32, e.Image.F32)
	} else {
		c.move(e, out, f)
	}
	if c.NoiseSD > 0 {
		rng := rand.New(rand.NewPCG(c.NoiseSeed, stream))
		for i := range out.Image.F32 {
			out.Image.F32[i] += float32(c.NoiseSD * rng.NormFloat64())
		}
	}
	return out
}

// still reports whether nothing moves.
func (c Change) still() bool {
	return !c.Flip && c.Scale == 0 && c.RotationDeg == 0 && c.ShiftMM == [2]float64{}
}

// plane is an affine map of the axial plane, in voxels: (i, j) to m·(i, j, 1).
type plane [2][3]float64

// source returns the map from a voxel of the changed image to where it comes from.
func (c Change) source(w, h int, spacing geom.Vec3) plane {
	sin, cos := math.Sincos(c.RotationDeg * math.Pi / 180)
	if c.RotationDeg == 0 {
		sin, cos = 0, 1
	}
	grow := 1 + c.Scale
	ratio := spacing[1] / spacing[0] // of a voxel along H to one along W
	m := plane{{cos / grow, sin / grow * ratio}, {-sin / grow / ratio, cos / grow}}
	middle := [2]float64{float64(w-1) / 2, float64(h-1) / 2}
	at := [2]float64{middle[0] + c.ShiftMM[0]/spacing[0], middle[1] + c.ShiftMM[1]/spacing[1]} // where the middle goes
	for r := range m {
		m[r][2] = middle[r] - m[r][0]*at[0] - m[r][1]*at[1]
	}
	if c.Flip {
		m[0] = [3]float64{-m[0][0], -m[0][1], float64(w-1) - m[0][2]}
	}
	return m
}

// move fills out with the moved image and label.
func (c Change) move(e, out *training.Example, f Frame) {
	s := e.Image.Shape
	channels, d, h, w := s[1], s[2], s[3], s[4]
	out.Image = tensor.NewFloat32(s...)
	out.Label = make([]uint8, len(e.Label))
	m := c.source(w, h, f.Spacing)
	taps := m.taps(w, h)
	n := w * h
	for channel := range channels {
		background := float32(0)
		if channel < len(f.Background) {
			background = f.Background[channel]
		}
		for k := range d {
			at := (channel*d + k) * n
			blend(out.Image.F32[at:at+n], e.Image.F32[at:at+n], taps, background)
		}
	}
	for k := range d {
		src, dst := e.Label[k*n:(k+1)*n], out.Label[k*n:(k+1)*n]
		for i, t := range taps {
			if t.inside {
				dst[i] = src[t.nearest]
			}
		}
	}
}

// tap says where a voxel of the axial plane comes from: four voxels around a point, and their weights.
type tap struct {
	at      [4]int32
	weight  [4]float32
	nearest int32
	inside  bool
}

// taps returns the tap of each voxel, W fastest; they are the same in every slice and channel.
func (m plane) taps(w, h int) []tap {
	out := make([]tap, w*h)
	for j := range h {
		for i := range w {
			x := m[0][0]*float64(i) + m[0][1]*float64(j) + m[0][2]
			y := m[1][0]*float64(i) + m[1][1]*float64(j) + m[1][2]
			if x >= -0.5 && y >= -0.5 && x <= float64(w)-0.5 && y <= float64(h)-0.5 {
				out[j*w+i] = tapAt(x, y, w, h)
			}
		}
	}
	return out
}

// tapAt returns the tap of a point inside the grid; in the outer half voxel the edge voxel counts alone.
func tapAt(x, y float64, w, h int) tap {
	x, y = min(max(x, 0), float64(w-1)), min(max(y, 0), float64(h-1))
	i, j := int(x), int(y)
	i1, j1 := min(i+1, w-1), min(j+1, h-1)
	fx, fy := float32(x-float64(i)), float32(y-float64(j))
	return tap{
		at:      [4]int32{int32(j*w + i), int32(j*w + i1), int32(j1*w + i), int32(j1*w + i1)},
		weight:  [4]float32{(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy},
		nearest: int32(int(y+0.5)*w + int(x+0.5)),
		inside:  true,
	}
}

// blend reads one slice at the taps.
func blend(dst, src []float32, taps []tap, background float32) {
	for i := range taps {
		t := &taps[i]
		if !t.inside {
			dst[i] = background
			continue
		}
		dst[i] = t.weight[0]*src[t.at[0]] + t.weight[1]*src[t.at[1]] + t.weight[2]*src[t.at[2]] + t.weight[3]*src[t.at[3]]
	}
}
