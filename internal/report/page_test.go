package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/align"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report/paper"
	"bayeslice/internal/report/paper/papertest"
	"bayeslice/internal/volume"
)

// diffusion are the ADC map and the high-b image, made once.
var diffusion [2]*volume.Volume

// both is a page of an anatomy and a diagnosis on one exam with three series.
func both(t *testing.T) Page {
	t.Helper()
	a, d := newScene(t, modelcard.Anatomy), newScene(t, modelcard.Diagnosis)
	if diffusion[0] == nil {
		grid := newGrid(t, [3]int{48, 48, 11}, geom.Vec3{2, 2, 3.6}, geom.Vec3{5, -20, 30})
		diffusion[0] = fill(t, grid, "×10⁻⁶ mm²/s", func(mm geom.Vec3) float64 { return 1500 - 800*inside(mm, lesionAt, lesionHalf, 0.2) })
		diffusion[1] = fill(t, grid, "", func(mm geom.Vec3) float64 { return 30 + 60*inside(mm, lesionAt, lesionHalf, 0.2) })
	}
	adc := &exam.Series{ID: "5", Number: 5, Description: secrets[4], Volume: diffusion[0]}
	highB := &exam.Series{ID: "6", Number: 6, HasB: true, B: 1400, Calculated: true, Volume: diffusion[1]}
	a.exam.Roles[exam.ADC], a.exam.Roles[exam.HighB] = exam.Choice{Candidate: exam.Candidate{Series: adc}}, exam.Choice{Candidate: exam.Candidate{Series: highB}}
	a.prediction.ModelSHA, d.prediction.ModelSHA = strings.Repeat("0123abcd", 8), strings.Repeat("fedc9876", 8)
	d.prediction.Card.Dropout, d.prediction.Lesions[0].P5, d.prediction.Lesions[0].P95 = 0.33, 0.71, 0.92
	return Page{Exam: a.exam, Predictions: []*inference.Prediction{a.prediction, d.prediction}, Program: "Bayeslice test"}
}

// crowded has more of everything than there is room for, and names of any length.
func crowded(t *testing.T) Page {
	t.Helper()
	g := both(t)
	d := g.Predictions[1]
	first := d.Lesions[0]
	for n := range 30 {
		l := first
		l.ID, l.Confidence = n+2, 0.8-0.02*float64(n)
		d.Lesions = append(d.Lesions, l)
	}
	g.Sectors = map[int]string{1: "R mid PZpl", 2: strings.Repeat("outside the gland ", 9)}
	long := strings.Repeat("a model with a name that never ends ", 8)
	d.Card.Name, d.Card.TrainedOn, d.Device = long, long, long
	d.Card.Training = phantoms()
	g.Program = long
	for n := range 40 {
		g.Measurements = append(g.Measurements, Measurement{Name: fmt.Sprintf("Distance %d %s", n+1, long), Value: "14.2 mm", Where: "T2W, slice 9"})
		g.Exam.Issues = append(g.Exam.Issues, exam.Issue{Code: "x", Severity: exam.Severity(n % 3), Text: fmt.Sprintf("issue %d: %s", n, long)})
	}
	psa, err := measure.PSADensity(6.4, 26, 24.8, 27.3)
	if err != nil {
		t.Fatal(err)
	}
	ellipsoid, err := measure.NewEllipsoid(46, 36, 30)
	if err != nil {
		t.Fatal(err)
	}
	g.Density, g.Ellipsoid, g.Alignment = &psa, &ellipsoid, "the alignment "+long
	g.Reviewed = []Reviewed{{"WG", 26.4}, {"lesion 1 by the reader", 0.6}}
	g.KeySlices = []KeySlice{{4, long}, {5, ""}, {6, ""}, {7, ""}, {8, ""}}
	g.Identity = &exam.Identity{PatientName: long, PatientID: "PID-4711"}
	g.Exam.Synthetic = true
	return g
}

