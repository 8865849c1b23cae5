package calibrate

import (
	"context"
	"math"

	"bayeslice/internal/metrics"
)

// Fit is the temperature that explains one exam best. It was fitted on the reference of this exam and says nothing
// about others: the same voxels that it is judged on have chosen it.
type Fit struct {
	Temperature float64
	Before      float64 // NLL at T = 1, nats
	After       float64 // NLL at Temperature, nats
	// AtBound: the NLL still falls at the end of the range that was searched, [MinTemperature] or [MaxTemperature];
	// as where every judged voxel is on the right side of ½, when no temperature is small enough.
	AtBound bool
}

// Fit finds the temperature that gives the structure the least NLL in its region, at the settings' number of samples;
// their own temperature and threshold have no part. NLL is that of [Case.Evaluate].
//
// The search is in ln T: a scan of 17 points over [MinTemperature]…[MaxTemperature] finds the lowest, then golden
// section (Kiefer 1953) between its neighbours until they are within 0.1 %. For one class against one other the
// NLL has a single minimum (it is convex in 1/T); for a union of classes it need not, which is what the scan is for.
// It fails as Evaluate does, and with ctx's error.
func (c *Case) Fit(ctx context.Context, s Settings) (Fit, error) {
	s.Temperature = 1
	if err := c.check(s); err != nil {
		return Fit{}, err
	}
	region, err := c.region(s)
	if err != nil {
		return Fit{}, err
	}
	c.use(s.Samples)
	nll := c.objective(s, region)
	const points = 17
	lo, hi := math.Log(MinTemperature), math.Log(MaxTemperature)
	at := func(i int) float64 { return lo + (hi-lo)*float64(i)/(points-1) }
	best, least := 0, math.Inf(1)
	for i := range points {
		if err := ctx.Err(); err != nil {
			return Fit{}, err
		}
		if v := nll(at(i)); v < least {
			best, least = i, v
		}
	}
	x, err := goldenSection(ctx, nll, at(max(best-1, 0)), at(min(best+1, points-1)))
	if err != nil {
		return Fit{}, err
	}
	f := Fit{Temperature: math.Exp(x), Before: nll(0), After: nll(x)}
	const edge = 2e-3
	f.AtBound = x-lo < edge || hi-x < edge
	if f.Before <= f.After { // 1 itself is best, to the precision of the search
		f.Temperature, f.After, f.AtBound = 1, f.Before, false
	}
	return f, nil
}

// objective returns the NLL in a region as a function of ln T.
func (c *Case) objective(s Settings, region []int32) func(lnT float64) float64 {
	member := members(s.Structure)
	logs := c.logarithms()
	k := len(logs)
	near := make([]float64, 0, len(region)*k)
	for _, at := range region {
		for class := range k {
			near = append(near, float64(logs[class][at]))
		}
	}
	return func(lnT float64) float64 {
		beta, sum := math.Exp(-lnT), 0.0
		for n, at := range region {
			right, all := 0.0, 0.0
			is := member[c.truth.Labels[at]]
			for class, l := range near[n*k : (n+1)*k] {
				e := math.Exp(beta * l)
				all += e
				if member[class] == is {
					right += e
				}
			}
			sum -= math.Log(max(right/all, metrics.NLLFloor))
		}
		return sum / float64(len(region))
	}
}

// goldenSection narrows an interval round a minimum of f until its ends are within 0.001, and returns its middle.
func goldenSection(ctx context.Context, f func(float64) float64, a, b float64) (float64, error) {
	ratio := (math.Sqrt(5) - 1) / 2
	x, y := b-ratio*(b-a), a+ratio*(b-a)
	fx, fy := f(x), f(y)
	for b-a > 0.001 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if fx <= fy {
			b, y, fy = y, x, fx
			x = b - ratio*(b-a)
			fx = f(x)
		} else {
			a, x, fx = x, y, fy
			y = a + ratio*(b-a)
			fy = f(y)
		}
	}
	return (a + b) / 2, nil
}
