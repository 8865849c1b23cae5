package viewstate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// axial is an untilted axial grid with k towards the head.
func axial(t *testing.T, size [3]int, spacing, origin geom.Vec3) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, origin, spacing, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ramp returns a volume whose value is its slice index times 100 plus its column.
func ramp(t *testing.T, g geom.Grid, unit string) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data[g.Index(i, j, k)] = float32(100*k + i)
			}
		}
	}
	v, err := volume.New(g, data, unit)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// testExam has a T2W of 20 slices of 3 mm and a coarser high-b and ADC of 15 slices of 4 mm,
// whose k runs towards the feet.
func testExam(t *testing.T) *exam.Exam {
	t.Helper()
	t2 := axial(t, [3]int{40, 40, 20}, geom.Vec3{1, 1, 3}, geom.Vec3{-20, -20, -30})
	diffusion, err := geom.NewGrid([3]int{20, 20, 15}, geom.Vec3{-20, -20, 28}, geom.Vec3{2, 2, 4},
		[3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, -1}})
	if err != nil {
		t.Fatal(err)
	}
	series := []*exam.Series{
		{ID: "a", Number: 4, Description: "t2", Volume: ramp(t, t2, "")},
		{ID: "b", Number: 8, Description: "dwi", Volume: ramp(t, diffusion, ""), HasB: true, B: 1000, Calculated: true},
		{ID: "c", Number: 7, Description: "adc", Volume: ramp(t, diffusion, exam.UnitADC), SourceBs: []float64{50, 400, 800}},
		{ID: "d", Number: 9, Description: "dwi acquired", Volume: ramp(t, diffusion, ""), HasB: true, B: 800},
	}
	return &exam.Exam{Key: "k", Name: "Study TEST", Series: series, Roles: map[exam.Role]exam.Choice{
		exam.T2W:   {Candidate: exam.Candidate{Series: series[0]}},
		exam.HighB: {Candidate: exam.Candidate{Series: series[1]}},
		exam.ADC:   {Candidate: exam.Candidate{Series: series[2]}},
	}}
}

// opened returns a state showing the test exam in viewports of 400 × 300 pixels.
func opened(t *testing.T) *State {
	t.Helper()
	s := New()
	for v := range ViewportCount {
		s.SetSize(v, Size{400, 300}, 1)
	}
	s.SetExam(testExam(t))
	return s
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.Abs(got-want) > tol {
		t.Errorf("%s = %g, want %g ± %g", what, got, want, tol)
	}
}

func TestScrollGoesHeadwardInStacksOfEitherDirection(t *testing.T) {
	s := opened(t)
	for v := range ViewportCount {
		before := s.Cursor()[2]
		s.Scroll(v, 1)
		step := s.Series(v).Volume.Grid().Spacing[2]
		if d := s.Cursor()[2] - before; d <= 0 || d > 1.5*step+1e-9 {
			t.Errorf("viewport %d: one step moved the cursor %g mm towards the head, slices are %g mm apart", v, d, step)
		}
	}
	s.GoToSlice(2, 0)
	near(t, "first DWI slice (nearest the head)", s.Cursor()[2], 28, 1e-9)
	s.Scroll(2, 3)
	near(t, "scrolling beyond the end", s.Cursor()[2], 28, 1e-9)
	s.GoToSlice(0, 99)
	near(t, "last T2W slice", s.Cursor()[2], 27, 1e-9)
}

func TestSliceAtSaysWhenThePointIsBeyondTheStack(t *testing.T) {
	g := axial(t, [3]int{4, 4, 10}, geom.Vec3{1, 1, 3}, geom.Vec3{})
	for _, c := range []struct {
		z, offset float64
		index     int
		inside    bool
	}{{0, 0, 0, true}, {4, 1, 1, true}, {-1.4, -1.4, 0, true}, {-1.6, -1.6, 0, false}, {31, 4, 9, false}} {
		got := SliceAt(g, geom.Vec3{99, -99, c.z})
		if got.Index != c.index || got.Inside != c.inside || math.Abs(got.OffsetMM-c.offset) > 1e-9 {
			t.Errorf("z = %g mm: %+v, want %+v", c.z, got, c)
		}
	}
}

