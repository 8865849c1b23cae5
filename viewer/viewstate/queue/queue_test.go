package queue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/review"
	"bayeslice/internal/volume"
	"bayeslice/internal/worklist"
	"bayeslice/viewer/viewstate"
)

// atOnce does works where they are submitted, and ends their ctx before the answer is heard, as the window's worker may.
type atOnce struct{}

func (atOnce) Submit(_ string, work func(context.Context) func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := work(ctx)
	cancel()
	if done != nil {
		done()
	}
}

func grid(t *testing.T) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid([3]int{20, 20, 6}, geom.Vec3{-20, -20, -8}, geom.Vec3{2, 2, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// prediction has a gland of TZ in front and PZ behind, with doubt at two places of its border.
func prediction(t *testing.T, stop inference.StopReason) *inference.Prediction {
	t.Helper()
	g := grid(t)
	data := make([][]float32, 3)
	for c := range data {
		data[c] = make([]float32, g.Voxels())
	}
	hard := make([]uint8, g.Voxels())
	for at := range hard {
		i, j, k := at%20, at/20%20, at/400
		p := [3]float32{1, 0, 0}
		switch {
		case i < 3 || i >= 17 || j < 3 || j >= 17:
		case j >= 9 && j <= 10 && i >= 12 && i < 16 && k == 0:
			p = [3]float32{0, 0.5, 0.5}
		case j >= 15 && j <= 16 && i >= 3 && i < 6 && k == 5:
			p = [3]float32{0.4, 0, 0.6}
		case j < 10:
			p = [3]float32{0, 1, 0}
		default:
			p = [3]float32{0, 0, 1}
		}
		for c := range data {
			data[c][at] = p[c]
		}
		if p[0] < 0.5 {
			hard[at] = 2
		}
	}
	p := &inference.Prediction{Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}, Stop: stop, Grid: g}
	for _, d := range data {
		v, err := volume.New(g, d, "probability")
		if err != nil {
			t.Fatal(err)
		}
		p.Mean = append(p.Mean, v)
	}
	var err error
	if p.Hard, err = volume.NewMask(g, hard); err != nil {
		t.Fatal(err)
	}
	return p
}

func opened(t *testing.T) *viewstate.State {
	t.Helper()
	g := grid(t)
	v, err := volume.New(g, make([]float32, g.Voxels()), "")
	if err != nil {
		t.Fatal(err)
	}
	s := viewstate.New()
	series := &exam.Series{ID: "t2", Volume: v}
	s.SetExam(&exam.Exam{Key: "abcdef", Series: []*exam.Series{series}, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: series}}}})
	for n := range viewstate.ViewportCount {
		s.SetSize(n, viewstate.Size{W: 200, H: 200}, 1)
	}
	return s
}

