package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
	"bayeslice/internal/phantom"
)

// diffusing is the signal without diffusion weighting, in units of the peripheral zone, fat suppressed, and
// ADC in 10⁻³ mm²/s of each tissue.
var diffusing = [phantom.Tissues]struct{ signal, adc between }{
	phantom.TissueAir:         {between{0, 0.02}, between{0.2, 1.5}},
	phantom.TissueFat:         {between{0.03, 0.15}, between{0.2, 0.6}},
	phantom.TissueSeptum:      {between{0.1, 0.25}, between{0.6, 1}},
	phantom.TissueMuscle:      {between{0.25, 0.42}, between{1.1, 1.5}},
	phantom.TissueMarrow:      {between{0.05, 0.2}, between{0.25, 0.6}},
	phantom.TissueCortex:      {between{0.02, 0.06}, between{0.3, 0.8}},
	phantom.TissueCartilage:   {between{0.2, 0.4}, between{0.9, 1.4}},
	phantom.TissueUrine:       {between{1.2, 1.8}, between{2.6, 3.1}},
	phantom.TissueBladderWall: {between{0.35, 0.6}, between{1.2, 1.6}},
	phantom.TissueBowelWall:   {between{0.35, 0.65}, between{1.0, 1.5}},
	phantom.TissueMucosa:      {between{0.6, 0.9}, between{1.2, 1.7}},
	phantom.TissueStool:       {between{0.1, 0.5}, between{0.6, 1.6}},
	phantom.TissueArtery:      {between{0.02, 0.1}, between{1.5, 2.5}},
	phantom.TissueVein:        {between{0.6, 1}, between{1.6, 2.4}},
	phantom.TissueVesicle:     {between{0.8, 1.2}, between{1.6, 2.2}},
	phantom.TissueVesicleWall: {between{0.45, 0.7}, between{1.1, 1.6}},
	phantom.TissueCavernous:   {between{0.8, 1.2}, between{1.4, 1.9}},
	phantom.TissueCapsule:     {between{0.35, 0.6}, between{0.9, 1.3}},
	phantom.TissueUrethra:     {between{0.7, 1}, between{1.4, 1.8}},
	phantom.TissueSphincter:   {between{0.4, 0.7}, between{1.1, 1.5}},
	phantom.TissuePZ:          {between{0.85, 1.1}, between{1.45, 1.95}},
	phantom.TissueCentral:     {between{0.6, 0.85}, between{0.95, 1.3}},
	phantom.TissueTZ:          {between{0.6, 0.85}, between{1.1, 1.5}},
	phantom.TissueStroma:      {between{0.35, 0.6}, between{0.9, 1.25}},
	phantom.TissueGlandular:   {between{0.75, 1.05}, between{1.4, 1.8}},
	phantom.TissueMixed:       {between{0.65, 0.9}, between{1.2, 1.5}},
	phantom.TissueStromal:     {between{0.5, 0.75}, between{0.9, 1.2}},
	phantom.TissueLesion:      {between{0.6, 0.8}, between{0.6, 0.9}},
	phantom.TissueInflamed:    {between{0.7, 0.95}, between{1.1, 1.4}},
}

// drawDiffusing draws the two palettes of diffusion.
func drawDiffusing(r *rand.Rand) (signal, adc palette) {
	signal.tone, adc.tone = uniform(r, 0.2, 0.6), uniform(r, 0.15, 0.5)
	scale := uniform(r, 1, 1.3) // kurtosis lowers what the fit finds
	for i, d := range diffusing {
		signal.value[i], signal.grain[i] = uniform(r, d.signal.lo, d.signal.hi), uniform(r, 0.02, 0.08)
		adc.value[i], adc.grain[i] = scale*uniform(r, d.adc.lo, d.adc.hi), uniform(r, 0.02, 0.07)
	}
	return signal, adc
}

// echo is a diffusion protocol.
type echo struct {
	low, mid, high float64   // b-values in 10³ s/mm²: two of the fit, and of the high-b image
	kurtosis       float64   // excess kurtosis of all tissues
	noise          float64   // SD in units of the signal of the peripheral zone without weighting
	floor          float64   // signal, in SDs of the noise, under which scanners write no ADC
	blur           float64   // SD in pixels of the smoothing that scanners do
	calculated     bool      // the high-b image follows from the fit
	offset         geom.Vec3 // image mm by which the patient has moved since the T2-weighted image
	warp           float64   // largest shift along the phase axis near the rectum, mm
	rectum         geom.Vec3
}

func (s *scene) drawEcho(r *rand.Rand) echo {
	e := echo{
		low: uniform(r, 0, 0.1), mid: uniform(r, 0.7, 1), high: uniform(r, 1, 2),
		noise: uniform(r, 0.004, 0.02), kurtosis: uniform(r, 0.3, 0.9), calculated: chance(r, 0.5), floor: uniform(r, 2, 5),
		offset: geom.Vec3{around(r, 0, 0.7), around(r, 0, 0.7), around(r, 0, 0.8)},
		warp:   around(r, 0, 1.2), rectum: s.pose.centre.Add(geom.Vec3{0, 28, 0}),
	}
	if chance(r, 0.35) {
		e.floor = uniform(r, 5, 15)
	}
	if chance(r, 0.5) {
		e.blur = uniform(r, 0.3, 0.8)
	}
	return e
}

