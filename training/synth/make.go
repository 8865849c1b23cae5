package synth

import (
	"math"
	"math/rand/v2"
	"sync"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

// anyContrast is the share of draws whose T2-weighted contrast has no order.
const anyContrast = 0.2

// scene is one draw: an anatomy, how it lies, what is ill in it, and the stack that images it.
type scene struct {
	recipe  prep.Recipe
	plate   *plate
	pose    pose
	through geom.Vec3 // lattice indices per mm along the image's slice axis
	foci    []focus
	t2w     stack
}

// fields lends lattices of floats.
var fields = sync.Pool{New: func() any { return new([latticePoints]float32) }}

// borrow returns a lattice of floats of any contents; give it back by fields.Put.
func borrow() *[latticePoints]float32 {
	f, ok := fields.Get().(*[latticePoints]float32)
	if !ok {
		return new([latticePoints]float32)
	}
	return f
}

// make draws an example of an anatomy, with csPCa or without.
func (g *Generator) make(r *rand.Rand, p *plate, name string, cancer bool) *training.Example {
	s := &scene{recipe: g.config.Recipe, plate: p, t2w: drawStack(r, &g.config.Recipe)}
	s.pose = drawPose(r, float64(s.t2w.slices)*s.t2w.spacing)
	column := geom.Vec3{s.pose.turn[0][2], s.pose.turn[1][2], s.pose.turn[2][2]}
	for a := range 3 {
		s.through[a] = column[a] / latticeMM[a]
	}
	s.foci = drawFoci(r, p, cancer)
	size := s.recipe.Size
	image := tensor.NewFloat32(1, len(s.recipe.Channels), size[2], size[1], size[0])
	s.channels(r, image.F32, g.config.Task)
	return &training.Example{Exam: name, Image: image, Label: s.label(g.config.Task)}
}

// channels images the scene for each channel of the recipe and normalises.
func (s *scene) channels(r *rand.Rand, out []float32, task modelcard.Task) {
	n := len(out) / len(s.recipe.Channels)
	wild := anyContrast
	if task == modelcard.Diagnosis {
		wild /= 4
	}
	structural := s.contrast(r, wild)
	var high, adc []float32
	for c, channel := range s.recipe.Channels {
		values := structural
		if role := channel.ExamRole(); role != exam.T2W {
			if adc == nil {
				high, adc = s.diffusion(r)
			}
			values = high
			if role == exam.ADC {
				values = adc
			}
		}
		normalise(channel, values, out[c*n:(c+1)*n])
	}
}

// contrast images the scene T2-weighted; wild is the chance of a contrast without order.
func (s *scene) contrast(r *rand.Rand, wild float64) []float32 {
	p := drawWeighted(r)
	if chance(r, wild) {
		p = drawAny(r)
	}
	f := borrow()
	defer fields.Put(f)
	p.paint(r, s.plate, f[:])
	for i := range s.foci {
		s.foci[i].darken(s.plate, &p, f[:])
	}
	return s.structural(r, f[:])
}

// normalise writes a channel as [prep.Recipe.Apply] does; NaN is outside the image.
func normalise(c prep.Channel, values, out []float32) {
	shift, scale, background := c.Low, c.High-c.Low, 0.0
	if c.Norm == prep.ZScore {
		shift, scale = moments(values)
	} else {
		background = bounded(c, -shift/scale)
	}
	for i, v := range values {
		if v != v {
			out[i] = float32(background)
			continue
		}
		out[i] = float32(bounded(c, (float64(v)-shift)/scale))
	}
}

func bounded(c prep.Channel, v float64) float64 {
	if c.Norm == prep.Linear && c.Clip {
		return clamp(v, 0, 1)
	}
	return v
}

// moments returns mean and population standard deviation of the values that are numbers; the deviation is
// never 0, since every image has noise.
func moments(values []float32) (mean, sd float64) {
	n := 0
	for _, v := range values {
		if v == v {
			mean += float64(v)
			n++
		}
	}
	mean /= float64(max(1, n))
	for _, v := range values {
		if v == v {
			sd += (float64(v) - mean) * (float64(v) - mean)
		}
	}
	return mean, math.Sqrt(sd / float64(max(1, n)))
}

// label returns the class of every voxel of the model's grid. Outside the image nothing is labelled, as
// nobody could have drawn there.
func (s *scene) label(task modelcard.Task) []uint8 {
	size, mm := s.recipe.Size, s.recipe.SpacingMM
	out := make([]uint8, size[0]*size[1]*size[2])
	at := 0
	for k := range size[2] {
		z := (float64(k) - float64(size[2]-1)/2) * mm[2]
		for j := range size[1] {
			for i := range size[0] {
				v := s.t2w.at(i, j, 0)
				v[2] = z
				if s.t2w.covers(v[0], v[1], z) {
					out[at] = s.class(task, v)
				}
				at++
			}
		}
	}
	return out
}

// class returns the class at an image position.
func (s *scene) class(task modelcard.Task, v geom.Vec3) uint8 {
	b := s.pose.body(v)
	zone := s.plate.zoneAt(lattice(b))
	if task == modelcard.Anatomy || zone == 0 {
		return zone
	}
	for i := range s.foci {
		if f := &s.foci[i]; f.cancer && f.drawn(b) {
			return phantom.LabelLesion
		}
	}
	return 0
}
