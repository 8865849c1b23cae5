package trainer_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
	"bayeslice/training"
	"bayeslice/training/loss"
	"bayeslice/training/trainer"
)

// balls is a source of bright balls in noise: the inner half of a ball is class 1, its shell class 2.
type balls struct {
	shape training.Shape
	bad   func(n uint64, e *training.Example) error // spoils an example; may be nil
}

func (s balls) Draw(_ context.Context, n uint64) (*training.Example, error) {
	size := s.shape.Size
	r := rand.New(rand.NewPCG(7, n))
	e := &training.Example{Exam: "ball", Image: tensor.NewFloat32(1, s.shape.Channels, size[0], size[1], size[2]), Label: make([]uint8, size[0]*size[1]*size[2])}
	c := [3]float64{float64(size[0])/2 + r.NormFloat64(), float64(size[1])/2 + 2*r.NormFloat64(), float64(size[2])/2 + 2*r.NormFloat64()}
	radius := (0.25 + 0.1*r.Float64()) * float64(size[1])
	i := 0
	for z := range size[0] {
		for y := range size[1] {
			for x := range size[2] {
				dz, dy, dx := 3*(float64(z)-c[0]), float64(y)-c[1], float64(x)-c[2]
				v := 0.3 * r.NormFloat64()
				switch d := dz*dz + dy*dy + dx*dx; {
				case d < radius*radius/2:
					e.Label[i], v = 1, v+1
				case d < radius*radius:
					e.Label[i] = uint8(min(2, s.shape.Classes-1))
					v += 2
				}
				e.Image.F32[i] = float32(v)
				i++
			}
		}
	}
	if s.bad != nil {
		if err := s.bad(n, e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (s balls) Len() int { return 2 }

func (s balls) Example(ctx context.Context, i int) (*training.Example, error) {
	return balls{shape: s.shape}.Draw(ctx, uint64(1_000_000+i))
}

func opener(t *testing.T) inference.OpenRunner {
	t.Helper()
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	return func(onnx []byte) (inference.Runner, error) {
		s, err := env.NewSession(onnx, ort.SessionOptions{})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

func settings(t *testing.T, task modelcard.Task, steps int) trainer.Config {
	t.Helper()
	c, err := trainer.Defaults("tiny", task, loss.CE)
	if err != nil {
		t.Fatal(err)
	}
	c.Steps, c.Rate, c.RateTo, c.CheckpointEvery, c.ValidateEvery, c.ValidationSamples = steps, 1e-2, 1e-3, 5, 20, 2
	c.Net.Dropout = 0.2
	c.Data = training.Origin{Kind: "phantoms", Description: "balls", Synthetic: true, Fingerprint: strings.Repeat("0", 64)}
	c.Program = "test"
	return c
}

func shape(c trainer.Config) training.Shape {
	return training.Shape{Channels: c.Net.Channels, Classes: c.Net.Classes, Size: c.Net.Size, NeedsLabel: true}
}

func data(c trainer.Config, bad func(uint64, *training.Example) error) training.Data {
	s := balls{shape: shape(c), bad: bad}
	return training.Data{Train: s, Validation: s, Origin: c.Data}
}

// weights is the digest of the parameters of a run's newest checkpoint.
func weights(t *testing.T, r *trainer.Run) [32]byte {
	t.Helper()
	paths, err := trainer.Checkpoints(r.Dir())
	if err != nil || len(paths) == 0 {
		t.Fatal("no checkpoint", err)
	}
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}

func TestARunLearnsAndAResumedOneEndsInTheSameBits(t *testing.T) {
	open := opener(t)
	c := settings(t, modelcard.Anatomy, 50)
	whole, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	path, err := whole.Train(t.Context(), data(c, nil), trainer.Options{Open: open})
	if err != nil {
		t.Fatal(err)
	}
	events, err := trainer.ReadLog(whole.Dir())
	if err != nil {
		t.Fatal(err)
	}
	steps := trainer.Curve(events, trainer.Stepped)
	if len(steps) != 50 || steps[49].Segmentation > steps[0].Segmentation/2 {
		t.Errorf("%d steps; the loss went from %g to %g, want it halved", len(steps), steps[0].Segmentation, steps[len(steps)-1].Segmentation)
	}
	card, _, err := models.Card(path)
	if err != nil || !card.Trained || card.Loss != "CE" || card.Training.Steps != 50 || len(card.Training.Validation) == 0 {
		t.Errorf("card %+v, %v", card, err)
	}

	halves, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = halves.Train(ctx, data(c, nil), trainer.Options{Open: open, On: func(e trainer.Event) {
		if e.Kind == trainer.Stepped && e.Step == 13 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled run: %v", err)
	}
	again, err := trainer.Open(halves.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Train(t.Context(), data(c, nil), trainer.Options{Open: open}); err != nil {
		t.Fatal(err)
	}
	if weights(t, whole) != weights(t, again) {
		t.Error("the resumed run ended in other weights")
	}
}
