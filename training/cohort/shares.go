package cohort

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
)

// Shares returns the shares of the simulated readers of an exam who gave each voxel each class, [K, D, H, W] with W fastest, background
// first: the probability of the exam's label. They are kept with the prepared exams as counts, a byte each, since
// drawing what every reader drew takes longer than sampling a small network. It is nil without error where the data have
// no such readers. Safe for concurrent use. It fails with [ErrChoice] for an exam that is not there, the file
// system's error, or ctx's.
func (c *Cohort) Shares(ctx context.Context, exam string) ([]float32, error) {
	if c.Readings == nil {
		return nil, nil
	}
	i, ok := c.Readings.Index(exam)
	if !ok {
		return nil, fmt.Errorf("%w: the generated exams have none called %q", ErrChoice, exam)
	}
	key, err := c.Readings.Key(i)
	if err != nil {
		return nil, err
	}
	of := c.Readings.Config()
	path := filepath.Join(c.cache, key[:32]+".readers")
	counts, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cohort: %w", err)
	}
	if !whole(counts, of.Recipe.Size[0]*of.Recipe.Size[1]*of.Recipe.Size[2], of.Readers) {
		if counts, err = c.count(ctx, i, of.Readers, path); err != nil {
			return nil, err
		}
	}
	out := make([]float32, len(counts))
	for at, n := range counts {
		out[at] = float32(float64(n) / float64(of.Readers))
	}
	return out, nil
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
func (c *Cohort) count(ctx context.Context, exam, readers int, path string) ([]byte, error) {
	shares, err := c.Readings.Frequency(ctx, exam, readers)
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
