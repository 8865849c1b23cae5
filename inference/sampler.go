package inference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bayeslice/internal/metrics"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
)

// DefaultSamples is the paper's number of Monte-Carlo executions.
const DefaultSamples = 100

// DefaultStoreBytes limits the memory of a [SampleStore] (256 MiB): enough for 100 samples of the
// paper's whole grid with three classes.
const DefaultStoreBytes = 256 << 20

// ErrInput marks a prepared exam that does not fit the model.
var ErrInput = errors.New("inference: the exam was not prepared for this model")

// Sampler draws Monte-Carlo samples of a model. Model must be set; the zero value of everything
// else is usable. The same seed gives the same noise everywhere, and on the same device with the
// same number of threads the same result bit by bit, whatever else is set here; other devices differ
// by rounding.
type Sampler struct {
	Model         *Model
	Samples       int                // 0 is [DefaultSamples]
	Seed          uint64             // of the noise
	Convergence   *Convergence       // nil draws all samples; else sampling also ends when it holds
	SnapshotEvery time.Duration      // least time between snapshots; the first comes after the first sample
	Clock         func() time.Time   // for SnapshotEvery and SecondsPerSample; nil: a snapshot after every sample, no times
	StoreBytes    int64              // limit of the [SampleStore]; 0 is [DefaultStoreBytes], negative keeps no samples
	Lesions       metrics.LesionRule // zero is [metrics.PICAIRule]
	Progress      func(Progress)     // called on Run's goroutine before the first and after each sample; may be nil
}

// Progress says how far sampling is.
type Progress struct {
	Sample, Of       int     // drawn, and asked for
	SecondsPerSample float64 // mean so far; 0 while not known
}

// Run samples the model on a prepared exam. on, which may be nil, receives immutable snapshots on
// Run's goroutine and must return at once. It ends with all samples, on convergence, or when ctx
// ends: then the samples drawn so far are returned with Stop == [Cancelled] and no error, or
// ctx.Err() where there are none. Other errors: [ErrInput], [ErrOutput], and those of the runner;
// where samples were drawn before one failed, they are returned with the error and Stop == [Failed].
func (s *Sampler) Run(ctx context.Context, p *prep.Prepared, on func(*Prediction)) (*Prediction, error) {
	r, err := s.begin(p, on)
	if err != nil {
		return nil, err
	}
	r.tell()
	r.moved, _ = s.Model.moved()
	carried, err := s.Model.prepare(ctx, p.Input)
	if err != nil {
		return nil, err
	}
	r.watch(1)
	stop, err := r.draw(ctx, carried)
	if err != nil && r.stats.N() == 0 {
		return nil, err
	}
	result, failed := r.result(stop)
	return result, errors.Join(err, failed)
}

// begin checks the input and sets up a run.
func (s *Sampler) begin(p *prep.Prepared, on func(*Prediction)) (*run, error) {
	if p == nil || p.Input == nil || p.Input.Type != tensor.Float32 || !slices.Equal(p.Input.Shape, s.Model.inputShape()) ||
		p.Grid.Size != s.Model.card.Recipe.Size {
		return nil, fmt.Errorf("%w: prepare it again with the model's own recipe (input %v)", ErrInput, s.Model.inputShape())
	}
	card := s.Model.card
	r := &run{Sampler: *s, exam: p, on: on, noise: NewNoise(card, s.Seed), stats: NewStats(len(card.Classes), p.Grid.Voxels()),
		volumes: newVolumes(card.Classes, p.Grid.VoxelVolume()), limits: DefaultConvergence()}
	if r.Samples <= 0 {
		r.Samples = DefaultSamples
	}
	if len(card.Noise) == 0 {
		r.Samples = 1 // every sample would be the same
	}
	if r.StoreBytes == 0 {
		r.StoreBytes = DefaultStoreBytes
	}
	if r.Lesions == (metrics.LesionRule{}) {
		r.Lesions = metrics.PICAIRule()
	}
	if s.Convergence != nil && *s.Convergence != (Convergence{}) {
		r.limits = *s.Convergence
	}
	r.labels.window, r.labels.least = r.limits.Window, int(SmallZoneML*1000/p.Grid.VoxelVolume())
	r.recorder = recorder{grid: p.Grid, classes: len(card.Classes), wanted: r.Samples, limit: max(r.StoreBytes, 0)}
	return r, nil
}

// draw takes samples until there is a reason to stop.
func (r *run) draw(ctx context.Context, carried map[string]*tensor.Tensor) (StopReason, error) {
	if r.Clock != nil {
		r.started = r.Clock()
	}
	ahead := newLookahead(r.noise, r.Samples)
	defer ahead.wait()
	for r.stats.N() < r.Samples {
		err := r.one(ctx, carried, ahead)
		switch {
		case ctx.Err() != nil && err != nil && r.stats.N() > 0:
			return Cancelled, nil
		case ctx.Err() != nil && err != nil:
			return Cancelled, ctx.Err()
		case err != nil:
			return Failed, fmt.Errorf("inference: sample %d of %d: %w", r.stats.N()+1, r.Samples, err)
		}
		r.tell()
		if r.converged() {
			return Converged, nil
		}
		if err := r.snapshot(); err != nil {
			return Failed, err
		}
	}
	return Completed, nil
}

// one draws a sample and takes it into the statistics.
func (r *run) one(ctx context.Context, carried map[string]*tensor.Tensor, ahead *lookahead) error {
	noise, err := ahead.next()
	if err != nil {
		return err
	}
	p, err := r.Model.sample(ctx, carried, noise)
	if err != nil {
		return err
	}
	r.watch(r.stats.N() + 1)
	return r.add(p)
}

// lookahead draws the noise of the next sample while the present one is computed.
type lookahead struct {
	noise   *Noise
	buffers [2]map[string]*tensor.Tensor
	sample  int // that next will return
	samples int
	done    chan error // of the fill under way
}

func newLookahead(noise *Noise, samples int) *lookahead {
	l := &lookahead{noise: noise, samples: samples, buffers: [2]map[string]*tensor.Tensor{noise.Tensors(), noise.Tensors()}}
	l.fill()
	return l
}

// fill starts to draw the sample that next will return.
func (l *lookahead) fill() {
	done := make(chan error, 1)
	sample, into := l.sample, l.buffers[l.sample%2]
	l.done = done
	go func() { done <- l.noise.Fill(sample, into) }()
}

// next returns the noise of the next sample. It is valid until the next but one call.
func (l *lookahead) next() (map[string]*tensor.Tensor, error) {
	if err := <-l.done; err != nil {
		l.done = nil
		return nil, err
	}
	l.done = nil
	ready := l.buffers[l.sample%2]
	if l.sample++; l.sample < l.samples {
		l.fill()
	}
	return ready, nil
}

// wait ends the last fill's goroutine.
func (l *lookahead) wait() {
	if l.done != nil {
		<-l.done //nolint:errcheck // the run is over; nobody needs this sample
		l.done = nil
	}
}
