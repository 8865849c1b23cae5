package viewer

import (
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/exam"
	"bayeslice/internal/report"
	"bayeslice/viewer/viewstate"
)

// exportHarness has an exam of a named patient and results of both models.
func exportHarness(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	e := *h.state.Exam()
	e.Name, e.Identity = "DOE_JOHN", exam.Identity{PatientName: "DOE^JOHN", PatientID: "PID-4711"}
	h.state.SetExam(&e)
	h.command(viewstate.RunModel)
	h.until("the end of the run", func() bool {
		return h.running == nil && h.state.Prediction("anatomy") != nil && h.state.Prediction("diagnosis") != nil
	})
	return h
}

// button finds a button of the topmost dialog by its text.
func (h *harness) button(text string) *widget.Button {
	h.t.Helper()
	top := h.win.Canvas().Overlays().Top()
	if top == nil {
		h.t.Fatalf("no dialog is open where %q was to be pressed", text)
	}
	var found *widget.Button
	var walk func(o fyne.CanvasObject)
	walk = func(o fyne.CanvasObject) {
		if !o.Visible() {
			return
		}
		if b, ok := o.(*widget.Button); ok && b.Text == text {
			found = b
		}
		if c, ok := o.(*fyne.Container); ok {
			for _, child := range c.Objects {
				walk(child)
			}
		} else if w, ok := o.(fyne.Widget); ok {
			for _, child := range test.WidgetRenderer(w).Objects() {
				walk(child)
			}
		}
	}
	walk(top)
	if found == nil {
		h.t.Fatalf("no button %q in %q", text, h.overlayText())
	}
	return found
}

// files lists a folder with what is hidden in it.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestExportWritesFilesWithoutNames(t *testing.T) {
	h := exportHarness(t)
	dir := t.TempDir()
	h.command(viewstate.Export)
	d := h.exports.dialog
	if d == nil || !d.start.Disabled() || !strings.Contains(h.overlayText(), "Choose a folder.") {
		t.Fatalf("the dialog says %q", h.overlayText())
	}
	if !d.checks[report.EditedLabels].Disabled() || !strings.Contains(h.overlayText(), "No contours were drawn or corrected.") {
		t.Error("labels that nobody drew are offered")
	}
	d.form.SetFolder(dir)
	d.checks[report.ViewPNG].SetChecked(true)
	h.until("a look at the folder", func() bool { return strings.Contains(d.told.Text, "none will name the patient") })
	test.Tap(h.button("Export"))
	if d.stop == nil || !d.pages.wait.Visible() {
		t.Error("no progress is shown")
	}
	h.until("the end of the export", func() bool { return d.pages.done.Visible() })
	written := files(t, dir)
	want := []string{"study-key_anatomy_zones.nii.gz", "study-key_diagnosis_cspca.nii.gz", "study-key_diagnosis_lesions.nii.gz", "study-key_export.json", "study-key_report.pdf", "study-key_view.png"}
	if !slices.Equal(written, want) {
		t.Errorf("files %q, want %q", written, want)
	}
	for _, name := range written {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "DOE") || strings.Contains(string(data), "4711") {
			t.Errorf("%s names the patient", name)
		}
	}
	if text := h.overlayText(); !strings.Contains(text, "6 files were written. Each was read back and compared.") || !strings.Contains(text, "study-key_report.pdf") {
		t.Errorf("the result is told as %q", text)
	}
	var shown *url.URL
	h.exports.open = func(u *url.URL) error { shown = u; return nil }
	test.Tap(h.button("Show folder"))
	if shown == nil || shown.Scheme != "file" || shown.Path != filepath.ToSlash(dir) {
		t.Errorf("shown %v", shown)
	}
	test.Tap(h.button("Close"))
	if h.exports.dialog != nil || h.win.Canvas().Overlays().Top() != nil {
		t.Error("the dialog stays")
	}
	h.command(viewstate.Export)
	if f := h.exports.dialog.form; f.Folder() != dir || !f.HasView() || f.Identity() {
		t.Errorf("the second time: folder %q, view %v", f.Folder(), f.HasView())
	}
}

