package dataset

import (
	"context"
	"fmt"

	"bayeslice/training"
)

// Made is an exam that is generated as an example on the grid of Options.Recipe. It is made once and then
// kept like the others.
type Made struct {
	Name string
	// Key identifies everything that determines the example besides task and recipe.
	Key string
	// Positive says whether the exam counts as one with csPCa when folds are dealt out, whatever the task and
	// the grid.
	Positive bool
	// Make makes the example; it is called from several goroutines, and must depend on nothing but Key, task
	// and recipe.
	Make func(ctx context.Context) (*training.Example, error)
}

// listMade lists the exams that are generated as examples.
func (o *Options) listMade() []*source {
	table := newTable("is no class of a generated exam")
	out := make([]*source, len(o.Made))
	for i := range o.Made {
		m := &o.Made[i]
		out[i] = &source{name: m.Name, table: table, extra: fmt.Sprintf("made %s", m.Key), made: m}
	}
	return out
}

// fromMade generates an example and checks it as others are.
func (d *Dataset) fromMade(ctx context.Context, m *Made) (*training.Example, about, error) {
	x, err := m.Make(ctx)
	if err != nil {
		return nil, about{}, err
	}
	if err := x.Check(d.shape); err != nil {
		return nil, about{}, err
	}
	return x, about{Synthetic: true, Voxels: countClasses(x.Label, d.shape.Classes)}, nil
}
