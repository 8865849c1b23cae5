package phantom

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// maxStored is the largest stored value: twelve bits, as scanners store.
const maxStored = 4095

// scanner turns an anatomy into images.
type scanner struct {
	cfg      Config
	anatomy  *Anatomy
	coil     coil
	t2w, dwi geom.Grid
	done     atomic.Int64
	report   sync.Mutex
}

// acquire images an anatomy with the configured protocol.
func acquire(ctx context.Context, cfg Config, a *Anatomy) (*Exam, error) {
	sc := &scanner{cfg: cfg, anatomy: a, coil: drawCoil(stream(cfg.Seed, forCoil, 0), a.centre, cfg.Bias)}
	if err := sc.plan(stream(cfg.Seed, forStack, 0)); err != nil {
		return nil, err
	}
	e := &Exam{Config: cfg, Anatomy: a}
	if err := sc.structural(ctx, e); err != nil {
		return nil, err
	}
	if err := sc.diffusion(ctx, e); err != nil {
		return nil, err
	}
	return e, nil
}

// plan places the two stacks: one orientation and one set of slice planes, as a technologist copies
// them, but fields of view of their own.
func (sc *scanner) plan(r *rand.Rand) error {
	tilt := uniform(r, sc.cfg.TiltDegrees.Min, sc.cfg.TiltDegrees.Max) * math.Pi / 180
	axes := obliqueAxes(tilt, around(r, 0, 0.04), around(r, 0, 0.02))
	middle := sc.anatomy.centre.Add(axes[2].Scale(around(r, 0, 1)))
	var err error
	if sc.t2w, err = sc.cfg.T2W.grid(middle.Add(axes[0].Scale(around(r, 0, 3))).Add(axes[1].Scale(around(r, 2, 3))), axes); err != nil {
		return err
	}
	sc.dwi, err = sc.cfg.DWI.grid(middle.Add(axes[0].Scale(around(r, 0, 3))).Add(axes[1].Scale(around(r, 4, 3))), axes)
	return err
}

// grid returns the lattice of the protocol about a middle. The origin is rounded to 10⁻⁶ mm, which a
// DICOM decimal string holds exactly.
func (p Protocol) grid(middle geom.Vec3, axes [3]geom.Vec3) (geom.Grid, error) {
	size := [3]int{p.Columns, p.Rows, p.Slices}
	spacing := geom.Vec3{p.PixelMM, p.PixelMM, p.SliceMM}
	origin := middle
	for a := range 3 {
		origin = origin.Sub(axes[a].Scale(float64(size[a]-1) / 2 * spacing[a]))
	}
	for a := range origin {
		origin[a] = math.Round(origin[a]*1e6) / 1e6
	}
	g, err := geom.NewGrid(size, origin, spacing, axes)
	if err != nil {
		return geom.Grid{}, fmt.Errorf("phantom: place the image stack: %w", err)
	}
	return g, nil
}

// slices runs f for every slice of the grid on all processors and counts progress.
func (sc *scanner) slices(ctx context.Context, g geom.Grid, f func(k int)) error {
	total := sc.t2w.Size[2] + sc.dwi.Size[2]
	grp, ctx := errgroup.WithContext(ctx)
	grp.SetLimit(runtime.GOMAXPROCS(0))
	for k := range g.Size[2] {
		grp.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f(k)
			sc.progress(total)
			return nil
		})
	}
	return grp.Wait()
}

func (sc *scanner) progress(total int) {
	if sc.cfg.Progress == nil {
		sc.done.Add(1)
		return
	}
	sc.report.Lock()
	defer sc.report.Unlock()
	sc.cfg.Progress(int(sc.done.Add(1)), total)
}

// subVoxel returns n points inside a voxel, in voxel units about its centre: a rank-1 lattice that
// covers the voxel evenly; one point is the centre.
func subVoxel(n int) []geom.Vec3 {
	out := make([]geom.Vec3, n)
	if n == 1 {
		return out
	}
	const phi = 1.2207440846057596 // root of x⁴ = x + 1: the additive recurrence of lowest discrepancy in 3-D
	for i := range out {
		a := float64(i) + 0.5
		out[i] = geom.Vec3{
			math.Mod(a/phi, 1) - 0.5,
			math.Mod(a/(phi*phi), 1) - 0.5,
			a/float64(n) - 0.5,
		}
	}
	return out
}

// structural fills the T2W image and the labels.
func (sc *scanner) structural(ctx context.Context, e *Exam) error {
	g := sc.t2w
	data := make([]float32, g.Voxels())
	zones, lesions := make([]uint8, g.Voxels()), make([]uint8, g.Voxels())
	ref := spinEcho(&table[TissuePZ], t2wTR, t2wTE)
	err := sc.slices(ctx, g, func(k int) {
		r, points := stream(sc.cfg.Seed, forNoiseT2W, k), newSampler(sc.anatomy, g, sc.cfg.SubSamples)
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				at, w := g.Index(i, j, k), g.World(geom.Vec3{float64(i), float64(j), float64(k)})
				materials := points.voxel(w)
				if zone := sc.anatomy.gland.zone(points.centre, points.level); zone != 0 {
					zones[at] = zone
					lesions[at] = min(LabelLesion, uint8(sc.anatomy.lesionAt(points.centre)))
				}
				signal := meanSpinEcho(materials, t2wTR, t2wTE) * sc.coil.at(w) / ref
				data[at] = stored(storedT2W * rician(r, signal, sc.cfg.NoiseT2W))
			}
		}
	})
	if err != nil {
		return err
	}
	if e.T2W, err = volume.New(g, data, ""); err != nil {
		return err
	}
	if e.Labels.Zones, err = volume.NewMask(g, zones); err != nil {
		return err
	}
	e.Labels.Lesions, err = volume.NewMask(g, lesions)
	e.Labels.List = sc.anatomy.list
	return err
}

// Sequence parameters in ms, and the stored value that the mean peripheral zone gets.
const (
	t2wTR, t2wTE = 4500, 101
	dwiTR, dwiTE = 4800, 68
	storedT2W    = 480
	storedDWI    = 1500
)

// spinEcho returns the signal of a spin echo relative to the proton density of water.
func spinEcho(p *props, tr, te float64) float64 {
	if p.pd == 0 {
		return 0
	}
	return p.pd * (1 - math.Exp(-tr/p.t1)) * math.Exp(-te/p.t2)
}

// meanSpinEcho returns the mean signal of the materials in a voxel.
func meanSpinEcho(ps []props, tr, te float64) float64 {
	var sum float64
	for i := range ps {
		sum += spinEcho(&ps[i], tr, te)
	}
	return sum / float64(len(ps))
}

// rician returns the magnitude of a complex signal with Gaussian noise sd in both parts. It draws
// two numbers also where sd is 0, so that noise level does not shift the stream.
func rician(r *rand.Rand, s, sd float64) float64 {
	return math.Hypot(s+sd*r.NormFloat64(), sd*r.NormFloat64())
}

// stored rounds to the whole number that the file holds.
func stored(v float64) float32 { return float32(clamp(math.Round(v), 0, maxStored)) }
