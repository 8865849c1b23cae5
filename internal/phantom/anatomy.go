package phantom

import (
	"context"
	"errors"
)

// maxWarpMM bounds the deformation so that it cannot fold space.
const maxWarpMM = 8.0

// Anatomy is the continuous truth: which tissue lies at a point of space.
type Anatomy struct{}

// NewAnatomy draws the anatomy.
func NewAnatomy(ctx context.Context, cfg Config) (*Anatomy, error) {
	return nil, errors.New("phantom: under construction")
}

func acquire(ctx context.Context, cfg Config, a *Anatomy) (*Exam, error) {
	return nil, errors.New("phantom: under construction")
}
