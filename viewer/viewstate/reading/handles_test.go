package reading

import (
	"math"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/viewer/viewstate"
)

// gripped is what the left button would hold some logical pixels beside a world point of viewport 0.
func gripped(t *testing.T, s *viewstate.State, p geom.Vec3, dx, dy float64) viewstate.Grip {
	t.Helper()
	x, y := at(t, s, 0, p)
	return s.GripAt(0, x+dx, y+dy)
}

func TestGripsReachSomePixelsWhateverTheZoom(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RulerTool)
	drag(t, s, 0, 0, geom.Vec3{-10, 0, 0}, geom.Vec3{10, 0, 0})
	s.Apply(viewstate.BrowseTool)
	for range 2 { // as it is, and enlarged
		for _, c := range []struct {
			at     geom.Vec3
			dx, dy float64
			want   viewstate.Grip
		}{
			{geom.Vec3{10, 0, 0}, 6.5, 0, viewstate.GripPoint}, {geom.Vec3{10, 0, 0}, 7.5, 0, viewstate.NoGrip},
			{geom.Vec3{0, 0, 0}, 0, 4.5, viewstate.GripWhole}, {geom.Vec3{0, 0, 0}, 0, 5.5, viewstate.NoGrip},
		} {
			if got := gripped(t, s, c.at, c.dx, c.dy); got != c.want {
				t.Errorf("%v %v beside %v: grip %d, want %d", c.dx, c.dy, c.at, got, c.want)
			}
		}
		s.ZoomCentre(0, 2)
	}
	s.Scroll(0, 3)
	if got := gripped(t, s, geom.Vec3{10, 0, 9}, 0, 0); got != viewstate.NoGrip {
		t.Errorf("grip %d on a slice that does not show the line", got)
	}
	s.Scroll(0, -3)
	s.Apply(viewstate.EllipsoidTool) // a diameter may begin on an old line
	if got := gripped(t, s, geom.Vec3{10, 0, 0}, 0, 0); got != viewstate.NoGrip {
		t.Errorf("grip %d of a line while an ellipsoid is drawn", got)
	}
	s.Apply(viewstate.BrowseTool)
	s.Apply(viewstate.HideAll)
	if got := gripped(t, s, geom.Vec3{10, 0, 0}, 0, 0); got != viewstate.NoGrip {
		t.Errorf("grip %d of what is hidden", got)
	}
	only(t, r)
}

func TestALineIsMovedWhole(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RulerTool)
	drag(t, s, 0, 0, geom.Vec3{-6, 0, 0}, geom.Vec3{6, 5, 0})
	s.Apply(viewstate.BrowseTool)
	window, cursor := s.Window(0), s.Cursor()
	drag(t, s, 0, 0, geom.Vec3{0, 2.5, 0}, geom.Vec3{4, -7.5, 0})
	m := only(t, r)
	if near(m.Lines[0].A, geom.Vec3{-2, -10, 0}) > 1e-9 || near(m.Lines[0].B, geom.Vec3{10, -5, 0}) > 1e-9 || r.Selected() != m.ID {
		t.Errorf("%+v, selected %d", m.Lines[0], r.Selected())
	}
	if s.Window(0) != window || s.Cursor() != cursor {
		t.Error("the drag moved the window or the cursor")
	}
	s.Apply(viewstate.DeleteLast)
	if len(r.Measurements()) != 0 {
		t.Error("Delete left the selected line")
	}
	s.Apply(viewstate.Undo)
	s.Apply(viewstate.Undo)
	if m := only(t, r); near(m.Lines[0].A, geom.Vec3{-6, 0, 0}) > 0 {
		t.Errorf("%+v after two steps back", m.Lines[0])
	}
}

func near(a, b geom.Vec3) float64 { return a.Sub(b).Norm() }

func TestEscapeLeavesWhatIsHeldAsItWas(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RulerTool)
	drag(t, s, 0, 0, geom.Vec3{-6, 0, 0}, geom.Vec3{6, 0, 0})
	s.Apply(viewstate.BrowseTool)
	before := only(t, r)
	x, y := at(t, s, 0, geom.Vec3{6, 0, 0})
	s.Press(0, viewstate.Left, 0, false, x, y)
	s.Move(0, 0, x+30, y+20)
	if s.GripAt(0, 3, 3) != viewstate.GripPoint {
		t.Error("what is held is not said to be")
	}
	s.Apply(viewstate.Reject)
	s.Move(0, 0, x+40, y+20)
	s.Release(x+40, y+20)
	if m := only(t, r); m.ID != before.ID || m.Lines[0] != before.Lines[0] || len(r.Marks(0)) == 0 {
		t.Errorf("%+v after Escape", m)
	}
	if r.Selected() == 0 {
		t.Fatal("nothing is selected")
	}
	s.Apply(viewstate.Reject)
	if r.Selected() != 0 {
		t.Error("Escape did not let go of the selected line")
	}
	s.Press(0, viewstate.Left, 0, false, x, y) // deleted while it is held
	s.Move(0, 0, x+30, y+20)
	s.Apply(viewstate.DeleteLast)
	s.Release(x+30, y+20)
	s.Apply(viewstate.Undo)
	if m := only(t, r); m.Lines[0] != before.Lines[0] {
		t.Errorf("%+v", m)
	}
}

