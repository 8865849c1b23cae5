package viewer

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report"
	"bayeslice/viewer/viewstate"
)

// stillThere fails where the exam or a result is not shown any more.
func (h *harness) stillThere(after string) {
	h.t.Helper()
	if h.state.Exam() == nil || h.state.Prediction(modelcard.Anatomy) == nil || h.state.Prediction(modelcard.Diagnosis) == nil {
		h.t.Errorf("%s: the exam or a result is lost", after)
	}
}

// A file that vanished while an exam is open is a sentence; the exam and its results stay.
func TestAVanishedFileIsASentenceAndNothingIsLost(t *testing.T) {
	f := &fakeEngine{}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.command(viewstate.RunModel)
	h.until("the run", func() bool { return h.running == nil && h.state.Prediction(modelcard.Diagnosis) != nil })
	f.open = func(_ context.Context, path, _ string) (*exam.Exam, error) {
		return nil, fmt.Errorf("exam: %w", &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT})
	}
	h.Open("gone")
	h.until("the sentence", func() bool { return strings.Contains(h.overlayText(), "The file or folder is not there any more.") })
	if !strings.Contains(h.overlayText(), "choose it again") {
		t.Errorf("no next step: %q", h.overlayText())
	}
	test.Tap(h.button("Close"))
	h.stillThere("a vanished exam")
	h.OpenSession("gone.bayeslice")
	h.until("the sentence", func() bool { return strings.Contains(h.overlayText(), "The file or folder is not there any more.") })
	h.stillThere("a vanished session")
}

// A model of another task takes the place of that task alone; a file that is no model takes none.
func TestAModelOfAnotherTaskLosesNothing(t *testing.T) {
	f := &fakeEngine{}
	f.model = func(path string) (Model, error) {
		if strings.Contains(path, "foreign") {
			return Model{}, fmt.Errorf("%w: %w", inference.ErrModel, modelcard.ErrCard)
		}
		m := model(modelcard.Diagnosis, true)
		m.ID, m.Card.Name = path, "Other task"
		return m, nil
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.command(viewstate.RunModel)
	h.until("the run", func() bool { return h.running == nil && h.state.Prediction(modelcard.Diagnosis) != nil })
	zones := h.run.pickers[modelcard.Anatomy].Selected
	h.dropped(fyne.Position{}, []fyne.URI{storage.NewFileURI("/other.onnx")})
	h.until("the model", func() bool { return h.run.pickers[modelcard.Diagnosis].Selected == "Other task" })
	if h.run.pickers[modelcard.Anatomy].Selected != zones {
		t.Errorf("the zones' model became %q", h.run.pickers[modelcard.Anatomy].Selected)
	}
	h.stillThere("a model of another task")
	h.dropped(fyne.Position{}, []fyne.URI{storage.NewFileURI("/foreign.onnx")})
	h.until("the refusal", func() bool { return strings.Contains(h.overlayText(), "The file is not a Bayeslice model.") })
	h.stillThere("a foreign model")
	if h.run.pickers[modelcard.Diagnosis].Selected != "Other task" {
		t.Errorf("the choice became %q", h.run.pickers[modelcard.Diagnosis].Selected)
	}
}

// smallDisk asks this test, run again on a file system of its own, to export into 200 kB.
const smallDisk = "BAYESLICE_SMALL_DISK"

func TestExportOntoAFullDiskIsASentence(t *testing.T) {
	if dir := os.Getenv(smallDisk); dir != "" {
		exportOntoFullDisk(t, dir)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=64k none "$0" && exec "$1" -test.run '^TestExportOntoAFullDiskIsASentence$' -test.v`, dir, self)
	cmd.Env = append(os.Environ(), smallDisk+"="+dir)
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), "RUN") {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func exportOntoFullDisk(t *testing.T, dir string) {
	h := exportHarness(t)
	h.command(viewstate.Export)
	d := h.exports.dialog
	d.form.Set(report.PagePDF, true)
	d.form.SetFolder(dir)
	d.export()
	h.until("the sentence", func() bool { return strings.Contains(h.overlayText(), "The disk is full.") })
	if !strings.Contains(h.overlayText(), "Free some space and try again.") {
		t.Errorf("no next step: %q", h.overlayText())
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("%q was left", left)
	}
	h.stillThere("a full disk")
	v, facts := h.exports.view(), h.exports.stampFacts()
	test.Tap(h.button("Close"))
	if err := os.WriteFile(dir+"/filler", make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the small disk holds a megabyte")
	}
	h.exports.saveViewTo(dir+"/view.png", v, facts)
	h.until("the sentence about the picture", func() bool { return strings.Contains(h.overlayText(), textViewUnsaved.String()) })
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("%q was left", left)
	}
}
