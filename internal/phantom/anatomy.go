package phantom

import (
	"context"
	"math"
	"slices"

	"bayeslice/internal/geom"
)

// Anatomy is the continuous truth: which tissue lies at a point of space, without voxels and
// without noise. It is immutable and safe for concurrent use.
type Anatomy struct {
	frame   frame
	gland   glandShape
	nodules []nodule
	lesions []lesionShape
	wedges  []wedge
	pelvis  pelvis
	texture float64
	fields  [3]field

	centre  geom.Vec3
	glandML float64
	tzML    float64
	list    []Lesion
}

// Typical values that the drawn numbers scatter about. Whole-gland volume: log-normal with a median
// near 48 mL, as in screening and biopsy cohorts. TZ fraction: 0.3 in a small gland to 0.7 in a
// large one, since benign hyperplasia grows in TZ alone.
const (
	medianGlandML = 48.0
	sigmaGland    = 0.45
)

// NewAnatomy draws the anatomy of a configuration. It fails with [ErrConfig], or with the context's error.
func NewAnatomy(ctx context.Context, cfg Config) (*Anatomy, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := stream(cfg.Seed, forAnatomy, 0)
	volume := logNormal(r, medianGlandML, sigmaGland, cfg.VolumeML)
	a := &Anatomy{gland: drawGland(r, volume), texture: cfg.Texture}
	a.gland.vary(stream(cfg.Seed, forVariety, 0), cfg.Variety)
	tilt := uniform(r, cfg.TiltDegrees.Min, cfg.TiltDegrees.Max) * math.Pi / 180
	a.frame = frame{
		origin: geom.Vec3{around(r, 0, 8), around(r, 0, 12), around(r, 0, 15)},
		axes:   obliqueAxes(max(0, tilt+around(r, 0, 0.05)), around(r, 0, 0.08), around(r, 0, 0.03)),
		warp:   drawWarp(stream(cfg.Seed, forWarp, 0), cfg.WarpMM),
	}
	tex := stream(cfg.Seed, forTexture, 0)
	for i := range a.fields {
		a.fields[i] = field(tex.Uint64())
	}
	fraction := clamp(0.3+0.4*math.Log(volume/20)/math.Log(5)+around(r, 0, 0.05), 0.3, 0.7)
	if cfg.Variety > 0 {
		fraction = clamp(fraction+cfg.Variety*around(stream(cfg.Seed, forVariety, 2), -0.02, 0.06), 0.3, 0.75)
	}
	if err := a.calibrate(ctx, volume, fraction); err != nil {
		return nil, err
	}
	a.pelvis = drawPelvis(stream(cfg.Seed, forPelvis, 0), &a.gland)
	a.pelvis.vary(stream(cfg.Seed, forVariety, 1), &a.gland, cfg.Variety)
	a.drawNodules(stream(cfg.Seed, forNodules, 0), cfg.Mimics)
	if err := a.drawLesions(ctx, stream(cfg.Seed, forLesions, 0), cfg); err != nil {
		return nil, err
	}
	return a, nil
}

// quadratureMM is the spacing of the points by which volumes of the shapes are measured.
const quadratureMM = 1.25

// calibrate scales the gland to its volume, after the deformation, and sets the level at which TZ
// has its fraction.
func (a *Anatomy) calibrate(ctx context.Context, volumeML, tzFraction float64) error {
	for _, mm := range []float64{2 * quadratureMM, 2 * quadratureMM, quadratureMM} {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := 0
		a.overGland(mm, func(geom.Vec3, geom.Vec3, float64) { n++ })
		a.gland.half = a.gland.half.Scale(math.Cbrt(1000 * volumeML / (float64(n) * mm * mm * mm)))
	}
	cell := quadratureMM * quadratureMM * quadratureMM / 1000
	var lobes []float64
	var sum geom.Vec3
	fixed, n := 0, 0
	a.overGland(quadratureMM, func(w, s geom.Vec3, level float64) {
		n++
		sum = sum.Add(w)
		if a.gland.inner(s) {
			fixed++
			return
		}
		lobes = append(lobes, a.gland.lobes(s, level))
	})
	slices.Sort(lobes)
	want := int(tzFraction*float64(n)) - fixed
	a.gland.tzLevel = lobes[max(0, min(want, len(lobes)-1))]
	a.centre = sum.Scale(1 / float64(n))
	a.glandML = float64(n) * cell
	a.tzML = float64(fixed+max(0, min(want, len(lobes)-1))) * cell
	return nil
}

// overGland calls f for the points of a cubic lattice that lie in the gland (its outline stays within
// 1.05 semi-axes, but for a bulging median lobe) with their world and
// shape positions and gland level.
func (a *Anatomy) overGland(mm float64, f func(world, s geom.Vec3, level float64)) {
	var n [3]int
	for i, h := range a.gland.half {
		n[i] = int(((1.1+a.gland.bulge*1.5)*h + a.frame.reach()) / mm)
	}
	for k := -n[2]; k <= n[2]; k++ {
		for j := -n[1]; j <= n[1]; j++ {
			for i := -n[0]; i <= n[0]; i++ {
				w := a.frame.lattice(float64(i)*mm, float64(j)*mm, float64(k)*mm)
				s := a.frame.shape(w)
				if l := a.gland.level(s); l < 1 {
					f(w, s, l)
				}
			}
		}
	}
}

// Zone returns the label at a world position, LPS mm: 0, [LabelTZ] or [LabelPZ].
func (a *Anatomy) Zone(world geom.Vec3) uint8 {
	s := a.frame.shape(world)
	return a.gland.zone(s, a.gland.level(s))
}

// Lesion returns the number, counted from 1 in the order of [Labels.List], of the csPCa lesion at a
// world position, LPS mm; 0 where there is none. Lesions lie inside the gland.
func (a *Anatomy) Lesion(world geom.Vec3) int {
	s := a.frame.shape(world)
	if a.gland.level(s) >= 1 {
		return 0
	}
	return a.lesionAt(s)
}

// Centre returns the centroid of the gland, world LPS mm.
func (a *Anatomy) Centre() geom.Vec3 { return a.centre }

// GlandML returns the volume of the gland's implicit shape in mL.
func (a *Anatomy) GlandML() float64 { return a.glandML }

// TransitionML returns the volume of the transition zone's implicit shape in mL.
func (a *Anatomy) TransitionML() float64 { return a.tzML }
