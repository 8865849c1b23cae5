package viewstate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"bayeslice/internal/modelcard"
)

// fakeTrainer trains what its session says.
type fakeTrainer struct {
	mu       sync.Mutex
	session  *fakeSession
	history  []TrainEvent
	runs     []TrainRun
	planErr  error
	beginErr error
	setups   []TrainSetup
	plans    int
}

func (f *fakeTrainer) Choices(_ context.Context, task modelcard.Task) (TrainChoices, error) {
	return TrainChoices{
		Losses: []TrainOption{{ID: "CE", Name: "CE"}, {ID: "FL", Name: "FL"}}, Sizes: []TrainOption{{ID: "tiny", Name: "Tiny"}, {ID: "full", Name: "Full"}},
		Devices: []TrainOption{{ID: "cpu", Name: "CPU"}}, MaskValues: []TrainOption{{ID: string(task), Name: "1 = " + string(task)}},
		Start: TrainSetup{Loss: "FL", Size: "tiny", Device: "cpu", Steps: 10, LearningRate: 1e-4, Seed: 1, Anatomies: 20, Folder: "runs"},
	}, nil
}

func (f *fakeTrainer) Plan(_ context.Context, s TrainSetup) (TrainPlan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans++
	f.setups = append(f.setups, s)
	return TrainPlan{Device: "CPU (test)", Memory: 1_400_000_000, FreeMemory: 8_000_000_000, StepSeconds: 1.5, Seconds: 15, RunFolder: "runs/zones-1", Validation: 8, Synthetic: s.Data == RandomPhantoms}, f.planErr
}

func (f *fakeTrainer) Begin(_ context.Context, s TrainSetup, progress func(TrainProgress)) (TrainSession, error) {
	f.setups = append(f.setups, s)
	progress(TrainProgress{Stage: "Reading", Done: 1, Total: 4})
	if f.beginErr != nil {
		return nil, f.beginErr
	}
	return f.session, nil
}

func (f *fakeTrainer) Continue(context.Context, string, func(TrainProgress)) (TrainSession, error) {
	return f.session, nil
}

func (f *fakeTrainer) Runs(context.Context, string) ([]TrainRun, error) { return f.runs, nil }

func (f *fakeTrainer) History(context.Context, string) ([]TrainEvent, error) { return f.history, nil }

// fakeSession does the steps it is told to by a channel.
type fakeSession struct {
	run     TrainRun
	events  chan TrainEvent
	end     TrainEnd
	err     error
	pauses  int
	resumes int
	closed  bool
}

func (s *fakeSession) Run() TrainRun { return s.run }
func (s *fakeSession) Pause()        { s.pauses++ }
func (s *fakeSession) Resume()       { s.resumes++ }
func (s *fakeSession) Close() error  { s.closed = true; return nil }

func (s *fakeSession) Train(ctx context.Context, on func(TrainEvent)) (TrainEnd, error) {
	for {
		select {
		case e, more := <-s.events:
			if !more {
				return s.end, s.err
			}
			on(e)
		case <-ctx.Done():
			return TrainEnd{Step: s.run.Step + 1, Kept: true, RunFolder: s.run.Folder}, nil
		}
	}
}

// page is a Training whose window goroutine is the test's.
type page struct {
	*Training
	t       *testing.T
	trainer *fakeTrainer
	queue   chan func()
	now     time.Time
	seen    TrainChange
	cancel  context.CancelFunc

	mu    sync.Mutex
	later func() // what is to run when time has passed
}

// clock tells the time of the test.
func (p *page) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// advance lets the clock go on.
func (p *page) advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

// after keeps what the page wants to do later.
func (p *page) after(_ time.Duration, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.later = f
}

// passed lets the time pass that the page waits for.
func (p *page) passed() {
	p.mu.Lock()
	f := p.later
	p.later = nil
	p.mu.Unlock()
	if f != nil {
		f()
	}
}

