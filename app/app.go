// Package app puts the program with a window together: settings, inference runtime, renderer,
// models, window, and the order in which they end. It contains no image processing and no widgets.
package app

import (
	"context"
	"errors"
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	fyneapp "fyne.io/fyne/v2/app"

	"bayeslice/inference"
	"bayeslice/internal/about"
	"bayeslice/internal/exam"
	"bayeslice/internal/ort"
	"bayeslice/internal/settings"
	"bayeslice/render"
	"bayeslice/resources"
	"bayeslice/viewer"
)

// ErrDisplay says that no window can be shown on this machine.
var ErrDisplay = errors.New("app: no display")

// Options of [Run]. The zero value shows an empty window with the stored settings.
type Options struct {
	Exam     string   // opened at the start; "" shows the start page
	Exams    string   // folder of exams whose work list is shown at the start; "" shows none
	List     string   // file of that list; "" is the one in the folder
	Models   []string // names of bundled models or files, offered first
	Samples  int      // 0 takes the stored number, or the paper's
	Seed     uint64   // 0 takes the stored one, or 1
	AutoRun  bool     // run the models once the exam is open
	Library  string   // ONNX Runtime library or its folder; "" takes the settings and searches
	Provider string   // execution provider; "" takes the settings
	Threads  int      // of the network; 0 takes the settings
	Renderer string   // "auto", "gl", "cpu"; "" takes the settings
	Config   string   // folder of the settings; "" is the user's
	// Unattended is for programs that drive the window: it asks nothing at the start, neither for the
	// research-use text to be accepted nor whether to go on with the last session, and leaves no session.
	Unattended bool
	Program    about.Program // what the program says about itself
}

// Run shows the window and returns when it is closed or ctx ends, after all work has ended. It must be
// called on the main goroutine. It fails with [ErrDisplay], and with [settings.ErrSettings]
// where the stored settings are damaged.
func Run(ctx context.Context, o Options) error {
	if err := checkDisplay(os.Getenv); err != nil {
		return err
	}
	store, err := settings.Open(o.Config)
	if err != nil {
		return err
	}
	overrides, err := exam.OpenOverrides(store.SeriesChoices())
	if err != nil {
		return err
	}
	chooseLanguage(store.Language)
	start := asked(store.Settings, o)
	engine := newEngine(engineConfig{
		program: o.Program.Title(), models: o.Models, folder: store.ModelsDir(), overrides: overrides,
		runtime: ort.Options{Library: o.Library, Settings: start.Library, Provider: start.Provider, Threads: besideWindow(start.Threads, runtime.NumCPU()), Background: true},
	})
	renderer, note := render.New(start.Renderer)

	a := newFyneApp(o.Program)
	setScale := scaler(os.Getenv, os.Setenv)
	setScale(store.UIScale())
	a.Settings().SetTheme(viewer.Theme{})
	a.SetIcon(fyne.NewStaticResource("icon.png", resources.Icon))
	var closing error
	w := viewer.New(ctx, a, viewer.Options{
		Engine: engine, Trainer: newTrainer(engine), Renderer: renderer, RenderNote: note,
		Samples: start.Samples, Seed: start.Seed, AutoRun: o.AutoRun, QuizFile: store.QuizResults(),
		Contours: store.AutosaveDir(),
		Settings: store, Devices: providers(), Unattended: o.Unattended, SetScale: setScale,
		Closed: func() { closing = renderer.Close() }, // on the main thread, before the window system ends
	})
	if width, height, ok := screenSize(); ok {
		a.Lifecycle().SetOnStarted(func() { w.FitScreen(width, height) })
	}
	w.Show()
	if o.Exams != "" {
		w.OpenList(o.Exams, o.List)
	}
	if o.Exam != "" {
		w.Open(o.Exam)
	}
	a.Run()
	w.Finish()
	keep(store, start, w)
	return errors.Join(closing, renderer.Close(), engine.Close(), store.Save())
}

// newFyneApp makes the toolkit's application. It gets its identifier only after it was made: without
// one Fyne keeps no preferences of its own on disk. The settings are ours, and Fyne's store may read
// itself half written when the program ends.
func newFyneApp(p about.Program) fyne.App {
	metadata := fyne.AppMetadata{Name: p.Name, Version: p.Version, Build: p.Build, Migrations: map[string]bool{"fyneDo": true}}
	fyneapp.SetMetadata(metadata)
	a := fyneapp.NewWithID("")
	metadata.ID = p.ID // dialogs ask for it
	fyneapp.SetMetadata(metadata)
	return a
}

// besideWindow returns the threads of the network where a window is to be drawn meanwhile: those that were
// asked for, else one core fewer than there are. On two cores sampling takes a quarter longer for it, and
// a stroke does not wait for the network.
func besideWindow(asked, cores int) int {
	if asked > 0 {
		return asked
	}
	return max(1, min(ort.DefaultThreads(), cores-1))
}

// asked returns the settings with what the caller asked for in their place, and defaults for the rest.
func asked(s settings.Settings, o Options) settings.Settings {
	if o.Samples > 0 {
		s.Samples = o.Samples
	}
	if s.Samples <= 0 {
		s.Samples = inference.DefaultSamples
	}
	if o.Seed > 0 {
		s.Seed = o.Seed
	}
	if s.Seed == 0 {
		s.Seed = 1
	}
	if o.Provider != "" {
		s.Provider = o.Provider
	}
	if o.Threads > 0 {
		s.Threads = o.Threads
	}
	if o.Renderer != "" {
		s.Renderer = o.Renderer
	}
	return s
}

// keep stores the numbers that the user changed in the window; those given for this session alone stay out.
func keep(store *settings.Store, start settings.Settings, w *viewer.Window) {
	samples, seed := w.Numbers()
	if samples != start.Samples {
		store.Samples = samples
	}
	if seed != start.Seed {
		store.Seed = seed
	}
}
