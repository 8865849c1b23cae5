package metrics

import (
	"context"
	"math"
	"slices"

	"bayeslice/internal/seed"
)

// Purposes of the random streams of this package.
const (
	drawPatients = 0x6D65_7472_6963_0001
	swapPatients = 0x6D65_7472_6963_0002
	shuffleRuns  = 0x6D65_7472_6963_0003
)

// What a [Bootstrap] does unless told otherwise.
const (
	DefaultRounds = 1000
	DefaultLevel  = 0.95
)

// Bootstrap draws patients again and again, as many as there are, with replacement, and says between which values
// a figure then mostly lies (Efron 1979; the percentile method of scipy.stats.bootstrap with method="percentile").
// All exams of a patient are drawn together, since they resemble one another. The zero value is usable. The same
// Seed gives the same bands on every machine.
type Bootstrap struct {
	Rounds int     // 0 stands for [DefaultRounds]
	Level  float64 // share of the rounds inside the band; 0 stands for [DefaultLevel]
	Seed   uint64
}

// Band is a figure and between which values it lies in most of the rounds of a [Bootstrap].
type Band struct {
	Value  float64 `json:"value"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Rounds int     `json:"rounds"` // in which the figure existed; others, such as those without a positive patient, are left out
}

func (b Bootstrap) defaults() (Bootstrap, error) {
	if b.Rounds == 0 {
		b.Rounds = DefaultRounds
	}
	if b.Level == 0 {
		b.Level = DefaultLevel
	}
	if b.Rounds < 0 || !(b.Level > 0 && b.Level < 1) {
		return b, bad("%d rounds at level %g were asked for; a band needs rounds, and a level between 0 and 1", b.Rounds, b.Level)
	}
	return b, nil
}

// Bands returns the band of each figure. patients names the patient of each exam; figures computes all figures
// from how often each exam counts, nil standing for once, in new memory or in such as it reuses, with
// [math.NaN] for one that does not exist. A figure that does not exist for the exams as they are is NaN with the
// band NaN and 0 rounds. It fails with [ErrUndefined] where there is no exam, with [ErrInput] for settings
// that make no band, and with ctx's error.
func (b Bootstrap) Bands(ctx context.Context, patients []string, figures func(times []float64) []float64) ([]Band, error) {
	b, err := b.defaults()
	if err != nil {
		return nil, err
	}
	if len(patients) == 0 {
		return nil, undefined("no exam was given to draw from")
	}
	group, groups := number(patients)
	values := slices.Clone(figures(nil))
	rounds := make([][]float64, len(values))
	times, drawn := make([]float64, len(patients)), make([]float64, groups)
	for r := range b.Rounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.draw(r, drawn)
		for e, g := range group {
			times[e] = drawn[g]
		}
		for n, v := range figures(times) {
			if !math.IsNaN(v) {
				rounds[n] = append(rounds[n], v)
			}
		}
	}
	out := make([]Band, len(values))
	for n, v := range values {
		out[n] = b.band(v, rounds[n])
	}
	return out, nil
}

// draw sets how often each patient is drawn in a round.
func (b Bootstrap) draw(round int, drawn []float64) {
	clear(drawn)
	random := seed.Stream(b.Seed, drawPatients, uint64(round))
	for range drawn {
		drawn[random.IntN(len(drawn))]++
	}
}

func (b Bootstrap) band(value float64, rounds []float64) Band {
	if math.IsNaN(value) || len(rounds) == 0 {
		return Band{value, math.NaN(), math.NaN(), 0}
	}
	slices.Sort(rounds)
	tail := (1 - b.Level) / 2
	return Band{value, quantile(rounds, tail), quantile(rounds, 1-tail), len(rounds)}
}

// number counts the different names, and numbers them in the order in which they are met.
func number(names []string) (of []int, different int) {
	of = make([]int, len(names))
	first := map[string]int{}
	for i, name := range names {
		n, known := first[name]
		if !known {
			n = len(first)
			first[name] = n
		}
		of[i] = n
	}
	return of, len(first)
}

// Mean is [Bootstrap.Bands] of the mean of one number per exam. Exams whose number is NaN, such as a surface
// distance where the structure is missing, are left out of the mean and of the draw. Where none is left it fails with
// [ErrUndefined]; for lengths that differ, with [ErrInput].
func (b Bootstrap) Mean(ctx context.Context, patients []string, values []float64) (Band, error) {
	if len(patients) != len(values) {
		return Band{}, bad("%d values for %d exams", len(values), len(patients))
	}
	var who []string
	var have []float64
	for i, v := range values {
		if !math.IsNaN(v) {
			who, have = append(who, patients[i]), append(have, v)
		}
	}
	if len(have) == 0 {
		return Band{}, undefined("no exam has this figure")
	}
	bands, err := b.Bands(ctx, who, func(times []float64) []float64 { return []float64{meanOf(have, times)} })
	if err != nil {
		return Band{}, err
	}
	return bands[0], nil
}

// meanOf is the mean of values that count times over.
func meanOf(values, times []float64) float64 {
	sum, n := 0.0, 0.0
	for i, v := range values {
		t := weight(times, i)
		sum += t * v
		n += t
	}
	return sum / n
}

// Detected are the figures of lesion detection and patient-level diagnosis with their bands. Value is NaN
// where a figure does not exist: AUROC without both kinds of patients, the others without a lesion.
type Detected struct {
	AUROC          Band
	AP             Band
	Score          Band // of PI-CAI: the mean of AUROC and AP
	PartialArea    Band // of the FROC, from [PartialFrom] to [PartialTo]
	MaxSensitivity Band
	Sensitivity    []Band // of the FROC's line at the numbers of false positives asked for ([FROC.Interpolated])
	ROC            []Band // of the ROC's line at the shares of false positives asked for ([Strata.Bootstrap])
}

// Bootstrap returns figures with bands, and the band of the FROC at the given numbers of false positives per exam.
// It fails as [Bootstrap.Bands] does.
func (d *Detection) Bootstrap(ctx context.Context, b Bootstrap, falsePositives []float64) (Detected, error) {
	return alone(d).Bootstrap(ctx, b, falsePositives, nil)
}

// figures are those of [Detected], in its order.
func (d *Detection) figures(times, falsePositives []float64) []float64 {
	auroc, ap, f := d.auroc(times), d.averagePrecision(times), d.froc(times)
	out := []float64{auroc, ap, (auroc + ap) / 2, f.area(PartialFrom, PartialTo), f.MaxSensitivity()}
	for _, x := range falsePositives {
		out = append(out, f.Interpolated(x))
	}
	if f.Lesions == 0 {
		for i := range out[3:] {
			out[3+i] = math.NaN()
		}
	}
	return out
}
