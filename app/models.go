package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/viewer"
)

// Version is the program's version, in model cards and in the window's metadata.
const Version = "0.1.0"

// Models implements [viewer.Engine]: the files given for this session, then those in the models
// folder. Where a task has none, a small untrained network is made in the user's cache, so that the
// whole path can be tried; it is flagged as untrained everywhere.
func (e *engine) Models(ctx context.Context) (models []viewer.Model, problems []string) {
	given := e.files
	found, err := filepath.Glob(filepath.Join(e.settings.Models, "*.onnx"))
	if err != nil {
		problems = append(problems, fmt.Sprintf("The models folder cannot be read: %v.", err))
	}
	slices.Sort(found)
	for i, path := range append(slices.Clone(given), found...) {
		if ctx.Err() != nil {
			return models, problems
		}
		if i >= len(given) && slices.Contains(given, path) {
			continue
		}
		card, err := readCard(path)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v.", filepath.Base(path), err))
			continue
		}
		models = append(models, viewer.Model{ID: path, Card: card})
	}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if ctx.Err() != nil || slices.ContainsFunc(models, func(m viewer.Model) bool { return m.Card.Task == task }) {
			continue
		}
		m, err := builtIn(task)
		if err != nil {
			problems = append(problems, fmt.Sprintf("No untrained %s network could be made: %v.", task, err))
			continue
		}
		models = append(models, m)
	}
	return models, problems
}

// readCard reads what a model file says about itself.
func readCard(path string) (modelcard.Card, error) {
	f, err := os.Open(path)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err // without the path, which may hold a name
		}
		return modelcard.Card{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	g, err := graph.Decode(f)
	if err != nil {
		return modelcard.Card{}, fmt.Errorf("%w: %w", inference.ErrModel, err)
	}
	return modelcard.Decode(g.Metadata())
}

// builtIn returns the small untrained network of a task, written to the user's cache once.
func builtIn(task modelcard.Task) (viewer.Model, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return viewer.Model{}, fmt.Errorf("app: no cache folder: %w", err)
	}
	path := filepath.Join(cache, "bayeslice", "models", fmt.Sprintf("untrained-small-%s-%s.onnx", task, Version))
	if card, err := readCard(path); err == nil {
		return viewer.Model{ID: path, Card: card}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return viewer.Model{}, fmt.Errorf("app: %w", err)
	}
	if err := writeUntrained(path, "small", task, demoSeed); err != nil {
		return viewer.Model{}, err
	}
	card, err := readCard(path)
	return viewer.Model{ID: path, Card: card}, err
}

// writeUntrained writes a preset network with seeded initial weights.
func writeUntrained(path, preset string, task modelcard.Task, seed uint64) error {
	p, err := nets.FindPreset(preset, task)
	if err != nil {
		return err
	}
	weights, err := nets.Init(p.Config, seed)
	if err != nil {
		return err
	}
	return nets.WriteModel(path, p.Config, weights, modelcard.Card{
		Name: "M1 " + preset, Recipe: p.Recipe, WeightSeed: seed, Program: "Bayeslice " + Version,
		IntendedUse: "Trying out the program. The weights are random; the output means nothing.",
	})
}
