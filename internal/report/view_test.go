package report

import (
	"context"
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// testView has two viewports of one exam: one with everything on it, one without an image.
func testView(t *testing.T) View {
	t.Helper()
	s := newScene(t, modelcard.Anatomy)
	t2w := s.exam.Chosen(exam.T2W).Volume
	plane := render.PlaneFor(t2w.Grid(), 6, 400, 300, render.Camera{})
	return View{Size: image.Pt(610, 300), Scale: 1, Panes: []Pane{
		{At: image.Rect(0, 0, 400, 300), Scene: render.Scene{Plane: plane, Base: t2w, Interp: volume.Linear, Window: render.T2WWindow(t2w)},
			Title: "T2W + result", Banner: "TRAINED ON PHANTOMS", Slice: "7/13 · S +8.4 mm", Zoom: "120 %", Letters: render.EdgeLetters(plane),
			Legend: &Legend{Map: render.Viridis, What: "Entropy, nats", Low: "0", High: "1.10"},
			Marks: []PaneMark{{Points: [][2]float64{{100, 150}, {200, 150}}, Color: color.NRGBA{255, 0, 0, 255}, Width: 3, Spots: true, Label: "14.2 mm"},
				{Points: [][2]float64{{300, 150}}, Radius: 30, Color: color.NRGBA{0, 255, 0, 255}, Width: 2},
				{Points: [][2]float64{{390, 290}, {900, 900}}, Color: color.NRGBA{0, 0, 255, 255}, Width: 2}}},
		{At: image.Rect(410, 0, 610, 300), Note: "Histograms: see the window"},
	}}
}

func TestViewShowsImagesMarksAndTexts(t *testing.T) {
	v := testView(t)
	img, err := v.Draw(t.Context(), render.NewCPU())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := render.NewCPU().Render(t.Context(), v.Panes[0].Scene, 400, 300)
	if err != nil {
		t.Fatal(err)
	}
	if at := image.Pt(250, 200); img.RGBAAt(at.X, at.Y) != plain.RGBAAt(at.X, at.Y) {
		t.Errorf("the image changed at %v", at)
	}
	if c := img.RGBAAt(150, 150); c != (color.RGBA{255, 0, 0, 255}) {
		t.Errorf("the line has colour %v", c)
	}
	if c := img.RGBAAt(330, 150); c.G < 200 {
		t.Errorf("the circle has colour %v", c)
	}
	if c := img.RGBAAt(405, 295); c != (color.RGBA{canvas.R, canvas.G, canvas.B, 255}) {
		t.Errorf("a mark leaves its viewport: %v between them", c)
	}
	light := func(r image.Rectangle) (n int) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				if img.RGBAAt(x, y).G > 200 {
					n++
				}
			}
		}
		return n
	}
	if light(image.Rect(415, 130, 605, 170)) < 50 {
		t.Error("why there is no image is not said")
	}
	if dir := os.Getenv("BAYESLICE_PANELS"); dir != "" {
		stamped, err := Stamp(img, "Bayeslice test", 0, "Model M1 test, sha256 0123abcd")
		if err := errors.Join(err, writePNG(filepath.Join(dir, "view.png"), stamped)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestViewsThatCannotBeDrawn(t *testing.T) {
	for name, v := range map[string]View{
		"no size": {}, "too large": {Size: image.Pt(1<<20, 4)},
		"outside": {Size: image.Pt(10, 10), Panes: []Pane{{At: image.Rect(5, 5, 20, 20)}}},
	} {
		if _, err := v.Draw(t.Context(), render.NewCPU()); !errors.Is(err, ErrPage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := testView(t).Draw(stopped, render.NewCPU()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
