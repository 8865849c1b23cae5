package devices

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
)

// Bounds of a measurement.
const (
	readyWithin = 60 * time.Second // to open a graph and run it once
	readyTimes  = 10               // or so many times what the fastest candidate takes for a run, where that is longer
	timedRuns   = 3                // at most, after the first
	timedFor    = 2 * time.Second  // no further run begins after so long
	worthIt     = 0.9              // share of the CPU's time that another device must stay below to be chosen
	tolerance   = 1e-2             // relative difference of numbers from the CPU's, root of mean squares, of a device that computes
)

// Measurement is what came of one candidate.
type Measurement struct {
	Choice
	Seconds float64 `json:"seconds,omitempty"` // of the fastest run; 0 where there is none
	Ready   float64 `json:"ready,omitempty"`   // seconds to open the graph and run it once
	Device  string  `json:"device,omitempty"`  // as [ort.Session.Device]
	Problem string  `json:"problem,omitempty"` // why it cannot be chosen
}

// unfinished is the problem of a candidate while it is tried: if the program ends with it, it is not tried again.
const unfinished = "the program ended while it was tried"

// choose returns the fastest candidate, from the measurements that are known, else after making them.
func (s *Set) choose(ctx context.Context, g *graph.Graph, u Use, asked ort.Provider, candidates []Choice) (Choice, error) {
	s.measure.Lock()
	defer s.measure.Unlock()
	table := s.table(g, u)
	if missing := table.missing(candidates); len(missing) > 0 {
		if err := s.measureAll(ctx, table, g, u, missing); err != nil {
			return Choice{}, err
		}
	}
	best, ok := table.best(asked, candidates)
	if !ok {
		return Choice{}, table.refusal(asked)
	}
	return best, nil
}

