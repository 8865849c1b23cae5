package models

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/ort"
	"bayeslice/internal/prep"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
	"bayeslice/training"
	"bayeslice/training/synth"
)

// The held-out check judges models on randomised phantoms that no training has seen. Without
// BAYESLICE_CHECK_MODEL it holds the bundled models to what is promised of them; with it, nothing is asserted.
//
//	BAYESLICE_CHECK_MODEL=fl.onnx,db.onnx BAYESLICE_CHECK_PHANTOMS=200 go test -run HeldOut -v -timeout 1h ./internal/models
//
// BAYESLICE_CHECK_COHORT chooses other phantoms: those of 1, the default, are those on which the models were looked at
// while they were made. What was found there is confirmed, or not, on a cohort that nobody has looked at.
const (
	checkPhantoms = "BAYESLICE_CHECK_PHANTOMS" // number of phantoms per task
	checkCohort   = "BAYESLICE_CHECK_COHORT"
)

const (
	heldOutSeed = 0x48454C44 // no training has this seed, so that every anatomy and every image is new
	leastGland  = 0.90       // mean hard Dice of the whole gland
	leastAUROC  = 0.85       // per patient
)

// judged is how a model did on the phantoms.
type judged struct {
	name   string
	card   modelcard.Card
	dice   map[string]float64            // anatomy: mean hard Dice of WG, TZ, PZ
	worst  float64                       // anatomy: lowest Dice of the gland
	auroc  float64                       // diagnosis: per patient, by the largest mean probability
	se     float64                       // of auroc
	calib  metrics.Calibrated            // over all voxels
	where  map[string]metrics.Calibrated // over parts of the grid, see regions
	single []*metrics.Calibration        // over segments, phantom by phantom
	perRun time.Duration
}

func TestHeldOutPhantomsAnatomy(t *testing.T) {
	names, asserted := heldOutModels(t, modelcard.Anatomy, "CE")
	for i, j := range judgeHeldOut(t, names, checkNumber(t, checkPhantoms, 12), checkNumber(t, checkSamples, 10)) {
		t.Logf("%-14s WG %.3f (lowest %.3f)  TZ %.3f  PZ %.3f  NLL %.4f  ECE %.4f  %v a phantom", j.name, j.dice["WG"], j.worst, j.dice["TZ"], j.dice["PZ"], j.calib.NLL, j.calib.ECE, j.perRun)
		logRegions(t, j)
		if asserted && i == 0 && !(j.dice["WG"] >= leastGland) {
			t.Errorf("%s: mean Dice of the gland is %.3f, promised are %.2f", j.name, j.dice["WG"], leastGland)
		}
	}
}

func TestHeldOutPhantomsDiagnosis(t *testing.T) {
	names, asserted := heldOutModels(t, modelcard.Diagnosis, "FL", "DB")
	byLoss := map[string]judged{}
	for i, j := range judgeHeldOut(t, names, checkNumber(t, checkPhantoms, 40), checkNumber(t, checkSamples, 5)) {
		byLoss[j.card.Loss] = j
		logRegions(t, j)
		t.Logf("%-14s AUROC %.3f ± %.3f  NLL %.5f  Brier %.5f  ECE %.5f (csPCa %.5f)  Dice %.3f  %v a phantom", j.name, j.auroc, 1.96*j.se, j.calib.NLL, j.calib.Brier, j.calib.ECE, j.calib.Classes[1].ECE, j.dice["csPCa"], j.perRun)
		if asserted && i == 0 && !(j.auroc >= leastAUROC) {
			t.Errorf("%s: AUROC is %.3f, promised are %.2f", j.name, j.auroc, leastAUROC)
		}
	}
	focal, haveFocal := byLoss["FL"]
	db, haveDB := byLoss["DB"]
	if haveFocal && haveDB {
		logDifference(t, focal, db)
	}
	if !asserted || !haveFocal || !haveDB {
		return
	}
	for _, where := range []string{"in the gland", "near lesions", "in segments"} {
		if f, d := focal.where[where].NLL, db.where[where].NLL; !(f < d) {
			t.Errorf("%s: NLL of focal loss is %.4f, of Dice and boundary loss %.4f, and should be higher", where, f, d)
		}
	}
	// By expected calibration error focal loss is the better one in segments alone, not over the grid, the
	// gland or near lesions: docs/models.md has all figures. Held here is what was found, against regressions.
	if f, d := focal.where["in segments"], db.where["in segments"]; !(f.ECE < d.ECE) || !(f.Brier < d.Brier) {
		t.Errorf("in segments: focal loss has ECE %.4f and Brier %.4f, Dice and boundary loss %.4f and %.4f, which should be higher", f.ECE, f.Brier, d.ECE, d.Brier)
	}
}

