package phantom

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"bayeslice/internal/geom"
)

// lesionShape is one csPCa lesion.
type lesionShape struct {
	ellipsoid
	zone uint8
	core props
}

// nodule is a nodule of benign hyperplasia in TZ, or an exophytic one in PZ.
type nodule struct {
	ellipsoid
	tissue Tissue
	tone   float64 // factor on T2 and ADC
}

// wedge is a benign wedge of lowered signal in PZ, with its tip towards the urethra.
type wedge struct {
	angle, spread float64 // radians about the gland's axis, from posterior towards the left
	z, height     float64 // mm
	depth         float64 // 0…1 strength
}

// lesionOdds are the odds of 0…3 lesions when the seed draws their number.
var lesionOdds = [MaxLesions + 1]float64{0.3, 0.42, 0.2, 0.08}

// lesionAt returns the 1-based number of the lesion at a point of shape space, or 0.
func (a *Anatomy) lesionAt(s geom.Vec3) int {
	best, at := 1.0, 0
	for i := range a.lesions {
		if r := a.lesions[i].radius(s); r < best {
			best, at = r, i+1
		}
	}
	return at
}

// drawLesions places csPCa lesions, mostly in PZ, sorts them by volume and measures them.
func (a *Anatomy) drawLesions(ctx context.Context, r *rand.Rand, cfg Config) error {
	want := cfg.Lesions
	if want == RandomLesions {
		want = len(lesionOdds) - 1
		for x, i := r.Float64(), 0; i < len(lesionOdds)-1; i++ {
			if x -= lesionOdds[i]; x < 0 {
				want = i
				break
			}
		}
	}
	sites := a.sites()
	for i := range want {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, ok := a.placeLesion(r, sites)
		if !ok {
			return fmt.Errorf("%w: no room for lesion %d of %d in a gland of %.0f mL; ask for fewer or a larger gland", ErrConfig, i+1, want, a.glandML)
		}
		a.lesions = append(a.lesions, l)
	}
	a.measureLesions()
	return nil
}

// sites returns candidate centres in shape space by zone label: at least 3 mm under the capsule, and in
// PZ not in the anterior horns.
func (a *Anatomy) sites() map[uint8][]geom.Vec3 {
	out := map[uint8][]geom.Vec3{}
	a.overGland(2.5, func(_, s geom.Vec3, level float64) {
		zone, under := a.gland.zone(s, level), -beyond(s, level)
		u := a.gland.norm(s)
		ok := under > 3 && math.Abs(u[2]) < 0.75
		if zone == LabelPZ {
			ok = ok && under < 11 && u[1] > -0.2
		} else {
			ok = ok && u[1] < 0.1 && a.gland.urethra(s) > 8
		}
		if ok {
			out[zone] = append(out[zone], s)
		}
	})
	return out
}

// placeLesion tries sites and sizes until one keeps clear of the lesions before it.
func (a *Anatomy) placeLesion(r *rand.Rand, sites map[uint8][]geom.Vec3) (lesionShape, bool) {
	shrink := 1.0
	for range 400 {
		zone := LabelPZ
		if r.Float64() < 0.28 {
			zone = LabelTZ
		}
		at := sites[zone]
		if len(at) == 0 {
			continue
		}
		c := at[r.IntN(len(at))]
		ml := logNormal(r, 0.65, 0.75, Range{0.2, 5})
		ml = min(ml, 0.06*a.glandML) * shrink
		l := a.newLesion(r, c, zone, ml)
		clear := true
		for i := range a.lesions {
			o := &a.lesions[i]
			clear = clear && c.Sub(o.centre).Norm() > math.Sqrt(o.bound2)+math.Sqrt(l.bound2)+2
		}
		if clear {
			return l, true
		}
		shrink *= 0.99
	}
	return lesionShape{}, false
}

// newLesion shapes a lesion: flattened against the capsule in PZ, lenticular in TZ.
func (a *Anatomy) newLesion(r *rand.Rand, c geom.Vec3, zone uint8, ml float64) lesionShape {
	radius := math.Cbrt(1000 * ml / (4 * math.Pi / 3))
	flat, long := uniform(r, 0.7, 0.95), uniform(r, 1.0, 1.35)
	half := geom.Vec3{radius * flat, radius * long, radius / (flat * long)}
	h := a.gland.half
	out := geom.Vec3{c[0] / (h[0] * h[0]), c[1] / (h[1] * h[1]), 0.3 * c[2] / (h[2] * h[2])}
	if zone == LabelTZ {
		out = geom.Vec3{0.25 * uniform(r, -1, 1), -1, 0}
	}
	core := table[TissueLesion]
	core.adc = uniform(r, 0.6, 0.9)
	core.t2 = uniform(r, 68, 84)
	if zone == LabelTZ {
		core.t2 = uniform(r, 56, 66)
	}
	return lesionShape{
		ellipsoid: newEllipsoid(c, axesAlong(out), half, uniform(r, 0.08, 0.2), field(r.Uint64())),
		zone:      zone, core: core,
	}
}

