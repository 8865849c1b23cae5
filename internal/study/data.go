package study

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/modelcard"
	"bayeslice/training/cohort"
	"bayeslice/training/dataset"
)

// choice is the choice of data of an element, without the folders that belong to a study.
func (f File) choice(e Element) cohort.Choice {
	c := f.Cohort[e.Task]
	return cohort.Choice{
		Format: cohort.Format, Seed: f.Seed + uint64(e.Run), Folds: f.Folds, Runs: f.Runs, Fold: e.Fold, Run: e.Run,
		SplitSeed: c.SplitSeed, Augment: f.Training[e.Task].Augment, SkipBad: c.SkipBad,
		Exams: c.Exams, Readers: c.Readers, Ambiguous: c.Ambiguous, ExamSeed: c.Seed,
		Path: c.Path, Masks: c.Masks, MaskPattern: c.MaskPattern, Manifest: c.Manifest,
		Channels: c.Channels, Classes: c.Classes, Zones: dataset.Zones(c.Zones), LesionFrom: c.LesionFrom,
	}
}

// choice is the choice of data of an element.
func (s *Study) choice(e Element) cohort.Choice {
	c := s.file.choice(e)
	c.Cache, c.Splits = filepath.Join(s.dir, dataName), filepath.Join(s.dir, splitsName)
	return c
}

// need is what an element's training wants of its data.
func (s *Study) need(e Element) (cohort.Need, error) {
	c, err := s.file.config(e)
	return cohort.Need{Task: e.Task, Recipe: c.Recipe, Augmentation: c.Augmentation}, err
}

// data opens the exams of an element.
func (s *Study) data(ctx context.Context, e Element, o Options) (*cohort.Cohort, cohort.Choice, error) {
	choice := s.choice(e)
	if err := s.prepare(ctx, e, o); err != nil {
		return nil, choice, err
	}
	need, err := s.need(e)
	if err != nil {
		return nil, choice, err
	}
	opened, err := cohort.Open(ctx, choice, need, s.preparing(e, o))
	if err != nil {
		return nil, choice, err
	}
	if len(opened.Notes) > 0 {
		o.tell(Event{Element: e, Phase: Preparing, Notes: opened.Notes})
	}
	return opened, choice, nil
}

func (s *Study) preparing(e Element, o Options) func(done, total int) {
	return func(done, total int) { o.tell(Event{Element: e, Phase: Preparing, Done: done, Total: total}) }
}

// waitForData is how often a process looks whether another one has prepared the data.
const waitForData = time.Second

// prepare makes the folds and prepares the exams of an element's task, unless that has been done. Of several processes one does
// it, and the others wait: opened at once, each would prepare every exam.
func (s *Study) prepare(ctx context.Context, e Element, o Options) (err error) {
	ready := filepath.Join(s.dir, dataName, "ready-"+string(e.Task))
	if _, err := os.Stat(ready); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(ready), 0o750); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	lock := flock.New(filepath.Join(s.dir, dataName, "lock"))
	if ok, err := lock.TryLockContext(ctx, waitForData); err != nil || !ok {
		return errors.Join(ctx.Err(), err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	for _, task := range s.order(e.Task) {
		if err := s.prepareTask(ctx, task, e, o); err != nil {
			return err
		}
	}
	return codec.WriteFile(ready, func(w io.Writer) error {
		_, err := io.WriteString(w, "prepared\n")
		return err
	})
}

// order lists the tasks to open: where folds are still to be dealt, diagnosis comes first, so that each gets
// as many patients with csPCa.
func (s *Study) order(task modelcard.Task) []modelcard.Task {
	_, err := os.Stat(filepath.Join(s.dir, splitsName))
	if errors.Is(err, fs.ErrNotExist) && task != modelcard.Diagnosis && slices.Contains(s.file.Tasks, modelcard.Diagnosis) {
		return []modelcard.Task{modelcard.Diagnosis, task}
	}
	return []modelcard.Task{task}
}

// prepareTask opens the exams of a task once, which prepares them and makes the folds.
func (s *Study) prepareTask(ctx context.Context, task modelcard.Task, e Element, o Options) error {
	of := Element{Task: task, Loss: s.file.Losses[0]}
	need, err := s.need(of)
	if err != nil {
		return err
	}
	_, err = cohort.Folds(ctx, s.choice(of), need, s.preparing(e, o))
	return err
}