func TestScreenAxesAreRadiological(t *testing.T) {
	for name, c := range map[string]struct {
		dir         [3]geom.Vec3
		right, down geom.Vec3
	}{
		"axial":                 {[3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, geom.Vec3{1, 0, 0}, geom.Vec3{0, 1, 0}},
		"axial, RAS file":       {[3]geom.Vec3{{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}}, geom.Vec3{1, 0, 0}, geom.Vec3{0, 1, 0}},
		"axial, rows sideways":  {[3]geom.Vec3{{0, 1, 0}, {1, 0, 0}, {0, 0, 1}}, geom.Vec3{1, 0, 0}, geom.Vec3{0, 1, 0}},
		"sagittal":              {[3]geom.Vec3{{0, 1, 0}, {0, 0, -1}, {1, 0, 0}}, geom.Vec3{0, 1, 0}, geom.Vec3{0, 0, -1}},
		"coronal, feet upwards": {[3]geom.Vec3{{1, 0, 0}, {0, 0, 1}, {0, 1, 0}}, geom.Vec3{1, 0, 0}, geom.Vec3{0, 0, -1}},
	} {
		g, err := geom.NewGrid([3]int{4, 4, 4}, geom.Vec3{}, geom.Vec3{1, 1, 1}, c.dir)
		if err != nil {
			t.Fatal(err)
		}
		if r, d := screenAxes(g); r.Sub(c.right).Norm() > 1e-9 || d.Sub(c.down).Norm() > 1e-9 {
			t.Errorf("%s: right %v down %v, want %v %v", name, r, d, c.right, c.down)
		}
	}
}

func TestZoomKeepsThePointUnderThePointer(t *testing.T) {
	s := opened(t)
	before, _ := s.WorldAt(0, 77, 41)
	s.Zoom(0, 1.7, 77, 41)
	after, _ := s.WorldAt(0, 77, 41)
	near(t, "movement under the pointer, mm", after.Sub(before).Norm(), 0, 1e-9)
	if x, y, _ := s.PositionOf(0, after); math.Hypot(x-77, y-41) > 1e-9 {
		t.Errorf("PositionOf(WorldAt(77, 41)) = %g, %g", x, y)
	}
	for v := range ViewportCount {
		near(t, "linked field, mm", s.Camera(v).FieldMM, s.Camera(0).FieldMM, 1e-12)
	}
}

func TestPanMovesTheImageWithTheMouse(t *testing.T) {
	s := opened(t)
	grabbed, _ := s.WorldAt(0, 200, 150)
	s.Press(0, Middle, 0, false, 200, 150)
	s.Move(0, 0, 230, 140)
	s.Release(230, 140)
	under, _ := s.WorldAt(0, 230, 140)
	near(t, "grabbed point to pointer, mm", under.Sub(grabbed).Norm(), 0, 1e-9)
}

func TestFitShowsTheWholeSliceAndFollowsTheSize(t *testing.T) {
	s := opened(t)
	s.Zoom(0, 3, 10, 10)
	s.Fit(0)
	for _, z := range []Size{{400, 300}, {200, 800}} {
		s.SetSize(0, z, 1)
		p := s.Plane(0)
		near(t, "middle", p.Centre[0], -0.5, 1e-9)
		near(t, "mm per pixel", p.PixelMM, 40/float64(min(z.W, z.H)), 1e-9)
	}
}

func TestClickMovesTheCursorAndPins(t *testing.T) {
	s := opened(t)
	s.Press(0, Left, 0, false, 100, 100)
	s.Move(0, 0, 102, 102) // under the tolerance of 4 px
	s.Release(102, 102)
	want, _ := s.WorldAt(0, 102, 102)
	pinned, ok := s.Pinned()
	if !ok || pinned.Sub(want).Norm() > 1e-9 || s.Cursor().Sub(want).Norm() > 1e-9 {
		t.Errorf("cursor %v, pinned %v (%v); want both %v", s.Cursor(), pinned, ok, want)
	}
	cursor := s.Cursor()
	s.Press(0, Left, Alt, false, 50, 50)
	s.Release(50, 50)
	if s.Cursor() != cursor {
		t.Error("Alt+click moved the cursor")
	}
	if again, _ := s.Pinned(); again == pinned {
		t.Error("Alt+click did not pin")
	}
}

func TestDraggingChangesTheWindowAndNotTheCursor(t *testing.T) {
	s := opened(t)
	cursor, w := s.Cursor(), s.Window(1)
	s.Press(1, Left, 0, false, 100, 100)
	s.Move(1, 0, 130, 100)
	s.Move(1, 0, 130, 115)
	s.Release(130, 115)
	got := s.Window(1)
	near(t, "width", got.Width, w.Width*1.1, 1e-6*w.Width)
	near(t, "level", got.Level, w.Level+w.Width*0.05, 1e-6*w.Width)
	if s.Cursor() != cursor || s.Window(0) == got {
		t.Error("the drag reached the cursor or another series")
	}
	for range 100 {
		s.DragWindow(1, -1000, 0)
	}
	if s.Window(1).Width <= 0 {
		t.Error("the window became empty")
	}
}

func TestDragFor(t *testing.T) {
	for _, c := range []struct {
		b     Button
		space bool
		want  DragAction
	}{{Left, false, DragWindow}, {Left, true, DragPan}, {Middle, false, DragPan}, {Right, false, DragZoom}, {NoButton, false, DragNothing}} {
		if got := DragFor(c.b, c.space); got != c.want {
			t.Errorf("DragFor(%d, %v) = %d, want %d", c.b, c.space, got, c.want)
		}
	}
}

func TestUpdateNotifiesOnceWithEverything(t *testing.T) {
	s := opened(t)
	var seen []Change
	s.Listen(func(c Change) { seen = append(seen, c) })
	s.Update(func() {
		s.SetOpacity(0.3)
		s.Update(func() { s.SetCursor(geom.Vec3{1, 2, 3}) })
		s.Pin(geom.Vec3{1, 2, 3})
	})
	if len(seen) != 1 || seen[0] != ChangedLayer|ChangedCursor|ChangedProbe {
		t.Errorf("notifications %b, want one with layer, cursor and probe", seen)
	}
	s.SetCursor(geom.Vec3{1, 2, 3})
	if len(seen) != 1 {
		t.Error("setting the same cursor notified")
	}
}

func TestAnADCOfUnknownUnitHasNoFixedWindow(t *testing.T) {
	v := ramp(t, axial(t, [3]int{40, 40, 20}, geom.Vec3{1, 1, 3}, geom.Vec3{}), "")
	if w := Presets(exam.ADC, v)[0].Window; w == render.ADCWindow() || w != render.T2WWindow(v) {
		t.Errorf("window %+v: a fixed one would lie", w)
	}
}

func TestADCWindowIsFixedAndOthersComeFromTheGland(t *testing.T) {
	s := opened(t)
	if w := s.Window(1); w != (render.Window{Level: 1000, Width: 2000}) {
		t.Errorf("ADC window %+v", w)
	}
	for v := range ViewportCount {
		if n := len(s.Presets(v)); n != PresetCount {
			t.Errorf("viewport %d has %d presets", v, n)
		}
		for _, p := range s.Presets(v) {
			if !(p.Window.Width > 0) {
				t.Errorf("viewport %d: preset %s is empty", v, p.Name)
			}
		}
	}
	// The middle 40 % of 20 slices are 6…13: 100·k + i spans 606…1339 at most.
	w := s.Window(0)
	if lo, hi := w.Level-w.Width/2, w.Level+w.Width/2; lo < 600 || hi > 1340 || hi < 1200 {
		t.Errorf("gland window %g…%g", lo, hi)
	}
}

func TestTexts(t *testing.T) {
	s := opened(t)
	s.SetCursor(geom.Vec3{0, 0, -30 + 3*11})
	s.SetWindow(0, render.Window{Level: 290, Width: 525})
	for what, c := range map[string][2]string{
		"slice text":   {s.SliceTexts(0)[0], "12/20 · S +3.0 mm · W525 L290"},
		"T2W title":    {s.Title(0), "T2W"},
		"high-b title": {s.Title(2), "DWI b 1000 (calculated)"},
		"ADC title":    {s.Title(1), "ADC (b 50–800)"},
		"status":       {s.StatusText(geom.Vec3{-20, -20, -30}), "R 20.0  A 20.0  I 30.0 mm   ·   T2W 0   ·   b 1000 outside   ·   ADC outside"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s = %q, want %q", what, c[0], c[1])
		}
	}
	values := s.Probe(geom.Vec3{2, 0, 28})
	if values[2].Text != "11 "+ADCUnit {
		t.Errorf("ADC probe = %q", values[2].Text)
	}
	if e := s.EdgeLetters(0); e != (render.Edges{Left: "R", Right: "L", Top: "A", Bottom: "P"}) {
		t.Errorf("letters %+v", e)
	}
}

// The position of a slice of a tilted stack is not the cursor's coordinate, and says so where there is room.
func TestTextsOfATiltedStack(t *testing.T) {
	sin, cos := math.Sincos(20 * math.Pi / 180)
	g, err := geom.NewGrid([3]int{4, 4, 3}, geom.Vec3{0, 0, 10}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, cos, sin}, {0, -sin, cos}})
	if err != nil {
		t.Fatal(err)
	}
	image, err := volume.New(g, make([]float32, g.Voxels()), "")
	if err != nil {
		t.Fatal(err)
	}
	series := &exam.Series{ID: "t2", Volume: image, Kind: exam.T2W}
	s := New()
	s.SetExam(&exam.Exam{Key: "k", Series: []*exam.Series{series}, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: series}}}})
	s.SetCursor(g.World(geom.Vec3{0, 0, 1}))
	s.SetWindow(0, render.Window{Level: 290, Width: 525})
	along := signed(10*cos+3) + " mm" // the plane's distance from the patient's origin
	want := []string{"2/3 · " + along + " along the stack · W525 L290", "2/3 · " + along + " · W525 L290", "2/3 · " + along, "2/3"}
	if got := s.SliceTexts(0); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := s.ZoomText(0); !strings.HasSuffix(got, "tilt 20.0°") {
		t.Errorf("zoom %q", got)
	}
}

