package compare

import (
	"context"
	"fmt"

	"bayeslice/internal/metrics"
	"bayeslice/internal/volume"
)

// Readers tells how the doubt about a structure, its probability p on any grid, lies to what two readers on one grid
// disagree about: see metrics.CompareWithReaders, for the structure against everything else. Outside the grid of p the
// probability is 0. It fails with [ErrNothing] where a reader says nothing about the structure, with metrics.ErrInput
// where grids differ, or with ctx's error.
func Readers(ctx context.Context, p *volume.Volume, a, b Labels, name string) (metrics.Agreement, error) {
	for _, s := range structures {
		if s.name != name || !s.toldBy(a) || !s.toldBy(b) {
			continue
		}
		one, two := s.layer(a), s.layer(b)
		if !one.Grid().SameAs(two.Grid(), 0.01) {
			return metrics.Agreement{}, fmt.Errorf("%w: the readers' masks lie on different grids", metrics.ErrInput)
		}
		on, err := volume.Resample(ctx, p, one.Grid(), volume.Linear, 0)
		if err != nil {
			return metrics.Agreement{}, err
		}
		n := one.Grid().Voxels()
		mine, theirs := make([]float32, 2*n), make([]float32, 2*n)
		for i, v := range on.Data() {
			share := (s.has(one.Data()[i]) + s.has(two.Data()[i])) / 2
			mine[i], mine[n+i] = 1-v, v
			theirs[i], theirs[n+i] = 1-share, share
		}
		return metrics.CompareWithReaders(mine, theirs, 2, nil)
	}
	return metrics.Agreement{}, fmt.Errorf("%w: one of the readers says nothing about %s; choose another structure", ErrNothing, name)
}

// has returns 1 for a label of the structure, else 0.
func (s structure) has(label uint8) float32 {
	if label == 0 {
		return 0
	}
	for _, l := range s.labels {
		if l == label {
			return 1
		}
	}
	if len(s.labels) == 0 {
		return 1
	}
	return 0
}