// diffusion images the scene diffusion-weighted, at the resolution of echo-planar images, and brings the
// high-b image and ADC (10⁻⁶ mm²/s) onto the model's grid; NaN outside.
func (s *scene) diffusion(r *rand.Rand) (high, adc []float32) {
	signal, coefficient := drawDiffusing(r)
	f, d := borrow(), borrow()
	defer fields.Put(f)
	defer fields.Put(d)
	signal.paint(r, s.plate, f[:])
	coefficient.paint(r, s.plate, d[:])
	for i := range s.foci {
		s.foci[i].restrict(s.plate, f[:], d[:])
	}
	st := s.t2w
	st.limit = [2]float64{1000, 1000}
	pixel := uniform(r, 1.5, 2.2)
	st.pixel = [2]float64{pixel, pixel}
	st.columns = int(float64(s.recipe.Size[0])*s.recipe.SpacingMM[0]/pixel) + 5
	st.rows = int(float64(s.recipe.Size[1])*s.recipe.SpacingMM[1]/pixel) + 5
	e := s.drawEcho(r)
	from, to := st.needed(&s.recipe)
	n := s.recipe.Size[0] * s.recipe.Size[1]
	highs, adcs := make([]float32, (to-from)*n), make([]float32, (to-from)*n)
	own := [2][]float32{make([]float32, st.columns*st.rows), make([]float32, st.columns*st.rows)}
	for k := from; k < to; k++ {
		s.weigh(r, &st, &e, k, f[:], d[:], own)
		smooth(own[0], st.columns, st.rows, e.blur)
		s.inPlane(&st, own[0], highs[(k-from)*n:(k-from+1)*n])
		s.inPlane(&st, own[1], adcs[(k-from)*n:(k-from+1)*n])
	}
	return s.onGrid(&st, highs, from, to), s.onGrid(&st, adcs, from, to)
}

// quarters are the points, in pixels and thicknesses, at which a diffusion voxel is read.
var quarters = [4]geom.Vec3{{-0.25, -0.25, -0.3}, {0.25, 0.25, -0.1}, {-0.25, 0.25, 0.1}, {0.25, -0.25, 0.3}}

// weigh makes the high-b image and ADC of one slice from the lattices of signal and ADC.
func (s *scene) weigh(r *rand.Rand, st *stack, e *echo, k int, signal, coefficient []float32, out [2][]float32) {
	noise := func(v float64) float64 { return math.Hypot(v+e.noise*r.NormFloat64(), e.noise*r.NormFloat64()) }
	at := 0
	for j := range st.rows {
		for i := range st.columns {
			p := st.at(i, j, float64(k)).Add(e.offset)
			if away := p.Sub(e.rectum).Scale(1.0 / 22); e.warp != 0 {
				p[1] += e.warp * math.Exp(-away.Dot(away))
			}
			var low, mid, high float64
			middle := s.pose.body(p)
			for _, q := range quarters {
				o := s.turned(geom.Vec3{q[0] * st.pixel[0], q[1] * st.pixel[1], q[2] * st.thick})
				c, fx, fy, fz := cell(lattice(middle.Add(o)))
				a, d := float64(read(signal, c, fx, fy, fz)), float64(read(coefficient, c, fx, fy, fz))
				low += a * e.left(e.low*d)
				mid += a * e.left(e.mid*d)
				high += a * e.left(e.high*d)
			}
			low, mid = noise(low/4), noise(mid/4)
			d, written := 0.0, low > e.floor*e.noise
			if written {
				d = clamp(math.Log(low/max(1e-4, mid))/(e.mid-e.low), 0, 4)
			}
			high = noise(high / 4)
			switch {
			case e.calculated && !written:
				high = 0
			case e.calculated:
				high = low * math.Exp(-(e.high-e.low)*d)
			}
			out[0][at], out[1][at] = float32(high), float32(1000*d)
			at++
		}
	}
}

// left returns the share of the signal that remains at bD, the expansion cut at its minimum.
func (e *echo) left(bd float64) float64 {
	bd = min(bd, 3/e.kurtosis)
	return math.Exp(-bd + bd*bd*e.kurtosis/6)
}

// turned returns an image direction in the anatomy, the deformation apart.
func (s *scene) turned(v geom.Vec3) geom.Vec3 {
	return geom.Vec3{s.pose.turn[0].Dot(v), s.pose.turn[1].Dot(v), s.pose.turn[2].Dot(v)}
}

// inPlane brings a slice of a coarser stack onto the grid's pixels by cubics.
func (s *scene) inPlane(st *stack, from, to []float32) {
	size, mm := s.recipe.Size, s.recipe.SpacingMM
	half := make([]float32, size[0]*st.rows)
	for i := range size[0] {
		x := (float64(i)-float64(size[0]-1)/2)*mm[0]/st.pixel[0] + float64(st.columns-1)/2
		n := int(x)
		w := catmullRom(x - float64(n))
		for j := range st.rows {
			a := from[j*st.columns+n-1 : j*st.columns+n+3]
			half[j*size[0]+i] = w[0]*a[0] + w[1]*a[1] + w[2]*a[2] + w[3]*a[3]
		}
	}
	for j := range size[1] {
		y := (float64(j)-float64(size[1]-1)/2)*mm[1]/st.pixel[1] + float64(st.rows-1)/2
		n := int(y)
		w := catmullRom(y - float64(n))
		for i := range size[0] {
			a := half[(n-1)*size[0]+i:]
			to[j*size[0]+i] = w[0]*a[0] + w[1]*a[size[0]] + w[2]*a[2*size[0]] + w[3]*a[3*size[0]]
		}
	}
}
