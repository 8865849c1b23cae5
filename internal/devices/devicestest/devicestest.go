// Package devicestest is a machine with made-up devices, for tests: the numbers are those of ONNX Runtime's CPU, the times and the
// failures are made up. No program uses it.
package devicestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"bayeslice/internal/devices"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// Choices that tests name often. A graph on the CPU is in [rewrite.Volumes] here, whatever lowering was asked for.
var (
	CPU         = devices.Choice{Provider: ort.CPU, Lowering: rewrite.Volumes}
	GPU         = devices.Choice{Provider: ort.WebGPU, Lowering: rewrite.Volumes}
	GPUSlices   = devices.Choice{Provider: ort.WebGPU, Lowering: rewrite.Slices}
	CUDA        = devices.Choice{Provider: ort.CUDA, Lowering: rewrite.Volumes}
	CUDASlices  = devices.Choice{Provider: ort.CUDA, Lowering: rewrite.Slices}
	nowhereElse = []ort.Provider{ort.CUDA, ort.DirectML, ort.CoreML}
)

// Machine is the made-up machine: a CPU and a graphics card that WebGPU can use, unless Missing says otherwise. Its maps may be changed
// between runs, not during one.
type Machine struct {
	Env     *ort.Env
	Seconds map[devices.Choice]float64             // of a run, by the machine's clock
	Slow    map[devices.Choice]float64             // seconds that the first run of a session takes beside that
	Fail    map[devices.Choice]func(run int) error // what a run, counted from 1 for each session, fails with; [Hang] never ends
	Refuse  map[devices.Choice]error               // opening fails
	Wrong   map[devices.Choice]bool                // numbers are wrong
	Missing map[ort.Provider]bool                  // not available

	mu     sync.Mutex
	now    time.Time
	opened []Opened
	closed int
}

// Opened is a session that was asked for.
type Opened struct {
	devices.Choice
	Frugal bool
}

// New makes the machine, or skips the test where there is no ONNX Runtime.
func New(t testing.TB) *Machine {
	t.Helper()
	env, err := ort.Open(ort.Options{Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	m := &Machine{Env: env, now: time.Unix(0, 0), Seconds: map[devices.Choice]float64{}, Slow: map[devices.Choice]float64{}, Fail: map[devices.Choice]func(int) error{},
		Refuse: map[devices.Choice]error{}, Wrong: map[devices.Choice]bool{}, Missing: map[ort.Provider]bool{}}
	for _, p := range nowhereElse {
		m.Missing[p] = true
	}
	return m
}

// Options fills in what this machine offers, and its clock where o has none.
func (m *Machine) Options(o devices.Options) devices.Options {
	o.Open, o.Available = m.open, m.available
	if o.Clock == nil {
		o.Clock = func() time.Time {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.now
		}
	}
	if o.Machine == nil {
		o.Machine = []string{"a machine"}
	}
	return o
}

// Set makes the devices of this machine.
func (m *Machine) Set(o devices.Options) *devices.Set { return devices.New(m.Env, m.Options(o)) }

// Sessions returns the sessions that were asked for since it was last called, in order, and how many were closed ever.
func (m *Machine) Sessions() (opened []Opened, closed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	opened, m.opened = m.opened, nil
	return opened, m.closed
}

func (m *Machine) available(p ort.Provider) error {
	if m.Missing[p] {
		return fmt.Errorf("%w: %s is not in this library", ort.ErrProvider, p)
	}
	return nil
}

// session runs on ONNX Runtime's CPU in the name of another device.
type session struct {
	*ort.Session
	m    *Machine
	c    devices.Choice
	runs int
}

func (m *Machine) open(ctx context.Context, onnx []byte, o ort.SessionOptions) (devices.Session, error) {
	c := devices.Choice{Provider: o.Provider, Lowering: rewrite.Volumes}
	if o.Provider != ort.CPU {
		g, err := graph.Decode(bytes.NewReader(onnx))
		if err != nil {
			return nil, err
		}
		if has(g, "Conv", 4) && !has(g, "Conv", 5) {
			c.Lowering = rewrite.Slices
		}
	}
	m.mu.Lock()
	m.opened = append(m.opened, Opened{c, o.Frugal})
	m.mu.Unlock()
	if err := m.Refuse[c]; err != nil {
		return nil, err
	}
	o.Provider = ort.CPU
	s, err := m.Env.NewSessionContext(ctx, onnx, o)
	if err != nil {
		return nil, err
	}
	return &session{Session: s, m: m, c: c}, nil
}

// has reports whether a graph has an operator with a result of so many axes.
func has(g *graph.Graph, op string, axes int) bool {
	return slices.ContainsFunc(g.Nodes(), func(n *graph.Node) bool { return n.Op() == op && len(n.Shape()) == axes })
}

func (s *session) Device() string { return s.c.Provider.Label() + " (made up)" }

func (s *session) Close() error {
	s.m.mu.Lock()
	s.m.closed++
	s.m.mu.Unlock()
	return s.Session.Close()
}

func (s *session) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	s.m.mu.Lock()
	s.runs++
	run := s.runs
	s.m.now = s.m.now.Add(time.Duration(s.m.Seconds[s.c] * float64(time.Second)))
	if run == 1 {
		s.m.now = s.m.now.Add(time.Duration(s.m.Slow[s.c] * float64(time.Second)))
	}
	fail := s.m.Fail[s.c]
	s.m.mu.Unlock()
	if fail != nil {
		if err := fail(run); errors.Is(err, Hang) {
			<-ctx.Done()
			return nil, ctx.Err()
		} else if err != nil {
			return nil, err
		}
	}
	out, err := s.Session.Run(ctx, in)
	if err == nil && s.m.Wrong[s.c] {
		for _, t := range out {
			slices.Reverse(t.F32)
		}
	}
	return out, err
}

// What devices say, as package ort hands it on.
var (
	Hang        = says("hang")
	Lost        = says("%w on WebGPU (made up): GPUDevice lost: the driver was reset; close other programs to free memory, or choose another device", ort.ErrRun)
	OutOfMemory = says("%w: %w on CUDA (made up): CUDA failure 2: out of memory; close other programs, or choose a smaller model or another device", ort.ErrRun, ort.ErrMemory)
)

func says(text string, of ...any) error { return fmt.Errorf(text, of...) }

// FailAt fails the runs from number first on.
func FailAt(first int, err error) func(int) error {
	return func(run int) error {
		if run >= first {
			return err
		}
		return nil
	}
}
