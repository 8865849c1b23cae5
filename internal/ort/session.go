package ort

import (
	"context"
	"errors"
	"fmt"
	"sync"

	ortgo "github.com/yalue/onnxruntime_go"

	"bayeslice/internal/tensor"
)

// Optimization is how far ONNX Runtime rewrites a graph before it runs.
type Optimization string

// Levels; "" is OptimizeAll.
const (
	OptimizeAll   Optimization = "all"
	OptimizeBasic Optimization = "basic"
	OptimizeNone  Optimization = "none"
)

// SessionOptions say how one model is opened; the zero value takes the [Env]'s provider and threads.
type SessionOptions struct {
	Provider     Provider     // "" is the Env's
	Threads      int          // 0 is the Env's
	Optimization Optimization // "" is OptimizeAll
	// Profile, where not "", is the prefix of the JSON file with the time of every operator that
	// ONNX Runtime writes when the session is closed.
	Profile string
	// ReleaseMemory gives the working memory back after each run instead of keeping it for the
	// next: for models that run once.
	ReleaseMemory bool
	// Frugal trades time for memory: as ReleaseMemory, with one thread, and on CUDA without large workspaces.
	Frugal bool
}

// Session is an opened model. Run may be called from several goroutines at once, and Close at any
// time. It keeps no reference to a tensor after Run has returned.
type Session struct {
	in, out []Port
	device  string
	placed  Placement
	version string
	env     *Env

	// mu lets Close wait for runs: destroying a session during a run crashes the process (microsoft/onnxruntime#21812).
	mu sync.RWMutex
	s  *ortgo.DynamicAdvancedSession

	under underWay
}

// NewSession opens a model from the bytes of an ONNX file, which are not kept. All shapes the file
// states are checked before each run. It fails with [ErrModel] where ONNX Runtime refuses the
// model, and with [ErrProvider] where the provider asked for is missing or fails: the CPU never
// takes over unasked. Single operators that the provider cannot run do go to the CPU; then
// [Session.Device] says so. It may take a minute on a GPU.
func (e *Env) NewSession(onnx []byte, o SessionOptions) (*Session, error) {
	return e.NewSessionContext(context.Background(), onnx, o)
}

// NewSessionContext is [Env.NewSession] that ends with ctx.Err() when ctx does. What ONNX Runtime does meanwhile cannot be
// interrupted everywhere: then it goes on by itself, and frees what it made.
func (e *Env) NewSessionContext(ctx context.Context, onnx []byte, o SessionOptions) (*Session, error) {
	type opened struct {
		s   *Session
		err error
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if ctx.Done() == nil {
		var r opened
		e.apart(func() { r.s, r.err = e.newSession(ctx, onnx, o) })
		return r.s, r.err
	}
	done := make(chan opened, 1)
	go func() {
		var r opened
		e.apart(func() { r.s, r.err = e.newSession(ctx, onnx, o) })
		done <- r
	}()
	select {
	case r := <-done:
		return r.s, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.s != nil {
				_ = r.s.Close() // nobody uses it
			}
		}()
		return nil, ctx.Err()
	}
}

// apart calls f with the priority that sessions have here.
func (e *Env) apart(f func()) {
	if e.background {
		inBackground(f)
		return
	}
	f()
}

func (e *Env) newSession(ctx context.Context, onnx []byte, o SessionOptions) (*Session, error) {
	in, out, err := ports(onnx)
	if err != nil {
		return nil, err
	}
	if o.Provider == "" {
		o.Provider = e.provider
	}
	if o.Threads <= 0 {
		o.Threads = e.threads
	}
	if o.Frugal {
		o.Threads = 1
	}
	s := &Session{env: e, in: in, out: out, version: e.version}
	if o.Provider.onCPU() {
		s.device = fmt.Sprintf("CPU (ONNX Runtime %s)", e.version)
		s.s, err = create(onnx, in, out, o, false)
		if err != nil {
			return nil, openError(err)
		}
		return s, nil
	}
	if err := e.openOnProvider(ctx, s, onnx, o); err != nil {
		return nil, err
	}
	return s, nil
}

// create makes the native session. strict refuses operators that fall back to the CPU.
func create(onnx []byte, in, out []Port, o SessionOptions, strict bool) (*ortgo.DynamicAdvancedSession, error) {
	native, err := ortgo.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer native.Destroy() //nolint:errcheck // it fails only where it was never made
	if err := configure(native, o, strict); err != nil {
		return nil, err
	}
	return ortgo.NewDynamicAdvancedSessionWithONNXData(onnx, names(in), names(out), native)
}

