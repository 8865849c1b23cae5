package compare

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"bayeslice/inference"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// held keeps works until they are let go; a later one of a kind replaces an earlier one.
type held struct {
	kinds []string
	works map[string]func(context.Context) func()
}

func (w *held) Submit(kind string, work func(context.Context) func()) {
	if w.works == nil {
		w.works = map[string]func(context.Context) func(){}
	}
	if w.works[kind] == nil {
		w.kinds = append(w.kinds, kind)
	}
	w.works[kind] = work
}

func (w *held) letGo() (done int) {
	for len(w.kinds) > 0 {
		kind := w.kinds[0]
		work := w.works[kind]
		w.kinds, w.works[kind] = w.kinds[1:], nil
		ctx, cancel := context.WithCancel(context.Background())
		f := work(ctx)
		cancel() // as the window's worker does, before the answer is heard
		if f != nil {
			f()
		}
		done++
	}
	return done
}

// drawn gives contours to the comparison.
type drawn struct{ l *masks.Labels }

func (d drawn) Labels() (func() masks.Labels, bool) {
	if d.l == nil {
		return nil, false
	}
	return func() masks.Labels { return *d.l }, true
}

// grid is 20 × 20 × 4 voxels of 4 × 4 × 3 mm, k towards the feet.
func grid(t *testing.T) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid([3]int{20, 20, 4}, geom.Vec3{-40, -40, 6}, geom.Vec3{4, 4, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, -1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// gland has TZ in front and PZ behind in slices 1 and 2, its right border at column from.
func gland(t *testing.T, from int) *volume.Mask {
	t.Helper()
	g := grid(t)
	labels := make([]uint8, g.Voxels())
	for at := range labels {
		i, j, k := at%20, at/20%20, at/400
		if i >= from && i < 16 && j >= 4 && j < 16 && k >= 1 && k < 3 {
			labels[at] = 1
			if j >= 10 {
				labels[at] = 2
			}
		}
	}
	m, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func opened(t *testing.T) (*viewstate.State, *Comparison, *held) {
	t.Helper()
	g := grid(t)
	v, err := volume.New(g, make([]float32, g.Voxels()), "")
	if err != nil {
		t.Fatal(err)
	}
	s, w := viewstate.New(), &held{}
	c := New(s, w)
	series := &exam.Series{ID: "t2", Volume: v, FrameOfReference: "frame"}
	s.SetExam(&exam.Exam{Key: "key", Series: []*exam.Series{series}, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: series}}},
		Labels: []exam.LabelFile{{Name: "MEIER_zones"}}})
	for n := range viewstate.ViewportCount {
		s.SetSize(n, viewstate.Size{W: 200, H: 200}, 1)
	}
	s.SetLayout(viewstate.Contour)
	c.Show(true)
	w.letGo()
	return s, c, w
}

func source(m *volume.Mask, name string) Source {
	return Source{Name: name, Read: func() (*volume.Mask, error) { return m, nil }}
}

// load loads a mask and lets everything be done.
func load(t *testing.T, c *Comparison, w *held, from Source) error {
	t.Helper()
	told := errors.New("done was not called")
	c.Load(from, func(err error) { told = err })
	w.letGo()
	return told
}

func TestFiguresOfContours(t *testing.T) {
	s, c, w := opened(t)
	if !strings.Contains(c.Status(), "Load a mask") || c.Rows() != nil || c.Strip() != nil || !c.CanLoad() {
		t.Errorf("%q %v", c.Status(), c.Rows())
	}
	if err := load(t, c, w, source(gland(t, 4), "reader B")); err != nil {
		t.Fatal(err)
	}
	if s.Reference() == nil || s.Reference().Name != "reader B" || c.Selected() != 0 || !strings.Contains(c.Status(), "Run a model") {
		t.Errorf("%+v, %q", s.Reference(), c.Status())
	}
	edited := drawn{&masks.Labels{Zones: gland(t, 7)}} // 3 voxels of 4 mm too small on one side
	c.SetEdited(edited)
	s.Notify(viewstate.ChangedLabels)
	if c.Side() != Contours || c.Status() != "Comparing …" {
		t.Errorf("side %d, %q", c.Side(), c.Status())
	}
	w.letGo()
	rows := c.Rows()
	if len(rows) != 3 || c.Status() != "" || c.Problem() != nil {
		t.Fatalf("%+v, %q, %v", rows, c.Status(), c.Problem())
	}
	// 9 of 12 columns: Dice 18/21; 72 voxels of 48 mm³ are missing.
	want := Row{Structure: "WG", Color: viewstate.WG.Color(), Selected: true, Dice: "0.857", HD95: "8.0", ASSD: rows[0].ASSD, Volume: "−3.5", Relative: "−25 %"}
	if rows[0] != want {
		t.Errorf("%+v, want %+v", rows[0], want)
	}
	strip := c.Strip()
	if len(strip) != 4 || strip[0].Slice != 3 || !strip[0].Empty || strip[1].Empty || strip[1].Dice < 0.85 || strip[1].Dice > 0.86 {
		t.Errorf("%+v", strip)
	}
	c.GoTo(2)
	if at := viewstate.SliceAt(grid(t), s.Cursor()).Index; at != 2 || !c.Strip()[1].Current {
		t.Errorf("slice %d, %+v", at, c.Strip())
	}
	c.GoTo(99)
	c.GoTo(0)
	c.Worst()
	if at := viewstate.SliceAt(grid(t), s.Cursor()).Index; at != 1 && at != 2 {
		t.Errorf("the worst slice is %d", at)
	}
	c.SelectStructure("PZ")
	w.letGo()
	if rows := c.Rows(); !rows[2].Selected || rows[0].Selected || c.Structure() != "PZ" {
		t.Errorf("%+v", rows)
	}
}

