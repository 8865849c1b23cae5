package calibrate

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// golden is testdata/golden.json, made by testdata/golden.py.
type golden struct {
	Size    [3]int
	Spacing geom.Vec3
	Lo, Hi  [3]int
	P251    [][]int
	Labels  []int
	Samples [][]int
	Cases   []goldenCase
	Volumes map[string][]float64

	Stated, Came []float64
	StatedBrier  float64
}

type goldenCase struct {
	Name                         string
	Classes                      []int
	Region                       string
	Samples, Voxels              int
	Temperature, Threshold       float64
	Count, Bin3                  []int
	ProbTrue, ProbPred           []float64
	ECE, NLL, Brier              float64
	Dice, Sensitivity, Precision float64
	ML, ReferenceML              float64
	BestT, BestNLL               float64
}

func readGolden(t *testing.T) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Cases) < 7 {
		t.Fatal("golden values are missing")
	}
	return g
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// toBytes narrows labels and samples.
func toBytes(v []int) []uint8 {
	out := make([]uint8, len(v))
	for i, x := range v {
		out[i] = uint8(x)
	}
	return out
}

// prediction is the golden prediction on a tilted grid.
func (g golden) prediction(t *testing.T) *inference.Prediction {
	t.Helper()
	sin, cos := math.Sincos(0.3)
	grid := must[geom.Grid](t)(geom.NewGrid(g.Size, geom.Vec3{-12, 40, 7}, g.Spacing, [3]geom.Vec3{{1, 0, 0}, {0, cos, sin}, {0, -sin, cos}}))
	p := &inference.Prediction{Card: modelcard.Card{Classes: []string{"background", "TZ", "PZ"}}, Grid: grid, Samples: len(g.Samples)}
	hard := make([]uint8, grid.Voxels())
	for k, values := range g.P251 {
		data := make([]float32, len(values))
		for i, v := range values {
			data[i] = float32(float64(v) / 251)
			if v > g.P251[hard[i]][i] {
				hard[i] = uint8(k)
			}
		}
		p.Mean = append(p.Mean, must[*volume.Volume](t)(volume.New(grid, data, "probability")))
	}
	p.Hard = must[*volume.Mask](t)(volume.NewMask(grid, hard))
	var samples [][]uint8
	for _, s := range g.Samples {
		samples = append(samples, toBytes(s))
	}
	p.Store = must[*inference.SampleStore](t)(inference.NewSampleStore(g.Lo, g.Hi, 3, samples))
	return p
}

// same takes a label for the class of that number.
func same(label uint8) int { return int(label) }

// truth is the golden reference, which ends before the last slice.
func (g golden) truth(t *testing.T, grid geom.Grid) *Truth {
	t.Helper()
	short := grid
	short.Size[2]--
	mask := must[*volume.Mask](t)(volume.NewMask(short, toBytes(g.Labels)[:short.Voxels()]))
	return must[*Truth](t)(Reference{Mask: mask, Class: same}.On(context.Background(), grid))
}

func (c goldenCase) settings() Settings {
	kinds := map[string]Region{"near": {MarginMM: 2}, "whole": {Kind: Whole}, "segment": {Kind: Segment}}
	return Settings{Structure: inference.Zone{Name: c.Name, Classes: c.Classes}, Region: kinds[c.Region],
		Samples: c.Samples, Temperature: c.Temperature, Threshold: c.Threshold}
}

