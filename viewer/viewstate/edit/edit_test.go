package edit_test

import (
	"context"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/annotate"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/edit"
)

// worker does work when the test says so.
type worker struct {
	works []func(context.Context) func()
}

func (w *worker) Submit(_ string, work func(context.Context) func()) { w.works = append(w.works, work) }

// finish does what was handed over.
func (w *worker) finish(t *testing.T) {
	t.Helper()
	works := w.works
	w.works = nil
	for _, work := range works {
		if done := work(t.Context()); done != nil {
			done()
		}
	}
}

// bench is an editor on an exam of 64 × 64 × 9 voxels of 1 × 1 × 3 mm, whose first pane shows it at four
// logical pixels a millimetre.
type bench struct {
	*testing.T
	s *viewstate.State
	e *edit.Editor
	w *worker
}

func image(t *testing.T, size [3]int, dir [3]geom.Vec3) *volume.Volume {
	t.Helper()
	g, err := geom.NewGrid(size, geom.Vec3{-32, -32, -12}, geom.Vec3{1, 1, 3}, dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := volume.New(g, make([]float32, g.Voxels()), "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var axial = [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}

func newBench(t *testing.T) *bench {
	t.Helper()
	series := []*exam.Series{
		{ID: "t2", Volume: image(t, [3]int{64, 64, 9}, axial)},
		{ID: "adc", Volume: image(t, [3]int{32, 32, 9}, axial)},
		{ID: "sagittal", Volume: image(t, [3]int{64, 64, 9}, [3]geom.Vec3{{0, 1, 0}, {0, 0, -1}, {-1, 0, 0}})},
	}
	x := &exam.Exam{Key: "key", Name: "Study", Series: series, Roles: map[exam.Role]exam.Choice{
		exam.T2W: {Candidate: exam.Candidate{Series: series[0]}}, exam.ADC: {Candidate: exam.Candidate{Series: series[1]}},
		exam.HighB: {Candidate: exam.Candidate{Series: series[2]}},
	}}
	b := &bench{T: t, s: viewstate.New(), w: &worker{}}
	b.e = edit.New(b.s, b.w)
	b.s.SetExam(x)
	b.s.SetLayout(viewstate.Contour)
	for v := range viewstate.ViewportCount {
		b.s.SetSize(v, viewstate.Size{W: 256, H: 256}, 1)
	}
	b.s.Fit(0)
	g, ok := b.e.Grid()
	if !ok {
		t.Fatal("no grid")
	}
	b.e.SetDocument(annotate.New(g), false)
	b.s.GoToSlice(0, 4)
	return b
}

// at returns where a voxel of the T2W image is in a pane.
func (b *bench) at(v int, i, j float64) (x, y float64) {
	b.Helper()
	g, _ := b.e.Grid()
	x, y, ok := b.s.PositionOf(v, g.World(geom.Vec3{i, j, float64(viewstate.SliceAt(g, b.s.Cursor()).Index)}))
	if !ok {
		b.Fatal("nothing is shown")
	}
	return x, y
}

// drag presses at the first voxel, moves over the others, and lets go.
func (b *bench) drag(v int, button viewstate.Button, m viewstate.Mods, points ...[2]float64) {
	b.Helper()
	for n, p := range points {
		x, y := b.at(v, p[0], p[1])
		if n == 0 {
			b.s.Press(v, button, m, false, x, y)
		} else {
			b.s.Move(v, m, x, y)
		}
	}
	last := points[len(points)-1]
	x, y := b.at(v, last[0], last[1])
	b.s.Release(x, y)
}

// count returns the voxels of a structure.
func (b *bench) count(l annotate.Label) int {
	return int(b.e.Snapshot().Volume(l)*1000/3 + 0.5)
}

func (b *bench) note(want string) {
	b.Helper()
	if got := b.e.Note().Text; got != want {
		b.Errorf("note %q, want %q", got, want)
	}
}

func TestTheBrushPaintsAndErases(t *testing.T) {
	b := newBench(t)
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30}, [2]float64{40, 30})
	if b.count(annotate.WG) != 0 {
		t.Fatal("dragging drew without a drawing tool")
	}
	b.s.Apply(viewstate.BrushTool)
	window := b.s.Window(0)
	b.drag(0, viewstate.Left, 0, [2]float64{20, 30}, [2]float64{40, 30})
	painted := b.count(annotate.PZ)
	if area := 20*7 + 29; painted < area-8 || painted > area+8 { // a capsule of radius 3 mm
		t.Errorf("%d voxels painted", painted)
	}
	b.note("Brush PZ, slice 5")
	if b.s.Window(0) != window {
		t.Error("painting changed the grey window")
	}
	b.drag(0, viewstate.Right, 0, [2]float64{20, 30})
	if n := b.count(annotate.PZ); n >= painted || n < painted-29 {
		t.Errorf("%d voxels after erasing with the right button", n)
	}
	b.note("Eraser PZ, slice 5")
	erased := b.count(annotate.PZ)
	b.drag(0, viewstate.Left, viewstate.Ctrl, [2]float64{40, 30})
	if b.count(annotate.PZ) >= erased {
		t.Error("Ctrl does not turn the brush round")
	}
	b.s.Apply(viewstate.EraserTool)
	erased = b.count(annotate.PZ)
	b.drag(0, viewstate.Left, viewstate.Ctrl, [2]float64{40, 30})
	if b.count(annotate.PZ) <= erased {
		t.Error("Ctrl does not turn the eraser round")
	}
	for range 4 {
		b.s.Apply(viewstate.Undo)
	}
	b.note("Undone: Brush PZ, slice 5")
	if b.count(annotate.WG) != 0 {
		t.Error("undo left something")
	}
	b.s.Apply(viewstate.Undo)
	if n := b.e.Note(); !n.Warning {
		t.Errorf("note %+v", n)
	}
	for range 4 {
		b.s.Apply(viewstate.Redo)
	}
	if b.count(annotate.PZ) <= erased {
		t.Error("redo")
	}
}

func TestMouseAndKeysOfTheBrush(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	x, y := b.at(0, 30, 30)
	b.s.Wheel(0, 1, viewstate.Shift, x, y)
	if r := b.e.Radius(); r != 3.6 {
		t.Errorf("radius %g mm", r)
	}
	b.s.Apply(viewstate.SmallerBrush)
	for range 60 {
		b.s.Apply(viewstate.SmallerBrush)
	}
	if r := b.e.Radius(); r != edit.MinRadius {
		t.Errorf("smallest radius %g mm", r)
	}
	b.s.Apply(viewstate.LargerBrush)
	if r := b.e.Radius(); r <= edit.MinRadius {
		t.Errorf("the smallest brush does not grow: %g mm", r)
	}
	k := viewstate.SliceAt(b.s.Volume(0).Grid(), b.s.Cursor()).Index
	b.s.Wheel(0, 1, 0, x, y)
	if now := viewstate.SliceAt(b.s.Volume(0).Grid(), b.s.Cursor()).Index; now == k {
		t.Error("the wheel does not scroll")
	}
	for n, l := range annotate.Labels {
		b.s.Apply(b.s.CommandFor(string(rune('1'+n)), 0))
		if b.e.Label() != l {
			t.Errorf("key %d chooses %v", n+1, b.e.Label())
		}
	}
	b.s.Apply(viewstate.NextLabel)
	if b.e.Label() != annotate.WG {
		t.Errorf("after csPCa comes %v", b.e.Label())
	}
	b.s.DoubleClick(0, 0, x, y)
	if _, alone := b.s.Layout(); alone >= 0 {
		t.Error("two quick dabs enlarge the view")
	}
	b.drag(0, viewstate.Left, viewstate.Alt, [2]float64{30, 30})
	if _, pinned := b.s.Pinned(); !pinned || b.count(annotate.WG) != 0 {
		t.Error("Alt+click does not show the samples")
	}
	b.s.Apply(viewstate.BrowseTool)
	if c := b.s.CommandFor("1", 0); c != viewstate.Preset1 {
		t.Errorf("outside of editing 1 means %v", c)
	}
}

func TestTheCircleOfTheBrushIsAsLargeAsWhatItPaints(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	x, y := b.at(0, 30, 30)
	b.s.Move(0, 0, x, y)
	m := b.s.Marks(0)
	if len(m) != 1 || m[0].Radius != 3 || m[0].Color != edit.LabelColor(annotate.PZ) || len(b.s.Marks(1)) != 0 {
		t.Fatalf("marks %+v", m)
	}
	b.s.Move(0, viewstate.Ctrl, x, y)
	if m := b.s.Marks(0); m[0].Color == edit.LabelColor(annotate.PZ) || m[0].Label == "" {
		t.Error("an erasing brush looks as a painting one")
	}
	b.e.Leave()
	if len(b.s.Marks(0)) != 0 {
		t.Error("the circle stays when the mouse is gone")
	}
}

func TestPolygonWithItsKeys(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.PolygonTool)
	b.s.Apply(viewstate.Label2)
	for _, p := range [][2]float64{{20, 20}, {40, 20}, {60, 60}} {
		b.drag(0, viewstate.Left, 0, p)
	}
	b.s.Apply(viewstate.DeleteLast)
	b.s.Apply(viewstate.Accept)
	if n := b.e.Note(); !n.Warning || b.e.Drawing() != 2 {
		t.Errorf("a polygon of two corners: %+v, %d", n, b.e.Drawing())
	}
	b.drag(0, viewstate.Left, 0, [2]float64{40, 40})
	b.drag(0, viewstate.Left, 0, [2]float64{20, 40})
	if got := len(b.s.Marks(0)); got != 2 { // outline, line to the mouse
		t.Errorf("%d marks", got)
	}
	b.s.Scroll(0, 1)
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30})
	if n := b.e.Note(); !n.Warning || b.e.Drawing() != 4 || len(b.s.Marks(0)) != 0 {
		t.Errorf("a corner in another slice: %+v", n)
	}
	b.s.Scroll(0, -1)
	b.drag(0, viewstate.Left, 0, [2]float64{20.5, 20.5}) // near the first corner: closes
	if n := b.count(annotate.TZ); n != 400 {
		t.Errorf("%d voxels in a square of 20 by 20", n)
	}
	b.note("Polygon TZ, slice 5")
	b.drag(0, viewstate.Left, 0, [2]float64{20, 20})
	b.s.Apply(viewstate.Reject)
	if b.e.Drawing() != 0 {
		t.Error("Esc does not drop the polygon")
	}
}

