package viewer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"bayeslice/inference"
	"bayeslice/internal/annotate"
	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/review"
	"bayeslice/internal/volume"
	"bayeslice/internal/worklist"
	"bayeslice/viewer/viewstate"
)

// rankingEngine also samples exams for a work list: the doubt of an exam follows from its folder's name.
type rankingEngine struct{ *fakeEngine }

func (e rankingEngine) Ranking(context.Context, Model) (worklist.Sampling, error) {
	return worklist.Sampling{Predictor: ranks{}, Open: func(_ context.Context, place, _ string) (*exam.Exam, error) {
		if filepath.Base(place) == "broken" {
			return nil, exam.ErrNoImages
		}
		x := *testExam(e.t)
		x.Name = filepath.Base(place)
		return &x, nil
	}}, nil
}

type ranks struct{}

func (ranks) Name() string { return "fake" }
func (ranks) Key() string  { return "fake/1" }
func (ranks) Predict(_ context.Context, e *exam.Exam) (review.Field, error) {
	g := e.Chosen(exam.T2W).Volume.Grid()
	p := map[string]float32{"a": 0.2, "b": 0.4, "c": 0.3}[e.Name]
	maps := make([]*volume.Volume, 2)
	for n, v := range []float32{1 - p, p} {
		data := make([]float32, g.Voxels())
		for at := range data {
			data[at] = v
		}
		m, err := volume.New(g, data, "probability")
		if err != nil {
			return review.Field{}, err
		}
		maps[n] = m
	}
	return review.Field{Classes: []string{"background", "PZ"}, Mean: maps}, nil
}

// listHarness is a window with the work list of four exams, of which one is broken.
func listHarness(t *testing.T) (h *harness, dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"a", "b", "c", "broken"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "image"), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &fakeEngine{open: func(_ context.Context, path, _ string) (*exam.Exam, error) {
		if filepath.Base(path) == "broken" {
			return nil, exam.ErrNoImages
		}
		e := *testExam(t)
		e.Key, e.Name = "key of "+filepath.Base(path), filepath.Base(path)
		return &e, nil
	}}
	h = newHarness(t, f, Options{Contours: t.TempDir()})
	h.opt.Engine = rankingEngine{f}
	h.OpenList(dir, "")
	h.until("the list", func() bool { return h.list.list.IsOpen() })
	return h, dir
}