// prediction returns two-by-two-by-one voxels of anatomy with known probabilities.
func prediction(t *testing.T) *inference.Prediction {
	t.Helper()
	g := axial(t, [3]int{2, 2, 1}, geom.Vec3{1, 1, 1}, geom.Vec3{})
	vol := func(x ...float32) *volume.Volume {
		v, err := volume.New(g, x, "probability")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	hard, err := volume.NewMask(g, []uint8{0, 1, 2, 1})
	if err != nil {
		t.Fatal(err)
	}
	return &inference.Prediction{
		Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}, Recipe: prep.PaperRecipe(false)},
		Grid: g, Hard: hard,
		Mean:              []*volume.Volume{vol(0.9, 0.2, 0.1, 0.4), vol(0.1, 0.8, 0.2, 0.6), vol(0, 0, 0.7, 0)},
		SD:                []*volume.Volume{vol(0.1, 0.2, 0.3, 0.4), vol(0, 0, 0, 0.11), vol(0, 0, 0, 0)},
		Entropy:           vol(0.1, 0.2, 0.3, 1),
		MutualInformation: vol(0, 0, 0, 0.03),
	}
}

func TestLayersAndHistogramsOfAPrediction(t *testing.T) {
	s := opened(t)
	if _, ok := s.Legend(); ok {
		t.Error("a legend without a prediction")
	}
	p := prediction(t)
	s.SetPrediction(p)
	s.SetLayer(Probability)
	s.SetClass(WG)
	v, high := s.field(p, Probability, WG)
	near(t, "P(WG) = 1 − P(background)", float64(v.Data()[2]), 0.9, 1e-6)
	near(t, "top of probability", high, 1, 0)
	if sd, top := s.field(p, StandardDeviation, WG); sd.Data()[3] != 0.4 || top != 0.5 {
		t.Errorf("SD(WG) = %v up to %g", sd.Data(), top)
	}
	if _, top := s.field(p, MutualInformation, TZ); math.Abs(top-0.05) > 1e-12 {
		t.Errorf("mutual information up to %g, want the next round number 0.05", top)
	}
	if _, top := s.field(p, Entropy, TZ); math.Abs(top-math.Log(3)) > 1e-12 {
		t.Errorf("entropy up to %g, want ln 3", top)
	}
	h, ok := s.SegmentHistogram(3, TZ) // voxels 1 and 3: 0.8, 0.6
	if !ok || h.N != 2 || h.Counts[20] != 1 || h.Counts[15] != 1 {
		t.Errorf("TZ histogram %+v", h)
	}
	near(t, "mean", h.Mean, 0.7, 1e-6)
	near(t, "SD", h.SD, 0.1, 1e-6)
	if h, _ := s.SegmentHistogram(3, WG); h.N != 3 {
		t.Errorf("WG segment has %d voxels, want 3", h.N)
	}
	if _, note := s.VoxelHistogram(3, TZ, geom.Vec3{}); note == "" {
		t.Error("no word about missing samples")
	}
	if plain, ok := s.Scene(0); !ok || plain.Overlay != nil || len(plain.Contours) != 0 {
		t.Error("the first image for reading has something over it")
	}
	scene, ok := s.Scene(3)
	if !ok || scene.Overlay == nil || scene.Overlay.Low != 0.1 || len(scene.Contours) != 5 {
		t.Errorf("scene: %v, overlay %+v, %d contours; want 3 outlines and 2 bands", ok, scene.Overlay, len(scene.Contours))
	}
	s.Apply(ToggleContours)
	s.Apply(ToggleOverlay)
	if scene, _ := s.Scene(3); scene.Overlay != nil || len(scene.Contours) != 0 {
		t.Error("the toggles left something over the image")
	}
}