func TestLassoFillsAndErases(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.LassoTool)
	square := [][2]float64{{20, 20}, {40, 20}, {40, 40}, {20, 40}}
	b.drag(0, viewstate.Left, 0, square...)
	if n := b.count(annotate.PZ); n != 400 {
		t.Errorf("%d voxels", n)
	}
	b.drag(0, viewstate.Right, 0, [2]float64{30, 10}, [2]float64{50, 10}, [2]float64{50, 50}, [2]float64{30, 50})
	if n := b.count(annotate.PZ); n != 200 {
		t.Errorf("%d voxels after erasing a half", n)
	}
	b.note("Lasso PZ (erasing), slice 5")
	b.drag(0, viewstate.Left, 0, [2]float64{50, 50})
	if b.e.Drawing() != 0 || b.count(annotate.PZ) != 200 {
		t.Error("a click with the lasso")
	}
}

func TestPasteTakesTheSliceThatWasShownBefore(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30})
	b.s.GoToSlice(0, 6)
	b.drag(0, viewstate.Left, 0, [2]float64{10, 10})
	b.s.GoToSlice(0, 5) // between both, coming from 6
	b.s.Apply(b.s.CommandFor("V", viewstate.Ctrl))
	shot := b.e.Snapshot()
	if shot.Slice(annotate.Zones, 5)[10*64+10] == 0 || shot.Slice(annotate.Zones, 5)[30*64+30] != 0 {
		t.Error("not the contour of slice 7 was pasted")
	}
	b.s.GoToSlice(0, 0)
	b.s.Apply(viewstate.PasteSlice)
	if n := b.e.Note(); !n.Warning || !strings.Contains(n.Text, "Neither slice") {
		t.Errorf("note %+v", n)
	}
}

