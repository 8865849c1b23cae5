package explore

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/colorvision"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// at once does works where they are submitted.
type atOnce struct{ works []string }

func (w *atOnce) Submit(kind string, work func(context.Context) func()) {
	w.works = append(w.works, kind)
	if done := work(context.Background()); done != nil {
		done()
	}
}

// held keeps works until they are let go.
type held struct {
	works []func(context.Context) func()
}

func (w *held) Submit(_ string, work func(context.Context) func()) { w.works = append(w.works, work) }

func (w *held) letGo() {
	works := w.works
	w.works = nil
	for _, work := range works {
		if done := work(context.Background()); done != nil {
			done()
		}
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// grid is 8 × 8 × 3 voxels of 4 × 4 × 3 mm round the origin.
func grid(t *testing.T) geom.Grid {
	return must[geom.Grid](t)(geom.NewGrid([3]int{8, 8, 3}, geom.Vec3{-14, -14, -3}, geom.Vec3{4, 4, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}))
}

// testExam has a T2W series.
func testExam(t *testing.T) *exam.Exam {
	g := grid(t)
	v := must[*volume.Volume](t)(volume.New(g, make([]float32, g.Voxels()), ""))
	s := &exam.Series{ID: "t2", Volume: v}
	return &exam.Exam{Key: "key", Series: []*exam.Series{s}, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: s}}}}
}

// zones is the truth: TZ in the left half of the middle 4 × 4 columns, PZ in the right half, on every slice.
func zones(i, j int) uint8 {
	switch {
	case i < 2 || i > 5 || j < 2 || j > 5:
		return 0
	case i < 4:
		return 1
	}
	return 2
}

// reference is the truth as a mask.
func reference(t *testing.T) *viewstate.Reference {
	g := grid(t)
	labels := make([]uint8, g.Voxels())
	for at := range labels {
		labels[at] = zones(at%8, at/8%8)
	}
	return &viewstate.Reference{Name: "truth", Zones: must[*volume.Mask](t)(volume.NewMask(g, labels))}
}

// result gives sure to the true class and shares the rest, with four samples about that of which the first are smaller.
func result(t *testing.T, sure float64) *inference.Prediction {
	g := grid(t)
	n := g.Voxels()
	p := &inference.Prediction{Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}, Noise: make([]modelcard.Noise, 1)},
		Grid: g, Samples: 4, Requested: 4, Seed: 1, Stop: inference.Completed}
	mean := [3][]float32{make([]float32, n), make([]float32, n), make([]float32, n)}
	hard := make([]uint8, n)
	samples := make([][]uint8, 4)
	for s := range samples {
		samples[s] = make([]uint8, 3*n)
	}
	for at := range n {
		truth := zones(at%8, at/8%8)
		for k := range mean {
			mean[k][at] = float32((1 - sure) / 2)
		}
		mean[truth][at], hard[at] = float32(sure), truth
		for s := range samples {
			in := truth
			if at/8%8 > 2+s { // sample s has only the first rows of the gland
				in = 0
			}
			samples[s][int(in)*n+at] = 255
		}
	}
	for _, m := range mean {
		p.Mean = append(p.Mean, must[*volume.Volume](t)(volume.New(g, m, "probability")))
		p.SD = append(p.SD, p.Mean[0])
	}
	p.Hard = must[*volume.Mask](t)(volume.NewMask(g, hard))
	p.Store = must[*inference.SampleStore](t)(inference.NewSampleStore([3]int{}, g.Size, 3, samples))
	return p
}

var bundled = []Candidate{
	{"a-db", "DB", modelcard.Anatomy, "DB", true}, {"a-ce", "CE", modelcard.Anatomy, "CE", true}, {"a-fl", "FL", modelcard.Anatomy, "FL", true},
	{"a-bce", "BCE", modelcard.Anatomy, "BCE", true}, {"mine", "mine", modelcard.Anatomy, "CE", false}, {"d-ce", "CE", modelcard.Diagnosis, "CE", true},
}

