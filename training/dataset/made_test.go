package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

// madeExams are exams that are generated; every second one has foreground, and every third counts as
// positive. made counts how often one was generated.
func madeExams(n int, made *atomic.Int32) []Made {
	out := make([]Made, n)
	for i := range out {
		name := fmt.Sprintf("made %02d", i)
		out[i] = Made{Name: name, Key: name, Positive: i%3 == 0, Make: func(context.Context) (*training.Example, error) {
			made.Add(1)
			x := &training.Example{Exam: name, Image: tensor.NewFloat32(1, 3, 6, 12, 12), Label: make([]uint8, 6*12*12)}
			x.Image.F32[i] = 1
			x.Label[0] = uint8(i % 2)
			return x, nil
		}}
	}
	return out
}

func TestMadeExamsAreMadeOnceAndDealtByWhatTheySay(t *testing.T) {
	dir := t.TempDir()
	var calls atomic.Int32
	o := Options{Made: madeExams(1, &calls), Task: modelcard.Diagnosis, Recipe: smallRecipe(modelcard.Diagnosis), Cache: dir, Folds: 2, Runs: 1, SplitSeed: 4}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrSplits) {
		t.Errorf("one exam in two folds: %v", err)
	}
	if calls.Load() != 1 {
		t.Errorf("the exam was made %d times", calls.Load())
	}
	for range 2 { // the second time from the cache
		d, err := Open(t.Context(), o.with(madeExams(12, &calls)))
		if err != nil {
			t.Fatal(err)
		}
		for f := range 2 {
			names, err := d.Splits().Fold(0, f)
			if err != nil {
				t.Fatal(err)
			}
			positive := 0
			for _, name := range names {
				if slices.Contains([]string{"made 00", "made 03", "made 06", "made 09"}, name) {
					positive++
				}
			}
			if len(names) != 6 || positive != 2 {
				t.Errorf("fold %d holds %v, want six exams, two of which count as positive", f, names)
			}
		}
		data, err := d.Fold(0, 0, 1, training.Augmentation{})
		if err != nil {
			t.Fatal(err)
		}
		if data.Origin.Kind != KindReaders || !data.Origin.Synthetic {
			t.Errorf("origin %+v", data.Origin)
		}
	}
	if n := calls.Load(); n != 1+11 { // the first one was there
		t.Errorf("exams were made %d times, want 12", n)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "splits-*")); err != nil || len(left) != 0 {
		t.Errorf("folds were written to %v (%v)", left, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 12 {
		t.Errorf("%d files in the cache, want 12 (%v)", len(files), err)
	}
}

// with returns the options for other exams, instead.
func (o Options) with(list []Made) Options {
	o.Made = list
	return o
}

// What keeps exams from being made concerns all of them: none is left out in silence.
func TestWhatFailsIsNoFaultOfTheExam(t *testing.T) {
	var calls atomic.Int32
	full := errors.New("no room on the disk")
	list := madeExams(3, &calls)
	list[1].Make = func(context.Context) (*training.Example, error) { return nil, full }
	o := Options{Made: list, Task: modelcard.Diagnosis, Recipe: smallRecipe(modelcard.Diagnosis), Cache: t.TempDir(), Folds: 2, Runs: 1, Skip: true}
	if _, err := Open(t.Context(), o); !errors.Is(err, full) || errors.Is(err, training.ErrExample) {
		t.Errorf("%v", err)
	}
	o.Path = "also a folder"
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrData) {
		t.Errorf("a folder and made exams: %v", err)
	}
}
