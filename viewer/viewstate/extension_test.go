package viewstate

import (
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// greedy is an extension that takes every press while it is on.
type greedy struct {
	NoExtension
	on   bool
	seen []PointerEvent
}

func (g *greedy) Point(e PointerEvent) bool {
	if g.on {
		g.seen = append(g.seen, e)
	}
	return g.on
}

func (g *greedy) Apply(c Command) bool { return g.on && c == FitView }

func (g *greedy) Decorate(_ int, scene *render.Scene) {
	if g.on {
		scene.Contours = append(scene.Contours, render.Contour{Width: 7})
	}
}

func (g *greedy) Marks(v int) []Mark {
	if !g.on {
		return nil
	}
	return []Mark{{Points: []geom.Vec3{{float64(v), 0, 0}}}}
}

func TestAnExtensionKeepsThePressItTook(t *testing.T) {
	s := opened(t)
	g := &greedy{on: true}
	s.Extend(g)
	window, cursor := s.Window(0), s.Cursor()
	s.Press(0, Left, Ctrl, false, 100, 100)
	s.Move(1, 0, 130, 100) // the mouse is over another viewport by now
	s.Release(131, 100)
	want := []PointerKind{PointerDown, PointerDrag, PointerUp}
	if len(g.seen) != len(want) {
		t.Fatalf("saw %+v", g.seen)
	}
	for i, e := range g.seen {
		if e.Kind != want[i] || e.View != 0 || !e.OK || e.Button != Left {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if at, _ := s.WorldAt(0, 131, 100); g.seen[2].World != at || g.seen[2].Clicked {
		t.Errorf("the release was at %v (click %v), want %v", g.seen[2].World, g.seen[2].Clicked, at)
	}
	if s.Window(0) != window || s.Cursor() != cursor {
		t.Error("the window or the cursor moved as well")
	}
	s.Press(0, Left, 0, false, 10, 10)
	s.Abandon()
	if last := g.seen[len(g.seen)-1]; last.Kind != PointerCancel {
		t.Errorf("a press without a release ended with %+v", last)
	}
	s.Press(0, Left, 0, true, 10, 10) // panning stays panning
	s.Release(10, 10)
	if last := g.seen[len(g.seen)-1]; last.Kind != PointerCancel {
		t.Errorf("the space bar reached the extension: %+v", last)
	}
	field := s.Camera(0)
	s.Zoom(0, 2, 3, 3)
	s.Apply(FitView)
	if s.Camera(0) == field {
		t.Error("the state fitted although the extension took the command")
	}
	if scene, _ := s.Scene(2); len(scene.Contours) != 1 || scene.Contours[0].Width != 7 {
		t.Errorf("contours %+v", scene.Contours)
	}
	if m := s.Marks(2); len(m) != 1 || m[0].Points[0][0] != 2 {
		t.Errorf("marks %+v", m)
	}
	g.on = false
	s.DoubleClick(1, 0, 5, 5)
	if _, alone := s.Layout(); alone != 1 {
		t.Errorf("a double click nobody wanted maximised %d", alone)
	}
}

func TestLayoutsFillTheViewports(t *testing.T) {
	s := opened(t)
	p := prediction(t)
	s.SetPrediction(p)
	for _, l := range Layouts {
		s.SetLayout(l)
		for v := range ViewportCount {
			if (s.Series(v) == nil) != s.Content(v).Chart {
				t.Errorf("%v, viewport %d: series %v", l, v, s.Series(v))
			}
		}
	}
	s.SetLayout(Uncertainty)
	if a, b := s.LayerIn(1), s.LayerIn(2); a != Probability || b != Entropy {
		t.Errorf("maps %v and %v", a, b)
	}
	s.SetLayer(MutualInformation)
	if legend, ok := s.LegendIn(2); !ok || legend.Layer != MutualInformation {
		t.Errorf("legend %+v", legend)
	}
	s.SetLayout(Compare)
	other := prediction(t)
	s.SetCompared(modelcard.Anatomy, 1, Compared{ID: "x", Title: "FL", Prediction: other})
	if s.Shown(1, modelcard.Anatomy) != other || s.Shown(0, modelcard.Anatomy) != nil || s.Title(1) != "FL" || s.Title(0) != "No model" {
		t.Error("the viewports do not show the compared models")
	}
	if _, alone := s.Layout(); alone != -1 {
		t.Error("a layout starts with all viewports")
	}
}

func TestAReferenceIsDrawnAndAnOffsetMovesTheDisplay(t *testing.T) {
	s := opened(t)
	g := s.Series(0).Volume.Grid()
	labels := make([]uint8, g.Voxels())
	labels[g.Index(10, 10, 5)], labels[g.Index(11, 10, 5)] = 1, 2
	zones, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	s.SetReference(&Reference{Name: "reader", Zones: zones})
	for c, want := range map[Class]float32{WG: 2, TZ: 1, PZ: 1} {
		sum := float32(0)
		for _, x := range s.ReferenceField(c).Data() {
			sum += x
		}
		if sum != want {
			t.Errorf("%v has %g voxels, want %g", c, sum, want)
		}
	}
	if s.ReferenceField(CsPCa) != nil {
		t.Error("lesions came from nowhere")
	}
	if scene, _ := s.Scene(3); len(scene.Contours) != 2 {
		t.Errorf("%d contours, want those of WG and TZ", len(scene.Contours))
	}
	adc := s.Series(1)
	before, _ := s.Scene(1)
	s.SetOffset(adc.ID, geom.Vec3{0, 3, 0})
	after, _ := s.Scene(1)
	if d := after.Base.Grid().Origin.Sub(before.Base.Grid().Origin); d != (geom.Vec3{0, 3, 0}) {
		t.Errorf("the image moved by %v", d)
	}
	if s.FrameNote(1) != "shifted by hand 3.0 P mm" || s.FrameNote(0) != "" {
		t.Errorf("notes %q and %q", s.FrameNote(1), s.FrameNote(0))
	}
	// The voxel shown at a place is the one probed there.
	if got := s.Probe(geom.Vec3{-20, -17, 28}); got[2].Text != "0 "+ADCUnit {
		t.Errorf("probe %+v", got)
	}
	s.SetOffset(adc.ID, geom.Vec3{})
	if again, _ := s.Scene(1); again.Base != before.Base {
		t.Error("the offset was not taken back")
	}
}

func TestHideAllRemembersWhatWasShown(t *testing.T) {
	s := opened(t)
	s.SetPrediction(prediction(t))
	s.Apply(CycleTexts)
	s.Apply(HideAll)
	if scene, _ := s.Scene(3); len(scene.Contours) != 0 || s.Crosshair() || s.Texts() != NoTexts {
		t.Error("something is left over the images")
	}
	s.Apply(HideAll)
	if scene, _ := s.Scene(3); len(scene.Contours) == 0 || !s.Crosshair() || s.Texts() != EssentialTexts {
		t.Error("it did not come back as it was")
	}
}
