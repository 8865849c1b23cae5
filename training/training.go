// Package training holds what all parts of training share: the paper's recipe as data (class weights,
// learning rate, augmentation), and what an example, a source of examples and their origin are.
//
// Its sub-packages are the parts. synth, dataset and augment make examples; cohort opens the data that a
// user chose. loss, step, optim and schedule are one update. trainer joins them into runs with
// checkpoints, a log and a model at the end.
package training

import (
	"fmt"
	"strings"

	"bayeslice/internal/modelcard"
)

// Alpha returns the paper's class weights of BCE and FL for a task, in the model's class order:
// background, TZ, PZ or background, csPCa; nil for an unknown task.
func Alpha(task modelcard.Task) []float64 {
	switch task {
	case modelcard.Anatomy:
		return []float64{0.05, 0.30, 0.65}
	case modelcard.Diagnosis:
		return []float64{0.75, 0.25}
	}
	return nil
}

// Augmentation bounds the random changes of a training exam, all in the axial plane.
type Augmentation struct {
	NoiseSD      float64 // additive Gaussian noise, σ drawn from 0…NoiseSD of the normalised image
	Flip         bool    // left-right
	RotationDeg  float64 // ± degrees
	TranslateFor float64 // ± share of the image's width and height
	ScaleFor     float64 // ± share
}

// Recipe is how a model is trained.
type Recipe struct {
	Gamma          float64 // focal loss
	LearningRate   float64 // at the first step
	LearningRateTo float64 // at the last step
	L2             float64 // weight of Σ w² over kernels
	Folds, Runs    int     // cross-validation
	Samples        int     // executions per exam at evaluation
	Augmentation   Augmentation
}

// Paper returns the recipe of the paper, section 2 ("Bayesian Segmentation Model" and "Experiments");
// L2 is that of the network revision its authors name.
func Paper() Recipe {
	return Recipe{
		Gamma: 2, LearningRate: 1e-4, LearningRateTo: 1e-7, L2: 1e-4, Folds: 5, Runs: 3, Samples: 100,
		Augmentation: Augmentation{NoiseSD: 0.5, Flip: true, RotationDeg: 7.5, TranslateFor: 0.15, ScaleFor: 0.15},
	}
}

// String says what is changed, in words; "" where nothing is.
func (a Augmentation) String() string {
	var parts []string
	add := func(is bool, format string, v ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, v...))
		}
	}
	add(a.NoiseSD > 0, "noise of σ up to %g", a.NoiseSD)
	add(a.Flip, "left-right flip")
	add(a.RotationDeg > 0, "rotation by up to ±%g°", a.RotationDeg)
	add(a.TranslateFor > 0, "translation by up to %g %%", 100*a.TranslateFor)
	add(a.ScaleFor > 0, "scaling by up to %g %%", 100*a.ScaleFor)
	return strings.Join(parts, ", ")
}