func configure(n *ortgo.SessionOptions, o SessionOptions, strict bool) error {
	level := map[Optimization]ortgo.GraphOptimizationLevel{
		"": ortgo.GraphOptimizationLevelEnableAll, OptimizeAll: ortgo.GraphOptimizationLevelEnableAll,
		OptimizeBasic: ortgo.GraphOptimizationLevelEnableBasic, OptimizeNone: ortgo.GraphOptimizationLevelDisableAll,
	}
	l, ok := level[o.Optimization]
	if !ok {
		return fmt.Errorf("optimisation level %q is not known", o.Optimization)
	}
	err := errors.Join(n.SetIntraOpNumThreads(o.Threads), n.SetInterOpNumThreads(1), n.SetGraphOptimizationLevel(l),
		n.SetLogSeverityLevel(ortgo.LoggingLevelFatal)) // errors come back as errors; nothing is printed
	// Threads that wait sleep: spinning steals the cores that the window, and the next sample's noise, need.
	err = errors.Join(err, n.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"))
	// A memory pattern is one block, planned in the first run, beside all that this run took: on the
	// paper's network 400 MB more for no time saved.
	err = errors.Join(err, n.SetMemPattern(false))
	if o.ReleaseMemory || o.Frugal {
		err = errors.Join(err, n.SetCpuMemArena(false))
	}
	if o.Profile != "" {
		err = errors.Join(err, n.EnableProfiling(o.Profile))
	}
	if strict {
		err = errors.Join(err, n.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1"))
	}
	if err != nil {
		return err
	}
	return o.Provider.appendTo(n, o.Frugal)
}

func names(ports []Port) []string {
	s := make([]string, len(ports))
	for i, p := range ports {
		s[i] = p.Name
	}
	return s
}

// Inputs returns the model's inputs in the file's order. Read only.
func (s *Session) Inputs() []Port { return s.in }

// Outputs returns the model's outputs in the file's order. Read only.
func (s *Session) Outputs() []Port { return s.out }

// Device says what runs the model, e.g. "CPU (ONNX Runtime 1.27.0)" or "WebGPU (ONNX Runtime
// 1.27.0), 3 of 120 operators on the CPU".
func (s *Session) Device() string { return s.device }

// Fallbacks names the operators that run on the CPU although another provider was asked for, with
// their number, e.g. "Resize ×3". It is empty on the CPU.
func (s *Session) Fallbacks() []string { return s.placed.names() }

// Placement says which operators run elsewhere than asked. It is zero where all run where they should.
func (s *Session) Placement() Placement { return s.placed }

// Close ends runs under way with [ErrClosed], waits for them, and frees the model. It may be
// called more than once.
func (s *Session) Close() error {
	s.under.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s == nil {
		return nil
	}
	err := s.s.Destroy()
	s.s = nil
	if err != nil {
		return fmt.Errorf("ort: closing session: %w", err)
	}
	return nil
}

// Run runs the model on inputs by name and returns all outputs by name, in memory of their own.
// It fails with [ErrInput] before anything runs where the inputs do not fit, with [ErrClosed],
// with [ErrRun], and with ctx.Err() where the context ends: the operator that is being computed is
// finished first.
func (s *Session) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	if err := s.check(in); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.s == nil {
		return nil, ErrClosed
	}
	b := &binding{}
	defer b.release()
	if err := b.bind(in, s.in, s.out); err != nil {
		return nil, err
	}
	if err := s.runUntil(ctx, b); err != nil {
		return nil, err
	}
	return b.results(s.out)
}

// runUntil runs the bound tensors, and ends the run when the context ends or the session closes.
func (s *Session) runUntil(ctx context.Context, b *binding) error {
	native, err := ortgo.NewRunOptions()
	if err != nil {
		return fmt.Errorf("ort: run: %w", err)
	}
	t := &terminator{o: native}
	defer t.destroy()
	if !s.under.add(t) {
		return ErrClosed
	}
	defer s.under.remove(t)
	stop := context.AfterFunc(ctx, t.terminate)
	defer stop()
	s.env.apart(func() { err = s.s.RunWithOptions(b.in, b.out, native) })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case s.under.ended():
		return ErrClosed
	}
	return runError(s.device, err)
}

// check compares the inputs with the model's.
func (s *Session) check(in map[string]*tensor.Tensor) error {
	for _, p := range s.in {
		if why := p.fits(in[p.Name]); why != "" {
			return fmt.Errorf("%w: input %q %s", ErrInput, p.Name, why)
		}
	}
	if len(in) == len(s.in) {
		return nil
	}
	for name := range in {
		known := false
		for _, p := range s.in {
			known = known || p.Name == name
		}
		if !known {
			return fmt.Errorf("%w: the model has no input %q, its inputs are %v", ErrInput, name, s.in)
		}
	}
	return nil
}