// measureLesions fills the published list from the shapes and orders both by volume, largest first.
func (a *Anatomy) measureLesions() {
	type measured struct {
		shape lesionShape
		entry Lesion
	}
	all := make([]measured, len(a.lesions))
	for i, l := range a.lesions {
		centre, ml := a.measureLesion(i)
		all[i] = measured{l, Lesion{Centre: centre, VolumeML: ml, Zone: l.zone, ADC: 1000 * l.core.adc}}
	}
	slices.SortStableFunc(all, func(x, y measured) int { return cmp.Compare(y.entry.VolumeML, x.entry.VolumeML) })
	a.list = make([]Lesion, len(all))
	for i := range all {
		a.lesions[i], a.list[i] = all[i].shape, all[i].entry
	}
}

// measureLesion returns the world centroid and the volume in mL of the part of a lesion that lies in the
// gland, by counting the points of a fine lattice.
func (a *Anatomy) measureLesion(index int) (centre geom.Vec3, ml float64) {
	const mm = 0.75
	l := &a.lesions[index]
	middle := a.frame.world(l.centre)
	// The deformation stretches lengths by at most 1/(1−0.84 of its share of the largest warp).
	n := int(math.Sqrt(l.bound2)/(1-0.84*a.frame.reach()/maxWarpMM)/mm) + 1
	count := 0
	for k := -n; k <= n; k++ {
		for j := -n; j <= n; j++ {
			for i := -n; i <= n; i++ {
				w := middle.Add(geom.Vec3{float64(i) * mm, float64(j) * mm, float64(k) * mm})
				s := a.frame.shape(w)
				if l.radius(s) < 1 && a.gland.level(s) < 1 && a.lesionAt(s) == index+1 {
					count++
					centre = centre.Add(w)
				}
			}
		}
	}
	return centre.Scale(1 / float64(max(1, count))), float64(count) * mm * mm * mm / 1000
}

// drawNodules packs TZ with nodules of benign hyperplasia, more in a larger TZ, and adds the mimics.
func (a *Anatomy) drawNodules(r *rand.Rand, mimics bool) {
	var tz, pz []geom.Vec3
	a.overGland(3, func(_, s geom.Vec3, level float64) {
		switch a.gland.zone(s, level) {
		case LabelTZ:
			if !a.gland.inner(s) {
				tz = append(tz, s)
			}
		case LabelPZ:
			if under := -beyond(s, level); under > 4 && under < 9 && s[1] > 0 {
				pz = append(pz, s)
			}
		}
	})
	if len(tz) == 0 {
		return
	}
	want := int(clamp(a.tzML*uniform(r, 0.5, 0.9), 4, 40))
	for try := 0; try < 30*want && len(a.nodules) < want; try++ {
		radius := logNormal(r, 4.5, 0.45, Range{2, min(13, 2.2+0.16*a.tzML)})
		a.addNodule(r, tz[r.IntN(len(tz))], radius, 0.8)
	}
	if !mimics {
		return
	}
	if len(pz) > 0 && r.Float64() < 0.25 {
		a.addNodule(r, pz[r.IntN(len(pz))], uniform(r, 2.5, 4), 1.1)
	}
	for range r.IntN(3) {
		a.wedges = append(a.wedges, wedge{
			angle: uniform(r, -1.3, 1.3), spread: uniform(r, 0.12, 0.3), z: uniform(r, -0.5, 0.5) * a.gland.half[2],
			height: uniform(r, 4, 9), depth: uniform(r, 0.5, 1),
		})
	}
}

// addNodule adds a nodule unless it would overlap another by more than the given closeness allows.
func (a *Anatomy) addNodule(r *rand.Rand, c geom.Vec3, radius, closeness float64) {
	half := geom.Vec3{radius * uniform(r, 0.8, 1.2), radius * uniform(r, 0.8, 1.2), radius * uniform(r, 0.8, 1.2)}
	n := nodule{ellipsoid: newEllipsoid(c, randomAxes(r), half, uniform(r, 0.03, 0.12), field(r.Uint64())), tone: uniform(r, 0.85, 1.2)}
	switch x := r.Float64(); {
	case closeness > 1 || x < 0.3:
		n.tissue = TissueStromal
	case x < 0.65:
		n.tissue = TissueMixed
	default:
		n.tissue = TissueGlandular
	}
	for i := range a.nodules {
		o := &a.nodules[i]
		if c.Sub(o.centre).Norm() < closeness*(math.Cbrt(o.half[0]*o.half[1]*o.half[2])+radius) {
			return
		}
	}
	a.nodules = append(a.nodules, n)
}
