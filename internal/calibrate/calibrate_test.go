package calibrate

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// row is a diagnosis model's prediction on a row of voxels 1 mm apart, with samples of the whole row.
func row(t *testing.T, p []float32, samples ...[]float32) *inference.Prediction {
	t.Helper()
	grid := must[geom.Grid](t)(geom.NewGrid([3]int{len(p), 1, 1}, geom.Vec3{}, geom.Vec3{1, 1, 1}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}))
	back, hard := make([]float32, len(p)), make([]uint8, len(p))
	for i, v := range p {
		back[i] = 1 - v
		if v > 0.5 {
			hard[i] = 1
		}
	}
	r := &inference.Prediction{Card: modelcard.Card{Classes: []string{"background", "csPCa"}}, Grid: grid, Samples: max(len(samples), 1)}
	r.Mean = []*volume.Volume{must[*volume.Volume](t)(volume.New(grid, back, "probability")), must[*volume.Volume](t)(volume.New(grid, p, "probability"))}
	r.Hard = must[*volume.Mask](t)(volume.NewMask(grid, hard))
	var bytes [][]uint8
	for _, s := range samples {
		b := make([]uint8, 2*len(s))
		for i, v := range s {
			b[len(s)+i] = uint8(v*255 + 0.5)
			b[i] = 255 - b[len(s)+i]
		}
		bytes = append(bytes, b)
	}
	r.Store = must[*inference.SampleStore](t)(inference.NewSampleStore([3]int{}, grid.Size, 2, bytes))
	return r
}

var csPCa = inference.Zone{Name: "csPCa", Classes: []int{1}}

// labelled is the truth of a row.
func labelled(t *testing.T, p *inference.Prediction, labels ...uint8) *Truth {
	t.Helper()
	m := must[*volume.Mask](t)(volume.NewMask(p.Grid, labels))
	return must[*Truth](t)(Reference{Mask: m, Class: same}.On(context.Background(), p.Grid))
}

// Worked by hand: in two bins, {0.1, 0.3} of which none is true and {0.6, 0.8, 0.9} of which two are.
func TestFractionsByHand(t *testing.T) {
	p := row(t, []float32{0.1, 0.3, 0.6, 0.8, 0.9})
	c := must[*Case](t)(NewCase(p, labelled(t, p, 0, 0, 1, 0, 1)))
	s := DefaultSettings(csPCa)
	s.Region.Kind, s.Bins, s.Threshold = Whole, 2, 0.7
	r := must[*Result](t)(c.Evaluate(s))
	low, high := r.Reliability[0], r.Reliability[1]
	near(t, "confidence of the low bin", low.Confidence, 0.4/2, 1e-7)
	near(t, "frequency of the low bin", low.Frequency, 0, 0)
	near(t, "confidence of the high bin", high.Confidence, 2.3/3, 1e-7)
	near(t, "frequency of the high bin", high.Frequency, 2.0/3, 1e-12)
	near(t, "ECE", r.ECE, 0.4*0.2+0.6*(2.3/3-2.0/3), 1e-7)
	near(t, "Brier", r.Brier, (0.01+0.09+0.16+0.64+0.01)/5, 1e-7)
	near(t, "NLL", r.NLL, -(math.Log(0.9)+math.Log(0.7)+math.Log(0.6)+math.Log(0.2)+math.Log(0.9))/5, 1e-7)
	if got := r.BinVoxels(1); !slices.Equal(got, []int32{2, 3, 4}) || r.BinVoxels(2) != nil || r.BinVoxels(-1) != nil {
		t.Errorf("voxels of the high bin: %v", got)
	}
	mask := must[*volume.Mask](t)(r.BinMask(1, c.Truth()))
	if !slices.Equal(mask.Data(), []uint8{0, 0, 1, 2, 1}) {
		t.Errorf("mask of the high bin: %v", mask.Data())
	}
	// 0.8 and 0.9 are decided, of which the second is in the reference of two voxels
	near(t, "Dice", r.Decision.Dice(), 2.0/4, 1e-12)
	near(t, "volume", r.Decision.VolumeML, 0.002, 1e-15)
}

