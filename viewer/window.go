package viewer

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/session"
	"bayeslice/internal/settings"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// Disclaimer stands at the foot of the window.
const Disclaimer lang.Text = "Research use only. Not a medical device."

// panelWidth is the width of the side panel, logical pixels.
const panelWidth = 344

// shutdownWait bounds how long closing waits for work that was told to end.
const shutdownWait = 15 * time.Second

// Options of [New].
type Options struct {
	Engine     Engine
	Renderer   render.Renderer   // stays the caller's; it must outlive the window
	RenderNote string            // why another renderer than the best one draws, or ""
	Samples    int               // in the field at first
	Seed       uint64            // in the field at first
	AutoRun    bool              // run the models when the first exam is open
	Closed     func()            // on the UI goroutine when the window is gone; drawing has ended
	Ran        func()            // after each run has ended, whatever came of it
	Contours   string            // folder of unsaved contours; "" keeps them in memory alone
	QuizFile   string            // keeps quiz results; "" keeps them in memory alone
	Trainer    viewstate.Trainer // trains networks; nil leaves the training page out
	Settings   *settings.Store   // what is kept between sessions, the window's until it is closed; nil keeps nothing
	Devices    []string          // execution providers that can be chosen
	Unattended bool              // nobody is there to answer questions at the start
	SetScale   func(float32)     // magnifies the window's contents from the next change of theme on; nil: not here
	// Do runs a function on the UI goroutine soon; nil is fyne.Do. Tests give a queue of their own.
	Do func(func())
}

// Window is the application's window. Its methods run on the UI goroutine.
type Window struct {
	app    fyne.App
	win    fyne.Window
	opt    Options
	do     func(func())
	state  *viewstate.State
	ctx    context.Context //nolint:containedctx // the life of the window's work, cancelled when it closes
	cancel context.CancelFunc
	work   works

	views       [viewstate.ViewportCount]*viewport
	painter     *painter
	awaited     awaited
	escapes     escapes
	grid        *fyne.Container
	gaps        *fyne.Container // what is seen between the viewports
	welcome     *welcome
	bar         *toolbar
	exam        *examPanel
	layers      *layersPanel
	reading     *readingPanel
	histograms  *histogramPanel
	charts      []*histogramPanel // those that viewports show instead of images
	explore     *explorePanel
	insets      []*paneInset // histograms at the foot of compared models' pictures
	run         *runPanel
	training    *trainPage        // nil where the program cannot train
	images      fyne.CanvasObject // everything but the training page
	tabs        *container.AppTabs
	frame       *frameLayout
	panels      []sidePanel
	labels      *labels
	review      *reviewPanel
	list        *listPanel
	mode        *modeBadge
	handlers    map[viewstate.Command]func()
	shortcuts   []fyne.Shortcut
	hints       []hinted
	menu        []menuItem
	sections    []session.Section // what session files remember
	kept        kept              // what is kept between sessions
	recents     *recentList
	exports     *exporter
	origin      origin                     // where the open exam came from
	files       *dialog.CustomDialog       // that lists files, or nil
	foreign     map[string]json.RawMessage // sections of the session file that was opened
	ranBy       map[modelcard.Task]string  // the models whose results are shown, by their ID
	wantResults []session.Result           // to be sampled again
	keptFound   keptResults                // beside the session file that is being restored
	status      *widget.Label
	drawing     *widget.Label // what draws the images
	mouse       struct {
		view   int
		at     fyne.Position
		inside bool
	}

	opening     context.CancelFunc // of the opening under way, or nil
	running     context.CancelFunc // of the run under way, or nil
	openID      int                // counts openings, so that a result of an old one is dropped
	autoRun     bool
	wantRun     bool // run as soon as the models are known and nothing else runs
	closing     bool
	askingClose bool        // the user is asked whether to close
	ended       atomic.Bool // the window system has ended
	modelsKnown bool
}

