package reading

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/align"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

func grid(t *testing.T, size [3]int, spacing, origin geom.Vec3) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, origin, spacing, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// image is 100·i + j + 10⁴·k of a grid.
func image(t *testing.T, g geom.Grid, unit string) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data[g.Index(i, j, k)] = float32(100*i + j + 10000*k + 1)
			}
		}
	}
	v, err := volume.New(g, data, unit)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// opened shows an exam of 60 mm slices in viewports of 120 × 120 pixels: two pixels a millimetre, the middle at the origin.
func opened(t *testing.T) (*viewstate.State, *Reading) {
	t.Helper()
	t2 := image(t, grid(t, [3]int{60, 60, 11}, geom.Vec3{1, 1, 3}, geom.Vec3{-29.5, -29.5, -15}), "")
	dw := grid(t, [3]int{30, 30, 11}, geom.Vec3{2, 2, 3}, geom.Vec3{-29, -29, -15})
	series := []*exam.Series{
		{ID: "t2", Volume: t2, Kind: exam.T2W},
		{ID: "adc", Volume: image(t, dw, exam.UnitADC), Kind: exam.ADC},
		{ID: "b", Volume: image(t, dw, ""), HasB: true, B: 1400, Calculated: true},
	}
	s := viewstate.New()
	r := New(s)
	for v := range viewstate.ViewportCount {
		s.SetSize(v, viewstate.Size{W: 120, H: 120}, 1)
	}
	s.SetExam(&exam.Exam{Key: "k", Series: series, Roles: map[exam.Role]exam.Choice{
		exam.T2W: {Candidate: exam.Candidate{Series: series[0]}}, exam.ADC: {Candidate: exam.Candidate{Series: series[1]}},
		exam.HighB: {Candidate: exam.Candidate{Series: series[2]}}}})
	s.Fit(0)
	s.SetCursor(geom.Vec3{0, 0, 0})
	return s, r
}

// at returns where a world point lies in viewport v.
func at(t *testing.T, s *viewstate.State, v int, world geom.Vec3) (x, y float64) {
	t.Helper()
	x, y, ok := s.PositionOf(v, world)
	if !ok {
		t.Fatal("the viewport shows nothing")
	}
	return x, y
}

// drag presses at one world point and releases at another; click does both at one.
func drag(t *testing.T, s *viewstate.State, v int, m viewstate.Mods, a, b geom.Vec3) {
	t.Helper()
	x, y := at(t, s, v, a)
	s.Press(v, viewstate.Left, m, false, x, y)
	x, y = at(t, s, v, b)
	s.Move(v, m, x, y)
	s.Release(x, y)
}

func click(t *testing.T, s *viewstate.State, v int, p geom.Vec3) {
	t.Helper()
	x, y := at(t, s, v, p)
	s.Press(v, viewstate.Left, 0, false, x, y)
	s.Release(x, y)
}

func only(t *testing.T, r *Reading) Measurement {
	t.Helper()
	if len(r.Measurements()) != 1 {
		t.Fatalf("%d measurements; %s", len(r.Measurements()), r.Message())
	}
	return r.Measurements()[0]
}

func TestRulerByDragAndAcrossSlices(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RulerTool)
	drag(t, s, 0, 0, geom.Vec3{-6, 0, 0}, geom.Vec3{6, 5, 0})
	m := only(t, r)
	if got := m.Lines[0].MM(); math.Abs(got-13) > 1e-9 || m.Text() != "13.0 mm" {
		t.Errorf("%v (%q), want 13 mm", got, m.Text())
	}
	if s.Window(0) != s.Presets(0)[0].Window || s.Cursor() != (geom.Vec3{}) {
		t.Error("the drag moved the window or the cursor")
	}
	click(t, s, 0, geom.Vec3{0, 0, 0})
	s.Scroll(0, 2)
	click(t, s, 0, geom.Vec3{8, 0, 6})
	if got := r.Measurements()[1].Lines[0].MM(); math.Abs(got-10) > 1e-9 {
		t.Errorf("across slices %v, want 10 mm", got)
	}
	marks := r.Marks(0) // the first lies two slices below, the second ends here
	if len(marks) != 2 || marks[1].Label != "10.0 mm" || marks[1].Points[0] != (geom.Vec3{8, 0, 6}) {
		t.Errorf("marks %+v", marks)
	}
	s.Apply(viewstate.HideAll)
	if len(r.Marks(0)) > 0 {
		t.Error("measurements stay when everything is hidden")
	}
}

