package devices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
)

// rig is a machine with made-up devices: the numbers are those of ONNX Runtime's CPU, the times and the failures are made up.
type rig struct {
	t       *testing.T
	env     *ort.Env
	mu      sync.Mutex
	now     time.Time
	seconds map[Choice]float64             // of a run
	fail    map[Choice]func(run int) error // what a run, counted from 1 for each session, fails with
	refuse  map[Choice]error               // opening fails
	wrong   map[Choice]bool                // numbers are wrong
	missing map[ort.Provider]bool          // not available
	opened  []place                        // every session, in order
	closed  int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	env, err := ort.Open(ort.Options{Threads: 1})
	if err != nil {
		t.Skip(err)
	}
	return &rig{t: t, env: env, now: time.Unix(0, 0), seconds: map[Choice]float64{}, fail: map[Choice]func(int) error{}, refuse: map[Choice]error{},
		wrong: map[Choice]bool{}, missing: map[ort.Provider]bool{ort.CUDA: true, ort.DirectML: true, ort.CoreML: true}}
}

// set makes devices of the rig.
func (r *rig) set(o Options) *Set {
	o.Open, o.Available = r.open, r.available
	if o.Clock == nil {
		o.Clock = func() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.now }
	}
	if o.Machine == nil {
		o.Machine = []string{"a machine"}
	}
	return New(r.env, o)
}

func (r *rig) available(p ort.Provider) error {
	if r.missing[p] {
		return fmt.Errorf("%w: %s is not in this library", ort.ErrProvider, p)
	}
	return nil
}

// session runs on ONNX Runtime's CPU in the name of another device.
type session struct {
	*ort.Session
	r    *rig
	c    Choice
	runs int
}

func (r *rig) open(ctx context.Context, onnx []byte, o ort.SessionOptions) (Session, error) {
	c := Choice{o.Provider, rewrite.Slices}
	g, err := graph.Decode(bytes.NewReader(onnx))
	if err != nil {
		return nil, err
	}
	for _, n := range g.Nodes() {
		if n.Op() == "Conv" && len(n.Shape()) == 5 {
			c.Lowering = rewrite.Volumes
		}
	}
	r.mu.Lock()
	r.opened = append(r.opened, place{c, o.Frugal})
	r.mu.Unlock()
	if err := r.refuse[c]; err != nil {
		return nil, err
	}
	o.Provider = ort.CPU
	s, err := r.env.NewSessionContext(ctx, onnx, o)
	return &session{Session: s, r: r, c: c}, err
}

func (s *session) Device() string { return s.c.Provider.Label() + " (made up)" }

func (s *session) Close() error {
	s.r.mu.Lock()
	s.r.closed++
	s.r.mu.Unlock()
	return s.Session.Close()
}

func (s *session) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	s.r.mu.Lock()
	s.runs++
	run := s.runs
	s.r.now = s.r.now.Add(time.Duration(s.r.seconds[s.c] * float64(time.Second)))
	fail := s.r.fail[s.c]
	s.r.mu.Unlock()
	if fail != nil {
		if err := fail(run); errors.Is(err, errHang) {
			<-ctx.Done()
			return nil, ctx.Err()
		} else if err != nil {
			return nil, err
		}
	}
	out, err := s.Session.Run(ctx, in)
	if err == nil && s.r.wrong[s.c] {
		slices.Reverse(out["y"].F32)
	}
	return out, err
}

// What devices say, as package ort hands it on.
var (
	errHang   = errors.New("hang")
	errLost   = fmt.Errorf("%w on WebGPU (made up): GPUDevice lost: the driver was reset; close other programs to free memory, or choose another device", ort.ErrRun)
	errMemory = fmt.Errorf("%w: %w on CUDA (made up): CUDA failure 2: out of memory; close other programs, or choose a smaller model or another device", ort.ErrRun, ort.ErrMemory)
)

// failAt fails the runs from number first on.
func failAt(first int, err error) func(int) error {
	return func(run int) error {
		if run >= first {
			return err
		}
		return nil
	}
}

// model is a convolution of volumes.
func model(t *testing.T) []byte {
	t.Helper()
	g, err := graph.Build("model", func(b *graph.Builder) {
		x, w := b.Input("x", tensor.Float32, 1, 2, 3, 4, 5), b.Param("w", 2, 2, 3, 3, 3)
		one := []int{1, 1, 1}
		b.Output("y", b.Conv(x, w, nil, graph.ConvOptions{Begin: one, End: one}))
	})
	if err != nil {
		t.Fatal(err)
	}
	w := tensor.NewFloat32(2, 2, 3, 3, 3)
	for i := range w.F32 {
		w.F32[i] = float32(i%7) - 3
	}
	if g, err = g.Bind(map[string]*tensor.Tensor{"w": w}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := g.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// input is the n-th input of the model.
func input(n int) map[string]*tensor.Tensor {
	x := tensor.NewFloat32(1, 2, 3, 4, 5)
	for i := range x.F32 {
		x.F32[i] = float32((i*7+n)%11) - 5
	}
	return map[string]*tensor.Tensor{"x": x}
}