// lines returns the contours in a pane whose colour is that of a structure, and how many are dashed.
func (b *bench) lines(v int, l annotate.Label) (n, dashed int) {
	b.Helper()
	scene, ok := b.s.Scene(v)
	if !ok {
		b.Fatal("nothing is drawn")
	}
	for _, c := range scene.Contours {
		if c.Color == edit.LabelColor(l) {
			n++
			if c.Dash > 0 {
				dashed++
			}
		}
	}
	return n, dashed
}

func TestFillingBetweenSlicesIsShownFirst(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	for _, k := range []int{2, 6} {
		b.s.GoToSlice(0, k)
		b.drag(0, viewstate.Left, 0, [2]float64{30, 30})
	}
	one := b.count(annotate.PZ) / 2
	b.s.Apply(viewstate.FillBetween)
	if text, busy := b.e.Busy(); !busy || text != "Fill between slices" {
		t.Errorf("busy with %q", text)
	}
	b.s.Apply(viewstate.SmoothLabels)
	if !b.e.Note().Warning {
		t.Error("two things at once")
	}
	b.w.finish(t)
	text, notes, ok := b.e.Preview()
	if !ok || text != "Fill between slices PZ, slices 4–6" || len(notes) != 0 {
		t.Fatalf("preview %q %v", text, notes)
	}
	if k := viewstate.SliceAt(b.s.Volume(0).Grid(), b.s.Cursor()).Index; k != 5 {
		t.Errorf("slice %d is shown, which the preview does not change", k+1)
	}
	if n, dashed := b.lines(0, annotate.PZ); n != 1 || dashed != 1 {
		t.Errorf("%d contours, %d dashed", n, dashed)
	}
	b.s.Apply(viewstate.Reject)
	if _, _, ok := b.e.Preview(); ok || b.count(annotate.PZ) != 2*one {
		t.Error("Esc does not reject the preview")
	}
	b.s.Apply(viewstate.FillBetween)
	b.w.finish(t)
	b.s.Apply(viewstate.Accept)
	if n := b.count(annotate.PZ); n != 5*one {
		t.Errorf("%d voxels, want five discs of %d", n, one)
	}
	b.note("Fill between slices PZ, slices 4–6")
	b.s.Apply(viewstate.FillBetween)
	b.w.finish(t)
	b.note("Nothing was changed: PZ has no empty slice between two drawn ones.")
	b.s.Apply(viewstate.FillBetween)
	b.s.Apply(viewstate.Reject)
	b.w.finish(t)
	b.note("Stopped. The contours are as they were.")
}