func newPage(t *testing.T, f *fakeTrainer) *page {
	ctx, cancel := context.WithCancel(t.Context())
	p := &page{t: t, trainer: f, queue: make(chan func(), 1024), now: time.Unix(0, 0), cancel: cancel}
	var work sync.WaitGroup
	p.Training = NewTraining(TrainingOptions{
		Trainer: f, Context: ctx, Do: func(f func()) { p.queue <- f }, Go: work.Go,
		After: p.after, Clock: p.clock, Changed: func(c TrainChange) { p.seen |= c },
	})
	t.Cleanup(func() {
		cancel()
		work.Wait()
	})
	return p
}

func (p *page) until(what string, holds func() bool) {
	p.t.Helper()
	for limit := time.After(5 * time.Second); !holds(); {
		select {
		case f := <-p.queue:
			f()
		case <-limit:
			p.t.Fatalf("%s did not happen; status %q, error %v", what, p.Status(), p.Err())
		}
	}
}

// planned opens the page and waits for its plan.
func (p *page) planned() *page {
	p.t.Helper()
	p.Open()
	p.until("the plan", func() bool { plan, _ := p.Plan(); return plan != nil })
	return p
}

func stepped(n int, loss float64) TrainEvent {
	return TrainEvent{Step: n, Learnt: &TrainStep{Loss: loss, KL: 2 * loss, Rate: 1e-4, Seconds: 1.5, Memory: 2_000_000_000}}
}

func session(steps int) *fakeSession {
	return &fakeSession{events: make(chan TrainEvent), run: TrainRun{Folder: "runs/1", Name: "1", Task: modelcard.Anatomy, Loss: "CE", Size: "tiny", Steps: steps, Synthetic: true}}
}

func TestThePlanIsToldBeforeTheStart(t *testing.T) {
	p := newPage(t, &fakeTrainer{})
	if p.CanStart() {
		t.Error("Start is allowed before anything is known")
	}
	p.planned()
	if f := p.Form(); f.Loss != "FL" || f.Size != "tiny" || f.Steps != "10" || f.Rate != "0.0001" || f.Folder != "runs" {
		t.Errorf("proposed %+v", f)
	}
	var lines []string
	for _, l := range p.PlanLines() {
		lines = append(lines, l.Name+": "+l.Value)
	}
	want := "Device: CPU (test)\nMemory: about 1.4 GB of 8.0 GB free\nTime: about 15 s, 1.5 s a step\nExams: a new one for every step, 8 to validate with\nRun: new folder zones-1"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("plan\n%s\nwant\n%s", got, want)
	}
	if !p.Synthetic() || !p.CanStart() {
		t.Errorf("synthetic %v, can start %v", p.Synthetic(), p.CanStart())
	}
}

func TestWhatIsNotFilledInKeepsARunFromStarting(t *testing.T) {
	for _, c := range []struct {
		change func(*TrainForm)
		want   string
	}{
		{func(f *TrainForm) { f.Steps = "many" }, "steps must be a whole number from 1 to 10\u2009000\u2009000"},
		{func(f *TrainForm) { f.Steps = "0" }, "steps must be"},
		{func(f *TrainForm) { f.Anatomies = "4001" }, "anatomies must be a whole number from 1 to 4\u2009000"},
		{func(f *TrainForm) { f.Rate = "NaN" }, "the learning rate must be a number above 0"},
		{func(f *TrainForm) { f.Rate = "-1" }, "the learning rate must be"},
		{func(f *TrainForm) { f.Seed = "-1" }, "the seed must be a whole number from 0"},
		{func(f *TrainForm) { f.Data = ExamFolder }, "choose the folder of the data"},
		{func(f *TrainForm) { f.Folder = "" }, "choose the folder in which runs are kept"},
	} {
		p := newPage(t, &fakeTrainer{session: session(10)}).planned()
		p.Choose(c.change)
		plan, err := p.Plan()
		var incomplete Incomplete
		if plan != nil || !errors.As(err, &incomplete) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("plan %v, error %v, want %q", plan, err, c.want)
		}
		p.Start()
		if p.CanStart() || p.Phase() != TrainIdle {
			t.Errorf("%s: started", c.want)
		}
	}
}

