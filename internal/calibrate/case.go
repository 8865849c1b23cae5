package calibrate

import (
	"math"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/metrics"
)

// RegionKind says which voxels are judged.
type RegionKind uint8

// Regions. Only voxels that the reference covers are ever judged.
const (
	NearGland RegionKind = iota // in the gland of the reference, and within a margin of it
	Whole                       // the whole grid: the background, of which every network is sure, hides the rest
	Segment                     // what the model predicts as the structure (most probable class), or the reference labels so
)

// Region is where calibration is judged.
type Region struct {
	Kind     RegionKind
	MarginMM float64 // of NearGland, from voxel centre to voxel centre; 0 is the gland alone
}

// DefaultMarginMM is the margin round the gland unless said otherwise: ten millimetres hold the places where outlines
// can differ, and little else.
const DefaultMarginMM = 10

// Range of temperatures that can be asked for and that [Case.Fit] searches.
const (
	MinTemperature = 0.1
	MaxTemperature = 10.0
)

// Settings are what a person varies. The zero value is not usable: see [DefaultSettings].
type Settings struct {
	Structure inference.Zone // one of [inference.Zones] of the model's classes
	Region    Region
	// Samples is how many samples are averaged: the first n that were stored. 0, and the number that was drawn or
	// more, is the mean of all of them.
	Samples     int
	Temperature float64 // divides the logarithms of the mean probabilities; 1 leaves them as they are
	Threshold   float64 // of the structure's probability, from which a voxel is decided to be of it; 0…1
	Bins        int     // of the reliability diagram; 0 is [metrics.DefaultBins]
}

// DefaultSettings judges a structure in and near the gland, by the mean of all samples, as it is.
func DefaultSettings(z inference.Zone) Settings {
	return Settings{Structure: z, Region: Region{MarginMM: DefaultMarginMM}, Temperature: 1, Threshold: 0.5, Bins: metrics.DefaultBins}
}

// Case is a prediction beside the truth. Make it with [NewCase]. It keeps the running sum of samples and the
// logarithms, so that moving a slider costs little. Not safe for concurrent use.
type Case struct {
	p     *inference.Prediction
	truth *Truth

	samples int         // of mean
	mean    [][]float32 // per class, whole grid, of the first samples
	logs    [][]float32 // ln of mean, at least ln of [metrics.NLLFloor]; nil until wanted
	sums    []uint32    // [K, box]: bytes of the first summed samples
	summed  int
}

// NewCase puts a prediction beside the truth on its grid. It fails with [ErrReference] where the truth is on another
// grid or labels classes that the model does not have, and with [inference.ErrInput] where the prediction lacks maps.
func NewCase(p *inference.Prediction, t *Truth) (*Case, error) {
	if len(p.Mean) < 2 || len(p.Mean) != len(p.Card.Classes) || p.Hard == nil {
		return nil, fail(inference.ErrInput, "the prediction holds no maps; run the model again")
	}
	if !p.Grid.SameAs(t.Grid, 1e-6) {
		return nil, fail(ErrReference, "it was brought to another model's grid")
	}
	if top := slices.Max(t.Labels); int(top) >= len(p.Mean) {
		return nil, fail(ErrReference, "it labels class %d, but the model has classes 0 to %d", top, len(p.Mean)-1)
	}
	return &Case{p: p, truth: t}, nil
}

// Prediction returns the prediction.
func (c *Case) Prediction() *inference.Prediction { return c.p }

// Truth returns the reference on the prediction's grid.
func (c *Case) Truth() *Truth { return c.truth }

// check refuses settings that mean nothing.
func (c *Case) check(s Settings) error {
	switch {
	case !(s.Temperature >= MinTemperature && s.Temperature <= MaxTemperature):
		return fail(ErrSettings, "a temperature of %g; choose one from %g to %g", s.Temperature, MinTemperature, MaxTemperature)
	case !(s.Threshold >= 0 && s.Threshold <= 1):
		return fail(ErrSettings, "a threshold of %g; choose one from 0 to 1", s.Threshold)
	case s.Samples < 0:
		return fail(ErrSettings, "%d samples", s.Samples)
	case s.Bins < 0:
		return fail(ErrSettings, "%d bins", s.Bins)
	case len(s.Structure.Classes) == 0:
		return fail(ErrSettings, "no structure is chosen")
	case s.Region.Kind > Segment || !(s.Region.MarginMM >= 0):
		return fail(ErrSettings, "an unknown region")
	}
	for _, k := range s.Structure.Classes {
		if k < 1 || k >= len(c.p.Mean) {
			return fail(ErrSettings, "the model has no structure %q", s.Structure.Name)
		}
	}
	return nil
}

