package findings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"bayeslice/internal/evaluate"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/testenv"
)

func band(low, high float64) metrics.Band {
	return metrics.Band{Value: (low + high) / 2, Low: low, High: high, Rounds: 100}
}

func TestRules(t *testing.T) {
	const m = 0.1
	for _, c := range []struct {
		kind      Kind
		low, high float64
		want      Verdict
	}{
		{Below, -0.3, -0.2, Repeats}, {Below, -0.01, -0.005, Repeats}, {Below, 0.2, 0.3, Opposite}, {Below, -0.05, 0.05, DoesNotRepeat},
		{Below, -0.3, 0.05, Undecided}, {Below, -0.05, 0.3, Undecided}, {Below, 0, 0, DoesNotRepeat}, {Below, -0.2, 0, Undecided},
		{Above, 0.2, 0.3, Repeats}, {Above, -0.3, -0.2, Opposite}, {Above, -0.1, 0.1, DoesNotRepeat}, {Above, -0.11, 0.1, Undecided},
		{Similar, -0.1, 0.1, Repeats}, {Similar, 0.01, 0.09, Repeats}, {Similar, 0.11, 0.2, DoesNotRepeat}, {Similar, -0.3, -0.2, DoesNotRepeat},
		{Similar, 0.05, 0.2, Undecided}, {Similar, -0.2, 0.2, Undecided},
		{BarelyBelow, -0.09, -0.02, Repeats}, {BarelyBelow, -0.09, 0.4, Repeats}, {BarelyBelow, 0.01, 0.02, Opposite}, {BarelyBelow, -0.3, -0.2, DoesNotRepeat},
		{BarelyBelow, -0.2, -0.05, Undecided}, {BarelyBelow, -0.2, 0.1, Undecided},
		{Below, math.NaN(), 1, Undecided},
	} {
		if got := (Rule{Kind: c.kind}).Judge(band(c.low, c.high), m); got != c.want {
			t.Errorf("kind %d, %g to %g: %s, want %s", c.kind, c.low, c.high, got, c.want)
		}
	}
	if got := (Rule{Kind: Below}).Judge(metrics.Band{Low: -2, High: -1}, m); got != Undecided {
		t.Errorf("no round: %s", got)
	}
}