func TestAnEllipsoidIsChangedByItsDiameters(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.EllipsoidTool)
	drag(t, s, 0, 0, geom.Vec3{-20, 0, 0}, geom.Vec3{20, 0, 0})
	drag(t, s, 0, 0, geom.Vec3{0, -15, 0}, geom.Vec3{0, 15, 0})
	s.Scroll(0, 4)
	click(t, s, 0, geom.Vec3{5, 0, 12})
	s.Scroll(0, -8)
	click(t, s, 0, geom.Vec3{-5, 0, -12})
	s.Apply(viewstate.BrowseTool)
	r.Apply(viewstate.Reject)
	drag(t, s, 0, 0, geom.Vec3{-5, 0, -12}, geom.Vec3{3, 0, -12}) // sideways: the height stays
	if d := only(t, r).Ellipsoid.Diameters; math.Abs(d[2]-24) > 1e-9 {
		t.Errorf("diameters %v after a sideways drag of the height", d)
	}
	s.SetCursor(geom.Vec3{})
	drag(t, s, 0, 0, geom.Vec3{20, 0, 0}, geom.Vec3{10, 0, 0})
	m := only(t, r)
	if want := math.Pi / 6 * 30 * 30 * 24 / 1000; math.Abs(m.Ellipsoid.ML-want) > 1e-9 {
		t.Errorf("%v mL, want %v", m.Ellipsoid.ML, want)
	}
	drag(t, s, 0, 0, geom.Vec3{0, 8, 0}, geom.Vec3{2, 9, 0})
	moved := only(t, r)
	if moved.Ellipsoid != m.Ellipsoid || near(moved.Lines[2].B.Sub(m.Lines[2].B), geom.Vec3{2, 1, 0}) > 1e-9 {
		t.Errorf("moved whole: %+v, was %+v", moved, m)
	}
}

func TestARegionIsReshapedAndMeasuredAnew(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RegionTool)
	drag(t, s, 0, 0, geom.Vec3{-10, -10, 0}, geom.Vec3{10, 10, 0})
	s.Apply(viewstate.BrowseTool)
	if got := gripped(t, s, geom.Vec3{10, 0, 0}, 0, 0); got != viewstate.GripSideways {
		t.Errorf("grip %d at the side", got)
	}
	if got := gripped(t, s, geom.Vec3{0, -10, 0}, 0, 0); got != viewstate.GripUpright {
		t.Errorf("grip %d at the top", got)
	}
	drag(t, s, 0, 0, geom.Vec3{10, 0, 0}, geom.Vec3{4, 6, 0}) // along its axis only; the other side stays
	m := only(t, r)
	if near(m.Shape.Centre(), geom.Vec3{-3, 0, 0}) > 1e-9 || math.Abs(m.Shape.AreaMM2()-math.Pi*70) > 1e-9 {
		t.Errorf("centre %v, %v mm²", m.Shape.Centre(), m.Shape.AreaMM2())
	}
	// A voxel is 100·i + j + 50001, with i = x + 29.5: its mean over what is symmetric about a point is the value there.
	if want := 100*(29.5-3) + 29.5 + 50001; math.Abs(m.Values[0].Mean-want) > 1e-6 {
		t.Errorf("mean %v, want %v", m.Values[0].Mean, want)
	}
	drag(t, s, 0, 0, geom.Vec3{4, 0, 0}, geom.Vec3{-12, 0, 0}) // beyond the other side
	if got := only(t, r); got.ID != m.ID || r.Message() == "" {
		t.Errorf("turned inside out: %+v, message %q", got, r.Message())
	}
	onto := geom.Vec3{-3 + 7*math.Cos(math.Pi/4), 10 * math.Sin(math.Pi/4), 0}
	drag(t, s, 0, 0, onto, onto.Add(geom.Vec3{3, -5, 0}))
	if got := only(t, r); near(got.Shape.Centre(), geom.Vec3{0, -5, 0}) > 1e-9 {
		t.Errorf("moved to %v", got.Shape.Centre())
	}
	s.Apply(viewstate.Reject)
	if got := gripped(t, s, geom.Vec3{7, -5, 0}, 0, 0); got != viewstate.GripWhole {
		t.Errorf("grip %d at a handle that is not drawn", got)
	}
}

func TestAPolygonAndTheDarkestNine(t *testing.T) {
	s, r := opened(t)
	s.Apply(viewstate.RegionTool)
	for _, p := range []geom.Vec3{{-8, -8, 0}, {8, -8, 0}, {8, 8, 0}, {-8, 8, 0}} {
		click(t, s, 0, p)
	}
	s.Apply(viewstate.Accept)
	drag(t, s, 0, 0, geom.Vec3{8, 8, 0}, geom.Vec3{12, 12, 0}) // while the tool is still active
	m := only(t, r)
	if math.Abs(m.Shape.AreaMM2()-(256+64)) > 1e-9 { // two triangles of 16 by 4
		t.Errorf("%v mm²", m.Shape.AreaMM2())
	}
	r.DeleteAll()
	s.Apply(viewstate.DarkestNineTool)
	click(t, s, 0, geom.Vec3{0, 0, 0})
	s.Apply(viewstate.BrowseTool)
	nine := only(t, r)
	corner := nine.Shape.Outline()[0]
	drag(t, s, 0, 0, corner, corner.Add(geom.Vec3{9, 9, 0}))
	if got := only(t, r); got.ID != nine.ID || !strings.Contains(r.Message(), "stay where they are") {
		t.Errorf("%+v, %q", got.Shape, r.Message())
	}
}