func TestOverrideKeepsPredictionsOfUnchangedInputs(t *testing.T) {
	s := opened(t)
	s.SetPrediction(prediction(t))
	diagnosis := prediction(t)
	diagnosis.Card.Task, diagnosis.Card.Classes, diagnosis.Card.Recipe = modelcard.Diagnosis, []string{"background", "csPCa"}, prep.PaperRecipe(true)
	s.SetPrediction(diagnosis)
	s.SetCursor(geom.Vec3{5, 5, 0})
	changed := *s.Exam()
	changed.Roles = map[exam.Role]exam.Choice{exam.T2W: s.Exam().Roles[exam.T2W], exam.ADC: s.Exam().Roles[exam.ADC],
		exam.HighB: {Candidate: exam.Candidate{Series: s.Exam().Series[3]}, Overridden: true}}
	s.SetClass(CsPCa)
	s.SetExam(&changed)
	if s.Prediction(modelcard.Anatomy) == nil || s.Prediction(modelcard.Diagnosis) != nil {
		t.Error("want the zones kept and the lesions, made from another high-b, dropped")
	}
	if s.Cursor() != (geom.Vec3{5, 5, 0}) || s.Class() == CsPCa || s.Title(2) != "DWI b 800" {
		t.Errorf("cursor %v, class %v, title %q", s.Cursor(), s.Class(), s.Title(2))
	}
}

