package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// row is a grid of n voxels in a line.
func row(n int) geom.Grid {
	return geom.Grid{Size: [3]int{n, 1, 1}, Spacing: geom.Vec3{1, 1, 1}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
}

// span is a candidate of the voxels from…to−1.
func span(confidence float64, from, to int) Candidate {
	c := Candidate{Confidence: confidence, Peak: from}
	for v := from; v < to; v++ {
		c.Voxels = append(c.Voxels, int32(v))
	}
	return c
}

// lesionsAt are the components of spans on a row of 100 voxels.
func lesionsAt(spans ...[2]int) *volume.Labels {
	return volume.Components(row(100), func(v int) bool {
		return slices.ContainsFunc(spans, func(s [2]int) bool { return v >= s[0] && v < s[1] })
	}, volume.Corners)
}

func TestMatchByHand(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    MatchRule
		found   []Candidate
		lesions *volume.Labels
		want    []Finding
	}{
		{"nothing at all", MatchRule{}, nil, lesionsAt(), []Finding{}},
		{"nothing found", MatchRule{}, nil, lesionsAt([2]int{0, 9}), []Finding{{Lesion: true}}},
		{"nothing there", MatchRule{}, []Candidate{span(0.4, 0, 9)}, lesionsAt(), []Finding{{Confidence: 0.4}}},
		// 1 voxel of 10: exactly one tenth is enough, 1 of 11 is not
		{"one tenth", MatchRule{}, []Candidate{span(0.4, 0, 1)}, lesionsAt([2]int{0, 10}), []Finding{{true, 0.4, 1. / 10}}},
		{"one eleventh", MatchRule{}, []Candidate{span(0.4, 0, 1)}, lesionsAt([2]int{0, 11}), []Finding{{Lesion: true}, {Confidence: 0.4}}},
		// the first candidate overlaps both lesions, 5/15 and 5/25; the second the first lesion alone, 2/10. Two pairs are
		// better than the largest overlap.
		{"number before overlap", MatchRule{}, []Candidate{span(0.9, 5, 25), span(0.3, 0, 2)}, lesionsAt([2]int{0, 10}, [2]int{20, 30}),
			[]Finding{{true, 0.3, 2. / 10}, {true, 0.9, 5. / 25}}},
		// of two candidates for one lesion the larger overlap wins, 6/10 against 4/10, not the confidence; the other is left out
		{"overlap before confidence", MatchRule{}, []Candidate{span(0.9, 0, 4), span(0.3, 4, 10)}, lesionsAt([2]int{0, 10}), []Finding{{true, 0.3, 6. / 10}}},
		{"strictly it is wrong", MatchRule{Strict: true}, []Candidate{span(0.9, 0, 4), span(0.3, 4, 10)}, lesionsAt([2]int{0, 10}), []Finding{{true, 0.3, 6. / 10}, {Confidence: 0.9}}},
		{"another least overlap", MatchRule{MinIoU: 0.5}, []Candidate{span(0.9, 0, 4)}, lesionsAt([2]int{0, 10}), []Finding{{Lesion: true}, {Confidence: 0.9}}},
		// one candidate over two lesions finds one of them: 4/20 either way
		{"one for two", MatchRule{}, []Candidate{span(0.9, 0, 20)}, lesionsAt([2]int{0, 4}, [2]int{16, 20}), []Finding{{true, 0.9, 4. / 20}, {Lesion: true}}},
	} {
		got, err := c.rule.Match(c.found, c.lesions)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}

func TestMatchRefuses(t *testing.T) {
	for _, rule := range []MatchRule{{MinIoU: -0.1}, {MinIoU: 1.1}, {MinIoU: math.NaN()}} {
		if _, err := rule.Match(nil, lesionsAt()); !errors.Is(err, ErrInput) {
			t.Errorf("%+v: %v", rule, err)
		}
	}
	if _, err := (MatchRule{}).Match([]Candidate{span(1, 95, 105)}, lesionsAt()); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "grid") {
		t.Error(err)
	}
}

