package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"bayeslice/training"
	"bayeslice/training/augment"
)

// orderStream tells the order of the exams from other numbers of the same seed.
const orderStream = 0x6f72646572

// Fold returns what fold of run, both counted from 0, learns from and is checked with. Train goes through
// the exams in epochs, each in an order of its own, with augmentation; what it draws depends on seed and the
// number of the draw alone. Validation is the fold's held-out exams in order of their names, as they are.
// It fails with [ErrSplits] where there is no such fold, or nothing is left on one of its sides.
func (d *Dataset) Fold(run, fold int, seed uint64, aug training.Augmentation) (training.Data, error) {
	names, err := d.splits.Fold(run, fold)
	if err != nil {
		return training.Data{}, err
	}
	held := map[string]bool{}
	for _, name := range names {
		held[name] = true
	}
	var learn, check []*entry
	for _, e := range d.entries {
		if held[e.source.name] {
			check = append(check, e)
		} else {
			learn = append(learn, e)
		}
	}
	if len(learn) == 0 || len(check) == 0 {
		return training.Data{}, fmt.Errorf("%w: fold %d of run %d has %d exams that can be used to learn from and %d to check with; add exams, or choose fewer folds",
			ErrSplits, fold, run, len(learn), len(check))
	}
	origin := d.origin(learn, check)
	origin.Folds, origin.Fold = d.splits.Folds, fold
	origin.Fingerprint = fingerprint(learn, check, run, fold, seed, aug)
	return training.Data{
		Train:      &epochs{d: d, entries: learn, seed: seed, aug: aug, frame: augment.FrameOf(d.options.Recipe)},
		Validation: &heldOut{d: d, entries: check},
		Origin:     origin,
	}, nil
}

// origin describes where the examples come from.
func (d *Dataset) origin(learn, check []*entry) training.Origin {
	o := training.Origin{Kind: d.kind, Synthetic: true, Exams: len(learn), Validation: len(check)}
	positive := 0
	for _, e := range d.entries {
		o.Synthetic = o.Synthetic && e.about.Synthetic
		if e.about.positive() {
			positive++
		}
	}
	if o.Synthetic && d.kind != KindReaders {
		o.Kind = KindPhantoms
	}
	what := map[string]string{KindNNUNet: "exams of an nnU-Net raw dataset", KindExams: "exams with masks", KindPhantoms: "generated phantoms", KindReaders: "generated exams, each with the label of one of several simulated readers"}[o.Kind]
	o.Description = fmt.Sprintf("%d %s", len(d.entries), what)
	if !d.shape.NeedsLabel {
		o.Description += fmt.Sprintf(", %d with csPCa", positive)
	}
	if len(d.skipped) > 0 {
		o.Description += fmt.Sprintf("; %d more left out", len(d.skipped))
	}
	return o
}

// fingerprint returns the SHA-256, hex, of everything that determines the examples of a fold.
func fingerprint(learn, check []*entry, run, fold int, seed uint64, aug training.Augmentation) string {
	h := sha256.New()
	fmt.Fprintf(h, "run %d fold %d seed %d %+v\n", run, fold, seed, aug)
	for _, side := range [][]*entry{learn, check} {
		fmt.Fprintf(h, "%d\n", len(side))
		for _, e := range side {
			fmt.Fprintf(h, "%s\n", e.key)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// epochs draws the exams of a fold in an endless sequence.
type epochs struct {
	d       *Dataset
	entries []*entry
	seed    uint64
	aug     training.Augmentation
	frame   augment.Frame

	mu    sync.Mutex
	epoch uint64 // whose order is kept
	order []int
}

// at returns the exam of a draw: each epoch is a permutation of its own.
func (s *epochs) at(n uint64) *entry {
	epoch, in := n/uint64(len(s.entries)), n%uint64(len(s.entries))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.order == nil || s.epoch != epoch {
		s.order, s.epoch = rand.New(rand.NewPCG(s.seed^orderStream, epoch)).Perm(len(s.entries)), epoch
	}
	return s.entries[s.order[in]]
}

// Draw implements [training.Source].
func (s *epochs) Draw(ctx context.Context, n uint64) (*training.Example, error) {
	x, err := s.d.load(ctx, s.at(n))
	if err != nil {
		return nil, err
	}
	return augment.Apply(x, s.frame, s.aug, rand.NewPCG(s.seed, n).Uint64()), nil
}

// heldOut is the validation set of a fold.
type heldOut struct {
	d       *Dataset
	entries []*entry
}

// Len implements [training.Set].
func (s *heldOut) Len() int { return len(s.entries) }

// Patient returns the patient of exam i: the name of the first exam of the same patient, which says no more about
// who it is than the names of exams do.
func (s *heldOut) Patient(i int) string { return s.d.patient[s.entries[i].source.name] }

// Example implements [training.Set].
func (s *heldOut) Example(ctx context.Context, i int) (*training.Example, error) {
	if i < 0 || i >= len(s.entries) {
		return nil, fmt.Errorf("dataset: there is no validation exam %d of %d", i, len(s.entries))
	}
	return s.d.load(ctx, s.entries[i])
}

// load returns an exam's example: from memory, from the cache, or, where the cached file is damaged or gone,
// prepared anew from files that must still be those of [Open].
func (d *Dataset) load(ctx context.Context, e *entry) (*training.Example, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if x := d.memory.get(e.id()); x != nil {
		return x, nil
	}
	x, _, err := d.read(e)
	if err == nil {
		d.memory.put(e.id(), x)
		return x, nil
	}
	p, err := d.options.prints(ctx, e.source)
	if err != nil {
		return nil, err
	}
	if p != e.prints {
		return nil, bad(e.source.name, errors.New("its files have changed since the data were opened; start again"))
	}
	d.note(e.source.name, "its prepared copy was damaged or gone and has been made anew")
	if x, _, err = d.make(ctx, e.source); err != nil {
		return nil, err
	}
	if err := d.write(e, x); err != nil {
		return nil, err
	}
	d.memory.put(e.id(), x)
	return x, nil
}
