package viewer

import (
	"context"
	"fmt"
	"image"
	"strings"
	"sync/atomic"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// texts returns every visible text below an object.
func texts(o fyne.CanvasObject) string {
	var out []string
	var walk func(o fyne.CanvasObject)
	walk = func(o fyne.CanvasObject) {
		if !o.Visible() {
			return
		}
		switch x := o.(type) {
		case *canvas.Text:
			out = append(out, x.Text)
		case *widget.Label:
			out = append(out, x.Text)
			return
		case *fyne.Container:
			for _, c := range x.Objects {
				walk(c)
			}
			return
		}
		if w, ok := o.(fyne.Widget); ok {
			for _, c := range test.WidgetRenderer(w).Objects() {
				walk(c)
			}
		}
	}
	walk(o)
	return strings.Join(out, "\n")
}

func TestOpeningShowsTheExam(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	if !strings.Contains(texts(h.welcome.content), "Open exam folder") {
		t.Error("an empty window offers nothing to open")
	}
	if !h.run.run.Disabled() {
		t.Error("Run is allowed without an exam")
	}
	h.openExam()
	h.until("three pictures", func() bool {
		for _, v := range h.views {
			if v.picture.Image == nil {
				return false
			}
		}
		return true
	})
	if h.welcome.start.Visible() || h.win.Title() != "Bayeslice · Study TEST" || h.run.run.Disabled() {
		t.Errorf("start page %v, title %q, run disabled %v", h.welcome.start.Visible(), h.win.Title(), h.run.run.Disabled())
	}
	for i, v := range h.views {
		z, _ := h.state.Size(i)
		if b := v.picture.Image.Bounds(); b.Dx() != z.W || b.Dy() != z.H {
			t.Errorf("viewport %d is %v device pixels, its picture %v", i, z, b)
		}
	}
	panel := texts(h.exam.content)
	for _, want := range []string{"It is named T2", "B = 1000", "Warning: A slice is missing.", "1 issue to know about"} {
		if !strings.Contains(panel, want) {
			t.Errorf("the exam panel lacks %q:\n%s", want, panel)
		}
	}
	if all := texts(h.win.Content()); !strings.Contains(all, string(Disclaimer)) {
		t.Error("the research-use line is missing")
	}
}

func TestRunRefinesAndFinishes(t *testing.T) {
	release := make(chan struct{})
	f := &fakeEngine{}
	f.predict = func(_ context.Context, job Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		on(predictionOf(t, job, 1, inference.Running))
		<-release
		return predictionOf(t, job, job.Samples, inference.Completed), Device{Name: "CPU (test)"}, nil
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.command(viewstate.RunModel)
	h.until("a snapshot", func() bool { p := h.state.Prediction(modelcard.Anatomy); return p != nil && p.Samples == 1 })
	h.settle()
	if h.run.stop.Disabled() || !h.run.run.Disabled() {
		t.Error("during a run Stop is forbidden or Run allowed")
	}
	if want := "Zones · 1 of 4 · 500 ms each · 2 s left"; h.run.status.Text != want {
		t.Errorf("status %q, want %q", h.run.status.Text, want)
	}
	close(release)
	h.until("the end", func() bool { return h.running == nil })
	h.settle()
	for _, task := range runTasks {
		if p := h.state.Prediction(task); p == nil || p.Samples != 4 {
			t.Errorf("%s: %+v", task, p)
		}
	}
	if want := "Samples: Zones 4, done · Lesions 4, done"; h.run.status.Text != want {
		t.Errorf("status %q, want %q", h.run.status.Text, want)
	}
	panel := texts(h.layers.content)
	for _, want := range []string{"40.0 mL", "38.0–42.5", "0.80", "in 4 of 4", "Untrained network"} {
		if !strings.Contains(panel, want) {
			t.Errorf("the results lack %q", want)
		}
	}
	if got := texts(h.bar.content); !strings.Contains(got, "UNTRAINED") || !strings.Contains(got, "Test anatomy + Test diagnosis on CPU") {
		t.Errorf("tool bar says %q", got)
	}
}

func TestStoppingKeepsTheSamples(t *testing.T) {
	f := &fakeEngine{}
	f.predict = func(ctx context.Context, job Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		on(predictionOf(t, job, 1, inference.Running))
		<-ctx.Done()
		return predictionOf(t, job, 2, inference.Cancelled), Device{Name: "CPU (test)", Fallback: "on the CPU: Resize ×3"}, nil
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.startRun()
	h.until("a snapshot", func() bool { return h.state.Prediction(modelcard.Anatomy) != nil })
	h.command(viewstate.CancelRun)
	h.until("the end", func() bool { return h.running == nil })
	h.settle()
	if p := h.state.Prediction(modelcard.Anatomy); p.Samples != 2 || p.Stop != inference.Cancelled {
		t.Errorf("kept %d samples, %s", p.Samples, p.Stop)
	}
	if h.state.Prediction(modelcard.Diagnosis) != nil {
		t.Error("the second model ran after the user had stopped")
	}
	if want := "Zones: 2 samples, stopped"; h.run.status.Text != want {
		t.Errorf("status %q, want %q", h.run.status.Text, want)
	}
	if h.bar.device.ground.FillColor != colorDanger {
		t.Error("a fallback does not turn the badge red")
	}
	if h.run.run.Disabled() {
		t.Error("Run stays forbidden")
	}
}

func TestFailedRunKeepsItsSamplesAndSaysWhy(t *testing.T) {
	f := &fakeEngine{}
	f.predict = func(_ context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		return predictionOf(t, job, 3, inference.Failed), Device{}, fmt.Errorf("%w: %w", ErrRuntime, errTest)
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.startRun()
	h.until("the end", func() bool { return h.running == nil })
	if p := h.state.Prediction(modelcard.Anatomy); p == nil || p.Samples != 3 {
		t.Error("the samples before the failure are lost")
	}
	if text := h.overlayText(); !strings.Contains(text, "The network cannot run on this machine yet.") || !strings.Contains(text, "made to fail") {
		t.Errorf("dialog says %q", text)
	}
}

func TestOpeningAnotherExamEndsTheRunAndDropsItsResults(t *testing.T) {
	f := &fakeEngine{}
	f.predict = func(ctx context.Context, job Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		on(predictionOf(t, job, 1, inference.Running))
		<-ctx.Done()
		return predictionOf(t, job, 2, inference.Cancelled), Device{}, nil
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.startRun()
	h.until("a snapshot", func() bool { return h.state.Prediction(modelcard.Anatomy) != nil })
	h.openDemo()
	h.until("the demo and the end of the run", func() bool { return h.state.Exam().Synthetic && h.running == nil })
	if h.state.Prediction(modelcard.Anatomy) != nil {
		t.Error("a result of the old exam is shown on the new one")
	}
	if !strings.Contains(texts(h.bar.content), "SYNTHETIC") {
		t.Error("a synthetic exam is not labelled")
	}
}

func TestAutoRunWaitsForTheExam(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{AutoRun: true})
	h.Open("somewhere")
	h.until("both results", func() bool { return h.state.Prediction(modelcard.Diagnosis) != nil })
}

func TestErrorsOfOpeningBecomeSentences(t *testing.T) {
	f := &fakeEngine{open: func(context.Context, string, string) (*exam.Exam, error) {
		return nil, fmt.Errorf("%w: 3 files, none of them an image", exam.ErrNoImages)
	}}
	h := newHarness(t, f, Options{})
	h.Open("empty")
	h.until("the dialog", func() bool { return h.overlayText() != "" })
	for _, want := range []string{"No images were found here.", "Choose the folder that holds the DICOM files", "3 files, none of them an image"} {
		if !strings.Contains(h.overlayText(), want) {
			t.Errorf("dialog lacks %q: %q", want, h.overlayText())
		}
	}
	if !h.welcome.start.Visible() {
		t.Error("the start page did not come back")
	}
}

func TestSeveralExamsAreOffered(t *testing.T) {
	f := &fakeEngine{}
	f.open = func(_ context.Context, _, study string) (*exam.Exam, error) {
		if study == "" {
			return nil, &exam.SeveralExamsError{Studies: []exam.StudyInfo{{Key: "a", Name: "Study A", Series: 3}, {Key: "b", Name: "Study B", Date: "2011-07-07", Series: 9}}}
		}
		e := *testExam(t)
		e.Name = "chosen " + study
		return &e, nil
	}
	h := newHarness(t, f, Options{})
	h.Open("both")
	h.until("the choice", func() bool { return h.overlayText() != "" })
	if !strings.Contains(h.overlayText(), "Study B · 2011-07-07 · 9 series") {
		t.Errorf("choice: %q", h.overlayText())
	}
	h.open("both", "b")
	h.until("the exam", func() bool { return h.state.Exam() != nil })
	if h.state.Exam().Name != "chosen b" {
		t.Errorf("opened %q", h.state.Exam().Name)
	}
}

func TestCancelledOpeningKeepsWhatWasOpen(t *testing.T) {
	f := &fakeEngine{}
	h := newHarness(t, f, Options{})
	h.openExam()
	before := h.state.Exam()
	f.open = func(ctx context.Context, _, _ string) (*exam.Exam, error) { <-ctx.Done(); return nil, ctx.Err() }
	h.Open("slow")
	if !h.welcome.busy.Visible() {
		t.Error("no progress is shown")
	}
	h.cancelOpening()
	h.work.Wait()
	if h.state.Exam() != before || h.welcome.busy.Visible() || h.overlayText() != "" {
		t.Error("cancelling an opening lost the exam, left the progress, or complained")
	}
}

func TestChoosingASeriesChangesItsRole(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	h.choose(exam.HighB, "b800")
	h.until("the change", func() bool { return h.state.Series(2).ID == "b800" })
	if !strings.Contains(texts(h.exam.content), "Chosen by you.") {
		t.Error("the panel does not say who chose")
	}
}

func TestMouseOnAViewport(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	v := h.views[0]
	at := func(x, y float32, b desktop.MouseButton) *desktop.MouseEvent {
		return &desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(x, y)}, Button: b}
	}
	slice := func() int { return viewstate.SliceAt(h.state.Series(0).Volume.Grid(), h.state.Cursor()).Index }
	before := slice()
	v.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, 25)})
	if slice() != before+1 {
		t.Errorf("a notch moved from slice %d to %d", before, slice())
	}
	for range 3 {
		v.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, -4)})
	}
	if slice() != before {
		t.Errorf("three small movements of a trackpad led to slice %d, want %d", slice(), before)
	}
	v.MouseDown(at(150, 160, desktop.MouseButtonPrimary))
	v.MouseUp(at(151, 160, desktop.MouseButtonPrimary))
	if _, ok := h.state.Pinned(); !ok {
		t.Error("a click pinned nothing")
	}
	window := h.state.Window(0)
	v.MouseDown(at(150, 160, desktop.MouseButtonPrimary))
	v.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(190, 160)}})
	v.MouseUp(at(190, 160, desktop.MouseButtonPrimary))
	if w := h.state.Window(0); w.Width <= window.Width || w.Level != window.Level {
		t.Errorf("dragging to the right: %+v after %+v", w, window)
	}
	field := h.state.Camera(0).FieldMM
	v.MouseDown(at(150, 160, desktop.MouseButtonSecondary))
	v.MouseMoved(at(150, 100, desktop.MouseButtonSecondary))
	v.MouseMoved(at(150, 90, 0)) // the release was outside
	v.MouseMoved(at(150, 20, 0))
	if got := h.state.Camera(0).FieldMM; got >= field || got < field/2 {
		t.Errorf("right drag of 60 pixels changed the field from %g to %g mm", field, got)
	}
	v.DoubleTapped(&fyne.PointEvent{})
	if h.views[1].Visible() {
		t.Error("a double click did not maximise")
	}
	v.DoubleTapped(&fyne.PointEvent{})
	if !h.views[1].Visible() {
		t.Error("a second double click did not restore")
	}
}