// New makes the window; [Window.Show] shows it. Work ends when ctx does or the window is closed.
func New(ctx context.Context, app fyne.App, o Options) *Window {
	w := &Window{app: app, win: app.NewWindow("Bayeslice"), opt: o, state: viewstate.New(), autoRun: o.AutoRun}
	post := o.Do
	if post == nil {
		post = fyne.Do
	}
	w.do = func(f func()) {
		if !w.ended.Load() { // then Fyne would run f here, on the caller's goroutine
			post(f)
		}
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.openKept()
	w.frame = &frameLayout{window: w}
	w.makeViews()
	w.bar = newToolbar(w)
	w.exam = newExamPanel(w.state, w.choose)
	w.reading = newReadingPanel(w)
	w.layers = newLayersPanel(w.state, newReadingNumbers(w, w.reading.reading))
	w.histograms = newHistogramPanel(w.state)
	w.explore = newExplorePanel(w)
	w.addInsets()
	w.run = newRunPanel(o.Samples, o.Seed, runActions{run: w.startRun, stop: w.stopRun, openModel: w.pickModel, shortcut: w.shortcut})
	w.welcome = newWelcome(w)
	w.addSection(w.state.SessionSection())
	w.addSection(w.reading.reading.SessionSection())
	w.handleAll()
	w.labels = newLabels(w)
	w.exports = newExporter(w, labelSource(w.labels.editor), readingSource(w.reading.reading))
	w.mode = newModeBadge(w.state, w.labels.editor)
	w.win.SetPadded(false)
	w.images = w.content()
	w.addPanels()
	w.addSection(resultsSection{w})
	w.addSection(tabSection{w})
	w.win.SetContent(w.images)
	if o.Trainer != nil {
		w.training = newTrainPage(w, o.Trainer)
		w.win.SetContent(container.NewStack(w.images, w.training.content))
	}
	w.win.Resize(firstSize)
	w.win.CenterOnScreen()
	w.bindKeys()
	w.win.SetOnDropped(w.dropped)
	w.win.SetCloseIntercept(w.askClose)
	w.win.SetMaster()
	if o.Closed != nil {
		w.win.SetOnClosed(o.Closed)
	}
	context.AfterFunc(ctx, func() { w.do(w.Close) })
	w.state.Listen(w.changed)
	w.changed(viewstate.ChangedAll)
	w.loadModels()
	w.showRecents()
	w.offerLastSession()
	return w
}

// Show shows the window.
func (w *Window) Show() {
	w.win.Show()
	w.greet()
}

// firstSize is the size the window opens with where the screen has room for it, logical pixels.
var firstSize = fyne.NewSize(1280, 800)

// FitScreen makes a window that is shown no larger than a screen of so many device pixels. It is for the
// moment when the toolkit has started: only then is it known how many of them make a logical one.
func (w *Window) FitScreen(width, height int) {
	scale := w.win.Canvas().Scale()
	if scale <= 0 {
		return
	}
	room := fyne.NewSize(float32(width)/scale, float32(height)/scale)
	if room.Width < firstSize.Width || room.Height < firstSize.Height {
		w.win.Resize(fyne.NewSize(min(room.Width, firstSize.Width), min(room.Height, firstSize.Height)))
		w.win.CenterOnScreen()
	}
}

// State returns what the window shows.
func (w *Window) State() *viewstate.State { return w.state }

// Numbers returns the number of samples and the seed in the fields, or those of the start where a
// field holds something else.
func (w *Window) Numbers() (samples int, seed uint64) {
	samples, seed = w.opt.Samples, w.opt.Seed
	if n, err := parseSamples(w.run.samples.Text); err == nil {
		samples = n
	}
	if n, err := parseSeed(w.run.seed.Text); err == nil {
		seed = n
	}
	return samples, seed
}

// makeViews makes the viewports and the worker that draws for them.
func (w *Window) makeViews() {
	gaps := [viewstate.ViewportCount - 1]*canvas.Rectangle{}
	w.gaps = container.NewWithoutLayout()
	for i := range gaps {
		gaps[i] = canvas.NewRectangle(colorBackground)
		w.gaps.Add(gaps[i])
	}
	var views []fyne.CanvasObject
	hold := newHoldKeys(w.command, w.do)
	for i := range w.views {
		v := newViewport(i, w.state)
		v.keys, v.hover, v.hold = w.command, w.hover, hold
		w.addCharts(v)
		w.views[i] = v
		views = append(views, v)
	}
	w.grid = container.New(viewportLayout{w.state, gaps}, views...)
	w.painter = newPainter(w.ctx, w.opt.Renderer, w.deliver)
}

// content puts the window together.
func (w *Window) content() fyne.CanvasObject {
	w.tabs = container.NewAppTabs()
	side := container.NewBorder(nil, container.NewVBox(widget.NewSeparator(), w.run.content), nil, nil, w.tabs)
	w.status = widget.NewLabel("")
	w.status.Truncation = fyne.TextTruncateEllipsis
	w.status.SizeName = "helperText"
	w.drawing = caption(lang.T("Drawn by %s", w.opt.Renderer.Name()))
	w.drawing.Wrapping = fyne.TextWrapOff
	if w.opt.RenderNote != "" {
		w.drawing.Importance = widget.WarningImportance
	}
	foot := widget.NewLabel(Disclaimer.String())
	foot.SizeName = "helperText"
	foot.TextStyle.Bold = true
	bottom := container.NewBorder(nil, nil, container.NewHBox(gap(4), w.mode.Container), container.NewHBox(w.drawing, foot), w.status)
	images := container.NewStack(w.gaps, w.grid, w.welcome.content)
	w.frame.ground = newGround(colorPanel)
	return container.New(w.frame, w.bar.content, images, bottom, canvas.NewRectangle(colorBackground),
		canvas.NewRectangle(colorBackground), w.frame.ground, container.New(fixedWidth{panelWidth}, side))
}

// showStatus writes the values under the mouse while it is over an image, else those at the cursor.
func (w *Window) showStatus() {
	text := w.state.StatusText(w.state.Cursor())
	if text != "" {
		text = lang.T("Cursor  %s", text)
	}
	if w.mouse.inside {
		if world, ok := w.state.WorldAt(w.mouse.view, float64(w.mouse.at.X), float64(w.mouse.at.Y)); ok {
			text = lang.T("Mouse  %s", w.state.StatusText(world))
		}
	}
	if text != w.status.Text {
		w.status.SetText(text)
	}
}

// hover is told where the mouse is over the images.
func (w *Window) hover(index int, at fyne.Position, inside bool) {
	w.mouse.view, w.mouse.at, w.mouse.inside = index, at, inside
	if !inside {
		w.labels.editor.Leave()
	}
	w.showStatus()
}

// bindKeys makes keys work wherever the focus is, but in fields that are being typed in.
func (w *Window) bindKeys() {
	c := w.win.Canvas()
	focused := func() *viewport { return w.views[w.state.Focus()] }
	c.SetOnTypedKey(func(e *fyne.KeyEvent) {
		if w.asking() {
			if e.Name == fyne.KeyEscape {
				w.escape()
			}
			return
		}
		if e.Name == fyne.KeyEscape {
			w.hideTraining()
		}
		focused().TypedKey(e)
	})
	c.SetOnTypedRune(func(r rune) {
		if !w.asking() {
			focused().TypedRune(r)
		}
	})
	if d, ok := c.(desktop.Canvas); ok {
		d.SetOnKeyDown(func(e *fyne.KeyEvent) {
			if !w.asking() {
				focused().KeyDown(e)
			}
		})
		d.SetOnKeyUp(func(e *fyne.KeyEvent) { focused().KeyUp(e) })
	}
	w.bindShortcuts()
}

// bindShortcuts binds the keys with Ctrl of the active keyboard map, which Fyne hands to the window.
// What they mean is looked up when they are pressed.
func (w *Window) bindShortcuts() {
	c := w.win.Canvas()
	for _, s := range w.shortcuts {
		c.RemoveShortcut(s)
	}
	w.shortcuts = nil
	for _, b := range w.state.Keys() {
		if b.Mods&viewstate.Ctrl == 0 {
			continue
		}
		s := shortcutFor(b.Key, b.Mods)
		w.shortcuts = append(w.shortcuts, s)
		c.AddShortcut(s, func(fyne.Shortcut) {
			if !w.asking() {
				w.command(w.state.CommandFor(b.Key, b.Mods))
			}
		})
	}
}

// asking reports whether a dialog or a menu is open: keys are for it then, not for what it covers.
func (w *Window) asking() bool { return w.win.Canvas().Overlays().Top() != nil }

// shortcutFor returns what Fyne calls a key with Ctrl: it has names of its own for the keys of editing.
func shortcutFor(key string, m viewstate.Mods) fyne.Shortcut {
	if m == viewstate.Ctrl {
		switch key {
		case "Z":
			return &fyne.ShortcutUndo{}
		case "Y":
			return &fyne.ShortcutRedo{}
		case "V":
			return &fyne.ShortcutPaste{}
		case "C":
			return &fyne.ShortcutCopy{}
		case "X":
			return &fyne.ShortcutCut{}
		case "A":
			return &fyne.ShortcutSelectAll{}
		}
	}
	held := fyne.KeyModifierShortcutDefault
	if m&viewstate.Shift != 0 {
		held |= fyne.KeyModifierShift
	}
	if m&viewstate.Alt != 0 {
		held |= fyne.KeyModifierAlt
	}
	return &desktop.CustomShortcut{KeyName: fyne.KeyName(key), Modifier: held}
}

// shortcut carries out what a key with Ctrl means; false where it means nothing to the window.
func (w *Window) shortcut(s fyne.Shortcut) bool {
	k, ok := s.(*desktop.CustomShortcut)
	if !ok {
		return false
	}
	c := w.state.CommandFor(string(k.KeyName), mods(k.Modifier))
	if c != viewstate.NoCommand {
		w.command(c)
	}
	return c != viewstate.NoCommand
}

// command carries out a command.
func (w *Window) command(c viewstate.Command) {
	if w.closing || w.trainingShown() && !w.duringTraining(c) || w.state.Apply(c) {
		return
	}
	if f := w.handlers[c]; f != nil {
		f()
	}
}

// handle makes the window carry out a command that the state leaves to it.
func (w *Window) handle(c viewstate.Command, f func()) { w.handlers[c] = f }

// handleAll registers what the window itself carries out.
func (w *Window) handleAll() {
	w.handlers = map[viewstate.Command]func(){}
	w.handle(viewstate.OpenExam, func() { w.pick(pickFolder) })
	w.handle(viewstate.RunModel, w.startRun)
	w.handle(viewstate.CancelRun, w.stopRun)
	w.handle(viewstate.ShowTraining, w.showTraining)
	w.handle(viewstate.ShowHelp, w.showHelp)
	w.handle(viewstate.ShowAbout, w.showAbout)
	w.handle(viewstate.ShowVoxel, w.showVoxel)
	w.handle(viewstate.FullScreen, func() { w.win.SetFullScreen(!w.win.FullScreen()) })
	w.handle(viewstate.Quit, w.askClose)
	w.handle(viewstate.SaveSession, w.saveSession)
	w.handle(viewstate.OpenSession, w.openSession)
	w.handle(viewstate.HideIdentity, w.togglePrivacy)
	w.handle(viewstate.ShowPreferences, w.showPreferences)
}

// Close ends all work, waits for it without blocking the window, and closes the window. It may be repeated.
func (w *Window) Close() {
	if w.closing {
		return
	}
	w.keepLastSession()
	w.list.end()
	w.labels.end()
	w.closing = true
	w.cancel()
	w.run.tell(lang.T("Closing …"), "")
	go func() {
		w.wait()
		w.do(func() {
			w.win.SetCloseIntercept(nil)
			w.win.Close()
		})
	}()
}

// Finish ends the work of a window that was closed from outside, as by a signal, and waits for it.
// Call it when the window system has ended, before what the engine and the renderer need is freed.
func (w *Window) Finish() {
	w.ended.Store(true)
	w.cancel()
	w.wait()
}

// wait waits for work that was told to end, but not forever.
func (w *Window) wait() {
	done := make(chan struct{})
	go func() {
		w.work.End()
		w.painter.stop()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(w.patience()):
	}
}

// spread is a spacer for rows.
func spread() fyne.CanvasObject { return layout.NewSpacer() }
