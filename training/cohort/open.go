package cohort

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/training"
	"bayeslice/training/synth"
)

// Defaults of randomised phantoms.
const (
	DefaultAnatomies = 200
	DefaultHeld      = 20
)

// Defaults of a cohort with simulated readers; as many exams as in the paper.
const (
	DefaultExams     = 200
	DefaultReaders   = 5
	DefaultAmbiguous = 0.4
	DefaultExamSeed  = 1
)

// Need is what a run wants of its data.
type Need struct {
	Task         modelcard.Task
	Recipe       prep.Recipe
	Augmentation training.Augmentation // of exams in a folder, where [Choice] does not switch it off
}

// Cohort is opened data.
type Cohort struct {
	training.Data
	Notes  []string // sentences about what the user should know: exams left out, guesses, a cache made anew
	Memory int64    // bytes that the data take while they are trained on, about
	// Readings are the labels of every simulated reader, and how often each class is given; nil for other data. Its exams
	// are called as those of Train and Validation are ([synth.Cohort.Index]).
	Readings *synth.Cohort

	cache string
}

// Open opens the data of a choice; for a folder that was never opened it prepares every exam. progress is
// called with finished exams or phantoms, one call at a time, and may be nil. It fails with [ErrChoice],
// or as [dataset.Open] and [synth.New] do.
func Open(ctx context.Context, c Choice, n Need, progress func(done, total int)) (*Cohort, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	cache, err := c.cache()
	if err != nil {
		return nil, err
	}
	if c.Phantoms() {
		return phantoms(ctx, c, n, cache, progress)
	}
	return exams(ctx, c, n, cache, progress) // of a folder, or made for simulated readers
}

// cache is the folder of prepared data.
func (c Choice) cache() (string, error) {
	if c.Cache != "" {
		return c.Cache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cohort: no cache folder: %w; name one with --cache", err)
	}
	return filepath.Join(dir, "bayeslice", "training"), nil
}

// anatomies is the folder of anatomies in the cache.
const anatomies = "anatomies"

// anatomyBytes is what one anatomy of [synth] takes.
const anatomyBytes = 1_500_000

// phantoms opens randomised phantoms.
func phantoms(ctx context.Context, c Choice, n Need, cache string, progress func(done, total int)) (*Cohort, error) {
	g, err := synth.New(ctx, synth.Config{Task: n.Task, Recipe: n.Recipe, Seed: c.Seed, Anatomies: c.Anatomies, Cache: filepath.Join(cache, anatomies), Progress: progress})
	if err != nil {
		return nil, err
	}
	held := exampleBytes(training.Shape{Channels: len(n.Recipe.Channels), Size: n.Recipe.Size}) // of one; they are kept
	out := &Cohort{Data: training.Data{Train: g, Validation: g.Held(c.Held), Origin: g.Origin()}, Notes: g.Notes(), Memory: int64(c.Anatomies)*anatomyBytes + int64(c.Held)*held}
	out.Origin.Validation = c.Held
	return out, nil
}
