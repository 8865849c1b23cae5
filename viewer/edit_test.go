package viewer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// drawing returns a harness with an exam open and a folder for unsaved contours.
func drawing(t *testing.T, folder string) *harness {
	t.Helper()
	h := newHarness(t, &fakeEngine{}, Options{Contours: folder})
	h.openExam()
	h.command(viewstate.LayoutContour)
	h.quiet()
	return h
}

// stroke drags the mouse across the middle of the first viewport.
func (h *harness) stroke(b desktop.MouseButton) {
	h.t.Helper()
	h.drag(b)
	h.quiet()
}

// drag draws as [harness.stroke] does, and waits for nothing.
func (h *harness) drag(b desktop.MouseButton) {
	h.t.Helper()
	v := h.views[0]
	at := func(dx float32) fyne.PointEvent {
		return fyne.PointEvent{Position: fyne.NewPos(v.Size().Width/2+dx, v.Size().Height/2)}
	}
	v.MouseDown(&desktop.MouseEvent{PointEvent: at(-40), Button: b})
	for _, dx := range []float32{-20, 0, 20, 40} {
		v.MouseMoved(&desktop.MouseEvent{PointEvent: at(dx), Button: b})
	}
	v.MouseUp(&desktop.MouseEvent{PointEvent: at(40), Button: b})
}

// contourPanel returns the tab for drawing.
func (h *harness) contourPanel() *editPanel {
	h.t.Helper()
	for _, p := range h.panels {
		if e, ok := p.panel.(*editPanel); ok {
			return e
		}
	}
	h.t.Fatal("there is no tab for drawing")
	return nil
}

func TestDrawingThroughTheWindow(t *testing.T) {
	folder := t.TempDir()
	h := drawing(t, folder)
	p := h.contourPanel()
	if h.mode.text.Text != "VIEW" || !p.undo.Disabled() || h.tabs.Selected().Text != "Contour" {
		t.Errorf("badge %q, tab %q", h.mode.text.Text, h.tabs.Selected().Text)
	}
	test.Tap(p.tools[1]) // the brush
	if h.mode.text.Text != "EDIT PZ" {
		t.Errorf("badge %q", h.mode.text.Text)
	}
	h.stroke(desktop.MouseButtonPrimary)
	if p.undo.Disabled() || !strings.Contains(p.steps.Text, "Brush PZ, slice 3") {
		t.Errorf("history says %q", p.steps.Text)
	}
	if ml := h.labels.editor.Snapshot().Volume(annotate.PZ); ml == 0 || p.chips[2].ml.Text == "" {
		t.Errorf("%g mL painted, the panel says %q", ml, p.chips[2].ml.Text)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) == 0 {
		t.Errorf("nothing is written down: %v, %v", files, err)
	}
	test.Tap(p.undo)
	if h.labels.editor.Snapshot().Volume(annotate.PZ) != 0 || p.redo.Disabled() {
		t.Error("the undo button")
	}
	test.Tap(p.redo)
	h.stroke(desktop.MouseButtonSecondary)
	if h.labels.editor.Snapshot().Volume(annotate.PZ) != 0 {
		t.Error("the right button does not erase")
	}
	h.views[0].TypedKey(&fyne.KeyEvent{Name: fyne.Key4})
	if h.mode.text.Text != "EDIT csPCa" {
		t.Errorf("badge %q", h.mode.text.Text)
	}
	h.views[0].TypedKey(&fyne.KeyEvent{Name: fyne.KeyV})
	if h.mode.text.Text != "VIEW" {
		t.Errorf("badge %q", h.mode.text.Text)
	}
}

// answer returns a button of the dialog that is open.
func (h *harness) answer(text string) *widget.Button {
	h.t.Helper()
	return buttonIn(h.t.(*testing.T), h.win.Canvas().Overlays().Top(), text)
}

