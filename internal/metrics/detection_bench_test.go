package metrics

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"bayeslice/internal/testenv"
)

// synthetic are n exams.
func synthetic(n int) []DetectionExam {
	random := rand.New(rand.NewPCG(1, 1))
	out := make([]DetectionExam, n)
	for i := range out {
		e := DetectionExam{ID: fmt.Sprint(i), Positive: random.IntN(3) == 0}
		if e.Positive {
			e.Findings = append(e.Findings, Finding{Lesion: true, Confidence: random.Float64(), IoU: 0.5})
		}
		for range random.IntN(5) {
			e.Findings = append(e.Findings, Finding{Confidence: random.Float64()*0.9 + 0.01})
		}
		for _, f := range e.Findings {
			e.Score = max(e.Score, f.Confidence)
		}
		out[i] = e
	}
	return out
}

func addAll(tb testing.TB, exams []DetectionExam) *Detection {
	tb.Helper()
	d := NewDetection()
	for _, e := range exams {
		if err := d.Add(e); err != nil {
			tb.Fatal(err)
		}
	}
	return d
}

// BenchmarkDetection takes in 1,500 exams and computes FROC, AP and AUROC, in turns with what picai_eval does for
// them, and with picai_eval itself (testdata/peer.py), where python3 has scikit-learn and picai_eval.
func BenchmarkDetection(b *testing.B) {
	exams := synthetic(1500)
	version, ask := testenv.Python(b, filepath.Join("testdata", "peer.py"))
	row := testenv.Peer{Row: "FROC, AP and AUROC of 1,500 exams", Peer: "picai_eval's way, " + version, Unit: "ms"}
	itself := testenv.Peer{Row: row.Row, Peer: "picai_eval", Missing: "peer not installed: pip install picai_eval", Unit: "ms"}
	version, askItself := testenv.Python(b, filepath.Join("testdata", "peer.py"), "picai_eval")
	if askItself != nil {
		itself.Peer, itself.Missing = version, ""
	}
	for b.Loop() {
		start := time.Now()
		d := addAll(b, exams)
		_, froc := d.FROC()
		_, ap := d.AveragePrecision()
		_, auroc := d.AUROC()
		if froc != nil || ap != nil || auroc != nil {
			b.Fatal(froc, ap, auroc)
		}
		took := time.Since(start).Seconds() * 1000
		row.Mine, itself.Mine = append(row.Mine, took), append(itself.Mine, took)
		if ask != nil {
			row.Theirs = append(row.Theirs, testenv.AskNumbers(b, ask, "")[0])
		}
		if askItself != nil {
			itself.Theirs = append(itself.Theirs, testenv.AskNumbers(b, askItself, "")[0])
		}
	}
	if ask == nil {
		row.Peer, row.Missing = "picai_eval's way", "peer not installed: Debian's python3-sklearn"
	}
	row.Report(b)
	itself.Report(b)
}

// BenchmarkBootstrap draws 1,500 exams 1,000 times for all figures and the band of the FROC.
func BenchmarkBootstrap(b *testing.B) {
	d := addAll(b, synthetic(1500))
	for b.Loop() {
		if _, err := d.Bootstrap(context.Background(), Bootstrap{}, []float64{0.5, 1, 2}); err != nil {
			b.Fatal(err)
		}
	}
}

// What must be possible in a second on any machine: it takes a hundredth of that.
func TestDetectionOf1500ExamsTakesLessThanASecond(t *testing.T) {
	exams := synthetic(1500)
	start := time.Now()
	d := addAll(t, exams)
	f, err := d.FROC()
	if err != nil || len(f.Points) < 1500 {
		t.Fatal(err)
	}
	if _, err := d.AveragePrecision(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AUROC(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
