package trainer_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
	"bayeslice/training"
	"bayeslice/training/step"
	"bayeslice/training/trainer"
)

// fake is a runner that gives the same results at each call.
type fake struct {
	out    map[string]*tensor.Tensor
	closed *int
}

func (f fake) Run(context.Context, map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	copies := map[string]*tensor.Tensor{}
	for name, t := range f.out {
		copies[name] = tensor.FromFloat32(append([]float32(nil), t.F32...), t.Shape...)
	}
	return copies, nil
}

func (f fake) Device() string { return "fake" }
func (f fake) Close() error   { *f.closed++; return nil }

// begun is a run that was made and not trained yet.
func begun(t *testing.T, c trainer.Config) *trainer.Run {
	t.Helper()
	r, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Gradients of 2.5e38 are finite, and their sum over a batch is not: no parameter may be updated then.
func TestABatchWhoseGradientsOverflowDiverges(t *testing.T) {
	c := settings(t, modelcard.Anatomy, 3)
	c.Batch = 2
	s, err := step.New(step.Config{Net: c.Net, Loss: c.Loss, Beta: c.Beta})
	if err != nil {
		t.Fatal(err)
	}
	closed := 0
	f := fake{out: map[string]*tensor.Tensor{}, closed: &closed}
	for _, name := range []string{step.LossName, step.SegmentationName, step.DivergenceName} {
		f.out[name] = tensor.FromFloat32([]float32{1}, 1)
	}
	for i, p := range s.Params {
		g := tensor.NewFloat32(p.Shape...)
		if i > 0 { // the first parameter's stay within bounds
			g.F32[0] = 2.5e38
		}
		f.out[autodiff.GradientName(p.Name)] = g
	}
	r := begun(t, c)
	d := data(c, nil)
	d.Validation = nil
	_, err = r.Train(t.Context(), d, trainer.Options{Open: func(*graph.Graph) (inference.Runner, error) { return f, nil }})
	if !errors.Is(err, trainer.ErrDiverged) || !strings.Contains(err.Error(), "step 1") {
		t.Errorf("error = %v; want a divergence in step 1", err)
	}
	if paths, err := trainer.Checkpoints(r.Dir()); err != nil || len(paths) != 0 {
		t.Errorf("checkpoints %v, %v; want none", paths, err)
	}
	if closed != 1 {
		t.Errorf("%d graphs were closed, want 1", closed)
	}
}

// Where the second graph cannot be opened, the first one is closed.
func TestGraphsAreClosedWhereOneCannotBeOpened(t *testing.T) {
	c := settings(t, modelcard.Anatomy, 3)
	closed, opened := 0, 0
	full := errors.New("no memory")
	_, err := begun(t, c).Train(t.Context(), data(c, nil), trainer.Options{Open: func(*graph.Graph) (inference.Runner, error) {
		if opened++; opened == 2 {
			return nil, full
		}
		return fake{closed: &closed}, nil
	}})
	if !errors.Is(err, full) || opened != 2 || closed != 1 {
		t.Errorf("error %v, %d opened, %d closed", err, opened, closed)
	}
}

// A validation of which no exam can be used has no figures: zeros would read as perfect calibration.
func TestAValidationWithoutExamsHasNoFigures(t *testing.T) {
	c := settings(t, modelcard.Anatomy, 2)
	c.SkipBad = true
	d := data(c, nil)
	d.Validation = unusable{}
	var warned string
	path, err := begun(t, c).Train(t.Context(), d, trainer.Options{Open: opener(t), On: func(e trainer.Event) {
		switch e.Kind {
		case trainer.Warned:
			warned = e.Text
		case trainer.Validated:
			t.Errorf("validation %+v", e.Validation)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	card, _, err := models.Card(path)
	if err != nil || len(card.Training.Validation) != 0 || card.Training.ValidatedOn != "" || !strings.Contains(warned, "no figures") {
		t.Errorf("figures %v on %q, warned %q, %v", card.Training.Validation, card.Training.ValidatedOn, warned, err)
	}
}

// unusable is a validation set of one exam that cannot be used.
type unusable struct{}

func (unusable) Len() int { return 1 }
func (unusable) Example(context.Context, int) (*training.Example, error) {
	return nil, training.BadExample("exam 17", "it has no ADC")
}

// A run that started from other weights does not start from random ones where its checkpoints are gone.
func TestARunThatLostItsFirstWeightsIsRefused(t *testing.T) {
	c := settings(t, modelcard.Anatomy, 2)
	first := begun(t, c)
	if _, err := first.Train(t.Context(), data(c, nil), trainer.Options{Open: opener(t)}); err != nil {
		t.Fatal(err)
	}
	from, _, err := first.Last()
	if err != nil {
		t.Fatal(err)
	}
	second, err := trainer.New(t.TempDir(), c, from)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := trainer.Checkpoints(second.Dir())
	if err != nil || len(paths) != 1 {
		t.Fatalf("checkpoints %v, %v", paths, err)
	}
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
	if second, err = trainer.Open(second.Dir()); err != nil {
		t.Fatal(err)
	}
	_, err = second.Train(t.Context(), data(c, nil), trainer.Options{Open: opener(t)})
	if !errors.Is(err, trainer.ErrCheckpoint) || !strings.Contains(err.Error(), "restore checkpoint-0000000.bin") {
		t.Errorf("error = %v", err)
	}
}