// DICOM SEG is a format like others, but for the maps that it has no object for.
func TestExportOffersDICOM(t *testing.T) {
	h := exportHarness(t)
	dir := t.TempDir()
	h.command(viewstate.Export)
	d := h.exports.dialog
	d.form.SetFolder(dir)
	d.form.Set(report.PagePDF, false)
	if d.checks[report.Entropies].Disabled() {
		t.Error("NIfTI holds no entropy")
	}
	d.checks[report.Contours].SetChecked(true)
	d.format.SetSelected("DICOM SEG (.dcm)")
	if !d.checks[report.Entropies].Disabled() || d.hints[report.Entropies].Text != "Only as NIfTI or MHA." || d.checks[report.Zones].Disabled() || d.identity.Disabled() {
		t.Errorf("entropy in DICOM SEG: %q", d.hints[report.Entropies].Text)
	}
	h.until("a look at the folder", func() bool {
		return strings.Contains(d.told.Text, "none will name the patient. The images were no DICOM")
	})
	test.Tap(h.button("Export"))
	h.until("the end of the export", func() bool { return d.pages.done.Visible() })
	want := []string{"study-key_anatomy_zones.dcm", "study-key_contours.dcm", "study-key_diagnosis_cspca.dcm", "study-key_diagnosis_lesions.dcm", "study-key_export.json"}
	if written := files(t, dir); !slices.Equal(written, want) {
		t.Errorf("files %q, want %q", written, want)
	}
	test.Tap(h.button("Close"))
	h.command(viewstate.Export)
	d = h.exports.dialog
	d.identity.SetChecked(true)
	h.until("the warning", func() bool { return strings.Contains(d.told.Text, "DICOM objects will name the patient.") })
	d.format.SetSelected("NIfTI (.nii.gz)")
	if d.checks[report.Entropies].Disabled() {
		t.Error("NIfTI holds no entropy any more")
	}
}

func TestExportAsksBeforeItReplaces(t *testing.T) {
	h := exportHarness(t)
	dir := t.TempDir()
	mine := filepath.Join(dir, "study-key_anatomy_zones.nii.gz")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command(viewstate.Export)
	d := h.exports.dialog
	d.form.Set(report.PagePDF, false)
	d.form.SetFolder(dir)
	d.update()
	h.until("a look at the folder", func() bool { return strings.Contains(d.told.Text, "1 is there already, and you will be asked.") })
	test.Tap(h.button("Export"))
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "1 file is there already:") })
	if !strings.Contains(h.overlayText(), filepath.Base(mine)) {
		t.Errorf("the question is %q", h.overlayText())
	}
	test.Tap(h.button("Keep them"))
	if got := files(t, dir); len(got) != 1 || !d.pages.choose.Visible() {
		t.Errorf("after a no: %q", got)
	}
	test.Tap(h.button("Export"))
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "1 file is there already:") })
	test.Tap(h.button("Replace"))
	h.until("the end", func() bool { return d.pages.done.Visible() })
	if data, err := os.ReadFile(mine); err != nil || string(data) == "mine" {
		t.Errorf("after a yes the file is %q, %v", data, err)
	}
}

// Whatever the place is like, the user reads a sentence, and nothing of theirs is lost.
func TestExportIntoBadPlacesIsASentence(t *testing.T) {
	h := exportHarness(t)
	gone := filepath.Join(t.TempDir(), "gone")
	for place, want := range map[string]string{gone: "The file or folder is not there any more.", "/sys": "The files cannot be written in this folder."} {
		if place == "/sys" && runtime.GOOS != "linux" {
			continue
		}
		h.command(viewstate.Export)
		d := h.exports.dialog
		d.form.Set(report.PagePDF, false)
		d.form.SetFolder(place)
		d.export()
		h.until("the sentence about "+place, func() bool { return strings.Contains(h.overlayText(), want) })
		if text := h.overlayText(); !strings.Contains(text, "The export failed") {
			t.Errorf("%s: %q", place, text)
		}
		test.Tap(h.button("Close"))
		if !d.pages.choose.Visible() || d.stop != nil {
			t.Errorf("%s: the choices are lost", place)
		}
		d.dialog.Hide()
	}
	if h.state.Prediction("anatomy") == nil || h.state.Exam() == nil {
		t.Error("the result is lost")
	}
}

