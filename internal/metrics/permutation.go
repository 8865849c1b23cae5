package metrics

import (
	"cmp"
	"context"
	"math"
	"slices"

	"bayeslice/internal/seed"
)

// Permutation tests whether a difference between two configurations is more than chance: how often is it as large
// when it does not matter which is which? The zero value is usable. Where all ways to exchange them are no more than
// Rounds, each is tried once and the p-value is exact; else Rounds of them are drawn from Seed, and the p-value is
// (as extreme + 1) / (Rounds + 1) (Phipson and Smyth 2010). Both as scipy.stats.permutation_test.
type Permutation struct {
	Rounds int // 0 stands for 10,000
	Seed   uint64
}

// Test is the result of a permutation test.
type Test struct {
	Difference float64 `json:"difference"` // second less first
	P          float64 `json:"p"`          // 0…1; two-sided unless said otherwise
	Exact      bool    `json:"exact"`      // every way to exchange was tried
	Rounds     int     `json:"rounds"`     // ways that were tried
}

func (p Permutation) defaults() (Permutation, error) {
	if p.Rounds == 0 {
		p.Rounds = 10_000
	}
	if p.Rounds < 0 {
		return p, bad("%d rounds were asked for", p.Rounds)
	}
	return p, nil
}

// Paired tests figures of two configurations on the same exams: in each round every patient's results
// change places with probability one half, all exams of a patient together. differences computes second less
// first, one for each figure, from which exams have changed places, nil standing for none; NaN is a difference that
// does not exist. A test whose difference does not exist has P NaN. The p-value is two-sided, twice the smaller side
// and at most 1. It fails with [ErrUndefined] where there is no exam, with [ErrInput] for a negative number of rounds,
// and with ctx's error.
func (p Permutation) Paired(ctx context.Context, patients []string, differences func(swapped []bool) []float64) ([]Test, error) {
	p, err := p.defaults()
	if err != nil {
		return nil, err
	}
	if len(patients) == 0 {
		return nil, undefined("no exam was given to compare")
	}
	group, groups := number(patients)
	exact := groups < 62 && 1<<groups <= p.Rounds
	if exact {
		p.Rounds = 1 << groups
	}
	seen := slices.Clone(differences(nil))
	tallies := make([]tally, len(seen))
	swapped, flips := make([]bool, len(patients)), make([]bool, groups)
	for r := range p.Rounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.flip(r, exact, flips)
		for e, g := range group {
			swapped[e] = flips[g]
		}
		for n, v := range differences(swapped) {
			tallies[n].add(v, seen[n])
		}
	}
	out := make([]Test, len(seen))
	for n, d := range seen {
		out[n] = Test{Difference: d, P: tallies[n].twoSided(d, exact), Exact: exact, Rounds: tallies[n].rounds}
	}
	return out, nil
}

// flip sets which patients change places in a round.
func (p Permutation) flip(round int, exact bool, flips []bool) {
	if exact {
		for g := range flips {
			flips[g] = round>>g&1 == 1
		}
		return
	}
	random := seed.Stream(p.Seed, swapPatients, uint64(round))
	for g := range flips {
		flips[g] = random.Uint64()>>63 == 1
	}
}

// tally counts how extreme the rounds were.
type tally struct{ rounds, above, below int }

// rounding is how far differences that are equal may be apart, as SciPy has it.
func rounding(seen float64) float64 { return max(1e-14, math.Abs(1e-14*seen)) }

func (t *tally) add(v, seen float64) {
	if math.IsNaN(v) {
		return
	}
	t.rounds++
	if v >= seen-rounding(seen) {
		t.above++
	}
	if v <= seen+rounding(seen) {
		t.below++
	}
}

func (t *tally) twoSided(seen float64, exact bool) float64 {
	return min(1, 2*min(t.share(t.above, seen, exact), t.share(t.below, seen, exact)))
}

func (t *tally) share(n int, seen float64, exact bool) float64 {
	switch {
	case math.IsNaN(seen) || t.rounds == 0:
		return math.NaN()
	case exact:
		return float64(n) / float64(t.rounds)
	}
	return float64(n+1) / float64(t.rounds+1)
}

// PairedMeans is [Permutation.Paired] of the difference of means of one number per exam, second less first. Exams
// of which either is NaN are left out. It fails with [ErrInput] for lengths that differ, and with [ErrUndefined]
// where no exam has both.
func (p Permutation) PairedMeans(ctx context.Context, patients []string, first, second []float64) (Test, error) {
	if len(first) != len(patients) || len(second) != len(patients) {
		return Test{}, bad("%d and %d values for %d exams", len(first), len(second), len(patients))
	}
	var who []string
	var by []float64
	for i := range patients {
		if d := second[i] - first[i]; !math.IsNaN(d) {
			who, by = append(who, patients[i]), append(by, d)
		}
	}
	tests, err := p.Paired(ctx, who, func(swapped []bool) []float64 {
		sum := 0.0
		for i, d := range by {
			if swapped != nil && swapped[i] {
				d = -d
			}
			sum += d
		}
		return []float64{sum / float64(len(by))}
	})
	if err != nil {
		return Test{}, err
	}
	return tests[0], nil
}

