package inference

import (
	"fmt"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
)

// SampleStore keeps samples' probabilities as bytes (p·255 rounded) for a box of the model grid
// round the gland. Readable from any goroutine. Where the memory limit of [Sampler.StoreBytes] does
// not allow every sample, it holds the first ones.
type SampleStore struct {
	Lo, Hi  [3]int // box in voxels (i, j, k), Lo inclusive, Hi exclusive
	Classes int    // K, background included
	samples [][]uint8
}

// NewSampleStore wraps samples (retained, not copied) of a box of the model grid, Lo inclusive and Hi exclusive,
// each [K, box] as [SampleStore.Sample] returns them. It fails with [ErrInput] where the box is empty, there
// are fewer than two classes, or a sample has another length.
func NewSampleStore(lo, hi [3]int, classes int, samples [][]uint8) (*SampleStore, error) {
	s := &SampleStore{Lo: lo, Hi: hi, Classes: classes, samples: samples}
	for a := range 3 {
		if lo[a] < 0 || hi[a] <= lo[a] {
			return nil, fmt.Errorf("%w: stored samples of voxels %v to %v", ErrInput, lo, hi)
		}
	}
	if classes < 2 {
		return nil, fmt.Errorf("%w: stored samples of %d classes", ErrInput, classes)
	}
	for n, sample := range samples {
		if want := classes * s.box().Voxels(); len(sample) != want {
			return nil, fmt.Errorf("%w: stored sample %d has %d values instead of %d", ErrInput, n, len(sample), want)
		}
	}
	return s, nil
}

// Sample returns sample n, [K, box]: the probabilities of the box's voxels as bytes (p·255 rounded), class by
// class, i fastest. Read only.
func (s *SampleStore) Sample(n int) []uint8 { return s.samples[n] }

// Len returns the number of stored samples.
func (s *SampleStore) Len() int { return len(s.samples) }

// At returns the probability of a class in sample n at voxel (i, j, k) of the model grid.
// ok is false outside the stored box.
func (s *SampleStore) At(n, class, i, j, k int) (p float64, ok bool) {
	at, ok := s.offset(class, i, j, k)
	if !ok {
		return 0, false
	}
	return float64(s.samples[n][at]) / 255, true
}

// Values returns the probability of a class at voxel (i, j, k) in every stored sample, in the order
// of drawing; nil outside the box.
func (s *SampleStore) Values(class, i, j, k int) []float64 {
	at, ok := s.offset(class, i, j, k)
	if !ok {
		return nil
	}
	out := make([]float64, len(s.samples))
	for n, sample := range s.samples {
		out[n] = float64(sample[at]) / 255
	}
	return out
}

// offset is the place of a value in a stored sample.
func (s *SampleStore) offset(class, i, j, k int) (at int, ok bool) {
	v := [3]int{i, j, k}
	for a := range 3 {
		if v[a] < s.Lo[a] || v[a] >= s.Hi[a] {
			return 0, false
		}
	}
	box := s.box()
	return class*box.Voxels() + box.Index(i-s.Lo[0], j-s.Lo[1], k-s.Lo[2]), class >= 0 && class < s.Classes
}

// box is a grid of the stored size, for its index arithmetic.
func (s *SampleStore) box() geom.Grid {
	return geom.Grid{Size: [3]int{s.Hi[0] - s.Lo[0], s.Hi[1] - s.Lo[1], s.Hi[2] - s.Lo[2]}}
}

// presence counts the stored samples in which a candidate is present: those whose probability
// reaches half the candidate's confidence at one of its voxels or more. judged is the number of
// stored samples, or 0 where the box holds none of the candidate, so that nothing is known.
func (s *SampleStore) presence(grid geom.Grid, class int, c metrics.Candidate) (present, judged int) {
	if s == nil {
		return 0, 0
	}
	at := make([]int, 0, len(c.Voxels))
	for _, v := range c.Voxels {
		i, j, k := voxelOf(grid, int(v))
		if o, ok := s.offset(class, i, j, k); ok {
			at = append(at, o)
		}
	}
	if len(at) == 0 {
		return 0, 0
	}
	for _, sample := range s.samples {
		if slices.ContainsFunc(at, func(o int) bool { return float64(sample[o])/255 >= c.Confidence/2 }) {
			present++
		}
	}
	return present, len(s.samples)
}

// spread returns the 5th and 95th percentile of a class at a voxel over the stored samples; 0, 0
// where the voxel is not stored.
func (s *SampleStore) spread(class int, voxel [3]int) (p5, p95 float64) {
	if s == nil {
		return 0, 0
	}
	values := s.Values(class, voxel[0], voxel[1], voxel[2])
	if len(values) == 0 {
		return 0, 0
	}
	slices.Sort(values)
	return quantile(values, 0.05), quantile(values, 0.95)
}

