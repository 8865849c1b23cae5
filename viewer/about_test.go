package viewer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"bayeslice/internal/ort"
	"bayeslice/viewer/viewstate"
)

// runtimeEngine is a fake engine that knows an inference runtime.
type runtimeEngine struct {
	*fakeEngine
	version, library string
	err              error
}

func (f runtimeEngine) Runtime() (version, library string, err error) {
	return f.version, f.library, f.err
}

// shownLines are the lines of a licence that exist as objects.
func (h *harness) shownLines() (lines []string) {
	for _, o := range test.LaidOutObjects(h.win.Canvas().Overlays().Top()) {
		if t, ok := o.(*canvas.Text); ok && t.TextStyle.Monospace {
			lines = append(lines, t.Text)
		}
	}
	return lines
}

func TestAboutTellsVersionAndLicences(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.opt.Engine = runtimeEngine{&fakeEngine{}, "9.8.7", "/opt/there/lib.so", nil}
	start := time.Now()
	h.command(viewstate.ShowAbout)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("the dialog took %v", took)
	}
	h.until("the runtime", func() bool { return strings.Contains(h.overlayText(), "ONNX Runtime 9.8.7, /opt/there/lib.so") })
	if text := h.overlayText(); !strings.Contains(text, "not a medical device") || !strings.Contains(text, "Apache-2.0") {
		t.Errorf("the dialog says %q", text)
	}
	if lines := strings.Join(h.shownLines(), "\n"); !strings.Contains(lines, "TERMS AND CONDITIONS FOR USE") {
		t.Errorf("the first licence is shown as %q", lines)
	}
	list := h.win.Canvas().Focused()
	for _, key := range []fyne.KeyName{fyne.KeyUp, fyne.KeyDown, fyne.KeyDown} {
		list.TypedKey(&fyne.KeyEvent{Name: key})
	}
	// ONNX Runtime: the longest text by far
	lines := h.shownLines()
	if text := h.overlayText(); !strings.Contains(text, "ONNX Runtime 1.") || len(lines) < 10 || len(lines) > 100 {
		t.Errorf("%d lines exist of what is shown: %q", len(lines), text)
	}
	list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if h.overlayText() != "" {
		t.Error("Escape does not close the dialog")
	}
}

func TestAboutTellsOfTheRuntime(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.opt.Engine = runtimeEngine{&fakeEngine{}, "", "", fmt.Errorf("%w; somewhere", ort.ErrLibrary)}
	h.command(viewstate.ShowAbout)
	h.until("the sentence", func() bool {
		return strings.Contains(h.overlayText(), "ONNX Runtime: ") && strings.Contains(h.overlayText(), "somewhere")
	})
	test.Tap(h.button("Close"))
	h.opt.Engine = runtimeEngine{&fakeEngine{}, "9.8.7", "/home/ada/lib.so", nil}
	h.state.SetPrivate(true)
	h.command(viewstate.ShowAbout)
	h.until("the runtime", func() bool { return strings.Contains(h.overlayText(), "ONNX Runtime 9.8.7") })
	if strings.Contains(h.overlayText(), "ada") {
		t.Error("a path is shown where names are hidden")
	}
}

func TestAboutFitsSmallWindows(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.win.Resize(fyne.NewSize(820, 560))
	h.command(viewstate.ShowAbout)
	letter := fyne.MeasureText("m", h.app.Settings().Theme().Size("caption"), fyne.TextStyle{Monospace: true}).Width
	for _, line := range h.shownLines() {
		if float32(len([]rune(line)))*letter > 820-40-partsWidth {
			t.Errorf("%q is wider than the dialog", line)
		}
	}
}
