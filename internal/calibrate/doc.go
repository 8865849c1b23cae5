// Package calibrate explores, on one exam with a reference, whether a model's probabilities mean what they say:
// reliability diagrams whose bins are places in the image, the same figures with fewer samples, another
// temperature or another threshold, the stored samples one by one, and a quiz in which a person states
// probabilities and is judged as the model is.
//
// Figures are those of package metrics. A structure (the whole gland, a zone, csPCa) is judged against all that is
// not it: its probability p is the sum of its classes'. Everything is on the model's own grid, arrays have i
// fastest. The package is headless, reads no clock, and draws random numbers from explicit seeds only. Values
// that it returns are immutable; a [Case] keeps what is costly between calls and is not safe for concurrent use.
package calibrate

import (
	"errors"
	"fmt"
)

var (
	// ErrReference marks a reference that a prediction cannot be compared with: it lies elsewhere, or what a region
	// is measured from is not in it. The text says what to do.
	ErrReference = errors.New("calibrate: the reference cannot be used")
	// ErrSettings marks settings that mean nothing: a temperature that is not positive, a structure or region that
	// does not exist, a sample that is not stored.
	ErrSettings = errors.New("calibrate: unusable settings")
	// ErrQuiz marks a file of quiz results that cannot be read.
	ErrQuiz = errors.New("calibrate: unusable quiz results")
)

func fail(sentinel error, format string, a ...any) error {
	return fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, a...))
}
