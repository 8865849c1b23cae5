package viewer

import (
	"context"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// dragOn presses the left button at one position of a viewport and lets it go at another.
func dragOn(v *viewport, x0, y0, x1, y1 float32) {
	v.MouseDown(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(x0, y0)}, Button: desktop.MouseButtonPrimary})
	v.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(x1, y1)}})
	v.MouseUp(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(x1, y1)}, Button: desktop.MouseButtonPrimary})
}

func TestMeasuringWithTheMouse(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	p := h.reading
	test.Tap(p.tools[1]) // the ruler
	if h.state.Tool() != viewstate.Ruler || !strings.Contains(p.message.Text, "Drag a line") {
		t.Fatalf("tool %v, message %q", h.state.Tool(), p.message.Text)
	}
	window := h.state.Window(0)
	dragOn(h.views[0], 100, 100, 180, 160)
	want := 100 / h.state.PixelsPerMM(0) // 80 by 60 pixels
	list := p.reading.Measurements()
	if len(list) != 1 || list[0].Lines[0].MM() < want-0.01 || list[0].Lines[0].MM() > want+0.01 {
		t.Fatalf("%+v, want %v mm", list, want)
	}
	if h.state.Window(0) != window {
		t.Error("the drag changed the grey window as well")
	}
	if shown := texts(p.list); !strings.Contains(shown, "1  Distance") || !strings.Contains(shown, list[0].Text()) {
		t.Errorf("the list shows %q", shown)
	}
	found := false
	for _, l := range h.views[0].marks.labels {
		found = found || l.text.Text == list[0].Text() && l.text.Visible()
	}
	if !found {
		t.Error("the length does not stand in the image")
	}
	test.Tap(p.clear)
	if len(p.reading.Measurements()) != 0 || !strings.Contains(texts(p.list), "None yet") {
		t.Error("not deleted")
	}
	test.Tap(p.undo)
	if len(p.reading.Measurements()) != 1 {
		t.Error("not brought back")
	}
}

func TestFusionIsChosenInThePanel(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	p := h.reading
	if len(p.fuse.Options) != 4 || !p.opacity.Disabled() {
		t.Fatalf("choices %q", p.fuse.Options)
	}
	p.fuse.SetSelectedIndex(1)
	scene, _ := h.state.Scene(0)
	if scene.Overlay == nil || p.opacity.Disabled() {
		t.Fatal("nothing is fused")
	}
	p.opacity.SetValue(0.8)
	if scene, _ := h.state.Scene(0); scene.Overlay.Opacity != 0.8 {
		t.Errorf("opacity %v", scene.Overlay.Opacity)
	}
	h.settle()
	if note := h.views[0].note.text(); !strings.Contains(note, "in colour") {
		t.Errorf("the view says %q", note)
	}
}

func TestTheAlignmentCheckIsStoppedAndTheOffsetNudged(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	a := h.reading.align
	test.Tap(a.check)
	if !a.check.Disabled() || !a.stop.Visible() {
		t.Error("a second check is allowed, or none can be stopped")
	}
	test.Tap(a.stop)
	h.until("the end of the check", func() bool { running, _ := h.reading.reading.Checking(); return !running })
	if a.result.Text != "The check was stopped." || a.stop.Visible() || a.check.Disabled() {
		t.Errorf("after the check: %q", a.result.Text)
	}
	test.Tap(a.nudges[1]) // to the left
	if note := h.state.FrameNote(1); note != "shifted by hand 0.5 L mm" || a.reset.Disabled() {
		t.Errorf("note %q", note)
	}
	test.Tap(a.reset)
	if h.state.Offset("adc") != (geom.Vec3{}) {
		t.Error("the offset was not taken back")
	}
}

func TestPSAAndCandidates(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	n := h.layers.numbers
	n.psa.SetText("6,4")
	if !strings.Contains(texts(n.content), "run the anatomy model") {
		t.Errorf("without a volume: %q", texts(n.content))
	}
	h.command(viewstate.RunModel)
	h.until("the end", func() bool { return h.running == nil && len(n.listed) == 1 })
	shown := texts(n.content)
	for _, want := range []string{"0.80", "in 4 of 4 samples", "0.50 mL", "ADC not known", "The reader scores"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the numbers lack %q:\n%s", want, shown)
		}
	}
	if h.reading.reading.PSA() != "6,4" {
		t.Error("the typed PSA was lost")
	}
	other := *h.state.Exam()
	other.Key = "other"
	h.state.SetExam(&other)
	if n.psa.Text != "" {
		t.Errorf("another patient's exam has the PSA %q", n.psa.Text)
	}
}