// DetectionTests are the tests of the figures of [Detected].
type DetectionTests struct {
	AUROC, AP, Score, PartialArea, MaxSensitivity Test
}

// PairedDetection is [Permutation.Paired] of the figures of [Detected] for two configurations that saw the same
// exams. It fails with [ErrInput] where they did not: exams, patients, who is positive, or how many lesions
// an exam has.
func (p Permutation) PairedDetection(ctx context.Context, first, second *Detection) (DetectionTests, error) {
	return p.PairedStrata(ctx, alone(first), alone(second))
}

// pair joins two detections of n exams into one of 2n: first's, then second's in the same order.
func pair(first, second *Detection) (*Detection, error) {
	n := len(first.exams)
	if n != len(second.exams) {
		return nil, bad("%d exams cannot be compared with %d", n, len(second.exams))
	}
	place := make([]int, n) // of second's exams among first's
	for e, id := range second.exams {
		at, known := first.index[id]
		if !known || first.patients[at] != second.patients[e] || first.positive[at] != second.positive[e] || first.lesions[at] != second.lesions[e] {
			return nil, bad("exam %q is not the same in both configurations; both need the same exams with the same reference", id)
		}
		place[e] = at
	}
	both := &Detection{exams: make([]string, 2*n), positive: make([]bool, 2*n), scores: make([]float64, 2*n), lesions: make([]int, 2*n)}
	put := func(d *Detection, to func(e int) int) {
		for e := range d.exams {
			both.exams[to(e)], both.positive[to(e)], both.scores[to(e)], both.lesions[to(e)] = d.exams[e], d.positive[e], d.scores[e], d.lesions[e]
		}
		for _, c := range d.entries {
			both.entries = append(both.entries, entry{c.confidence, c.lesion, int32(to(int(c.exam)))})
		}
	}
	put(first, func(e int) int { return e })
	put(second, func(e int) int { return n + place[e] })
	return both, nil
}

// Runs tests whether the runs of one configuration score higher than those of another, as PI-CAI compares
// algorithms (picai_eval's perform_permutation_test): of the runs' figures, taken together and dealt out anew,
// how often is the share of pairs in which the second is higher as large? The p-value is one-sided, small
// where the second is better; Difference is that share less one half. Where there are no more ways than Rounds, each is
// tried. It fails with [ErrUndefined] where either has no run, and with [ErrInput] for a figure that is no number.
func (p Permutation) Runs(ctx context.Context, first, second []float64) (Test, error) {
	p, err := p.defaults()
	if err != nil {
		return Test{}, err
	}
	if len(first) == 0 || len(second) == 0 {
		return Test{}, undefined("%d runs cannot be compared with %d", len(first), len(second))
	}
	all := slices.Concat(first, second)
	if slices.ContainsFunc(all, math.IsNaN) {
		return Test{}, bad("the figure of a run is no number")
	}
	r := runs{ranks: midranks(all), n: len(first)}
	seen := r.share(identity(len(all))[len(first):])
	ways := binomial(len(all), len(first), p.Rounds)
	t := tally{}
	if ways <= p.Rounds {
		err = r.each(ctx, func(second []int) { t.add(r.share(second), seen) })
	} else {
		for n := range p.Rounds {
			if err = ctx.Err(); err != nil {
				break
			}
			order := seed.Stream(p.Seed, shuffleRuns, uint64(n)).Perm(len(all))
			t.add(r.share(order[len(first):]), seen)
		}
	}
	if err != nil {
		return Test{}, err
	}
	exact := ways <= p.Rounds
	return Test{Difference: seen - 0.5, P: t.share(t.above, seen, exact), Exact: exact, Rounds: t.rounds}, nil
}

// runs are figures of two configurations by their midranks.
type runs struct {
	ranks []float64
	n     int // of the first configuration
}

// share is the probability that one of the second is above one of the first, ties counting half.
func (r runs) share(second []int) float64 {
	sum, m := 0.0, float64(len(second))
	for _, i := range second {
		sum += r.ranks[i]
	}
	return (sum - m*(m+1)/2) / m / float64(r.n)
}

// each tries every choice of the second configuration.
func (r runs) each(ctx context.Context, try func(second []int)) error {
	m := len(r.ranks) - r.n
	chosen := identity(m)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		try(chosen)
		at := m - 1
		for at >= 0 && chosen[at] == r.n+at {
			at--
		}
		if at < 0 {
			return nil
		}
		chosen[at]++
		for i := at + 1; i < m; i++ {
			chosen[i] = chosen[i-1] + 1
		}
	}
}

func identity(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// midranks returns the ranks from 1, equal values sharing the mean of theirs.
func midranks(x []float64) []float64 {
	order := identity(len(x))
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	ranks := make([]float64, len(x))
	for first := 0; first < len(order); {
		last := first
		for last+1 < len(order) && x[order[last+1]] == x[order[first]] {
			last++
		}
		for _, i := range order[first : last+1] {
			ranks[i] = float64(first+last)/2 + 1
		}
		first = last + 1
	}
	return ranks
}

// binomial is n over k, or any number above most where it is larger.
func binomial(n, k, most int) int {
	out := 1
	for i := 1; i <= k; i++ {
		out = out * (n - k + i) / i
		if out > most {
			return most + 1
		}
	}
	return out
}
