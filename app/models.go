package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/viewer"
)

// Version is the program's version, in model cards and in the window's metadata.
const Version = "0.1.0"

// Models implements [viewer.Engine]: the files given for this session, then those in the models
// folder. Where a task has none, a small untrained network is made in the user's cache, so that the
// whole path can be tried; it is flagged as untrained everywhere.
func (e *engine) Models(ctx context.Context) (offered []viewer.Model, problems []string) {
	given := e.given()
	found, err := filepath.Glob(filepath.Join(e.folder, "*.onnx"))
	if err != nil {
		problems = append(problems, fmt.Sprintf("The models folder cannot be read: %v.", err))
	}
	slices.Sort(found)
	for i, path := range append(slices.Clone(given), found...) {
		if ctx.Err() != nil {
			return offered, problems
		}
		if i >= len(given) && slices.Contains(given, path) {
			continue
		}
		card, _, err := models.Card(path)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v.", filepath.Base(path), withoutPath(err)))
			continue
		}
		offered = append(offered, viewer.Model{ID: path, Card: card})
	}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if ctx.Err() != nil || slices.ContainsFunc(offered, func(m viewer.Model) bool { return m.Card.Task == task }) {
			continue
		}
		m, err := builtIn(task)
		if err != nil {
			problems = append(problems, fmt.Sprintf("No untrained %s network could be made: %v.", task, err))
			continue
		}
		offered = append(offered, m)
	}
	return offered, problems
}

// withoutPath takes the path out of a file system's error: a folder's name may be a patient's.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// builtIn returns the small untrained network of a task, written to the user's cache once.
func builtIn(task modelcard.Task) (viewer.Model, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return viewer.Model{}, fmt.Errorf("app: no cache folder: %w", err)
	}
	path := filepath.Join(cache, "bayeslice", "models", fmt.Sprintf("untrained-small-%s-%s.onnx", task, Version))
	if card, _, err := models.Card(path); err == nil {
		return viewer.Model{ID: path, Card: card}, nil
	}
	if err := models.WriteUntrained(path, "small", task, demoSeed, "Bayeslice "+Version); err != nil {
		return viewer.Model{}, err
	}
	card, _, err := models.Card(path)
	return viewer.Model{ID: path, Card: card}, err
}