func TestWalkThroughSpots(t *testing.T) {
	s := opened(t)
	p := NewSpots(s, atOnce{})
	if s.Apply(viewstate.NextSpot) || !strings.Contains(p.Status(), "Run a model") {
		t.Errorf("%q", p.Status())
	}
	s.SetPrediction(prediction(t, inference.Running))
	if p.List() != nil || !strings.Contains(p.Status(), "when the run has ended") {
		t.Errorf("%v %q", p.List(), p.Status())
	}
	s.SetPrediction(prediction(t, inference.Completed))
	list := p.List()
	if len(list) != 2 || list[0] != (Spot{Number: 1, Reason: "apex, left, TZ/PZ border", Error: "0.05 mL"}) {
		t.Fatalf("%+v", list)
	}
	if list[1].Reason != "base, right posterior, outer border of PZ" {
		t.Errorf("%+v", list[1])
	}
	if p.Status() != "0 of 2 spots seen; 0.08 mL of 0.08 mL expected error not looked at" {
		t.Errorf("%q", p.Status())
	}
	at := func() int { return viewstate.SliceAt(grid(t), s.Cursor()).Index }
	for _, step := range []struct {
		c    viewstate.Command
		spot int
		k    int
	}{{viewstate.NextSpot, 0, 0}, {viewstate.NextSpot, 1, 5}, {viewstate.NextSpot, 0, 0}, {viewstate.PreviousSpot, 1, 5}, {viewstate.PreviousSpot, 0, 0}} {
		if !s.Apply(step.c) || !p.List()[step.spot].Current || at() != step.k {
			t.Errorf("command %d: %+v in slice %d", step.c, p.List(), at())
		}
		marks := s.Marks(0)
		if len(marks) != 1 || marks[0].Radius < 4 || marks[0].Label == "" || s.Marks(3)[0].Label != "" {
			t.Errorf("%+v", marks)
		}
	}
	if l := p.List(); !l[0].Visited || !l[1].Visited || p.Status() != "2 of 2 spots seen; 0.00 mL of 0.08 mL expected error not looked at" {
		t.Errorf("%+v %q", l, p.Status())
	}
	s.GoToSlice(0, 3)
	if s.Marks(0) != nil {
		t.Error("the ring is drawn in another slice")
	}
	s.SetClass(viewstate.CsPCa)
	if p.List() != nil || p.Findings() != nil {
		t.Error("the spots of the zones are listed for csPCa")
	}
	s.SetClass(viewstate.WG)
	s.SetPrediction(prediction(t, inference.Completed))
	if p.List()[0].Visited || p.Findings() == nil {
		t.Error("another result has been seen")
	}
	p.Go(7)
	s.SetExam(nil)
	if p.List() != nil {
		t.Error("spots without an exam")
	}
}

// folder makes exams, each a folder with a file, and returns the folder of all.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		if err := os.MkdirAll(filepath.Join(dir, n), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, n, "image"), []byte(n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fake predicts doubt by the name of the folder.
type fake struct{}

func (fake) Name() string { return "fake" }
func (fake) Key() string  { return "key" }
func (fake) Predict(_ context.Context, e *exam.Exam) (review.Field, error) {
	v := e.Chosen(exam.T2W).Volume
	p := v.At(0, 0, 0)
	sure, err := volume.New(v.Grid(), []float32{1 - p}, "")
	if err != nil {
		return review.Field{}, err
	}
	doubt, err := volume.New(v.Grid(), []float32{p}, "")
	return review.Field{Classes: []string{"background", "PZ"}, Mean: []*volume.Volume{sure, doubt}}, err
}

func sampled(*testing.T) worklist.Sampling {
	return worklist.Sampling{Predictor: fake{}, Open: func(_ context.Context, place, _ string) (*exam.Exam, error) {
		doubt := map[string]float32{"low": 0.1, "high": 0.4}[filepath.Base(place)]
		if doubt == 0 {
			return nil, exam.ErrNoImages
		}
		g, err := geom.NewGrid([3]int{1, 1, 1}, geom.Vec3{}, geom.Vec3{10, 10, 10}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
		if err != nil {
			return nil, err
		}
		v, err := volume.New(g, []float32{doubt}, "")
		if err != nil {
			return nil, err
		}
		return &exam.Exam{Key: "4f2a99", Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: &exam.Series{Volume: v}}}}}, nil
	}}
}

func failing(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
}