// compared is an exploration with an exam, the four losses, of which CE and FL have run, and a reference.
func compared(t *testing.T) (*Explore, *viewstate.State) {
	t.Helper()
	s := viewstate.New()
	x := New(s, &atOnce{})
	x.SetCandidates(bundled)
	s.SetExam(testExam(t))
	for v := range viewstate.ViewportCount {
		s.SetSize(v, viewstate.Size{W: 100, H: 100}, 1)
	}
	s.SetLayout(viewstate.Compare)
	s.SetCompared(modelcard.Anatomy, 0, viewstate.Compared{ID: "a-ce", Title: "CE", Prediction: result(t, 0.75)})
	s.SetCompared(modelcard.Anatomy, 2, viewstate.Compared{ID: "a-fl", Title: "FL", Prediction: result(t, 0.5)})
	s.SetReference(reference(t))
	return x, s
}

func TestSlotsHoldTheBundledLossesInTheOrderOfThePaper(t *testing.T) {
	x, s := compared(t)
	for slot, want := range []string{"CE", "BCE", "FL", "DB"} {
		if got := s.Compared(slot).Title; got != want || x.Chosen(slot).Title != want {
			t.Errorf("slot %d holds %q, want %q", slot, got, want)
		}
	}
	if got := s.ComparedOf(modelcard.Diagnosis, 0).ID; got != "d-ce" {
		t.Errorf("the first slot of the lesions holds %q", got)
	}
	if got := x.Wanted(4, 1, nil); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("to run: %v", got)
	}
	if got := x.Wanted(5, 1, nil); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("to run for other samples: %v", got)
	}
	x.Choose(0, "mine")
	if c := s.Compared(0); c.Title != "mine" || c.Prediction != nil {
		t.Errorf("another model in the slot shows %+v", c)
	}
	x.Choose(1, "d-ce") // of another task
	if s.Compared(1).ID != "a-bce" {
		t.Error("a model of another task was taken")
	}
	x.Choose(1, "")
	if s.Compared(1).ID != "" || x.Chosen(1) != nil {
		t.Error("an empty slot is not empty")
	}
	s.SetExam(&exam.Exam{Key: "other"})
	if c := s.Compared(2); c.Title != "FL" || c.Prediction != nil {
		t.Errorf("after another exam: %+v", c)
	}
	x.SetCandidates(bundled[4:5])
	if s.Compared(0).ID != "mine" || s.Compared(2).ID != "" {
		t.Error("models that are gone still fill slots")
	}
}

// By hand: near the gland CE says 0.75 + 0.125 of what is WG (the other zone's share counts)
// and 0.25 of what is not.
func TestJudging(t *testing.T) {
	x, s := compared(t)
	o := x.Outcomes()
	if o[0].Result == nil || o[2].Result == nil || o[1].Result != nil || x.Judging() {
		t.Fatalf("outcomes %+v", o)
	}
	ce := o[0].Result
	in, all := 3*16.0, float64(ce.N)
	if all != 192-4*3 { // the corners lie further than 10 mm from the gland: 8√2
		t.Errorf("%g voxels", all)
	}
	want := (in*0.125*0.125 + (all-in)*0.25*0.25) / all
	if math.Abs(ce.Brier-want) > 1e-6 {
		t.Errorf("Brier %g, want %g", ce.Brier, want)
	}
	if len(x.Curves()) != 2 || x.Curves()[1].Title != "FL" {
		t.Errorf("curves %+v", x.Curves())
	}
	s.SetClass(viewstate.PZ)
	if r := x.Outcomes()[0].Result; r.Settings.Structure.Name != "PZ" {
		t.Errorf("judged %q", r.Settings.Structure.Name)
	}
	s.SetReference(nil)
	if o := x.Outcomes()[0]; o.Result != nil {
		t.Error("judged without a reference")
	}
	if text, missing := x.ReferenceText(); !missing || !strings.Contains(text, "load a mask") {
		t.Errorf("without a reference: %q", text)
	}
	r := reference(t)
	r.Zones = nil
	s.SetReference(r)
	if o := x.Outcomes()[0]; o.Result != nil || !strings.Contains(o.Note, "does not label PZ") {
		t.Errorf("a reference without zones: %+v", o)
	}
}