func TestUncertaintyCycle(t *testing.T) {
	s := New()
	want := []Layer{Entropy, MutualInformation, StandardDeviation, NoLayer, Entropy}
	for n, w := range want {
		s.Apply(CycleUncertainty)
		if l, _ := s.Layer(); l != w {
			t.Errorf("press %d shows %v, want %v", n+1, l, w)
		}
	}
}

func TestCommandsAreBoundOnceAndDocumented(t *testing.T) {
	type key struct {
		name string
		mods Mods
		mode Mode
	}
	seen, bound := map[key]bool{}, map[Command]bool{}
	for _, b := range DefaultKeymap() {
		for _, mode := range []Mode{ViewMode, EditMode} {
			if b.Mode != AnyMode && b.Mode != mode {
				continue
			}
			k := key{b.Key, b.Mods, mode}
			if seen[k] {
				t.Errorf("%q with modifiers %b is bound twice in mode %d", b.Key, b.Mods, mode)
			}
			seen[k] = true
		}
		bound[b.Command] = true
	}
	names := map[string]bool{}
	for _, c := range Commands() {
		info := c.Info()
		if info.Name == "" || info.Group == "" || info.Meaning == "" || names[info.Name] {
			t.Errorf("command %d: %+v is incomplete or used twice", c, info)
		}
		names[info.Name] = true
		if again, ok := CommandNamed(info.Name); !ok || again != c {
			t.Errorf("%q names %d, not %d", info.Name, again, c)
		}
		if !bound[c] && c != SaveLabelsAs {
			t.Errorf("%s has no key", info.Name)
		}
	}
	s := opened(t)
	if s.CommandFor("R", 0) != ResetView || s.CommandFor("R", Ctrl) != RunModel || s.CommandFor(".", Ctrl) != CancelRun || s.CommandFor("R", Alt) != NoCommand {
		t.Error("R, Ctrl+R, Ctrl+. or Alt+R mean something else")
	}
	for _, c := range Commands() {
		if taken := s.Apply(c); taken && c >= OpenExam {
			t.Errorf("%s is for the window", c.Info().Name)
		}
	}
}

