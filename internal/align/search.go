package align

import (
	"context"
	"fmt"
	"math"
)

// Search steps.
const (
	coarseMM     = 2.0 // between the shifts that are all tried
	coarseStride = 4   // every so many points are looked at then
	finestMM     = 0.1 // of the refinement
)

// scores are the measure for each part and, last, for the region as a whole.
type scores [whole + 1]float64

// score returns the measure at a shift, of the parts that are looked at and of all that is: the mean over the diffusion images. Where less
// than half of the points are covered it is −Inf.
func (s *search) score(shift Offset, l look) scores {
	var out scores
	var h joint
	world := s.frame.World(shift)
	for m := range s.moving {
		if s.compare(&s.moving[m], world, l, &h) < leastShare {
			for p := range out {
				out[p] = math.Inf(-1)
			}
			return out
		}
		var all [bins * bins]float64
		for p := range parts {
			if l.only != whole && l.only != p {
				continue
			}
			out[p] += nmi(&h[p]) / float64(len(s.moving))
			for i, c := range h[p] {
				all[i] += c
			}
		}
		if l.only == whole {
			out[whole] += nmi(&all) / float64(len(s.moving))
		}
	}
	return out
}

// run tries every coarse shift, then climbs to the top next to the best one of each part and of the region.
func (s *search) run(ctx context.Context, progress func(done, total int)) (*Estimate, error) {
	var grid []Offset
	for head := -ReachThroughMM + 1.0; head <= ReachThroughMM; head += coarseMM {
		for back := -float64(ReachInPlaneMM); back <= ReachInPlaneMM; back += coarseMM {
			for left := -float64(ReachInPlaneMM); left <= ReachInPlaneMM; left += coarseMM {
				grid = append(grid, Offset{left, back, head})
			}
		}
	}
	steps := len(grid) + len(scores{})*refineSteps
	var best [whole + 1]Offset
	top := scores{}
	for n, shift := range grid {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("align: check the alignment: %w", err)
		}
		for p, v := range s.score(shift, look{stride: coarseStride, rough: true, only: whole}) {
			if n == 0 || v > top[p] {
				top[p], best[p] = v, shift
			}
		}
		progress(n+1, steps)
	}
	for p := range best {
		var err error
		if best[p], top[p], err = s.refine(ctx, best[p], p); err != nil {
			return nil, err
		}
		progress(len(grid)+(p+1)*refineSteps, steps)
	}
	return s.judge(best, top[whole]), nil
}

// refineSteps is what a refinement counts for in the progress: about as much time as so many coarse shifts, on average.
const refineSteps = 150

// refine climbs from a coarse shift: along one axis after the other, by steps that are halved where no neighbour is better. part is that
// whose measure counts.
func (s *search) refine(ctx context.Context, at Offset, part int) (Offset, float64, error) {
	score := func(o Offset) float64 { return s.score(o, look{stride: 1, only: part})[part] }
	top := score(at)
	for step := coarseMM / 2; step >= finestMM; {
		better := false
		for _, d := range [6]Offset{{Left: step}, {Left: -step}, {Back: step}, {Back: -step}, {Head: step}, {Head: -step}} {
			if err := ctx.Err(); err != nil {
				return Offset{}, 0, fmt.Errorf("align: check the alignment: %w", err)
			}
			next := at.Add(d)
			if math.Abs(next.Left) > ReachInPlaneMM || math.Abs(next.Back) > ReachInPlaneMM || math.Abs(next.Head) > ReachThroughMM {
				continue
			}
			if v := score(next); v > top {
				at, top, better = next, v, true
			}
		}
		if !better {
			step /= 2
		}
	}
	return at, top, nil
}

// judge turns the parts' answers into an estimate with its confidence.
func (s *search) judge(best [whole + 1]Offset, top float64) *Estimate {
	e := &Estimate{Shift: best[whole], Frame: s.frame, Voxel: s.voxel, NMI: top, NMIAtZero: s.score(Offset{}, look{stride: 1, only: whole})[whole]}
	spread := func(of func(Offset) float64) float64 {
		var mean, sum float64
		for _, b := range best[:parts] {
			mean += of(b) / parts
		}
		for _, b := range best[:parts] {
			sum += (of(b) - mean) * (of(b) - mean)
		}
		return math.Sqrt(sum / (parts - 1) / parts)
	}
	e.SE = Offset{spread(func(o Offset) float64 { return o.Left }), spread(func(o Offset) float64 { return o.Back }), spread(func(o Offset) float64 { return o.Head })}
	worst := max(e.SE.Left/e.Voxel.Left, e.SE.Back/e.Voxel.Back, e.SE.Head/e.Voxel.Head)
	edge := math.Abs(e.Shift.Left) > ReachInPlaneMM-coarseMM/2 || math.Abs(e.Shift.Back) > ReachInPlaneMM-coarseMM/2 || math.Abs(e.Shift.Head) > ReachThroughMM-coarseMM/2
	switch {
	case edge:
		e.Confidence = AtTheEnd
	case worst > 0.5:
		e.Confidence = Disagreement
	case worst > 0.25:
		e.Confidence = Moderate
	default:
		e.Confidence = Good
	}
	return e
}
