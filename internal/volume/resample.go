package volume

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"bayeslice/internal/geom"
)

// sameVoxel is the distance, in source voxels, below which two positions count as one. It decides
// that grids share their axes, or are equal; directions in headers carry rounding of this order.
const sameVoxel = 1e-4

// Resample reads v at the voxel centres of another grid. Voxels of the new grid that are outside v
// (see [Sampler] for what inside means, and for what each interpolation does at the edge) become
// fill. Nothing is smoothed before downsampling. On its own grid an image comes back unchanged,
// sharing its data. It fails only when ctx ends, with the context's error.
func Resample(ctx context.Context, v *Volume, to geom.Grid, how Interp, fill float32) (*Volume, error) {
	if sameLattice(v.grid, to) {
		return New(to, v.data, v.unit)
	}
	s, err := v.sampler(ctx, how)
	if err != nil {
		return nil, fmt.Errorf("volume: resample: %w", err)
	}
	out := make([]float32, to.Voxels())
	m := voxelToVoxel(to, v.grid)
	var slice func(k int)
	if aligned(&m, to.Size) {
		slice = newSeparable(s, &m, to, fill, out).slice
	} else {
		slice = func(k int) { s.resampleSlice(&m, to, k, fill, out) }
	}
	if err := eachSlice(ctx, to.Size[2], slice); err != nil {
		return nil, fmt.Errorf("volume: resample: %w", err)
	}
	return New(to, out, v.unit)
}

// ResampleMask reads m at the voxel centres of another grid by nearest neighbour, since labels
// cannot be averaged. Outside m the label is 0. It fails only when ctx ends, with the context's error.
func ResampleMask(ctx context.Context, m *Mask, to geom.Grid) (*Mask, error) {
	if sameLattice(m.grid, to) {
		return NewMask(to, m.data)
	}
	out := make([]uint8, to.Voxels())
	t := voxelToVoxel(to, m.grid)
	size := m.grid.Size
	err := eachSlice(ctx, to.Size[2], func(k int) {
		for j := range to.Size[1] {
			row := out[to.Index(0, j, k):][:to.Size[0]]
			for i := range row {
				p := apply(&t, geom.Vec3{float64(i), float64(j), float64(k)})
				if insideAxis(p[0], size[0]) && insideAxis(p[1], size[1]) && insideAxis(p[2], size[2]) {
					row[i] = m.data[m.grid.Index(nearestAxis(p[0], size[0]), nearestAxis(p[1], size[1]), nearestAxis(p[2], size[2]))]
				}
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("volume: resample mask: %w", err)
	}
	return NewMask(to, out)
}

func (s *Sampler) resampleSlice(m *[3][4]float64, to geom.Grid, k int, fill float32, out []float32) {
	for j := range to.Size[1] {
		row := out[to.Index(0, j, k):][:to.Size[0]]
		for i := range row {
			value, inside := s.AtVoxel(apply(m, geom.Vec3{float64(i), float64(j), float64(k)}))
			if !inside {
				value = fill
			}
			row[i] = value
		}
	}
}

// eachSlice calls do for every slice, several at a time, until ctx ends.
func eachSlice(ctx context.Context, slices int, do func(k int)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for k := range slices {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			do(k)
			return nil
		})
	}
	return g.Wait()
}

// voxelToVoxel returns the matrix that takes a voxel coordinate of from to one of to.
func voxelToVoxel(from, to geom.Grid) [3][4]float64 {
	var m [3][4]float64
	origin := to.Voxel(from.Origin)
	for c := range 3 {
		var unit geom.Vec3
		unit[c] = 1
		column := to.Voxel(from.World(unit)).Sub(origin)
		for r := range 3 {
			m[r][c] = column[r]
		}
	}
	for r := range 3 {
		m[r][3] = origin[r]
	}
	return m
}

// aligned reports whether each axis of the target runs along the same axis of the source, in
// either direction, to within sameVoxel over the whole target.
func aligned(m *[3][4]float64, size [3]int) bool {
	for r := range 3 {
		off := 0.0
		for c := range 3 {
			if c != r {
				off += math.Abs(m[r][c]) * float64(size[c]-1)
			}
		}
		if off > sameVoxel {
			return false
		}
	}
	return true
}

func sameLattice(a, b geom.Grid) bool {
	return a.SameAs(b, sameVoxel*min(a.Spacing[0], a.Spacing[1], a.Spacing[2]))
}

// separable resamples between grids whose axes agree: the weights of an axis depend on the index
// along that axis alone, so the three axes are interpolated one after the other.
type separable struct {
	s    *Sampler
	to   geom.Grid
	fill float32
	out  []float32
	taps [3][]tap // per target index; n = 0 outside the source
	low  [2]int   // source range that the taps along i and j read: low inclusive,
	high [2]int   // high exclusive
}

func newSeparable(s *Sampler, m *[3][4]float64, to geom.Grid, fill float32, out []float32) *separable {
	p := &separable{s: s, to: to, fill: fill, out: out}
	for a := range 3 {
		p.taps[a] = make([]tap, to.Size[a])
		for i := range p.taps[a] {
			if x := m[a][a]*float64(i) + m[a][3]; insideAxis(x, s.size[a]) {
				p.taps[a][i] = s.how.tap(x, s.size[a])
			}
		}
	}
	for a := range 2 {
		p.low[a] = s.size[a]
		for i := range p.taps[a] {
			t := &p.taps[a][i]
			for _, at := range t.at[:t.n] {
				p.low[a], p.high[a] = min(p.low[a], at), max(p.high[a], at+1)
			}
		}
	}
	return p
}

// slice fills slice k of the target.
func (p *separable) slice(k int) {
	n := p.to.Size[0] * p.to.Size[1]
	out := p.out[k*n : (k+1)*n]
	if p.taps[2][k].n == 0 || p.low[0] >= p.high[0] || p.low[1] >= p.high[1] {
		for i := range out {
			out[i] = p.fill
		}
		return
	}
	plane := p.blendSlices(&p.taps[2][k])
	width := p.high[0] - p.low[0]
	line := make([]float64, width)
	for j := range p.to.Size[1] {
		row := out[j*p.to.Size[0]:][:p.to.Size[0]]
		t := &p.taps[1][j]
		clear(line)
		for b := range t.n {
			src, w := plane[(t.at[b]-p.low[1])*width:][:width], t.w[b]
			for i, v := range src {
				line[i] += w * v
			}
		}
		p.fillRow(row, line, t.n > 0)
	}
}

// blendSlices returns the weighted sum of source slices, over the range of i and j that is read.
func (p *separable) blendSlices(t *tap) []float64 {
	width := p.high[0] - p.low[0]
	plane := make([]float64, width*(p.high[1]-p.low[1]))
	for c := range t.n {
		w := t.w[c]
		for j := p.low[1]; j < p.high[1]; j++ {
			src := p.s.data[p.low[0]+p.s.size[0]*(j+p.s.size[1]*t.at[c]):][:width]
			dst := plane[(j-p.low[1])*width:][:width]
			for i, v := range src {
				dst[i] += w * float64(v)
			}
		}
	}
	return plane
}

func (p *separable) fillRow(row []float32, line []float64, inside bool) {
	for i := range row {
		t := &p.taps[0][i]
		if t.n == 0 || !inside {
			row[i] = p.fill
			continue
		}
		sum := 0.0
		for a := range t.n {
			sum += t.w[a] * line[t.at[a]-p.low[0]]
		}
		row[i] = float32(sum)
	}
}