func titles(l *List) string {
	var out []string
	for _, r := range l.Rows() {
		word := r.Title
		if r.Current {
			word += "*"
		}
		if r.Broken {
			word += "!"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

func TestWorkList(t *testing.T) {
	s := opened(t)
	clock := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	l := NewList(s, atOnce{}, func() time.Time { return clock })
	if _, ok := l.Next(); ok || l.IsOpen() || l.Rows() != nil || l.Folder() != "" {
		t.Error("a list without a folder")
	}
	var missing error
	l.Open(filepath.Join(t.TempDir(), "absent"), "", func(err error) { missing = err })
	if !errors.Is(missing, worklist.ErrFolder) || l.IsOpen() {
		t.Error(missing)
	}
	dir := folder(t, "high", "low", "odd")
	l.Open(dir, "", failing(t))
	if titles(l) != "high low odd" || l.Folder() != filepath.Base(dir) {
		t.Errorf("%q in %q", titles(l), l.Folder())
	}
	run, finish, ok := l.BeginSampling(context.Background(), worklist.Sampling{}, func(f func()) { f() }, func(_ context.Context, o *worklist.Sampling) error {
		o.Predictor, o.Open = sampled(t).Predictor, sampled(t).Open
		return nil
	})
	if !ok {
		t.Fatal("no sampling")
	}
	if _, _, again := l.BeginSampling(context.Background(), sampled(t), nil, nil); again {
		t.Error("two samplings")
	}
	if !strings.HasPrefix(l.SamplingText(), "Sampling exam 1 of 3") {
		t.Errorf("%q", l.SamplingText())
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	finish()
	rows := l.Rows()
	if titles(l) != "high low odd!" || rows[0].Error != "0.40 mL" || !strings.HasSuffix(rows[0].Why, "outer border of PZ · 0.40 mL") || l.SamplingText() != "" {
		t.Errorf("%q %+v", titles(l), rows[0])
	}

	l.Opened(filepath.Join(dir, "high"), "")
	if e, ok := l.Current(); !ok || e.ID() != "high" || titles(l) != "high* low odd!" {
		t.Error(e, titles(l))
	}
	for range 3 { // three looks, twenty seconds apart, and one after lunch
		clock = clock.Add(20 * time.Second)
		s.SetCursor(s.Cursor().Add(geom.Vec3{1, 0, 0}))
	}
	clock = clock.Add(time.Hour)
	s.SetCursor(s.Cursor().Add(geom.Vec3{1, 0, 0}))
	l.Mark("high", worklist.Completed, failing(t))
	e, _ := l.Current()
	if e.State != worklist.Completed || e.Seconds != 60 {
		t.Errorf("%+v", e)
	}
	if n, ok := l.Next(); !ok || n.ID() != "low" {
		t.Error("after high comes", n.ID())
	}
	path, study, labels := l.Place(e)
	if path != filepath.Join(dir, "high") || study != "" || filepath.Base(labels) != "high" {
		t.Error(path, study, labels)
	}
	l.SetOpenOnly(true)
	if titles(l) != "high* low odd!" { // the open exam stays
		t.Errorf("%q", titles(l))
	}
	l.Opened("/elsewhere", "")
	if titles(l) != "low odd!" {
		t.Errorf("%q", titles(l))
	}
	l.SetOpenOnly(false)
	l.Annotate("low", "blurred", failing(t))
	if share, text := l.Progress(); share != 1.0/3 || text != "1 of 3 completed · 1 cannot be used" {
		t.Error(share, text)
	}
	s.SetPrivate(true)
	for _, r := range l.Rows() {
		if strings.Contains("high low odd", r.Title) || r.Note != "" {
			t.Errorf("private mode shows %+v", r)
		}
	}
	if l.Folder() != "Folder of exams" || !strings.HasPrefix(titles(l), "Study 4F2A ") {
		t.Error(l.Folder(), titles(l))
	}
	l.Close()
	if l.IsOpen() || l.Rows() != nil {
		t.Error("not closed")
	}
}

func TestListThatCannotBeWritten(t *testing.T) {
	s := opened(t)
	l := NewList(s, atOnce{}, time.Now)
	dir := folder(t, "a")
	l.Open(dir, "", failing(t))
	if err := os.WriteFile(filepath.Join(dir, worklist.FileName), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got error
	l.Mark("a", worklist.Completed, func(err error) { got = err })
	if !errors.Is(got, worklist.ErrList) || l.Rows()[0].State != worklist.NotStarted {
		t.Error(got, l.Rows())
	}
	l.Refresh(func(err error) { got = err })
	if !errors.Is(got, worklist.ErrList) {
		t.Error(got)
	}
}
