// Package devices decides which device of this machine runs a graph, and in which lowering, by measuring; and keeps a run
// going where a device fails or runs out of memory in the middle of it, in the open. The user's choice of a device wins over
// every measurement. How a graph is run is ort's.
package devices

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
)

// Session is an opened graph, as [ort.Session] is.
type Session interface {
	Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error)
	Device() string
	Fallbacks() []string
	Close() error
}

// Choice is where and how a graph runs.
type Choice struct {
	Provider ort.Provider     `json:"provider"`
	Lowering rewrite.Lowering `json:"lowering"`
}

// String names a choice for people: "WebGPU", "WebGPU with convolutions as slices".
func (c Choice) String() string {
	if c.Lowering == rewrite.Volumes || c.Lowering == "" || c.Provider == ort.CPU {
		return c.Provider.Label()
	}
	return fmt.Sprintf("%s with convolutions as %s", c.Provider.Label(), c.Lowering)
}

// Options are what a [Set] is made with; the zero value measures nothing.
type Options struct {
	Folder   string           // where measurements are kept between sessions; "" keeps them in memory
	Clock    func() time.Time // for measuring; nil measures nothing: the automatic choice is then the CPU
	Progress func(Progress)   // told before each candidate that is measured, on the goroutine of Open; may be nil
	Fresh    bool             // measure again what was measured in earlier sessions

	// CPULowering is the lowering on the CPU of graphs that come to [Set.Open]; "" leaves them as they are. It is not measured, so
	// that results on the CPU are the same bit by bit.
	CPULowering rewrite.Lowering

	// What the machine offers; tests put others here. Nil takes the runtime's.
	Open      func(ctx context.Context, onnx []byte, o ort.SessionOptions) (Session, error)
	Available func(ort.Provider) error
	Machine   []string // facts on which measurements depend; nil asks the machine
}

// Progress says which candidate is being measured.
type Progress struct {
	Trying   Choice
	Done, Of int // candidates
}

// Set opens graphs on the devices of this machine. Safe for concurrent use; one graph is measured at a time.
type Set struct {
	env     *ort.Env
	o       Options
	measure sync.Mutex    // held while measuring
	ready   time.Duration // readyWithin; tests are less patient

	mu        sync.Mutex
	available map[ort.Provider]error
	lost      map[ort.Provider]string // providers that failed in this process, and why
	tables    map[string]*Table       // by digest of the graph
}

// New returns the devices of env.
func New(env *ort.Env, o Options) *Set {
	if o.Open == nil {
		o.Open = func(ctx context.Context, onnx []byte, so ort.SessionOptions) (Session, error) {
			s, err := env.NewSessionContext(ctx, onnx, so)
			if err != nil {
				return nil, err // a nil *ort.Session in the interface would not be nil
			}
			return s, nil
		}
	}
	if o.Available == nil {
		o.Available = env.Available
	}
	return &Set{env: env, o: o, ready: readyWithin, available: map[ort.Provider]error{}, lost: map[ort.Provider]string{}, tables: map[string]*Table{}}
}

// Env returns the runtime.
func (s *Set) Env() *ort.Env { return s.env }

// Open opens the bytes of an ONNX file on the device asked for, or where none is, on the one that runs this graph fastest: what
// can be opened is measured, once for each graph and machine, unless only the CPU can. The bytes are kept, since another device may
// have to take over. It fails with [ort.ErrProvider] where the device asked for cannot be used, and as [ort.Env.NewSession].
func (s *Set) Open(ctx context.Context, onnx []byte, o ort.SessionOptions) (*Runner, error) {
	asked := s.asked(o)
	if asked == ort.CPU {
		return s.OpenAs(ctx, onnx, o, s.onCPU())
	}
	candidates, err := s.candidates(asked)
	if err != nil {
		return nil, err
	}
	switch {
	case len(candidates) == 1 || s.o.Clock == nil && asked == ort.Auto:
		return s.OpenAs(ctx, onnx, o, s.onCPU())
	case s.o.Clock == nil:
		return s.OpenAs(ctx, onnx, o, candidates[1])
	}
	choice, err := s.choose(ctx, onnx, o, asked, candidates)
	if err != nil {
		return nil, err
	}
	r, err := s.OpenAs(ctx, onnx, o, choice)
	if err != nil && asked == ort.Auto && choice.Provider != ort.CPU && ctx.Err() == nil { // it could be opened when it was measured
		return s.instead(ctx, onnx, o, choice, err)
	}
	return r, err
}

// OpenAs opens the bytes of an ONNX file on a given device; the zero choice is [Set.Open]'s. It fails as [Set.Open] does; want of
// memory on another device than the CPU makes the CPU take over, which [Runner.Moved] tells.
func (s *Set) OpenAs(ctx context.Context, onnx []byte, o ort.SessionOptions, c Choice) (*Runner, error) {
	if c.Provider == "" || c.Provider == ort.Auto {
		return s.Open(ctx, onnx, o)
	}
	r := &Runner{set: s, plain: bytes.Clone(onnx), o: o, place: place{Choice: c}}
	var err error
	if r.now, err = s.open(ctx, r.plain, o, r.place); err == nil {
		return r, nil
	}
	if errors.Is(err, ort.ErrMemory) && ctx.Err() == nil {
		if moved := r.move(ctx, err); moved == nil {
			return r, nil
		}
	}
	return nil, err
}