// What was judged before is taken over where only another model has changed.
func TestJudgingAgainOnlyWhatChanged(t *testing.T) {
	x, s := compared(t)
	before := x.Outcomes()[0].Result
	s.SetCompared(modelcard.Anatomy, 1, viewstate.Compared{ID: "a-bce", Title: "BCE", Prediction: result(t, 0.6)})
	if x.Outcomes()[0].Result != before || x.Outcomes()[1].Result == nil {
		t.Error("a model that stayed was judged again, or the new one was not")
	}
	works := x.worker.(*atOnce)
	n := len(works.works)
	s.SetOpacity(0.3)
	s.SetCursor(geom.Vec3{1, 1, 3})
	if len(works.works) != n {
		t.Errorf("judged again for nothing: %v", works.works[n:])
	}
}

func TestOldOutcomesAreDropped(t *testing.T) {
	s := viewstate.New()
	w := &held{}
	x := New(s, w)
	x.SetCandidates(bundled)
	s.SetExam(testExam(t))
	s.SetLayout(viewstate.Compare)
	w.letGo()
	s.SetCompared(modelcard.Anatomy, 0, viewstate.Compared{ID: "a-ce", Title: "CE", Prediction: result(t, 0.75)})
	s.SetReference(reference(t))
	late := w.works[len(w.works)-1]
	next := x.Settings()
	next.Temperature = 2
	x.Set(next)
	if done := late(context.Background()); done != nil {
		done()
	}
	if !x.Judging() || x.Outcomes()[0].Result != nil {
		t.Error("an outcome of earlier settings was taken")
	}
	w.letGo()
	if x.Judging() || x.Outcomes()[0].Result.Settings.Temperature != 2 {
		t.Error("the newest outcome was not taken")
	}
}

// FL says 0.5 of what is always true: the coldest temperature is best, and says so.
func TestFittedTemperature(t *testing.T) {
	x, _ := compared(t)
	s := x.Settings()
	s.Fitted = true
	x.Set(s)
	o := x.Outcomes()[2]
	if o.Fit == nil || o.Result.Settings.Temperature != o.Fit.Temperature || o.Fit.After > o.Fit.Before {
		t.Fatalf("%+v", o.Fit)
	}
	if note := x.FitNote(); !strings.Contains(note, "this exam only") || !strings.Contains(note, "explains the truth: CE, FL.") {
		t.Errorf("note %q", note)
	}
}

func TestSettingsAreLimited(t *testing.T) {
	x, _ := compared(t)
	x.Set(Settings{Temperature: 1e9, Threshold: -2, Samples: 4})
	if got := x.Settings(); got.Temperature != calibrate.MaxTemperature || got.Threshold != 0 || got.Samples != 0 {
		t.Errorf("%+v", got)
	}
	x.Set(Settings{Temperature: 1, Threshold: 0.5, Samples: 2})
	if r := x.Outcomes()[0].Result; r.Samples != 2 {
		t.Errorf("%d samples", r.Samples)
	}
}

