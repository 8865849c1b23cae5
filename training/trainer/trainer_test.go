package trainer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
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
	return func(g *graph.Graph) (inference.Runner, error) {
		s, err := graphtest.Session(env, g, ort.SessionOptions{})
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
	if err != nil || !card.Trained || card.Loss != "CE" || card.Training.Steps != 50 || len(card.Training.Validation) == 0 || card.Training.ValidatedOn == "" || !strings.Contains(card.Training.Augmentation, "7.5°") {
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

func TestADamagedCheckpointGivesWayToTheOneBeforeIt(t *testing.T) {
	open := opener(t)
	c := settings(t, modelcard.Anatomy, 12)
	var hashes [][32]byte
	for _, damage := range []bool{false, true} {
		r, err := trainer.New(t.TempDir(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err = r.Train(ctx, data(c, nil), trainer.Options{Open: open, On: func(e trainer.Event) {
			if e.Kind == trainer.Stepped && e.Step == 11 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		paths, err := trainer.Checkpoints(r.Dir())
		if err != nil || len(paths) != 2 {
			t.Fatalf("checkpoints %v, %v; want two", paths, err)
		}
		if damage {
			b, err := os.ReadFile(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(paths[0], b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var warned, from string
		_, err = r.Train(t.Context(), data(c, nil), trainer.Options{Open: open, On: func(e trainer.Event) {
			if e.Kind == trainer.Warned {
				warned = e.Text
			}
			if e.Kind == trainer.Started && e.Step == 10 {
				from = "the one before"
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if damage != (from != "") || damage != strings.Contains(warned, "checksum") {
			t.Errorf("damaged %v: warned %q, started from %q", damage, warned, from)
		}
		hashes = append(hashes, weights(t, r))
	}
	if hashes[0] != hashes[1] {
		t.Error("going back one checkpoint changed the result")
	}
}

// Without a checkpoint that fits, a run that had some is refused: it must not start over in silence.
func TestARunWhoseCheckpointsDoNotFitIsRefused(t *testing.T) {
	c := settings(t, modelcard.Anatomy, 6)
	r, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = r.Train(ctx, data(c, nil), trainer.Options{Open: opener(t), On: func(e trainer.Event) {
		if e.Kind == trainer.Stepped && e.Step == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	path := filepath.Join(r.Dir(), "run.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Replace(text, []byte(`"steps": 6`), []byte(`"steps": 7`), 1)
	if bytes.Equal(text, other) {
		t.Fatal("the settings were not changed")
	}
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := trainer.Checkpoints(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if r, err = trainer.Open(r.Dir()); err != nil {
		t.Fatal(err)
	}
	_, err = r.Train(t.Context(), data(c, nil), trainer.Options{Open: opener(t)})
	if !errors.Is(err, trainer.ErrCheckpoint) || !strings.Contains(err.Error(), "other settings") {
		t.Errorf("a run with other settings than its checkpoints: %v", err)
	}
	if after, err := trainer.Checkpoints(r.Dir()); err != nil || !slices.Equal(before, after) {
		t.Errorf("checkpoints %v became %v, %v", before, after, err)
	}
}

func TestAPoisonedExampleIsNamedOrLeftOut(t *testing.T) {
	open := opener(t)
	for name, spoil := range map[string]func(e *training.Example) error{
		"values that are not finite": func(e *training.Example) error { e.Image.F32[5] = float32(math.NaN()); return nil },
		"label is empty":             func(e *training.Example) error { clear(e.Label); return nil },
		"class 7":                    func(e *training.Example) error { e.Label[9] = 7; return nil },
		"no ADC":                     func(e *training.Example) error { return training.BadExample(e.Exam, "it has no ADC") },
	} {
		for _, skip := range []bool{false, true} {
			c := settings(t, modelcard.Anatomy, 3)
			c.ValidateEvery, c.SkipBad = 0, skip
			r, err := trainer.New(t.TempDir(), c, nil)
			if err != nil {
				t.Fatal(err)
			}
			d := data(c, func(n uint64, e *training.Example) error {
				if n != 1 {
					return nil
				}
				e.Exam = "exam 17"
				return spoil(e)
			})
			d.Validation = nil
			var skipped string
			_, err = r.Train(t.Context(), d, trainer.Options{Open: open, On: func(e trainer.Event) {
				if e.Kind == trainer.Skipped {
					skipped = e.Text
				}
			}})
			said := skipped
			if !skip {
				if !errors.Is(err, training.ErrExample) {
					t.Fatalf("%s: error = %v", name, err)
				}
				said = err.Error()
			} else if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(said, "exam 17") || !strings.Contains(said, name) {
				t.Errorf("skip %v: said %q, want exam 17 and %q", skip, said, name)
			}
		}
	}
}

func TestOneProcessTrainsARun(t *testing.T) {
	open := opener(t)
	c := settings(t, modelcard.Anatomy, 2)
	r, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	var second error
	if _, err = r.Train(t.Context(), data(c, nil), trainer.Options{Open: open, On: func(e trainer.Event) {
		if e.Kind == trainer.Stepped {
			_, second = r.Train(t.Context(), data(c, nil), trainer.Options{Open: open})
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, trainer.ErrRun) {
		t.Errorf("a second training of the same folder: %v", second)
	}
	if _, err := trainer.New(r.Dir(), c, nil); !errors.Is(err, trainer.ErrRun) {
		t.Errorf("a new run in the same folder: %v", err)
	}
	other := data(c, nil)
	other.Origin.Fingerprint = strings.Repeat("1", 64)
	if _, err := r.Train(t.Context(), other, trainer.Options{Open: open}); !errors.Is(err, trainer.ErrRun) {
		t.Errorf("training on other data: %v", err)
	}
}

func TestARunPausesBetweenSteps(t *testing.T) {
	open := opener(t)
	c := settings(t, modelcard.Anatomy, 4)
	r, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	control := &trainer.Control{}
	var seen []trainer.Kind
	if _, err := r.Train(t.Context(), data(c, nil), trainer.Options{Open: open, Control: control, On: func(e trainer.Event) {
		seen = append(seen, e.Kind)
		switch {
		case e.Kind == trainer.Stepped && e.Step == 2:
			control.Pause()
		case e.Kind == trainer.PausedKind:
			go control.Resume()
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if want := []trainer.Kind{"start", "step", "step", "pause", "continue", "step", "step", "checkpoint", "validation", "end"}; !slices.Equal(seen, want) {
		t.Errorf("events %v, want %v", seen, want)
	}
}

func TestADivergenceNamesTheNodeAndKeepsTheCheckpoint(t *testing.T) {
	open := opener(t)
	c := settings(t, modelcard.Anatomy, 8)
	c.ValidateEvery, c.DeepSupervision = 0, true
	r, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := data(c, func(n uint64, e *training.Example) error {
		if n == 6 {
			for i := range e.Image.F32 {
				e.Image.F32[i] = float32(math.Copysign(3e38, float64(e.Image.F32[i]))) // finite, but sums are not
			}
		}
		return nil
	})
	d.Validation = nil
	_, err = r.Train(t.Context(), d, trainer.Options{Open: open})
	if !errors.Is(err, trainer.ErrDiverged) || !strings.Contains(err.Error(), "step 7") || !strings.Contains(err.Error(), "node that is not finite is stem") {
		t.Errorf("error = %v; want step 7 and a node of the stem", err)
	}
	paths, err := trainer.Checkpoints(r.Dir())
	if err != nil || len(paths) != 1 || !strings.Contains(paths[0], "0000005") {
		t.Errorf("checkpoints %v, %v; want that of step 5 alone", paths, err)
	}
}
