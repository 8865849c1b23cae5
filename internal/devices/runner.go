package devices

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
)

// Runner is a graph that is opened on a device. Where the device fails in the middle of a run, the run is repeated elsewhere
// with the same inputs: another device takes over on the CPU, and where memory ran out, sparing of it comes before. It never
// happens unseen: see [Runner.Moved]. Safe for concurrent use.
type Runner struct {
	set   *Set
	graph *graph.Graph // as it was given
	use   Use

	mu     sync.Mutex // never held during a run
	now    Session    // nil where it could not be opened anywhere any more, or is closed
	place  place
	moves  []Move
	closed bool
}

// Move is a change of the device in the middle of the work.
type Move struct {
	From, To string // as [ort.Session.Device] has it
	Why      string // what the device said
	Memory   bool   // memory ran out
}

// String is the move as a sentence without its full stop.
func (m Move) String() string {
	if m.Memory {
		return fmt.Sprintf("%s has not enough memory (%s), so that %s takes over; close other programs or choose a smaller model to use it again", m.From, m.Why, m.To)
	}
	return fmt.Sprintf("%s failed (%s), so that %s takes over; choose the device again, or restart the program, to use it again", m.From, m.Why, m.To)
}

// Choice returns where the graph runs now.
func (r *Runner) Choice() Choice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.place.Choice
}

// Device says what runs the graph now, as [ort.Session.Device].
func (r *Runner) Device() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.device()
}

// device is Device with r.mu held.
func (r *Runner) device() string {
	switch {
	case r.now == nil:
		return r.place.Provider.Label()
	case r.place.frugal:
		return r.now.Device() + ", sparing memory"
	}
	return r.now.Device()
}

// Fallbacks names the operators that run on the CPU although another device is used, as [ort.Session.Fallbacks].
func (r *Runner) Fallbacks() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil {
		return nil
	}
	return r.now.Fallbacks()
}

// Moved returns how often the device has changed so far, and the last change: the devices, and a sentence without its full stop.
func (r *Runner) Moved() (times int, from, to, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.moves) == 0 {
		return 0, "", "", ""
	}
	last := r.moves[len(r.moves)-1]
	return len(r.moves), last.From, last.To, last.String()
}

// Run runs the graph, as [ort.Session.Run] does. It fails only where no device that is left can.
func (r *Runner) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	for {
		r.mu.Lock()
		s, turn := r.now, len(r.moves)
		r.mu.Unlock()
		if s == nil {
			return nil, ort.ErrClosed
		}
		out, err := s.Run(ctx, in)
		if err == nil || ctx.Err() != nil {
			return out, err
		}
		if err := r.moveOn(ctx, turn, err); err != nil {
			return nil, err
		}
	}
}

// moveOn goes on elsewhere after a run failed that began after so many moves; nil where the run may be tried again.
func (r *Runner) moveOn(ctx context.Context, turn int, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return err
	case len(r.moves) != turn: // another run has found out before
		return nil
	case !errors.Is(err, ort.ErrRun):
		return err
	}
	return r.move(ctx, err)
}

// move opens the graph at the next place that is left after a failure, or returns the failure. r.mu is held.
func (r *Runner) move(ctx context.Context, failure error) error {
	memory := errors.Is(failure, ort.ErrMemory)
	from := r.device()
	if r.place.Provider != ort.CPU && !memory {
		r.set.lose(r.place.Provider, short(failure))
	}
	for {
		next, ok := refuge(r.place, r.use, memory)
		if !ok {
			if memory && r.place.frugal {
				return fmt.Errorf("%w (sparing memory did not help)", failure)
			}
			return failure
		}
		if r.now != nil {
			if err := r.now.Close(); err != nil { // its memory is needed
				return errors.Join(failure, err)
			}
			r.now = nil
		}
		debug.FreeOSMemory()
		ort.GiveBack()
		r.place = next
		s, err := r.set.open(ctx, r.graph, r.use, next)
		if err == nil {
			r.now = s
			r.moves = append(r.moves, Move{From: from, To: r.device(), Why: short(failure), Memory: memory})
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failure, memory = err, errors.Is(err, ort.ErrMemory)
	}
}

// refuge is the place to try after a failure here; false where there is none.
func refuge(p place, u Use, memory bool) (place, bool) {
	switch {
	case p.Provider == ort.CPU && (p.frugal || !memory):
		return p, false
	case p.Provider == ort.CPU:
		return place{u.cpu(), true}, true
	case p.Provider == ort.CUDA && memory && !p.frugal: // the only one that can be told to take less
		return place{p.Choice, true}, true
	}
	return place{u.cpu(), false}, true
}

// short is what a device said, without what the runtime adds for users.
func short(err error) string {
	text := err.Error()
	for _, sentinel := range []error{ort.ErrProvider, ort.ErrRun, ort.ErrMemory} { // in the order in which they are wrapped
		text = strings.TrimPrefix(strings.TrimPrefix(text, sentinel.Error()), ": ")
	}
	if _, after, ok := strings.Cut(text, "): "); ok && strings.HasPrefix(text, " on ") {
		text = after
	}
	text, _, _ = strings.Cut(text, "; ")
	return strings.TrimSpace(text)
}

// Close frees the graph, as [ort.Session.Close] does.
func (r *Runner) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.now == nil {
		return nil
	}
	err := r.now.Close()
	r.now = nil
	return err
}
