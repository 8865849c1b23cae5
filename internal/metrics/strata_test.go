package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// score is an exam whose score and only candidate are one.
func score(id, patient string, confidence float64, lesion bool) DetectionExam {
	e := DetectionExam{ID: id, Patient: patient, Score: confidence, Positive: lesion}
	if lesion || confidence > 0 {
		e.Findings = []Finding{{Lesion: lesion, Confidence: confidence}}
	}
	return e
}

func strata(t *testing.T, networks map[string][]DetectionExam, order ...string) *Strata {
	t.Helper()
	s := NewStrata()
	for _, name := range order {
		for _, e := range networks[name] {
			if err := s.Add(name, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// Two networks each order their own exams as well as can be, on scales of their own; taken together in one order they do
// not. By hand: pooled, the pairs (positive, negative) are (9, 8), (9, 2) right, (3, 8) wrong, (3, 2) right: 3/4.
func TestScoresOfDifferentNetworksAreNotCompared(t *testing.T) {
	both := map[string][]DetectionExam{
		"sure":   {score("a", "", 0.9, true), score("b", "", 0.8, false)},
		"unsure": {score("c", "", 0.3, true), score("d", "", 0.2, false)},
	}
	s := strata(t, both, "sure", "unsure")
	f := s.Figures(nil)
	if f.AUROC != 1 || f.AP != 1 || f.Score != 1 || f.MaxSensitivity != 1 {
		t.Errorf("%+v", f)
	}
	pooled := addAll(t, append(both["sure"], both["unsure"]...))
	if a, err := pooled.AUROC(); err != nil || a != 0.75 {
		t.Error(a, err)
	}
	// each network's FROC rises to 1 at 0 false positives per exam
	if f.PartialArea != PartialTo-PartialFrom {
		t.Errorf("partial area %g", f.PartialArea)
	}
	if s.Networks() != 2 || s.Exams() != 4 || s.Positives() != 2 || s.Lesions() != 2 || s.Only() != nil {
		t.Errorf("%d networks, %d exams, %d positive, %d lesions", s.Networks(), s.Exams(), s.Positives(), s.Lesions())
	}
}

// Weights by hand. Network one: positives 0.9 and 0.1, negative 0.5: 1 of 2 pairs right. Network two: positive 0.2,
// negatives 0.1, 0.2 and 0.3: 1 and a half of 3 pairs. AUROC (1 + 3/2) / 5 = 1/2.
// Network one has two lesions, found at 0 and at 1/3 false positives per exam: AP 1/2·1 + 1/2·2/3 = 5/6; network two one,
// found with the candidate 0.3 above it and 0.2 beside it: AP 1/3. AP (2·5/6 + 1/3) / 3 = 2/3.
// A third network without a lesion says nothing.
func TestNetworksCountByPairsAndLesions(t *testing.T) {
	s := strata(t, map[string][]DetectionExam{
		"one":   {score("a", "", 0.9, true), score("b", "", 0.1, true), score("c", "", 0.5, false)},
		"two":   {score("d", "", 0.2, true), score("e", "", 0.1, false), score("f", "", 0.2, false), score("g", "", 0.3, false)},
		"three": {score("h", "", 0.9, false)},
	}, "one", "two", "three")
	f := s.Figures(nil)
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) < 1e-12) {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("AUROC", f.AUROC, 1./2)
	near("AP", f.AP, 2./3)
	near("score", f.Score, (1./2+2./3)/2)
	near("maximum sensitivity", f.MaxSensitivity, 1)
	d, err := s.Bootstrap(context.Background(), Bootstrap{Rounds: 50, Seed: 1}, []float64{0, 0.25, 5}, []float64{0, 0.5, 1})
	if err != nil {
		t.Fatal(err)
	}
	// FROC of one: 1/2 at 0, and 1 from 1/3 on, or later on a line; of two: 0 at 0, from (1/4, 0) up to (1/2, 1), 1 beyond
	near("sensitivity at 0", d.Sensitivity[0].Value, 2./3*1/2)
	near("sensitivity at 1/4", d.Sensitivity[1].Value, (2*0.5+0)/3)
	near("sensitivity at 5", d.Sensitivity[2].Value, 1)
	// ROC of one: (0, 1/2), (1, 1/2), (1, 1); of two: (0, 0), (1/3, 0), (2/3, 1), (1, 1)
	near("ROC at 0", d.ROC[0].Value, (2*0.5+0)/5)
	near("ROC at 1/2", d.ROC[1].Value, (2*0.5+3*0.5)/5)
	near("ROC at 1", d.ROC[2].Value, 1)
}

// Of one network everything is as without networks, and the area under the mean FROC is the mean partial area.
func TestStrataOfOneNetworkAreItsDetection(t *testing.T) {
	ctx, b := context.Background(), Bootstrap{Rounds: 40, Seed: 3}
	exams := synthetic(60)
	d := addAll(t, exams)
	s := NewStrata()
	for _, e := range exams {
		if err := s.Add("only", e); err != nil {
			t.Fatal(err)
		}
	}
	want, err := d.Bootstrap(ctx, b, []float64{0.5, 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Bootstrap(ctx, b, []float64{0.5, 1}, nil)
	if err != nil || !reflect.DeepEqual(got.Sensitivity, want.Sensitivity) || got.AP != want.AP || got.PartialArea != want.PartialArea {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if s.Only() == nil {
		t.Error("there is one network")
	}
	split := NewStrata()
	for i, e := range exams {
		if err := split.Add(fmt.Sprint(i%4), e); err != nil {
			t.Fatal(err)
		}
	}
	var at []float64
	const step = 1. / 400
	for x := PartialFrom; x <= PartialTo+1e-9; x += step {
		at = append(at, x)
	}
	figures := split.figures(nil, at, nil)
	area := 0.0
	for i := range at[1:] {
		area += step * (figures[5+i] + figures[6+i]) / 2
	}
	if math.Abs(area-figures[3]) > 0.01 {
		t.Errorf("the mean FROC has an area of %g, the mean partial area is %g", area, figures[3])
	}
	var shares []float64
	for n := range 2001 {
		shares = append(shares, float64(n)/2000)
	}
	figures, area = split.figures(nil, nil, shares), 0
	for i := range shares[1:] {
		area += (figures[5+i] + figures[6+i]) / 2 / 2000
	}
	if math.Abs(area-figures[0]) > 0.01 {
		t.Errorf("the mean ROC has an area of %g, the AUROC is %g", area, figures[0])
	}
}

// All observations of a patient are drawn together: with one patient alone every band has no width.
func TestPatientsAreDrawnOverNetworks(t *testing.T) {
	s := NewStrata()
	random := rand.New(rand.NewPCG(1, 2))
	for run := range 3 {
		for i := range 6 {
			if err := s.Add(fmt.Sprint("run", run), score(fmt.Sprint(i), "the one", random.Float64(), i%2 == 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	d, err := s.Bootstrap(context.Background(), Bootstrap{Rounds: 20}, nil, nil)
	if err != nil || d.AUROC.Low != d.AUROC.High || d.AUROC.Low != d.AUROC.Value {
		t.Errorf("%+v, %v", d.AUROC, err)
	}
}

func TestPairedStrata(t *testing.T) {
	ctx := context.Background()
	// three patients in two networks; exact: 2³ exchanges
	first := map[string][]DetectionExam{"x": {score("a", "A", 0.2, true), score("b", "B", 0.5, false)}, "y": {score("a", "A", 0.3, true), score("c", "C", 0.4, false)}}
	second := map[string][]DetectionExam{"x": {score("a", "A", 0.9, true), score("b", "B", 0.1, false)}, "y": {score("a", "A", 0.8, true), score("c", "C", 0.2, false)}}
	r, err := Permutation{}.PairedStrata(ctx, strata(t, first, "x", "y"), strata(t, second, "y", "x"))
	if err != nil {
		t.Fatal(err)
	}
	// AUROC is 0 of first and 1 of second. Whoever changes places, the positive exam of A is judged in two networks: with
	// A exchanged and neither B nor C: first has (0.9 > 0.5, 0.8 > 0.4) = 1, second (0.2 > 0.1, 0.3 > 0.2) = 1: 0. With B
	// alone: first x 0.2 > 0.1, y 0.3 < 0.4: 1/2; second 1: 1/2. So 1 occurs for nobody alone, −1 for all three: 1/8 each side.
	if r.AUROC.Difference != 1 || !r.AUROC.Exact || r.AUROC.Rounds != 8 || math.Abs(r.AUROC.P-2./8) > 1e-12 {
		t.Errorf("%+v", r.AUROC)
	}
	for name, other := range map[string]map[string][]DetectionExam{
		"fewer":           {"x": second["x"]},
		"other names":     {"x": second["x"], "z": second["y"]},
		"other reference": {"x": second["x"], "y": {score("a", "A", 0.8, false), score("c", "C", 0.2, false)}},
	} {
		if _, err := (Permutation{}).PairedStrata(ctx, strata(t, first, "x", "y"), strata(t, other, "x", "y", "z")); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := NewStrata()
	if err := s.Add("x", DetectionExam{}); !errors.Is(err, ErrInput) || s.Networks() != 0 {
		t.Errorf("an exam without a name: %v", err)
	}
	if _, err := s.Bootstrap(ctx, Bootstrap{}, nil, nil); !errors.Is(err, ErrUndefined) {
		t.Errorf("no exam: %v", err)
	}
}

// Without negative exams there is no ROC, without lesions no FROC, and no number is made up.
func TestStrataWithoutAFigure(t *testing.T) {
	s := strata(t, map[string][]DetectionExam{"x": {score("a", "", 0.5, true)}, "y": {score("a", "", 0.5, true)}}, "x", "y")
	if f := s.Figures(nil); !math.IsNaN(f.AUROC) || !math.IsNaN(f.Score) || f.AP != 1 {
		t.Errorf("%+v", f)
	}
	if f := s.figures(nil, nil, []float64{0, 1}); !math.IsNaN(f[5]) || !math.IsNaN(f[6]) {
		t.Errorf("%v", f)
	}
	one := strata(t, map[string][]DetectionExam{"x": {score("a", "", 0.5, true)}}, "x")
	if f := one.figures(nil, nil, []float64{0, 1}); !math.IsNaN(f[5]) {
		t.Errorf("%v", f)
	}
}