// No pairing of rows and columns has a larger sum.
func TestAssignIsTheBestOfAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		rows, columns := 1+random.IntN(4), 1+random.IntN(5)
		gain := make([][]float64, rows)
		for i := range gain {
			gain[i] = make([]float64, columns)
			for j := range gain[i] {
				if random.IntN(2) == 0 {
					gain[i][j] = 1 + random.Float64()
				}
			}
		}
		sum, used := 0.0, map[int]bool{}
		for i, j := range assign(gain, columns) {
			if j >= 0 {
				if used[j] || gain[i][j] == 0 {
					t.Fatal("no pairing")
				}
				used[j] = true
				sum += gain[i][j]
			}
		}
		if want := bestSum(gain, 0, map[int]bool{}); math.Abs(sum-want) > 1e-12 {
			t.Fatalf("sum %g, want %g for %v", sum, want, gain)
		}
	}
}

func bestSum(gain [][]float64, i int, used map[int]bool) float64 {
	if i == len(gain) {
		return 0
	}
	best := bestSum(gain, i+1, used)
	for j, g := range gain[i] {
		if g > 0 && !used[j] {
			used[j] = true
			best = max(best, g+bestSum(gain, i+1, used))
			used[j] = false
		}
	}
	return best
}

func TestDetectionMapByHand(t *testing.T) {
	read := func(values ...float32) ([]Candidate, error) {
		v, err := volume.New(row(len(values)), values, "")
		if err != nil {
			t.Fatal(err)
		}
		return DetectionMap(v)
	}
	got, err := read(0, 0.5, 0.5, 0, 0, 2, 0, 0.5)
	if err != nil || len(got) != 3 || got[1].Confidence != 2 || got[1].Peak != 5 || !slices.Equal(got[0].Voxels, []int32{1, 2}) || got[2].Peak != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := read(0, 0.25, 0.5, 0, 0.5); err != nil || len(got) != 2 || got[0].Confidence != 0.5 { // touching ones are one
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := read(0, 0, 0); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range [][]float32{{0.1, 0.2, 0.3}, {0, -1}, {float32(math.NaN())}, {float32(math.Inf(1))}} {
		if _, err := read(wrong...); !errors.Is(err, ErrInput) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// detect adds exams made of findings; a score is the largest confidence.
func detect(t *testing.T, exams ...[]Finding) *Detection {
	t.Helper()
	d := NewDetection()
	for i, findings := range exams {
		e := DetectionExam{ID: fmt.Sprint(i), Findings: findings}
		for _, f := range findings {
			e.Score, e.Positive = max(e.Score, f.Confidence), e.Positive || f.Lesion
		}
		if err := d.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestFROCByHand(t *testing.T) {
	d := detect(t,
		[]Finding{{true, 0.9, 0.5}, {Confidence: 0.5}},
		[]Finding{{true, 0.5, 0.5}, {Lesion: true}},
		[]Finding{{Confidence: 0.7}},
		[]Finding{{Confidence: 0.3}, {Confidence: 0.3}})
	f, err := d.FROC()
	if err != nil {
		t.Fatal(err)
	}
	want := []FROCPoint{{0.9, 0, 1. / 3}, {0.7, 1. / 4, 1. / 3}, {0.5, 2. / 4, 2. / 3}, {0.3, 4. / 4, 2. / 3}}
	if !slices.Equal(f.Points, want) || f.Exams != 4 || f.Lesions != 3 {
		t.Errorf("%+v", f)
	}
	// from 0.1: flat 1/3 to 1/4, a slope to 2/3 at 2/4, flat to 2.5
	area, err := f.PartialArea(0.1, 2.5)
	near(t, "area", area, 0.15/3+0.25*0.5+2*2./3, 1e-12)
	if err != nil {
		t.Error(err)
	}
	// 1/3 of recall at precision 1, 1/3 at 2 of 4
	ap, err := d.AveragePrecision()
	near(t, "AP", ap, 1./3+1./3*2/4, 1e-12)
	if err != nil {
		t.Error(err)
	}
	// scores 0.9, 0.5 of the positive, 0.7, 0.3 of the negative: 3 of 4 pairs
	near(t, "AUROC", d.auroc(nil), 3./4, 1e-15)
	for fp, want := range map[float64]float64{0: 1. / 3, 0.25: 1. / 3, 0.375: 0.5, 0.5: 2. / 3, 9: 2. / 3} {
		near(t, fmt.Sprint("interpolated at ", fp), f.Interpolated(fp), want, 1e-12)
	}
	for fp, want := range map[float64]float64{0: 1. / 3, 0.49: 1. / 3, 0.5: 2. / 3, 9: 2. / 3} {
		near(t, fmt.Sprint("at ", fp), f.SensitivityAt(fp), want, 1e-12)
	}
	for _, wrong := range [][2]float64{{-1, 2}, {1, 1}, {0, math.Inf(1)}, {math.NaN(), 1}} {
		if _, err := f.PartialArea(wrong[0], wrong[1]); !errors.Is(err, ErrInput) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// picai_eval's test of lesion_TPR_at_FPR; there the last threshold is lost, since no lesion was missed.
func TestSensitivityAtEqualsPicaiEval(t *testing.T) {
	d := detect(t, []Finding{{Confidence: 1}}, []Finding{{Confidence: 2}}, []Finding{{true, 3, 1}}, []Finding{{true, 1, 1}, {true, 1, 1}},
		[]Finding{{Confidence: 3}}, []Finding{{true, 2.5, 1}, {true, 1.5, 1}})
	f, err := d.FROC()
	if err != nil {
		t.Fatal(err)
	}
	want := []FROCPoint{{3, 1. / 6, 0.2}, {2.5, 1. / 6, 0.4}, {2, 2. / 6, 0.4}, {1.5, 2. / 6, 0.6}, {1, 3. / 6, 1}}
	if !slices.Equal(f.Points, want) {
		t.Errorf("%+v", f.Points)
	}
	near(t, "at 0.3", f.SensitivityAt(0.3), 0.4, 0)
	near(t, "at 0.1", f.SensitivityAt(0.1), 0, 0)
	near(t, "the line at 1/6 is vertical: its top", f.Interpolated(1./6), 0.4, 0)
	near(t, "area up to it", f.area(0, 1./6), 1./6*0.2/2, 1e-15)
}

func TestFiguresThatDoNotExist(t *testing.T) {
	ctx := context.Background()
	none := NewDetection()
	healthy := detect(t, []Finding{{Confidence: 0.4}}, nil)
	ill := detect(t, []Finding{{true, 0.4, 1}}, []Finding{{Lesion: true}})
	for name, d := range map[string]*Detection{"none": none, "healthy": healthy} {
		if _, err := d.FROC(); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s: FROC %v", name, err)
		}
		if _, err := d.AveragePrecision(); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s: AP %v", name, err)
		}
		if _, err := d.PrecisionRecall(); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s: precision %v", name, err)
		}
	}
	for name, d := range map[string]*Detection{"none": none, "healthy": healthy, "ill": ill} {
		if _, err := d.ROC(); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s: ROC %v", name, err)
		}
		if _, err := d.AUROC(); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s: AUROC %v", name, err)
		}
	}
	if _, err := none.Bootstrap(ctx, Bootstrap{}, nil); !errors.Is(err, ErrUndefined) {
		t.Error(err)
	}
	r, err := healthy.Bootstrap(ctx, Bootstrap{Rounds: 5}, []float64{1})
	if err != nil || !math.IsNaN(r.AP.Value) || !math.IsNaN(r.AUROC.Low) || r.PartialArea.Rounds != 0 || !math.IsNaN(r.Sensitivity[0].Value) {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := ill.Bootstrap(ctx, Bootstrap{Rounds: 5}, nil); err != nil || r.AP.Value != 0.5 || !math.IsNaN(r.AUROC.Value) || r.AP.Rounds != 5 {
		t.Errorf("%+v, %v", r, err)
	}
	empty := detect(t, []Finding{{Lesion: true}}, nil) // a network that finds nothing
	f, err := empty.FROC()
	if err != nil || len(f.Points) != 0 || f.MaxSensitivity() != 0 || f.SensitivityAt(1) != 0 || f.Interpolated(1) != 0 || f.area(0.1, 2.5) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if ap, err := empty.AveragePrecision(); err != nil || ap != 0 {
		t.Error(ap, err)
	}
	if a, err := empty.AUROC(); err != nil || a != 0.5 {
		t.Error(a, err)
	}
}

func TestDetectionRefuses(t *testing.T) {
	for what, e := range map[string]DetectionExam{
		"there twice":   {ID: "a"},
		"no name":       {},
		"score -1":      {ID: "b", Score: -1},
		"score NaN":     {ID: "b", Score: math.NaN()},
		"score +Inf":    {ID: "b", Score: math.Inf(1)},
		"confidence":    {ID: "b", Findings: []Finding{{Confidence: math.NaN()}}},
		"no confidence": {ID: "b", Findings: []Finding{{}}},
		"as negative":   {ID: "b", Findings: []Finding{{Lesion: true, Confidence: 1}}},
	} {
		d := NewDetection()
		if err := d.Add(DetectionExam{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		if err := d.Add(e); !errors.Is(err, ErrInput) || d.Exams() != 1 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDetectionDoesNotDependOnTheOrder(t *testing.T) {
	exams := readDetectionGolden(t).Detection[1].Exams
	d, r := collect(t, exams), NewDetection()
	for i := range exams {
		e := exams[len(exams)-1-i]
		x := DetectionExam{ID: fmt.Sprint(i), Score: e.Score, Positive: e.Positive}
		for _, f := range e.Findings {
			x.Findings = append(x.Findings, Finding{Lesion: f[0] == 1, Confidence: f[1]})
		}
		if _, err := r.AUROC(); i > 0 && i < 3 && err == nil && r.Exams() == 0 { // figures between exams do no harm
			t.Error("a figure of nothing")
		}
		_ = r.froc(nil)
		if err := r.Add(x); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := d.figures(nil, []float64{1}), r.figures(nil, []float64{1}); !slices.Equal(a, b) {
		t.Errorf("%v, reversed %v", a, b)
	}
}

// Exams that count twice are exams that are there twice.
func TestCountingOftenIsRepeating(t *testing.T) {
	exams := readDetectionGolden(t).Detection[0].Exams
	d, again := collect(t, exams), []goldenExam{}
	times := make([]float64, len(exams))
	for i, e := range exams {
		times[i] = float64(i % 3)
		for range i % 3 {
			again = append(again, e)
		}
	}
	nearAll(t, "figure", d.figures(times, []float64{0.3, 1}), collect(t, again).figures(nil, []float64{0.3, 1}), 1e-12)
}

func TestBootstrapByHand(t *testing.T) {
	ctx := context.Background()
	// one patient is drawn again and again: no spread; two exams of one patient are drawn together
	b, err := Bootstrap{}.Mean(ctx, []string{"a", "a"}, []float64{1, 3})
	if err != nil || b != (Band{2, 2, 2, 1000}) {
		t.Errorf("%+v, %v", b, err)
	}
	// of two patients with 0 and 1 the mean is 0, 1/2 or 1, by 1/4, 1/2, 1/4
	b, err = Bootstrap{Rounds: 400, Level: 0.95, Seed: 3}.Mean(ctx, []string{"a", "b", "c"}, []float64{0, 1, math.NaN()})
	if err != nil || b != (Band{0.5, 0, 1, 400}) {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err := (Bootstrap{Rounds: 400, Level: 0.4}).Mean(ctx, []string{"a", "b"}, []float64{0, 1}); err != nil || b.Low != 0.5 || b.High != 0.5 {
		t.Errorf("%+v, %v", b, err)
	}
	for _, wrong := range []Bootstrap{{Rounds: -1}, {Level: 1}, {Level: -0.5}, {Level: math.NaN()}} {
		if _, err := wrong.Mean(ctx, []string{"a"}, []float64{1}); !errors.Is(err, ErrInput) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if _, err := (Bootstrap{}).Mean(ctx, []string{"a"}, []float64{math.NaN()}); !errors.Is(err, ErrUndefined) {
		t.Error(err)
	}
	if _, err := (Bootstrap{}).Mean(ctx, []string{"a"}, nil); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := (Bootstrap{}).Mean(ended, []string{"a"}, []float64{1}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A 95 % band of a mean covers the true mean about 95 times in 100.
func TestBandsCover(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	covered := 0
	patients := make([]string, 60)
	for i := range patients {
		patients[i] = fmt.Sprint(i)
	}
	for n := range 200 {
		values := make([]float64, len(patients))
		for i := range values {
			values[i] = random.NormFloat64()
		}
		b, err := Bootstrap{Rounds: 300, Seed: uint64(n)}.Mean(context.Background(), patients, values)
		if err != nil {
			t.Fatal(err)
		}
		if b.Low <= 0 && 0 <= b.High {
			covered++
		}
	}
	if covered < 180 || covered > 199 {
		t.Errorf("%d of 200 bands hold the truth", covered)
	}
}

func TestPermutationByHand(t *testing.T) {
	ctx := context.Background()
	// differences 1, 1, 1: of 8 ways to exchange only one is as large on either side
	r, err := Permutation{}.PairedMeans(ctx, []string{"a", "b", "c"}, []float64{0, 0, 0}, []float64{1, 1, 1})
	if err != nil || r != (Test{1, 2. / 8, true, 8}) {
		t.Errorf("%+v, %v", r, err)
	}
	// the same of one patient: he is exchanged as a whole
	r, err = Permutation{}.PairedMeans(ctx, []string{"a", "a", "a"}, []float64{0, 0, 0}, []float64{1, 1, 1})
	if err != nil || r != (Test{1, 1, true, 2}) {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := (Permutation{}).PairedMeans(ctx, []string{"a", "b"}, []float64{1, math.NaN()}, []float64{1, 5}); err != nil || r.P != 1 || r.Difference != 0 || r.Rounds != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := (Permutation{}).PairedMeans(ctx, []string{"a"}, []float64{1}, []float64{math.NaN()}); !errors.Is(err, ErrUndefined) {
		t.Error(err)
	}
	if _, err := (Permutation{}).PairedMeans(ctx, []string{"a"}, []float64{1}, nil); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
	if _, err := (Permutation{Rounds: -1}).PairedMeans(ctx, []string{"a"}, []float64{1}, []float64{2}); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
	if _, err := (Permutation{}).Runs(ctx, nil, []float64{1}); !errors.Is(err, ErrUndefined) {
		t.Error(err)
	}
	if _, err := (Permutation{}).Runs(ctx, []float64{math.NaN()}, []float64{1}); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
	one, other := detect(t, []Finding{{true, 0.4, 1}}), detect(t, []Finding{{Confidence: 0.4}})
	if _, err := (Permutation{}).PairedDetection(ctx, one, other); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
	if r, err := (Permutation{}).PairedDetection(ctx, one, one); err != nil || r.AP.P != 1 || !math.IsNaN(r.AUROC.P) {
		t.Errorf("%+v, %v", r, err)
	}
}
