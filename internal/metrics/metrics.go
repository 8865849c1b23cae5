// Package metrics measures predictions against references: overlap and surface distances of segmentations,
// how well probabilities are calibrated, which lesions are found ([LesionRule], [MatchRule], [Detection]), how well
// scores rank patients, and how sure all that is ([Bootstrap], [Permutation]). Every definition stands with its
// source at the function. What is counted voxel by voxel accumulates ([Overlap], [SoftOverlap],
// [Calibration]), so that memory does not depend on the number of exams, and what was counted apart can be
// joined; [Detection] keeps one number per candidate, lesion and exam.
//
// The package is pure: it reads no files, draws random numbers from given seeds only, and knows neither models nor exams. Label
// arrays hold one class per voxel, 0 the background; probability arrays are [K, voxels], class by class, as
// a network's output [1, K, D, H, W] and the maps of package inference are. Input that is no data is
// [ErrInput]; data of which a figure does not exist, as the AUROC of healthy men alone, is [ErrUndefined].
// Functions are safe for concurrent use, accumulators are not.
package metrics

import (
	"errors"
	"fmt"
	"math"
)

var (
	// ErrInput marks input that cannot be measured: lengths or grids that differ, a value that is no number or
	// no probability, a class that does not exist. Its text says which.
	ErrInput = errors.New("metrics: the data cannot be measured")
	// ErrUndefined marks a figure that does not exist for sound data; its text says why. Reports leave it out.
	ErrUndefined = errors.New("metrics: the figure does not exist for these data")
)

func bad(format string, a ...any) error { return wrap(ErrInput, format, a...) }

func undefined(format string, a ...any) error { return wrap(ErrUndefined, format, a...) }

func wrap(sentinel error, format string, a ...any) error {
	return fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, a...))
}

// Tolerance is how far rounding may carry a probability out of 0…1, or the sum of a voxel's classes from 1.
// Values beyond 0…1 within it count as 0 or 1.
const Tolerance = 1e-3

// checkProbabilities returns the number of classes K of [K, voxels] and checks lengths, values, sums and labels.
func checkProbabilities(p []float32, labels []uint8) (classes int, err error) {
	n := len(labels)
	if n == 0 && len(p) == 0 {
		return 0, nil
	}
	if n == 0 || len(p)%n != 0 || len(p) < 2*n || len(p)/n > 256 {
		return 0, bad("%d probabilities do not fit %d labels: there must be one per class and voxel, of two classes or more", len(p), n)
	}
	classes = len(p) / n
	for i, label := range labels {
		if int(label) >= classes {
			return 0, bad("voxel %d has label %d, but there are probabilities of %d classes, the background included", i, label, classes)
		}
		sum := 0.0
		for k := range classes {
			v := float64(p[k*n+i])
			if !(v >= -Tolerance && v <= 1+Tolerance) {
				return 0, bad("class %d has probability %g at voxel %d", k, v, i)
			}
			sum += v
		}
		if math.Abs(sum-1) > Tolerance {
			return 0, bad("the probabilities of voxel %d add up to %g instead of 1", i, sum)
		}
	}
	return classes, nil
}

// unit takes a probability back to 0…1.
func unit(v float32) float64 { return min(max(float64(v), 0), 1) }

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
