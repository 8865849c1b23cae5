package report

import (
	"bytes"
	"context"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Four voxels: background, TZ, PZ, PZ. Counted by hand.
func TestHistogramCountsThePredictedSegment(t *testing.T) {
	g := geom.Grid{Size: [3]int{4, 1, 1}, Spacing: geom.Vec3{1, 1, 1}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	volumes := make([]*volume.Volume, 3)
	for c, values := range [][]float32{{0.9, 0.1, 0.3, 0}, {0.1, 0.8, 0.1, 0}, {0, 0.1, 0.6, 1}} {
		v, err := volume.New(g, values, "probability")
		if err != nil {
			t.Fatal(err)
		}
		volumes[c] = v
	}
	hard, err := prep.ArgMax(volumes)
	if err != nil {
		t.Fatal(err)
	}
	p := &inference.Prediction{Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}, Mean: volumes, Hard: hard}
	hs := histograms(p)
	if len(hs) != 3 || hs[0].structure != "WG" || hs[0].voxels != 3 || hs[1].voxels != 1 || hs[2].voxels != 2 {
		t.Fatalf("histograms = %+v", hs)
	}
	if hs[2].counts[12] != 1 || hs[2].counts[19] != 1 || math.Abs(hs[2].median-0.8) > 1e-6 {
		t.Errorf("PZ: %+v, want 0.6 in bin 12, 1.0 in the last, median 0.8", hs[2])
	}
	if math.Abs(hs[0].median-0.9) > 1e-6 {
		t.Errorf("WG median = %g, want that of 0.7, 0.9, 1.0", hs[0].median)
	}
}

// The panel must tell what is where; set BAYESLICE_PANELS to a folder to look at it.
func TestPanel(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		s := newScene(t, task)
		img, err := Panel(context.Background(), s.exam, s.prediction, Options{Program: "Bayeslice test", Reference: s.reference})
		if err != nil {
			t.Fatal(err)
		}
		if dir := os.Getenv("BAYESLICE_PANELS"); dir != "" {
			if err := writePNG(filepath.Join(dir, string(task)+".png"), img); err != nil {
				t.Fatal(err)
			}
		}
		if img.Bounds().Dx() != 1600 {
			t.Errorf("%s: width %d, want 1600", task, img.Bounds().Dx())
		}
		again, err := Panel(context.Background(), s.exam, s.prediction, Options{Program: "Bayeslice test", Reference: s.reference})
		if err != nil || !bytes.Equal(img.Pix, again.Pix) {
			t.Errorf("%s: a second panel differs, %v", task, err)
		}
		line := render.ZoneColor(s.prediction.Card.Classes[1])
		if n := count(img.Pix, line); n < 200 {
			t.Errorf("%s: only %d pixels have the colour of %s", task, n, s.prediction.Card.Classes[1])
		}
		if count(img.Pix, alarm) > 0 || count(img.Pix, notice) > 0 {
			t.Errorf("%s: a badge stands on a trained model and a real exam", task)
		}
		s.prediction.Card.Trained, s.exam.Synthetic = false, true
		marked, err := Panel(context.Background(), s.exam, s.prediction, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if count(marked.Pix, alarm) < 5000 || count(marked.Pix, notice) < 5000 {
			t.Errorf("%s: UNTRAINED or SYNTHETIC does not stand out", task)
		}
		s.prediction.Card.Trained, s.prediction.Card.Training = true, phantoms()
		if marked, err = Panel(context.Background(), s.exam, s.prediction, Options{}); err != nil {
			t.Fatal(err)
		}
		if dir := os.Getenv("BAYESLICE_PANELS"); dir != "" {
			if err := writePNG(filepath.Join(dir, string(task)+"-phantoms.png"), marked); err != nil {
				t.Fatal(err)
			}
		}
		s.exam.Synthetic = false
		alone, err := Panel(context.Background(), s.exam, s.prediction, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(alone.Pix, notice); n < 5000 || count(marked.Pix, notice) < n+5000 || count(marked.Pix, alarm) > 0 {
			t.Errorf("%s: that the model was trained on phantoms does not stand out", task)
		}
	}
}

// count counts pixels of one colour.
func count(pix []uint8, c color.NRGBA) int {
	n := 0
	for i := 0; i+3 < len(pix); i += 4 {
		if pix[i] == c.R && pix[i+1] == c.G && pix[i+2] == c.B {
			n++
		}
	}
	return n
}

func TestPanelWithoutASegmentSaysSo(t *testing.T) {
	s := newScene(t, modelcard.Diagnosis)
	s.prediction.Mean, s.prediction.SD, s.prediction.Lesions, s.prediction.Volumes = nil, nil, nil, nil
	addMaps(t, s.prediction, func(mm geom.Vec3) []float64 {
		q := 0.2 * inside(mm, lesionAt, lesionHalf, 0.2)
		return []float64{1 - q, q}
	})
	s.prediction.Lesions = nil
	m, err := newMaps(context.Background(), s.exam, s.prediction)
	if err != nil {
		t.Fatal(err)
	}
	k, why := shownSlice(m, nil)
	if k != 6 || !strings.Contains(why, "nothing was predicted") {
		t.Errorf("slice %d because of %q, want the lesion's slice 6", k, why)
	}
	if _, err := Panel(context.Background(), s.exam, s.prediction, Options{}); err != nil {
		t.Error(err)
	}
}

func TestShownSliceHoldsPartOfTheReference(t *testing.T) {
	s := newScene(t, modelcard.Anatomy)
	m, err := newMaps(context.Background(), s.exam, s.prediction)
	if err != nil {
		t.Fatal(err)
	}
	g := s.reference.Grid()
	labels := make([]uint8, g.Voxels())
	labels[g.Index(60, 60, 3)], labels[g.Index(60, 60, 4)] = 1, 1
	reference, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	if k, why := shownSlice(m, reference); k != 4 || !strings.Contains(why, "reference") { // the gland is larger there than in 3
		t.Errorf("slice %d because of %q, want 4", k, why)
	}
	if k, why := shownSlice(m, nil); k != 6 || strings.Contains(why, "reference") {
		t.Errorf("slice %d because of %q, want the middle, 6", k, why)
	}
}

func TestSlicePlaneIsRadiological(t *testing.T) {
	flipped, err := geom.NewGrid([3]int{10, 12, 4}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{0, -1, 0}, {-1, 0, 0}, {0, 0, -1}})
	if err != nil {
		t.Fatal(err)
	}
	p := slicePlane(flipped, flipped, 1, 100)
	if p.Right != (geom.Vec3{1, 0, 0}) || p.Down != (geom.Vec3{0, 1, 0}) {
		t.Errorf("right %v, down %v; want the patient's left and back", p.Right, p.Down)
	}
	if math.Abs(flipped.Voxel(p.Centre)[2]-1) > 1e-9 {
		t.Errorf("the plane lies on slice %g", flipped.Voxel(p.Centre)[2])
	}
}

func TestNiceTop(t *testing.T) {
	for v, want := range map[float64]float64{0: 1e-3, math.NaN(): 1e-3, 0.013: 0.02, 0.05: 0.05, 0.4: 0.5, 0.69: 1, 3: 5} {
		if got := niceTop(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("niceTop(%g) = %g, want %g", v, got, want)
		}
	}
}