func TestClaimsOfSeveralParts(t *testing.T) {
	for text, want := range map[string]Verdict{
		"RR": Repeats, "RU": Undecided, "RN": Undecided, "NN": NotTested, "OO": Opposite, "ON": Opposite, "RO": DoesNotRepeat, "RD": DoesNotRepeat, "DU": DoesNotRepeat,
		"DN": DoesNotRepeat, "UU": Undecided, "OD": DoesNotRepeat,
	} {
		var parts []Part
		for _, c := range text {
			parts = append(parts, Part{Verdict: map[rune]Verdict{'R': Repeats, 'U': Undecided, 'N': NotTested, 'O': Opposite, 'D': DoesNotRepeat}[c]})
		}
		if got := together(parts); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// The paper's own figures, put in as bands of no width, must pass the rules that test them; and figures of a world in which the
// opposite is true must not.
func TestThePaperAgreesWithItself(t *testing.T) {
	exact := func(v float64) metrics.Band { return metrics.Band{Value: v, Low: v, High: v, Rounds: 1} }
	soft := map[string][3]float64{"WG soft Dice": {0.81, 0.89, 0.70}, "TZ soft Dice": {0.82, 0.85, 0.64}, "PZ soft Dice": {0.71, 0.74, 0.50}}
	hard := map[string]float64{"WG hard Dice": 0.02, "TZ hard Dice": 0.02, "PZ hard Dice": 0.04}
	seen := 0
	for _, c := range Claims() {
		for _, test := range c.Tests {
			var v float64
			switch {
			case c.ID == "c":
				v = soft[test.Figure][1] - soft[test.Figure][0]
			case c.ID == "c′":
				v = soft[test.Figure][2] - soft[test.Figure][0]
			case c.ID == "d":
				v = 0.99 * -hard[test.Figure]
			case c.ID == "e":
				v = 0.02
			case c.ID == "f" && test.Figure == "maximum sensitivity":
				v = 0.157
			case c.ID == "f":
				v = 0.25
			default:
				continue
			}
			seen++
			if got := test.Rule.Judge(exact(v), test.Rule.Margin); got != Repeats {
				t.Errorf("%s, %s of %s: %g is %s", c.ID, test.Figure, test.Difference(), v, got)
			}
		}
	}
	if seen != 9+3+3+6+2 {
		t.Errorf("%d differences of which the paper gives figures", seen)
	}
}

// What is quoted stands in the paper; leaving out is marked.
func TestQuotesAreThePapers(t *testing.T) {
	text, err := os.ReadFile(testenv.Data(t, "..", "paper.txt"))
	if err != nil {
		t.Fatal(err)
	}
	plain := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	paper := plain(string(text))
	for _, c := range Claims() {
		for _, piece := range strings.Split(c.Quote, "[…]") {
			if !strings.Contains(paper, strings.TrimSpace(plain(piece))) {
				t.Errorf("%s: the paper does not say %q", c.ID, piece)
			}
		}
	}
}

// world is a study's result for a task and loss: n exams of as many patients in 2 runs, with figures chosen by the test.
type world struct {
	nll, ece, entropy, polarised, noise float64
	soft, hard                          float64
	score                               func(exam int) (positive, negative float64) // candidates of a lesion and of none
}

func (w world) result(task modelcard.Task, name string, n int) *evaluate.Result {
	r := &evaluate.Result{Format: 2, Task: task, Name: name, Structures: make([]evaluate.StructureResult, len(structureNames[task]))}
	for run := range 2 {
		for i := range n {
			wobble := w.noise * (float64(i%5) - 2 + float64(run)/10)
			near := w.entropy + wobble
			row := evaluate.Row{ID: fmt.Sprintf("run%d/fold1/%d", run+1, i), Patient: fmt.Sprint(i), Run: run + 1, Fold: 1,
				Calibration: &evaluate.CalibrationRow{Voxels: 10, NLL: w.nll + wobble, ECE: w.ece + wobble}, Border: &evaluate.BorderRow{Near: &near}}
			for _, s := range structureNames[task] {
				soft := w.soft + wobble
				segment := &evaluate.Segment{Voxels: 100}
				segment.Bins[19] = int(100 * w.polarised)
				segment.Bins[10] = 100 - segment.Bins[19]
				row.Structures = append(row.Structures, evaluate.StructureRow{Name: s, SoftDice: &soft, HardDice: w.hard + wobble, Segment: segment})
			}
			if task == modelcard.Diagnosis {
				p, q := w.score(i)
				row.Lesions = &evaluate.LesionRow{Positive: i%2 == 0}
				if i%2 == 0 {
					row.Lesions.Lesions = 1
					row.Lesions.Findings = append(row.Lesions.Findings, metrics.Finding{Lesion: true, Confidence: p})
				}
				if q > 0 {
					row.Lesions.Findings = append(row.Lesions.Findings, metrics.Finding{Confidence: q})
				}
				row.Lesions.Score = max(q, map[bool]float64{true: p}[i%2 == 0])
			}
			r.Rows = append(r.Rows, row)
		}
	}
	return r
}

var structureNames = map[modelcard.Task][]string{modelcard.Anatomy: {"WG", "TZ", "PZ"}, modelcard.Diagnosis: {"csPCa"}}

// detects finds a share of the lesions, n in ten, and ranks patients alike.
func detects(n int) func(int) (float64, float64) {
	return func(i int) (float64, float64) {
		found := 0.0
		if i/2%10 < n {
			found = 0.9
		}
		return found, 0.3
	}
}

// paperWorld is one in which the paper is right.
func paperWorld() map[string]world {
	return map[string]world{
		"CE":  {nll: 0.2, ece: 0.05, entropy: 0.3, polarised: 0.4, soft: 0.85, hard: 0.86, score: detects(7)},
		"BCE": {nll: 0.21, ece: 0.05, entropy: 0.3, polarised: 0.4, soft: 0.84, hard: 0.86, score: detects(7)},
		"FL":  {nll: 0.1, ece: 0.02, entropy: 0.5, polarised: 0.1, soft: 0.65, hard: 0.85, score: detects(9)},
		"DB":  {nll: 0.6, ece: 0.15, entropy: 0.1, polarised: 0.9, soft: 0.87, hard: 0.87, score: detects(5)},
	}
}

func resultsOf(worlds map[string]world) []*evaluate.Result {
	var out []*evaluate.Result
	for name, w := range worlds {
		out = append(out, w.result(modelcard.Anatomy, name, 60), w.result(modelcard.Diagnosis, name, 60))
	}
	return out
}

func verdicts(t *testing.T, results []*evaluate.Result) map[string]Finding {
	t.Helper()
	found, err := Judge(context.Background(), results, metrics.Bootstrap{Rounds: 100, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Finding{}
	for _, f := range found {
		out[f.ID] = f
	}
	return out
}

func TestJudgeOfAWorldLikeThePapers(t *testing.T) {
	got := verdicts(t, resultsOf(paperWorld()))
	for id, f := range got {
		want := Repeats
		if id == "e" { // who finds fewer lesions here also tells fewer patients apart
			want = DoesNotRepeat
		}
		if f.Verdict != want {
			t.Errorf("%s: %s, %+v", id, f.Verdict, f.Parts)
		}
	}
	if len(got) != len(Claims()) {
		t.Errorf("%d findings", len(got))
	}
	part := got["a"].Parts[0]
	if part.Difference != "CE less DB" || math.Abs(part.Band.Value+0.4) > 1e-9 || math.Abs(*part.Margin-0.05*0.6) > 1e-9 {
		t.Errorf("%+v", part)
	}
	f := got["f"].Parts[0]
	if want := (0.7+0.7+0.9)/3 - 0.5; math.Abs(f.Band.Value-want) > 1e-9 || f.Paper != "+0.157" {
		t.Errorf("%+v", f)
	}
}

func TestJudgeOfOtherWorlds(t *testing.T) {
	turned := paperWorld()
	turned["DB"], turned["FL"] = turned["FL"], turned["DB"]
	got := verdicts(t, resultsOf(turned))
	for id, want := range map[string]Verdict{"b": Opposite, "b′": Opposite, "c′": Opposite, "h": Opposite, "i": Opposite, "f": Opposite, "c": DoesNotRepeat, "g": Repeats} {
		if got[id].Verdict != want {
			t.Errorf("%s: %s, want %s", id, got[id].Verdict, want)
		}
	}
	// all losses alike: nothing that differs in the paper repeats, everything that is alike does
	alike := paperWorld()
	for name := range alike {
		alike[name] = alike["CE"]
	}
	got = verdicts(t, resultsOf(alike))
	for id, want := range map[string]Verdict{"a": DoesNotRepeat, "b": DoesNotRepeat, "c": Repeats, "c′": DoesNotRepeat, "d": Repeats, "e": Repeats, "f": DoesNotRepeat, "g": Repeats, "h": DoesNotRepeat, "i": DoesNotRepeat} {
		if got[id].Verdict != want {
			t.Errorf("alike, %s: %s, want %s", id, got[id].Verdict, want)
		}
	}
}

// Few data decide nothing: a difference within the noise of the exams.
func TestNoiseIsUndecided(t *testing.T) {
	w := paperWorld()
	for name, x := range w {
		x.noise = map[string]float64{"CE": 0.4, "BCE": -0.4, "FL": 0.3, "DB": -0.3}[name]
		x.nll = 0.5
		w[name] = x
	}
	var results []*evaluate.Result
	for name, x := range w {
		results = append(results, x.result(modelcard.Anatomy, name, 7))
	}
	got := verdicts(t, results)
	for _, id := range []string{"a", "b"} {
		for _, p := range got[id].Parts {
			if p.Task == modelcard.Anatomy && p.Verdict != Undecided || p.Task == modelcard.Diagnosis && p.Verdict != NotTested {
				t.Errorf("%s: %+v", id, p)
			}
		}
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	w := paperWorld()
	results := []*evaluate.Result{w["CE"].result(modelcard.Anatomy, "CE", 20), w["DB"].result(modelcard.Anatomy, "DB", 20)}
	for i := range results[0].Rows {
		results[0].Rows[i].Border = nil
	}
	got := verdicts(t, results)
	if f := got["a"]; f.Parts[0].Verdict != Repeats || f.Parts[1].Missing != "there is no result of anatomy with BCE" || f.Verdict != Undecided {
		t.Errorf("%+v", f)
	}
	if f := got["e"]; f.Verdict != NotTested {
		t.Errorf("%+v", f)
	}
	results = append(results, w["BCE"].result(modelcard.Anatomy, "BCE", 20), w["FL"].result(modelcard.Anatomy, "FL", 20))
	if f := verdicts(t, results)["h"]; f.Verdict != NotTested || !strings.Contains(f.Parts[0].Missing, "does not exist") {
		t.Errorf("%+v", f)
	}
	if got := verdicts(t, nil)["a"]; got.Verdict != NotTested {
		t.Errorf("%+v", got)
	}
	if _, err := Judge(context.Background(), []*evaluate.Result{results[0], results[0]}, metrics.Bootstrap{}); !errors.Is(err, evaluate.ErrResult) {
		t.Error(err)
	}
	if _, err := Judge(context.Background(), results, metrics.Bootstrap{Level: 7}); !errors.Is(err, evaluate.ErrSettings) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Judge(ended, results, metrics.Bootstrap{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTables(t *testing.T) {
	found, err := Judge(context.Background(), resultsOf(paperWorld())[:2], metrics.Bootstrap{Rounds: 10})
	if err != nil {
		t.Fatal(err)
	}
	found[0].Parts[0] = Part{Band: &metrics.Band{Value: -0.4, Low: -0.5, High: -0.25, Rounds: 9}, Margin: new(float64), Verdict: Repeats}
	*found[0].Parts[0].Margin = 0.03
	tables := Tables(found)
	parts := 0
	for _, f := range found {
		parts += len(f.Parts)
	}
	if len(tables) != 2 || len(tables[0].Rows) != len(found) || len(tables[1].Rows) != parts {
		t.Fatalf("%d and %d rows", len(tables[0].Rows), len(tables[1].Rows))
	}
	for _, table := range tables {
		for _, row := range table.Rows {
			if len(row) != len(table.Header) {
				t.Errorf("%q under %q", row, table.Header)
			}
		}
	}
	if got := tables[1].Rows[0][5] + " | " + tables[1].Rows[0][6]; got != "−0.400 (−0.500 to −0.250) | ±0.030" {
		t.Error(got)
	}
	if got := tables[0].Rows[0][4]; !strings.Contains(got, "of 6 differences 1 as the paper says, 5 not tested") {
		t.Error(got)
	}
	text, err := json.Marshal(found)
	if err != nil || !bytes.Contains(text, []byte(`"verdict":"repeats"`)) || bytes.Contains(text, []byte("NaN")) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestNumbersOfDifferences(t *testing.T) {
	for want, b := range map[string]metrics.Band{
		"+0.250 −0.010": band(-0.01, 0.51), "0.000 0.000": {Low: 1e-17, High: -1e-17}, "+0.0005 −0.0010": {Value: 0.0005, Low: -0.001, High: 0.002},
	} {
		if n := decimals(b); signed(b.Value, n)+" "+signed(b.Low, n) != want {
			t.Errorf("%s %s, want %s", signed(b.Value, n), signed(b.Low, n), want)
		}
	}
}
