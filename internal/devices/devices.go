// Package devices decides which device of this machine runs a graph, and in which lowering, by measuring; and keeps a run
// going where a device fails or runs out of memory in the middle of it, in the open. The user's choice of a device wins over
// every measurement. How a graph is run is ort's.
package devices

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"bayeslice/internal/machine"
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
	Folder string           // where measurements are kept between sessions; "" keeps them in memory
	Clock  func() time.Time // for measuring; nil measures nothing: the automatic choice is then the CPU
	Fresh  bool             // measure again what was measured in earlier sessions
	Ready  time.Duration    // what a device has at least to be ready for a graph, in which drivers compile their programs; 0 is a minute

	// What the machine offers; tests put others here. Nil takes the runtime's.
	Open      func(ctx context.Context, onnx []byte, o ort.SessionOptions) (Session, error)
	Available func(ort.Provider) error
	Machine   []string // facts on which measurements depend; nil asks the machine
	// FreeMemory is how much memory is free, bytes, 0 where that is not known.
	FreeMemory func() int64
}

// Use says how a graph is to be opened. The zero value takes the runtime's provider and threads.
type Use struct {
	Session ort.SessionOptions
	// OnCPU is the lowering on the CPU; "" leaves graphs as they are. It is not measured, so that results on the CPU are the same
	// bit by bit. Where it asks for more memory than the machine has, the graph stays as it is.
	OnCPU    rewrite.Lowering
	Progress func(Progress) // told before each candidate that is measured, on the goroutine of [Set.Open]; may be nil
}

// cpu is the CPU's choice.
func (u Use) cpu() Choice { return Choice{ort.CPU, cmp.Or(u.OnCPU, rewrite.Volumes)} }

// Progress says which candidate is being measured.
type Progress struct {
	Trying   Choice
	Done, Of int // candidates
}

// Set opens graphs on the devices of this machine. Safe for concurrent use; one graph is measured at a time.
type Set struct {
	env     *ort.Env
	o       Options
	measure sync.Mutex // held while measuring

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
	if o.FreeMemory == nil {
		o.FreeMemory = machine.Free
	}
	o.Ready = cmp.Or(o.Ready, readyWithin)
	return &Set{env: env, o: o, available: map[ort.Provider]error{}, lost: map[ort.Provider]string{}, tables: map[string]*Table{}}
}

// Env returns the runtime.
func (s *Set) Env() *ort.Env { return s.env }

// Open opens a graph on the device asked for, or where none is, on the one that runs it fastest: what can be opened is measured,
// once for each graph and machine, unless only the CPU can. The graph is kept, since another device may have to take over. It fails
// with [ort.ErrProvider] where the device asked for cannot be used, and as [ort.Env.NewSession].
func (s *Set) Open(ctx context.Context, g *graph.Graph, u Use) (*Runner, error) {
	asked := s.Asked(u)
	candidates, err := s.candidates(asked, u)
	switch {
	case err != nil:
		return nil, err
	case len(candidates) == 1 || s.o.Clock == nil && asked == ort.Auto:
		return s.OpenAs(ctx, g, u, candidates[0])
	case s.o.Clock == nil:
		return s.OpenAs(ctx, g, u, candidates[1])
	}
	choice, err := s.choose(ctx, g, u, asked, candidates)
	if err != nil {
		if errors.Is(err, ort.ErrProvider) {
			s.lose(asked, short(err))
		}
		return nil, err
	}
	r, err := s.OpenAs(ctx, g, u, choice)
	if err != nil && asked == ort.Auto && choice.Provider != ort.CPU && ctx.Err() == nil { // it could be opened when it was measured
		return s.instead(ctx, g, u, choice, err)
	}
	return r, err
}

// OpenAs opens a graph on a given device; the zero choice is [Set.Open]'s. It fails as [Set.Open] does; want of memory on another
// device than the CPU makes the CPU take over, which [Runner.Moved] tells.
func (s *Set) OpenAs(ctx context.Context, g *graph.Graph, u Use, c Choice) (*Runner, error) {
	if c.Provider == "" || c.Provider == ort.Auto {
		return s.Open(ctx, g, u)
	}
	r := &Runner{set: s, graph: g.WithMetadata(nil), use: u, place: place{Choice: c}}
	var err error
	if r.now, err = s.open(ctx, r.graph, u, r.place); err == nil {
		return r, nil
	}
	if errors.Is(err, ort.ErrMemory) && ctx.Err() == nil {
		if err = r.move(ctx, err); err == nil {
			return r, nil
		}
	}
	return nil, err
}