// order lists the titles of the rows, the open one with a star.
func (h *harness) order() string {
	var out []string
	for _, r := range h.list.rows {
		word := r.Title
		if r.Current {
			word += "*"
		}
		if r.State != worklist.NotStarted {
			word += "=" + string(r.State)
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

func (h *harness) current() string {
	e, _ := h.list.list.Current()
	return e.ID()
}

func TestWorkThroughAList(t *testing.T) {
	h, dir := listHarness(t)
	if h.order() != "a b broken c" || h.tabs.Selected().Text != "List" {
		t.Fatalf("%q in tab %q", h.order(), h.tabs.Selected().Text)
	}
	test.Tap(h.list.sample)
	h.until("the ranking", func() bool { _, busy := h.list.list.Sampling(); return !busy && h.order() == "b c a broken" })
	if row := h.list.rows[3]; !strings.Contains(row.Why, "No images were found here.") {
		t.Errorf("%+v", row)
	}

	h.command(viewstate.NextCase)
	h.until("the first exam", func() bool { return h.current() == "b" && h.opening == nil })
	h.until("its result", func() bool { return h.running == nil && h.state.Prediction(modelcard.Anatomy) != nil })
	test.Tap(h.contourPanel().tools[1])
	h.stroke(desktop.MouseButtonPrimary)
	if !h.labels.editor.Unsaved() {
		t.Fatal("nothing was drawn")
	}
	h.command(viewstate.AcceptCase)
	h.until("the second exam", func() bool { return h.current() == "c" && h.opening == nil })
	if h.order() != "b=completed c* a broken" {
		t.Errorf("%q", h.order())
	}
	saved := filepath.Join(dir, "bayeslice-labels", "b", "labels-zones.nii.gz")
	m, err := imageio.OpenMask(saved)
	if err != nil || m.Region(2).Voxels == 0 {
		t.Errorf("the accepted contours: %v", err)
	}

	// Going on without accepting keeps what was drawn as work in progress; it is there again later.
	test.Tap(h.contourPanel().tools[1])
	h.stroke(desktop.MouseButtonPrimary)
	h.command(viewstate.NextCase)
	h.until("the third exam", func() bool { return h.current() == "a" && h.opening == nil })
	if h.order() != "b=completed c=in progress a* broken" {
		t.Errorf("%q", h.order())
	}
	h.list.table.OnSelected(1)
	h.until("the second exam again", func() bool { return h.current() == "c" && h.opening == nil })
	h.until("its contours", func() bool {
		shot := h.labels.editor.Snapshot()
		return shot != nil && len(shot.Mask(0).Labels()) > 0
	})
	if h.labels.editor.Unsaved() {
		t.Error("contours that were just read count as unsaved")
	}

	h.command(viewstate.FlagCase)
	h.until("the flag", func() bool { return strings.Contains(h.order(), "c*=flagged") })
	h.list.note.SetText("motion")
	h.list.note.OnSubmitted("motion")
	h.until("the note", func() bool { e, _ := h.list.list.Current(); return e.Note == "motion" })
	h.command(viewstate.NextCase)
	h.until("the last exam", func() bool { return h.current() == "a" && h.opening == nil })
	h.command(viewstate.AcceptCase) // nothing was drawn: accepted as it is
	h.until("the end", func() bool { return strings.Contains(h.overlayText(), "No other exam is left to do.") })
	if h.order() != "b=completed c=flagged a*=completed broken" || h.list.progress.Text != "2 of 4 completed · 1 flagged · 1 cannot be used" {
		t.Errorf("%q, %q", h.order(), h.list.progress.Text)
	}
}

func TestListsThatFail(t *testing.T) {
	h, dir := listHarness(t)
	h.command(viewstate.AcceptCase)
	if !strings.Contains(h.overlayText(), "The open exam is in no work list.") {
		t.Errorf("%q", h.overlayText())
	}
	h.OpenList(filepath.Join(dir, "nowhere"), "")
	h.until("the refusal", func() bool { return strings.Contains(h.overlayText(), "The work list was not opened") })
	if h.order() != "a b broken c" {
		t.Errorf("the list that was open is gone: %q", h.order())
	}
	h.list.table.OnSelected(2)
	h.until("the broken exam", func() bool { return strings.Contains(h.overlayText(), "No images were found here.") })

	// A folder that cannot be written to: a sentence, and the drawing stays.
	h.list.table.OnSelected(0)
	h.until("the exam", func() bool { return h.current() == "a" && h.opening == nil })
	test.Tap(h.contourPanel().tools[1])
	h.stroke(desktop.MouseButtonPrimary)
	if err := os.WriteFile(filepath.Join(dir, "bayeslice-labels"), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command(viewstate.NextCase)
	h.until("the failure", func() bool { return strings.Contains(h.overlayText(), "Details:") })
	if h.current() != "a" || !h.labels.editor.Unsaved() || strings.Contains(h.order(), "=") {
		t.Errorf("%q open, %q", h.current(), h.order())
	}
}

func TestPrivateModeHidesTheList(t *testing.T) {
	h, _ := listHarness(t)
	h.command(viewstate.HideIdentity)
	for _, r := range h.list.rows {
		if len(r.Title) < 6 || !strings.Contains(r.Title, " ") {
			t.Errorf("%q is shown", r.Title)
		}
	}
	if h.list.folder.Text != "Folder of exams" {
		t.Errorf("%q", h.list.folder.Text)
	}
}

func TestReviewThroughTheWindow(t *testing.T) {
	h := drawing(t, t.TempDir())
	h.selectPanel(h.review)
	if h.tabs.Selected().Text != "Review" || h.review.figures.Visible() || !h.review.next.Disabled() || !strings.Contains(h.review.status.Text, "Load a mask") {
		t.Errorf("tab %q, status %q", h.tabs.Selected().Text, h.review.status.Text)
	}
	h.startRun()
	h.until("the run", func() bool { return h.running == nil && h.state.Prediction(modelcard.Anatomy) != nil })
	h.until("the spots", func() bool { return !strings.Contains(h.review.spotStatus.Text, "Looking") })

	test.Tap(h.contourPanel().tools[1])
	h.stroke(desktop.MouseButtonPrimary)
	shot := h.labels.editor.Snapshot()
	path := filepath.Join(t.TempDir(), "reader B.nii.gz")
	if err := imageio.WriteMask(path, shot.Mask(0)); err != nil {
		t.Fatal(err)
	}
	h.selectPanel(h.review)
	h.loadMask(path, h.maskLoaded)
	h.until("the reader", func() bool { return len(h.review.compare.Readers()) == 1 })
	if h.overlayText() == "" { // a stroke is less than a gland: what it is has to be said
		h.until("a choice of numbers", func() bool { return h.review.numberRow.Visible() })
	}
	h.review.compare.Renumber("tz-pz", h.maskLoaded)
	h.until("the figures", func() bool { return len(h.review.rows) == 3 && h.review.compare.Status() == "" })
	if r := h.review.rows[2]; r.Structure != "PZ" || r.Dice != "1.000" || r.HD95 != "0.0" || !h.review.figures.Visible() {
		t.Errorf("%+v", h.review.rows)
	}
	h.review.compare.SelectStructure("PZ")
	h.review.distances.SetChecked(true)
	h.until("the contour", func() bool { return len(h.review.compare.Marks(0)) > 0 })
	if !h.review.legend.Visible() {
		t.Error("no legend")
	}
	h.state.GoToSlice(0, 0)
	strip := h.review.strip
	strip.Resize(fyne.NewSize(200, 40))
	n := 0
	for i, c := range strip.cells {
		if !c.Empty {
			n = i
		}
	}
	strip.Tapped(&fyne.PointEvent{Position: fyne.NewPos((float32(n)+0.5)*strip.pitch(), 10)})
	if !strip.cells[n].Current || !strings.Contains(h.review.stripText.Text, "Dice of PZ 1.000") {
		t.Errorf("%+v %q", strip.cells[n], h.review.stripText.Text)
	}
	h.state.SetPrivate(true)
	if h.review.titles[0] != "Reader 1" {
		t.Errorf("private mode shows %q", h.review.titles)
	}
	h.loadMask(filepath.Join(t.TempDir(), "absent.nii"), h.maskLoaded)
	h.until("the refusal", func() bool { return strings.Contains(h.overlayText(), "not there any more") })
	if len(h.review.compare.Readers()) != 1 {
		t.Error("a mask that is not there is listed")
	}
}

// An exam of a list whose contours were saved before, and then drawn on without saving: the unsaved ones are offered,
// and come back, although the saved ones were opened meanwhile.
func TestUnsavedContoursOfAListComeBack(t *testing.T) {
	h, _ := listHarness(t)
	open := func(row int, name string) {
		t.Helper()
		h.list.table.OnSelected(row)
		h.until("exam "+name, func() bool { return h.current() == name && h.opening == nil })
	}
	open(0, "a")
	test.Tap(h.contourPanel().tools[1])
	h.stroke(desktop.MouseButtonPrimary)
	open(1, "b")
	open(0, "a")
	h.until("its contours", func() bool { return strings.Contains(h.labels.editor.Note().Text, "of the work list") })
	test.Tap(h.contourPanel().tools[1])
	h.state.GoToSlice(0, 1)
	h.stroke(desktop.MouseButtonPrimary)
	drawn := h.labels.editor.Snapshot().Mask(0).Region(2).Voxels
	h.openDemo()
	h.until("the demo", func() bool { return h.state.Exam().Key == "demo" && h.opening == nil })
	h.quiet()

	open(0, "a")
	h.until("the saved contours", func() bool { return strings.Contains(h.labels.editor.Note().Text, "of the work list") })
	if saved := h.labels.editor.Snapshot().Mask(0).Region(2).Voxels; saved == 0 || saved >= drawn {
		t.Fatalf("%d voxels were saved of %d", saved, drawn)
	}
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "was not saved") })
	test.Tap(h.answer("Recover"))
	h.quiet()
	if back := h.labels.editor.Snapshot().Mask(0).Region(2).Voxels; back != drawn {
		t.Errorf("%d voxels are back of %d", back, drawn)
	}
}

// The exam changes before the journal of what was drawn exists, and comes back before the journal is closed: nothing of
// it is lost.
func TestContoursOutliveASlowJournal(t *testing.T) {
	h, _ := listHarness(t)
	h.list.table.OnSelected(0)
	h.until("the exam", func() bool { return h.current() == "a" && h.opening == nil })
	h.command(viewstate.BrushTool)
	h.drag(desktop.MouseButtonPrimary)
	drawn := h.labels.editor.Snapshot().Mask(0).Region(2).Voxels
	if h.labels.pending == nil {
		t.Fatal("the journal is there already, so that nothing is tested")
	}
	h.labels.replace(annotate.New(h.labels.grid), false)
	h.labels.find()
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "was not saved") })
	test.Tap(h.answer("Recover"))
	h.quiet()
	if back := h.labels.editor.Snapshot().Mask(0).Region(2).Voxels; back != drawn || drawn == 0 {
		t.Errorf("%d voxels are back of %d", back, drawn)
	}
}

