package calibrate

import (
	"math"
	"slices"

	"bayeslice/internal/metrics"
	"bayeslice/internal/volume"
)

// Figures tell how well stated probabilities of one structure agree with what is there.
type Figures struct {
	N           int           `json:"n"`           // voxels or statements that were judged
	ECE         float64       `json:"ece"`         // expected calibration error, 0…1: mean gap between stated and observed, by bins
	NLL         float64       `json:"nll"`         // mean of −ln of the probability given to what is true, nats
	Brier       float64       `json:"brier"`       // mean of (p − y)², 0…1, y being 1 in the structure and 0 elsewhere
	Reliability []metrics.Bin `json:"reliability"` // the bins of ECE
}

// figures judges probabilities [2, n]: those of not being in the structure, then those of being in it.
func figures(p []float32, in []uint8, bins int) (Figures, error) {
	c, err := metrics.NewCalibration(2, bins)
	if err != nil {
		return Figures{}, err
	}
	if err := c.Add(p, in); err != nil {
		return Figures{}, err
	}
	r, err := c.Result()
	if err != nil {
		return Figures{}, err
	}
	return Figures{N: r.Voxels, ECE: r.Classes[1].ECE, NLL: r.NLL, Brier: r.Classes[1].Brier, Reliability: r.Classes[1].Reliability}, nil
}

// Decision compares the voxels whose probability reaches the threshold with the reference, over all of the grid that
// the reference covers.
type Decision struct {
	metrics.Overlap         // in voxels of the model's grid
	VolumeML        float64 // of what was decided
	ReferenceML     float64 // of what the reference labels
}

// Result is what one [Settings] of a [Case] gives. Immutable.
type Result struct {
	Settings Settings
	Figures
	Decision Decision
	Samples  int // that were averaged
	// Kept counts the judged voxels outside the stored box, which keep the mean of all samples when fewer are asked
	// for; 0 where all are.
	Kept int

	p      []float32 // of the structure, whole grid
	region []int32   // offsets that were judged, ascending
	grid   *volume.Volume
}

// Evaluate judges the prediction.
//
// Fewer samples: the mean of the first n stored ones, whose probabilities are rounded to 1/255. Voxels outside the
// stored box, which sampling keeps because nothing is expected there, keep the mean of all samples, so that the
// same voxels are judged whatever n is; [Result.Kept] counts them. With all samples the mean is the exact one.
//
// Temperature: the mean is tempered, p_k^(1/T) / Σ p^(1/T), which is the softmax of ln p / T (Guo et al. 2017), rather
// than each sample before averaging: averaging makes predictions less sure, so that samples which are each
// calibrated have a mean that is not (Rahaman and Thiery 2021, "pool, then calibrate"). T = 1 gives the mean bit by
// bit, no T changes the most probable class, and the cost does not grow with the number of samples. A probability of
// 0 counts as [metrics.NLLFloor] when it is tempered.
//
// It fails with [ErrSettings], with [ErrReference] where the region needs a gland that is not known, and with
// [metrics.ErrUndefined] where the region holds no voxel.
func (c *Case) Evaluate(s Settings) (*Result, error) {
	if s.Bins == 0 {
		s.Bins = metrics.DefaultBins
	}
	if err := c.check(s); err != nil {
		return nil, err
	}
	region, err := c.region(s)
	if err != nil {
		return nil, err
	}
	c.use(s.Samples)
	r := &Result{Settings: s, Samples: c.samples, region: region}
	in, not := c.probabilities(s)
	r.p = in
	if r.grid, err = volume.New(c.p.Grid, in, "probability"); err != nil {
		return nil, err
	}
	r.Kept = c.kept(region)
	member := members(s.Structure)
	judged, truth := make([]float32, 2*len(region)), make([]uint8, len(region))
	for n, at := range region {
		judged[n], judged[len(region)+n] = not[at], in[at]
		if member[c.truth.Labels[at]] {
			truth[n] = 1
		}
	}
	if r.Figures, err = figures(judged, truth, s.Bins); err != nil {
		return nil, err
	}
	r.Decision = c.decide(in, s)
	return r, nil
}

