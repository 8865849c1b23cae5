package volume

import (
	"context"
	"math"

	"bayeslice/internal/geom"
)

// edge is the half voxel by which the inside of an image reaches beyond its outermost voxel
// centres, with room for rounding.
const edge = 0.5 + 1e-6

// Sampler reads a volume between its voxel centres. Voxel centres are at integer voxel
// coordinates, and a point is inside where it lies within half a voxel of the box of voxel
// centres, so that the inside is exactly the space that the voxels fill. In that outer half voxel
// [Nearest] and [Linear] repeat the edge voxel, and [Spline] mirrors about it.
//
// [Spline] interpolates, and so overshoots at steep edges: a probability or an ADC value can leave
// the range of the voxels around it. Clamp it where that matters. It reads voxels that are
// not finite as 0; [Linear] and [Nearest] return them.
//
// A Sampler is immutable and may be used by several goroutines.
type Sampler struct {
	size [3]int
	how  Interp
	data []float32 // voxels, or spline coefficients
	toV  [3][4]float64
}

// Sampler prepares the volume for reading at arbitrary points. For [Spline] it filters the whole
// volume, which takes about 0.1 s for three million voxels, so keep it.
func (v *Volume) Sampler(how Interp) *Sampler {
	s, err := v.sampler(context.Background(), how)
	if err != nil {
		panic(err) // only cancellation can fail, and the background context is never cancelled
	}
	return s
}

func (v *Volume) sampler(ctx context.Context, how Interp) (*Sampler, error) {
	s := &Sampler{size: v.grid.Size, how: how, data: v.data, toV: worldToVoxel(v.grid)}
	if how == Spline {
		c, err := splineCoefficients(ctx, v.data, v.grid.Size)
		if err != nil {
			return nil, err
		}
		s.data = c
	}
	return s, nil
}

// At returns the value at a world point, LPS mm; inside is false, and the value 0, outside the image.
func (s *Sampler) At(world geom.Vec3) (value float32, inside bool) {
	return s.AtVoxel(apply(&s.toV, world))
}

// AtVoxel is [Sampler.At] for a continuous voxel coordinate.
func (s *Sampler) AtVoxel(voxel geom.Vec3) (value float32, inside bool) {
	for a, x := range voxel {
		if !insideAxis(x, s.size[a]) {
			return 0, false
		}
	}
	if s.how == Nearest {
		return s.data[nearestAxis(voxel[0], s.size[0])+
			s.size[0]*(nearestAxis(voxel[1], s.size[1])+s.size[1]*nearestAxis(voxel[2], s.size[2]))], true
	}
	var taps [3]tap
	for a := range 3 {
		taps[a] = s.how.tap(voxel[a], s.size[a])
	}
	return s.sum(&taps), true
}

func (s *Sampler) sum(taps *[3]tap) float32 {
	i, j, k := &taps[0], &taps[1], &taps[2]
	total := 0.0
	for c := range k.n {
		plane := 0.0
		for b := range j.n {
			row := s.data[s.size[0]*(j.at[b]+s.size[1]*k.at[c]):]
			line := 0.0
			for a := range i.n {
				line += i.w[a] * float64(row[i.at[a]])
			}
			plane += j.w[b] * line
		}
		total += k.w[c] * plane
	}
	return float32(total)
}

// tap is what a one-dimensional interpolation reads: n weighted samples.
type tap struct {
	n  int
	at [4]int
	w  [4]float64
}

// tap returns the weights of how at coordinate x, which is inside an axis of n samples.
func (how Interp) tap(x float64, n int) tap {
	switch how {
	case Linear:
		return linearTap(x, n)
	case Spline:
		return splineTap(x, n)
	default:
		return tap{n: 1, at: [4]int{nearestAxis(x, n)}, w: [4]float64{1}}
	}
}

func linearTap(x float64, n int) tap {
	x = min(max(x, 0), float64(n-1))
	low := min(int(x), max(n-2, 0))
	t := x - float64(low)
	if t == 0 || t == 1 { // keeps a NaN or infinite neighbour out of a voxel read at its own centre
		return tap{n: 1, at: [4]int{low + int(t)}, w: [4]float64{1}}
	}
	return tap{n: 2, at: [4]int{low, low + 1}, w: [4]float64{1 - t, t}}
}

func splineTap(x float64, n int) tap {
	if n == 1 {
		return tap{n: 1, w: [4]float64{1}}
	}
	low := math.Floor(x)
	t := x - low
	u := 1 - t
	out := tap{n: 4, w: [4]float64{u * u * u / 6, 2.0/3 - t*t*(2-t)/2, 2.0/3 - u*u*(2-u)/2, t * t * t / 6}}
	for a := range 4 {
		out.at[a] = mirror(int(low)-1+a, n)
	}
	return out
}

// mirror folds an index into 0…n−1 about the first and the last sample (… 2 1 0 1 2 …), n ≥ 2.
func mirror(i, n int) int {
	period := 2*n - 2
	i %= period
	if i < 0 {
		i += period
	}
	if i >= n {
		i = period - i
	}
	return i
}

func insideAxis(x float64, n int) bool {
	return x >= -edge && x <= float64(n-1)+edge // false for NaN
}

func nearestAxis(x float64, n int) int {
	return min(max(int(math.Floor(x+0.5)), 0), n-1)
}

// worldToVoxel returns the 3×4 matrix of [geom.Grid.Voxel].
func worldToVoxel(g geom.Grid) [3][4]float64 {
	var m [3][4]float64
	zero := g.Voxel(geom.Vec3{})
	for c := range 3 {
		var unit geom.Vec3
		unit[c] = 1
		column := g.Voxel(unit).Sub(zero)
		for r := range 3 {
			m[r][c] = column[r]
		}
	}
	for r := range 3 {
		m[r][3] = zero[r]
	}
	return m
}

func apply(m *[3][4]float64, p geom.Vec3) geom.Vec3 {
	var out geom.Vec3
	for r := range 3 {
		out[r] = m[r][0]*p[0] + m[r][1]*p[1] + m[r][2]*p[2] + m[r][3]
	}
	return out
}
