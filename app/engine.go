package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/models"
	"bayeslice/internal/ort"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/scratch"
	"bayeslice/viewer"
	"bayeslice/viewer/viewstate"
)

// snapshotEvery is the least time between snapshots of a run; making one costs a pass over the maps.
const snapshotEvery = 300 * time.Millisecond

// demoSeed is the seed of the synthetic demo exam, and of built-in untrained weights.
const demoSeed = 1

// engineConfig is what an [engine] is made with.
type engineConfig struct {
	program   string          // name and version, for files
	models    []string        // names of bundled models, or files, given by the user for this session
	library   *models.Library // the bundled models; nil takes those embedded in the program
	folder    string          // further model files
	overrides *exam.Overrides
	runtime   ort.Options
	machine   devices.Options // what the machine offers; tests put others here
}

// engine is the application behind the window. The inference runtime is loaded at the first run, so
// that images can be looked at without it. Safe for concurrent use; runs are done one at a time.
type engine struct {
	engineConfig

	runs   sync.Mutex // one run at a time: the network takes all cores
	mu     sync.Mutex
	on     *devices.Set            // those of env, for sampling and training
	loaded map[string]*loadedModel // by the name of a bundled model or the path of a file; held by runs
	ranOn  *devices.Set            // what those were opened on; held by runs

	known sync.Mutex                // never held for long: the window asks
	truth map[string]phantom.Labels // of the demo exams that were made, by their key
}

// loadedModel is a model that is ready to run.
type loadedModel struct {
	model    *inference.Model
	modified time.Time // of its file; zero for a bundled one
}

var (
	_ viewer.Engine        = (*engine)(nil)
	_ viewer.TruthSource   = (*engine)(nil)
	_ viewer.DeviceChooser = (*engine)(nil)

	_ viewer.RuntimeSource = (*engine)(nil)
)

func newEngine(c engineConfig) *engine {
	if c.library == nil {
		c.library = models.BuiltIn()
	}
	return &engine{engineConfig: c, loaded: map[string]*loadedModel{}, truth: map[string]phantom.Labels{}}
}

// Close frees the models. No run may be under way.
func (e *engine) Close() error {
	e.runs.Lock()
	defer e.runs.Unlock()
	return e.closeModels()
}

// Runtime implements [viewer.RuntimeSource].
func (e *engine) Runtime() (version, library string, err error) {
	on, err := e.devices()
	if err != nil {
		return "", "", err
	}
	return on.Env().Version(), on.Env().Library().Path, nil
}

// OpenExam implements [viewer.Engine].
func (e *engine) OpenExam(ctx context.Context, path, study string, progress func(viewer.Progress)) (*exam.Exam, error) {
	return exam.Open(ctx, path, exam.Options{Study: study, Overrides: e.overrides, Progress: func(p exam.Progress) {
		progress(viewer.Progress{Stage: sentenceCase(p.Stage), Done: p.Done, Total: p.Total})
	}})
}

func sentenceCase(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// DemoExam implements [viewer.Engine]: a phantom is written as DICOM and read as any exam is.
func (e *engine) DemoExam(ctx context.Context, progress func(viewer.Progress)) (_ *exam.Exam, err error) {
	progress(viewer.Progress{Stage: "Making a synthetic exam …"})
	made, err := phantom.Generate(ctx, phantom.DefaultConfig(demoSeed))
	if err != nil {
		return nil, err
	}
	temp, err := scratch.New()
	if err != nil {
		return nil, fmt.Errorf("app: a temporary folder for the demo exam: %w", err)
	}
	dir := temp.Path()
	defer func() { err = errors.Join(err, temp.Remove()) }()
	progress(viewer.Progress{Stage: "Writing it as DICOM …"})
	if err := made.WriteDICOM(ctx, dir); err != nil {
		return nil, err
	}
	x, err := e.OpenExam(ctx, dir, "", progress)
	if err == nil {
		e.known.Lock()
		e.truth[x.Key] = made.Labels
		e.known.Unlock()
	}
	return x, err
}

// Truth implements [viewer.TruthSource].
func (e *engine) Truth(x *exam.Exam) (r viewstate.Reference, ok bool) {
	e.known.Lock()
	defer e.known.Unlock()
	labels, ok := e.truth[x.Key]
	return viewstate.Reference{Name: lang.T("the phantom’s own labels"), Zones: labels.Zones, Lesions: labels.Lesions}, ok
}

// Choose implements [viewer.Engine]. Where the choice cannot be stored, the changed exam comes with the error.
func (e *engine) Choose(_ context.Context, old *exam.Exam, role exam.Role, seriesID string) (*exam.Exam, error) {
	changed, err := old.With(role, seriesID)
	if err != nil {
		return nil, err
	}
	if old.Synthetic { // the demo exam is made anew each time
		return changed, nil
	}
	return changed, e.overrides.Set(old, role, seriesID)
}

// Predict implements [viewer.Engine].
func (e *engine) Predict(ctx context.Context, x *exam.Exam, job viewer.Job, on func(*inference.Prediction)) (*inference.Prediction, viewer.Device, error) {
	e.runs.Lock()
	defer e.runs.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, viewer.Device{}, err
	}
	m, err := e.load(ctx, job.Model.ID, measuring(job.Measuring))
	if err != nil {
		return nil, viewer.Device{}, err
	}
	device := deviceOf(m.model)
	recipe := m.model.Card().Recipe
	if p := job.Repeats(m.model.SHA256(), recipe.Moved(x, job.Moves)); p != nil {
		return p, viewer.Device{Name: p.Device}, nil
	}
	prepared, err := recipe.Apply(ctx, x, prep.Options{Moves: job.Moves})
	if err != nil {
		return nil, device, err
	}
	sampler := inference.Sampler{Model: m.model, Samples: job.Samples, Seed: job.Seed, SnapshotEvery: snapshotEvery, Clock: time.Now}
	if job.Converge {
		limits := inference.DefaultConvergence()
		sampler.Convergence = &limits
	}
	p, err := sampler.Run(ctx, prepared, on)
	return p, deviceOf(m.model), runtimeError(err)
}

