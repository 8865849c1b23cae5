package trainer

import (
	"context"
	"sync"

	"bayeslice/training"
)

// ahead is how many examples are drawn while the present one is trained on.
const ahead = 2

// drawn is an example, or why there is none.
type drawn struct {
	example *training.Example
	err     error
}

// prefetch draws examples in order, a few at a time, while the network computes.
type prefetch struct {
	source  training.Source
	ctx     context.Context //nolint:containedctx // it lives as long as the one Train call that made it
	stop    context.CancelFunc
	next    uint64 // the next to be asked for
	waiting []chan drawn
	all     sync.WaitGroup
}

func newPrefetch(ctx context.Context, source training.Source, first uint64) *prefetch {
	p := &prefetch{source: source, next: first}
	p.ctx, p.stop = context.WithCancel(ctx)
	for range ahead {
		p.ask()
	}
	return p
}

func (p *prefetch) ask() {
	n, answer := p.next, make(chan drawn, 1)
	p.next++
	p.waiting = append(p.waiting, answer)
	p.all.Go(func() {
		e, err := p.source.Draw(p.ctx, n)
		answer <- drawn{e, err}
	})
}

// take returns the next example of the sequence.
func (p *prefetch) take(ctx context.Context) (*training.Example, error) {
	first := p.waiting[0]
	p.waiting = p.waiting[1:]
	p.ask()
	select {
	case d := <-first:
		return d.example, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close stops drawing and waits for what is under way.
func (p *prefetch) close() {
	p.stop()
	p.all.Wait()
}
