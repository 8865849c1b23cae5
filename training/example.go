package training

import (
	"context"
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/tensor"
)

// ErrExample marks an exam that cannot be trained on; the text names it and says why. Where the user
// said so, a run leaves such an exam out and goes on.
var ErrExample = errors.New("training: exam cannot be used")

// BadExample returns an [ErrExample] about one exam. reason is a clause such as "its image holds 3 voxels
// that are no numbers".
func BadExample(exam, reason string) error {
	return fmt.Errorf("%w: %s: %s", ErrExample, exam, reason)
}

// Example is one exam as a training step reads it. It is immutable.
type Example struct {
	Exam  string         // the name by which messages call it
	Image *tensor.Tensor // float32 [1, C, D, H, W], normalised as the model's recipe says
	Label []uint8        // class of each voxel, D·H·W with W fastest; 0 is the background
}

// Shape is what every example of a run has in common.
type Shape struct {
	Channels, Classes int
	Size              [3]int // voxels D, H, W
	// NeedsLabel says that a label without foreground is a mistake: true for anatomy, false for diagnosis,
	// where it is an exam without cancer.
	NeedsLabel bool
}

// Check reports, as [ErrExample], the first thing that would poison a step: wrong sizes, image values that
// are not finite, classes the model does not have, a label without foreground where there must be one.
func (e *Example) Check(s Shape) error {
	voxels := s.Size[0] * s.Size[1] * s.Size[2]
	if e.Image == nil || e.Image.Type != tensor.Float32 || len(e.Image.F32) != s.Channels*voxels {
		return BadExample(e.Exam, fmt.Sprintf("its image does not have the model's %d channels of %d × %d × %d voxels", s.Channels, s.Size[2], s.Size[1], s.Size[0]))
	}
	if len(e.Label) != voxels {
		return BadExample(e.Exam, fmt.Sprintf("its label has %d voxels where the image has %d", len(e.Label), voxels))
	}
	bad := 0
	for _, v := range e.Image.F32 {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			bad++
		}
	}
	if bad > 0 {
		return BadExample(e.Exam, fmt.Sprintf("its image holds %d values that are not finite", bad))
	}
	return e.checkLabel(s)
}

func (e *Example) checkLabel(s Shape) error {
	foreground := false
	for _, c := range e.Label {
		if int(c) >= s.Classes {
			return BadExample(e.Exam, fmt.Sprintf("its label holds class %d, but the model has the classes 0 to %d", c, s.Classes-1))
		}
		foreground = foreground || c != 0
	}
	if s.NeedsLabel && !foreground {
		return BadExample(e.Exam, "its label is empty on the model's grid")
	}
	return nil
}

// Source gives the endless sequence of examples that a run learns from.
type Source interface {
	// Draw returns example n ≥ 0 of the sequence. It depends on the source and n alone, so that a run which
	// resumes sees what it would have seen. It is safe for concurrent use. [ErrExample] concerns this one
	// exam; any other error ends the run.
	Draw(ctx context.Context, n uint64) (*Example, error)
}

// Set is a fixed list of examples, without augmentation, for validation.
type Set interface {
	Len() int
	// Example returns example i of 0…Len−1, the same at each call. Safe for concurrent use. Errors as [Source].
	Example(ctx context.Context, i int) (*Example, error)
}

// Origin says where a run's examples come from; it goes into the run folder and the model file.
type Origin struct {
	Kind        string `json:"kind"`        // "nnU-Net", "exams", "phantoms", "simulated readers" or "randomised phantoms"
	Description string `json:"description"` // for people, without names of patients
	Synthetic   bool   `json:"synthetic"`   // made by a computer, every one of them
	Exams       int    `json:"exams"`       // distinct exams that are learnt from; 0 where each draw is a new one
	Validation  int    `json:"validation"`  // exams that are not learnt from
	Fingerprint string `json:"fingerprint"` // SHA-256, hex, of everything that determines the examples
	Folds       int    `json:"folds,omitempty"`
	Fold        int    `json:"fold,omitempty"` // counted from 0
}

// Data is what a run learns from and is checked with. Validation may be nil.
type Data struct {
	Train      Source
	Validation Set
	Origin     Origin
}