func TestWhatIsComputedForAnotherStateIsNotMade(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30}, [2]float64{45, 33})
	b.s.Apply(viewstate.SmoothLabels)
	b.drag(0, viewstate.Left, 0, [2]float64{10, 10})
	before := b.count(annotate.PZ)
	b.w.finish(t)
	if n := b.e.Note(); !n.Warning || b.count(annotate.PZ) != before {
		t.Errorf("note %+v, %d voxels from %d", n, b.count(annotate.PZ), before)
	}
}

func TestWhereNothingCanBeDrawn(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	b.s.Fit(2)
	b.s.Press(2, viewstate.Left, 0, false, 100, 100)
	b.s.Release(100, 100)
	if n := b.e.Note(); !n.Warning || b.count(annotate.WG) != 0 {
		t.Errorf("painting across the slices: %+v", n)
	}
	b.drag(1, viewstate.Left, 0, [2]float64{10, 10}) // the ADC map is parallel
	if b.count(annotate.PZ) == 0 {
		t.Error("nothing was painted on the ADC map")
	}
}

func TestContoursAreDrawnWhereTheyBelong(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30})
	b.s.SetLayout(viewstate.Read)
	if n, _ := b.lines(0, annotate.PZ); n != 1 {
		t.Error("while editing contours are not everywhere")
	}
	b.s.Apply(viewstate.BrowseTool)
	if n, _ := b.lines(0, annotate.PZ); n != 0 {
		t.Error("contours on the plain image of a reader")
	}
	if n, _ := b.lines(3, annotate.PZ); n != 1 {
		t.Error("no contours where the layout has them")
	}
	b.s.SetLayout(viewstate.Contour)
	if n, _ := b.lines(2, annotate.PZ); n != 1 { // across the slices
		t.Error("no contour on the sagittal image")
	}
	b.s.Apply(viewstate.ToggleContours)
	if n, _ := b.lines(0, annotate.PZ); n != 0 {
		t.Error("hidden contours are drawn")
	}
	b.s.Apply(viewstate.BrushTool)
	b.drag(0, viewstate.Left, 0, [2]float64{40, 30})
	if n, _ := b.lines(0, annotate.PZ); n != 1 {
		t.Error("what is drawn stays hidden")
	}
}