// measureAll measures candidates after the CPU and adds them to the table, which is stored after each.
func (s *Set) measureAll(ctx context.Context, t *Table, g *graph.Graph, u Use, missing []Choice) error {
	trial := &trial{set: s, g: g, use: u, in: made(g)}
	all := []Choice{u.cpu()}
	for _, c := range missing {
		if c.Provider != ort.CPU {
			all = append(all, c)
		}
	}
	for i, c := range all {
		if u.Progress != nil {
			u.Progress(Progress{Trying: c, Done: i, Of: len(all)})
		}
		if c.Provider != ort.CPU {
			s.record(t, Measurement{Choice: c, Problem: unfinished})
		}
		m, err := trial.run(ctx, c)
		if ctx.Err() != nil {
			s.forget(t, c)
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		s.record(t, m)
	}
	return nil
}

// trial runs one graph on one device after the other.
type trial struct {
	set  *Set
	g    *graph.Graph
	use  Use
	in   map[string]*tensor.Tensor
	want map[string]*tensor.Tensor // the CPU's
	best float64                   // seconds of the fastest run so far
}

// run measures a candidate. Only the CPU's failure is an error: it is what everything falls back to.
func (t *trial) run(ctx context.Context, c Choice) (Measurement, error) {
	m := Measurement{Choice: c}
	limit := t.set.o.Ready
	if t.best > 0 {
		limit = max(limit, time.Duration(readyTimes*t.best*float64(time.Second)))
	}
	if c.Provider == ort.CPU {
		limit = 24 * time.Hour
	}
	ready, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := t.set.o.Clock()
	s, out, err := t.first(ready, c)
	switch {
	case err != nil && c.Provider == ort.CPU:
		return m, err
	case err != nil && errors.Is(ready.Err(), context.DeadlineExceeded):
		m.Problem = late(limit)
		return m, nil
	case err != nil:
		m.Problem = short(err)
		return m, nil
	}
	defer s.Close() //nolint:errcheck // it is measured by then
	m.Ready, m.Device = t.since(began), s.Device()
	if m.Ready > limit.Seconds() { // what a graphics card was given to do cannot be taken back: the run ended long after its context
		m.Problem = late(limit)
		return m, nil
	}
	if c.Provider == ort.CPU {
		t.want = out
	} else if off := worst(t.want, out); off > tolerance {
		m.Problem = fmt.Sprintf("it computes wrong numbers: they differ by %.2g of their size from the CPU's", off)
		return m, nil
	}
	m.Seconds, err = t.timed(ctx, s)
	if err != nil {
		m.Problem = short(err)
	}
	if m.Seconds > 0 && (t.best == 0 || m.Seconds < t.best) {
		t.best = m.Seconds
	}
	return m, nil
}

// late is the problem of a device that needs longer than a limit to be ready.
func late(limit time.Duration) string {
	return fmt.Sprintf("it was not ready after %.0f s", limit.Seconds())
}

// first opens a candidate and runs it once.
func (t *trial) first(ctx context.Context, c Choice) (Session, map[string]*tensor.Tensor, error) {
	s, err := t.set.open(ctx, t.g, t.use, place{Choice: c})
	if err != nil {
		return nil, nil, err
	}
	out, err := s.Run(ctx, t.in)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, out, nil
}

// errSlower is why a candidate is given up that takes longer than the fastest.
var errSlower = errors.New("it is slower")

// timed returns the seconds of the fastest of a few runs. One that takes twice as long as the fastest candidate is not waited for.
func (t *trial) timed(ctx context.Context, s Session) (float64, error) {
	best := math.Inf(1)
	all := t.set.o.Clock()
	for n := 0; n < timedRuns && (n == 0 || t.since(all) < timedFor.Seconds()); n++ {
		bounded, cancel := ctx, context.CancelFunc(func() {})
		if t.best > 0 {
			bounded, cancel = context.WithTimeout(ctx, time.Duration(2*t.best*float64(time.Second))+time.Second/10)
		}
		began := t.set.o.Clock()
		_, err := s.Run(bounded, t.in)
		slow := errors.Is(bounded.Err(), context.DeadlineExceeded)
		cancel()
		switch {
		case err != nil && slow && ctx.Err() == nil:
			return 0, errSlower
		case err != nil:
			return 0, err
		}
		best = min(best, t.since(began))
	}
	return best, nil
}

func (t *trial) since(began time.Time) float64 { return t.set.o.Clock().Sub(began).Seconds() }

// made draws inputs for a graph: small normal numbers, and bits. Their values hardly matter for time, and must not overflow.
func made(g *graph.Graph) map[string]*tensor.Tensor {
	rng := rand.New(rand.NewPCG(1, 1))
	in := map[string]*tensor.Tensor{}
	for _, n := range g.Inputs() {
		switch n.DType() {
		case tensor.Bool:
			t := tensor.NewBool(n.Shape()...)
			for i := range t.U8 {
				t.U8[i] = uint8(rng.Uint32() & 1)
			}
			in[n.Name()] = t
		case tensor.Int64:
			in[n.Name()] = tensor.FromInt64(make([]int64, tensor.Count(n.Shape())), n.Shape()...)
		default:
			t := tensor.NewFloat32(n.Shape()...)
			for i := range t.F32 {
				t.F32[i] = 0.1 * float32(rng.NormFloat64())
			}
			in[n.Name()] = t
		}
	}
	return in
}

// worst is the largest relative difference of an output from what it should be, root of mean squares. Outputs that are not
// finite where they should be finite are infinitely wrong; those that are zero or not finite on the CPU are passed over.
func worst(want, got map[string]*tensor.Tensor) float64 {
	largest := 0.0
	for name, w := range want {
		g := got[name]
		if g == nil || len(g.F32) != len(w.F32) {
			return math.Inf(1)
		}
		norm, off := 0.0, 0.0
		for i, v := range w.F32 {
			d := float64(v) - float64(g.F32[i])
			norm, off = norm+float64(v)*float64(v), off+d*d
		}
		switch {
		case norm == 0 || math.IsNaN(norm) || math.IsInf(norm, 0):
		case math.IsNaN(off):
			return math.Inf(1)
		default:
			largest = max(largest, math.Sqrt(off/norm))
		}
	}
	return largest
}