func TestDigitsArePresetsWhenViewingAndLabelsWhenEditing(t *testing.T) {
	s := opened(t)
	if s.Mode() != ViewMode || s.CommandFor("2", 0) != Preset2 || s.CommandFor("E", 0) != MoreOpacity {
		t.Error("keys of viewing are others")
	}
	s.Apply(BrushTool)
	if s.Mode() != EditMode || s.CommandFor("2", 0) != Label2 || s.CommandFor("E", 0) != EraserTool || s.CommandFor("U", 0) != CycleUncertainty {
		t.Error("keys of editing are others")
	}
	s.Apply(SwapTool)
	if s.Tool() != Browse {
		t.Errorf("the tool before was %v", s.Tool())
	}
}

func TestCycleSeriesShowsEverySeriesAndComesBack(t *testing.T) {
	s := opened(t)
	start := s.Series(2)
	seen := map[string]bool{}
	for range len(s.Exam().Series) {
		s.CycleSeries(2, 1)
		seen[s.Series(2).ID] = true
	}
	if s.Series(2) != start || len(seen) != 4 {
		t.Errorf("saw %v and ended at %s", seen, s.Series(2).ID)
	}
	if s.Exam().Chosen(exam.HighB) != start {
		t.Error("looking at a series changed its role")
	}
}

func TestEmptyStateNeverPanics(t *testing.T) {
	s := New()
	for c := NoCommand; c < commandCount; c++ {
		s.Apply(c)
	}
	s.SetLayout(Read)
	for v := range ViewportCount {
		s.Press(v, Left, 0, false, 1, 1)
		s.Move(v, Shift, 50, 50)
		s.Release(50, 50)
		s.Wheel(v, 1, Ctrl, 3, 3)
		s.Fit(v)
		if _, ok := s.Scene(v); ok || s.Title(v) == "" || s.SliceTexts(v) != nil {
			t.Errorf("viewport %d of an empty window shows something", v)
		}
	}
	s.JumpTo(geom.Vec3{math.NaN(), 0, 0})
}
