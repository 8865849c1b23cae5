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

// drawScene draws the stack that images an anatomy, and how the anatomy lies in it.
func drawScene(r *rand.Rand, recipe prep.Recipe, p *plate) *scene {
	s := &scene{recipe: recipe, plate: p, t2w: drawStack(r, &recipe)}
	s.pose = drawPose(r, float64(s.t2w.slices)*s.t2w.spacing)
	column := geom.Vec3{s.pose.turn[0][2], s.pose.turn[1][2], s.pose.turn[2][2]}
	for a := range 3 {
		s.through[a] = column[a] / latticeMM[a]
	}
	return s
}

// make draws an example of an anatomy, with csPCa or without.
func (g *Generator) make(r *rand.Rand, p *plate, name string, cancer bool) *training.Example {
	s := drawScene(r, g.config.Recipe, p)
	s.foci = drawFoci(r, p, cancer)
	size := s.recipe.Size
	image := tensor.NewFloat32(1, len(s.recipe.Channels), size[2], size[1], size[0])
	wild := anyContrast
	if g.config.Task == modelcard.Diagnosis {
		wild /= 4
	}
	s.channels(r, r, wild, image.F32)
	return &training.Example{Exam: name, Image: image, Label: s.label(g.config.Task)}
}

// channels images the scene for each channel of the recipe and normalises; wild is the chance of a T2-weighted
// contrast without order. t2w and dwi may be one generator.
func (s *scene) channels(t2w, dwi *rand.Rand, wild float64, out []float32) {
	n := len(out) / len(s.recipe.Channels)
	structural := s.contrast(t2w, wild)
	var high, adc []float32
	for c, channel := range s.recipe.Channels {
		values := structural
		if role := channel.ExamRole(); role != exam.T2W {
			if adc == nil {
				high, adc = s.diffusion(dwi)
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
	size := s.recipe.Size
	out := make([]uint8, size[0]*size[1]*size[2])
	s.imaged(func(at int, v geom.Vec3) { out[at] = s.class(task, v) })
	return out
}

// imaged calls do with every voxel of the model's grid, x fastest, that lies in the T2-weighted image, and
// its image position.
func (s *scene) imaged(do func(at int, v geom.Vec3)) {
	size, mm := s.recipe.Size, s.recipe.SpacingMM
	at := 0
	for k := range size[2] {
		z := (float64(k) - float64(size[2]-1)/2) * mm[2]
		for j := range size[1] {
			for i := range size[0] {
				v := s.t2w.at(i, j, 0)
				v[2] = z
				if s.t2w.covers(v[0], v[1], z) {
					do(at, v)
				}
				at++
			}
		}
	}
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