// Try opens a graph of one operator on the provider that u asks for, on the CPU for the automatic choice, so that a user hears at once
// where it cannot be used. It fails as [Set.OpenAs] does.
func (s *Set) Try(ctx context.Context, u Use) error {
	g, err := graph.Build("device test", func(b *graph.Builder) {
		b.Output("y", b.Relu(b.Input("x", tensor.Float32, 1, 1, 4, 4, 4)))
	})
	if err != nil {
		return fmt.Errorf("devices: %w", err)
	}
	c := Choice{Provider: s.Asked(u), Lowering: rewrite.Volumes}
	if c.Provider == ort.Auto {
		c = u.cpu()
	}
	r, err := s.OpenAs(ctx, g, u, c)
	if err != nil {
		return err
	}
	return r.Close()
}

// instead opens a graph on the CPU where the device that was measured fastest cannot be opened any more, which it tells.
func (s *Set) instead(ctx context.Context, g *graph.Graph, u Use, c Choice, why error) (*Runner, error) {
	s.lose(c.Provider, why.Error())
	r, err := s.OpenAs(ctx, g, u, u.cpu())
	if err != nil {
		return nil, err
	}
	r.moves = append(r.moves, Move{From: c.Provider.Label(), To: r.now.Device(), Why: short(why)})
	return r, nil
}

// Asked is the provider that u, else the environment, asks for.
func (s *Set) Asked(u Use) ort.Provider {
	p := u.Session.Provider
	if p == "" && s.env != nil {
		p = s.env.Provider()
	}
	return cmp.Or(p, ort.Auto)
}

// onDevices are the lowerings that may pay on other devices than the CPU.
var onDevices = []rewrite.Lowering{rewrite.Volumes, rewrite.Slices}

// candidates lists what is compared for a provider asked for: the CPU, against which numbers are checked, and the lowerings on the
// provider, or for the automatic choice on every one that can be used here. It fails with [ort.ErrProvider].
func (s *Set) candidates(asked ort.Provider, u Use) ([]Choice, error) {
	out := []Choice{u.cpu()}
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

// Problem says why a provider cannot be used on this machine whatever the graph, as [ort.Env.Available]; nil where opening one will tell.
func (s *Set) Problem(p ort.Provider) error {
	if p == ort.CPU || p == ort.Auto {
		return nil
	}
	return s.usable(p, false)
}

// Usable returns the providers that can be used here as far as is known, the CPU first; those that failed or were refused are left out.
func (s *Set) Usable() []ort.Provider {
	out := []ort.Provider{ort.CPU}
	for _, p := range ort.Providers() {
		if p != ort.CPU && p != ort.Auto && s.usable(p, true) == nil {
			out = append(out, p)
		}
	}
	return out
}

// lose remembers that a provider failed.
func (s *Set) lose(p ort.Provider, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[p] = why
}

// Lost returns the providers that failed or were refused in this process, and why.
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
func (s *Set) open(ctx context.Context, g *graph.Graph, u Use, p place) (Session, error) {
	if p.frugal && p.Provider == ort.CPU {
		p.Lowering = rewrite.Volumes // the others hold larger tensors
	}
	low, err := lowered(g, p)
	if err != nil {
		return nil, err
	}
	if err := s.affordable(low, p); err != nil {
		return nil, err
	}
	onnx, err := low.EncodeBytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ort.ErrModel, err)
	}
	o := u.Session
	o.Provider, o.Frugal = p.Provider, o.Frugal || p.frugal
	return s.o.Open(ctx, onnx, o)
}

// affordable refuses, with [ort.ErrMemory], a graph on the CPU that needs more memory than is free: a system that promises more than it
// has ends the program when it is used, without a word.
func (s *Set) affordable(g *graph.Graph, p place) error {
	free := s.o.FreeMemory()
	if p.Provider != ort.CPU || free <= 0 {
		return nil
	}
	if need := g.Needs().Bytes; need > free {
		return fmt.Errorf("%w: it needs at least %d MB, and %d MB are free; close other programs, or choose a smaller model", ort.ErrMemory, need>>20, free>>20)
	}
	return nil
}

// lowered returns a graph in the lowering of a place; on the CPU as it is where the lowering needs more memory than there is.
func lowered(g *graph.Graph, p place) (*graph.Graph, error) {
	if p.Lowering == "" {
		return g, nil
	}
	low, err := rewrite.Lower(g, p.Lowering)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ort.ErrModel, err)
	}
	if most := machine.Total(); p.Provider == ort.CPU && most > 0 && low.Needs().Bytes > most {
		return g, nil
	}
	return low, nil
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
