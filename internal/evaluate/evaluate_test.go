package evaluate

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
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// block is a grid of 12 × 10 × 6 voxels of 1 × 1 × 3 mm.
func block() geom.Grid {
	return geom.Grid{Size: [3]int{12, 10, 6}, Spacing: geom.Vec3{1, 1, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
}

// mask paints boxes {class, from, to} on the block.
func mask(t *testing.T, boxes ...[7]int) *volume.Mask {
	t.Helper()
	g := block()
	data := make([]uint8, g.Voxels())
	for _, b := range boxes {
		for k := b[3]; k < b[6]; k++ {
			for j := b[2]; j < b[5]; j++ {
				for i := b[1]; i < b[4]; i++ {
					data[g.Index(i, j, k)] = uint8(b[0])
				}
			}
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// soften makes probabilities of a mask: p for its class, the rest shared.
func soften(m *volume.Mask, classes int, p float32) [][]float32 {
	out := make([][]float32, classes)
	for c := range out {
		out[c] = make([]float32, len(m.Data()))
		for i, v := range m.Data() {
			out[c][i] = (1 - p) / float32(classes-1)
			if int(v) == c {
				out[c][i] = p
			}
		}
	}
	return out
}

func evaluator(t *testing.T, task modelcard.Task) *Evaluator {
	t.Helper()
	e, err := New(Settings{Task: task, Bootstrap: metrics.Bootstrap{Rounds: 50, Seed: 2}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// put measures and adds an exam.
func put(t *testing.T, e *Evaluator, x *Exam) Row {
	t.Helper()
	if x.Grid == (geom.Grid{}) {
		x.Grid = block()
	}
	m, err := e.Measure(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Add(m); err != nil {
		t.Fatal(err)
	}
	return m.Row()
}

func close2(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-6) {
		t.Errorf("%s = %.9g, want %.9g", what, got, want)
	}
}

func TestAnatomyByHand(t *testing.T) {
	e := evaluator(t, modelcard.Anatomy)
	// the reference has a TZ of 4 × 4 × 2 and beside it a PZ of 2 × 4 × 2; the prediction has the PZ one voxel less wide
	reference := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}, [7]int{2, 6, 2, 1, 8, 6, 3})
	predicted := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}, [7]int{2, 6, 2, 1, 7, 6, 3})
	row := put(t, e, &Exam{ID: "a", Probabilities: soften(predicted, 3, 0.9), Reference: reference})
	wg, tz, pz := row.Structures[0], row.Structures[1], row.Structures[2]
	close2(t, "TZ hard Dice", tz.HardDice, 1)
	close2(t, "PZ hard Dice", pz.HardDice, 2.*8/(8+16))
	close2(t, "WG hard Dice", wg.HardDice, 2.*40/(40+48))
	close2(t, "PZ volume", pz.PredictedML-pz.ReferenceML, -8*3./1000)
	close2(t, "TZ HD95", *tz.HD95, 0)
	close2(t, "PZ HD95", *pz.HD95, 1)
	n := float64(block().Voxels())
	close2(t, "TZ soft Dice", *tz.SoftDice, 2*32*0.9/(32*0.9+(n-32)*0.05+32))
	close2(t, "NLL", row.Calibration.NLL, -((n-8)*math.Log(0.9)+8*math.Log(0.05))/n)
	second := put(t, e, &Exam{ID: "b", Patient: "p", Mask: reference, Reference: reference})
	if second.Calibration != nil || second.Structures[1].SoftDice != nil || second.Kind != Masks {
		t.Errorf("%+v", second)
	}
	r, err := e.Result(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	close2(t, "mean PZ", r.Structures[2].HardDice.Value, (2./3+1)/2)
	close2(t, "mean soft TZ, of one", r.Structures[1].SoftDice.Value, *tz.SoftDice)
	if r.Exams != 2 || r.Patients != 2 || r.Detection != nil || r.Calibration.Pooled.Voxels != int(n) || r.Kinds[Masks] != 1 || r.Settings.Rounds != 50 {
		t.Errorf("%+v", r)
	}
}

func TestDiagnosisByHand(t *testing.T) {
	e := evaluator(t, modelcard.Diagnosis)
	lesion, shifted, nothing := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}), mask(t, [7]int{1, 4, 2, 1, 8, 6, 3}), mask(t)
	row := put(t, e, &Exam{ID: "found", Probabilities: soften(shifted, 2, 0.75), Reference: lesion})
	if want := []metrics.Finding{{Lesion: true, Confidence: 0.75, IoU: 16. / 48}}; !slices.Equal(row.Lesions.Findings, want) || row.Lesions.Score != 0.75 || !row.Lesions.Positive {
		t.Errorf("%+v", row.Lesions)
	}
	put(t, e, &Exam{ID: "missed", Probabilities: soften(nothing, 2, 1), Reference: lesion})
	put(t, e, &Exam{ID: "quiet", Probabilities: soften(nothing, 2, 1), Reference: nothing})
	put(t, e, &Exam{ID: "false alarm", Mask: lesion, Reference: nothing})
	r, err := e.Result(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	close2(t, "AP", r.Detection.AP.Value, 0.5*0.5) // the mask's confidence of 1 comes first
	close2(t, "AUROC", r.Detection.AUROC.Value, (0+1+0+0.5)/4)
	close2(t, "maximum sensitivity", r.Detection.MaxSensitivity.Value, 0.5)
	if r.Detection.Positives != 2 || r.Detection.Lesions != 2 || len(r.Detection.FROC) != 2 || len(r.Detection.FROCBand) != 101 || len(r.Rows) != 4 {
		t.Errorf("%+v", r.Detection)
	}
}

func TestExamsThatCannotBeMeasured(t *testing.T) {
	lesion := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3})
	elsewhere := block()
	elsewhere.Origin[0] = 0.5
	coarse := block()
	coarse.Size[2]--
	nan := soften(lesion, 2, 0.9)
	nan[1][7] = float32(math.NaN())
	over := soften(lesion, 2, 0.9)
	over[0][7] = 0.5
	zone := mask(t, [7]int{2, 0, 0, 0, 1, 1, 1})
	for text, x := range map[string]*Exam{
		"no name":           {Mask: lesion, Reference: lesion},
		"no reference":      {ID: "a", Mask: lesion},
		"no prediction":     {ID: "a", Reference: lesion},
		"12 × 10 × 5":       {ID: "a", Grid: coarse, Probabilities: soften(lesion, 2, 1), Reference: lesion},
		"lie up to 0.5 mm":  {ID: "a", Grid: elsewhere, Probabilities: soften(lesion, 2, 1), Reference: lesion},
		"holds class 2":     {ID: "a", Mask: lesion, Reference: zone},
		"3 classes instead": {ID: "a", Probabilities: soften(lesion, 3, 1), Reference: lesion},
		"NaN":               {ID: "a", Probabilities: nan, Reference: lesion},
		"add up to":         {ID: "a", Probabilities: over, Reference: lesion},
		"1 probabilities":   {ID: "a", Probabilities: [][]float32{{1}, {0}}, Reference: lesion},
	} {
		if x.Grid == (geom.Grid{}) {
			x.Grid = block()
		}
		if _, err := evaluator(t, modelcard.Diagnosis).Measure(context.Background(), x); !errors.Is(err, ErrExam) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	e := evaluator(t, modelcard.Diagnosis)
	put(t, e, &Exam{ID: "a", Mask: lesion, Reference: lesion})
	m, err := e.Measure(context.Background(), &Exam{ID: "a", Grid: block(), Mask: lesion, Reference: lesion})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Add(m); !errors.Is(err, ErrExam) || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("the same exam again: %v", err)
	}
	if _, err := evaluator(t, modelcard.Anatomy).Result(context.Background()); !errors.Is(err, ErrExam) {
		t.Error(err)
	}
	for _, s := range []Settings{{}, {Task: "x"}, {Task: modelcard.Anatomy, Bins: -1}, {Task: modelcard.Anatomy, Match: metrics.MatchRule{MinIoU: 2}}, {Task: modelcard.Anatomy, Bootstrap: metrics.Bootstrap{Level: 2}}} {
		if _, err := New(s); !errors.Is(err, ErrSettings) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// What does not exist is missing with its reason, and everything is written all the same.
func TestDegenerateCohorts(t *testing.T) {
	lesion, nothing := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}), mask(t)
	for name, c := range map[string]struct {
		task modelcard.Task
		x    *Exam
		lack []string
	}{
		"no positive case":     {modelcard.Diagnosis, &Exam{ID: "a", Probabilities: soften(lesion, 2, 0.9), Reference: nothing}, []string{"AUROC", "AP", "csPCa HD95", "maximum sensitivity"}},
		"only positive cases":  {modelcard.Diagnosis, &Exam{ID: "a", Probabilities: soften(lesion, 2, 0.9), Reference: lesion}, []string{"AUROC", "PI-CAI score"}},
		"empty prediction":     {modelcard.Anatomy, &Exam{ID: "a", Mask: nothing, Reference: lesion}, []string{"TZ HD95", "PZ ASSD", "calibration", "WG soft Dice"}},
		"nothing anywhere":     {modelcard.Anatomy, &Exam{ID: "a", Mask: nothing, Reference: nothing}, []string{"WG HD95"}},
		"region of no voxel":   {modelcard.Anatomy, &Exam{ID: "a", Probabilities: soften(lesion, 3, 0.9), Reference: lesion, Region: make([]bool, block().Voxels())}, []string{"calibration"}},
		"empty detection maps": {modelcard.Diagnosis, &Exam{ID: "a", Map: zeros(t), Reference: lesion}, []string{"AUROC", "calibration"}},
	} {
		e := evaluator(t, c.task)
		put(t, e, c.x)
		r, err := e.Result(context.Background())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, figure := range c.lack {
			if r.Undefined[figure] == "" {
				t.Errorf("%s: it is not said why %s is missing: %v", name, figure, r.Undefined)
			}
		}
		if err := WriteFolder(t.TempDir(), r, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func zeros(t *testing.T) *volume.Volume {
	t.Helper()
	v, err := volume.New(block(), make([]float32, block().Voxels()), "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// cohort is a result of random exams; configurations of other seeds see the same references.
func randomCohort(t *testing.T, task modelcard.Task, name string, seed uint64, n int) *Result {
	t.Helper()
	e := evaluator(t, task)
	truth, random := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(seed, 2))
	for i := range n {
		var reference *volume.Mask
		switch {
		case task == modelcard.Anatomy:
			w := 4 + truth.IntN(4)
			reference = mask(t, [7]int{1, 1, 1, 1, w, 6, 4}, [7]int{2, w, 1, 1, 10, 6, 4})
		case truth.IntN(2) == 0:
			at := 1 + truth.IntN(4)
			reference = mask(t, [7]int{1, at, 2, 1, at + 4, 6, 3})
		default:
			reference = mask(t)
		}
		at := 1 + random.IntN(5)
		predicted := mask(t, [7]int{1, at, 2, 1, at + 4, 6, 3})
		if task == modelcard.Anatomy {
			predicted = mask(t, [7]int{1, 1, 1, 1, 4 + at, 6, 4}, [7]int{2, 4 + at, 1, 1, 10, 6, 4})
		}
		p := 0.55 + 0.4*random.Float32()
		put(t, e, &Exam{ID: fmt.Sprintf("case%02d", i), Probabilities: soften(predicted, len(Classes(task)), p), Reference: reference})
	}
	r, err := e.Result(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.Name, r.Program, r.ResearchUse = name, "Bayeslice test", "Research use only."
	return r
}
