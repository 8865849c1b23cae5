package viewer

import (
	"context"
	"errors"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// fakeEngine does what its functions say; the zero value has an exam, two models and short runs.
type fakeEngine struct {
	t       testing.TB
	open    func(ctx context.Context, path, study string) (*exam.Exam, error)
	models  []Model
	model   func(path string) (Model, error)
	predict func(ctx context.Context, job Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error)
}

var _ Engine = (*fakeEngine)(nil)

func (f *fakeEngine) OpenExam(ctx context.Context, path, study string, progress func(Progress)) (*exam.Exam, error) {
	progress(Progress{Stage: "Reading images", Done: 1, Total: 2})
	if f.open != nil {
		return f.open(ctx, path, study)
	}
	return testExam(f.t), nil
}

func (f *fakeEngine) DemoExam(context.Context, func(Progress)) (*exam.Exam, error) {
	e := *testExam(f.t)
	e.Key, e.Synthetic = "demo", true
	return &e, nil
}

func (f *fakeEngine) Choose(_ context.Context, e *exam.Exam, role exam.Role, id string) (*exam.Exam, error) {
	for _, s := range e.Series {
		if s.ID == id {
			c := *e
			c.Roles = map[exam.Role]exam.Choice{}
			for r, choice := range e.Roles {
				c.Roles[r] = choice
			}
			c.Roles[role] = exam.Choice{Candidate: exam.Candidate{Series: s}, Overridden: true}
			return &c, nil
		}
	}
	return nil, exam.ErrNoSuch
}

func (f *fakeEngine) Models(context.Context) ([]Model, []string) { return f.models, nil }

func (f *fakeEngine) OpenModel(_ context.Context, path string) (Model, error) {
	m, err := f.model(path)
	return m, err
}

func (f *fakeEngine) Predict(ctx context.Context, _ *exam.Exam, job Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error) {
	return f.predict(ctx, job, on)
}

// model returns a model of a task.
func model(task modelcard.Task, trained bool) Model {
	classes := []string{"background", "TZ", "PZ"}
	if task == modelcard.Diagnosis {
		classes = []string{"background", "csPCa"}
	}
	return Model{ID: string(task) + ".onnx", Card: modelcard.Card{Name: "Test " + string(task), Task: task, Classes: classes,
		Trained: trained, Recipe: prep.PaperRecipe(task == modelcard.Diagnosis)}}
}

// testVolume is an 8 × 8 × 5 volume round the origin with ascending values.
func testVolume(t testing.TB, unit string, value func(i int) float32) *volume.Volume {
	t.Helper()
	g, err := geom.NewGrid([3]int{8, 8, 5}, geom.Vec3{-14, -14, -6}, geom.Vec3{4, 4, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = value(i)
	}
	v, err := volume.New(g, data, unit)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testExam(t testing.TB) *exam.Exam {
	t.Helper()
	v := testVolume(t, "", func(i int) float32 { return float32(i) })
	series := []*exam.Series{
		{ID: "t2", Number: 4, Description: "t2_tse_tra", Volume: v, Images: 5},
		{ID: "b1000", Number: 8, Volume: v, HasB: true, B: 1000, Calculated: true, Images: 5},
		{ID: "adc", Number: 7, Volume: v, SourceBs: []float64{50, 800}, Images: 5},
		{ID: "b800", Number: 6, Volume: v, HasB: true, B: 800, Images: 5},
	}
	return &exam.Exam{Key: "key", Name: "Study TEST", Series: series, Roles: map[exam.Role]exam.Choice{
		exam.T2W:   {Candidate: exam.Candidate{Series: series[0], Reason: "it is named T2"}},
		exam.HighB: {Candidate: exam.Candidate{Series: series[1], Reason: "b = 1000"}, Alternatives: []exam.Candidate{{Series: series[3]}}},
		exam.ADC:   {Candidate: exam.Candidate{Series: series[2], Reason: "it is named ADC"}},
	}, Issues: []exam.Issue{{Code: "missing-slice", Severity: exam.Warning, Text: "A slice is missing."}}}
}

// predictionOf returns a result of n samples of a job.
func predictionOf(t testing.TB, job Job, n int, stop inference.StopReason) *inference.Prediction {
	t.Helper()
	card := job.Model.Card
	k := len(card.Classes)
	p := &inference.Prediction{Card: card, ModelSHA: "sha of " + job.Model.ID, Seed: job.Seed, Samples: n, Requested: job.Samples, Stop: stop, Device: "CPU (test)", SecondsPerSample: 0.5,
		Volumes: []inference.ZoneVolume{{Zone: card.Classes[1], ML: inference.Interval{Mean: 40, P5: 38, P95: 42.5}}}}
	for range k {
		p.Mean = append(p.Mean, testVolume(t, "probability", func(int) float32 { return 1 / float32(k) }))
		p.SD = append(p.SD, testVolume(t, "probability", func(int) float32 { return 0.1 }))
	}
	p.Entropy = testVolume(t, "nats", func(int) float32 { return 0.5 })
	p.ExpectedEntropy, p.MutualInformation = p.Entropy, p.Entropy
	p.Grid = p.Entropy.Grid()
	hard, err := volume.NewMask(p.Grid, make([]uint8, p.Grid.Voxels()))
	if err != nil {
		t.Fatal(err)
	}
	p.Hard = hard
	if card.Task == modelcard.Diagnosis {
		p.Lesions = []inference.Lesion{{ID: 1, Confidence: 0.8, Present: n, Samples: n, VolumeML: 0.5, PeakWorld: geom.Vec3{6, 6, 3}}}
	}
	return p
}

// harness is a window under Fyne's test driver whose UI goroutine is the test's.
type harness struct {
	*Window
	t     testing.TB
	queue chan func()
	lost  chan struct{} // closed at the end: nobody waits for the queue any more
}

func newHarness(t testing.TB, f *fakeEngine, o Options) *harness {
	t.Helper()
	return newHarnessContext(t.Context(), t, f, o)
}

func newHarnessContext(ctx context.Context, t testing.TB, f *fakeEngine, o Options) *harness {
	t.Helper()
	h := &harness{t: t, queue: make(chan func(), 1024), lost: make(chan struct{})}
	app := test.NewTempApp(t)
	app.Settings().SetTheme(Theme{})
	f.t = t
	if f.models == nil {
		f.models = []Model{model(modelcard.Anatomy, true), model(modelcard.Diagnosis, false)}
	}
	if f.predict == nil {
		f.predict = func(_ context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
			return predictionOf(t, job, job.Samples, inference.Completed), Device{Name: "CPU (test)"}, nil
		}
	}
	var own render.Renderer
	if o.Renderer == nil {
		own = render.NewCPU()
		o.Renderer = own
	}
	o.Engine = f
	o.Do = func(f func()) {
		select {
		case h.queue <- f:
		case <-h.lost:
		}
	}
	if o.Samples == 0 {
		o.Samples, o.Seed = 4, 1
	}
	h.Window = New(ctx, app, o)
	h.win.Resize(fyne.NewSize(1280, 800))
	h.Show()
	t.Cleanup(func() {
		h.cancel()
		close(h.lost)
		h.work.Wait()
		h.painter.stop()
		if own != nil {
			if err := own.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	h.until("the list of models", func() bool { return h.modelsKnown })
	return h
}

// until runs what comes to the UI goroutine until a condition holds.
func (h *harness) until(what string, holds func() bool) {
	h.t.Helper()
	deadline := time.After(time.Minute) // on a loaded machine, under the race detector
	for !holds() {
		select {
		case f := <-h.queue:
			f()
		case <-time.After(2 * time.Millisecond): // what is waited for may not come through the queue
		case <-deadline:
			h.t.Fatalf("%s did not happen; status %q", what, h.run.status.Text)
		}
	}
}

// settle waits until every viewport shows its newest picture.
func (h *harness) settle() {
	h.t.Helper()
	h.until("the newest pictures", func() bool { return h.painter.idle() && len(h.queue) == 0 })
}

// openExam opens the test exam.
func (h *harness) openExam() {
	h.t.Helper()
	h.Open("somewhere")
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
}

var errTest = errors.New("test: made to fail")

// overlayText returns all text in the topmost dialog, or "".
func (h *harness) overlayText() string {
	top := h.win.Canvas().Overlays().Top()
	if top == nil {
		return ""
	}
	return texts(top)
}
