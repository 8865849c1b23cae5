package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
	"bayeslice/internal/phantom"
)

// cancerShare is the share of draws with csPCa.
const cancerShare = 0.55

// focus is a suspicious or harmless spot in the gland: an ellipsoid with an irregular border, in mm from
// the gland's centroid.
type focus struct {
	centre  geom.Vec3
	inverse [3]geom.Vec3 // axes over semi-axes
	reach   float64      // mm beyond which nothing of it lies
	border  []wave       // of what it is, phases alone
	reader  []wave       // of what a reader draws
	rough   float64
	margin  float64 // relative radius at which the reader draws the border
	zone    uint8
	cancer  bool
	dark    float64 // 0…1: how far T2 falls to that of a lesion
	bound   float64 // 0…1: how far ADC falls
	bright  float64 // 0…1: how far the diffusion signal rises beyond what ADC explains
}

// drawFoci draws the spots of an exam until it has csPCa, or has none, as wanted. Which of them are
// significant is a matter of chance that rises with how suspicious they look, so that there is something to
// be uncertain about.
func drawFoci(r *rand.Rand, p *plate, cancer bool) []focus {
	for {
		n := r.IntN(4)
		if cancer {
			n++
		}
		out := make([]focus, 0, n)
		found := false
		for range n {
			f, ok := drawFocus(r, p, cancer)
			if !ok {
				continue
			}
			found = found || f.cancer
			out = append(out, f)
		}
		if found == cancer {
			return out
		}
	}
}

// drawFocus draws one spot; false where no place was found for it.
func drawFocus(r *rand.Rand, p *plate, likely bool) (focus, bool) {
	severity := uniform(r, 0.02, 0.6)
	if likely && chance(r, 0.6) {
		severity = uniform(r, 0.35, 1)
	}
	f := drawLooks(r, severity)
	f.cancer = chance(r, 1/(1+math.Exp(-suspicionSlope*(f.suspicion()-suspicionMiddle))))
	site, ok := p.site(r, f.zone)
	if !ok {
		return f, false
	}
	f.place(r, p, site, severity)
	return f, true
}

// A focus of suspicion s is csPCa with probability 1/(1 + exp(−suspicionSlope · (s − suspicionMiddle))).
const (
	suspicionSlope  = 12
	suspicionMiddle = 0.5
)

// drawLooks draws how a spot of a severity looks, and the zone it lies in.
func drawLooks(r *rand.Rand, severity float64) focus {
	f := focus{
		zone: phantom.LabelPZ, rough: uniform(r, 0.05, 0.2), margin: math.Exp(around(r, 0, 0.09)),
		dark: clamp(severity+around(r, 0, 0.14), 0, 1), bound: clamp(severity+around(r, 0, 0.1), 0, 1), bright: clamp(severity+around(r, 0, 0.15), 0, 1),
		border: drawWaves(r, 4, 1, 5, 16), reader: drawWaves(r, 4, 1, 6, 20),
	}
	if severity < 0.45 && chance(r, 0.3) { // haemorrhage, scars, stroma: dark, and little else
		f.dark = uniform(r, 0.3, 1)
	}
	if chance(r, 0.3) {
		f.zone = phantom.LabelTZ
	}
	return f
}

// place puts the focus at a site of an anatomy, and draws its size and shape.
func (f *focus) place(r *rand.Rand, p *plate, site geom.Vec3, severity float64) {
	f.centre = site
	ml := clamp(0.9*math.Exp(0.75*r.NormFloat64()), 0.2, 5)
	ml = min(ml, 0.08*p.glandML)
	f.shape(r, ml, severity)
}

// suspicion returns how suspicious a focus looks over all images, 0…1.
func (f *focus) suspicion() float64 { return 0.15*f.dark + 0.55*f.bound + 0.3*f.bright }

