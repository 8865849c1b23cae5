package optim

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"testing"
)

func gradient(step int) []float32 {
	g := make([]float32, 3)
	for i := range g {
		g[i] = float32(math.Sin(float64(1+i+3*step)) / float64(1+step*step))
	}
	return g
}

func TestAMSGradEqualsPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/amsgrad.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][][]float64
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for name, steps := range golden {
		opt := NewAMSGrad()
		opt.L2 = 1e-4
		w, s := []float32{0.5, -1.25, 2}, NewState(3)
		for step, want := range steps {
			if err := opt.Update(w, gradient(step), s, 0.01, name == "decay"); err != nil {
				t.Fatal(err)
			}
			for i := range w {
				if math.Abs(float64(w[i])-want[i]) > 1e-6 {
					t.Errorf("%s, step %d: w[%d] = %.8f, want %.8f", name, step, i, w[i], want[i])
				}
			}
		}
	}
}

func TestUpdateRefusesWithoutChangingAnything(t *testing.T) {
	w, s := []float32{1, 2}, NewState(2)
	if err := NewAMSGrad().Update(w, []float32{1}, s, 0.1, false); !errors.Is(err, ErrShape) {
		t.Errorf("short gradient: %v, want ErrShape", err)
	}
	if err := NewAMSGrad().Update(w, []float32{1, float32(math.NaN())}, s, 0.1, false); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN gradient: %v, want ErrNotFinite", err)
	}
	if !slices.Equal(w, []float32{1, 2}) || s.Step != 0 {
		t.Errorf("a refused update changed w to %v at step %d", w, s.Step)
	}
}