// A bin's voxels are shaded in each model's own viewport, and the cursor goes to a slice that has some.
func TestSelectingABin(t *testing.T) {
	x, s := compared(t)
	x.SelectBin(8) // CE says 0.875 of the gland; FL says 0.75
	scene := render.Scene{Contours: []render.Contour{{Field: s.Field(0, viewstate.Probability, viewstate.WG)}, {Field: s.ReferenceField(viewstate.WG)}},
		Overlay: &render.Overlay{}}
	x.Decorate(0, &scene)
	if len(scene.Contours) != 3 || scene.Contours[0].Field != s.ReferenceField(viewstate.WG) || scene.Overlay != nil {
		t.Fatalf("%d contours", len(scene.Contours))
	}
	lit := 0
	for _, v := range scene.Contours[1].Field.Data() {
		lit += int(v)
	}
	if lit != 48 || scene.Contours[1].Fill == 0 {
		t.Errorf("%d voxels are lit, want the gland's 48", lit)
	}
	other := render.Scene{}
	x.Decorate(2, &other)
	for _, c := range other.Contours {
		if slices.Max(c.Field.Data()) > 0 {
			t.Error("voxels of a bin that FL never says are lit")
		}
	}
	if text := x.BinText(); !strings.Contains(text, "CE 48 voxels, 100 % true") || !strings.Contains(text, "FL no voxel") {
		t.Errorf("text %q", text)
	}
	x.SelectBin(8)
	if x.Bin() != -1 {
		t.Error("a second click does not take the selection back")
	}
	x.SelectBin(99)
	if x.Bin() != -1 {
		t.Error("a bin that does not exist is selected")
	}
}

func TestContoursFollowTheSliders(t *testing.T) {
	x, s := compared(t)
	mean := s.Field(0, viewstate.Probability, viewstate.WG)
	x.Set(Settings{Temperature: 2, Threshold: 0.7})
	scene := render.Scene{Contours: []render.Contour{{Field: mean, Level: 0.5}}, Overlay: &render.Overlay{Volume: mean}}
	x.Decorate(0, &scene)
	judged := x.Outcomes()[0].Result.Field()
	if scene.Contours[0].Field != judged || scene.Overlay.Volume != judged {
		t.Error("the contours are still those of the mean")
	}
	if last := scene.Contours[len(scene.Contours)-1]; last.Level != 0.7 || last.Field != judged {
		t.Errorf("no line at the threshold: %+v", last)
	}
	own := render.Scene{Contours: []render.Contour{{Field: mean}}}
	s.SetLayout(viewstate.Read)
	x.Decorate(0, &own)
	if len(own.Contours) != 1 || own.Contours[0].Field != mean {
		t.Error("the exam's own result was changed")
	}
}

// Sample s has the first s + 1 of four rows of the gland.
func TestSampleBrowser(t *testing.T) {
	x, s := compared(t)
	if x.SampleCount() != 4 || x.MaxSamples() != 4 {
		t.Fatalf("%d samples", x.SampleCount())
	}
	x.GoToSample(1)
	scene := render.Scene{}
	x.Decorate(0, &scene)
	inside := 0
	for _, c := range scene.Contours {
		if c.Dash == 0 {
			for _, v := range c.Field.Data() {
				inside += int(v)
			}
		}
	}
	if inside != 2*4*3 {
		t.Errorf("the second sample's gland has %d voxels, want 24", inside)
	}
	x.Step(-2)
	if x.SampleIndex() != 3 {
		t.Errorf("two back from the second is %d", x.SampleIndex())
	}
	ml := x.SampleVolumes()[0]
	voxel := 48.0 / 1000
	if want := []float64{12 * voxel, 24 * voxel, 36 * voxel, 48 * voxel}; !near(ml.ML, want) || ml.Chosen != 3 {
		t.Errorf("volumes %+v, want %v", ml, want)
	}
	x.Sort(true)
	x.GoToSample(0)
	if got := x.SampleVolumes()[2].Chosen; got != 0 {
		t.Errorf("the smallest is sample %d", got)
	}
	x.Play(true)
	if on, playing := x.Browsing(); !on || !playing {
		t.Error("not playing")
	}
	x.SelectBin(5)
	if on, playing := x.Browsing(); on || playing {
		t.Error("a bin and a sample are drawn together")
	}
	s.SetExam(&exam.Exam{Key: "other"})
	x.GoToSample(0)
	if on, _ := x.Browsing(); on {
		t.Error("samples of nothing are drawn")
	}
}

