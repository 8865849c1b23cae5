package trainer

import (
	"context"
	"sync"
)

// Control pauses a run between two steps. The zero value runs. Safe for concurrent use.
type Control struct {
	mu     sync.Mutex
	resume chan struct{} // closed by Resume; nil while running
}

// Pause makes the run wait after the step it is in.
func (c *Control) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resume == nil {
		c.resume = make(chan struct{})
	}
}

// Resume lets a paused run go on.
func (c *Control) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resume != nil {
		close(c.resume)
		c.resume = nil
	}
}

// Paused says whether the run waits, or will after its step.
func (c *Control) Paused() bool { return c.gate() != nil }

// gate is closed when the run may go on; nil while it may.
func (c *Control) gate() <-chan struct{} {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resume == nil {
		return nil
	}
	return c.resume
}

// wait returns when the run may go on, telling when it starts and stops to wait.
func (c *Control) wait(ctx context.Context, tell func(Kind) error) error {
	gate := c.gate()
	if gate == nil {
		return nil
	}
	if err := tell(PausedKind); err != nil {
		return err
	}
	select {
	case <-gate:
		return tell(Continued)
	case <-ctx.Done():
		return ctx.Err()
	}
}