// storeAfter is the number of samples from whose mean the box is chosen. They are kept whole until then.
const storeAfter = 4

// Rules of the stored box.
const (
	storeForeground = 0.10 // mean probability of not being background that counts as expected foreground
	storeMarginMM   = 10   // kept round the expected foreground
	storeCentreMM   = 80   // edge of the box in the middle of each slice, where nothing is expected
)

// recorder fills a SampleStore while sampling.
type recorder struct {
	grid    geom.Grid
	classes int
	wanted  int   // samples of a full run
	limit   int64 // bytes
	first   [][]uint8
	store   *SampleStore
	max     int // stored samples at most
}

// add stores a sample [K, voxels]; stats holds it already.
func (r *recorder) add(p []float32, stats *Stats) {
	if r.store == nil {
		whole := make([]uint8, len(p))
		parallel(len(p), func(lo, hi int) { toBytes(whole[lo:hi], p[lo:hi]) })
		r.first = append(r.first, whole)
		if len(r.first) == storeAfter {
			r.choose(stats)
		}
		return
	}
	if len(r.store.samples) >= r.max {
		return
	}
	box := r.store.box()
	sample := make([]uint8, r.classes*box.Voxels())
	r.eachRow(func(from, to, n int) { toBytes(sample[to:to+n], p[from:from+n]) })
	r.store.samples = append(r.store.samples, sample)
}

// finish chooses the box where sampling ended before it was due.
func (r *recorder) finish(stats *Stats) {
	if r.store == nil && len(r.first) > 0 {
		r.choose(stats)
	}
}

// snapshot returns what is stored so far as a value of its own; nil before the box is known.
func (r *recorder) snapshot() *SampleStore {
	if r.store == nil {
		return nil
	}
	s := *r.store
	s.samples = slices.Clip(s.samples)
	return &s
}

// choose fixes the box and moves the first samples into it.
func (r *recorder) choose(stats *Stats) {
	lo, hi := expectedBox(r.grid, stats)
	r.store = &SampleStore{Lo: lo, Hi: hi, Classes: r.classes}
	size := r.classes * r.store.box().Voxels()
	r.max = int(min(int64(r.wanted), r.limit/int64(size)))
	for _, whole := range r.first[:min(len(r.first), r.max)] {
		sample := make([]uint8, size)
		r.eachRow(func(from, to, n int) { copy(sample[to:to+n], whole[from:from+n]) })
		r.store.samples = append(r.store.samples, sample)
	}
	r.first = nil
}

// eachRow calls f for each row of each class inside the box: from its offset in a whole sample to
// its offset in a stored one, n values.
func (r *recorder) eachRow(f func(from, to, n int)) {
	s, to := r.store, 0
	n := s.Hi[0] - s.Lo[0]
	for c := range r.classes {
		for k := s.Lo[2]; k < s.Hi[2]; k++ {
			for j := s.Lo[1]; j < s.Hi[1]; j++ {
				f(c*r.grid.Voxels()+r.grid.Index(s.Lo[0], j, k), to, n)
				to += n
			}
		}
	}
}

func toBytes(dst []uint8, p []float32) {
	for i, v := range p {
		dst[i] = uint8(min(max(v, 0), 1)*255 + 0.5)
	}
}

// expectedBox is the bounding box of the expected foreground with its margin; where nothing is
// expected, the middle of every slice.
func expectedBox(g geom.Grid, stats *Stats) (lo, hi [3]int) {
	lo, hi = g.Size, [3]int{}
	for v, background := range stats.mean[:g.Voxels()] {
		if 1-background < storeForeground {
			continue
		}
		i, j, k := voxelOf(g, v)
		for a, x := range [3]int{i, j, k} {
			lo[a], hi[a] = min(lo[a], x), max(hi[a], x+1)
		}
	}
	if hi == [3]int{} {
		for a := range 3 {
			half := g.Size[a]
			if a < 2 {
				half = max(1, int(storeCentreMM/2/g.Spacing[a]))
			}
			lo[a], hi[a] = max(0, g.Size[a]/2-half), min(g.Size[a], g.Size[a]/2+half)
		}
		return lo, hi
	}
	for a := range 3 {
		margin := int(storeMarginMM/g.Spacing[a] + 0.999)
		lo[a], hi[a] = max(0, lo[a]-margin), min(g.Size[a], hi[a]+margin)
	}
	return lo, hi
}
