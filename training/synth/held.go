package synth

import (
	"context"
	"fmt"
	"sync"

	"bayeslice/training"
)

// held is a list of examples whose anatomies no draw uses.
type held struct {
	from *Generator
	once []slot
}

// slot keeps one example once it has been made.
type slot struct {
	mu      sync.Mutex
	example *training.Example
}

// Held returns n fixed examples of anatomies that [Generator.Draw] never uses, half of them with csPCa,
// imaged with the same randomness. They are made when first asked for, and kept. n ≤ 0 gives an empty set.
func (g *Generator) Held(n int) training.Set {
	return &held{from: g, once: make([]slot, max(0, n))}
}

// Len implements [training.Set].
func (h *held) Len() int { return len(h.once) }

// Example implements [training.Set].
func (h *held) Example(ctx context.Context, i int) (*training.Example, error) {
	if i < 0 || i >= len(h.once) {
		return nil, fmt.Errorf("synth: there is no held-out phantom %d among %d", i, len(h.once))
	}
	s := &h.once[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.example != nil {
		return s.example, nil
	}
	c := &h.from.config
	p, _, err := cached(ctx, c.Cache, c.Seed, forHeldPool, uint64(i))
	if err != nil {
		return nil, err
	}
	r := stream(c.Seed, forHeldDraw, uint64(i))
	s.example = h.from.make(r, p, fmt.Sprintf("held-out phantom %d", i), i%2 == 1)
	return s.example, nil
}