func TestTheEndOfALineIsMoved(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RulerTool)
	drag(t, s, 0, 0, geom.Vec3{-6, 0, 0}, geom.Vec3{6, 5, 0})
	s.Apply(viewstate.BrowseTool)
	window := s.Window(0)
	drag(t, s, 0, 0, geom.Vec3{6.5, 5, 0}, geom.Vec3{2, 6, 0})
	if m := only(t, r); m.Text() != "10.0 mm" || r.Selected() != m.ID || s.Window(0) != window {
		t.Errorf("%q after moving an end: 8 by 6 mm", m.Text())
	}
	s.Apply(viewstate.Undo)
	if m := only(t, r); m.Text() != "13.0 mm" {
		t.Errorf("%q after undo", m.Text())
	}
	click(t, s, 0, geom.Vec3{-6, 0, 0})
	if m := only(t, r); r.Selected() != m.ID || m.Text() != "13.0 mm" {
		t.Error("a click on an end did not select the line alone")
	}
	s.Scroll(0, 2) // the line is not on this slice
	drag(t, s, 0, 0, geom.Vec3{6, 5, 6}, geom.Vec3{2, 6, 6})
	if only(t, r).Text() != "13.0 mm" || s.Window(0) == window {
		t.Error("a line of another slice was moved")
	}
}

func TestEllipsoidFromThreeLines(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.EllipsoidTool)
	drag(t, s, 0, 0, geom.Vec3{-20, 0, 0}, geom.Vec3{20, 0, 0})
	drag(t, s, 0, 0, geom.Vec3{0, -15, 0}, geom.Vec3{0, 15, 0})
	if !strings.HasPrefix(r.Message(), "3 of 3") {
		t.Errorf("message %q", r.Message())
	}
	s.Scroll(0, 4)
	click(t, s, 0, geom.Vec3{5, 0, 12})
	s.Scroll(0, -8)
	click(t, s, 0, geom.Vec3{-5, 0, -12}) // 24 mm along the normal, whatever the 10 mm sideways
	m := only(t, r)
	if want := math.Pi / 6 * 40 * 30 * 24 / 1000; math.Abs(m.Ellipsoid.ML-want) > 1e-9 {
		t.Errorf("%v mL, want %v", m.Ellipsoid.ML, want)
	}
	r.SetPSA("6,0")
	list, problem := r.Densities()
	if len(list) != 1 || problem != "" || list[0].Density != "0.40 ng/mL²" { // 6 / 15.08
		t.Errorf("%+v, %q", list, problem)
	}
	r.SetPSA("six")
	if _, problem := r.Densities(); problem == "" {
		t.Error("a PSA that is no number was taken")
	}
}

func TestRegionsMeasureTheSeriesAndTheADC(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RegionTool)
	drag(t, s, 0, 0, geom.Vec3{-6, -6, 0}, geom.Vec3{6, 6, 0})
	m := only(t, r)
	// Both images are linear, so that the mean in a symmetric figure is the value in its middle: T2W 100·29.5 + 29.5 + 50001, ADC
	// 100·14.5 + 14.5 + 50001.
	if len(m.Values) != 2 || math.Abs(m.Values[0].Mean-52980.5) > 1e-6 || math.Abs(m.Values[1].Mean-51465.5) > 1e-6 || !m.Values[1].ADC {
		t.Errorf("%+v", m.Values)
	}
	if math.Abs(m.Values[0].AreaMM2-36*math.Pi) > 1e-9 {
		t.Errorf("area %v", m.Values[0].AreaMM2)
	}
	for _, p := range []geom.Vec3{{0, 0, 0}, {10, 0, 0}, {10, 10, 0}, {0, 10, 0}} {
		click(t, s, 0, p)
	}
	click(t, s, 0, geom.Vec3{25, 25, 0})
	s.Apply(viewstate.DeleteLast) // takes the last corner back
	s.Apply(viewstate.Accept)
	if n := len(r.Measurements()); n != 2 {
		t.Fatalf("%d measurements: %s", n, r.Message())
	}
	if v := r.Measurements()[1].Values[0]; v.N != 100 || v.AreaMM2 != 100 {
		t.Errorf("polygon %+v, want 100 voxels of 1 mm", v)
	}
	drag(t, s, 0, 0, geom.Vec3{3, 3, 0}, geom.Vec3{3, 8, 0}) // no width
	if len(r.Measurements()) != 2 || r.Message() == "" {
		t.Errorf("an ellipse without width: %q", r.Message())
	}
}

