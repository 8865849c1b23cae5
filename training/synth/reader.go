package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
)

// How readers differ. Borders move along their normal by a smooth random distance: what a reader does always
// (habit), what he does in this exam, and what changes along the border. Figures are chosen so that pairs of
// readers agree as published: Dice of 0.92 for WG and 0.88 for TZ, 0.95 in the middle of the gland, 0.90 at the
// apex and 0.87 at the base (Montagne et al., Insights into Imaging 2021, 7 radiologists, 40 exams), borders
// 0.7–1.7 mm apart (SD; Nyholm et al., Radiation Oncology 2013), Dice of 0.5–0.6 for lesions (Jeganathan
// et al., Biomedicines 2023; Rischke et al., Radiation Oncology 2013), and κ of 0.59 in PZ and 0.51 in TZ for calling
// a focus suspicious (Rosenkrantz et al., Radiology 2016).
const (
	habitMM      = 0.27 // SD over readers, of either border
	dayMM        = 0.27 // SD over exams
	alongMM      = 0.68 // SD along the outer border, in the middle of the gland
	alongInnerMM = 0.90 // SD along the border of TZ and PZ
	apexMore     = 1.2  // by which SDs grow towards the apex, as a share
	baseMore     = 1.6  // and towards the base
	furthestMM   = 7    // no border moves further

	thresholdSD = 0.05 // of suspicion, over readers
	marginSD    = 0.08 // of the logarithm of a focus' radius, over readers
	marginDaySD = 0.10 // and over exams
	shiftMM     = 1.0  // SD of a focus' middle along each axis
	wobble      = 0.22 // of a focus' border, as a share of its radius
)

// Foci of a cohort.
const (
	suspiciousShare = 0.3 // of the foci that are not ambiguous
	ambiguousWidth  = 0.1 // of suspicion, on either side of the readers' mean threshold
	harmlessBelow   = 0.3
	suspiciousFrom  = 0.68
)

// fociCount is the number of foci of an exam; each entry is as likely.
var fociCount = [20]int{0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3}

// foci draws how the foci of an exam look, without their places.
func (c *Cohort) foci(exam int) []focus {
	r := stream(c.config.Seed, forCohortFoci, uint64(exam))
	out := make([]focus, fociCount[r.IntN(len(fociCount))])
	for k := range out {
		out[k] = drawGraded(r, c.config.Ambiguous)
	}
	return out
}

// drawGraded draws a focus that is ambiguous, or clearly suspicious, or clearly harmless.
func drawGraded(r *rand.Rand, ambiguous float64) focus {
	lo, hi := 0.0, harmlessBelow
	switch {
	case chance(r, ambiguous):
		lo, hi = suspicionMiddle-ambiguousWidth, suspicionMiddle+ambiguousWidth
	case chance(r, suspiciousShare):
		lo, hi = suspiciousFrom, 1
	}
	for {
		f := drawLooks(r, uniform(r, max(0.02, lo-0.1), min(1, hi+0.1)))
		if s := f.suspicion(); s >= lo && s <= hi {
			return f
		}
	}
}

// somewhere returns a place in a zone, else in the other one, else the middle of the gland.
func (p *plate) somewhere(r *rand.Rand, zone uint8) geom.Vec3 {
	for _, z := range [2]uint8{zone, phantom.LabelTZ + phantom.LabelPZ - zone} {
		if site, ok := p.site(r, z); ok {
			return site
		}
	}
	return geom.Vec3{}
}

// habits is what a reader does in every exam.
type habits struct {
	outer, inner float64 // mm by which WG, and TZ within it, are drawn too large
	threshold    float64 // of suspicion, at which half of the foci are called
	margin       float64 // logarithm of the relative radius of foci
}

// habits draws a reader.
func (c *Cohort) habits(reader int) habits {
	r := stream(c.config.Seed, forReader, uint64(reader))
	return habits{
		outer: around(r, 0, habitMM), inner: around(r, 0, habitMM),
		threshold: around(r, suspicionMiddle, thresholdSD), margin: around(r, 0, marginSD),
	}
}

// perReader separates the streams of the readings of one exam.
const perReader = 1 << 20

