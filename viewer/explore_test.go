package viewer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/explore"
)

// knowingEngine is an engine that knows what is in its exam: TZ left and PZ right in the middle.
type knowingEngine struct{ *fakeEngine }

func (k *knowingEngine) Truth(*exam.Exam) (viewstate.Reference, bool) {
	g := testVolume(k.t, "", func(int) float32 { return 0 }).Grid()
	labels := make([]uint8, g.Voxels())
	for at := range labels {
		if i, j := at%8, at/8%8; i > 1 && i < 6 && j > 1 && j < 6 {
			labels[at] = uint8(1 + i/4)
		}
	}
	m, err := volume.NewMask(g, labels)
	if err != nil {
		k.t.Fatal(err)
	}
	return viewstate.Reference{Name: "the truth", Zones: m}, true
}

// fourLosses are bundled models of the zones.
func fourLosses() []Model {
	var out []Model
	for _, loss := range []string{"CE", "BCE", "FL", "DB"} {
		out = append(out, bundled(modelcard.Anatomy, loss, loss == "CE"))
	}
	return append(out, model(modelcard.Diagnosis, true))
}

// compareHarness is a window whose engine knows the truth, with a synthetic exam in the layout Compare.
func compareHarness(t *testing.T, o Options) *harness {
	t.Helper()
	f := &fakeEngine{models: fourLosses()}
	h := newHarness(t, f, o)
	h.opt.Engine = &knowingEngine{f}
	h.openDemo()
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.state.SetLayout(viewstate.Compare)
	h.until("the slots", func() bool { return h.state.Compared(0).Title == "CE" && h.explore.works.idle() })
	return h
}

// compare runs the compared models and waits for the figures.
func (h *harness) compareAll() {
	h.t.Helper()
	test.Tap(h.explore.compare)
	h.until("the comparison", func() bool { return h.running == nil && h.explore.running == nil })
	h.until("the figures", func() bool { return !h.explore.x.Judging() && h.explore.works.idle() && len(h.queue) == 0 })
}

func TestComparingModels(t *testing.T) {
	h := compareHarness(t, Options{})
	p := h.explore
	if h.tabs.Selected().Text != "Calibration" {
		t.Errorf("the layout brings up %q", h.tabs.Selected().Text)
	}
	if got := texts(p.content); !strings.Contains(got, "4 models to run, 4 samples each") || !strings.Contains(got, "use the phantom’s own labels") {
		t.Errorf("at first the panel says\n%s", got)
	}
	test.Tap(p.truth)
	h.compareAll()
	for slot, want := range []string{"CE", "BCE", "FL", "DB"} {
		c := h.state.Compared(slot)
		if c.Title != want || c.Prediction == nil || c.ID != "anatomy-"+strings.ToLower(want) {
			t.Errorf("slot %d: %q, %v", slot, c.Title, c.Prediction != nil)
		}
		if !h.insets[slot].visible(h.Window) || h.insets[slot].chart.hist.Class != viewstate.WG {
			t.Errorf("picture %d lacks its histogram", slot)
		}
	}
	got := texts(p.content)
	for _, want := range []string{"Judged by: the truth", "Every model has run", "ECE", "0.400", "Dice"} { // 2/3 is said of 300 voxels, of which 80 are gland
		if !strings.Contains(got, want) {
			t.Errorf("the panel lacks %q:\n%s", want, got)
		}
	}
	if !p.compare.Disabled() {
		t.Error("what has run can be run again")
	}
	if h.bar.device.text.Text == "No run yet" {
		t.Error("the tool bar does not know of the runs")
	}
	h.state.SetClass(viewstate.CsPCa)
	if got := texts(p.content); !strings.Contains(got, "1 model to run") {
		t.Errorf("for lesions the panel says\n%s", got)
	}
}

func TestStoppingAComparisonKeepsWhatThereIs(t *testing.T) {
	h := compareHarness(t, Options{})
	started := make(chan struct{})
	var once sync.Once
	h.opt.Engine.(*knowingEngine).predict = func(ctx context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		if job.Model.Card.Loss == "CE" {
			return predictionOf(t, job, 4, inference.Completed), Device{}, nil
		}
		once.Do(func() { close(started) })
		<-ctx.Done()
		return predictionOf(t, job, 1, inference.Cancelled), Device{}, nil
	}
	test.Tap(h.explore.compare)
	h.until("the second model", func() bool {
		select {
		case <-started:
			return true
		default:
			return false
		}
	})
	h.until("the progress", func() bool { return strings.Contains(h.explore.status.Text, "BCE · model 2 of 4") })
	if !h.explore.stop.Visible() || h.explore.compare.Visible() || !h.explore.picks[0].Disabled() {
		t.Error("during a comparison it can be started again, or not stopped")
	}
	h.startRun()
	if h.state.Prediction(modelcard.Anatomy) != nil {
		t.Error("two runs at a time")
	}
	h.command(viewstate.CancelRun)
	h.until("the end", func() bool { return h.explore.running == nil && h.running == nil })
	if h.state.Compared(1).Prediction.Samples != 1 || h.state.Compared(2).Prediction != nil {
		t.Error("the samples so far are lost, or the next model ran")
	}
	if got := texts(h.explore.content); !strings.Contains(got, "3 models to run") {
		t.Errorf("after a stop the panel says\n%s", got)
	}
}

