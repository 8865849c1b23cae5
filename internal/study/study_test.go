package study_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"bayeslice/internal/evaluate"
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/study"
	"bayeslice/internal/volume"
	"bayeslice/training/loss"
)

// small is a study of 2 tasks × 2 losses × 2 runs × 2 folds.
func small(t *testing.T) *study.Study {
	t.Helper()
	f := study.Defaults()
	f.Name, f.Losses, f.Runs, f.Folds = "small", []loss.Kind{loss.CE, loss.FL}, 2, 2
	f.Evaluation.BootstrapRounds, f.Evaluation.PermutationRounds = 20, 20
	s, err := study.Create(filepath.Join(t.TempDir(), "s"), f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// finish writes the evaluation of an element: two exams of 4 voxels, the first with foreground in its first two, both
// predicted with probability p of the true class.
func finish(t *testing.T, s *study.Study, e study.Element, p float32) {
	t.Helper()
	grid := geom.Grid{Size: [3]int{4, 1, 1}, Spacing: geom.Vec3{1, 1, 1}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	v, err := evaluate.New(evaluate.Settings{Task: e.Task, Bootstrap: metrics.Bootstrap{Rounds: 20, Seed: 1}})
	if err != nil {
		t.Fatal(err)
	}
	classes := len(evaluate.Classes(e.Task))
	for n, label := range [][]uint8{{1, 1, 0, 0}, {0, 0, 0, 0}} {
		m, err := volume.NewMask(grid, label)
		if err != nil {
			t.Fatal(err)
		}
		x := &evaluate.Exam{ID: fmt.Sprintf("exam %d of fold %d", n, e.Fold), Grid: grid, Reference: m}
		for c := range classes {
			values := make([]float32, 4)
			for i, l := range label {
				values[i] = (1 - p) / float32(classes-1)
				if int(l) == c {
					values[i] = p
				}
			}
			x.Probabilities = append(x.Probabilities, values)
		}
		measured, err := v.Measure(context.Background(), x)
		if err == nil {
			err = v.Add(measured)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := v.Result(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.Name = string(e.Loss)
	if err := evaluate.WriteFolder(filepath.Join(s.Dir(), "evaluations", e.Name()), r, true); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestStatus(t *testing.T) {
	s := small(t)
	all := s.Elements()
	finish(t, s, all[0], 0.9)
	write(t, filepath.Join(s.Dir(), "elements", all[0].Name()+".json"), `{"trainSeconds": 200, "evaluateSeconds": 10, "failure": "of an earlier attempt"}`)
	write(t, filepath.Join(s.Dir(), "elements", all[1].Name()+".json"), `{"failure": "The disk is full."}`)
	write(t, filepath.Join(s.Dir(), "elements", all[2].Name()+".json"), "no JSON")
	steps := s.File().Training[modelcard.Anatomy].Steps
	write(t, filepath.Join(s.Dir(), "trainings", all[3].Name(), "log.jsonl"), fmt.Sprintf("{\"event\":\"step\",\"step\":%d,\"seconds\":100}\n{\"event\":\"st", steps/2))
	lock := flock.New(filepath.Join(s.Dir(), "elements", all[3].Name()+".lock"))
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	now, err := s.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]study.State{0: study.Done, 1: study.Failed, 2: study.Left, 3: study.Running, 4: study.Left} {
		if got := now.Elements[n].State; got != want {
			t.Errorf("element %d is %s, want %s", n, got, want)
		}
	}
	if now.Counts[study.Done] != 1 || now.Counts[study.Left] != 13 || now.Elements[1].Failure != "The disk is full." || now.Elements[0].Failure != "" || now.Elements[3].Step != steps/2 {
		t.Errorf("%+v", now)
	}
	// (200 + 100) s for 1.5 trainings of anatomy: 200 s each, and 10 s of evaluation. 6.5 trainings and 7 evaluations
	// are left of anatomy; of diagnosis nothing is known.
	if want := 6.5*200 + 7*10.0; math.Abs(now.Remaining-want) > 1e-6 {
		t.Errorf("%g s left, want %g", now.Remaining, want)
	}
	if err := s.RunElement(context.Background(), all[3], study.Options{}); !errors.Is(err, study.ErrBusy) {
		t.Errorf("an element of another process: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}

// One that fails is recorded, others go on, all are tried again; a finished one is not touched.
func TestFailuresAreRecordedAndTriedAgain(t *testing.T) {
	s := small(t)
	all := s.Elements()
	finish(t, s, all[5], 0.9)
	before, err := os.Stat(filepath.Join(s.Dir(), "evaluations", all[5].Name(), "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	attempts := 0
	broken := errors.New("no runtime")
	var failed []string
	measured := 0
	o := study.Options{
		Open: func(_ context.Context, _ int, measuring func(string, int, int)) (study.Openers, error) {
			measuring("the CPU", 1, 2)
			mu.Lock()
			defer mu.Unlock()
			attempts++
			return study.Openers{}, broken
		},
		Clock:   func() time.Time { return time.Unix(1000, 0).UTC() },
		Explain: func(err error) string { return "A sentence: " + err.Error() },
		On: func(e study.Event) {
			if e.Phase == study.Broken {
				failed = append(failed, e.Element.Name()) // one call at a time
			}
			if e.Phase == study.Measuring && e.Done == 1 && e.Total == 2 && slices.Equal(e.Notes, []string{"the CPU"}) {
				measured++
			}
		},
	}
	for round := 1; round <= 2; round++ {
		err := s.Run(context.Background(), 3, o)
		if !errors.Is(err, study.ErrIncomplete) || !strings.Contains(err.Error(), "15 of 16 failed") || attempts != 15*round || measured != attempts || len(failed) != 15*round {
			t.Fatalf("round %d: %v after %d attempts, %d told", round, err, attempts, len(failed))
		}
	}
	// the first fold of every configuration comes before the second
	if i := slices.Index(failed, "diagnosis-fl-run1-fold1"); i < 0 || i > 7 {
		t.Errorf("the order is %v", failed)
	}
	now, err := s.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if now.Counts[study.Failed] != 15 || now.Elements[0].Failure != "A sentence: no runtime" || !now.Elements[0].Record.Time.Equal(time.Unix(1000, 0)) {
		t.Errorf("%+v", now.Elements[0])
	}
	after, err := os.Stat(filepath.Join(s.Dir(), "evaluations", all[5].Name(), "results.json"))
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a finished element was touched: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx, 2, o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The report of what is there: figures are means over all observations, the paper's stand beside them, and what is
// missing is named.
func TestTheReportOfAPartialStudy(t *testing.T) {
	s := small(t)
	if _, err := s.WriteReport(context.Background(), study.Options{}); !errors.Is(err, study.ErrNothing) {
		t.Errorf("nothing: %v", err)
	}
	sum, n := 0.0, 0
	for _, e := range s.Elements() {
		if e.Loss == loss.FL && e.Run == 1 {
			continue
		}
		p := 0.8
		if e.Loss == loss.FL {
			p = 0.6
		}
		p += 0.05*float64(e.Run) + 0.02*float64(e.Fold)
		finish(t, s, e, float32(p))
		if e.Task == modelcard.Diagnosis && e.Loss == loss.CE {
			sum, n = sum-math.Log(p), n+1
		}
	}
	r, err := s.WriteReport(context.Background(), study.Options{Program: "test", Use: "Research use only.", Clock: func() time.Time { return time.Unix(0, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Done != 12 || r.Elements != 16 || len(r.Missing) != 2 || !slices.Equal(r.Missing[0].Names, []string{"anatomy-fl-run2-fold1", "anatomy-fl-run2-fold2"}) {
		t.Errorf("done %d of %d, missing %+v", r.Done, r.Elements, r.Missing)
	}
	i := slices.IndexFunc(r.Figures, func(f study.Figure) bool {
		return f.Task == modelcard.Diagnosis && f.Loss == loss.CE && f.Name == "NLL"
	})
	if f := r.Figures[i]; f.Observations != 8 || math.Abs(f.Band.Value-sum/float64(n)) > 1e-6 {
		t.Errorf("NLL %+v of %d, want %g", f.Band, f.Observations, sum/float64(n))
	}
	if len(r.Comparisons) != 2 || r.Comparisons[0].Exams != 4 || len(r.Findings) == 0 {
		t.Errorf("%d comparisons, %d findings", len(r.Comparisons), len(r.Findings))
	}
	checkFiles(t, s)
}

func checkFiles(t *testing.T, s *study.Study) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(s.Report(), study.ReportPage))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"12 of 16 trainings are done", "anatomy-fl-run2-fold1, anatomy-fl-run2-fold2", "CE, BCE, DB 0.81 to 0.89; FL 0.70", "Study “small”", "200 generated exams", "Research use only."} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	f, err := os.Open(filepath.Join(s.Report(), study.ReportTable))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(rows, func(r []string) bool { return r[0] == "anatomy" && r[1] == "FL" && r[2] == "WG soft Dice" })
	if at < 0 || rows[at][7] != "0.7" || rows[at][8] != "0.7" || rows[at][6] != "4" {
		t.Errorf("table: %v", rows)
	}
	for _, name := range []string{"results.json", "pooled/anatomy-ce.json", "pooled/diagnosis-fl.json"} {
		if _, err := os.Stat(filepath.Join(s.Report(), name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := evaluate.ReadResult(filepath.Join(s.Report(), "pooled", "anatomy-ce.json")); err != nil {
		t.Error(err)
	}
}

// A damaged evaluation is told, not passed over.
func TestADamagedResultIsTold(t *testing.T) {
	s := small(t)
	finish(t, s, s.Elements()[0], 0.9)
	write(t, filepath.Join(s.Dir(), "evaluations", s.Elements()[1].Name(), "results.json"), "{")
	if _, err := s.WriteReport(context.Background(), study.Options{}); !errors.Is(err, evaluate.ErrResult) {
		t.Errorf("%v", err)
	}
}

// The paper's numbers are in the sentence that stands beside them.
func TestThePapersNumbersAreInItsSentences(t *testing.T) {
	for _, p := range study.PaperFigures() {
		text := fmt.Sprintf("%.0f", 100*p.Low)
		if p.High != p.Low {
			text = fmt.Sprintf("%.0f-%.0f", 100*p.Low, 100*p.High)
		}
		if structure, _, many := strings.Cut(p.Figure, " "); many {
			text = structure + ": " + text
		}
		if !strings.Contains(p.Sentence, text) {
			t.Errorf("%s: %q is not in %q", p.Figure, text, p.Sentence)
		}
	}
}