func near(got, want []float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
}

func TestVoxelRows(t *testing.T) {
	x, s := compared(t)
	if _, pinned := x.VoxelRows(); pinned {
		t.Error("a voxel is pinned at first")
	}
	s.Pin(geom.Vec3{-2, 2, 0}) // i 3, j 4: TZ, of the last two samples
	rows, pinned := x.VoxelRows()
	if !pinned || len(rows) != 4 || len(rows[0].Histogram) != 3 || rows[1].Note == "" {
		t.Fatalf("%+v", rows)
	}
	tz := rows[0].Histogram[1]
	if tz.Class != viewstate.TZ || tz.N != 4 || tz.Mean != 0.5 {
		t.Errorf("TZ there: %+v", tz)
	}
}

func TestQuiz(t *testing.T) {
	x, s := compared(t)
	x.StartQuiz()
	q, ok := x.Question()
	if !ok || q.Number != 1 || q.Of != QuizLength || q.Class != viewstate.WG {
		t.Fatalf("%+v, %v; %s", q, ok, x.QuizNote())
	}
	scene := render.Scene{Overlay: &render.Overlay{}, Contours: make([]render.Contour, 3)}
	x.Decorate(0, &scene)
	if scene.Overlay != nil || scene.Contours != nil {
		t.Error("the picture gives the answer away")
	}
	if marks := x.Marks(1); len(marks) != 1 || marks[0].Points[0] != s.Cursor() {
		t.Errorf("marks %+v at cursor %v", marks, s.Cursor())
	}
	if x.Answer(math.NaN()) || x.Answer(2) {
		t.Error("what is no probability was taken")
	}
	for n := range QuizLength {
		spot := x.quiz.spots[x.quiz.at]
		v := grid(t).Voxel(spot.World)
		if truth := zones(int(math.Round(v[0])), int(math.Round(v[1]))) != 0; truth != spot.Truth {
			t.Errorf("spot %d at %v: truth %v", n, v, spot.Truth)
		}
		p := 0.0
		if spot.Truth {
			p = 1
		}
		if ended := x.Answer(p); ended != (n == QuizLength-1) {
			t.Errorf("answer %d: ended %v", n, ended)
		}
		if !strings.Contains(x.QuizNote(), "CE said") {
			t.Errorf("feedback %q", x.QuizNote())
		}
	}
	if _, asking := x.Question(); asking || !x.QuizEnded() || len(x.Log().Rounds) != 1 || x.Marks(0) != nil {
		t.Error("the round did not end")
	}
	scores := x.Scores()
	if len(scores) != 3 || !scores[0].You || scores[0].Brier != 0 || scores[0].N != QuizLength {
		t.Fatalf("who is always right: %+v", scores)
	}
	if scores[1].Title != "CE" || scores[2].Title != "FL" || !(scores[2].Brier > scores[1].Brier) || !(scores[1].Brier > 0) {
		t.Errorf("the models' scores: %+v", scores[1:])
	}
	if got := x.QuizCurves(); len(got) != 3 || got[0].Style.Color != YouStyle.Color {
		t.Errorf("curves %+v", got)
	}
	first := x.quiz.spots
	x.StopQuiz()
	x.StartQuiz()
	if reflect.DeepEqual(first, x.quiz.spots) {
		t.Error("the second round asks for the same spots")
	}
	s.SetLayout(viewstate.Read)
	if _, asking := x.Question(); asking || len(x.Log().Rounds) != 1 || !strings.Contains(x.QuizNote(), "not kept") {
		t.Error("a round goes on without the compared models")
	}
}

