package viewer

import (
	"context"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"bayeslice/internal/modelcard"
	"bayeslice/training"
	"bayeslice/viewer/viewstate"
)

// fakeTrainer has one session, which does what is sent to it.
type fakeTrainer struct {
	plan    viewstate.TrainPlan
	planErr error
	runs    []viewstate.TrainRun
	events  chan viewstate.TrainEvent
	end     viewstate.TrainEnd
	err     error
	paused  chan bool
}

func newFakeTrainer() *fakeTrainer {
	return &fakeTrainer{events: make(chan viewstate.TrainEvent), paused: make(chan bool, 4), plan: viewstate.TrainPlan{Device: "CPU (test)", Memory: 370_000_000,
		FreeMemory: 24e9, StepSeconds: 1.1, Seconds: 2540, Validation: 20, Synthetic: true, RunFolder: "runs/zones-ce-compact-1"}}
}

func (f *fakeTrainer) Choices(context.Context, modelcard.Task) (viewstate.TrainChoices, error) {
	var losses []viewstate.TrainOption
	for _, name := range []string{"CE", "BCE", "FL", "DB", "CE+Dice"} {
		losses = append(losses, viewstate.TrainOption{ID: name, Name: name, Description: "Loss " + name + "."})
	}
	return viewstate.TrainChoices{Losses: losses,
		Sizes:      []viewstate.TrainOption{{ID: "compact", Name: "Compact", Description: "M1 with a quarter of the filters, 64 × 64 × 20 voxels of 1.25 × 1.25 × 3.0 mm."}},
		Devices:    []viewstate.TrainOption{{ID: "cpu", Name: "CPU (test)"}},
		MaskValues: []viewstate.TrainOption{{ID: "tz-pz", Name: "1 = TZ, 2 = PZ"}, {ID: "pz-tz", Name: "1 = PZ, 2 = TZ"}},
		Start:      viewstate.TrainSetup{Loss: "CE", Size: "compact", Device: "cpu", Steps: 2000, LearningRate: 1e-4, Seed: 1, Anatomies: 200, Folder: "/home/reader/Bayeslice/runs"},
	}, nil
}

func (f *fakeTrainer) Plan(context.Context, viewstate.TrainSetup) (viewstate.TrainPlan, error) {
	return f.plan, f.planErr
}

func (f *fakeTrainer) Begin(context.Context, viewstate.TrainSetup, func(viewstate.TrainProgress)) (viewstate.TrainSession, error) {
	return f, nil
}

func (f *fakeTrainer) Continue(context.Context, string, func(viewstate.TrainProgress)) (viewstate.TrainSession, error) {
	return f, nil
}

func (f *fakeTrainer) Runs(context.Context, string) ([]viewstate.TrainRun, error) { return f.runs, nil }

func (f *fakeTrainer) History(context.Context, string) ([]viewstate.TrainEvent, error) {
	return nil, nil
}

func (f *fakeTrainer) Run() viewstate.TrainRun {
	return viewstate.TrainRun{Folder: "runs/zones-ce-compact-1", Name: "zones-ce-compact-1", Task: modelcard.Anatomy, Loss: "CE", Size: "compact", Steps: 2000, Synthetic: true}
}

func (f *fakeTrainer) Pause()       { f.paused <- true }
func (f *fakeTrainer) Resume()      { f.paused <- false }
func (f *fakeTrainer) Close() error { return nil }

func (f *fakeTrainer) Train(ctx context.Context, on func(viewstate.TrainEvent)) (viewstate.TrainEnd, error) {
	for {
		select {
		case e, more := <-f.events:
			if !more {
				return f.end, f.err
			}
			on(e)
		case <-ctx.Done():
			return viewstate.TrainEnd{Step: 500, Kept: true, RunFolder: "runs/zones-ce-compact-1"}, nil
		}
	}
}

// sendSteps sends a plausible run up to a step.
func (f *fakeTrainer) sendSteps(from, to int) {
	if from == 1 {
		f.events <- viewstate.TrainEvent{Device: "CPU (test)"}
	}
	for i := from; i <= to; i++ {
		x := float64(i)
		jitter := 0.12 * math.Sin(x*12.9898) * math.Cos(x*7.233)
		f.events <- viewstate.TrainEvent{Step: i, Learnt: &viewstate.TrainStep{Loss: (0.1 + math.Exp(-x/150)) * (1 + jitter),
			KL: 40 * math.Exp(-x/90) * (1 + jitter), Rate: 1e-4, Seconds: 1.1, Memory: 512_000_000}}
		if i%50 == 0 {
			grow := 1 - math.Exp(-x/180)
			f.events <- viewstate.TrainEvent{Step: i, Checked: &viewstate.TrainCheck{Dice: map[string]float64{"WG": 0.93 * grow, "TZ": 0.88 * grow, "PZ": 0.72 * grow},
				AUROC: math.NaN(), NLL: 0.08 + 0.9*math.Exp(-x/120), Exams: 20}}
		}
	}
}