func TestKeysReachTheFocusedViewport(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	c := h.win.Canvas()
	c.Focus(h.views[2])
	if h.state.Focus() != 2 {
		t.Error("focusing a viewport is not seen by the state")
	}
	h.views[2].TypedKey(&fyne.KeyEvent{Name: fyne.KeyU})
	if l, _ := h.state.Layer(); l != viewstate.Entropy {
		t.Errorf("U shows %v", l)
	}
	h.views[2].TypedRune('?')
	if !strings.Contains(h.overlayText(), "Keys and mouse") {
		t.Error("? shows no help")
	}
	h.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if h.win.Canvas().Overlays().Top() != nil {
		t.Error("Escape leaves the sheet of keys open")
	}
}

func TestRunIsForbiddenForImpossibleNumbers(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	for _, bad := range []string{"", "0", "-3", "1e3", "99999"} {
		h.run.samples.SetText(bad)
		if !h.run.run.Disabled() {
			t.Errorf("%q samples can be run", bad)
		}
	}
	h.run.samples.SetText("7")
	if h.run.run.Disabled() {
		t.Error("7 samples cannot be run")
	}
	if n, _ := h.Numbers(); n != 7 {
		t.Errorf("Numbers() = %d", n)
	}
}

func TestClosingWaitsForWork(t *testing.T) {
	ended, started := false, make(chan struct{})
	f := &fakeEngine{}
	f.predict = func(ctx context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		close(started)
		<-ctx.Done()
		ended = true
		return nil, Device{}, ctx.Err()
	}
	closed := false
	h := newHarness(t, f, Options{Closed: func() { closed = true }})
	h.openExam()
	h.startRun()
	<-started
	h.Close()
	h.Close()
	h.until("the window to close", func() bool { return closed })
	if !ended {
		t.Error("the window closed before its work had ended")
	}
}

