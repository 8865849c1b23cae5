package study

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"bayeslice/internal/imageio/codec"
	"bayeslice/training/synth"
)

// readers gives the shares of simulated readers who gave each voxel of an exam each class, nil where there are no such readers.
// They are kept beside the prepared exams as counts, a byte each, since drawing what every reader drew takes longer
// than sampling a small network: every fold of every configuration asks for the same.
func (s *Study) readers(readings *synth.Cohort) func(ctx context.Context, exam string) ([]float32, error) {
	if readings == nil {
		return nil
	}
	n := readings.Config().Readers
	return func(ctx context.Context, exam string) ([]float32, error) {
		i, ok := readings.Index(exam)
		if !ok {
			return nil, fmt.Errorf("study: the generated exams have none called %q", exam)
		}
		key, err := readings.Key(i)
		if err != nil {
			return nil, err
		}
		size := readings.Config().Recipe.Size
		path := filepath.Join(s.dir, dataName, key[:32]+".readers")
		counts, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("study: %w", err)
		}
		voxels := size[0] * size[1] * size[2]
		if !whole(counts, voxels, n) {
			if counts, err = s.count(ctx, readings, i, n, path); err != nil {
				return nil, err
			}
		}
		out := make([]float32, len(counts))
		for at, c := range counts {
			out[at] = float32(float64(c) / float64(n))
		}
		return out, nil
	}
}

// whole says whether counts [K, voxels] add up to the number of readers in every voxel.
func whole(counts []byte, voxels, readers int) bool {
	if len(counts) == 0 || len(counts)%voxels != 0 {
		return false
	}
	for i := range voxels {
		sum := 0
		for at := i; at < len(counts); at += voxels {
			sum += int(counts[at])
		}
		if sum != readers {
			return false
		}
	}
	return true
}

// count asks the readers about an exam and keeps their answers.
func (s *Study) count(ctx context.Context, readings *synth.Cohort, exam, readers int, path string) ([]byte, error) {
	shares, err := readings.Frequency(ctx, exam, readers)
	if err != nil {
		return nil, err
	}
	counts := make([]byte, len(shares))
	for at, q := range shares {
		counts[at] = byte(math.Round(float64(q) * float64(readers)))
	}
	return counts, codec.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(counts)
		return err
	})
}