// killed opens an exam, draws, and leaves the folder as a killed program does.
func killed(t *testing.T) (folder string, pz float64) {
	t.Helper()
	live := t.TempDir()
	h := drawing(t, live)
	h.command(viewstate.BrushTool)
	h.stroke(desktop.MouseButtonPrimary)
	folder = t.TempDir()
	h.until("the stroke in the journal", func() bool {
		files, err := filepath.Glob(filepath.Join(live, "*.journal"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		data, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(files[0])), data, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := annotate.Find(folder, h.labels.key, h.labels.grid)
		return err == nil && len(found) == 1 && found[0].Problem == nil && found[0].Steps == 1
	})
	return folder, h.labels.editor.Snapshot().Volume(annotate.PZ)
}

func TestUnsavedContoursAreOfferedAgain(t *testing.T) {
	folder, pz := killed(t)
	h := newHarness(t, &fakeEngine{}, Options{Contours: folder})
	h.openExam()
	h.until("the question", func() bool {
		return strings.Contains(h.overlayText(), "1 change to contours of this exam was not saved")
	})
	test.Tap(h.answer("Recover"))
	h.quiet()
	if got := h.labels.editor.Snapshot().Volume(annotate.PZ); got != pz || pz == 0 {
		t.Errorf("%g mL are back, %g were drawn", got, pz)
	}
	if layout, _ := h.state.Layout(); layout != viewstate.Contour || h.labels.editor.Note().Text != "1 change is back." {
		t.Errorf("layout %v, note %q", layout, h.labels.editor.Note().Text)
	}
	h.command(viewstate.Undo)
	if h.labels.editor.Snapshot().Volume(annotate.PZ) != 0 {
		t.Error("what was recovered cannot be undone")
	}
}

func TestUnsavedContoursCanWaitOrGo(t *testing.T) {
	folder, _ := killed(t)
	journals := func() int {
		files, err := filepath.Glob(filepath.Join(folder, "*.journal"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	for _, answer := range []string{"Later", "Delete …"} {
		h := newHarness(t, &fakeEngine{}, Options{Contours: folder})
		h.openExam()
		h.until("the question", func() bool { return strings.Contains(h.overlayText(), "not saved") })
		test.Tap(h.answer(answer))
		if journals() != 1 {
			t.Fatalf("%s deletes at once", answer)
		}
		if answer == "Later" {
			continue
		}
		h.until("a second question", func() bool { return strings.Contains(h.overlayText(), "deleted for good") })
		test.Tap(h.answer("Delete"))
		h.quiet()
	}
	if journals() != 0 {
		t.Error("deleted contours are still there")
	}
}

func TestTroubleWithAutosavingIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, &fakeEngine{}, Options{Contours: filepath.Join(file, "folder")})
	h.openExam()
	h.command(viewstate.LayoutContour)
	h.command(viewstate.BrushTool)
	h.stroke(desktop.MouseButtonPrimary)
	p := h.contourPanel()
	if !p.trouble.Visible() || !strings.Contains(p.why.Text, "in memory only") {
		t.Errorf("told %q", p.why.Text)
	}
	if h.labels.editor.Snapshot().Volume(annotate.PZ) == 0 {
		t.Error("drawing does not go on")
	}
	h.askClose()
	if text := h.overlayText(); !strings.Contains(text, "closing loses them") {
		t.Errorf("asked %q", text)
	}
	test.Tap(h.answer("Stay"))
	if h.closing {
		t.Error("the window closes")
	}
}

func TestClosingAsksForUnsavedContours(t *testing.T) {
	h := drawing(t, t.TempDir())
	h.command(viewstate.BrushTool)
	h.stroke(desktop.MouseButtonPrimary)
	h.askClose()
	h.askClose() // twice is once
	test.Tap(h.answer("Stay"))
	if h.closing || h.overlayText() != "" {
		t.Fatalf("after staying: closing %t, %q", h.closing, h.overlayText())
	}
	h.labels.target = saveTarget{t.TempDir(), "case", ".mha"}
	h.askClose()
	test.Tap(h.answer("Save …"))
	h.until("the end", func() bool { return h.closing })
	m, err := imageio.OpenMask(h.labels.target.file(annotate.Zones))
	if err != nil || m.Region(2).Voxels == 0 {
		t.Errorf("saved: %v", err)
	}
	if _, err := os.Stat(h.labels.target.file(annotate.Lesions)); err == nil {
		t.Error("an empty layer was written")
	}
}

func TestSavingAsksWhereOnce(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	h := drawing(t, t.TempDir())
	h.command(viewstate.SaveLabels)
	if !strings.Contains(h.overlayText(), "No contour is drawn yet") {
		t.Errorf("saving nothing: %q", h.overlayText())
	}
	test.Tap(h.answer("Close"))
	h.command(viewstate.BrushTool)
	h.stroke(desktop.MouseButtonPrimary)
	h.command(viewstate.SaveLabels)
	if text := h.overlayText(); !strings.Contains(text, "study-key-zones.nii.gz") {
		t.Errorf("asked %q", text)
	}
	if h.win.Canvas().Focused() == nil {
		t.Fatal("the name cannot be typed at once")
	}
	h.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	h.until("the file", func() bool { return !h.labels.editor.Unsaved() })
	if note := h.labels.editor.Note().Text; note != "Saved and read back: study-key-zones.nii.gz" {
		t.Errorf("note %q", note)
	}
	h.command(viewstate.Undo)
	h.command(viewstate.SaveLabels) // its own file, without asking
	h.until("the second file", func() bool { return !h.labels.editor.Unsaved() })
	m, err := imageio.OpenMask(h.labels.target.file(annotate.Zones))
	if err != nil || m.Region().Voxels != 0 {
		t.Errorf("after undo the file holds %+v, %v", m.Region(), err)
	}
	h.command(viewstate.SaveLabelsAs)
	h.until("what will be replaced", func() bool { return strings.Contains(h.overlayText(), "Will be replaced: study-key-zones.nii.gz") })
	h.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn}) // told, and so not asked again
	h.until("the file again", func() bool {
		return h.win.Canvas().Overlays().Top() == nil && h.labels.editor.Note().Text != "Saving …"
	})
}