func TestNothingIsClippedAtTheSmallestWindow(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	h.startRun()
	h.until("the end", func() bool { return h.running == nil })
	if min := h.win.Content().MinSize(); min.Width > 1280 || min.Height > 800 {
		t.Errorf("the window needs %v, 1280 × 800 must do", min)
	}
	for name, o := range map[string]fyne.CanvasObject{"exam": h.exam.content, "results": h.layers.content, "histograms": h.histograms.content, "run": h.run.content} {
		if w := o.MinSize().Width; w > panelWidth {
			t.Errorf("the %s panel needs %g pixels of %d", name, w, panelWidth)
		}
	}
	for _, p := range h.panels { // they scroll up and down only
		if w := p.object().MinSize().Width; w > panelWidth {
			t.Errorf("the tab %s needs %g pixels of %d", p.item.Text, w, panelWidth)
		}
	}
}

// brokenRenderer refuses every picture until it is mended.
type brokenRenderer struct{ mended atomic.Bool }

func (r *brokenRenderer) Render(_ context.Context, _ render.Scene, w, h int) (*image.RGBA, error) {
	if !r.mended.Load() {
		return nil, fmt.Errorf("%w: out of ink", render.ErrScene)
	}
	return image.NewRGBA(image.Rect(0, 0, w, h)), nil
}
func (r *brokenRenderer) Name() string { return "broken" }
func (r *brokenRenderer) Close() error { return nil }