// T = 1 and all samples are the mean to the bit; a temperature keeps the order; by hand, T = 2 takes 0.9 to
// √0.9/(√0.9 + √0.1) = 3/4.
func TestTemperature(t *testing.T) {
	p := row(t, []float32{0, 0.1, 0.5, 0.9, 1})
	c := must[*Case](t)(NewCase(p, labelled(t, p, 0, 0, 1, 1, 1)))
	s := DefaultSettings(csPCa)
	if r := must[*Result](t)(c.Evaluate(s)); !slices.Equal(r.Field().Data(), p.Mean[1].Data()) || r.Kept != 0 {
		t.Error("T = 1 is not the mean")
	}
	s.Temperature = 2
	q := must[*Result](t)(c.Evaluate(s)).Field().Data()
	for i, want := range []float64{1e-6, 0.25, 0.5, 0.75, 1 - 1e-6} { // 0 counts as 1e-12
		near(t, "tempered", float64(q[i]), want, 2e-7)
	}
	if !slices.IsSorted(q) {
		t.Errorf("the order changed: %v", q)
	}
}

// Predictions that are always right want no temperature but the smallest; random ones the largest.
func TestFitAtTheBounds(t *testing.T) {
	p := row(t, []float32{0.2, 0.1, 0.7, 0.9})
	right := must[*Case](t)(NewCase(p, labelled(t, p, 0, 0, 1, 1)))
	s := DefaultSettings(csPCa)
	if f := must[Fit](t)(right.Fit(context.Background(), s)); !f.AtBound || f.Temperature > 0.101 {
		t.Errorf("always right: %+v", f)
	}
	wrong := must[*Case](t)(NewCase(p, labelled(t, p, 1, 1, 0, 0)))
	if f := must[Fit](t)(wrong.Fit(context.Background(), s)); !f.AtBound || f.Temperature < 9.9 {
		t.Errorf("always wrong: %+v", f)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := right.Fit(ended, s); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Of 0.8 said of five voxels, four are true: nothing to mend, T stays 1.
func TestFitLeavesWhatIsCalibrated(t *testing.T) {
	p := row(t, []float32{0.8, 0.8, 0.8, 0.8, 0.8})
	c := must[*Case](t)(NewCase(p, labelled(t, p, 1, 1, 0, 1, 1)))
	if f := must[Fit](t)(c.Fit(context.Background(), DefaultSettings(csPCa))); math.Abs(f.Temperature-1) > 2e-3 || f.AtBound {
		t.Errorf("%+v", f)
	}
}

func TestFirstSamples(t *testing.T) {
	p := row(t, []float32{0.5, 0.6}, []float32{0.2, 1}, []float32{0.6, 0}, []float32{0.8, 0.6})
	c := must[*Case](t)(NewCase(p, labelled(t, p, 0, 1)))
	s := DefaultSettings(csPCa)
	s.Samples = 2
	r := must[*Result](t)(c.Evaluate(s))
	near(t, "mean of 0.2 and 0.6", float64(r.Field().Data()[0]), 0.4, 1e-6)
	near(t, "mean of 1 and 0", float64(r.Field().Data()[1]), 0.5, 1e-6)
	if r.Samples != 2 || r.Kept != 0 {
		t.Errorf("%d samples, %d kept", r.Samples, r.Kept)
	}
	s.Samples = 3 // all: the exact mean again
	if r = must[*Result](t)(c.Evaluate(s)); !slices.Equal(r.Field().Data(), p.Mean[1].Data()) {
		t.Error("all samples are not the mean")
	}
	f := must[*volume.Volume](t)(SampleField(p, 2, csPCa))
	near(t, "sample", float64(f.Data()[1]), 0.6, 1e-6)
}

// Voxels outside the stored box keep the mean of all, and are counted.
func TestOutsideTheBox(t *testing.T) {
	p := row(t, []float32{0.5, 0.6, 0.3})
	p.Samples = 2
	p.Store = must[*inference.SampleStore](t)(inference.NewSampleStore([3]int{1, 0, 0}, [3]int{2, 1, 1}, 2, [][]uint8{{51, 204}, {153, 102}}))
	c := must[*Case](t)(NewCase(p, labelled(t, p, 0, 1, 0)))
	s := DefaultSettings(csPCa)
	s.Samples = 1
	r := must[*Result](t)(c.Evaluate(s))
	if got := r.Field().Data(); got[0] != 0.5 || got[1] != 0.8 || got[2] != 0.3 || r.Kept != 2 {
		t.Errorf("%v, %d kept", got, r.Kept)
	}
	f := must[*volume.Volume](t)(SampleField(p, 0, csPCa))
	if f.Grid().Origin != (geom.Vec3{1, 0, 0}) || f.Grid().Size != [3]int{1, 1, 1} {
		t.Errorf("grid of the box: %+v", f.Grid())
	}
}

func TestOrder(t *testing.T) {
	if got := Order([]float64{3, 1, 2, 1}); !slices.Equal(got, []int{1, 3, 2, 0}) {
		t.Error(got)
	}
}

// A reference elsewhere is refused; where it ends, nothing is judged; a gland of another mask gives the region.
func TestReference(t *testing.T) {
	p := row(t, []float32{0.1, 0.2, 0.3, 0.4, 0.5})
	short := p.Grid
	short.Size[0] = 4
	lesions := must[*volume.Mask](t)(volume.NewMask(short, []uint8{0, 0, 0, 0}))
	gland := must[*volume.Mask](t)(volume.NewMask(short, []uint8{2, 0, 0, 0}))
	any1 := func(l uint8) int { return int(min(l, 1)) }
	truth := must[*Truth](t)(Reference{Mask: lesions, Class: any1, Gland: gland}.On(context.Background(), p.Grid))
	c := must[*Case](t)(NewCase(p, truth))
	s := DefaultSettings(csPCa)
	s.Region.MarginMM = 2
	if r := must[*Result](t)(c.Evaluate(s)); r.N != 3 {
		t.Errorf("%d voxels within 2 mm of the first", r.N)
	}
	s.Region.Kind = Whole
	if r := must[*Result](t)(c.Evaluate(s)); r.N != 4 {
		t.Errorf("%d voxels that the reference covers", r.N)
	}
	s.Region.Kind = Segment
	if _, err := c.Evaluate(s); !errors.Is(err, metrics.ErrUndefined) {
		t.Errorf("neither predicted nor labelled: %v", err)
	}
	none := must[*Truth](t)(Reference{Mask: lesions, Class: any1}.On(context.Background(), p.Grid))
	if _, err := must[*Case](t)(NewCase(p, none)).Evaluate(DefaultSettings(csPCa)); !errors.Is(err, ErrReference) {
		t.Errorf("no gland is known: %v", err)
	}
	away := p.Grid
	away.Origin = geom.Vec3{500, 0, 0}
	far := must[*volume.Mask](t)(volume.NewMask(away, make([]uint8, 5)))
	if _, err := (Reference{Mask: far, Class: same}).On(context.Background(), p.Grid); !errors.Is(err, ErrReference) {
		t.Errorf("elsewhere: %v", err)
	}
	if _, err := NewCase(p, labelled(t, p, 0, 3, 0, 0, 0)); !errors.Is(err, ErrReference) {
		t.Errorf("a class of its own: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	p := row(t, []float32{0.1, 0.9})
	c := must[*Case](t)(NewCase(p, labelled(t, p, 0, 1)))
	for name, change := range map[string]func(*Settings){
		"temperature 0":   func(s *Settings) { s.Temperature = 0 },
		"temperature NaN": func(s *Settings) { s.Temperature = math.NaN() },
		"threshold":       func(s *Settings) { s.Threshold = 1.1 },
		"samples":         func(s *Settings) { s.Samples = -1 },
		"bins":            func(s *Settings) { s.Bins = -1 },
		"no structure":    func(s *Settings) { s.Structure = inference.Zone{} },
		"background":      func(s *Settings) { s.Structure.Classes = []int{0} },
		"class":           func(s *Settings) { s.Structure.Classes = []int{2} },
		"margin":          func(s *Settings) { s.Region.MarginMM = -1 },
		"region":          func(s *Settings) { s.Region.Kind = 9 },
	} {
		s := DefaultSettings(csPCa)
		change(&s)
		if _, err := c.Evaluate(s); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := SampleField(p, 0, csPCa); !errors.Is(err, ErrSettings) {
		t.Errorf("a sample that is not stored: %v", err)
	}
	p.Store = nil
	s := DefaultSettings(csPCa)
	s.Samples = 1
	if r, err := c.Evaluate(s); err != nil || r.Samples != 1 {
		t.Errorf("without stored samples: %v", err)
	}
}

// Spots are the same for a seed, uncertain, apart, and taken from small and large probabilities alike.
func TestChooseSpots(t *testing.T) {
	const side = 60
	grid := must[geom.Grid](t)(geom.NewGrid([3]int{side, side, 1}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}))
	p, labels := make([]float32, side*side), make([]uint8, side*side)
	for i := range p {
		p[i] = min(max(float32(i%side)/20-1, 0), 1) // all of 0…1 within 10 mm of the gland
		if p[i] > 0.5 {
			labels[i] = 1
		}
	}
	field := must[*volume.Volume](t)(volume.New(grid, p, "probability"))
	m := must[*volume.Mask](t)(volume.NewMask(grid, labels))
	truth := must[*Truth](t)(Reference{Mask: m, Class: same}.On(context.Background(), grid))
	spots := must[[]Spot](t)(ChooseSpots(field, truth, csPCa, 7, 20))
	if again := must[[]Spot](t)(ChooseSpots(field, truth, csPCa, 7, 20)); !reflect.DeepEqual(spots, again) {
		t.Error("the same seed gives other spots")
	}
	if other := must[[]Spot](t)(ChooseSpots(field, truth, csPCa, 8, 20)); reflect.DeepEqual(spots, other) {
		t.Error("another seed gives the same spots")
	}
	if len(spots) != 20 {
		t.Fatalf("%d spots", len(spots))
	}
	var strata [quizStrata]int
	for n, s := range spots {
		v := p[s.Voxel[0]+side*s.Voxel[1]]
		strata[metrics.BinOf(float64(v), quizStrata)]++
		if v < quizLeast || v > 1-quizLeast {
			t.Errorf("spot %d is certain: %g", n, v)
		}
		if s.Truth != (v > 0.5) {
			t.Errorf("spot %d: truth %v at %g", n, s.Truth, v)
		}
		if grid.World(geom.Vec3{float64(s.Voxel[0]), float64(s.Voxel[1]), 0}) != s.World {
			t.Errorf("spot %d lies elsewhere than its voxel", n)
		}
		if !clear(s.World, slices.Delete(slices.Clone(spots), n, n+1), quizSeparation) {
			t.Errorf("spot %d is near another one", n)
		}
	}
	for s, n := range strata {
		if n < 2 {
			t.Errorf("stratum %d was asked %d times: %v", s, n, strata)
		}
	}
	few := must[[]Spot](t)(ChooseSpots(must[*volume.Volume](t)(volume.New(grid, make([]float32, len(p)), "probability")), truth, csPCa, 1, 3))
	if len(few) != 3 {
		t.Errorf("a field without doubt gives %d spots", len(few))
	}
}

func TestQuizLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quiz.json")
	empty := must[QuizLog](t)(ReadQuiz(path))
	l := empty.With(Round{Structure: "TZ", Answers: []Answer{{Stated: 0.7, Models: map[string]float64{"CE": 0.4, "FL": 0.5}, True: true}, {Stated: 0, Models: map[string]float64{"CE": 1}}}})
	l = l.With(Round{Structure: "PZ", Answers: []Answer{{Stated: 0.2}}})
	if len(empty.Rounds) != 0 {
		t.Error("the log that was added to has changed")
	}
	if err := l.Write(path); err != nil {
		t.Fatal(err)
	}
	back := must[QuizLog](t)(ReadQuiz(path))
	if !reflect.DeepEqual(back, l) {
		t.Errorf("read back %+v", back)
	}
	if s := back.Stated("TZ"); !reflect.DeepEqual(s, []Statement{{0.7, true}, {0, false}}) {
		t.Errorf("stated: %v", s)
	}
	if s := back.ByModel("TZ", "FL"); !reflect.DeepEqual(s, []Statement{{0.5, true}}) {
		t.Errorf("by FL: %v", s)
	}
	if s := back.Stated(""); len(s) != 3 {
		t.Errorf("all: %v", s)
	}
	for name, text := range map[string]string{"cut": `{"version":1,"rounds":[`, "later": `{"version":2}`, "odd": `{"version":1,"rounds":[{"answers":[{"stated":7}]}]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadQuiz(path); !errors.Is(err, ErrQuiz) || !strings.Contains(err.Error(), "move") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJudge(t *testing.T) {
	if _, err := Judge(nil, 5); !errors.Is(err, metrics.ErrUndefined) {
		t.Error(err)
	}
	if _, err := Judge([]Statement{{P: 1.5}}, 5); !errors.Is(err, ErrSettings) {
		t.Error(err)
	}
}