// trained opens the training page of a window and waits for its plan.
func trained(t *testing.T, f *fakeTrainer, e *fakeEngine) *harness {
	t.Helper()
	h := newHarness(t, e, Options{Trainer: f})
	h.command(viewstate.ShowTraining)
	if !h.trainingShown() || h.images.Visible() {
		t.Fatal("the training page is not in view")
	}
	h.until("the plan", func() bool { return !h.training.form.start.Disabled() })
	return h
}

func TestTheTrainingPageTellsWhatComes(t *testing.T) {
	h := trained(t, newFakeTrainer(), &fakeEngine{})
	page := texts(h.training.content)
	for _, want := range []string{"Randomised phantoms", "CE+Dice", "64 × 64 × 20 voxels", "CPU (test)", "about 370 MB of 24 GB free", "about 42 min, 1.1 s a step",
		"a new one for every step, 20 to validate with", "new folder zones-ce-compact-1", "SYNTHETIC", string(Disclaimer), "nothing is sent anywhere"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	h.command(viewstate.ShowTraining)
	if h.trainingShown() || !h.images.Visible() {
		t.Error("the shortcut does not lead back to the images")
	}
}

func TestTheFormShowsWhatBelongsToTheData(t *testing.T) {
	h := trained(t, newFakeTrainer(), &fakeEngine{})
	f := h.training.form
	for kind, want := range map[viewstate.TrainData][3]bool{
		viewstate.RandomPhantoms: {true, false, false}, viewstate.NNUNetFolder: {false, true, false}, viewstate.ExamFolder: {false, true, true},
	} {
		f.data.SetSelectedIndex(int(kind))
		if got := [3]bool{f.poolRow.Visible(), f.dataRow.Visible(), f.maskRows.Visible()}; got != want {
			t.Errorf("%v shows anatomies, folder, masks: %v", kind, got)
		}
	}
	f.data.SetSelectedIndex(int(viewstate.ExamFolder))
	if want := "Choose the folder of the data."; f.why.Text != want || !f.start.Disabled() {
		t.Errorf("%q, start disabled %v", f.why.Text, f.start.Disabled())
	}
	f.dataPath.SetText("/data")
	h.until("a plan", func() bool { return !f.start.Disabled() })
	f.steps.SetText("0")
	if !strings.HasPrefix(f.why.Text, "Steps must be a whole number from 1") || !f.start.Disabled() {
		t.Errorf("%q, start disabled %v", f.why.Text, f.start.Disabled())
	}
}

func TestATrainingIsShownPausedAndItsModelOpened(t *testing.T) {
	f, opened := newFakeTrainer(), make(chan string, 1)
	f.end = viewstate.TrainEnd{Step: 2000, Finished: true, Model: "runs/zones-ce-compact-1/model.onnx"}
	h := trained(t, f, &fakeEngine{model: func(path string) (Model, error) {
		opened <- path
		return model(modelcard.Anatomy, true), nil
	}})
	p := h.training
	test.Tap(p.form.start)
	h.until("the run", func() bool { return p.t.Phase() == viewstate.TrainRunning })
	go f.sendSteps(1, 500)
	h.until("500 steps", func() bool { return p.t.Shown().Step == 500 })
	h.until("the last validation", func() bool { return strings.Contains(p.results.Text, "Dice WG 0.87") })
	if !strings.HasPrefix(p.status.Text, "Step 500 of 2\u2009000 · 1.1 s each · ") || !strings.HasSuffix(p.status.Text, " left · 512 MB in use") {
		t.Errorf("status %q", p.status.Text)
	}
	for i, c := range p.charts {
		if !c.chart.HasPoints() || c.empty.Text != "" {
			t.Errorf("chart %d (%s) is empty", i, c.title.Text)
		}
	}
	test.Tap(p.pause)
	if !<-f.paused || p.pause.Text != "Resume" {
		t.Errorf("the button says %q", p.pause.Text)
	}
	f.events <- viewstate.TrainEvent{Step: 500, Paused: true}
	h.until("the pause", func() bool { return strings.Contains(p.status.Text, "paused") })
	test.Tap(p.pause)
	if <-f.paused || p.pause.Text != "Pause" {
		t.Errorf("the button says %q", p.pause.Text)
	}
	h.hideTraining()
	go func() {
		f.events <- viewstate.TrainEvent{Step: 1000, Learnt: &viewstate.TrainStep{Loss: 0.1, KL: 1, Seconds: 1}}
	}()
	h.until("the tool bar", func() bool { return h.bar.train.Text == "Training 50 %" })
	close(f.events)
	h.until("the end", func() bool { return h.bar.train.Text == "Train" })
	h.showTraining()
	if !p.open.Visible() || p.pause.Visible() {
		t.Error("the finished run does not offer its model")
	}
	test.Tap(p.open)
	h.until("the model", func() bool { return len(opened) == 1 })
	if got := <-opened; got != f.end.Model || h.trainingShown() {
		t.Errorf("opened %q, page in view %v", got, h.trainingShown())
	}
}

func TestClosingDuringATrainingAsks(t *testing.T) {
	h := trained(t, newFakeTrainer(), &fakeEngine{})
	h.training.t.Start()
	h.until("the run", func() bool { return h.training.t.Phase() == viewstate.TrainRunning })
	h.command(viewstate.Quit)
	h.command(viewstate.Quit)
	if text := h.overlayText(); !strings.Contains(text, "keeps a checkpoint") || h.closing || len(h.win.Canvas().Overlays().List()) != 1 {
		t.Errorf("closing %v, asked %q", h.closing, text)
	}
	if h.patience() != checkpointWait {
		t.Error("closing does not wait for the checkpoint")
	}
	h.Close()
	h.until("the end of the run", func() bool { return !h.training.t.Phase().Active() })
}

func TestATrainingsTroubleIsToldInThePage(t *testing.T) {
	f := newFakeTrainer()
	f.err = training.BadExample("case 7", "its image holds 3 voxels that are no numbers")
	h := trained(t, f, &fakeEngine{})
	h.training.t.Start()
	h.until("the run", func() bool { return h.training.t.Phase() == viewstate.TrainRunning })
	close(f.events)
	h.until("the failure", func() bool { return h.training.t.Phase() == viewstate.TrainFailed })
	for _, want := range []string{"An exam cannot be learnt from.", "tick “Leave out", "case 7", "3 voxels that are no numbers"} {
		if got := h.training.trouble.Text; !strings.Contains(got, want) || !h.training.trouble.Visible() {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if h.overlayText() != "" {
		t.Error("a dialog hides the page")
	}
}

func TestRunsAreListedWithWhatCanBeDone(t *testing.T) {
	f := newFakeTrainer()
	f.runs = []viewstate.TrainRun{
		{Folder: "a", Name: "zones-ce-tiny-1", Task: modelcard.Anatomy, Loss: "CE", Size: "tiny", Step: 36, Steps: 60},
		{Folder: "b", Name: "lesions-fl-compact-1", Task: modelcard.Diagnosis, Loss: "FL", Size: "compact", Step: 2000, Steps: 2000, Finished: true, Model: "m"},
		{Folder: "c", Name: "old", Problem: "cannot be opened: format 7; this program reads format 1"},
	}
	h := trained(t, f, &fakeEngine{})
	h.until("the list", h.training.t.RunsKnown)
	h.training.tabs.SelectIndex(1)
	list := texts(h.training.runs.content)
	for _, want := range []string{"zones-ce-tiny-1", "Unfinished, step 36 of 60", "Resume", "Finished, 2\u2009000 steps", "Open model", "Cannot be opened: format 7"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
}

// A line is drawn where its points are, in its colour, and with its width, at any scale.
func TestChartsAreDrawnWhereThePointsAre(t *testing.T) {
	newHarness(t, &fakeEngine{}, Options{}) // an application, for text sizes
	red := color.NRGBA{200, 30, 30, 255}
	for _, scale := range []int{1, 2} {
		c := newCurveChart()
		c.set(viewstate.Chart{X: viewstate.Axis{High: 10}, Y: viewstate.Axis{High: 1},
			Curves: []viewstate.Curve{{Color: red, Line: []viewstate.Point{{X: 0, Y: 0.5}, {X: 10, Y: 0.5}}}}})
		c.Resize(fyne.NewSize(400, 300))
		size := c.plot.Size()
		w, h := int(size.Width)*scale, int(size.Height)*scale
		img := c.draw(w, h)
		if n := thickness(img, w/2, red); n != curveWidth*scale {
			t.Errorf("scale %d: the line is %d pixels thick, not %d", scale, n, curveWidth*scale)
		}
		if r, _, _, _ := img.At(w/2, h/2-1).RGBA(); r>>8 < 90 {
			t.Errorf("scale %d: no line in the middle: %v", scale, img.At(w/2, h/2-1))
		}
	}
}

// thickness adds up the share of a colour in a column of an image.
func thickness(img image.Image, x int, c color.NRGBA) int {
	sum := 0.0
	for y := range img.Bounds().Dy() {
		r, g, _, _ := img.At(x, y).RGBA()
		if r > 2*g {
			sum += float64(r>>8) / float64(c.R)
		}
	}
	return int(math.Round(sum))
}

func BenchmarkChartOfALongRun(b *testing.B) {
	c := newCurveChart()
	var points []viewstate.Point
	for i := range 1200 {
		points = append(points, viewstate.Point{X: float64(i), Y: math.Abs(math.Sin(float64(i)))})
	}
	c.chart = viewstate.Chart{X: viewstate.Axis{High: 1200}, Y: viewstate.Axis{High: 1}, Curves: []viewstate.Curve{{Faint: points, Line: points, Color: color.NRGBA{90, 180, 230, 255}}}}
	b.ResetTimer()
	for range b.N {
		c.draw(800, 520)
	}
}