func TestAViewThatChangesWhileItIsDrawnIn(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RegionTool)
	for _, p := range []geom.Vec3{{0, 0, 0}, {10, 0, 0}, {10, 10, 0}} {
		click(t, s, 3, p)
	}
	s.SetLayout(viewstate.Uncertainty) // the fourth view shows histograms now
	s.Apply(viewstate.Accept)
	if len(r.Measurements()) != 0 || !strings.Contains(r.Message(), "no image any more") {
		t.Errorf("message %q", r.Message())
	}
	for _, tool := range []viewstate.Command{viewstate.RulerTool, viewstate.RegionTool, viewstate.WindowRegionTool, viewstate.DarkestNineTool} {
		s.SetLayout(viewstate.Read)
		s.Apply(tool)
		x, y := at(t, s, 3, geom.Vec3{})
		s.Press(3, viewstate.Left, 0, false, x, y)
		s.Move(3, 0, x+20, y+20)
		s.SetLayout(viewstate.Uncertainty)
		for v := range viewstate.ViewportCount {
			r.Marks(v)
		}
		s.Release(x+30, y+30)
		if len(r.Measurements()) != 0 {
			t.Errorf("measured %+v", r.Measurements())
		}
	}
}

func TestDarkestNineAndWindowToRegion(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.DarkestNineTool)
	click(t, s, 0, geom.Vec3{1, 1, 0}) // on T2W: the ADC map is measured all the same
	m := only(t, r)
	// The lowest within 5 mm is at the lowest i: 1 mm is i = j = 15, so i = 13 (4 mm) with j = 14 (2 mm).
	if m.Series != "adc" || math.Abs(m.Values[0].Mean-(1300+14+50001)) > 1e-6 {
		t.Errorf("%+v", m.Values)
	}
	s.Apply(viewstate.BrowseTool)
	drag(t, s, 1, viewstate.Ctrl, geom.Vec3{-10, -10, 0}, geom.Vec3{10, 10, 0})
	want, ok := render.BoxWindow(s.Volume(1), geom.Vec3{-10, -10, 0}, geom.Vec3{10, 10, 0}, geom.Vec3{1, 0, 0}, geom.Vec3{0, 1, 0})
	if got := s.Window(1); !ok || math.Abs(got.Level-want.Level) > 1e-6 || math.Abs(got.Width-want.Width) > 1e-6 {
		t.Errorf("window %+v, want %+v", got, want)
	}
	if s.Window(0) != s.Presets(0)[0].Window {
		t.Error("another series' window changed")
	}
}