// calls says which foci of an exam a reader calls csPCa.
func (c *Cohort) calls(exam, reader int) []bool {
	r := stream(c.config.Seed, forCall, uint64(exam)*perReader+uint64(reader))
	threshold := c.habits(reader).threshold
	foci := c.foci(exam)
	out := make([]bool, len(foci))
	for k := range foci {
		out[k] = chance(r, 1/(1+math.Exp(-suspicionSlope*(foci[k].suspicion()-threshold))))
	}
	return out
}

// view is a scene as readers look at it: the voxels about the gland, and how far they are from its borders.
type view struct {
	scene      *scene
	voxels     []place
	apex, base float64 // heights in the anatomy, mm
	total      int     // voxels of the grid
}

// place is a voxel of the model's grid in the anatomy.
type place struct {
	at    int       // in the grid, x fastest
	body  geom.Vec3 // mm from the gland's centroid
	outer float32   // mm from WG's border, negative inside
	inner float32   // mm from the border between TZ and PZ, negative on the side of TZ
}

// view finds the voxels that some reader may count to the gland.
func (s *scene) view(b *borders) *view {
	size := s.recipe.Size
	v := &view{scene: s, total: size[0] * size[1] * size[2], apex: b.apex, base: b.base}
	s.imaged(func(at int, p geom.Vec3) {
		q := s.pose.body(p)
		c, fx, fy, fz := cell(lattice(q))
		if d := read(b.outer, c, fx, fy, fz); d < furthestMM {
			v.voxels = append(v.voxels, place{at, q, d, read(b.inner, c, fx, fy, fz)})
		}
	})
	return v
}

// edge is how far a reader draws one border outside of where it is.
type edge struct {
	shift, sd float64 // mm
	waves     []wave
}

func drawEdge(r *rand.Rand, habit, sd float64) edge {
	return edge{shift: habit + around(r, 0, dayMM), sd: sd, waves: drawWaves(r, 8, 1, 24, 60)}
}

// at returns mm; more is how much the SD is larger here, as a share.
func (e *edge) at(b geom.Vec3, more float64) float32 {
	d := e.shift + e.sd*math.Sqrt2*ripple(e.waves, b)
	return float32(clamp(d*(1+more), -furthestMM, furthestMM))
}

// unsteady returns by how much readers err more at a height than in the middle, as a share.
func (v *view) unsteady(z float64) float64 {
	if z < 0 {
		return apexMore * step(0.35, 1, z/v.apex)
	}
	return baseMore * step(0.35, 1, z/v.base)
}

// read returns the label that a reader gives an exam.
func (c *Cohort) read(v *view, exam, reader int) []uint8 {
	r := stream(c.config.Seed, forBorder, uint64(exam)*perReader+uint64(reader))
	h := c.habits(reader)
	outer, inner := drawEdge(r, h.outer, alongMM), drawEdge(r, h.inner, alongInnerMM)
	called := c.called(r, v, exam, reader)
	out := make([]uint8, v.total)
	for i := range v.voxels {
		p := &v.voxels[i]
		more := v.unsteady(p.body[2])
		if p.outer > -furthestMM && p.outer >= outer.at(p.body, more) {
			continue
		}
		switch {
		case c.config.Task == modelcard.Diagnosis:
			out[p.at] = lesionAt(called, p.body)
		case p.inner < inner.at(p.body, more):
			out[p.at] = phantom.LabelTZ
		default:
			out[p.at] = phantom.LabelPZ
		}
	}
	return out
}

// called returns the foci that a reader calls, as he draws them.
func (c *Cohort) called(r *rand.Rand, v *view, exam, reader int) []focus {
	habit := c.habits(reader).margin
	var out []focus
	for k, is := range c.calls(exam, reader) {
		f := v.scene.foci[k]
		margin := math.Exp(habit + around(r, 0, marginDaySD))
		f.reach *= max(1, margin) / max(1, f.margin) * (1 + wobble)
		f.margin = margin
		f.centre = f.centre.Add(geom.Vec3{around(r, 0, shiftMM), around(r, 0, shiftMM), around(r, 0, shiftMM)})
		f.reader = drawWaves(r, 4, 1, 8, 24)
		if is {
			out = append(out, f)
		}
	}
	return out
}

// lesionAt returns the class of csPCa where one of the foci is drawn, else 0.
func lesionAt(foci []focus, b geom.Vec3) uint8 {
	for i := range foci {
		f := &foci[i]
		if d := f.radius(b, f.border); d < 10 && d+wobble*ripple(f.reader, b) < f.margin {
			return phantom.LabelLesion
		}
	}
	return 0
}
