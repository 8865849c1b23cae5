package render

import (
	"context"
	"image"
	"sync"
)

// Result is what became of a request to [Latest].
type Result struct {
	Generation uint64      // as [Latest.Submit] returned it
	Scene      Scene       // as submitted
	Image      *image.RGBA // nil where Err is not
	Err        error
}

// Latest draws the newest request of one viewport on a worker of its own: a request that comes while
// another waits replaces it. Results come in the order of their generations and none comes twice, so
// a finished picture is always newer than the one on screen, also while requests keep coming faster
// than they can be drawn. Several viewports may share a renderer. The zero value is not usable.
type Latest struct {
	renderer Renderer
	deliver  func(Result)
	wake     chan struct{} // capacity 1; nil in the synchronous mode
	done     chan struct{} // closed when the worker has ended

	mu         sync.Mutex
	generation uint64
	pending    *request
	cancel     context.CancelFunc // of the request being drawn, or nil
	closed     bool
}

type request struct {
	generation uint64
	scene      Scene
	w, h       int
}

// NewLatest starts the worker. deliver is called on it, one call at a time, and must return at once
// (a viewer hands the result to its own goroutine). Call [Latest.Close] to end the worker; the
// renderer stays the caller's.
func NewLatest(r Renderer, deliver func(Result)) *Latest {
	l := &Latest{renderer: r, deliver: deliver, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.work()
	return l
}

// NewLatestSync returns a Latest without a worker, for tests: Submit draws and delivers on the
// caller's goroutine before it returns.
func NewLatestSync(r Renderer, deliver func(Result)) *Latest {
	return &Latest{renderer: r, deliver: deliver}
}

// Submit asks for a picture of w×h device pixels and returns the request's generation, which starts at
// 1 and grows by one. After Close it does nothing and returns 0.
func (l *Latest) Submit(scene Scene, w, h int) uint64 {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return 0
	}
	l.generation++
	req := &request{generation: l.generation, scene: scene, w: w, h: h}
	l.pending = req
	if l.wake == nil {
		l.mu.Unlock()
		l.drawPending()
		return req.generation
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	l.mu.Unlock()
	return req.generation
}

// Generation returns the newest generation handed out; a result of a lower one is out of date.
func (l *Latest) Generation() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.generation
}

// Discard forgets the waiting request and cancels the one being drawn; neither is delivered, unless its
// delivery has already begun. Use it when what was asked for must not appear any more.
func (l *Latest) Discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = nil
	if l.cancel != nil {
		l.cancel()
	}
}

// Close discards what is under way, waits for the worker and may be repeated. It must not be called
// from deliver.
func (l *Latest) Close() {
	l.Discard()
	l.mu.Lock()
	if l.wake != nil && !l.closed {
		close(l.wake)
	}
	l.closed, l.pending = true, nil
	l.mu.Unlock()
	if l.wake != nil {
		<-l.done
	}
}

func (l *Latest) work() {
	defer close(l.done)
	for range l.wake {
		l.drawPending()
	}
}

// drawPending draws and delivers the waiting request, if there is one.
func (l *Latest) drawPending() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l.mu.Lock()
	req := l.pending
	if req == nil {
		l.mu.Unlock()
		return
	}
	l.pending, l.cancel = nil, cancel
	l.mu.Unlock()
	img, err := l.renderer.Render(ctx, req.scene, req.w, req.h)
	l.mu.Lock()
	l.cancel = nil
	discarded := ctx.Err() != nil
	l.mu.Unlock()
	if !discarded {
		l.deliver(Result{Generation: req.generation, Scene: req.scene, Image: img, Err: err})
	}
}