func TestExportStopsAndLeavesNothing(t *testing.T) {
	h := exportHarness(t)
	dir := t.TempDir()
	h.command(viewstate.Export)
	d := h.exports.dialog
	d.form.SetFolder(dir)
	d.export()
	test.Tap(h.button("Stop"))
	h.until("the end", func() bool { return d.stop == nil })
	if !d.pages.choose.Visible() && !d.pages.done.Visible() { // it may have been faster than the stop
		t.Error("the dialog hangs")
	}
	if left := files(t, dir); d.pages.choose.Visible() && len(left) > 0 {
		t.Errorf("%q was left", left)
	}
}

func TestClosingTheExportDialogStopsIt(t *testing.T) {
	h := exportHarness(t)
	dir := t.TempDir()
	h.command(viewstate.Export)
	d := h.exports.dialog
	d.form.SetFolder(dir)
	d.export()
	d.dialog.Hide()
	h.until("the end", func() bool { return d.stop == nil })
	if h.exports.dialog != nil || h.win.Canvas().Overlays().Top() != nil {
		t.Error("something is still shown")
	}
}

func TestPrivateModeHidesTheFolder(t *testing.T) {
	h := exportHarness(t)
	dir := t.TempDir()
	h.exports.last.Folder = dir
	h.setPrivate(true)
	h.command(viewstate.Export)
	if text := h.overlayText(); strings.Contains(text, dir) || !strings.Contains(text, "its path is hidden") {
		t.Errorf("the dialog says %q", text)
	}
	h.setPrivate(false)
	if text := h.overlayText(); !strings.Contains(text, dir) {
		t.Errorf("shown again, the dialog says %q", text)
	}
	d := h.exports.dialog
	d.export()
	h.until("the end", func() bool { return d.pages.done.Visible() })
	if text := h.overlayText(); !strings.Contains(text, dir) {
		t.Errorf("the result is told as %q", text)
	}
	h.command(viewstate.HideIdentity)
	if text := h.overlayText(); strings.Contains(text, dir) || !strings.Contains(text, "In the folder you chose:") {
		t.Errorf("hidden, the result is told as %q", text)
	}
}

func TestThePictureOfTheViewIsStamped(t *testing.T) {
	h := exportHarness(t)
	h.settle()
	v, facts := h.exports.view(), h.exports.stampFacts()
	if len(v.Panes) != viewstate.ViewportCount || v.Size.X < 400 || len(facts) < 2 || !strings.Contains(facts[0], "study-key") || strings.Contains(strings.Join(facts, " "), "DOE") {
		t.Errorf("view of %v with %d viewports, facts %q", v.Size, len(v.Panes), facts)
	}
	path := filepath.Join(t.TempDir(), "view.png")
	h.exports.saveViewTo(path, v, facts)
	h.until("the picture", func() bool { return strings.Contains(h.run.status.Text, "without names") })
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil || img.Bounds().Dx() != v.Size.X || img.Bounds().Dy() <= v.Size.Y {
		t.Errorf("picture of %v, view of %v, %v", img.Bounds(), v.Size, err)
	}
	h.exports.saveViewTo(filepath.Join(path, "below", "a.png"), v, facts)
	h.until("the sentence", func() bool { return strings.Contains(h.overlayText(), textViewUnsaved.String()) })
}

func TestNothingOpenNothingExported(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	for _, c := range []viewstate.Command{viewstate.Export, viewstate.CopyView} {
		h.command(c)
		if !strings.Contains(h.overlayText(), "No exam is open.") {
			t.Errorf("%v: %q", c, h.overlayText())
		}
		test.Tap(h.button("Close"))
	}
	h.exports.open = func(*url.URL) error { return errTest }
	h.exports.showFolder(t.TempDir())
	if !strings.Contains(h.overlayText(), "The folder cannot be shown") {
		t.Errorf("a file manager that fails: %q", h.overlayText())
	}
}