func TestMeasurementsAreUndoneAndDeleted(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RulerTool)
	for n := range 3 {
		y := float64(10 * n)
		drag(t, s, 0, 0, geom.Vec3{0, y, 0}, geom.Vec3{float64(n + 5), y, 0})
	}
	s.Apply(viewstate.DeleteLast) // the selected one: the last
	if len(r.Measurements()) != 2 {
		t.Fatalf("%d left", len(r.Measurements()))
	}
	s.Apply(viewstate.Undo)
	r.DeleteAll()
	s.Apply(viewstate.Undo)
	if len(r.Measurements()) != 3 {
		t.Errorf("%d after undo", len(r.Measurements()))
	}
	for range 3 {
		s.Apply(viewstate.Undo)
	}
	if len(r.Measurements()) != 0 || r.CanUndo() {
		t.Errorf("%d at the start", len(r.Measurements()))
	}
	s.Apply(viewstate.Redo)
	if only(t, r).Text() != "5.0 mm" {
		t.Errorf("redone %q", only(t, r).Text())
	}
	r.Select(1)
	if s.Cursor() != (geom.Vec3{2.5, 0, 0}) {
		t.Errorf("jumped to %v", s.Cursor())
	}
	s.SetTool(viewstate.Brush)
	if r.Apply(viewstate.Undo) {
		t.Error("undo of measurements while labels are edited")
	}
}

func TestFusionLiesOverTheFirstT2W(t *testing.T) {
	s, r := opened(t)
	r.Fuse("adc")
	scene, _ := s.Scene(0)
	if o := scene.Overlay; o == nil || o.Volume != s.Displayed(s.Exam().Series[1]) || o.Low != 0 || o.High != 2000 || o.Opacity != defaultFusionOpacity {
		t.Fatalf("overlay %+v", scene.Overlay)
	}
	if l, ok := s.LegendIn(0); !ok || l.Title != "ADC (×10⁻⁶ mm²/s)" {
		t.Errorf("legend %+v", l)
	}
	for v := 1; v < viewstate.ViewportCount; v++ {
		if scene, _ := s.Scene(v); scene.Overlay != nil {
			t.Errorf("viewport %d is fused as well", v)
		}
	}
	s.Apply(viewstate.MoreOpacity)
	if _, o := r.Fusion(); math.Abs(o-defaultFusionOpacity-fusionStep) > 1e-12 {
		t.Errorf("opacity %v", o)
	}
	s.Apply(viewstate.ToggleOverlay)
	if scene, _ := s.Scene(0); scene.Overlay != nil || strings.Contains(r.Note(0), "colour") {
		t.Error("fused while maps are hidden")
	}
	r.Fuse("")
	r.Fuse("nothing")
	if id, _ := r.Fusion(); id != "" {
		t.Errorf("fused %q", id)
	}
	r.Fuse("b") // what is chosen is shown again
	if scene, _ := s.Scene(0); scene.Overlay == nil {
		t.Error("not fused although chosen")
	}
}

func TestInvertedGreys(t *testing.T) {
	s, r := opened(t)
	before, _ := s.Scene(0)
	s.SetFocus(0)
	s.Apply(viewstate.InvertGreys)
	after, _ := s.Scene(0)
	if after.Base.At(3, 4, 5) != -before.Base.At(3, 4, 5) || after.Window != (render.Window{Level: -before.Window.Level, Width: before.Window.Width}) {
		t.Errorf("%+v after %+v", after.Window, before.Window)
	}
	again, _ := s.Scene(3) // the same series elsewhere
	if again.Base != after.Base || r.Note(0) == "" {
		t.Error("the negative is made twice, or not told")
	}
	s.Apply(viewstate.InvertGreys)
	if scene, _ := s.Scene(0); scene.Base != before.Base {
		t.Error("not taken back")
	}
}

func TestCineAndKeyImages(t *testing.T) {
	s, r := opened(t)
	s.SetFocus(0)
	s.GoToSlice(0, 9)
	s.Apply(viewstate.Cine)
	var seen []int
	for range 4 {
		r.Step()
		seen = append(seen, viewstate.SliceAt(s.Volume(0).Grid(), s.Cursor()).Index)
	}
	if !r.Cine() || seen[0] != 10 || seen[1] != 9 || seen[3] != 7 {
		t.Errorf("slices %v", seen)
	}
	s.Apply(viewstate.Cine)
	s.Apply(viewstate.KeyImage)
	if len(r.KeyImages()) != 1 || r.KeyText(r.KeyImages()[0]) != "T2W, slice 8" || !strings.Contains(r.Note(0), "★") {
		t.Errorf("%+v", r.KeyImages())
	}
	s.GoToSlice(0, 2)
	r.GoToKeyImage(0)
	if k := viewstate.SliceAt(s.Volume(0).Grid(), s.Cursor()).Index; k != 7 {
		t.Errorf("jumped to slice %d", k)
	}
	s.Apply(viewstate.KeyImage)
	if len(r.KeyImages()) != 0 {
		t.Error("not unmarked")
	}
}

