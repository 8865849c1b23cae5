package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// goldenExam is an exam of testdata/detection.json.
type goldenExam struct {
	Patient  string
	Findings [][2]float64
	Score    float64
	Positive bool
}

// detectionGolden is testdata/detection.json, made by testdata/detection.py.
type detectionGolden struct {
	Detection []struct {
		Exams                                          []goldenExam
		Thresholds, FP, Sensitivity, FPR, TPR, Figures []float64
		Lesions                                        int
	}
	Bootstrap []struct {
		Seed      uint64
		Rounds    int
		Level     float64
		Low, High []float64
	}
	Pairs []struct {
		First, Second []float64
		Difference, P float64
	}
	Drawn []struct {
		First, Second []float64
		Seed          uint64
		Rounds        int
		P             float64
	}
	Exchange []struct {
		First, Second []goldenExam
		Difference, P []float64
	}
	Assignment []struct {
		Gain   [][]float64
		Levels float64
		Column []int
	}
}

func readDetectionGolden(t *testing.T) detectionGolden {
	t.Helper()
	text, err := os.ReadFile("testdata/detection.json")
	if err != nil {
		t.Fatal(err)
	}
	var g detectionGolden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Detection) < 3 || len(g.Bootstrap) < 2 || len(g.Pairs) < 3 || len(g.Drawn) < 1 || len(g.Exchange) < 1 || len(g.Assignment) < 50 {
		t.Fatal("golden values are missing")
	}
	return g
}

// collect adds exams, in the order given.
func collect(t *testing.T, exams []goldenExam) *Detection {
	t.Helper()
	d := NewDetection()
	for i, e := range exams {
		x := DetectionExam{ID: fmt.Sprint("exam", i), Patient: e.Patient, Score: e.Score, Positive: e.Positive}
		for _, f := range e.Findings {
			x.Findings = append(x.Findings, Finding{Lesion: f[0] == 1, Confidence: f[1]})
		}
		if err := d.Add(x); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func nearAll(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		near(t, fmt.Sprintf("%s %d", what, i), got[i], want[i], tolerance)
	}
}

func TestDetectionEqualsScikitLearn(t *testing.T) {
	for n, g := range readDetectionGolden(t).Detection {
		d := collect(t, g.Exams)
		f, err := d.FROC()
		if err != nil {
			t.Fatal(err)
		}
		var thresholds, fp, sensitivity []float64
		for _, p := range f.Points {
			thresholds, fp, sensitivity = append(thresholds, p.Threshold), append(fp, p.FalsePositives), append(sensitivity, p.Sensitivity)
		}
		nearAll(t, "threshold", thresholds, g.Thresholds, 0)
		nearAll(t, "false positives", fp, g.FP, 1e-12)
		nearAll(t, "sensitivity", sensitivity, g.Sensitivity, 1e-12)
		if f.Lesions != g.Lesions || f.Lesions != d.Lesions() || f.Exams != len(g.Exams) {
			t.Errorf("set %d: %d lesions in %d exams", n, f.Lesions, f.Exams)
		}
		roc, err := d.ROC()
		if err != nil {
			t.Fatal(err)
		}
		var fpr, tpr []float64
		for _, p := range roc {
			fpr, tpr = append(fpr, p.FalsePositives), append(tpr, p.Sensitivity)
		}
		nearAll(t, "1 − specificity", fpr, g.FPR, 1e-12)
		nearAll(t, "patient sensitivity", tpr, g.TPR, 1e-12)
		nearAll(t, "figure", d.figures(nil, nil), g.Figures, 1e-9)
		if auroc, err := d.AUROC(); err != nil || auroc != d.auroc(nil) && auroc-d.auroc(nil) > 1e-12 {
			t.Errorf("AUROC %g, %v; as a curve %g", auroc, err, d.auroc(nil))
		}
	}
}

func TestBootstrapEqualsNumPyOnTheSameDraws(t *testing.T) {
	g := readDetectionGolden(t)
	for n, b := range g.Bootstrap {
		d := collect(t, g.Detection[n].Exams)
		boot := Bootstrap{Rounds: b.Rounds, Level: b.Level, Seed: b.Seed}
		r, err := d.Bootstrap(context.Background(), boot, []float64{0.5, 1})
		if err != nil {
			t.Fatal(err)
		}
		for i, band := range []Band{r.AUROC, r.AP, r.Score, r.PartialArea, r.MaxSensitivity} {
			near(t, "low", band.Low, b.Low[i], 1e-9)
			near(t, "high", band.High, b.High[i], 1e-9)
			near(t, "value", band.Value, g.Detection[n].Figures[i], 1e-9)
			if band.Rounds != b.Rounds {
				t.Errorf("figure %d exists in %d of %d rounds", i, band.Rounds, b.Rounds)
			}
		}
		again, err := d.Bootstrap(context.Background(), boot, []float64{0.5, 1})
		if err != nil || again.AP != r.AP || !slices.Equal(again.Sensitivity, r.Sensitivity) {
			t.Error("the same seed gave another band", err)
		}
		boot.Seed++
		if other, err := d.Bootstrap(context.Background(), boot, nil); err != nil || other.AP.Low == r.AP.Low && other.AP.High == r.AP.High {
			t.Error("another seed gave the same band", err)
		}
	}
}

func TestPairedTestsEqualSciPy(t *testing.T) {
	g := readDetectionGolden(t)
	ctx := context.Background()
	patients := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(i)
		}
		return out
	}
	for _, c := range g.Pairs {
		r, err := Permutation{}.PairedMeans(ctx, patients(len(c.First)), c.First, c.Second)
		if err != nil || !r.Exact || r.Rounds != 1<<len(c.First) {
			t.Fatal(r, err)
		}
		near(t, "difference", r.Difference, c.Difference, 1e-12)
		near(t, "p", r.P, c.P, 1e-12)
	}
	for _, c := range g.Drawn {
		r, err := Permutation{Rounds: c.Rounds, Seed: c.Seed}.PairedMeans(ctx, patients(len(c.First)), c.First, c.Second)
		if err != nil || r.Exact || r.Rounds != c.Rounds {
			t.Fatal(r, err)
		}
		near(t, "p", r.P, c.P, 1e-12)
	}
	for _, c := range g.Exchange {
		r, err := Permutation{}.PairedDetection(ctx, collect(t, c.First), collect(t, c.Second))
		if err != nil {
			t.Fatal(err)
		}
		for i, test := range []Test{r.AUROC, r.AP, r.Score, r.PartialArea, r.MaxSensitivity} {
			near(t, "difference", test.Difference, c.Difference[i], 1e-9)
			near(t, "p", test.P, c.P[i], 1e-12)
		}
	}
}

