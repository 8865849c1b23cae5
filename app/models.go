package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/viewer"
)

// Models implements [viewer.Engine]: the models given for this session, the bundled ones, then those in
// the models folder. Where a task has none, a small untrained network is made in the user's cache, so
// that the whole path can be tried; it is flagged as untrained everywhere.
func (e *engine) Models(ctx context.Context) (offered []viewer.Model, problems []string) {
	add := func(m viewer.Model) {
		if !slices.ContainsFunc(offered, func(o viewer.Model) bool { return o.ID == m.ID }) {
			offered = append(offered, m)
		}
	}
	first := map[modelcard.Task]bool{}
	for _, given := range e.given() {
		m, err := e.describe(given)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v.", filepath.Base(given), withoutPath(err)))
			continue
		}
		m.Preferred = !first[m.Card.Task]
		first[m.Card.Task] = true
		add(m)
	}
	bundled, err := e.library.List()
	if err != nil {
		problems = append(problems, fmt.Sprintf("The bundled models cannot be used: %v.", err))
	}
	for _, b := range bundled {
		best, _ := e.library.Best(b.Card.Task)
		add(viewer.Model{ID: b.Name, Card: b.Card, Bundled: true, Preferred: b.Name == best.Name && !first[b.Card.Task]})
	}
	for _, path := range e.inFolder(&problems) {
		if ctx.Err() != nil {
			return offered, problems
		}
		if m, err := e.describe(path); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v.", filepath.Base(path), withoutPath(err)))
		} else {
			add(m)
		}
	}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if ctx.Err() != nil || slices.ContainsFunc(offered, func(m viewer.Model) bool { return m.Card.Task == task }) {
			continue
		}
		m, err := untrained(task, e.program)
		if err != nil {
			problems = append(problems, fmt.Sprintf("No untrained %s network could be made: %v.", task, err))
			continue
		}
		offered = append(offered, m)
	}
	return offered, problems
}

// OpenModel implements [viewer.Engine].
func (e *engine) OpenModel(_ context.Context, path string) (viewer.Model, error) {
	m, err := e.describe(path)
	if err == nil {
		e.offer(path)
	}
	return m, err
}

// describe reads and checks a model: a bundled one by its name, else a file.
func (e *engine) describe(model string) (viewer.Model, error) {
	f, err := e.library.Read(model)
	if err != nil {
		return viewer.Model{}, err
	}
	_, bundled := e.library.Find(model)
	return viewer.Model{ID: model, Card: f.Card, Bundled: bundled}, nil
}

// inFolder lists the files in the models folder.
func (e *engine) inFolder(problems *[]string) []string {
	found, err := filepath.Glob(filepath.Join(e.folder, "*.onnx"))
	if err != nil {
		*problems = append(*problems, fmt.Sprintf("The models folder cannot be read: %v.", err))
	}
	slices.Sort(found)
	return found
}

// withoutPath takes the path out of a file system's error: a folder's name may be a patient's.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// untrained returns the small untrained network of a task, written to the user's cache once for each version of the program.
func untrained(task modelcard.Task, program string) (viewer.Model, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return viewer.Model{}, fmt.Errorf("app: no cache folder: %w", err)
	}
	path := filepath.Join(cache, "bayeslice", "models", fmt.Sprintf("untrained-small-%s-%s.onnx", task, strings.ReplaceAll(strings.ToLower(program), " ", "-")))
	if card, _, err := models.Card(path); err == nil {
		return viewer.Model{ID: path, Card: card}, nil
	}
	if err := models.WriteUntrained(path, "small", task, demoSeed, program); err != nil {
		return viewer.Model{}, err
	}
	card, _, err := models.Card(path)
	return viewer.Model{ID: path, Card: card}, err
}
