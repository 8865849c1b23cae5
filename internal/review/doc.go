// Package review finds where a segmentation needs a person most: how much of it is expected to be wrong, in
// millilitres, and in which places. It reads mean class probabilities and knows neither models nor windows.
//
// A voxel whose most probable class has the mean probability m is wrong with the probability 1 − m, as far as the
// probabilities are calibrated; of two classes that is min(p, 1 − p). Summed over voxels and multiplied by their volume it is
// the expected volume of error of the most probable segmentation (the Bayes error; Duda, Hart and Stork 2001, 2.2).
// A model that is too sure has more errors than this says.
//
// Positions are world LPS mm, volumes mL. Values are immutable; functions are safe for concurrent use.
package review

import "errors"

// ErrField marks probabilities that cannot be reviewed; the text says why.
var ErrField = errors.New("review: these probabilities cannot be reviewed")
