package evaluate

import (
	"context"
	"fmt"
	"math"

	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

// Comparison tests the figures of two configurations on the exams that both were evaluated on.
type Comparison struct {
	Task   modelcard.Task `json:"task"`
	First  string         `json:"first"`
	Second string         `json:"second"`
	Exams  int            `json:"exams"` // in both
	Tests  []FigureTest   `json:"tests"`
}

// FigureTest is the test of one figure; see [metrics.Permutation.Paired].
type FigureTest struct {
	Figure string `json:"figure"`
	metrics.Test
}

// Compare tests every pair of results of one task, in their order: paired permutation tests by patient, two-sided,
// without correction for their number. A figure that either lacks is left out. It fails with [ErrResult] where the
// reference of an exam differs between two results, with [ErrSettings] for settings that make no test, or
// with ctx's error.
func Compare(ctx context.Context, results []*Result, p metrics.Permutation) ([]Comparison, error) {
	out := []Comparison{}
	for i, first := range results {
		for _, second := range results[i+1:] {
			if first.Task != second.Task {
				continue
			}
			c, err := comparePair(ctx, first, second, p)
			if err != nil {
				return nil, err
			}
			if c.Exams > 0 {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// common are the rows of two results on the same exams, in the order of the first.
type common struct {
	patients      []string
	first, second []Row
}

func inBoth(first, second *Result) common {
	at := map[string]int{}
	for i, r := range second.Rows {
		at[r.ID] = i
	}
	var c common
	for _, r := range first.Rows {
		if i, both := at[r.ID]; both {
			c.first, c.second = append(c.first, r), append(c.second, second.Rows[i])
			c.patients = append(c.patients, r.patient())
		}
	}
	return c
}

func (r *Row) patient() string {
	if r.Patient == "" {
		return r.ID
	}
	return r.Patient
}

func comparePair(ctx context.Context, first, second *Result, p metrics.Permutation) (Comparison, error) {
	rows := inBoth(first, second)
	c := Comparison{Task: first.Task, First: first.Name, Second: second.Name, Exams: len(rows.first)}
	if c.Exams == 0 {
		return c, nil
	}
	for _, f := range figures(first.Task) {
		t, there, err := rows.mean(ctx, f.of, p)
		if err != nil {
			return c, fmt.Errorf("%w: %w", ErrSettings, err)
		}
		if there {
			c.Tests = append(c.Tests, FigureTest{f.name, t})
		}
	}
	if first.Task != modelcard.Diagnosis {
		return c, nil
	}
	tests, err := rows.detection(ctx, p)
	if err != nil {
		return c, fmt.Errorf("%w: %s and %s: %w", ErrResult, first.Name, second.Name, err)
	}
	c.Tests = append(c.Tests, tests...)
	return c, nil
}

// figure is a number of each exam, NaN where it does not exist.
type figure struct {
	name string
	of   func(Row) float64
}

// figures are those of a task's exams, in the order of tables.
func figures(task modelcard.Task) []figure {
	out := []figure{{"NLL", nll}, {"ECE", ece}, {borderFigure, borderEntropy}}
	for n, s := range structures[task] {
		out = append(out,
			figure{s.name + " soft Dice", func(r Row) float64 { return orNaN(r.Structures[n].SoftDice) }},
			figure{s.name + " hard Dice", func(r Row) float64 { return r.Structures[n].HardDice }},
			figure{s.name + " HD95 (mm)", func(r Row) float64 { return orNaN(r.Structures[n].HD95) }},
			figure{s.name + " ASSD (mm)", func(r Row) float64 { return orNaN(r.Structures[n].ASSD) }},
			figure{s.name + " polarised share", func(r Row) float64 { return r.Structures[n].Segment.Polarised() }})
	}
	return append(out, figure{readersFigure, readersMSE}, figure{unsureFigure, unsure})
}

// Names of figures that stand in more than one table.
const (
	borderFigure  = "entropy near borders (nats)"
	readersFigure = "squared difference from readers"
	unsureFigure  = "unsure where readers differ"
)

func ofBorder(r Row, get func(*BorderRow) *float64) float64 {
	if r.Border == nil {
		return math.NaN()
	}
	return orNaN(get(r.Border))
}

func borderEntropy(r Row) float64 { return ofBorder(r, func(b *BorderRow) *float64 { return b.Near }) }

func ofReaders(r Row, get func(*ReadersRow) *float64) float64 {
	if r.Readers == nil {
		return math.NaN()
	}
	return orNaN(get(r.Readers))
}

func readersMSE(r Row) float64 { return ofReaders(r, func(x *ReadersRow) *float64 { return &x.MSE }) }

func disputedMSE(r Row) float64 {
	return ofReaders(r, func(x *ReadersRow) *float64 { return x.DisputedMSE })
}

func unsure(r Row) float64 { return ofReaders(r, func(x *ReadersRow) *float64 { return x.Unsure }) }

func ece(r Row) float64 {
	if r.Calibration == nil {
		return math.NaN()
	}
	return r.Calibration.ECE
}

func nll(r Row) float64 {
	if r.Calibration == nil {
		return math.NaN()
	}
	return r.Calibration.NLL
}

// mean tests the mean of a figure; there is false where no exam has it in both.
func (c *common) mean(ctx context.Context, of func(Row) float64, p metrics.Permutation) (t metrics.Test, there bool, err error) {
	a, b := make([]float64, len(c.first)), make([]float64, len(c.first))
	for i := range a {
		a[i], b[i] = of(c.first[i]), of(c.second[i])
		there = there || !math.IsNaN(a[i]-b[i])
	}
	if !there {
		return t, false, nil
	}
	t, err = p.PairedMeans(ctx, c.patients, a, b)
	return t, true, err
}

func (c *common) detection(ctx context.Context, p metrics.Permutation) ([]FigureTest, error) {
	first, err := strataOf(c.first)
	if err != nil {
		return nil, err
	}
	second, err := strataOf(c.second)
	if err != nil {
		return nil, err
	}
	t, err := p.PairedStrata(ctx, first, second)
	if err != nil {
		return nil, err
	}
	var out []FigureTest
	for _, f := range []FigureTest{{"AUROC", t.AUROC}, {"AP", t.AP}, {"partial area under FROC", t.PartialArea}, {"maximum sensitivity", t.MaxSensitivity}} {
		if !math.IsNaN(f.P) {
			out = append(out, f)
		}
	}
	return out, nil
}
