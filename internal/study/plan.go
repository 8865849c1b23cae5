package study

import (
	"fmt"
	"strings"

	"bayeslice/internal/modelcard"
	"bayeslice/training"
	"bayeslice/training/dataset"
	"bayeslice/training/loss"
	"bayeslice/training/trainer"
)

const defaultZones = dataset.TZPZ

// Element is one training with its evaluation. Index, Run and Fold count from 0, as in the settings of runs; names and
// reports count runs and folds from 1.
type Element struct {
	Index int // in [File.Elements], from 0: the index of an array job
	Task  modelcard.Task
	Loss  loss.Kind
	Run   int
	Fold  int
}

// Name names the element's folders, such as "anatomy-fl-run1-fold3", where runs and folds count from 1.
func (e Element) Name() string {
	return fmt.Sprintf("%s-%s-run%d-fold%d", e.Task, strings.ReplaceAll(strings.ToLower(string(e.Loss)), "+", "-"), e.Run+1, e.Fold+1)
}

// Elements lists the elements by task, loss, run and fold, in the order of the file. The order, and so every index,
// follows from the file alone.
func (f File) Elements() []Element {
	var out []Element
	for _, task := range f.Tasks {
		for _, kind := range f.Losses {
			for run := range f.Runs {
				for fold := range f.Folds {
					out = append(out, Element{Index: len(out), Task: task, Loss: kind, Run: run, Fold: fold})
				}
			}
		}
	}
	return out
}

// config are the settings of an element's training, except for program, device and data.
func (f File) config(e Element) (trainer.Config, error) {
	t := f.Training[e.Task]
	c, err := trainer.Defaults(t.Preset, e.Task, e.Loss)
	if err != nil {
		return c, err
	}
	c.Name = fmt.Sprintf("%s: M1 %s %s %s, run %d, fold %d", f.Name, t.Preset, e.Task, e.Loss, e.Run+1, e.Fold+1)
	c.Steps, c.Batch, c.Rate, c.RateTo, c.WarmUp, c.L2, c.Clip = t.Steps, t.Batch, t.Rate, t.RateTo, t.WarmUp, t.L2, t.Clip
	c.Net.Dropout, c.Beta, c.DeepSupervision, c.Threads = t.Dropout, t.Beta, t.DeepSupervision, t.Threads
	c.CheckpointEvery, c.ValidateEvery, c.ValidationSamples = t.CheckpointEvery, t.ValidateEvery, t.ValidationSamples
	c.Seed = f.Seed + uint64(e.Run) // runs differ in weights, noise and order of exams; losses do not
	c.DataSeed = c.Seed
	c.SkipBad = f.Cohort[e.Task].SkipBad
	if !t.Augment {
		c.Augmentation = training.Augmentation{}
	}
	return c, nil
}