func TestFolderChoicesCountOnlyForFolders(t *testing.T) {
	f := TrainForm{Data: ExamFolder, DataFolder: "d", MaskFolder: "m", MaskValues: "v", SkipBad: true, Anatomies: "9", Loss: "CE", Size: "tiny", Device: "cpu",
		Steps: " 5 ", Rate: "1e-4", Seed: "7", Folder: "runs"}
	if s, err := f.Setup(); err != nil || s.DataFolder != "d" || s.MaskFolder != "m" || s.MaskValues != "v" || !s.SkipBad || s.Steps != 5 || s.Seed != 7 {
		t.Errorf("exams: %+v, %v", s, err)
	}
	f.Data = NNUNetFolder
	if s, err := f.Setup(); err != nil || s.DataFolder != "d" || s.MaskFolder != "" || s.MaskValues != "" || !s.SkipBad {
		t.Errorf("nnU-Net: %+v, %v", s, err)
	}
	f.Data = RandomPhantoms
	if s, err := f.Setup(); err != nil || s.DataFolder != "" || s.MaskFolder != "" || s.SkipBad || s.Anatomies != 9 {
		t.Errorf("phantoms: %+v, %v", s, err)
	}
}

func TestTheOtherTasksChoicesAreProposed(t *testing.T) {
	p := newPage(t, &fakeTrainer{}).planned()
	for _, task := range []modelcard.Task{modelcard.Diagnosis, modelcard.Anatomy, modelcard.Diagnosis} {
		p.Choose(func(f *TrainForm) { f.Task = task })
		p.until("choices of "+string(task), func() bool { return p.Form().MaskValues == string(task) })
	}
}

func TestARunIsFollowedToItsModel(t *testing.T) {
	s := session(3)
	s.end = TrainEnd{Step: 3, Finished: true, Model: "runs/1/model.onnx", RunFolder: "runs/1"}
	p := newPage(t, &fakeTrainer{session: s}).planned()
	p.Start()
	if p.CanStart() || !p.CanCancel() {
		t.Error("a second run may start, or the first cannot be stopped")
	}
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	if want := "Step 0 of 3 · opening the network on its device …"; p.Status() != want {
		t.Errorf("status %q, want %q", p.Status(), want)
	}
	s.events <- TrainEvent{Device: "CPU (session)"}
	s.events <- stepped(1, 0.8)
	p.until("the first step", func() bool { return p.Shown().Step == 1 })
	if want := "Step 1 of 3 · 1.5 s each · 3 s left · 2.0 GB in use"; p.Status() != want {
		t.Errorf("status %q, want %q", p.Status(), want)
	}
	s.events <- TrainEvent{Step: 1, Checked: &TrainCheck{Dice: map[string]float64{"WG": 0.9, "TZ": 0.8, "PZ": 0.5}, AUROC: math.NaN(), NLL: 0.25}}
	s.events <- TrainEvent{Step: 1, Note: "Exam 7 is left out."}
	p.advance(time.Second)
	s.events <- stepped(2, 0.4)
	p.until("the second step", func() bool { return p.Shown().Step == 2 })
	if want := "loss 0.4 · KL 0.8 · learning rate 0.0001 · Dice WG 0.90 · Dice TZ 0.80 · Dice PZ 0.50 · NLL 0.25"; p.Results() != want {
		t.Errorf("results %q", p.Results())
	}
	if n := p.Notes(); len(n) != 1 || n[0] != "Exam 7 is left out." {
		t.Errorf("notes %q", n)
	}
	s.events <- stepped(3, 0.2)
	close(s.events)
	p.until("the end", func() bool { return p.Phase() == TrainFinished })
	if !s.closed || p.Fraction() != 1 || p.Device() != "CPU (session)" || !p.CanOpenModel() {
		t.Errorf("closed %v, fraction %v, device %q, can open %v", s.closed, p.Fraction(), p.Device(), p.CanOpenModel())
	}
	charts := p.Charts()
	if got := fmt.Sprint(charts[0].Curves[0].Line); got != "[{1 0.8} {2 0.4} {3 0.2}]" {
		t.Errorf("loss curve %s", got)
	}
	if got := charts[2].Curves; len(got) != 3 || got[0].Name != "WG" || fmt.Sprint(got[2].Line) != "[{1 0.5}]" {
		t.Errorf("Dice curves %+v", got)
	}
}