// deviceOf says what runs a model now, and whether that is what was asked for.
func deviceOf(m *inference.Model) viewer.Device {
	d := viewer.Device{Name: m.Device(), Fallback: m.Moved()}
	if fallbacks := m.Fallbacks(); len(fallbacks) > 0 && d.Fallback == "" {
		d.Fallback = "on the CPU: " + strings.Join(fallbacks, ", ")
	}
	return d
}

// SetDevice makes later runs use another device; "" is the automatic choice. A run under way goes on where it is. It may wait for a
// model that is being opened.
func (e *engine) SetDevice(provider string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runtime.Provider != provider {
		e.runtime.Provider, e.on = provider, nil
	}
}

// UsableDevices implements [viewer.DeviceChooser].
func (e *engine) UsableDevices() []string {
	on, err := e.devices()
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range on.Usable() {
		names = append(names, p.Label())
	}
	return names
}

// measuring hands the progress of a measurement to the window; tell may be nil.
func measuring(tell func(viewer.Progress)) func(devices.Progress) {
	if tell == nil {
		return nil
	}
	return func(p devices.Progress) {
		tell(viewer.Progress{Stage: p.Trying.String(), Done: p.Done, Total: p.Of})
	}
}

// closeModels closes the models that are open. e.runs is held.
func (e *engine) closeModels() error {
	var errs []error
	for id, m := range e.loaded {
		errs = append(errs, m.model.Close())
		delete(e.loaded, id)
	}
	return errors.Join(errs...)
}

// load returns a model that is ready to run, from memory unless its file or the device asked for has changed. e.runs is held.
func (e *engine) load(ctx context.Context, id string, measuring func(devices.Progress)) (*loadedModel, error) {
	on, err := e.devices()
	if err != nil {
		return nil, err
	}
	if on != e.ranOn {
		if err := e.closeModels(); err != nil {
			return nil, err
		}
		e.ranOn = on
	}
	modified, err := e.modified(id)
	if err != nil {
		return nil, err
	}
	if m, ok := e.loaded[id]; ok {
		if m.modified.Equal(modified) {
			return m, nil
		}
		delete(e.loaded, id)
		if err := m.model.Close(); err != nil {
			return nil, err
		}
	}
	model, err := e.library.Open(ctx, on, id, devices.Use{Progress: measuring})
	if err != nil {
		return nil, runtimeError(err)
	}
	m := &loadedModel{model: model, modified: modified}
	e.loaded[id] = m
	return m, nil
}

// modified returns when a model's file was changed; bundled models never are.
func (e *engine) modified(id string) (time.Time, error) {
	if _, bundled := e.library.Find(id); bundled {
		return time.Time{}, nil
	}
	info, err := os.Stat(id)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", inference.ErrModel, err)
	}
	return info.ModTime(), nil
}

// devices returns the devices of this machine; the inference runtime is loaded where it is not loaded yet. A device that failed while
// one model ran is not chosen automatically for the next, nor for a training, until the user chooses a device.
func (e *engine) devices() (*devices.Set, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.on != nil {
		return e.on, nil
	}
	env, err := ort.Open(e.runtime)
	if err != nil {
		return nil, runtimeError(err)
	}
	o := e.machine
	if o.Clock == nil {
		o.Folder, o.Clock = devices.Folder(), time.Now
	}
	e.on = devices.New(env, o)
	return e.on, nil
}

// offer puts a model file before those that the window offers.
func (e *engine) offer(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.models = append([]string{path}, slices.DeleteFunc(slices.Clone(e.models), func(other string) bool { return other == path })...)
}

// given returns the model files of this session.
func (e *engine) given() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.models
}

// runtimeError marks what the runtime refuses, for the window to say what it means; nil stays nil.
func runtimeError(err error) error {
	switch {
	case errors.Is(err, ort.ErrMemory):
		return fmt.Errorf("%w: %w", viewer.ErrMemory, err)
	case errors.Is(err, ort.ErrProvider):
		return fmt.Errorf("%w: %w", viewer.ErrDevice, err)
	case errors.Is(err, ort.ErrLibrary):
		return fmt.Errorf("%w: %w", viewer.ErrRuntime, err)
	case errors.Is(err, ort.ErrRun):
		return fmt.Errorf("%w: %w", viewer.ErrRun, err)
	case errors.Is(err, ort.ErrModel) || errors.Is(err, ort.ErrInput):
		return fmt.Errorf("%w: %w", inference.ErrModel, err)
	}
	return err
}
