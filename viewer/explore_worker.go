package viewer

import (
	"context"
	"sync"

	"bayeslice/viewer/viewstate/explore"
)

// worker does works on a goroutine of its own, one at a time. A later work of a kind replaces one that waits and
// cancels one that is being done, so that a slider that moves faster than its figures never lags behind.
type worker struct {
	ctx context.Context //nolint:containedctx // the life of the window's work
	do  func(func())
	wg  *works

	mu      sync.Mutex
	waiting []*task
	doing   *task // nil while the goroutine rests
}

var _ explore.Worker = (*worker)(nil)

// task is a work with its kind and its own end.
type task struct {
	kind   string
	work   func(context.Context) func()
	ctx    context.Context //nolint:containedctx // ends when the task is replaced
	cancel context.CancelFunc
}

// newWorker returns a worker that ends with ctx; do runs a function on the window's goroutine.
func newWorker(ctx context.Context, do func(func()), wg *works) *worker {
	return &worker{ctx: ctx, do: do, wg: wg}
}

// Submit implements [explore.Worker]. It never blocks.
func (w *worker) Submit(kind string, work func(context.Context) func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	t := &task{kind, work, ctx, cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.doing != nil && w.doing.kind == kind {
		w.doing.cancel()
	}
	for i, other := range w.waiting {
		if other.kind == kind {
			other.cancel()
			w.waiting[i] = t
			return
		}
	}
	w.waiting = append(w.waiting, t)
	if w.doing == nil {
		w.next()
		w.wg.Go(w.run)
	}
}

// next takes the first waiting task; w.mu is held.
func (w *worker) next() {
	w.doing = nil
	if len(w.waiting) > 0 {
		w.doing, w.waiting = w.waiting[0], w.waiting[1:]
	}
}

// run does tasks until none waits.
func (w *worker) run() {
	for {
		w.mu.Lock()
		t := w.doing
		w.mu.Unlock()
		if t == nil {
			return
		}
		if t.ctx.Err() == nil {
			if done := t.work(t.ctx); done != nil {
				w.do(done)
			}
		}
		t.cancel()
		w.mu.Lock()
		w.next()
		w.mu.Unlock()
	}
}

// idle reports whether nothing waits or is being done.
func (w *worker) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.doing == nil
}