// While devices are measured the page says so; one that takes over in the middle is a badge of another colour.
func TestMeasuringAndALostDeviceAreShown(t *testing.T) {
	s := session(3)
	p := newPage(t, &fakeTrainer{session: s}).planned()
	p.Start()
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	s.events <- TrainEvent{Opening: "measuring WebGPU (2 of 3) …"}
	p.until("the measurement", func() bool { return p.Status() == "Step 0 of 3 · measuring WebGPU (2 of 3) …" })
	s.events <- TrainEvent{Device: "WebGPU (session)"}
	p.until("the device", func() bool { return p.Device() == "WebGPU (session)" })
	if p.DeviceMoved() || !p.CanCancel() {
		t.Error("a device took over from none, or the run cannot be stopped")
	}
	s.events <- TrainEvent{Step: 1, Note: "From step 2 on: WebGPU failed, so that CPU takes over."}
	s.events <- TrainEvent{Step: 1, Device: "CPU (session)"}
	p.until("the other device", func() bool { return p.Device() == "CPU (session)" })
	if n := p.Notes(); !p.DeviceMoved() || len(n) != 1 {
		t.Errorf("moved %v, notes %q", p.DeviceMoved(), n)
	}
	close(s.events)
	p.until("the end", func() bool { return !p.Phase().Active() })
}

func TestPausingWaitsForTheStep(t *testing.T) {
	s := session(5)
	p := newPage(t, &fakeTrainer{session: s}).planned()
	p.Start()
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	p.Pause()
	if p.Phase() != TrainPausing || s.pauses != 1 || p.CanPause() || !p.CanGoOn() || !strings.Contains(p.Status(), "pausing after this step") {
		t.Errorf("phase %v, pauses %d, status %q", p.Phase(), s.pauses, p.Status())
	}
	s.events <- stepped(1, 1)
	s.events <- TrainEvent{Step: 1, Paused: true}
	p.until("the pause", func() bool { return p.Phase() == TrainPaused })
	if want := "Step 1 of 5 · paused · 1.5 s each · 2.0 GB in use"; p.Status() != want {
		t.Errorf("status %q", p.Status())
	}
	p.GoOn()
	if p.Phase() != TrainRunning || s.resumes != 1 {
		t.Errorf("phase %v, resumes %d", p.Phase(), s.resumes)
	}
}

func TestCancelKeepsACheckpointAndSaysSo(t *testing.T) {
	s := session(5)
	p := newPage(t, &fakeTrainer{session: s}).planned()
	p.Start()
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	p.Pause()
	p.Cancel()
	if !strings.Contains(p.Status(), "a checkpoint is kept") || p.CanCancel() {
		t.Errorf("status %q", p.Status())
	}
	p.until("the end", func() bool { return p.Phase() == TrainStopped })
	if want := "Step 1 of 5 · stopped; the checkpoint is kept, Resume goes on from here"; p.Status() != want {
		t.Errorf("status %q", p.Status())
	}
	if p.CanOpenModel() || p.Err() != nil {
		t.Errorf("can open %v, error %v", p.CanOpenModel(), p.Err())
	}
}

func TestClosingTheWindowIsNoFailure(t *testing.T) {
	s := session(5)
	p := newPage(t, &fakeTrainer{session: s}).planned()
	p.Start()
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	p.cancel()
	p.until("the end", func() bool { return !p.Phase().Active() })
	if p.Phase() != TrainStopped || p.Err() != nil {
		t.Errorf("phase %v, error %v", p.Phase(), p.Err())
	}
}

var errBroken = errors.New("test: broken")