func TestAPictureThatCannotBeDrawnIsSaid(t *testing.T) {
	r := &brokenRenderer{}
	h := newHarness(t, &fakeEngine{}, Options{Renderer: r})
	h.openExam()
	h.settle()
	if got := texts(h.views[0]); !strings.Contains(got, "This slice cannot be drawn") || !strings.Contains(got, "out of ink") {
		t.Errorf("viewport says %q", got)
	}
	r.mended.Store(true)
	h.state.Scroll(0, 1)
	h.settle()
	if got := texts(h.views[0]); strings.Contains(got, "cannot be drawn") {
		t.Error("the complaint stays after a good picture")
	}
}

func TestDropping(t *testing.T) {
	var opened string
	f := &fakeEngine{open: func(_ context.Context, path, _ string) (*exam.Exam, error) { opened = path; return testExam(t), nil }}
	h := newHarness(t, f, Options{})
	h.dropped(fyne.Position{}, nil)
	h.dropped(fyne.Position{}, []fyne.URI{storage.NewFileURI("/exam")})
	h.until("the exam", func() bool { return h.state.Exam() != nil })
	if opened != "/exam" {
		t.Errorf("opened %q", opened)
	}
	h.dropped(fyne.Position{}, []fyne.URI{storage.NewFileURI("/a"), storage.NewFileURI("/b")})
	if !strings.Contains(h.overlayText(), "One folder or one file") {
		t.Errorf("two items: %q", h.overlayText())
	}
}

func TestTypingKeepsItsKeysButNotTheShortcuts(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	h.win.Canvas().Focus(h.run.samples)
	h.views[0].MouseIn(&desktop.MouseEvent{})
	if h.win.Canvas().Focused() != fyne.Focusable(h.run.samples) {
		t.Error("hovering over an image took the keys from a field")
	}
	h.run.samples.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyR, Modifier: fyne.KeyModifierControl})
	if h.running == nil {
		t.Error("Ctrl+R in a field does not run")
	}
	h.until("the end", func() bool { return h.running == nil })
}

func TestTheWindowClosesWhenTheProgramEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	closed := false
	h := newHarnessContext(ctx, t, &fakeEngine{}, Options{Closed: func() { closed = true }})
	cancel()
	h.until("the window to close", func() bool { return closed })
}

func TestFinishEndsWorkAndLeavesTheWindowAlone(t *testing.T) {
	started := make(chan struct{})
	f := &fakeEngine{}
	f.predict = func(ctx context.Context, _ Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		close(started)
		<-ctx.Done()
		return nil, Device{}, ctx.Err()
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.startRun()
	<-started
	h.settle()
	h.Finish()
	if n := len(h.queue); n != 0 {
		t.Errorf("%d functions came to the UI goroutine after the end", n)
	}
}

func TestKeysDoNotReachWhatADialogCovers(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	h.showSentence("Something happened", "It did.", "Go on.", "")
	c := h.win.Canvas()
	c.OnTypedKey()(&fyne.KeyEvent{Name: fyne.KeyF7})
	if l, _ := h.state.Layout(); l != viewstate.Read {
		t.Errorf("a key behind a dialog chose layout %v", l)
	}
	c.Overlays().Top().Hide()
	c.Overlays().Remove(c.Overlays().Top())
	c.OnTypedKey()(&fyne.KeyEvent{Name: fyne.KeyF7})
	if l, _ := h.state.Layout(); l != viewstate.Uncertainty {
		t.Errorf("without the dialog it chose layout %v", l)
	}
}
