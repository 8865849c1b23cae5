package predict

import (
	"context"
	"errors"
	"math"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/review"
	"bayeslice/internal/tensor"
	"bayeslice/internal/volume"
	"bayeslice/internal/worklist"
)

var _ worklist.Predictor = (*Sampler)(nil)

// coin is a network that says 0.25 or 0.75 for TZ everywhere, as its noise falls.
type coin struct{ runs int }

func (c *coin) Run(_ context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	c.runs++
	out := tensor.NewFloat32(1, 3, 2, 4, 4)
	p := float32(0.25)
	if in["z"].F32[0] > 0 {
		p = 0.75
	}
	for at := range 32 {
		out.F32[at], out.F32[32+at] = 1-p, p
	}
	return map[string]*tensor.Tensor{"p": out}, nil
}

func (*coin) Device() string { return "coin" }
func (*coin) Close() error   { return nil }

// model returns a coin as a model on a grid of 4 × 4 × 2 voxels.
func model(t *testing.T, c *coin, sha string) *inference.Model {
	t.Helper()
	card := modelcard.Card{Format: modelcard.Version, Name: "coin", Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}, Input: "image", Output: "p", Latent: 1,
		Noise: []modelcard.Noise{{Name: "z", Kind: modelcard.Normal, Shape: []int{1, 1}}}}
	card.Recipe = prep.PaperRecipe(false)
	card.Recipe.Size, card.Recipe.SpacingMM = [3]int{4, 4, 2}, geom.Vec3{2, 2, 3}
	m, err := inference.NewModel(inference.Parts{Card: card, SHA256: sha, Suffix: c, Carried: []string{"image"}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func testExam(t *testing.T) *exam.Exam {
	t.Helper()
	g, err := geom.NewGrid([3]int{16, 16, 6}, geom.Vec3{-8, -8, -9}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, g.Voxels())
	for at := range data {
		data[at] = float32(at % 7)
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	s := &exam.Series{ID: "t2", Volume: v}
	return &exam.Exam{Key: "k", Series: []*exam.Series{s}, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: s}}}}
}

func TestSamplerRanks(t *testing.T) {
	c := &coin{}
	s := &Sampler{Model: model(t, c, "0123456789abcdef0123"), Samples: 40, Seed: 7}
	f, err := s.Predict(context.Background(), testExam(t))
	if err != nil {
		t.Fatal(err)
	}
	found, err := review.Examine(context.Background(), f, review.Options{MinML: 0.001})
	if err != nil {
		t.Fatal(err)
	}
	p := float64(f.Mean[1].At(0, 0, 0))
	if c.runs < 40 || p < 0.3 || p > 0.7 { // the mean of 40 throws
		t.Errorf("%d runs, mean %g", c.runs, p)
	}
	if want := 32 * 0.012 * math.Min(p, 1-p); math.Abs(found.ErrorML-want) > 1e-6 {
		t.Errorf("expected error %g, want %g", found.ErrorML, want)
	}
	again, err := s.Predict(context.Background(), testExam(t))
	if err != nil || again.Mean[1].At(0, 0, 0) != f.Mean[1].At(0, 0, 0) {
		t.Error("the same seed gives something else", err)
	}
	if s.Name() != "coin" || s.Key() != "0123456789abcdef/40/7" {
		t.Error(s.Name(), s.Key())
	}
	if k := (&Sampler{Model: model(t, c, "ff")}).Key(); k != "ff/20/0" {
		t.Error(k)
	}
}

func TestSamplerRefuses(t *testing.T) {
	s := &Sampler{Model: model(t, &coin{}, "0123456789abcdef"), Samples: 4}
	if _, err := s.Predict(context.Background(), &exam.Exam{}); !errors.Is(err, prep.ErrMissingRole) {
		t.Error("an exam without images:", err)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Predict(done, testExam(t)); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.Progress = func(p inference.Progress) {
		if p.Sample == 2 {
			stop()
		}
	}
	if f, err := s.Predict(ctx, testExam(t)); !errors.Is(err, context.Canceled) || f.Mean != nil {
		t.Error("cancelled in the middle:", err)
	}
}