func TestColouredContour(t *testing.T) {
	s, c, w := opened(t)
	c.SetEdited(drawn{&masks.Labels{Zones: gland(t, 7)}})
	if err := load(t, c, w, source(gland(t, 4), "x")); err != nil {
		t.Fatal(err)
	}
	c.GoTo(1)
	if c.Marks(0) != nil {
		t.Error("drawn without being asked for")
	}
	c.SetDistances(true)
	marks := c.Marks(0)
	blue, white, points := 0, 0, 0
	for _, m := range marks {
		points += len(m.Points)
		switch m.Color {
		case shades[0].Color:
			blue++ // the border that lies 12 mm inside
		case shades[3].Color:
			white++
		case shades[4].Color, shades[5].Color, shades[6].Color:
			t.Error("a contour that is too small is drawn as too large")
		}
	}
	if blue != 1 || white < 1 || points > 40 { // of 42 faces, straight ones joined
		t.Errorf("%d blue, %d white, %d points", blue, white, points)
	}
	if len(s.Marks(0)) != len(marks) {
		t.Error("the state does not draw them")
	}
	c.GoTo(0)
	if c.Marks(0) != nil {
		t.Error("drawn in a slice without the structure")
	}
	c.GoTo(1)
	s.Apply(viewstate.HideAll)
	if c.Marks(0) != nil {
		t.Error("drawn although everything is hidden")
	}
	for _, x := range []struct {
		mm   float64
		want int
	}{{-9, 0}, {-4, 1}, {-1, 3}, {0, 3}, {0.99, 3}, {1, 4}, {3.9, 5}, {99, 6}} {
		if got := shadeOf(x.mm); got != x.want {
			t.Errorf("%g mm has shade %d, want %d", x.mm, got, x.want)
		}
	}
}

func TestResultOfModels(t *testing.T) {
	s, c, w := opened(t)
	if err := load(t, c, w, source(gland(t, 4), "x")); err != nil {
		t.Fatal(err)
	}
	g := grid(t)
	truth := gland(t, 4).Data()
	p := &inference.Prediction{Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}, Stop: inference.Running, Grid: g}
	for class := range 3 {
		data := make([]float32, g.Voxels())
		for at, v := range truth {
			if int(v) == class {
				data[at] = 1
			}
		}
		v, err := volume.New(g, data, "probability")
		if err != nil {
			t.Fatal(err)
		}
		p.Mean = append(p.Mean, v)
	}
	s.SetPrediction(p)
	w.letGo()
	if len(c.Rows()) != 0 {
		t.Error("a run that goes on is compared")
	}
	done := *p
	done.Stop = inference.Completed
	s.SetPrediction(&done)
	w.letGo()
	if rows := c.Rows(); len(rows) != 3 || rows[0].Dice != "1.000" || rows[0].Volume != "0.0" || rows[0].Relative != "0 %" || c.Side() != Result {
		t.Errorf("%+v", rows)
	}
	c.SetSide(Contours)
	w.letGo()
	if c.Rows() != nil || !strings.Contains(c.Status(), "Draw contours") {
		t.Errorf("%v, %q", c.Rows(), c.Status())
	}
}

