package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
)

// profile is the number of points that a slice's thickness is read at.
const profile = 3

// structural images a lattice of signal as a T2-weighted stack and brings it onto the model's grid; NaN
// outside the image.
func (s *scene) structural(r *rand.Rand, signal []float32) []float32 {
	st := &s.t2w
	from, to := st.needed(&s.recipe)
	n := st.columns * st.rows
	slices := make([]float32, (to-from)*n)
	coil := drawCoil(r)
	noise, blur := uniform(r, 0.005, 0.06), 0.0
	if chance(r, 0.35) {
		blur = uniform(r, 0.3, 1)
	}
	table := grains()
	gamma := math.Exp(around(r, 0, 0.15))
	for k := from; k < to; k++ {
		out := slices[(k-from)*n : (k-from+1)*n]
		s.slice(signal, float64(k), out)
		smooth(out, st.columns, st.rows, blur)
		g := int(r.Uint32())
		for at := range out {
			p := st.at(at%st.columns, at/st.columns, float64(k))
			v := max(0, float64(out[at])) * coil.at(p)
			a, b := float64(table[(g+at)&(grainCount-1)]), float64(table[(g+7*at+0x4321)&(grainCount-1)])
			out[at] = float32(math.Pow(math.Hypot(v+noise*a, noise*b), gamma))
		}
	}
	return s.onGrid(st, slices, from, to)
}

// slice reads one slice of the T2-weighted stack from the lattice, over its thickness.
func (s *scene) slice(signal []float32, k float64, out []float32) {
	st := &s.t2w
	at := 0
	for j := range st.rows {
		for i := range st.columns {
			middle := lattice(s.pose.body(st.at(i, j, k)))
			var sum float32
			for p := range profile {
				o := (float64(p) - float64(profile-1)/2) / profile * st.thick
				q := middle.Add(s.through.Scale(o))
				c, fx, fy, fz := cell(q)
				sum += read(signal, c, fx, fy, fz)
			}
			out[at] = sum / profile
			at++
		}
	}
}

// onGrid interpolates a stack with the grid's pixels along the slice axis by cubics.
func (s *scene) onGrid(st *stack, slices []float32, from, to int) []float32 {
	size, mm := s.recipe.Size, s.recipe.SpacingMM
	n := size[0] * size[1]
	out := make([]float32, n*size[2])
	nan := float32(math.NaN())
	for k := range size[2] {
		z := (float64(k) - float64(size[2]-1)/2) * mm[2]
		f := st.slice(z)
		base := math.Floor(f)
		w := catmullRom(f - base)
		var rows [4][]float32
		for t := range rows {
			c := min(max(int(base)-1+t, from), to-1) - from
			rows[t] = slices[c*n : (c+1)*n]
		}
		for at := range n {
			p := st.at(at%size[0], at/size[0], 0)
			if !st.covers(p[0], p[1], z) {
				out[k*n+at] = nan
				continue
			}
			out[k*n+at] = w[0]*rows[0][at] + w[1]*rows[1][at] + w[2]*rows[2][at] + w[3]*rows[3][at]
		}
	}
	return out
}

// coil is a smooth sensitivity: a slope, a curvature, and a slow wave.
type coil struct {
	lean, bend geom.Vec3
	waves      []wave
	strength   float64
}

func drawCoil(r *rand.Rand) coil {
	return coil{
		lean:     direction(r).Scale(uniform(r, 0, 0.5)),
		bend:     geom.Vec3{around(r, 0, 0.15), around(r, 0.15, 0.2), around(r, 0, 0.1)},
		waves:    drawWaves(r, 2, 1, 60, 160),
		strength: uniform(r, 0, 0.12),
	}
}

// at returns the sensitivity at an image position.
func (c *coil) at(p geom.Vec3) float64 {
	d := p.Scale(1.0 / 60)
	log := d.Dot(c.lean) + c.bend[0]*d[0]*d[0] + c.bend[1]*d[1]*d[1] + c.bend[2]*d[2]*d[2]
	if c.strength > 0 {
		log += c.strength * ripple(c.waves, p)
	}
	return math.Exp(log)
}

// smooth blurs a slice in plane by a Gaussian of sd pixels, edges repeated.
func smooth(data []float32, columns, rows int, sd float64) {
	if sd < 0.2 {
		return
	}
	var w [4]float32
	var sum float32
	for i := range w {
		w[i] = float32(math.Exp(-float64(i*i) / (2 * sd * sd)))
		sum += w[i]
		if i > 0 {
			sum += w[i]
		}
	}
	for i := range w {
		w[i] /= sum
	}
	line := make([]float32, max(columns, rows))
	pass := func(start, stride, n int) {
		for i := range n {
			line[i] = data[start+i*stride]
		}
		for i := range n {
			v := w[0] * line[i]
			for d := 1; d < len(w); d++ {
				v += w[d] * (line[max(0, i-d)] + line[min(n-1, i+d)])
			}
			data[start+i*stride] = v
		}
	}
	for j := range rows {
		pass(j*columns, 1, columns)
	}
	for i := range columns {
		pass(i, columns, rows)
	}
}
