package cohort

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"bayeslice/training"
	"bayeslice/training/dataset"
	"bayeslice/training/synth"
)

// open reads or prepares the exams of a folder, or makes those that simulated readers have labelled.
func (c Choice) open(ctx context.Context, n Need, cache string, progress func(done, total int)) (*dataset.Dataset, *synth.Cohort, error) {
	readings, made, err := c.made(n, cache)
	if err != nil {
		return nil, nil, err
	}
	d, err := dataset.Open(ctx, dataset.Options{
		Path: c.Path, Made: made, Task: n.Task, Recipe: n.Recipe, Cache: cache,
		Manifest: c.Manifest, Masks: c.Masks, MaskPattern: c.MaskPattern, Channels: c.Channels, Classes: c.Classes, Zones: c.Zones,
		LesionFrom: uint8(c.LesionFrom), // Validate bounds it
		Splits:     c.Splits, Folds: c.Folds, Runs: c.Runs, SplitSeed: c.SplitSeed, Skip: c.SkipBad,
		Progress: func(p dataset.Progress) { progress(p.Done, p.Total) },
	})
	return d, readings, err
}

// made lists the exams of simulated readers; nil for a folder.
func (c Choice) made(n Need, cache string) (*synth.Cohort, []dataset.Made, error) {
	if !c.Simulated() {
		return nil, nil, nil
	}
	s, err := synth.NewCohort(synth.CohortConfig{
		Task: n.Task, Recipe: n.Recipe, Seed: c.ExamSeed, Exams: c.Exams, Readers: c.Readers, Ambiguous: c.Ambiguous,
		Cache: filepath.Join(cache, anatomies),
	})
	if err != nil {
		return nil, nil, err
	}
	list := make([]dataset.Made, s.Len())
	for i := range list {
		key, err := s.Key(i)
		if err != nil {
			return nil, nil, err
		}
		list[i] = dataset.Made{Name: s.Name(i), Key: key, Positive: s.Positive(i),
			Make: func(ctx context.Context) (*training.Example, error) { return s.Example(ctx, i) }}
	}
	return s, list, nil
}

// exams opens one fold of a folder.
func exams(ctx context.Context, c Choice, n Need, cache string, progress func(done, total int)) (*Cohort, error) {
	d, readings, err := c.open(ctx, n, cache, progress)
	if err != nil {
		return nil, err
	}
	aug := n.Augmentation
	if !c.Augment {
		aug = training.Augmentation{}
	}
	data, err := d.Fold(c.Run, c.Fold, c.Seed, aug)
	if err != nil {
		return nil, err
	}
	each := exampleBytes(d.Shape())
	return &Cohort{Data: data, Notes: c.notes(d, readings), Memory: min(int64(len(d.Exams()))*each, dataset.DefaultMemory), Readings: readings, cache: cache}, nil
}

// exampleBytes is what a prepared exam takes: float32 images and a byte a voxel of label.
func exampleBytes(s training.Shape) int64 {
	return int64(s.Size[0]) * int64(s.Size[1]) * int64(s.Size[2]) * int64(4*s.Channels+1)
}

// notes tells what the user should know about a folder, or about the cache of generated exams.
func (c Choice) notes(d *dataset.Dataset, readings *synth.Cohort) []string {
	var out []string
	if readings != nil {
		out = readings.Notes()
	}
	if got := d.Splits(); got.Folds != c.Folds || got.Runs != c.Runs {
		out = append(out, fmt.Sprintf("the file of folds has %d folds in %d runs, and %d in %d were asked for; the file holds", got.Folds, got.Runs, c.Folds, c.Runs))
	}
	for _, err := range d.Skipped() {
		out = append(out, "left out: "+strings.TrimPrefix(err.Error(), training.ErrExample.Error()+": "))
	}
	for _, i := range d.Issues() {
		out = append(out, i.Exam+": "+i.Text)
	}
	return out
}

// FoldTable is a cohort dealt out to folds.
type FoldTable struct {
	Splits dataset.Splits
	Notes  []string // as those of [Cohort]

	positive map[string]bool
}

// Positives counts those of the named exams whose label has foreground on the model's grid.
func (t FoldTable) Positives(names []string) int {
	n := 0
	for _, name := range names {
		if t.positive[name] {
			n++
		}
	}
	return n
}

// Folds deals the exams of a folder or of simulated readers out to folds, or reads the folds from the file that the choice names.
// It fails as [Open].
func Folds(ctx context.Context, c Choice, n Need, progress func(done, total int)) (FoldTable, error) {
	if err := c.Validate(); err != nil {
		return FoldTable{}, err
	}
	if c.Phantoms() {
		return FoldTable{}, fmt.Errorf("%w: phantoms need no folds; those kept for validation have anatomies of their own", ErrChoice)
	}
	cache, err := c.cache()
	if err != nil {
		return FoldTable{}, err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	d, readings, err := c.open(ctx, n, cache, progress)
	if err != nil {
		return FoldTable{}, err
	}
	t := FoldTable{Splits: d.Splits(), Notes: c.notes(d, readings), positive: map[string]bool{}}
	for _, e := range d.Exams() {
		t.positive[e.Name] = e.Positive
	}
	return t, nil
}