func TestOffsetsMoveEveryDiffusionImage(t *testing.T) {
	s, r := opened(t)
	r.Nudge(align.Offset{Left: 1.5})
	r.Nudge(align.Offset{Head: -3})
	for _, id := range []string{"adc", "b"} {
		if got := s.Offset(id); got.Sub(geom.Vec3{1.5, 0, -3}).Norm() > 1e-9 {
			t.Errorf("%s is moved by %v", id, got)
		}
	}
	if s.Offset("t2") != (geom.Vec3{}) || r.Offset() != (align.Offset{Left: 1.5, Head: -3}) {
		t.Errorf("T2W moved, or offset %+v", r.Offset())
	}
	if note := s.FrameNote(1); note != "shifted by hand 1.5 L, 3.0 F mm" {
		t.Errorf("note %q", note)
	}
	r.SetOffset(align.Offset{Left: 1000})
	if r.Offset().Left != 1.5 {
		t.Error("an absurd offset was taken")
	}
	r.SetOffset(align.Offset{})
	if s.Offset("adc") != (geom.Vec3{}) {
		t.Error("not taken back")
	}
}

func TestTheCheckIsOfTheExamThatIsOpen(t *testing.T) {
	s, r := opened(t)
	task, ok := r.StartCheck()
	if _, again := r.StartCheck(); !ok || again {
		t.Fatal("no check, or two at once")
	}
	r.CheckProgress(task, 0.5)
	if running, done := r.Checking(); !running || done != 0.5 {
		t.Errorf("running %v, %v", running, done)
	}
	e := &align.Estimate{Shift: align.Offset{Left: 3}, Voxel: align.Offset{Left: 2, Back: 2, Head: 3}, Confidence: align.Good}
	r.EndCheck(task, e, nil)
	if !r.ApplyEstimate() || r.Offset() != (align.Offset{Left: -3}) || !strings.Contains(r.AlignmentAdvice(), "more than half") {
		t.Errorf("offset %+v, advice %q", r.Offset(), r.AlignmentAdvice())
	}
	task, _ = r.StartCheck()
	other := *s.Exam()
	other.Key = "other"
	s.SetExam(&other)
	r.EndCheck(task, e, nil)
	if r.Estimate() != nil {
		t.Error("the answer to a check of another exam was shown")
	}
	task, _ = r.StartCheck()
	r.EndCheck(task, nil, context.Canceled)
	if r.AlignmentProblem() == "" {
		t.Error("a stopped check says nothing")
	}
	task, _ = r.StartCheck()
	r.EndCheck(task, &align.Estimate{}, nil) // unreliable
	if r.ApplyEstimate() {
		t.Error("an unreliable estimate was applied")
	}
	swapped := *s.Exam()
	swapped.Roles = maps.Clone(swapped.Roles)
	delete(swapped.Roles, exam.ADC)
	s.SetExam(&swapped)
	if r.Estimate() != nil {
		t.Error("the estimate of another series is shown")
	}
}

