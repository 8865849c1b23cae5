package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

// network evaluates the given exams of a cohort of references with predictions of its own.
func network(t *testing.T, task modelcard.Task, seed uint64, exams ...int) *Result {
	t.Helper()
	e := evaluator(t, task)
	for _, n := range exams {
		put(t, e, observed(t, task, seed, n))
	}
	r, err := e.Result(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.Name, r.Program = "FL", "Bayeslice test"
	return r
}

// observed is exam n as the network of a seed predicts it; every second exam of diagnosis is negative.
func observed(t *testing.T, task modelcard.Task, seed uint64, n int) *Exam {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	at := 1 + n%4
	reference := mask(t)
	switch {
	case task == modelcard.Anatomy:
		reference = mask(t, [7]int{1, 1, 1, 1, 4 + at, 6, 4}, [7]int{2, 4 + at, 1, 1, 10, 6, 4})
	case n%2 == 0:
		reference = mask(t, [7]int{1, at, 2, 1, at + 4, 6, 3})
	}
	shift := 1 + random.IntN(5)
	predicted := mask(t, [7]int{1, shift, 2, 1, shift + 4, 6, 3})
	if task == modelcard.Anatomy {
		predicted = mask(t, [7]int{1, 1, 1, 1, 4 + shift, 6, 4}, [7]int{2, 4 + shift, 1, 1, 10, 6, 4})
	}
	return &Exam{ID: fmt.Sprintf("case%d", n), Grid: block(), Probabilities: soften(predicted, len(Classes(task)), 0.55+0.4*random.Float32()), Reference: reference}
}

// crossValidation are 2 runs of 2 folds of 8 exams.
func crossValidation(t *testing.T, task modelcard.Task, seed uint64) []Part {
	t.Helper()
	return []Part{
		{2, 2, network(t, task, seed+4, 0, 2, 5, 7)}, {1, 1, network(t, task, seed+1, 0, 1, 2, 3)},
		{1, 2, network(t, task, seed+2, 4, 5, 6, 7)}, {2, 1, network(t, task, seed+3, 1, 3, 4, 6)},
	}
}

func pool(t *testing.T, parts []Part) *Result {
	t.Helper()
	r, err := Pool(context.Background(), parts, metrics.Bootstrap{Rounds: 60, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPoolIsAllObservations(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		parts := crossValidation(t, task, 10)
		parts[1].Result.Problems = []Problem{{"case9", "It is out."}}
		r := pool(t, parts)
		if r.Exams != 16 || r.Patients != 8 || len(r.Rows) != 16 || r.Name != "FL" || r.Format != 2 || r.Kinds[Probabilities] != 16 {
			t.Errorf("%+v", r)
		}
		if r.Pooled.Runs != 2 || r.Pooled.Folds != 2 || len(r.Pooled.Parts) != 4 || r.Pooled.Parts[1] != (PooledPart{1, 2, 4}) {
			t.Errorf("%+v", r.Pooled)
		}
		first := r.Rows[0]
		if first.ID != "run1/fold1/case0" || first.Exam != "case0" || first.Patient != "case0" || first.Run != 1 || first.Fold != 1 || r.Problems[0].Exam != "run1/fold1/case9" {
			t.Errorf("%+v, %+v", first, r.Problems)
		}
		// means over observations, each once
		sum, voxels, calibrated := 0.0, 0, 0.0
		for _, p := range parts {
			for _, row := range p.Result.Rows {
				sum += row.Structures[0].HardDice
			}
			c := p.Result.Calibration.Pooled
			voxels += c.Voxels
			calibrated += c.NLL * float64(c.Voxels)
		}
		close2(t, "hard Dice", r.Structures[0].HardDice.Value, sum/16)
		close2(t, "pooled NLL", r.Calibration.Pooled.NLL, calibrated/float64(voxels))
		if r.Calibration.Pooled.Voxels != voxels {
			t.Errorf("%d voxels of %d", r.Calibration.Pooled.Voxels, voxels)
		}
		slices.Reverse(parts)
		if again := pool(t, parts); !reflect.DeepEqual(again, r) {
			t.Error("another order of parts gave another result")
		}
	}
}

// AUROC and FROC are the networks' own, averaged: here every network has 2 positive and 2 negative exams.
func TestPooledDetectionIsTheAverageOfNetworks(t *testing.T) {
	parts := crossValidation(t, modelcard.Diagnosis, 20)
	r := pool(t, parts)
	var auroc, area, most float64
	for _, p := range parts {
		auroc += p.Result.Detection.AUROC.Value / 4
		area += p.Result.Detection.PartialArea.Value / 4
		most += p.Result.Detection.MaxSensitivity.Value / 4
	}
	close2(t, "AUROC", r.Detection.AUROC.Value, auroc)
	close2(t, "partial area", r.Detection.PartialArea.Value, area)
	close2(t, "maximum sensitivity", r.Detection.MaxSensitivity.Value, most)
	d := r.Detection
	if len(d.FROC) != 0 || len(d.ROC) != 0 || len(d.Precision) != 0 || len(d.FROCBand) != 101 || len(d.ROCBand) != 101 || d.Positives != 8 || d.Lesions != 8 {
		t.Errorf("%+v", d)
	}
	close2(t, "the end of the curve", d.FROCBand[100].Value, most)
	if s := frocSeries(r); len(s.X) != len(s.Y) || s.X[len(s.X)-1] > frocTo || len(s.BandX) != 61 {
		t.Errorf("%+v", s)
	}
	if s := rocSeries(r, true); len(s.X) != 102 || len(s.BandX) != 101 || s.Y[101] != 1 {
		t.Errorf("%+v", s)
	}
	if s := rocSeries(parts[0].Result, false); s.BandX != nil || len(s.X) != 1+len(parts[0].Result.Detection.ROC) {
		t.Errorf("%+v", s)
	}
	// one network alone keeps its curve
	if one := pool(t, parts[1:2]); len(one.Detection.FROC) == 0 || !reflect.DeepEqual(one.Detection.FROC, parts[1].Result.Detection.FROC) {
		t.Errorf("%+v", one.Detection)
	}
}

// Patients are the same in all runs and are drawn with all their observations: were they not, the band of a figure that a
// patient has in every run alike would be narrower by the root of the number of runs.
func TestBandsOfPooledResultsDrawPatients(t *testing.T) {
	one := network(t, modelcard.Anatomy, 5, 0, 1, 2, 3, 4, 5, 6, 7)
	var parts []Part
	for run := range 4 {
		parts = append(parts, Part{run + 1, 1, one})
	}
	r := pool(t, parts)
	a, b := one.Structures[1].HardDice, r.Structures[1].HardDice
	alone, err := metrics.Bootstrap{Rounds: 60, Seed: 2}.Mean(context.Background(), []string{"0", "1", "2", "3", "4", "5", "6", "7"}, values(one))
	if err != nil {
		t.Fatal(err)
	}
	close2(t, "low", b.Low, alone.Low)
	close2(t, "high", b.High, alone.High)
	close2(t, "value", b.Value, a.Value)
}

func values(r *Result) []float64 {
	var out []float64
	for _, row := range r.Rows {
		out = append(out, row.Structures[1].HardDice)
	}
	return out
}

func TestWhatCannotBePooled(t *testing.T) {
	part := func(run, fold int, change func(*Result)) Part {
		r := network(t, modelcard.Diagnosis, 3, 4*(fold%2), 4*(fold%2)+1)
		if change != nil {
			change(r)
		}
		return Part{run, fold, r}
	}
	good := part(1, 1, nil)
	for text, c := range map[string]struct {
		parts []Part
		want  error
	}{
		"no evaluation":      {nil, ErrSettings},
		"run 0, fold 1":      {[]Part{part(0, 1, nil)}, ErrSettings},
		"fold 1 is there":    {[]Part{good, good}, ErrResult},
		"pooled already":     {[]Part{{1, 1, pool(t, []Part{good})}}, ErrResult},
		"one configuration":  {[]Part{good, part(1, 2, func(r *Result) { r.Name = "CE" })}, ErrResult},
		"of anatomy":         {[]Part{good, {1, 2, network(t, modelcard.Anatomy, 3, 0)}}, ErrResult},
		"other settings":     {[]Part{good, part(1, 2, func(r *Result) { r.Settings.MinIoU = 0.5 })}, ErrResult},
		"two folds of run 1": {[]Part{good, {1, 2, good.Result}}, ErrResult},
		"its calibration":    {[]Part{good, part(1, 2, func(r *Result) { r.Calibration.Pooled.Voxels++ })}, ErrResult},
	} {
		if _, err := Pool(context.Background(), c.parts, metrics.Bootstrap{Rounds: 5}); !errors.Is(err, c.want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Pool(context.Background(), []Part{good}, metrics.Bootstrap{Level: 3}); !errors.Is(err, ErrSettings) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Pool(ended, []Part{good}, metrics.Bootstrap{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A fold without positive exams spoils no figure, and what was left out of every network is not there.
func TestPoolOfDegenerateFolds(t *testing.T) {
	r := pool(t, []Part{{1, 1, network(t, modelcard.Diagnosis, 3, 1, 3)}, {1, 2, network(t, modelcard.Diagnosis, 4, 0, 5)}})
	if r.Detection.AUROC == nil || r.Detection.Lesions != 1 {
		t.Errorf("%+v, %v", r.Detection, r.Undefined)
	}
	r = pool(t, []Part{{1, 1, network(t, modelcard.Diagnosis, 3, 1, 3)}, {1, 2, network(t, modelcard.Diagnosis, 4, 7, 5)}})
	if r.Detection.AUROC != nil || r.Undefined["AUROC"] == "" || len(r.Detection.FROCBand) != 0 {
		t.Errorf("%+v, %v", r.Detection, r.Undefined)
	}
	if _, err := Page([]*Result{r}, nil); err != nil {
		t.Error(err)
	}
}

func TestPooledResultsAreWrittenAndCompared(t *testing.T) {
	first, second := pool(t, crossValidation(t, modelcard.Diagnosis, 30)), pool(t, crossValidation(t, modelcard.Diagnosis, 40))
	second.Name = "CE"
	dir := t.TempDir()
	if err := WriteFolder(dir, first, false); err != nil {
		t.Fatal(err)
	}
	checkPage(t, dir+"/"+ReportFile, "16 observations of 8 patients, by 4 networks (2 runs × 2 folds)", "averages of the networks")
	back, err := ReadResult(dir)
	if err != nil || !reflect.DeepEqual(back.Pooled, first.Pooled) || !reflect.DeepEqual(back.Rows, first.Rows) {
		t.Errorf("%v", err)
	}
	c, err := Compare(context.Background(), []*Result{back, second}, metrics.Permutation{Rounds: 300})
	if err != nil || len(c) != 1 || c[0].Exams != 16 {
		t.Fatal(c, err)
	}
	for _, f := range c[0].Tests {
		switch f.Figure {
		case "AUROC":
			close2(t, "difference of AUROC", f.Difference, second.Detection.AUROC.Value-first.Detection.AUROC.Value)
		case "csPCa polarised share":
			close2(t, "difference of the polarised share", f.Difference, second.Structures[0].Polarised.Value-first.Structures[0].Polarised.Value)
		}
		if !f.Exact || f.Rounds > 256 {
			t.Errorf("%s: 8 patients change places in 256 ways: %+v", f.Figure, f.Test)
		}
	}
}

func TestContrast(t *testing.T) {
	ctx, b := context.Background(), metrics.Bootstrap{Rounds: 200, Seed: 7}
	var all []*Result
	for n, name := range []string{"CE", "FL", "DB"} {
		r := pool(t, crossValidation(t, modelcard.Diagnosis, uint64(50+10*n)))
		r.Name = name
		all = append(all, r)
	}
	weights := []float64{0.5, 0.5, -1}
	for figure, of := range map[string]func(*Result) float64{
		"NLL":                     func(r *Result) float64 { return r.Calibration.NLL.Value },
		"AUROC":                   func(r *Result) float64 { return r.Detection.AUROC.Value },
		"partial area under FROC": func(r *Result) float64 { return r.Detection.PartialArea.Value },
		"csPCa hard Dice":         func(r *Result) float64 { return r.Structures[0].HardDice.Value },
	} {
		c, err := Contrast(ctx, figure, all, weights, b)
		if err != nil {
			t.Fatal(err)
		}
		close2(t, figure, c.Value, of(all[0])/2+of(all[1])/2-of(all[2]))
		if !(c.Low <= c.Value && c.Value <= c.High) {
			t.Errorf("%s: %+v", figure, c)
		}
		same, err := Contrast(ctx, figure, []*Result{all[0], all[0]}, []float64{1, -1}, b)
		if err != nil || math.Abs(same.Low)+math.Abs(same.High) > 1e-12 {
			t.Errorf("%s of one less itself: %+v, %v", figure, same, err)
		}
	}
	masks := network(t, modelcard.Anatomy, 1, 0, 1)
	for i := range masks.Rows {
		masks.Rows[i].Calibration = nil
	}
	if _, err := Contrast(ctx, "NLL", []*Result{masks}, []float64{1}, b); !errors.Is(err, metrics.ErrUndefined) {
		t.Error(err)
	}
	negatives := network(t, modelcard.Diagnosis, 1, 1, 3)
	if _, err := Contrast(ctx, "AUROC", []*Result{negatives}, []float64{1}, b); !errors.Is(err, metrics.ErrUndefined) {
		t.Error(err)
	}
	other := network(t, modelcard.Diagnosis, 1, 1, 3)
	other.Rows[0].Lesions = &LesionRow{Positive: true, Lesions: 1, Findings: []metrics.Finding{{Lesion: true}}}
	for name, c := range map[string]struct {
		figure  string
		results []*Result
		weights []float64
		want    error
	}{
		"no result":         {"NLL", nil, nil, ErrSettings},
		"no such figure":    {"x", all, weights, ErrSettings},
		"weights":           {"NLL", all, weights[1:], ErrSettings},
		"AUROC of zones":    {"AUROC", []*Result{masks}, []float64{1}, ErrSettings},
		"tasks":             {"NLL", []*Result{all[0], masks}, []float64{1, -1}, ErrResult},
		"nothing in common": {"NLL", []*Result{all[0], negatives}, []float64{1, -1}, ErrResult},
		"other reference":   {"AUROC", []*Result{negatives, other}, []float64{1, -1}, ErrResult},
	} {
		if _, err := Contrast(ctx, c.figure, c.results, c.weights, b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Contrast(ctx, "NLL", all, weights, metrics.Bootstrap{Rounds: -1}); !errors.Is(err, ErrSettings) {
		t.Error(err)
	}
}

// What docs/evaluation.md promises of empty sides, to the number.
func TestFiguresOfEmptySides(t *testing.T) {
	lesion, nothing := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}), mask(t)
	sure := func() [][]float32 { return soften(nothing, 2, 1) }
	for name, c := range map[string]struct {
		x          *Exam
		hard, soft float64
		score      float64
		missed     int
	}{
		"empty label":               {&Exam{Probabilities: soften(lesion, 2, 0.9), Reference: nothing}, 0, 0, 0.9, 0},
		"empty prediction":          {&Exam{Probabilities: sure(), Reference: lesion}, 0, 0, 0, 1},
		"nothing in both":           {&Exam{Probabilities: sure(), Reference: nothing}, 1, 1, 0, 0},
		"unlikely, nothing in both": {&Exam{Probabilities: soften(nothing, 2, 0.75), Reference: nothing}, 1, 0, 0.25, 0},
	} {
		c.x.ID = "a"
		row := put(t, evaluator(t, modelcard.Diagnosis), c.x)
		s, l := row.Structures[0], row.Lesions
		found, _ := l.count()
		if s.HardDice != c.hard || *s.SoftDice != c.soft || s.HD95 != nil || s.ASSD != nil || math.Abs(l.Score-c.score) > 1e-6 || l.Lesions-found != c.missed {
			t.Errorf("%s: %+v, soft %g, %+v", name, s, *s.SoftDice, l)
		}
	}
}

// A results.json of before there were segments, entropies and bands of the ROC is read, shown, compared and joined.
func TestOlderResultsAreRead(t *testing.T) {
	var old []*Result
	for n, name := range []string{"CE", "FL"} {
		r := network(t, modelcard.Diagnosis, uint64(70+n), 0, 1, 2, 3)
		r.Name = name
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		strip(fields, "borderEntropy", "rocBand", "segment", "polarised", "examples")
		if text, err = json.Marshal(fields); err != nil || strings.Contains(string(text), "segment") {
			t.Fatal(err)
		}
		dir := t.TempDir()
		save(t, dir, ResultFile, string(text))
		back, err := ReadResult(dir)
		if err != nil || back.Rows[0].Border != nil || back.Rows[0].Structures[0].Segment != nil {
			t.Fatalf("%+v, %v", back, err)
		}
		old = append(old, back)
	}
	c, err := Compare(context.Background(), old, metrics.Permutation{Rounds: 50})
	if err != nil || len(c) != 1 {
		t.Error(c, err)
	}
	if _, err := Page(old, c); err != nil {
		t.Error(err)
	}
	if err := WriteFolder(t.TempDir(), old[0], false); err != nil {
		t.Error(err)
	}
	if _, err := Contrast(context.Background(), borderFigure, old, []float64{1, -1}, metrics.Bootstrap{Rounds: 5}); !errors.Is(err, metrics.ErrUndefined) {
		t.Error(err)
	}
	if r := pool(t, []Part{{1, 1, old[0]}}); r.Border != nil || r.Exams != 4 {
		t.Errorf("%+v", r)
	}
}

// strip removes fields of these names at any depth.
func strip(v any, names ...string) {
	switch x := v.(type) {
	case map[string]any:
		for _, n := range names {
			delete(x, n)
		}
		for _, y := range x {
			strip(y, names...)
		}
	case []any:
		for _, y := range x {
			strip(y, names...)
		}
	}
}