func TestFailuresAreShownAndLeaveThePageUsable(t *testing.T) {
	p := newPage(t, &fakeTrainer{beginErr: errBroken}).planned()
	p.Start()
	p.until("the failure", func() bool { return p.Phase() == TrainFailed })
	if !errors.Is(p.Err(), errBroken) || p.Status() != "The training did not start" || !p.CanStart() {
		t.Errorf("error %v, status %q, can start %v", p.Err(), p.Status(), p.CanStart())
	}
	s := session(5)
	s.err = errBroken
	p.trainer.beginErr, p.trainer.session = nil, s
	p.Start()
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	s.events <- stepped(1, 1)
	close(s.events)
	p.until("the failure", func() bool { return p.Phase() == TrainFailed })
	if !errors.Is(p.Err(), errBroken) || !strings.Contains(p.Status(), "Resume goes on from its last checkpoint") {
		t.Errorf("error %v, status %q", p.Err(), p.Status())
	}
}

func TestAnUnfinishedRunGoesOnWithItsCurves(t *testing.T) {
	s := session(5)
	s.run.Step = 2
	f := &fakeTrainer{session: s, history: []TrainEvent{stepped(1, 4), stepped(2, 3), stepped(3, 99)}, // step 3 was lost with a crash
		runs: []TrainRun{{Folder: "runs/1", Step: 2, Steps: 5}, {Folder: "runs/2", Problem: "cannot be opened"}, {Folder: "runs/3", Finished: true, Step: 5, Model: "m"}}}
	p := newPage(t, f).planned()
	p.until("the list", p.RunsKnown)
	runs, _ := p.Runs()
	if !p.CanContinue(runs[0]) || p.CanContinue(runs[1]) || p.CanContinue(runs[2]) {
		t.Error("the wrong runs can go on")
	}
	p.Continue(runs[0])
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	s.events <- stepped(3, 2)
	p.until("a step", func() bool { return p.Shown().Step == 3 })
	if got := fmt.Sprint(p.Charts()[0].Curves[0].Line); got != "[{1 4} {2 3} {3 2}]" {
		t.Errorf("curve %s", got)
	}
	if p.CanContinue(runs[0]) {
		t.Error("two runs at once")
	}
}

func TestARunOfTheListShowsItsCurves(t *testing.T) {
	run := TrainRun{Folder: "runs/3", Name: "3", Task: modelcard.Diagnosis, Loss: "DB", Size: "tiny", Finished: true, Step: 2, Steps: 2, Model: "m"}
	f := &fakeTrainer{history: []TrainEvent{stepped(1, 4), stepped(3, 99), {Step: 1, Checked: &TrainCheck{AUROC: 0.75, NLL: 0.1, Dice: map[string]float64{"csPCa": 0.3}}}, stepped(2, 3)}}
	p := newPage(t, f).planned()
	p.ShowRun(run)
	p.until("the curves", func() bool { return p.Shown().Folder == run.Folder })
	c := p.Charts()[2]
	if c.Title != "Validation: AUROC and Dice" || len(c.Curves) != 2 || fmt.Sprint(c.Curves[0].Line, c.Curves[1].Line) != "[{1 0.75}] [{1 0.3}]" {
		t.Errorf("%+v", c)
	}
	if p.Headline() != "3 · Lesions · DB · tiny" || p.Status() != "Finished: 2 steps" || !p.CanOpenModel() {
		t.Errorf("headline %q, status %q", p.Headline(), p.Status())
	}
}

func TestStepsAreShownAFewTimesASecond(t *testing.T) {
	s := session(1000)
	p := newPage(t, &fakeTrainer{session: s}).planned()
	p.Start()
	p.until("the session", func() bool { return p.Phase() == TrainRunning })
	for len(p.queue) > 0 {
		(<-p.queue)()
	}
	for i := range 100 {
		s.events <- stepped(i+1, 1)
		p.advance(10 * time.Millisecond)
	}
	shown := 0
	for p.Shown().Step < 100 {
		p.passed()
		for len(p.queue) > 0 {
			(<-p.queue)()
			shown++
		}
	}
	s.end = TrainEnd{Step: 100, Kept: true}
	close(s.events)
	p.until("the end", func() bool { shown++; return p.Phase() == TrainStopped })
	if shown > 8 { // one refresh a quarter of a second, the end, and the list of runs
		t.Errorf("%d functions on the window's goroutine for 100 steps in a second", shown)
	}
	if n := len(p.Charts()[0].Curves[0].Faint); n != 100 {
		t.Errorf("%d of 100 steps are in the curve", n)
	}
}
