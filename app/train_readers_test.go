package app

import (
	"testing"

	"bayeslice/training/cohort"
	"bayeslice/training/trainer"
	"bayeslice/viewer/viewstate"
)

// The form does not offer simulated readers; a run that the command began with them goes on all the same.
func TestARunOnSimulatedReadersGoesOn(t *testing.T) {
	tr, folder := testTrainer(t), t.TempDir()
	c, _, err := tr.settings(tinySetup(folder))
	if err != nil {
		t.Fatal(err)
	}
	choice := cohort.Choice{Format: cohort.Format, Seed: 1, Exams: 3, Readers: 2, Ambiguous: 0.4, ExamSeed: 1, SplitSeed: 1, Folds: 3, Runs: 1, Augment: true, Cache: t.TempDir()}
	data, err := cohort.Open(t.Context(), choice, cohort.Need{Task: c.Net.Task, Recipe: c.Recipe, Augmentation: c.Augmentation}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Data = data.Origin
	dir := newFolder(tinySetup(folder))
	if _, err := trainer.New(dir, c, nil); err != nil {
		t.Fatal(err)
	}
	if err := choice.Save(dir); err != nil {
		t.Fatal(err)
	}
	runs, err := tr.Runs(t.Context(), folder)
	if err != nil || len(runs) != 1 || runs[0].Problem != "" || !runs[0].Synthetic {
		t.Fatalf("%+v, %v", runs, err)
	}
	var last viewstate.TrainProgress
	s, err := tr.Continue(t.Context(), dir, func(p viewstate.TrainProgress) {
		if p.Total > 0 {
			last = p
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := s.(*trainSession); !ok || got.data.Origin != c.Data || got.data.Validation.Len() != 1 {
		t.Errorf("the run goes on with other data than %+v", c.Data)
	}
	if last.Done != 3 || last.Total != 3 {
		t.Errorf("progress ended with %+v", last)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