func TestQuizWithoutAReferenceSaysWhatToDo(t *testing.T) {
	x, s := compared(t)
	s.SetReference(nil)
	x.StartQuiz()
	if _, ok := x.Question(); ok || !strings.Contains(x.QuizNote(), "load a reference") {
		t.Errorf("note %q", x.QuizNote())
	}
	earlier := calibrate.QuizLog{}.With(calibrate.Round{Structure: "WG", Answers: []calibrate.Answer{{Stated: 0.5, True: true}}})
	x.SetLog(earlier)
	if sc := x.Scores(); len(sc) != 1 || sc[0].Brier != 0.25 {
		t.Errorf("earlier rounds: %+v", sc)
	}
}

func TestTour(t *testing.T) {
	x, s := compared(t)
	s.SetLayout(viewstate.Read)
	if _, _, ok := x.TourStep(); ok {
		t.Error("the tour begins by itself")
	}
	for n := 1; n <= TourLength; n++ {
		x.GoToTour(n)
		step, number, ok := x.TourStep()
		if !ok || number != n {
			t.Fatalf("step %d: %d, %v", n, number, ok)
		}
		if step.Title == "" || step.Text == "" || step.Look == "" || step.Settings.Temperature == 0 {
			t.Errorf("step %d says nothing", n)
		}
		if !x.Active() || x.Settings() != step.Settings {
			t.Errorf("step %d: settings %+v", n, x.Settings())
		}
		if on, _ := x.Browsing(); on != step.Browse {
			t.Errorf("step %d: samples drawn: %v", n, on)
		}
	}
	x.GoToTour(TourLength + 1)
	if _, _, ok := x.TourStep(); ok {
		t.Error("the tour has no end")
	}
	if TourLength < 6 || TourLength > 9 {
		t.Errorf("%d steps", TourLength)
	}
}

func TestSession(t *testing.T) {
	x, _ := compared(t)
	x.Choose(3, "mine")
	x.Set(Settings{Region: calibrate.Whole, Temperature: 1.5, Threshold: 0.3, Samples: 2})
	x.Sort(true)
	x.SetTruth(*reference(t))
	data := must[[]byte](t)(json.Marshal(must[any](t)(x.SaveSection())))
	s := viewstate.New()
	again := New(s, &atOnce{})
	again.SetCandidates(bundled[1:]) // DB is gone, and was not chosen
	s.SetExam(testExam(t))
	if err := again.RestoreSection(data); err != nil {
		t.Fatal(err)
	}
	if again.Settings() != x.Settings() || !again.Sorted() || s.Compared(3).ID != "mine" || !again.TakeTruthWanted() || again.TakeTruthWanted() {
		t.Errorf("restored %+v, slot 3 %+v", again.Settings(), s.Compared(3))
	}
	for _, bad := range []string{`{`, `{"temperature":0}`, `{"temperature":1,"threshold":7}`, `{"temperature":1,"region":99}`, `{"temperature":1,"models":{"anatomy":["nobody"]}}`} {
		before := again.Settings()
		if err := again.RestoreSection([]byte(bad)); err == nil && !strings.Contains(bad, "nobody") {
			t.Errorf("%s was taken", bad)
		} else if err != nil && again.Settings() != before {
			t.Errorf("%s changed the settings", bad)
		}
	}
	if s.Compared(0).ID != "" {
		t.Error("a model that is not there fills a slot")
	}
}

// Curves and shades are told apart by readers with a colour-vision deficiency, and can be seen on the dark ground.
func TestColoursStayApart(t *testing.T) {
	for _, d := range colorvision.Deficiencies {
		for i := range styles {
			for j := range i {
				if far := colorvision.Difference(styles[i].Color, styles[j].Color, d); far < 10 {
					t.Errorf("%v: curves %d and %d are %.1f apart", d, i, j, far)
				}
			}
		}
		if far := colorvision.Difference(HitColor, MissColor, d); far < 20 {
			t.Errorf("%v: what came true and what did not are %.1f apart", d, far)
		}
	}
	for i := range styles {
		for j := range i {
			if reflect.DeepEqual(styles[i].Dash, styles[j].Dash) {
				t.Errorf("curves %d and %d have one line style", i, j)
			}
		}
	}
}