// region lists the offsets that are judged, ascending.
func (c *Case) region(s Settings) ([]int32, error) {
	t := c.truth
	if s.Region.Kind == NearGland && t.gland == nil {
		return nil, fail(ErrReference, "no gland is known to judge near; load a reference with zones, or judge the whole grid")
	}
	in := members(s.Structure)
	hard := c.p.Hard.Data()
	var at []int32
	for i, known := range t.Known {
		switch {
		case !known:
		case s.Region.Kind == NearGland && t.gland[i] > s.Region.MarginMM:
		case s.Region.Kind == Segment && !in[hard[i]] && !in[t.Labels[i]]:
		default:
			at = append(at, int32(i))
		}
	}
	if len(at) == 0 {
		return nil, fail(metrics.ErrUndefined, "no voxel is in this region: %s was neither predicted nor labelled there; choose another region", s.Structure.Name)
	}
	return at, nil
}

// members tells which classes belong to a structure.
func members(z inference.Zone) *[256]bool {
	var in [256]bool
	for _, k := range z.Classes {
		in[k] = true
	}
	return &in
}

// use makes mean that of the first n samples.
func (c *Case) use(n int) {
	store := c.p.Store
	if n <= 0 || n >= c.p.Samples || store == nil || store.Len() == 0 {
		n = c.p.Samples
	} else {
		n = min(n, store.Len())
	}
	if c.mean != nil && c.samples == n {
		return
	}
	c.samples, c.logs = n, nil
	c.mean = make([][]float32, len(c.p.Mean))
	for k, v := range c.p.Mean {
		c.mean[k] = v.Data()
	}
	if n < c.p.Samples {
		c.average(n)
	}
}

// average replaces mean inside the stored box by that of the first n stored samples: the sum of the bytes of a class
// over the sum of those of all classes, since the rounded bytes of a voxel need not add up to 255.
func (c *Case) average(n int) {
	store, g := c.p.Store, c.p.Grid
	c.sum(n)
	for k := range c.mean {
		c.mean[k] = slices.Clone(c.mean[k])
	}
	voxels := len(c.sums) / len(c.mean)
	at := 0
	for k := store.Lo[2]; k < store.Hi[2]; k++ {
		for j := store.Lo[1]; j < store.Hi[1]; j++ {
			row := g.Index(store.Lo[0], j, k)
			for i := range store.Hi[0] - store.Lo[0] {
				total := uint32(0)
				for class := range c.mean {
					total += c.sums[class*voxels+at]
				}
				for class := range c.mean {
					c.mean[class][row+i] = float32(float64(c.sums[class*voxels+at]) / float64(max(total, 1)))
				}
				at++
			}
		}
	}
}

// sum makes sums those of the first n stored samples, by adding or taking away those between.
func (c *Case) sum(n int) {
	store := c.p.Store
	if c.sums == nil || n < c.summed-n {
		c.sums, c.summed = make([]uint32, len(store.Sample(0))), 0
	}
	for ; c.summed < n; c.summed++ {
		for i, b := range store.Sample(c.summed) {
			c.sums[i] += uint32(b)
		}
	}
	for ; c.summed > n; c.summed-- {
		for i, b := range store.Sample(c.summed - 1) {
			c.sums[i] -= uint32(b)
		}
	}
}

// logarithms returns ln of mean per class.
func (c *Case) logarithms() [][]float32 {
	if c.logs == nil {
		for _, mean := range c.mean {
			logs := make([]float32, len(mean))
			for i, p := range mean {
				logs[i] = float32(math.Log(max(float64(p), metrics.NLLFloor)))
			}
			c.logs = append(c.logs, logs)
		}
	}
	return c.logs
}