func TestAHastySaveOverAFileIsAskedFor(t *testing.T) {
	folder := t.TempDir()
	h := drawing(t, folder)
	t.Setenv("HOME", folder)
	theirs := filepath.Join(folder, "study-key-zones.nii.gz")
	if err := os.WriteFile(theirs, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command(viewstate.BrushTool)
	h.stroke(desktop.MouseButtonPrimary)
	h.command(viewstate.SaveLabels)
	h.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn}) // before the disk was asked
	h.until("the question", func() bool {
		return strings.Contains(h.overlayText(), "study-key-zones.nii.gz") && strings.Contains(h.overlayText(), "Keep them")
	})
	test.Tap(h.button("Keep them"))
	h.settle()
	if data, err := os.ReadFile(theirs); err != nil || string(data) != "somebody's" || !h.labels.editor.Unsaved() {
		t.Errorf("the file holds %d bytes, %v; unsaved %v", len(data), err, h.labels.editor.Unsaved())
	}
}

func TestLabelsAreOpened(t *testing.T) {
	h := drawing(t, t.TempDir())
	g := h.labels.grid
	data := make([]uint8, g.Voxels())
	data[g.Index(3, 3, 2)], data[g.Index(4, 3, 2)] = 1, 2
	path := filepath.Join(t.TempDir(), "zones.nii.gz")
	if err := annotate.WriteLabels(path, maskOf(t, g, data), false); err != nil {
		t.Fatal(err)
	}
	h.labels.readFile(path)
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "labels 1, 2") })
	test.Tap(h.answer("Open"))
	h.until("the labels", func() bool { return h.labels.editor.Snapshot().Volume(annotate.WG) > 0 })
	if s := h.labels.editor.Snapshot(); !s.Has(annotate.TZ, 2) || !s.Has(annotate.PZ, 2) || s.Has(annotate.CsPCa, 2) {
		t.Error("other labels")
	}
	h.labels.readFile(filepath.Join(t.TempDir(), "gone.nii"))
	h.until("the error", func() bool { return strings.Contains(h.overlayText(), "not there any more") })
}

func maskOf(t *testing.T, g geom.Grid, data []uint8) *volume.Mask {
	t.Helper()
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDrawingStartsFromTheModel(t *testing.T) {
	h := drawing(t, t.TempDir())
	p := h.contourPanel()
	if !p.start[0].Disabled() {
		t.Error("there is no result to start from")
	}
	h.command(viewstate.RunModel)
	h.until("the results", func() bool { return h.running == nil && h.state.Prediction(modelcard.Anatomy) != nil })
	h.settle()
	if p.start[0].Disabled() {
		t.Error("the result cannot be started from")
	}
}

func TestAnotherExamHasContoursOfItsOwn(t *testing.T) {
	folder := t.TempDir()
	h := drawing(t, folder)
	h.command(viewstate.BrushTool)
	h.stroke(desktop.MouseButtonPrimary)
	first := h.labels.editor.Snapshot().Volume(annotate.PZ)
	h.openDemo()
	h.until("the demo", func() bool { return h.state.Exam().Key == "demo" && h.opening == nil })
	h.quiet()
	if h.labels.editor.Unsaved() || h.labels.editor.Snapshot().Volume(annotate.PZ) != 0 {
		t.Error("the demo has the contours of the exam before")
	}
	if note := h.labels.editor.Note().Text; !strings.Contains(note, "are kept") {
		t.Errorf("told %q", note)
	}
	h.openExam()
	h.until("the first exam", func() bool { return h.state.Exam().Key == "key" })
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "not saved") })
	test.Tap(h.answer("Recover"))
	h.quiet()
	if got := h.labels.editor.Snapshot().Volume(annotate.PZ); got != first {
		t.Errorf("%g mL are back, %g were drawn", got, first)
	}
}
