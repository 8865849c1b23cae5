package align

import (
	"context"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

const (
	pointCount = 16000 // at which the images are compared
	parts      = 4     // of the region, that must agree
	cellMM     = 8     // edge of the cells that are dealt out to the parts in turn
	bins       = 32    // grey levels of an image in the joint histogram
	leastShare = 0.5   // of the points must lie in both images
)

// search compares one T2W image with diffusion images at fixed points.
type search struct {
	frame  Frame
	voxel  Offset
	points []geom.Vec3 // world, LPS mm
	part   []uint8     // per point
	fixed  []uint8     // per point: grey level of T2W
	moving []reader
}

// reader reads one diffusion image as grey levels.
type reader struct {
	fine, rough *volume.Sampler // the rough one for the first look
	low         float64         // value of level 0
	scale       float64         // levels per unit
}

func newSearch(ctx context.Context, t2w *volume.Volume, diffusion []*volume.Volume, r Region) (*search, error) {
	g := t2w.Grid()
	s := &search{frame: FrameOf(g), voxel: voxelOf(diffusion[0].Grid(), FrameOf(g))}
	values := s.scatter(t2w, r)
	if len(values) < pointCount/2 {
		return nil, fmt.Errorf("%w: the T2W image covers only %d %% of the region of the gland", ErrAlign, 100*len(values)/pointCount)
	}
	low, scale, err := levels(values, "T2W")
	if err != nil {
		return nil, err
	}
	s.fixed = make([]uint8, len(values))
	for i, v := range values {
		s.fixed[i] = uint8(level(v, low, scale))
	}
	for _, v := range diffusion {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := s.reader(v)
		if err != nil {
			return nil, err
		}
		s.moving = append(s.moving, m)
	}
	return s, nil
}

// voxelOf is the extent of a voxel along a frame, mm.
func voxelOf(g geom.Grid, f Frame) Offset {
	along := func(d geom.Vec3) (mm float64) {
		for a := range 3 {
			mm = max(mm, math.Abs(g.Dir[a].Dot(d))*g.Spacing[a])
		}
		return mm
	}
	return Offset{along(f.Left), along(f.Back), along(f.Head)}
}

// scatter places the points evenly in the region (an additive recurrence of low discrepancy, Roberts 2018), keeps those that T2W covers,
// and returns its values there, averaged in the plane over a pixel of the diffusion image: finer detail has no counterpart there.
func (s *search) scatter(t2w *volume.Volume, r Region) []float64 {
	const phi = 1.2207440846057596 // root of x⁴ = x + 1
	g, sampler := t2w.Grid(), t2w.Sampler(volume.Linear)
	spread := s.voxel
	var values []float64
	for n := range pointCount {
		var d geom.Vec3
		u := geom.Vec3{1 / phi, 1 / (phi * phi), 1 / (phi * phi * phi)}
		p := r.Centre
		for a := range 3 {
			_, f := math.Modf(0.5 + float64(n+1)*u[a])
			d[a] = (2*f - 1) * r.Half[a]
			p = p.Add(g.Dir[a].Scale(d[a]))
		}
		sum, ok := 0.0, true
		for a := -1.0; a <= 1 && ok; a++ {
			for b := -1.0; b <= 1 && ok; b++ {
				at := p.Add(s.frame.Left.Scale(a * spread.Left / 3)).Add(s.frame.Back.Scale(b * spread.Back / 3))
				v, in := sampler.At(at)
				sum, ok = sum+float64(v)/9, in
			}
		}
		if !ok || math.IsNaN(sum) || math.IsInf(sum, 0) {
			continue
		}
		values = append(values, sum)
		s.points = append(s.points, p)
		cell := 0
		for a, weight := range [3]int{1, 2, 1} {
			cell += weight * int(math.Floor((d[a]+r.Half[a])/cellMM))
		}
		s.part = append(s.part, uint8(cell%parts))
	}
	return values
}

// reader prepares a diffusion image: its grey levels are those of the points, unmoved.
func (s *search) reader(v *volume.Volume) (reader, error) {
	sampler := v.Sampler(volume.Spline)
	var values []float64
	for _, p := range s.points {
		if x, in := sampler.At(p); in {
			values = append(values, float64(x))
		}
	}
	if float64(len(values)) < leastShare*float64(len(s.points)) {
		return reader{}, fmt.Errorf("%w: the diffusion image covers only %d %% of the region of the gland", ErrAlign, 100*len(values)/len(s.points))
	}
	low, scale, err := levels(values, "diffusion")
	return reader{sampler, v.Sampler(volume.Nearest), low, scale}, err
}

// levels returns the grey scale between the 1st and the 99th percentile; values is reordered only as a copy.
func levels(values []float64, name string) (low, scale float64, err error) {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	low, high := sorted[len(sorted)/100], sorted[len(sorted)-1-len(sorted)/100]
	if !(high > low) {
		return 0, 0, fmt.Errorf("%w: the %s image has one grey level in the region of the gland; choose another series", ErrAlign, name)
	}
	return low, (bins - 1) / (high - low), nil
}

// level is the grey level of a value, 0…bins−1, with its fraction.
func level(v, low, scale float64) float64 { return min(max((v-low)*scale, 0), bins-1) }

// joint is a joint histogram of T2W (rows) and diffusion, per part.
type joint [parts][bins * bins]float64

// look says which points are compared, and how the diffusion images are read there.
type look struct {
	stride int // every so many points
	rough  bool
	only   int // points of this part alone; whole for all
}

// whole stands for the region as a whole, after its parts.
const whole = parts

// compare fills the histograms of one diffusion image moved back by a world vector. A value counts for the two levels
// next to it, so that the measure is smooth in the shift. It returns the share of the points that both images cover.
func (s *search) compare(m *reader, shift geom.Vec3, l look, h *joint) float64 {
	clear(h[:])
	sampler := m.fine
	if l.rough {
		sampler = m.rough
	}
	in, of := 0, 0
	for n := 0; n < len(s.points); n += l.stride {
		if l.only != whole && int(s.part[n]) != l.only {
			continue
		}
		of++
		v, ok := sampler.At(s.points[n].Add(shift))
		if !ok {
			continue
		}
		in++
		grey := level(float64(v), m.low, m.scale)
		b := min(int(grey), bins-2)
		f := grey - float64(b)
		row := h[s.part[n]][int(s.fixed[n])*bins:]
		row[b] += 1 - f
		row[b+1] += f
	}
	return float64(in) / float64(max(of, 1))
}

// nmi is the normalised mutual information of a joint histogram.
func nmi(h *[bins * bins]float64) float64 {
	var rows, cols [bins]float64
	total, joined := 0.0, 0.0
	for a := range bins {
		for b := range bins {
			c := h[a*bins+b]
			rows[a] += c
			cols[b] += c
			total += c
			joined += xlogx(c)
		}
	}
	if total == 0 {
		return 1
	}
	// H = log N − Σ c log c / N for counts c of sum N.
	entropy := func(sum float64) float64 { return math.Log(total) - sum/total }
	var r, c float64
	for a := range bins {
		r += xlogx(rows[a])
		c += xlogx(cols[a])
	}
	both := entropy(joined)
	if both <= 0 {
		return 1
	}
	return (entropy(r) + entropy(c)) / both
}

func xlogx(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return x * math.Log(x)
}
