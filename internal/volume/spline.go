package volume

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// splinePole is the pole of the cubic B-spline's direct filter (Unser, Aldroubi and Eden 1993).
var splinePole = math.Sqrt(3) - 2

// lineBlock is how many neighbouring lines are filtered together, so that every axis is read in
// runs of memory.
const lineBlock = 32

// splineCoefficients returns the cubic B-spline coefficients that interpolate data, of the given
// size, with mirrored ends (scipy.ndimage.spline_filter, order 3, mode "mirror"). Voxels that are
// not finite count as 0, since the filter would otherwise spread them over the whole image.
func splineCoefficients(ctx context.Context, data []float32, size [3]int) ([]float32, error) {
	c := make([]float32, len(data))
	for i, v := range data {
		if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
			c[i] = v
		}
	}
	for axis := range 3 {
		if size[axis] == 1 {
			continue
		}
		if err := filterAxis(ctx, c, size, axis); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// filterAxis applies the direct B-spline filter to every line of c along axis.
func filterAxis(ctx context.Context, c []float32, size [3]int, axis int) error {
	stride := [3]int{1, size[0], size[0] * size[1]}
	fast, slow := 0, 1 // the two axes across the lines, the nearer in memory first
	switch axis {
	case 0:
		fast, slow = 1, 2
	case 1:
		fast, slow = 0, 2
	}
	gain := axisGain(size[axis])
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for s := range size[slow] {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			buf := make([]float64, size[axis]*lineBlock)
			for f := 0; f < size[fast]; f += lineBlock {
				lines := min(lineBlock, size[fast]-f)
				block := strided{c[s*stride[slow]+f*stride[fast]:], stride[fast], stride[axis]}
				block.load(buf, lines, size[axis])
				filterLines(buf, lines, size[axis], gain)
				block.store(buf, lines, size[axis])
			}
			return nil
		})
	}
	return g.Wait()
}

// strided is a bundle of parallel lines in a larger array.
type strided struct {
	data      []float32
	line      int // distance between neighbouring lines
	alongLine int // distance between neighbours within a line
}

func (s strided) load(buf []float64, lines, n int) {
	for p := range n {
		row := buf[p*lines : (p+1)*lines]
		for l := range row {
			row[l] = float64(s.data[p*s.alongLine+l*s.line])
		}
	}
}

func (s strided) store(buf []float64, lines, n int) {
	for p := range n {
		row := buf[p*lines : (p+1)*lines]
		for l, v := range row {
			s.data[p*s.alongLine+l*s.line] = float32(v)
		}
	}
}

// axisGain returns the weights with which the samples of a line of n ≥ 2 form the first value of
// the causal recursion: the sum over one whole period 2n−2 of the mirrored signal, exactly.
func axisGain(n int) []float64 {
	w := make([]float64, n)
	period := 2*n - 2
	z := splinePole
	norm := 1 / (1 - math.Pow(z, float64(period)))
	p := norm
	for i := range period {
		at := i
		if at >= n {
			at = period - i
		}
		w[at] += p
		p *= z
	}
	return w
}

// filterLines turns n samples of each of the given lines, stored sample by sample, into coefficients.
func filterLines(buf []float64, lines, n int, first []float64) {
	const gain = 6 // (1 − z)(1 − 1/z)
	z := splinePole
	for i := range buf[:n*lines] {
		buf[i] *= gain
	}
	for l := range lines {
		sum := 0.0
		for p, w := range first {
			sum += w * buf[p*lines+l]
		}
		buf[l] = sum
	}
	for i := lines; i < n*lines; i++ {
		buf[i] += z * buf[i-lines]
	}
	end := (n - 1) * lines
	for l := range lines {
		buf[end+l] = (z*buf[end+l-lines] + buf[end+l]) * z / (z*z - 1)
	}
	for i := end - 1; i >= 0; i-- {
		buf[i] = z * (buf[i+lines] - buf[i])
	}
}
