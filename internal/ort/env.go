// Package ort runs ONNX models through ONNX Runtime, and is the only package that knows the
// runtime. It finds and checks the shared library, starts the process-wide environment once, and
// opens sessions whose runs can be cancelled and whose device is what it says. It neither
// downloads anything (see internal/ort/fetch) nor knows what a model means.
package ort

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"

	ortgo "github.com/yalue/onnxruntime_go"
)

// EnvLibrary is the environment variable that names the shared library, or the folder it lies in.
const EnvLibrary = "BAYESLICE_ONNXRUNTIME"

// Sentinels. Their texts end in what to do next.
var (
	// ErrLibrary marks a shared library that is missing, is no library for this machine, or has an
	// interface too old for this program.
	ErrLibrary = errors.New("ort: no usable ONNX Runtime library")
	// ErrProvider marks an execution provider that is unknown, missing from the library, or does not work here.
	ErrProvider = errors.New("ort: execution provider cannot be used")
	// ErrModel marks bytes that ONNX Runtime does not accept as a model.
	ErrModel = errors.New("ort: model refused")
	// ErrInput marks inputs that do not fit the model's; nothing was run.
	ErrInput = errors.New("ort: inputs do not fit the model")
	// ErrRun marks a run that ONNX Runtime gave up, for want of memory or because the device failed.
	ErrRun = errors.New("ort: the model failed while running")
	// ErrMemory marks a model that could not be opened, or a run that was given up (then with [ErrRun]), because
	// memory ran out: the machine's, or the device's own.
	ErrMemory = errors.New("ort: not enough memory")
	// ErrClosed marks a run on a session that was closed before or during it.
	ErrClosed = errors.New("ort: session is closed")
)

// Options says which library to load and how sessions run unless [SessionOptions] say otherwise.
// The zero value searches for the library, and uses the CPU.
type Options struct {
	Library  string // path of the shared library or of its folder; "" searches, see [Search]
	Settings string // as Library, but from stored settings: it comes after the environment variable
	Provider string // one of [Providers], any case; "" is "auto"
	Threads  int    // threads of one operator; 0 takes [DefaultThreads]
	// Background gives the threads of sessions a lower priority than the rest of the program, so that a window answers
	// while a network computes; on Linux, and for the calling thread on Windows.
	Background bool
}

// Env is ONNX Runtime, loaded. There is one per process, never unloaded; two Envs differ only in
// the provider, the thread count and the priority they give to their sessions. Safe for concurrent use.
type Env struct {
	library    Library
	version    string
	provider   Provider
	threads    int
	background bool
}

// loaded is the library of this process: onnxruntime_go keeps one environment in C globals, so
// that this state is global whether we like it or not.
var loaded struct {
	sync.Mutex
	library *Library
}

// Open loads the library on the first call, and returns a handle on it. It fails with
// [ErrLibrary] where no usable library is found, or where another one than o.Library is loaded
// already, and with [ErrProvider] where o.Provider is not a provider's name. Whether the provider
// works is known only when a session is opened.
func Open(o Options) (*Env, error) {
	provider, err := ParseProvider(o.Provider)
	if err != nil {
		return nil, err
	}
	lib, err := load(o)
	if err != nil {
		return nil, err
	}
	threads := o.Threads
	if threads <= 0 {
		threads = DefaultThreads()
	}
	return &Env{library: lib, version: ortgo.GetVersion(), provider: provider, threads: threads, background: o.Background}, nil
}

// DefaultThreads is the number of threads one operator may use: every core on machines with up to
// four, one less on larger ones, so that the window stays responsive.
func DefaultThreads() int {
	n := runtime.NumCPU()
	if n > 4 {
		return n - 1
	}
	return n
}

// Library returns what was loaded.
func (e *Env) Library() Library { return e.library }

// Provider returns the provider that sessions have unless they ask for one.
func (e *Env) Provider() Provider { return e.provider }

// Threads returns the number of threads of one operator unless sessions ask for another.
func (e *Env) Threads() int { return e.threads }

// Version returns the version of ONNX Runtime, such as "1.27.0".
func (e *Env) Version() string { return e.version }

func load(o Options) (Library, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.library != nil {
		return sameLibrary(*loaded.library, o.Library)
	}
	places := Search(o)
	lib, err := choose(places)
	if err != nil {
		return Library{}, err
	}
	noHoarding()
	ortgo.SetSharedLibraryPath(lib.Path)
	// Everything below fatal comes back as an error as well; nothing is to be printed.
	if err := ortgo.InitializeEnvironment(ortgo.WithLogLevelFatal()); err != nil {
		return Library{}, fmt.Errorf("%w: %s (%s) could not be loaded: %s%s; %s", ErrLibrary, lib.Path, lib.From, loadReason(err), damaged(places), remedy)
	}
	// The program promises to be offline. Telemetry exists only in Windows builds, where this turns it off.
	if err := ortgo.DisableTelemetry(); err != nil {
		return Library{}, fmt.Errorf("%w: telemetry could not be turned off: %w", ErrLibrary, err)
	}
	loaded.library = &lib
	return lib, nil
}

// sameLibrary refuses a second library in one process.
func sameLibrary(have Library, want string) (Library, error) {
	if want == "" {
		return have, nil
	}
	path, problem := resolveLibrary(want)
	if problem != "" {
		return Library{}, fmt.Errorf("%w: %s: %s; %s", ErrLibrary, want, problem, remedy)
	}
	if filepath.Clean(path) != filepath.Clean(have.Path) {
		return Library{}, fmt.Errorf("%w: %s is loaded already and a process can hold one only; restart the program to use %s", ErrLibrary, have.Path, path)
	}
	return have, nil
}
