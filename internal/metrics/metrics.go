// Package metrics measures predictions against references: overlap of segmentations, how far apart their
// centres are, how well probabilities are calibrated, and how well scores rank patients. Every definition
// stands with its source at the function. What is counted voxel by voxel accumulates ([Overlap],
// [SoftOverlap], [Calibration]), so that memory does not depend on the number of exams, and parts that were
// counted apart can be joined.
//
// The package is pure: it reads no files, draws no random numbers, and knows neither models nor exams. Label
// arrays hold one class per voxel; probability arrays are [K, voxels], class by class, as a network's output
// [1, K, D, H, W] and inference's maps are. Functions are safe for concurrent use; accumulators are not.
package metrics

import (
	"errors"
	"fmt"
)

// ErrInput marks input that cannot be measured: lengths that differ, a value that is no number or no
// probability, a class that does not exist. Its text says which.
var ErrInput = errors.New("metrics: the data cannot be measured")

// bad wraps a sentence in [ErrInput].
func bad(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, a...))
}

// tolerance is how far rounding may carry a float32 probability out of 0…1, and the sum of a voxel's
// classes from 1.
const tolerance = 1e-3

// structure tells which labels belong to a union of classes: those given, or every class but 0, the
// background, where none is.
func structure(classes []uint8) *[256]bool {
	var in [256]bool
	if len(classes) == 0 {
		for c := 1; c < len(in); c++ {
			in[c] = true
		}
	}
	for _, c := range classes {
		in[c] = true
	}
	return &in
}