// linesOf returns the text of a report.
func linesOf(t *testing.T, g Page) []string {
	t.Helper()
	data, err := g.PDF(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := papertest.Pages(data); n != 1 {
		t.Fatalf("%d pages, want one", n)
	}
	lines, err := papertest.Lines(data)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestPageSaysEverything(t *testing.T) {
	g := both(t)
	g.Sectors = map[int]string{1: "R mid PZpl"}
	psa, err := measure.PSADensity(6.5, 26, 20, 32.5)
	if err != nil {
		t.Fatal(err)
	}
	g.Density, g.Ellipsoid = &psa, &measure.Ellipsoid{Diameters: [3]float64{46, 36, 30}, ML: 26.01}
	g.Measurements = []Measurement{{"Distance 1", "14.2 mm", "T2W, slice 7"}}
	g.Reviewed = []Reviewed{{"TZ", 7.9}}
	g.KeySlices = []KeySlice{{6, "capsule bulges here"}}
	g.Alignment = "T2W and diffusion agree."
	text := strings.Join(linesOf(t, g), "\n")
	for _, want := range []string{
		"Prostate MRI: zones and suspected cancer", "De-identified: study 4f2a", "T2W, 0.75 × 0.75 × 3.0 mm, 13 slices", "high-b DWI b=1400 (calculated)",
		"Research use only. Not a medical device. Not for diagnosis or treatment decisions.", "RESEARCH USE ONLY",
		"WG and TZ on T2W", "csPCa on T2W", "csPCa on ADC", "csPCa on high-b DWI", "Entropy, zones", "Entropy, csPCa", "10, 50, 90 %", "peak of candidate 1", "capsule bulges here", "slice 7/13",
		"26.0 mL", "24.8 to 27.3 mL", "7.10 to 8.00 mL", "7.90 mL", // volumes with intervals, and reviewed
		"Ellipsoid 46 × 36 × 30 mm", "26.0 mL (π/6 · a · b · c)", "PSA density, PSA 6.5 ng/mL", "0.25 [0.20, 0.33] ng/mL²", // 6.5/26, 6.5/32.5 and 6.5/20
		"0.83 [0.71, 0.92]", "38 of 40", "0.45 mL", "7, R mid PZpl", "Not a PI-RADS score",
		"Distance 1, T2W, slice 7", "14.2 mm",
		"expected error", "1.10 nats", "mutual inf.", "Least certain: ",
		"Zones: model M1 test", strings.Repeat("0123abcd", 8), strings.Repeat("fedc9876", 8), "loss FL", "trained on made-up exams",
		"40 of 100 samples (converged)", "seed 7", "dropout 0.33", "CPU (test)", "0.25 s a sample",
		"T2W and diffusion agree.", "Warning: Two slices are further apart than the others.", "Note: 2.0 % of the model's grid lies outside the T2W image.", "Bayeslice test",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("a de-identified page holds %q", secret)
		}
	}
	look(t, g, "page")
}

// look writes a page where BAYESLICE_PANELS names a folder, to be looked at.
func look(t *testing.T, g Page, name string) {
	t.Helper()
	dir := os.Getenv("BAYESLICE_PANELS")
	if dir == "" {
		return
	}
	if err := errors.Join(g.WritePDF(t.Context(), filepath.Join(dir, name+".pdf")), g.WritePNG(t.Context(), filepath.Join(dir, name+".png"))); err != nil {
		t.Fatal(err)
	}
}

// Every line lies on the page, and none on another: also where there is far more than one page can show.
func TestNothingIsClippedOrCovered(t *testing.T) {
	anatomy, diagnosis := newScene(t, modelcard.Anatomy), newScene(t, modelcard.Diagnosis)
	full := crowded(t)
	for name, g := range map[string]Page{
		"both": both(t), "crowded": full,
		"anatomy":   {Exam: anatomy.exam, Predictions: []*inference.Prediction{anatomy.prediction}, Reference: anatomy.reference},
		"diagnosis": {Exam: diagnosis.exam, Predictions: []*inference.Prediction{diagnosis.prediction}},
	} {
		p, err := g.compose(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		inner := paper.Rect{X: pageMargin, Y: pageMargin - 1, W: pageInner, H: paper.A4Height - 2*pageMargin + 2}
		texts := p.Texts()
		for i, a := range texts {
			if !a.Box.In(inner) {
				t.Errorf("%s: %q at %+v leaves the margins", name, a.Line, a.Box)
			}
			for _, b := range texts[:i] {
				if tight(a.Box).Overlaps(tight(b.Box)) {
					t.Errorf("%s: %q lies on %q", name, a.Line, b.Line)
				}
			}
		}
		if name != "both" {
			look(t, g, name)
		}
	}
	text := strings.Join(linesOf(t, full), "\n")
	for _, want := range []string{"more that have no room here", "TRAINED ON PHANTOMS", "SYNTHETIC EXAM", "lesion 1 by the reader", "Severe: Issue"} {
		if !strings.Contains(text, want) {
			t.Errorf("the crowded page does not say %q", want)
		}
	}
}

// tight leaves out the room above and below small letters, and the last hundredth.
func tight(r paper.Rect) paper.Rect {
	return paper.Rect{X: r.X + 0.01, Y: r.Y + 0.25*r.H, W: r.W - 0.02, H: 0.55 * r.H}
}

func TestEqualReportsAreEqualFiles(t *testing.T) {
	g := both(t)
	first, err := g.PDF(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := both(t).PDF(t.Context())
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("two reports of one result differ (%v)", err)
	}
	g.Created = time.Date(2026, 7, 1, 9, 30, 0, 0, time.UTC)
	if text := strings.Join(linesOf(t, g), "\n"); !strings.Contains(text, "report of 2026-07-01 09:30") {
		t.Error("the date that was given does not stand on the page")
	}
}

func TestIdentityStandsThereOnlyWhenAsked(t *testing.T) {
	g := both(t)
	g.Identity = &g.Exam.Identity
	text := strings.Join(linesOf(t, g), "\n")
	if !strings.Contains(text, "Patient DOE^JOHN · ID PID-4711 · born 19500230") || strings.Contains(text, "De-identified") || strings.Contains(text, "/data") {
		t.Errorf("identity: %q", text[:200])
	}
	g.Identity = &exam.Identity{}
	if text := strings.Join(linesOf(t, g), "\n"); !strings.Contains(text, "The files name no patient") {
		t.Error("an exam without names is not said to be one")
	}
}

func TestPageRefusesWhatMakesNoPage(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		change func(*Page)
		want   error
	}{
		"nothing":     {func(g *Page) { *g = Page{} }, ErrNothing},
		"no model":    {func(g *Page) { g.Predictions = nil }, ErrNothing},
		"no sample":   {func(g *Page) { g.Predictions[0].Samples = 0 }, ErrNothing},
		"twice":       {func(g *Page) { g.Predictions[1] = g.Predictions[0] }, ErrPage},
		"no T2W":      {func(g *Page) { delete(g.Exam.Roles, exam.T2W) }, ErrPage},
		"wrong slice": {func(g *Page) { g.KeySlices = []KeySlice{{13, ""}} }, ErrPage},
	} {
		g := both(t)
		c.change(&g)
		if _, err := g.PDF(ctx); !errors.Is(err, c.want) {
			t.Errorf("%s: error = %v, want %v", name, err, c.want)
		}
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := both(t).PDF(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestPageWithoutFindingsSaysSo(t *testing.T) {
	s := newScene(t, modelcard.Diagnosis)
	s.prediction.Lesions, s.exam.Issues, s.prediction.Issues = nil, nil, nil
	text := strings.Join(linesOf(t, Page{Exam: s.exam, Predictions: []*inference.Prediction{s.prediction}}), "\n")
	for _, want := range []string{"No candidate reaches a confidence of 0.10. That does not exclude cancer.", "Nothing was found"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	a := newScene(t, modelcard.Anatomy)
	if text := strings.Join(linesOf(t, Page{Exam: a.exam, Predictions: []*inference.Prediction{a.prediction}}), "\n"); !strings.Contains(text, "Not looked for: no diagnosis model was run.") {
		t.Error("that no cancer was looked for is not said")
	}
	a.prediction.Mean, a.prediction.SD = nil, nil // an empty segmentation must not break the page
	addMaps(t, a.prediction, func(geom.Vec3) []float64 { return []float64{1, 0, 0} })
	linesOf(t, Page{Exam: a.exam, Predictions: []*inference.Prediction{a.prediction}})
}

func TestFactsOfThePage(t *testing.T) {
	g := both(t)
	if err := g.AddPSA(5.2); err != nil || g.Density == nil || g.Density.Value != 5.2/26 {
		t.Errorf("density %+v, %v; want 5.2 / 26", g.Density, err)
	}
	if err := (&Page{Exam: g.Exam, Predictions: g.Predictions[1:]}).AddPSA(5); !errors.Is(err, ErrPage) {
		t.Errorf("a PSA without a gland: %v", err)
	}
	if err := g.AddPSA(-1); !errors.Is(err, measure.ErrMeasure) {
		t.Errorf("a negative PSA: %v", err)
	}
	// The lesion lies at (−9, 9, 1) mm of a gland of half axes 23, 18 and 15: right, behind, in the middle.
	if err := g.AddSectors(); err != nil || !strings.HasPrefix(g.Sectors[1], "R mid PZp") {
		t.Errorf("sectors %v, %v", g.Sectors, err)
	}
	if err := g.AddAlignment(t.Context(), nil); err != nil || g.Alignment == "" {
		t.Errorf("alignment %q, %v", g.Alignment, err)
	}
	alone := Page{Exam: newScene(t, modelcard.Anatomy).exam, Predictions: g.Predictions[:1]}
	if err := errors.Join(alone.AddAlignment(t.Context(), nil), alone.AddSectors()); err != nil || alone.Alignment != "" || alone.Sectors != nil {
		t.Errorf("without diffusion: %q, %v, %v", alone.Alignment, alone.Sectors, err)
	}
	p := g.Predictions[0]
	p.Mean, p.SD = nil, nil
	addMaps(t, p, func(geom.Vec3) []float64 { return []float64{1, 0, 0} })
	g.Sectors = nil
	if err := g.AddSectors(); err != nil || g.Sectors != nil {
		t.Errorf("without a gland: %v, %v", g.Sectors, err)
	}
}

func TestACandidateAtTheEdgeIsBroughtIntoThePicture(t *testing.T) {
	g := both(t)
	grid, _ := g.Exam.ReferenceGrid()
	plain := slicePlane(grid, g.Predictions[1].Grid, 6, picturePX)
	for _, at := range [][2]float64{{240, 240}, {5, 470}, {-60, 200}} {
		peak := plain.World(at[0], at[1], picturePX, picturePX)
		moved := shot{peak: &peak}.around(plain)
		x, y := moved.Pixel(peak, picturePX, picturePX)
		if x < 0.19*picturePX || x > 0.81*picturePX || y < 0.19*picturePX || y > 0.81*picturePX {
			t.Errorf("a peak at %v comes to lie at %.0f, %.0f", at, x, y)
		}
		if off := moved.Centre.Sub(plain.Centre); at[0] == 240 && off != (geom.Vec3{}) {
			t.Errorf("a peak in the middle moves the picture by %v", off)
		}
		if n := plain.Right.Cross(plain.Down); math.Abs(moved.Centre.Sub(plain.Centre).Dot(n)) > 1e-9 {
			t.Error("the picture leaves its slice")
		}
	}
}

func TestKeySlicesComeFirst(t *testing.T) {
	g := both(t)
	g.KeySlices = []KeySlice{{2, "first"}, {9, ""}}
	s := &setter{of: g}
	shots, err := s.shots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(shots) != picturesMost || shots[0].note != "first" || shots[1].slice != 9 || shots[0].prediction.Card.Task != modelcard.Diagnosis {
		t.Errorf("shots %+v", shots)
	}
	if !slices.ContainsFunc(shots, func(s shot) bool { return s.uncertainty }) {
		t.Error("no picture shows the uncertainty")
	}
}

func TestALongIssueStandsWholeWhereThereIsRoom(t *testing.T) {
	g := both(t)
	e := *g.Exam
	e.Issues = []exam.Issue{{Code: "long", Severity: exam.Warning, Text: "The high-b DWI image was moved by 1.1 mm (1.0 mm to the left, 0.5 mm to the front, 0.2 mm to the head) before the network saw it, as the reader wanted it to be."}}
	g.Exam = &e
	if text := strings.Join(linesOf(t, g), " "); !strings.Contains(text, "as the reader wanted it to be.") {
		t.Errorf("the page says %q", text)
	}
}

func TestTheSentenceOnAlignmentTellsOfMovedImages(t *testing.T) {
	e := &align.Estimate{Shift: align.Offset{Left: 3}, Confidence: align.Good, Voxel: align.Offset{Left: 1, Back: 1, Head: 1}}
	for moved, want := range map[bool]string{false: "the model was given the images as they are.", true: "the model was given them moved, as told below."} {
		if got := AlignmentText(e, "the gland", moved); !strings.HasSuffix(got, want) {
			t.Errorf("moved %v: %q", moved, got)
		}
	}
}