// shape gives the focus axes and size; harmless ones are often wedges and bands.
func (f *focus) shape(r *rand.Rand, ml, severity float64) {
	radius := math.Cbrt(1000 * ml / (4 * math.Pi / 3))
	a := direction(r)
	b := a.Cross(direction(r)).Unit()
	axes := [3]geom.Vec3{a, b, a.Cross(b)}
	flat, long := uniform(r, 0.7, 1), uniform(r, 0.9, 1.4)
	if severity < 0.4 && chance(r, 0.5) {
		flat, long = uniform(r, 0.4, 0.7), uniform(r, 1.2, 1.9)
	}
	half := [3]float64{radius * flat, radius * long, radius / (flat * long)}
	for i := range axes {
		f.inverse[i] = axes[i].Scale(1 / half[i])
		f.reach = max(f.reach, half[i]*(1.2+1.5*f.rough)*max(1, f.margin))
	}
}

// site returns a random place in a zone, at least some mm inside the gland on most sides.
func (p *plate) site(r *rand.Rand, zone uint8) (geom.Vec3, bool) {
	for range 3000 {
		i, j, k := 18+r.IntN(72), 22+r.IntN(64), 6+r.IntN(34)
		at := index(i, j, k)
		if p.zone(at) != zone {
			continue
		}
		inside := 0
		for _, d := range [6]int{3, -3, 3 * nextRow, -3 * nextRow, 2 * nextPlane, -2 * nextPlane} {
			if p.zone(at+d) != 0 {
				inside++
			}
		}
		if inside >= 5 {
			return position(i, j, k), true
		}
	}
	return geom.Vec3{}, false
}

// position returns where a lattice point lies, mm from the gland's centroid.
func position(i, j, k int) geom.Vec3 {
	return geom.Vec3{
		(float64(i) - float64(latticeSize[0]-1)/2) * latticeMM[0],
		(float64(j) - float64(latticeSize[1]-1)/2) * latticeMM[1],
		(float64(k) - float64(latticeSize[2]-1)/2) * latticeMM[2],
	}
}

// radius returns the relative radius, 1 on the border.
func (f *focus) radius(b geom.Vec3, border []wave) float64 {
	d := b.Sub(f.centre)
	if d.Dot(d) > f.reach*f.reach {
		return 10
	}
	x, y, z := d.Dot(f.inverse[0]), d.Dot(f.inverse[1]), d.Dot(f.inverse[2])
	return math.Sqrt(x*x+y*y+z*z) + f.rough*ripple(border, b)
}

// drawn reports whether a reader counts the point to the focus.
func (f *focus) drawn(b geom.Vec3) bool {
	return 0.75*f.radius(b, f.border)+0.25*f.radius(b, f.reader) < f.margin
}

// each calls do for the lattice points in the gland that the focus touches, with its share there.
func (f *focus) each(p *plate, do func(at int, share float32)) {
	var lo, hi [3]int
	q := lattice(f.centre)
	for a := range 3 {
		n := f.reach / latticeMM[a]
		lo[a], hi[a] = max(0, int(q[a]-n)), min(latticeSize[a]-1, int(q[a]+n)+1)
	}
	for k := lo[2]; k <= hi[2]; k++ {
		for j := lo[1]; j <= hi[1]; j++ {
			for i := lo[0]; i <= hi[0]; i++ {
				at := index(i, j, k)
				if p.zone(at) == 0 {
					continue
				}
				if s := 1 - step(0.85, 1.15, f.radius(position(i, j, k), f.border)); s > 0 {
					do(at, float32(s))
				}
			}
		}
	}
}

// darken lowers the T2-weighted signal.
func (f *focus) darken(p *plate, colours *palette, field []float32) {
	target := float32(colours.value[phantom.TissueLesion])
	if f.zone == phantom.LabelTZ {
		target *= 0.85
	}
	f.each(p, func(at int, share float32) {
		field[at] += share * float32(f.dark) * (target - field[at])
	})
}

// restrict lowers ADC and raises the signal without diffusion weighting.
func (f *focus) restrict(p *plate, signal, adc []float32) {
	low := float32(lerp(1.15, 0.5, f.bound))
	gain := float32(lerp(0.85, 1.2, f.bright))
	weight := float32(step(0, 0.35, f.bound))
	f.each(p, func(at int, share float32) {
		adc[at] += share * weight * (min(low, adc[at]) - adc[at])
		signal[at] *= 1 + share*weight*(gain-1)
	})
}