// predictions give the exam an anatomy (a box of TZ in PZ) and one candidate in the right PZ.
func predictions(t *testing.T, s *viewstate.State) {
	t.Helper()
	g := grid(t, [3]int{60, 60, 11}, geom.Vec3{1, 1, 3}, geom.Vec3{-29.5, -29.5, -15})
	hard := make([]uint8, g.Voxels())
	maps := [3][]float32{make([]float32, g.Voxels()), make([]float32, g.Voxels()), make([]float32, g.Voxels())}
	var lesion []int32
	for n := range hard {
		i, j, k := n%60, n/60%60, n/3600
		in := i >= 10 && i < 50 && j >= 15 && j < 45 && k >= 1 && k < 10
		switch {
		case in && i >= 20 && i < 40 && j >= 18 && j < 36:
			hard[n] = 1
		case in:
			hard[n] = 2
		}
		maps[hard[n]][n] = 1
		if i >= 12 && i < 17 && j >= 38 && j < 42 && k == 5 {
			lesion = append(lesion, int32(n))
		}
	}
	mask, err := volume.NewMask(g, hard)
	if err != nil {
		t.Fatal(err)
	}
	var means []*volume.Volume
	for _, m := range maps {
		v, err := volume.New(g, m, "probability")
		if err != nil {
			t.Fatal(err)
		}
		means = append(means, v)
	}
	s.SetPrediction(&inference.Prediction{Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}, Grid: g, Hard: mask, Mean: means,
		Volumes: []inference.ZoneVolume{{Zone: "WG", ML: inference.Interval{Mean: 40, P5: 30, P95: 60}}}})
	s.SetPrediction(&inference.Prediction{Card: modelcard.Card{Task: modelcard.Diagnosis, Classes: []string{"background", "csPCa"}}, Grid: g, Mean: means[:2],
		Lesions: []inference.Lesion{{ID: 1, Confidence: 0.7, P5: 0.5, P95: 0.9, Present: 27, Samples: 32, VolumeML: 0.06, PeakWorld: g.World(geom.Vec3{14, 40, 5}), Voxels: lesion}}})
}