func TestNotesAreKeptWithoutEnter(t *testing.T) {
	h, dir := listHarness(t)
	h.list.table.OnSelected(0)
	h.until("the exam", func() bool { return h.current() == "a" && h.opening == nil })
	c := h.win.Canvas()
	c.Focus(h.list.note)
	test.Type(h.list.note, "motion")
	h.list.table.OnSelected(1)
	h.until("the next exam", func() bool { return h.current() == "b" && h.opening == nil })
	if h.list.note.Text != "" {
		t.Errorf("the note of the exam before is shown: %q", h.list.note.Text)
	}
	c.Focus(h.list.note)
	test.Type(h.list.note, "left hip")
	h.command(viewstate.HideIdentity)
	if h.list.note.Text != "" {
		t.Errorf("private mode shows the note %q", h.list.note.Text)
	}
	h.command(viewstate.HideIdentity)
	h.until("the note", func() bool { return h.list.note.Text == "left hip" })
	c.Focus(h.list.note)
	test.Type(h.list.note, "prosthesis, ") // at the beginning, where the field is entered
	h.Close()
	done := make(chan struct{})
	go func() { h.work.Wait(); close(done) }()
	h.drain(done)

	s, err := worklist.Open(dir, worklist.Options{Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"a": "motion", "b": "prosthesis, left hip"} {
		if e, ok := s.List().Find(id); !ok || e.Note != want {
			t.Errorf("note on %s is %q, want %q", id, e.Note, want)
		}
	}
}

// drain does what comes to the UI goroutine until something is done.
func (h *harness) drain(done <-chan struct{}) {
	for {
		select {
		case f := <-h.queue:
			f()
		case <-done:
			return
		}
	}
}

// The models run on an exam of the list that was opened while a run on the exam before is still ending.
func TestTheNextExamOfAListWaitsForTheRunBefore(t *testing.T) {
	h, _ := listHarness(t)
	began, end := make(chan struct{}, 1), make(chan struct{})
	finish := sync.OnceFunc(func() { close(end) })
	t.Cleanup(finish)
	fake := h.opt.Engine.(rankingEngine).fakeEngine
	quick := fake.predict
	fake.predict = func(ctx context.Context, job Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		select {
		case began <- struct{}{}:
		default:
			return quick(ctx, job, on)
		}
		<-end // a sample that takes its time
		return nil, Device{}, context.Canceled
	}
	h.list.table.OnSelected(0)
	h.until("the run", func() bool { return len(began) == 1 })
	h.list.table.OnSelected(1)
	h.until("the next exam", func() bool { return h.current() == "b" && h.opening == nil && h.wantRun })
	finish()
	h.until("its result", func() bool { return h.running == nil && h.state.Prediction(modelcard.Anatomy) != nil })
}