func TestSlicesPlayAndStop(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	before := h.state.Cursor()
	h.command(viewstate.Cine)
	h.until("another slice", func() bool { return h.state.Cursor() != before })
	h.command(viewstate.Cine)
	h.until("the end", func() bool { return !h.reading.playing })
	h.command(viewstate.KeyImage)
	if !strings.Contains(texts(h.reading.keys), "★") {
		t.Errorf("key images %q", texts(h.reading.keys))
	}
}

// holder is a set of held keys with a clock and timers of the test's.
func holder() (h *holdKeys, now *time.Time, due *[]func(), applied *[]viewstate.Command) {
	now, due, applied = &time.Time{}, &[]func(){}, &[]viewstate.Command{}
	h = newHoldKeys(func(c viewstate.Command) { *applied = append(*applied, c) }, func(f func()) { f() })
	h.now = func() time.Time { return *now }
	h.after = func(_ time.Duration, f func()) { *due = append(*due, f) }
	return h, now, due, applied
}

func TestKeysThatAreHeld(t *testing.T) {
	h, now, due, applied := holder()
	count := func() int { return len(*applied) }
	h.down("S", viewstate.ToggleContours)
	if !h.typed(viewstate.ToggleContours) || h.typed(viewstate.ToggleOverlay) {
		t.Error("a repeat of the held key counts, or another one does not")
	}
	h.up("S")
	if count() != 1 {
		t.Errorf("a short press toggled %d times", count())
	}
	h.down("S", viewstate.ToggleContours)
	*now = now.Add(time.Second)
	h.up("S")
	if count() != 3 {
		t.Errorf("a long press left the contours as they were after %d changes", count()-1)
	}
	h.down("O", viewstate.ToggleOverlay)
	for n := range 3 { // three changes more while it is held
		*now = now.Add(time.Second)
		(*due)[n]()
	}
	h.up("O")
	if n := count() - 3; n != 4 { // off, on, off, on: as before, so that letting go changes nothing
		t.Errorf("flickered %d times", n)
	}
	(*due)[3]()
	if count() != 7 {
		t.Error("flickers after the key was let go")
	}
	h.down("O", viewstate.ToggleOverlay) // its release is never seen
	*now = now.Add(time.Second)
	h.down("S", viewstate.ToggleContours)
	if n := (*applied)[8]; n != viewstate.ToggleOverlay || count() != 10 {
		t.Errorf("a lost release left the map hidden: %v", (*applied)[7:])
	}
	h.down("F", viewstate.FitView)
	if count() != 11 || h.held != viewstate.NoCommand {
		t.Errorf("%d changes, held %v", count(), h.held)
	}
}

func TestTheFieldOfThePSAStaysWhereItIsWhenCandidatesCome(t *testing.T) {
	release := make(chan struct{})
	f := &fakeEngine{}
	f.predict = func(_ context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		if job.Model.Card.Task == modelcard.Diagnosis {
			<-release
		}
		return predictionOf(t, job, job.Samples, inference.Completed), Device{Name: "CPU (test)"}, nil
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.command(viewstate.RunModel)
	h.until("zones", func() bool { return h.state.Prediction(modelcard.Anatomy) != nil })
	h.settle()
	numbers := h.layers.numbers
	place := func() fyne.Position {
		numbers.content.Resize(numbers.content.MinSize()) // as the window does with its next picture
		at := h.app.Driver().AbsolutePositionForObject(numbers.psa)
		return at.Subtract(h.app.Driver().AbsolutePositionForObject(numbers.content))
	}
	before := place()
	close(release)
	h.until("candidates", func() bool { return h.running == nil && len(numbers.listed) > 0 })
	h.settle()
	if after := place(); after.Y != before.Y {
		t.Errorf("the field is at %v, was at %v", after, before)
	}
}
