package viewer

import (
	"context"
	"image"
	"sync"

	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// request asks for the picture of one viewport, in device pixels.
type request struct {
	view  int
	scene render.Scene
	w, h  int
}

// drawn is what became of a request.
type drawn struct {
	view  int
	image *image.RGBA // nil where err is not
	err   error
}

// painter draws for all viewports on a goroutine of its own. What was asked for together is delivered
// together, so that the window, whose repainting costs as much as a picture, repaints once a scroll
// step instead of once a viewport. A request that still waits is replaced by a newer one for the same
// viewport; pictures under way are finished and shown, so that a fast scroll never stands still. The
// next ones are begun when these are shown, so that none is drawn that a busy window cannot show.
type painter struct {
	renderer render.Renderer
	deliver  func(context.Context, []drawn) // on the painter's goroutine; returns when they are shown
	cancel   context.CancelFunc
	wake     chan struct{} // capacity 1
	done     chan struct{}

	mu      sync.Mutex
	waiting [viewstate.ViewportCount]*request
	asked   uint64 // batches that were submitted
	drawn   uint64 // the newest of them that was delivered
}

// newPainter starts the goroutine; stop ends it. The renderer stays the caller's.
func newPainter(ctx context.Context, r render.Renderer, deliver func(context.Context, []drawn)) *painter {
	ctx, cancel := context.WithCancel(ctx)
	p := &painter{renderer: r, deliver: deliver, cancel: cancel, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go p.work(ctx)
	return p
}

// submit asks for pictures. It never blocks.
func (p *painter) submit(batch []request) {
	if len(batch) == 0 {
		return
	}
	p.mu.Lock()
	for i := range batch {
		p.waiting[batch[i].view] = &batch[i]
	}
	p.asked++
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// idle reports whether everything that was asked for has been delivered.
func (p *painter) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drawn == p.asked
}

// stop ends the goroutine and waits for it.
func (p *painter) stop() {
	p.cancel()
	<-p.done
}

func (p *painter) work(ctx context.Context) {
	defer close(p.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		p.mu.Lock()
		batch, number := p.waiting, p.asked
		p.waiting = [viewstate.ViewportCount]*request{}
		p.mu.Unlock()
		var out []drawn
		for _, r := range batch {
			if r == nil {
				continue
			}
			img, err := p.renderer.Render(ctx, r.scene, r.w, r.h)
			if ctx.Err() != nil {
				return
			}
			out = append(out, drawn{r.view, img, err})
		}
		p.deliver(ctx, out)
		p.mu.Lock()
		p.drawn = number
		p.mu.Unlock()
	}
}