// heldOutModels lists the models of a task that the environment names, or the bundled one that is used
// unasked, and after it those of some losses.
func heldOutModels(t *testing.T, task modelcard.Task, losses ...string) (names []string, asserted bool) {
	if named := os.Getenv(checkModels); named != "" {
		for _, name := range strings.Split(named, ",") {
			f, err := BuiltIn().Read(name)
			if err != nil {
				t.Fatal(err)
			}
			if f.Card.Task == task {
				names = append(names, name)
			}
		}
		if names == nil {
			t.Skipf("%s names no model of %s", checkModels, task)
		}
		return names, false
	}
	best, ok := BuiltIn().Best(task)
	if !ok {
		t.Skipf("there is no bundled model of %s; %s names others", task, checkModels)
	}
	names = []string{best.Name}
	list, err := BuiltIn().List()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list {
		if b.Card.Task == task && slices.Contains(losses, b.Card.Loss) && b.Name != best.Name {
			names = append(names, b.Name)
		}
	}
	return names, true
}

// judgeHeldOut judges models of one task on the same phantoms.
func judgeHeldOut(t *testing.T, names []string, phantoms, samples int) []judged {
	env, err := ort.Open(ort.Options{})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	sets, zones := map[string]training.Set{}, map[string]training.Set{} // by recipe
	var out []judged
	for _, name := range names {
		m, err := BuiltIn().Open(t.Context(), devices.New(env, devices.Options{}), name, devices.Use{})
		if err != nil {
			t.Fatal(err)
		}
		card := m.Card()
		key := fmt.Sprintf("%+v", card.Recipe)
		if sets[key] == nil {
			sets[key] = heldOut(t, card, phantoms)
		}
		if zones[key] == nil { // the same phantoms, whatever the task: it decides the label alone
			zones[key] = heldOut(t, modelcard.Card{Task: modelcard.Anatomy, Recipe: card.Recipe}, phantoms)
		}
		j := judgeModel(t, m, sets[key], zones[key], samples)
		j.name = strings.TrimSuffix(filepath.Base(name), suffix)
		out = append(out, j)
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	return out
}

// heldOut makes phantoms for a model, all at once; the set keeps them.
func heldOut(t *testing.T, card modelcard.Card, phantoms int) training.Set {
	g, err := synth.New(t.Context(), synth.Config{Task: card.Task, Recipe: card.Recipe, Seed: heldOutSeed + uint64(checkNumber(t, checkCohort, 1)-1), Anatomies: 1})
	if err != nil {
		t.Fatal(err)
	}
	set := g.Held(phantoms)
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			for i := w; i < phantoms; i += workers {
				if _, err := set.Example(t.Context(), i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	return set
}

// judgeModel samples a model on every phantom.
func judgeModel(t *testing.T, m *inference.Model, set, zones training.Set, samples int) judged {
	card := m.Card()
	j := judged{card: card, dice: map[string]float64{}, worst: 1}
	calibration, parts := newCalibration(t, card), map[string]*metrics.Calibration{}
	for _, name := range regionNames(card.Task) {
		parts[name] = newCalibration(t, card)
	}
	structures := map[string][]uint8{}
	for c, class := range card.Classes[1:] {
		structures[class] = []uint8{uint8(c + 1)}
	}
	if card.Task == modelcard.Anatomy {
		structures["WG"] = []uint8{1, 2}
	}
	seen, scores, sick := map[string]int{}, []float64(nil), []bool(nil)
	for i := range set.Len() {
		e, err := set.Example(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		p := samplePhantom(t, m, e, samples)
		j.perRun += time.Since(began) / time.Duration(set.Len())
		var mean []float32
		for _, v := range p.Mean {
			mean = append(mean, v.Data()...)
		}
		if err := calibration.Add(mean, e.Label); err != nil {
			t.Fatal(err)
		}
		for name, region := range regions(t, card, zones, e, p.Hard.Data(), i) {
			if err := parts[name].AddWithin(mean, e.Label, region); err != nil {
				t.Fatal(err)
			}
			if name == segments {
				own := newCalibration(t, card)
				if err := own.AddWithin(mean, e.Label, region); err != nil {
					t.Fatal(err)
				}
				j.single = append(j.single, own)
			}
		}
		for name, classes := range structures {
			o, err := metrics.CountOverlap(p.Hard.Data(), e.Label, classes...)
			if err != nil {
				t.Fatal(err)
			}
			if o.Reference > 0 {
				seen[name]++
				j.dice[name] += o.Dice()
			}
			if name == "WG" {
				j.worst = min(j.worst, o.Dice())
			}
		}
		scores = append(scores, float64(slices.Max(p.Mean[1].Data())))
		sick = append(sick, slices.ContainsFunc(e.Label, func(c uint8) bool { return c != 0 }))
	}
	for name, n := range seen {
		j.dice[name] /= float64(n)
	}
	var err error
	if j.calib, err = calibration.Result(); err != nil {
		t.Fatal(err)
	}
	j.where = map[string]metrics.Calibrated{}
	for name, c := range parts {
		if j.where[name], err = c.Result(); err != nil && !errors.Is(err, metrics.ErrUndefined) {
			t.Fatal(err)
		}
	}
	if j.auroc, err = metrics.AUROC(scores, sick); err != nil && !errors.Is(err, metrics.ErrUndefined) {
		t.Fatal(err)
	}
	j.se = standardError(j.auroc, sick)
	return j
}

// logDifference tells by how much the calibration of two models differs in segments, with the 95 % band over
// phantoms, each drawn with both predictions of it.
func logDifference(t *testing.T, a, b judged) {
	names := make([]string, len(a.single))
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	figures := func(times []float64) []float64 {
		x, y := pooled(t, a, times), pooled(t, b, times)
		return []float64{x.NLL - y.NLL, x.Brier - y.Brier, x.ECE - y.ECE, x.Classes[1].ECE - y.Classes[1].ECE}
	}
	bands, err := metrics.Bootstrap{Rounds: 1000, Seed: 1}.Bands(t.Context(), names, figures)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"NLL", "Brier", "ECE", "ECE of csPCa"} {
		t.Logf("%s − %s %s: %s %+.4f (%+.4f to %+.4f)", a.name, b.name, segments, name, bands[i].Value, bands[i].Low, bands[i].High)
	}
}

// pooled is the calibration in segments over phantoms that count so many times each; nil is once.
func pooled(t *testing.T, j judged, times []float64) metrics.Calibrated {
	all := newCalibration(t, j.card)
	for i, c := range j.single {
		n := 1
		if times != nil {
			n = int(times[i])
		}
		for range n {
			if err := all.Merge(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, err := all.Result()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func logRegions(t *testing.T, j judged) {
	for _, name := range regionNames(j.card.Task) {
		c := j.where[name]
		t.Logf("%-14s %s: NLL %.4f  Brier %.4f  ECE %.4f  foreground ECE %.4f", j.name, name, c.NLL, c.Brier, c.ECE, c.Classes[1].ECE)
	}
}

func newCalibration(t *testing.T, card modelcard.Card) *metrics.Calibration {
	c, err := metrics.NewCalibration(len(card.Classes), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// segments are the voxels that the label or the prediction calls csPCa.
const segments = "in segments"

// nearMM is how far the region about a structure reaches beyond it.
const nearMM = 10.0

// regionNames are the parts of the grid over which calibration is measured beside the whole of it. Far from
// what is looked for every model is right and sure, and such voxels outnumber the others a hundred times;
// Mehrtash et al. (IEEE TMI 2020) therefore measure in a box about the structure.
func regionNames(task modelcard.Task) []string {
	if task == modelcard.Anatomy {
		return []string{"near the gland"}
	}
	return []string{"in the gland", "near lesions", segments}
}

// regions marks those parts for phantom i; a lesion is one of the label or of the prediction.
func regions(t *testing.T, card modelcard.Card, zones training.Set, e *training.Example, predicted []uint8, i int) map[string][]bool {
	z, err := zones.Example(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	gland, either := make([]bool, len(e.Label)), make([]bool, len(e.Label))
	for v := range e.Label {
		gland[v], either[v] = z.Label[v] != 0, e.Label[v] != 0 || predicted[v] != 0
	}
	near := func(set []bool) []bool {
		d, err := volume.Distance(card.Recipe.Size, card.Recipe.SpacingMM, set)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]bool, len(d))
		for v, mm := range d {
			out[v] = mm <= nearMM
		}
		return out
	}
	if card.Task == modelcard.Anatomy {
		return map[string][]bool{"near the gland": near(gland)}
	}
	return map[string][]bool{"in the gland": gland, "near lesions": near(either), "in segments": either}
}

// samplePhantom samples a model on an example.
func samplePhantom(t *testing.T, m *inference.Model, e *training.Example, samples int) *inference.Prediction {
	r := m.Card().Recipe
	grid, err := geom.NewGrid(r.Size, geom.Vec3{}, r.SpacingMM, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	sampler := inference.Sampler{Model: m, Samples: samples, Seed: uint64(checkNumber(t, checkSeed, 1)), StoreBytes: -1, SnapshotEvery: time.Hour, Clock: time.Now}
	p, err := sampler.Run(t.Context(), &prep.Prepared{Input: e.Image, Grid: grid}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// standardError of an area under the curve (Hanley and McNeil, Radiology 1982).
func standardError(a float64, positive []bool) float64 {
	p := 0.0
	for _, is := range positive {
		if is {
			p++
		}
	}
	n := float64(len(positive)) - p
	if p == 0 || n == 0 {
		return 0
	}
	q1, q2 := a/(2-a), 2*a*a/(1+a)
	return math.Sqrt((a*(1-a) + (p-1)*(q1-a*a) + (n-1)*(q2-a*a)) / (p * n))
}