// probabilities returns, per voxel of the grid, the probability of being in the structure and of not being in it. Both
// are summed of their classes', so that neither loses the digits of 1 − p.
func (c *Case) probabilities(s Settings) (in, not []float32) {
	member := members(s.Structure)
	if s.Temperature == 1 {
		in, not = c.sumOf(member, true), c.sumOf(member, false)
		return in, not
	}
	logs, beta := c.logarithms(), 1/s.Temperature
	n := len(logs[0])
	in, not = make([]float32, n), make([]float32, n)
	for i := range n {
		var a, b float64
		for k, l := range logs {
			e := math.Exp(beta * float64(l[i]))
			if member[k] {
				a += e
			} else {
				b += e
			}
		}
		in[i], not[i] = float32(a/(a+b)), float32(b/(a+b))
	}
	return in, not
}

// sumOf adds the mean of the classes that are members, or of those that are not. A single class is shared, not copied.
func (c *Case) sumOf(member *[256]bool, are bool) []float32 {
	var sum []float32
	shared := false
	for k, mean := range c.mean {
		switch {
		case member[k] != are:
		case sum == nil:
			sum, shared = mean, true
		default:
			if shared {
				sum, shared = slices.Clone(sum), false
			}
			for i, p := range mean {
				sum[i] += p
			}
		}
	}
	return sum
}

// kept counts judged voxels that lie outside the stored box while fewer than all samples are averaged.
func (c *Case) kept(region []int32) int {
	if c.samples >= c.p.Samples {
		return 0
	}
	n := 0
	for _, at := range region {
		v := voxelOf(c.p.Grid.Size, int(at))
		for a := range 3 {
			if v[a] < c.p.Store.Lo[a] || v[a] >= c.p.Store.Hi[a] {
				n++
				break
			}
		}
	}
	return n
}

// voxelOf is the voxel (i, j, k) of an offset.
func voxelOf(size [3]int, at int) [3]int {
	return [3]int{at % size[0], at / size[0] % size[1], at / size[0] / size[1]}
}

// decide compares what reaches the threshold with the reference.
func (c *Case) decide(p []float32, s Settings) Decision {
	member := members(s.Structure)
	var d Decision
	for i, known := range c.truth.Known {
		if !known {
			continue
		}
		predicted, reference := float64(p[i]) >= s.Threshold, member[c.truth.Labels[i]]
		if predicted {
			d.Predicted++
		}
		if reference {
			d.Reference++
		}
		if predicted && reference {
			d.Both++
		}
	}
	ml := c.p.Grid.VoxelVolume() / 1000
	d.VolumeML, d.ReferenceML = float64(d.Predicted)*ml, float64(d.Reference)*ml
	return d
}

// Field returns the structure's probability on the model's grid, as it was judged.
func (r *Result) Field() *volume.Volume { return r.grid }

// BinVoxels returns the offsets of the judged voxels whose probability falls into a bin of the reliability diagram,
// ascending; nil for a bin that does not exist. As many as [metrics.Bin.Voxels] says.
func (r *Result) BinVoxels(bin int) []int32 {
	if bin < 0 || bin >= r.Settings.Bins {
		return nil
	}
	var at []int32
	for _, i := range r.region {
		if metrics.BinOf(float64(r.p[i]), r.Settings.Bins) == bin {
			at = append(at, i)
		}
	}
	return at
}

// BinMask returns the voxels of [Result.BinVoxels] as a mask on the model's grid: label 1 where the structure is there
// by the truth, 2 where it is not.
func (r *Result) BinMask(bin int, t *Truth) (*volume.Mask, error) {
	member := members(r.Settings.Structure)
	labels := make([]uint8, len(r.p))
	for _, i := range r.BinVoxels(bin) {
		labels[i] = 2
		if member[t.Labels[i]] {
			labels[i] = 1
		}
	}
	return volume.NewMask(r.grid.Grid(), labels)
}
