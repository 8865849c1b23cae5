package annotate

import (
	"context"
	"fmt"
	"math"

	"bayeslice/internal/volume"
)

// Smoothing says how contours are smoothed.
type Smoothing struct {
	SigmaMM  float64 // standard deviation of the Gaussian, 0.2…10 mm
	InPlane  bool    // each slice by itself, not across slices
	From, To int     // slices, both inclusive, that may change; From > To stands for all
}

// Range of [Smoothing.SigmaMM].
const (
	MinSigma = 0.2
	MaxSigma = 10
)

// Smooth proposes smoother contours of the layer that a structure lives in. Both zones are smoothed
// together: the Gaussian means of their indicators decide first what is gland, where they add up to a half
// or more, and then which zone it is, the one with the larger mean. So the gland is what it would be if it
// were smoothed alone, no gap opens between the zones, and they never overlap. The mean is that of
// scipy.ndimage.gaussian_filter with mode "nearest" and truncate 4.
//
// A Gaussian of σ moves an outline of radius R inwards by about σ²/2R, and what is thinner than about σ
// disappears. It fails with [ErrNothing], [ErrLabels], or ctx's error.
func Smooth(ctx context.Context, s *Snapshot, label Label, o Smoothing) (*Proposal, error) {
	if label < WG || label > CsPCa {
		return nil, fmt.Errorf("%w: no structure is chosen; choose WG, TZ, PZ or csPCa", ErrLabels)
	}
	if !(o.SigmaMM >= MinSigma && o.SigmaMM <= MaxSigma) {
		return nil, fmt.Errorf("%w: smoothing over %g mm; choose %g to %d mm", ErrNothing, o.SigmaMM, MinSigma, MaxSigma)
	}
	layer := label.Layer()
	area, fromK, toK := s.extent(wholeLayer(layer))
	if area.empty() {
		return nil, fmt.Errorf("%w: there is no contour to smooth", ErrNothing)
	}
	if o.From > o.To {
		o.From, o.To = 0, s.grid.Size[2]-1
	}
	b := newBlur(s, o, area, fromK, toK)
	out := s.thawed(layer)
	var err error
	if layer == Zones {
		err = b.zones(ctx, s, o, &out)
	} else {
		err = b.lesions(ctx, s, o, &out)
	}
	if err != nil {
		return nil, err
	}
	var layers [layerCount][][]uint8
	layers[layer] = out.slice
	a := Action{Op: OpSmooth}
	if layer == Lesions {
		a.Label = CsPCa
	}
	return propose(s, a, layers, "the contours are as smooth already")
}

// blur computes Gaussian means over a box of the grid.
type blur struct {
	box    volume.Box
	kernel [3][]float32
}

func newBlur(s *Snapshot, o Smoothing, area rect, fromK, toK int) *blur {
	b := &blur{box: volume.Box{Min: [3]int{area.minI, area.minJ, fromK}, Max: [3]int{area.maxI, area.maxJ, toK}}}
	var reach [3]int
	for a := range 3 {
		b.kernel[a] = []float32{1}
		if a < 2 || !o.InPlane {
			b.kernel[a] = gaussian(o.SigmaMM / s.grid.Spacing[a])
		}
		reach[a] = len(b.kernel[a]) / 2
	}
	b.box = b.box.Grow(reach, s.grid)
	return b
}

// gaussian returns the weights of SciPy's gaussian_filter1d, with a standard deviation in voxels.
func gaussian(sigma float64) []float32 {
	reach := int(4*sigma + 0.5)
	weights := make([]float64, 2*reach+1)
	sum := 0.0
	for n := range weights {
		x := float64(n-reach) / sigma
		weights[n] = math.Exp(-x * x / 2)
		sum += weights[n]
	}
	out := make([]float32, len(weights))
	for n, w := range weights {
		out[n] = float32(w / sum)
	}
	return out
}

// mean returns the Gaussian mean of a structure's indicator, i fastest in the box.
func (b *blur) mean(ctx context.Context, s *Snapshot, l Label) ([]float32, error) {
	size := b.box.Size()
	data := make([]float32, 0, size[0]*size[1]*size[2])
	for k := b.box.Min[2]; k < b.box.Max[2]; k++ {
		labels := s.layers[l.Layer()][k]
		for j := b.box.Min[1]; j < b.box.Max[1]; j++ {
			for _, v := range labels[j*s.grid.Size[0]+b.box.Min[0] : j*s.grid.Size[0]+b.box.Max[0]] {
				if v != 0 && l.holds(v) {
					data = append(data, 1)
				} else {
					data = append(data, 0)
				}
			}
		}
	}
	stride := 1
	for a := range 3 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(b.kernel[a]) > 1 {
			convolve(data, size[a], stride, b.kernel[a])
		}
		stride *= size[a]
	}
	return data, nil
}

// convolve replaces every line of n values, stride apart, by its convolution; the ends are repeated.
func convolve(data []float32, n, stride int, kernel []float32) {
	reach := len(kernel) / 2
	line := make([]float32, n+2*reach)
	for start := range data {
		if start/stride%n != 0 {
			continue
		}
		busy := false
		for x := range line {
			v := data[start+min(max(x-reach, 0), n-1)*stride]
			line[x] = v
			busy = busy || v != 0
		}
		if !busy {
			continue
		}
		for x := range n {
			sum := float32(0)
			for y, w := range kernel {
				sum += w * line[x+y]
			}
			data[start+x*stride] = sum
		}
	}
}

// half is the mean from which on a voxel is inside; the rounding of the sums is allowed for, so that what
// lies exactly on it does not depend on the order of summing.
const half = 0.5 - 1e-6

// each calls set with the offset in the box of every voxel that may change, and where to put its label.
func (b *blur) each(s *Snapshot, o Smoothing, out *sheets, set func(at int, label *uint8)) {
	size := b.box.Size()
	for k := max(b.box.Min[2], o.From); k < b.box.Max[2] && k <= o.To; k++ {
		sheet := out.writable(k)
		for j := b.box.Min[1]; j < b.box.Max[1]; j++ {
			at := ((k-b.box.Min[2])*size[1] + j - b.box.Min[1]) * size[0]
			row := sheet[j*s.grid.Size[0]+b.box.Min[0] : j*s.grid.Size[0]+b.box.Max[0]]
			for i := range row {
				set(at+i, &row[i])
			}
		}
	}
}

func (b *blur) zones(ctx context.Context, s *Snapshot, o Smoothing, out *sheets) error {
	tz, err := b.mean(ctx, s, TZ)
	if err != nil {
		return err
	}
	pz, err := b.mean(ctx, s, PZ)
	if err != nil {
		return err
	}
	b.each(s, o, out, func(at int, label *uint8) {
		switch {
		case tz[at]+pz[at] < half:
			*label = 0
		case pz[at] > tz[at]:
			*label = valuePZ
		default:
			*label = valueTZ
		}
	})
	return nil
}

func (b *blur) lesions(ctx context.Context, s *Snapshot, o Smoothing, out *sheets) error {
	mean, err := b.mean(ctx, s, CsPCa)
	if err != nil {
		return err
	}
	b.each(s, o, out, func(at int, label *uint8) {
		*label = 0
		if mean[at] >= half {
			*label = valueLesion
		}
	})
	return nil
}
