package evaluate

import (
	"context"
	"fmt"
	"math"

	"bayeslice/internal/metrics"
)

// Contrast is a weighted sum of one figure over several configurations, such as the mean of three less a fourth, on the
// exams that all were evaluated on, with its band: in every round patients are drawn once, for all configurations. The figure is
// named as in [FigureTest]; of a mean figure exams are left out that lack it in one of the configurations. Weights go with
// results. It fails with [metrics.ErrUndefined] where the figure does not exist for these data, with [ErrSettings] for a
// figure of no such name, other numbers of weights or a bootstrap that is none, with [ErrResult] where results are of
// different tasks, have no exam in common or differ in the reference of one, and with ctx's error.
func Contrast(ctx context.Context, figure string, results []*Result, weights []float64, b metrics.Bootstrap) (metrics.Band, error) {
	if len(results) == 0 || len(results) != len(weights) {
		return metrics.Band{}, fmt.Errorf("%w: %d weights for %d results", ErrSettings, len(weights), len(results))
	}
	rows, err := inAll(results)
	if err != nil {
		return metrics.Band{}, err
	}
	for _, f := range figures(results[0].Task) {
		if f.name == figure {
			return meanContrast(ctx, f, rows, weights, b)
		}
	}
	for _, f := range detectionFigures {
		if f.name == figure && rows[0][0].Lesions != nil {
			return detectionContrast(ctx, f.of, rows, weights, b)
		}
	}
	return metrics.Band{}, fmt.Errorf("%w: there is no figure %q of %s", ErrSettings, figure, results[0].Task)
}

// detectionFigures are those that are of a cohort and not of an exam.
var detectionFigures = []struct {
	name string
	of   func(metrics.Figures) float64
}{
	{"AUROC", func(f metrics.Figures) float64 { return f.AUROC }},
	{"AP", func(f metrics.Figures) float64 { return f.AP }},
	{"partial area under FROC", func(f metrics.Figures) float64 { return f.PartialArea }},
	{"maximum sensitivity", func(f metrics.Figures) float64 { return f.MaxSensitivity }},
}

// inAll returns, for each result, the rows of the exams that all have, in the order of the first.
func inAll(results []*Result) ([][]Row, error) {
	out := make([][]Row, len(results))
	at := make([]map[string]int, len(results))
	for n, r := range results {
		if r.Task != results[0].Task {
			return nil, fmt.Errorf("%w: %q is of another task", ErrResult, r.Name)
		}
		at[n] = map[string]int{}
		for i, row := range r.Rows {
			at[n][row.ID] = i
		}
	}
	for _, row := range results[0].Rows {
		everywhere := true
		for n := range results {
			_, there := at[n][row.ID]
			everywhere = everywhere && there
		}
		if !everywhere {
			continue
		}
		for n, r := range results {
			out[n] = append(out[n], r.Rows[at[n][row.ID]])
		}
	}
	if len(out[0]) == 0 {
		return nil, fmt.Errorf("%w: the results have no exam in common", ErrResult)
	}
	return out, nil
}

func meanContrast(ctx context.Context, f figure, rows [][]Row, weights []float64, b metrics.Bootstrap) (metrics.Band, error) {
	patients, values := make([]string, len(rows[0])), make([]float64, len(rows[0]))
	for i := range values {
		patients[i] = rows[0][i].patient()
		for n, w := range weights {
			values[i] += w * f.of(rows[n][i])
		}
	}
	band, err := b.Mean(ctx, patients, values)
	return band, settingsOr(err)
}

// settingsOr marks what package metrics refuses as settings; figures that do not exist and cancelling stay what they are.
func settingsOr(err error) error {
	if err == nil || isUndefined(err) || isContext(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrSettings, err)
}

func detectionContrast(ctx context.Context, of func(metrics.Figures) float64, rows [][]Row, weights []float64, b metrics.Bootstrap) (metrics.Band, error) {
	all := make([]*metrics.Strata, len(rows))
	for n := range rows {
		for i, row := range rows[n] {
			if l := row.Lesions; l == nil || l.Positive != rows[0][i].Lesions.Positive || l.Lesions != rows[0][i].Lesions.Lesions {
				return metrics.Band{}, fmt.Errorf("%w: exam %q has another reference in one of the results", ErrResult, row.ID)
			}
		}
		s, err := strataOf(rows[n])
		if err != nil {
			return metrics.Band{}, fmt.Errorf("%w: %w", ErrResult, err)
		}
		all[n] = s
	}
	bands, err := b.Bands(ctx, all[0].Patients(), func(times []float64) []float64 {
		sum := 0.0
		for n, w := range weights {
			sum += w * of(all[n].Figures(times))
		}
		return []float64{sum}
	})
	if err != nil {
		return metrics.Band{}, settingsOr(err)
	}
	if math.IsNaN(bands[0].Value) || math.IsNaN(bands[0].Low) {
		return metrics.Band{}, fmt.Errorf("evaluate: %w: exams with and without a lesion are needed", metrics.ErrUndefined)
	}
	return bands[0], nil
}