func TestReaders(t *testing.T) {
	s, c, w := opened(t)
	for _, name := range []string{"A", "B"} {
		if err := load(t, c, w, source(gland(t, 4), name)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.Readers()) != 2 || c.Selected() != 1 || c.Title(0) != "A" {
		t.Errorf("%d readers, %d selected", len(c.Readers()), c.Selected())
	}
	c.Select(0)
	if s.Reference().Name != "A" {
		t.Error(s.Reference().Name)
	}
	foreign := &viewstate.Reference{Name: "truth", Zones: gland(t, 4)}
	s.SetReference(foreign)
	if len(c.Readers()) != 3 || c.Selected() != 2 || c.Choices() != nil {
		t.Error("a reference set from elsewhere is not listed")
	}
	c.Select(1)
	if len(c.Readers()) != 3 || s.Reference().Name != "B" {
		t.Error("a reference set from elsewhere was lost")
	}
	s.SetPrivate(true)
	if c.Title(1) != "Reader 2" || c.Offered()[0].Name != "Label file 1" {
		t.Error(c.Title(1), c.Offered()[0].Name)
	}
	s.SetPrivate(false)
	if c.Offered()[0].Name != "MEIER_zones" {
		t.Error(c.Offered()[0].Name)
	}
	c.Remove()
	if s.Reference() != nil || len(c.Readers()) != 2 || c.Selected() != -1 {
		t.Error("not removed")
	}
	c.Select(-1)
	s.SetExam(nil)
	if len(c.Readers()) != 0 || c.CanLoad() {
		t.Error("readers of another exam")
	}
}

func TestNumbers(t *testing.T) {
	s, c, w := opened(t)
	swapped, err := masks.PZTZ.Apply(gland(t, 4))
	if err != nil {
		t.Fatal(err)
	}
	if err := load(t, c, w, source(swapped.Zones, "PI-CAI")); err != nil {
		t.Fatal(err)
	}
	if c.Choices()[0] != masks.PZTZ || s.Reference().Zones.At(10, 5, 1) != masks.TZ {
		t.Errorf("%v: the front is %d", c.Choices(), s.Reference().Zones.At(10, 5, 1))
	}
	told := errors.New("not called")
	c.Renumber(masks.TZPZ, func(err error) { told = err })
	w.letGo()
	if told != nil || len(c.Readers()) != 1 || s.Reference().Zones.At(10, 5, 1) != masks.PZ {
		t.Error(told, len(c.Readers()))
	}
}

func TestMasksThatAreNone(t *testing.T) {
	s, c, w := opened(t)
	broken := Source{Name: "x", Read: func() (*volume.Mask, error) { return nil, os.ErrNotExist }}
	if err := load(t, c, w, broken); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	other := source(gland(t, 4), "x")
	other.Frame = "another frame"
	if err := load(t, c, w, other); !errors.Is(err, masks.ErrFrame) {
		t.Error(err)
	}
	if s.Reference() != nil || len(c.Readers()) != 0 {
		t.Error("a mask that was refused is listed")
	}
	// A reference of lesions against zones: nothing in common, said as such.
	c.SetEdited(drawn{&masks.Labels{Zones: gland(t, 4)}})
	s.SetReference(&viewstate.Reference{Name: "lesions", Lesions: gland(t, 4)})
	w.letGo()
	if err := c.Problem(); !errors.Is(err, masks.ErrNothing) || len(c.Rows()) != 0 {
		t.Error(err)
	}
	// The answer to what was asked before the exam was closed is dropped.
	s.SetReference(&viewstate.Reference{Name: "x", Zones: gland(t, 4)})
	s.SetExam(nil)
	w.letGo()
	if len(c.Rows()) != 0 {
		t.Error("figures without an exam")
	}
	c.Load(other, func(error) { t.Error("loaded without an exam") })
	w.letGo()
}

func TestSession(t *testing.T) {
	_, c, w := opened(t)
	section := c.SessionSection(failOn(t))
	if out, err := section.SaveSection(); out != nil || err != nil {
		t.Error(out, err)
	}
	if err := load(t, c, w, source(gland(t, 4), "MEIER")); err != nil {
		t.Fatal(err)
	}
	c.SelectStructure("PZ")
	c.SetSide(Contours)
	c.SetDistances(true)
	out, err := section.SaveSection()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(out)
	if err != nil || strings.Contains(string(text), "MEIER") {
		t.Fatal(string(text), err)
	}
	_, other, _ := opened(t)
	restored := other.SessionSection(failOn(t))
	if err := restored.RestoreSection(text); err == nil || !strings.Contains(err.Error(), "1 masks of the session do not lie beside the images") {
		t.Error(err)
	}
	if !other.Distances() || other.Structure() != "PZ" || other.Side() != Contours {
		t.Error(other.Distances(), other.Structure(), other.Side())
	}
	for _, bad := range []string{`{"side": 9}`, `[]`, `{"readers": 3}`} {
		if err := restored.RestoreSection(json.RawMessage(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func failOn(t *testing.T) func(error) {
	return func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
}