func TestAssignmentEqualsSciPy(t *testing.T) {
	for n, c := range readDetectionGolden(t).Assignment {
		for _, row := range c.Gain {
			for j, v := range row {
				if v > 0 {
					row[j] = 1 + v/c.Levels
				}
			}
		}
		if got := assign(c.Gain, len(c.Gain[0])); !slices.Equal(got, c.Column) {
			t.Errorf("case %d: %v, want %v for %v", n, got, c.Column, c.Gain)
		}
	}
}

// The expected values of picai_eval's own test of its permutation test.
func TestRunsEqualPicaiEval(t *testing.T) {
	for _, c := range []struct {
		first, second []float64
		p             float64
	}{
		{[]float64{0, 1, 2}, []float64{1, 2, 3}, 5. / 20},
		{[]float64{4, 1, 2}, []float64{1, 2, 3}, 14. / 20},
		{[]float64{0.92, 0.94, 0.95, 0.81, 0.82, 0.86}, []float64{0.96, 0.91, 0.90, 0.85, 0.81, 0.80}, 0.7218614718614719},
	} {
		r, err := Permutation{}.Runs(context.Background(), c.first, c.second)
		if err != nil || !r.Exact {
			t.Fatal(r, err)
		}
		near(t, "p", r.P, c.p, 1e-12)
		some, err := Permutation{Rounds: 15, Seed: 5}.Runs(context.Background(), c.first, c.second)
		if err != nil || some.Exact || some.Rounds != 15 || some.Difference != r.Difference {
			t.Error(some, err)
		}
	}
}