func TestTheListOfCandidates(t *testing.T) {
	s, r := opened(t)
	predictions(t, s)
	list := r.Lesions()
	if len(list) != 1 {
		t.Fatalf("%d candidates", len(list))
	}
	l := list[0]
	for want, got := range map[string]string{
		"0.70 (0.50–0.90)": l.ConfidenceText(), "in 27 of 32 samples": l.PresentText(), "0.06 mL, 6 mm": l.SizeText(), "R mid PZpl": l.PlacesText(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	// ADC voxels at −29 + 2·i mm: the candidate spans x −18…−13 and y 8…12 mm: i = 6, 7 (−17, −15), j = 19, 20 (9, 11).
	if l.ADC.N != 4 || math.Abs(l.ADC.Mean-(650+19.5+50001)) > 1e-6 {
		t.Errorf("ADC %+v", l.ADC)
	}
	if again := r.Lesions(); &again[0] != &list[0] {
		t.Error("the list is made twice")
	}
	r.GoToLesion(1)
	if m := r.Marks(3); len(m) != 1 || m[0].Label != "1" || len(r.Marks(0)) > 0 {
		t.Errorf("marks %+v", m)
	}
	s.Apply(viewstate.ToggleContours)
	if len(r.Marks(3)) > 0 {
		t.Error("a candidate stays when contours are hidden")
	}
	if s.Cursor() != l.PeakWorld {
		t.Errorf("jumped to %v", s.Cursor())
	}
	if p := r.PlaceText(l.PeakWorld); p != "R mid PZpl" {
		t.Errorf("place %q", p)
	}
	for _, text := range l.texts() {
		if strings.Contains(strings.ToUpper(text), "PI-RADS") {
			t.Errorf("%q scores", text)
		}
	}
}

// texts is everything that is written about a candidate.
func (l Lesion) texts() []string {
	return []string{l.ConfidenceText(), l.PresentText(), l.SizeText(), l.PlacesText(), l.AlternativesText(), l.ADCText()}
}

func TestDensityWithTheModelsInterval(t *testing.T) {
	s, r := opened(t)
	predictions(t, s)
	r.SetPSA("6")
	list, problem := r.Densities()
	if len(list) != 1 || problem != "" || list[0].Density != "0.15 (0.10–0.20) ng/mL²" || list[0].Volume != "40.0 mL (30.0–60.0)" {
		t.Errorf("%+v, %q", list, problem)
	}
}

func TestTheWindowFromTheGland(t *testing.T) {
	s, r := opened(t)
	s.SetFocus(0)
	if r.Apply(viewstate.AutoWindow) {
		t.Error("a window from a gland that nobody found")
	}
	predictions(t, s)
	s.Apply(viewstate.AutoWindow)
	if s.Window(0) == s.Presets(0)[0].Window {
		t.Error("the window did not follow the gland")
	}
	s.SetFocus(1)
	s.Apply(viewstate.AutoWindow)
	if s.Window(1) != render.ADCWindow() {
		t.Errorf("ADC window %+v is not the fixed one", s.Window(1))
	}
}

func TestTheBandInMillimetres(t *testing.T) {
	s, r := opened(t)
	if r.BandJob() != nil {
		t.Error("a band without a result")
	}
	predictions(t, s)
	s.SetClass(viewstate.WG)
	if text := r.BandJob()(); !strings.Contains(text, "WG, 10–90 % band: 0.8 mm nearest to the cursor") { // from 0 to 1 within a voxel
		t.Errorf("%q", text)
	}
	s.GoToSlice(0, 0)
	if text := r.BandJob()(); !strings.Contains(text, "no 50 % contour") {
		t.Errorf("%q", text)
	}
}

func TestASessionBringsTheReadingBack(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RulerTool)
	drag(t, s, 0, 0, geom.Vec3{-6, 0, 0}, geom.Vec3{6, 5, 0})
	s.Apply(viewstate.RegionTool)
	drag(t, s, 0, 0, geom.Vec3{-6, -6, 0}, geom.Vec3{6, 7, 0})
	s.Apply(viewstate.DarkestNineTool)
	click(t, s, 0, geom.Vec3{1, 1, 0})
	s.Apply(viewstate.EllipsoidTool)
	for _, to := range []geom.Vec3{{20, 0, 0}, {0, 20, 0}, {10, 10, 0}} {
		drag(t, s, 0, 0, geom.Vec3{-5, -5, 0}, to)
	}
	s.Apply(viewstate.KeyImage)
	r.Fuse("adc")
	r.SetPSA("4,2")
	s.Apply(viewstate.InvertGreys)
	task, ok := r.StartCheck()
	if !ok {
		t.Fatal("no check")
	}
	r.EndCheck(task, &align.Estimate{Shift: align.Offset{Left: 3}, SE: align.Offset{Back: 0.1}, NMI: 1.2, NMIAtZero: math.Inf(-1), Confidence: align.Good}, nil)
	x := r.SessionSection()
	stored, err := x.SaveSection()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	_, other := opened(t)
	if err := other.SessionSection().RestoreSection(data); err != nil {
		t.Fatal(err)
	}
	again, err := other.SessionSection().SaveSection()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(again); string(text) != string(data) {
		t.Errorf("restored as\n%s\nnot\n%s", text, data)
	}
	if other.Estimate() == nil || other.AlignmentText() != r.AlignmentText() {
		t.Errorf("the alignment %q became %q", r.AlignmentText(), other.AlignmentText())
	}
	for n, m := range r.Measurements() {
		if o := other.Measurements()[n]; o.Text() != m.Text() || o.Title() != m.Title() {
			t.Errorf("%s %q became %s %q", m.Title(), m.Text(), o.Title(), o.Text())
		}
	}
	for _, bad := range []string{`[`, `{"marks":[{"kind":"angle"}]}`, `{"marks":[{"kind":"distance"}]}`, `{"fusionOpacity":7}`, `{"alignment":{"estimate":{"confidence":9}}}`,
		`{"alignment":{"estimate":{"shift":{"left":99}}}}`, `{"marks":[{"kind":"region"}]}`} {
		if err := other.SessionSection().RestoreSection(json.RawMessage(bad)); !errors.Is(err, errSaved) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if len(other.Measurements()) != 4 {
		t.Error("bad data changed what was there")
	}
	lost := strings.ReplaceAll(string(data), `"series":"adc"`, `"series":"gone"`)
	if err := other.SessionSection().RestoreSection(json.RawMessage(lost)); err == nil || len(other.Measurements()) != 3 {
		t.Errorf("a lost series: %v, %d measurements", err, len(other.Measurements()))
	}
}