func TestAComparisonThatFailsIsExplained(t *testing.T) {
	h := compareHarness(t, Options{})
	h.opt.Engine.(*knowingEngine).predict = func(context.Context, Job, func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		return nil, Device{}, errors.Join(ErrRun, errTest)
	}
	test.Tap(h.explore.compare)
	h.until("the end", func() bool { return h.explore.running == nil && h.running == nil })
	if got := h.overlayText(); !strings.Contains(got, "The comparison ended early") || !strings.Contains(got, "could not finish a sample") {
		t.Errorf("the window says %q", got)
	}
}

// A tap on a column lights its voxels up; one beside the plot does nothing.
func TestTappingTheDiagram(t *testing.T) {
	h := compareHarness(t, Options{})
	test.Tap(h.explore.truth)
	h.compareAll()
	c := h.explore.pages[explore.DiagramPage].(*diagramPage).chart
	c.Resize(fyne.NewSize(320, 240))
	at, size := c.plot.Position(), c.plot.Size()
	c.Tapped(&fyne.PointEvent{Position: at.AddXY(size.Width*0.65, 20)})
	if got := h.explore.x.Bin(); got != 6 {
		t.Errorf("bin %d is selected", got)
	}
	if got := texts(h.explore.content); !strings.Contains(got, "Stated 60–70 %") {
		t.Errorf("the panel says\n%s", got)
	}
	c.Tapped(&fyne.PointEvent{Position: fyne.NewPos(2, 2)})
	if got := h.explore.x.Bin(); got != 6 {
		t.Error("a tap beside the plot counts")
	}
}

func TestSlidersChangeFiguresAndNothingElse(t *testing.T) {
	h := compareHarness(t, Options{})
	test.Tap(h.explore.truth)
	h.compareAll()
	d := h.explore.pages[explore.DiagramPage].(*diagramPage)
	d.temperature.SetValue(math.Log(2))
	h.until("the figures", func() bool { return !h.explore.x.Judging() })
	if got := h.explore.x.Outcomes()[0].Result.Settings.Temperature; math.Abs(got-2) > 0.011 || d.temperatureAt.Text != fmt.Sprintf("%.2f", got) {
		t.Errorf("temperature %g, shown %q", got, d.temperatureAt.Text)
	}
	d.samples.SetValue(2)
	d.threshold.SetValue(0.25)
	h.until("the figures", func() bool { return !h.explore.x.Judging() })
	s := h.explore.x.Settings()
	if s.Samples != 2 || s.Threshold != 0.25 || math.Abs(s.Temperature-2) > 0.011 {
		t.Errorf("settings %+v", s)
	}
	test.Tap(d.fit)
	h.until("the fit", func() bool { return !h.explore.x.Judging() && h.explore.x.Outcomes()[0].Fit != nil })
	if !strings.Contains(texts(d.content), "Fitted on this exam only") || !d.fit.Disabled() {
		t.Error("a fitted temperature is not said to be one")
	}
	test.Tap(d.reset)
	if got := h.explore.x.Settings(); got != explore.DefaultSettings() {
		t.Errorf("after Reset %+v", got)
	}
}

func TestQuizInTheWindow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "folder", "quiz.json")
	h := compareHarness(t, Options{QuizFile: file})
	test.Tap(h.explore.truth)
	h.compareAll()
	h.explore.open(explore.QuizPage)
	q := h.explore.pages[explore.QuizPage].(*quizPage)
	test.Tap(q.start)
	h.until("a question", func() bool { _, ok := h.explore.x.Question(); return ok })
	if h.explore.head.Visible() || !q.question.Visible() || h.insets[0].visible(h.Window) {
		t.Error("what would give the answer away is shown")
	}
	for range explore.QuizLength {
		q.sure.SetValue(75)
		q.answer()
	}
	h.until("the file", func() bool { return h.explore.works.idle() })
	if got := texts(q.content); !strings.Contains(got, "You") || !strings.Contains(got, "CE") || q.sure.Value != 50 {
		t.Errorf("after the round the page says\n%s", got)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "key") || strings.Contains(string(text), "TEST") {
		t.Errorf("%v:\n%s", err, text)
	}
	again := compareHarness(t, Options{QuizFile: file})
	again.until("the earlier rounds", func() bool { return len(again.explore.x.Log().Rounds) == 1 })
}

func TestADamagedQuizFileStaysAsItIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "quiz.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, &fakeEngine{models: fourLosses()}, Options{QuizFile: file})
	h.until("the sentence", func() bool { return strings.Contains(h.overlayText(), "earlier quiz results were not read") })
	h.explore.writeQuiz()
	h.until("rest", h.explore.works.idle)
	if text, err := os.ReadFile(file); err != nil || string(text) != "{" {
		t.Errorf("%q, %v", text, err)
	}
}

// A session that was judged by the labels of a synthetic exam is so again.
func TestASessionIsJudgedByTheSameTruth(t *testing.T) {
	h := compareHarness(t, Options{})
	test.Tap(h.explore.truth)
	v, err := exploreSection{h.explore.x, h.Window}.SaveSection()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	again := compareHarness(t, Options{})
	if err := (exploreSection{again.explore.x, again.Window}).RestoreSection(data); err != nil {
		t.Fatal(err)
	}
	if r := again.state.Reference(); r == nil || r.Name != "the truth" {
		t.Errorf("judged by %+v", r)
	}
}

func TestTourInTheWindow(t *testing.T) {
	h := compareHarness(t, Options{})
	h.explore.x.GoToTour(1)
	card := h.explore.tour
	if !card.content.Visible() || !card.back.Disabled() {
		t.Error("the first step has no card, or one before it")
	}
	for n := 2; n <= explore.TourLength; n++ {
		test.Tap(card.next)
		step, number, _ := h.explore.x.TourStep()
		if number != n || h.explore.page != step.Page || !strings.Contains(texts(card.content), step.Title.String()) {
			t.Errorf("step %d shows page %d", number, h.explore.page)
		}
	}
	test.Tap(card.next)
	if card.content.Visible() {
		t.Error("the tour does not end")
	}
}

func TestExplorePanelFits(t *testing.T) {
	h := compareHarness(t, Options{})
	test.Tap(h.explore.truth)
	h.compareAll()
	h.state.Pin(h.state.Cursor())
	for page := range h.explore.pages {
		h.explore.open(explore.Page(page))
		if w := h.explore.content.MinSize().Width; w > panelWidth {
			t.Errorf("page %d needs %g pixels of %d", page, w, panelWidth)
		}
	}
	if min := h.win.Content().MinSize(); min.Width > 1280 || min.Height > 800 {
		t.Errorf("the window needs %v", min)
	}
}

// A dashed line is as long as its pattern says, and a whole one stays whole.
func TestDashes(t *testing.T) {
	line := [][2]float32{{0, 0}, {10, 0}, {10, 20}}
	var length float64
	pieces := dashes(line, []float32{4, 2}, 1)
	for _, p := range pieces {
		for i := 1; i < len(p); i++ {
			length += math.Hypot(float64(p[i][0]-p[i-1][0]), float64(p[i][1]-p[i-1][1]))
		}
	}
	if len(pieces) != 5 || math.Abs(length-20) > 1e-4 { // 30 = 5 · (4 + 2)
		t.Errorf("%d pieces of %g in all: %v", len(pieces), length, pieces)
	}
	if got := dashes(line, nil, 1); len(got) != 1 || len(got[0]) != 3 {
		t.Errorf("a solid line became %v", got)
	}
}

// Works of a kind replace each other; those of other kinds are all done, in order.
func TestWorker(t *testing.T) {
	var wg works
	var mu sync.Mutex
	var done []string
	w := newWorker(t.Context(), func(f func()) { mu.Lock(); defer mu.Unlock(); f() }, &wg)
	begun, release := make(chan struct{}), make(chan struct{})
	cancelled := false
	w.Submit("a", func(ctx context.Context) func() {
		close(begun)
		<-ctx.Done()
		cancelled = true
		<-release
		return nil
	})
	<-begun
	say := func(s string) func(context.Context) func() {
		return func(context.Context) func() { return func() { done = append(done, s) } }
	}
	w.Submit("b", say("b1"))
	w.Submit("a", say("a2"))
	w.Submit("b", say("b2"))
	w.Submit("a", say("a3"))
	if w.idle() {
		t.Error("idle while there is work")
	}
	close(release)
	wg.Wait()
	if !cancelled || strings.Join(done, " ") != "b2 a3" || !w.idle() {
		t.Errorf("cancelled %v, done %v", cancelled, done)
	}
}