func TestAStrokeRedrawsItsSliceOnly(t *testing.T) {
	b := newBench(t)
	b.s.Apply(viewstate.BrushTool)
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30})
	field := func() *volume.Volume {
		scene, _ := b.s.Scene(0)
		return scene.Contours[0].Field
	}
	one := field()
	if one.Grid().Size[2] != 1 || field() != one {
		t.Fatal("the field of a slice is not kept")
	}
	b.s.Scroll(0, 1)
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30})
	b.s.Scroll(0, -1)
	if field() != one {
		t.Error("a stroke elsewhere changed the field of this slice")
	}
	x, y := b.at(0, 35, 30)
	b.s.Press(0, viewstate.Left, 0, false, x, y)
	live := field()
	x, y = b.at(0, 45, 30)
	b.s.Move(0, 0, x, y)
	if live == one || field() == live {
		t.Error("a stroke is not shown while it is drawn")
	}
	b.s.Abandon() // the release was not seen: what was drawn stays
	b.note("Brush PZ, slice 5")
}

func TestStartingFromTheModel(t *testing.T) {
	b := newBench(t)
	if b.e.CanStart(modelcard.Anatomy) {
		t.Error("there is no result yet")
	}
	g, _ := b.e.Grid()
	p := &inference.Prediction{Grid: g, Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}}
	for c := range 3 {
		data := make([]float32, g.Voxels())
		for at := range data {
			if at%64/20 == c {
				data[at] = 1
			}
		}
		v, err := volume.New(g, data, "probability")
		if err != nil {
			t.Fatal(err)
		}
		p.Mean = append(p.Mean, v)
	}
	b.s.SetPrediction(p)
	b.e.StartFromModel(modelcard.Anatomy)
	b.w.finish(t)
	b.note("Start from the model, slices 1–9")
	if n := b.count(annotate.TZ); n != 20*64*9 {
		t.Errorf("%d voxels of TZ", n)
	}
	b.e.StartFromModel(modelcard.Diagnosis)
	if n := b.e.Note(); !n.Warning {
		t.Errorf("no result: %+v", n)
	}
}

func TestTheJournalIsWantedFromTheFirstToolOn(t *testing.T) {
	b := newBench(t)
	if b.e.WantsJournal() {
		t.Error("wanted before anything was drawn")
	}
	b.s.Apply(viewstate.BrushTool)
	if !b.e.WantsJournal() || b.e.Unsaved() {
		t.Error("not wanted with a brush in the hand")
	}
	g, _ := b.e.Grid()
	j, err := annotate.NewJournal(t.TempDir(), "key", g, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.e.Keep(j); err != nil || b.e.WantsJournal() {
		t.Error(err)
	}
	b.drag(0, viewstate.Left, 0, [2]float64{30, 30})
	shot := b.e.Snapshot()
	b.drag(0, viewstate.Left, 0, [2]float64{40, 30})
	b.e.MarkSaved(shot, "Saved.")
	if !b.e.Unsaved() {
		t.Error("what was drawn while saving counts as saved")
	}
	b.e.MarkSaved(b.e.Snapshot(), "Saved.")
	if b.e.Unsaved() {
		t.Error("unsaved after saving")
	}
	if old := b.e.SetDocument(nil, false); old == nil || old.Close() != nil {
		t.Error("closing")
	}
	if b.s.Apply(viewstate.Undo) || b.e.Snapshot() != nil {
		t.Error("without a document")
	}
}

func TestSettingsComeBackWithTheSession(t *testing.T) {
	b := newBench(t)
	b.e.SetLabel(annotate.CsPCa)
	b.e.SetRadius(1.7)
	b.e.SetSphere(true)
	other := newBench(t)
	if err := other.e.RestoreSection([]byte(`{"label":"csPCa","radiusMM":1.7,"sphere":true,"smoothingMM":1}`)); err != nil {
		t.Fatal(err)
	}
	was, _ := b.e.SaveSection()
	is, _ := other.e.SaveSection()
	if was != is {
		t.Errorf("%+v, want %+v", is, was)
	}
	if err := other.e.RestoreSection([]byte(`{"label":"XX"}`)); err == nil {
		t.Error("a damaged section was taken")
	}
}