func TestEvaluateEqualsScikitLearn(t *testing.T) {
	g := readGolden(t)
	p := g.prediction(t)
	c := must[*Case](t)(NewCase(p, g.truth(t, p.Grid)))
	for _, want := range g.Cases {
		r, err := c.Evaluate(want.settings())
		if err != nil {
			t.Fatal(err)
		}
		const tolerance = 2e-6
		if r.N != want.Voxels {
			t.Errorf("%d voxels, want %d", r.N, want.Voxels)
		}
		near(t, "ECE", r.ECE, want.ECE, tolerance)
		near(t, "NLL", r.NLL, want.NLL, tolerance)
		near(t, "Brier", r.Brier, want.Brier, tolerance)
		filled := 0
		for b, bin := range r.Reliability {
			if bin.Voxels != want.Count[b] {
				t.Errorf("bin %d holds %d voxels, want %d", b, bin.Voxels, want.Count[b])
			}
			if bin.Voxels > 0 && filled < len(want.ProbTrue) {
				near(t, "frequency", bin.Frequency, want.ProbTrue[filled], tolerance)
				near(t, "confidence", bin.Confidence, want.ProbPred[filled], tolerance)
				filled++
			}
		}
		var bin3 []int
		for _, at := range r.BinVoxels(3) {
			bin3 = append(bin3, int(at))
		}
		if !slices.Equal(bin3, want.Bin3) {
			t.Errorf("%s: voxels of the bin from 0.3: %v, want %v", want.Name, bin3, want.Bin3)
		}
		near(t, "Dice", r.Decision.Dice(), want.Dice, 1e-12)
		near(t, "sensitivity", must[float64](t)(r.Decision.Sensitivity()), want.Sensitivity, 1e-12)
		near(t, "precision", must[float64](t)(r.Decision.Precision()), want.Precision, 1e-12)
		near(t, "volume", r.Decision.VolumeML, want.ML, 1e-12)
		near(t, "volume of the reference", r.Decision.ReferenceML, want.ReferenceML, 1e-12)
	}
}

// SciPy's bounded search (Brent) finds the same temperature.
func TestFitEqualsSciPy(t *testing.T) {
	g := readGolden(t)
	p := g.prediction(t)
	c := must[*Case](t)(NewCase(p, g.truth(t, p.Grid)))
	for _, want := range g.Cases {
		s := want.settings()
		f := must[Fit](t)(c.Fit(context.Background(), s))
		if math.Abs(f.Temperature/want.BestT-1) > 2e-3 || f.AtBound {
			t.Errorf("%s: T = %g (at bound: %v), want %g", want.Name, f.Temperature, f.AtBound, want.BestT)
		}
		near(t, "NLL at the best temperature", f.After, want.BestNLL, 1e-5)
		s.Temperature = 1
		near(t, "NLL before", f.Before, must[*Result](t)(c.Evaluate(s)).NLL, 2e-6)
		s.Temperature = f.Temperature
		near(t, "NLL after, evaluated", must[*Result](t)(c.Evaluate(s)).NLL, f.After, 2e-6)
	}
}

// The order in which sliders are moved leaves no trace in what is shown.
func TestEvaluateForgetsWhatWasAskedBefore(t *testing.T) {
	g := readGolden(t)
	p := g.prediction(t)
	truth := g.truth(t, p.Grid)
	kept := must[*Case](t)(NewCase(p, truth))
	s := g.Cases[0].settings()
	for _, n := range []int{3, 7, 1, 6, 2, 0, 5, 4} {
		s.Samples = n
		s.Temperature = 1 + float64(n%2)
		fresh := must[*Result](t)(must[*Case](t)(NewCase(p, truth)).Evaluate(s))
		got := must[*Result](t)(kept.Evaluate(s))
		if !slices.Equal(got.Field().Data(), fresh.Field().Data()) || got.NLL != fresh.NLL || got.Samples != fresh.Samples {
			t.Errorf("%d samples: another result after other settings", n)
		}
	}
}

func TestSampleVolumesEqualNumPy(t *testing.T) {
	g := readGolden(t)
	p := g.prediction(t)
	for _, z := range inference.Zones(p.Card.Classes) {
		ml := must[[]float64](t)(SampleVolumes(context.Background(), p, z))
		if len(ml) != len(g.Volumes[z.Name]) {
			t.Fatalf("%s: %d volumes", z.Name, len(ml))
		}
		for n, want := range g.Volumes[z.Name] {
			near(t, z.Name, ml[n], want, 1e-12)
		}
	}
}

func TestJudgeEqualsScikitLearn(t *testing.T) {
	g := readGolden(t)
	var s []Statement
	for i, p := range g.Stated {
		s = append(s, Statement{P: p, True: g.Came[i] == 1})
	}
	f := must[Figures](t)(Judge(s, metrics.DefaultBins))
	near(t, "Brier of statements", f.Brier, g.StatedBrier, 1e-7)
	if f.N != len(s) {
		t.Errorf("%d statements", f.N)
	}
}