// instead opens a graph on the CPU where the device that was measured fastest cannot be opened any more, which it tells.
func (s *Set) instead(ctx context.Context, onnx []byte, o ort.SessionOptions, c Choice, why error) (*Runner, error) {
	s.lose(c.Provider, why.Error())
	r, err := s.OpenAs(ctx, onnx, o, s.onCPU())
	if err != nil {
		return nil, err
	}
	r.moves = append(r.moves, Move{From: c.Provider.Label(), To: r.now.Device(), Why: short(why)})
	return r, nil
}

// asked is the provider that the options, else the environment, ask for.
func (s *Set) asked(o ort.SessionOptions) ort.Provider {
	p := o.Provider
	if p == "" && s.env != nil {
		p = s.env.Provider()
	}
	if p == "" {
		p = ort.Auto
	}
	return p
}

// onCPU is the CPU's choice.
func (s *Set) onCPU() Choice {
	return Choice{ort.CPU, cmp.Or(s.o.CPULowering, rewrite.Volumes)}
}

// onDevices are the lowerings that may pay on other devices than the CPU.
var onDevices = []rewrite.Lowering{rewrite.Volumes, rewrite.Slices}

// OnlyCPU reports whether the options leave no choice but the CPU: it is asked for, or nothing else can be used here.
func (s *Set) OnlyCPU(o ort.SessionOptions) bool {
	asked := s.asked(o)
	if asked == ort.CPU || (asked == ort.Auto && s.o.Clock == nil) {
		return true
	}
	candidates, err := s.candidates(asked)
	return err == nil && len(candidates) == 1
}

// candidates lists what is compared for a provider asked for: the CPU, against which numbers are checked, and the lowerings on the
// provider, or for the automatic choice on every one that can be used here. It fails with [ort.ErrProvider].
func (s *Set) candidates(asked ort.Provider) ([]Choice, error) {
	out := []Choice{s.onCPU()}
	for _, p := range ort.Providers() {
		if p == ort.Auto || p == ort.CPU || (asked != ort.Auto && asked != p) {
			continue
		}
		if err := s.usable(p, asked == ort.Auto); err != nil {
			if asked == p {
				return nil, err
			}
			continue
		}
		for _, l := range onDevices {
			out = append(out, Choice{p, l})
		}
	}
	return out, nil
}

// usable says why a provider cannot be used, or nil. Where it is not asked for, one that failed before is not tried again.
func (s *Set) usable(p ort.Provider, automatic bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if why, ok := s.lost[p]; ok && automatic {
		return fmt.Errorf("%w: %s failed before: %s", ort.ErrProvider, p.Label(), why)
	}
	err, known := s.available[p]
	if !known {
		err = s.o.Available(p)
		s.available[p] = err
	}
	return err
}

// lose remembers that a provider failed.
func (s *Set) lose(p ort.Provider, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[p] = why
}

// Lost returns the providers that failed in this process, and why.
func (s *Set) Lost() map[ort.Provider]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.lost)
}

// place is a choice, with or without sparing memory.
type place struct {
	Choice
	frugal bool
}

// open lowers a graph and opens it.
func (s *Set) open(ctx context.Context, onnx []byte, o ort.SessionOptions, p place) (Session, error) {
	if p.frugal && p.Provider == ort.CPU {
		p.Lowering = rewrite.Volumes // the others hold larger tensors
	}
	if p.Lowering != rewrite.Volumes && p.Lowering != "" {
		g, err := graph.Decode(bytes.NewReader(onnx))
		if err != nil {
			return nil, fmt.Errorf("devices: %w", err)
		}
		if onnx, err = lowered(g, p.Lowering); err != nil {
			return nil, err
		}
	}
	o.Provider, o.Frugal = p.Provider, o.Frugal || p.frugal
	return s.o.Open(ctx, onnx, o)
}

// lowered encodes a graph in a lowering.
func lowered(g *graph.Graph, l rewrite.Lowering) ([]byte, error) {
	g, err := rewrite.Lower(g, l)
	if err != nil {
		return nil, fmt.Errorf("devices: %w", err)
	}
	var b bytes.Buffer
	if err := g.Encode(&b); err != nil {
		return nil, fmt.Errorf("devices: %w", err)
	}
	return b.Bytes(), nil
}

// Tables returns what was measured in this process or read from the folder, in no order.
func (s *Set) Tables() []Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Table
	for _, t := range s.tables {
		c := *t
		c.Measured = slices.Clone(t.Measured)
		out = append(out, c)
	}
	return out
}
