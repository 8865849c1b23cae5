package exporting_test

import (
	"errors"
	"image"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/report"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/exporting"
)

const secret = "DOE^JOHN"

func grid(t *testing.T) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid([3]int{32, 32, 6}, geom.Vec3{-31, -31, -8}, geom.Vec3{2, 2, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func constant(t *testing.T, unit string, f func(i int) float32) *volume.Volume {
	t.Helper()
	g := grid(t)
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = f(i)
	}
	v, err := volume.New(g, data, unit)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// open returns a state with an exam of a T2W series and one of no role, and a result for each task.
func open(t *testing.T, tasks ...modelcard.Task) *viewstate.State {
	t.Helper()
	v := constant(t, "", func(i int) float32 { return float32(i % 300) })
	series := []*exam.Series{{ID: "4", Volume: v}, {ID: "9", Description: secret, Volume: v}}
	s := viewstate.New()
	s.SetExam(&exam.Exam{Key: "4f2a9911cc", Name: secret, Series: series, Identity: exam.Identity{PatientName: secret},
		Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: series[0]}}}})
	for _, task := range tasks {
		s.SetPrediction(prediction(t, task))
	}
	for i := range viewstate.ViewportCount {
		s.SetSize(i, viewstate.Size{W: 200, H: 160}, 2)
	}
	return s
}

func prediction(t *testing.T, task modelcard.Task) *inference.Prediction {
	t.Helper()
	classes := map[modelcard.Task][]string{modelcard.Anatomy: {"background", "TZ", "PZ"}, modelcard.Diagnosis: {"background", "csPCa"}}[task]
	p := &inference.Prediction{Card: modelcard.Card{Name: "M1 " + string(task), Task: task, Classes: classes, Trained: true, Recipe: prep.PaperRecipe(task == modelcard.Diagnosis)},
		ModelSHA: "0123456789abcdef", Seed: 3, Samples: 8, Requested: 8, Stop: inference.Completed, Device: "CPU", Grid: grid(t)}
	for c := range classes {
		p.Mean = append(p.Mean, constant(t, "probability", func(i int) float32 {
			if i%len(classes) == c {
				return 0.8
			}
			return 0.2 / float32(len(classes)-1)
		}))
		p.SD = append(p.SD, constant(t, "probability", func(int) float32 { return 0.1 }))
	}
	p.Entropy = constant(t, "nats", func(int) float32 { return 0.4 })
	p.ExpectedEntropy, p.MutualInformation = p.Entropy, p.Entropy
	var err error
	if p.Hard, err = prep.ArgMax(p.Mean); err != nil {
		t.Fatal(err)
	}
	return p
}

// entry finds what the dialog says of an item.
func entry(f *exporting.Form, i report.Item) exporting.Entry {
	for _, g := range f.Groups() {
		for _, e := range g.Entries {
			if e.Item == i {
				return e
			}
		}
	}
	return exporting.Entry{}
}

func TestEveryItemIsOfferedOnce(t *testing.T) {
	f := exporting.New(viewstate.New(), "Bayeslice test", render.NewCPU(), exporting.Choice{})
	for _, i := range report.Items {
		if e := entry(f, i); e.Name == "" || e.Hint == "" || !strings.HasSuffix(e.Hint, ".") || e.Why == "" || e.On {
			t.Errorf("%s without an exam: %+v", i, e)
		}
	}
	if f.Problem() == "" {
		t.Error("nothing is open and nothing stands in the way")
	}
}

func TestWhatCannotBeWrittenSaysWhy(t *testing.T) {
	none := exporting.New(open(t), "", nil, exporting.Choice{})
	if e := entry(none, report.Zones); !strings.Contains(e.Why, "No model was run") {
		t.Errorf("zones without a result: %+v", e)
	}
	if e := entry(none, report.ViewPNG); e.Why != "" {
		t.Errorf("a view needs no result: %+v", e)
	}
	zones := exporting.New(open(t, modelcard.Anatomy), "", nil, exporting.Choice{})
	if e := entry(zones, report.Lesions); !strings.Contains(e.Why, "lesions") {
		t.Errorf("lesions without their model: %+v", e)
	}
	if e := entry(zones, report.EditedLabels); e.Why == "" || e.On {
		t.Errorf("labels that nobody drew: %+v", e)
	}
	if e := entry(zones, report.Zones); e.Why != "" || !e.On {
		t.Errorf("zones: %+v", e)
	}
}

func TestTheFormMakesTheExport(t *testing.T) {
	s := open(t, modelcard.Anatomy, modelcard.Diagnosis)
	mask, err := volume.NewMask(grid(t), make([]uint8, grid(t).Voxels()))
	if err != nil {
		t.Fatal(err)
	}
	drawn := func(x *report.Export) {
		x.Labels = append(x.Labels, report.Labels{Name: "reader-zones", Meaning: "1 = TZ", Mask: mask})
	}
	f := exporting.New(s, "Bayeslice test", render.NewCPU(), exporting.Choice{}, drawn)
	if f.Problem() != "Choose a folder." {
		t.Errorf("problem %q", f.Problem())
	}
	f.SetFolder(t.TempDir())
	if f.Problem() != "" || f.Name() != "study-4f2a9911" || f.Identity() || !f.HasReport() || !f.HasMaps() || f.HasView() {
		t.Errorf("problem %q, name %q, identity %v", f.Problem(), f.Name(), f.Identity())
	}
	f.Set(report.PagePDF, false)
	f.Set(report.Entropies, true)
	f.SetFormat(report.MHA)
	created := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	x := f.Export(created)
	if !slices.Equal(x.Items, []report.Item{report.Zones, report.Lesions, report.Entropies, report.EditedLabels}) || x.Format != report.MHA || len(x.Predictions) != 2 ||
		len(x.Labels) != 1 || x.Page.Created != created || x.Page.Identity != nil || x.Overwrite {
		t.Errorf("export %+v", x)
	}
	written, err := x.Run(t.Context())
	if err != nil || !slices.Contains(written, "study-4f2a9911_reader-zones.mha") || !slices.Contains(written, "study-4f2a9911_diagnosis_entropy.mha") {
		t.Errorf("written %q, %v", written, err)
	}
	f.SetIdentity(true)
	if x := f.Export(created); x.Page.Identity == nil || x.Page.Identity.PatientName != secret || x.Name != "study-4f2a9911" {
		t.Errorf("identity %+v under the name %q", x.Page.Identity, x.Name)
	}
	f.SetName("  ")
	if f.Problem() == "" {
		t.Error("a name of nothing is taken")
	}
	f.SetName("../up")
	if _, err := f.Export(created).Run(t.Context()); !errors.Is(err, report.ErrName) {
		t.Errorf("a path as a name: %v", err)
	}
	for _, i := range report.Items {
		f.Set(i, false)
	}
	if f.Problem() != "Choose at least one kind of file." {
		t.Errorf("problem %q", f.Problem())
	}
}

// DICOM SEG holds masks and probabilities; what it does not hold stays chosen for other formats.
func TestTheFormSaysWhatDICOMHolds(t *testing.T) {
	f := exporting.New(open(t, modelcard.Anatomy), "Bayeslice test", nil, exporting.Choice{})
	f.SetFolder(t.TempDir())
	f.Set(report.PagePDF, false)
	f.Set(report.Entropies, true)
	if f.HasObjects() || f.CanName() || f.Note() != "" {
		t.Error("NIfTI has DICOM objects")
	}
	f.SetFormat(report.DICOM)
	if e := entry(f, report.Entropies); !strings.Contains(e.Why, "NIfTI") || e.On {
		t.Errorf("entropy in DICOM SEG: %+v", e)
	}
	if !f.HasObjects() || !f.CanName() || !strings.Contains(f.Note(), "no DICOM") || !f.HasMaps() || exporting.FormatName(report.DICOM) != "DICOM SEG (.dcm)" {
		t.Errorf("objects %v, note %q", f.HasObjects(), f.Note())
	}
	f.SetIdentity(true)
	x := f.Export(time.Unix(0, 0))
	if !slices.Equal(x.Items, []report.Item{report.Zones}) || !x.DICOM.Identity || x.Format != report.DICOM {
		t.Errorf("export %+v", x)
	}
	f.Set(report.Zones, false)
	if f.Problem() == "" || !f.HasMaps() {
		t.Errorf("nothing that DICOM holds is chosen, and the problem is %q", f.Problem())
	}
	f.SetFormat(report.MHA)
	if e := entry(f, report.Entropies); e.Why != "" || !e.On {
		t.Errorf("entropy again: %+v", e)
	}
	f.Set(report.Entropies, false)
	f.Set(report.Contours, true)
	if !f.HasObjects() || f.HasMaps() || f.Problem() != "" {
		t.Errorf("contours alone: %q", f.Problem())
	}
}

func TestChoicesAreRememberedButNotTheName(t *testing.T) {
	s := open(t, modelcard.Anatomy)
	f := exporting.New(s, "", nil, exporting.Choice{})
	f.SetName("Reader 2")
	f.SetFolder(os.TempDir())
	f.SetFormat(report.MHA)
	f.SetIdentity(true)
	f.Set(report.Zones, false)
	f.Set(report.Epistemic, true)
	again := exporting.New(s, "", nil, f.Choice())
	if again.Name() == "Reader 2" || again.Identity() || again.Folder() != os.TempDir() || again.Format() != report.MHA || entry(again, report.Zones).On || !entry(again, report.Epistemic).On {
		t.Errorf("name %q, identity %v, folder %q, format %s", again.Name(), again.Identity(), again.Folder(), again.Format())
	}
}

func TestTheViewHoldsNoNames(t *testing.T) {
	s := open(t, modelcard.Anatomy)
	s.SetLayout(viewstate.Read)
	s.CycleSeries(0, 1) // the series that has no role but a name in its description
	legend := func(viewstate.Legend) (what, low, high string) { return "Entropy (nats)", "0", "1" }
	s.SetLayer(viewstate.Entropy)
	v := exporting.View(s, []exporting.Viewport{{0, image.Rect(10, 20, 210, 180)}, {3, image.Rect(220, 20, 420, 180)}}, 2, legend)
	if v.Size != image.Pt(410, 160) || v.Panes[0].At != image.Rect(0, 0, 200, 160) || v.Panes[1].At.Min.X != 210 || v.Scale != 2 {
		t.Errorf("view of %v: %v, %v", v.Size, v.Panes[0].At, v.Panes[1].At)
	}
	for i, p := range v.Panes {
		if p.Scene.Base == nil || p.Slice == "" || p.Letters.Left != "R" {
			t.Errorf("pane %d: %+v", i, p)
		}
		for _, text := range []string{p.Title, p.Banner, p.Note, p.Slice, p.Zoom} {
			if strings.Contains(text, secret) {
				t.Errorf("pane %d says %q", i, text)
			}
		}
	}
	if !strings.Contains(v.Panes[0].Title, "9") || v.Panes[1].Legend == nil || v.Panes[1].Legend.What != "Entropy (nats)" {
		t.Errorf("title %q, legend %+v", v.Panes[0].Title, v.Panes[1].Legend)
	}
	if _, err := v.Draw(t.Context(), render.NewCPU()); err != nil {
		t.Error(err)
	}
	s.SetLayout(viewstate.Uncertainty)
	if v := exporting.View(s, []exporting.Viewport{{3, image.Rect(0, 0, 9, 9)}}, 1, legend); v.Panes[0].Note == "" || v.Panes[0].Scene.Base != nil {
		t.Errorf("the histogram's place: %+v", v.Panes[0])
	}
}

// marker draws one mark on every viewport.
type marker struct {
	viewstate.NoExtension
	mark viewstate.Mark
}

func (m marker) Marks(int) []viewstate.Mark { return []viewstate.Mark{m.mark} }

func TestMarksComeIntoTheView(t *testing.T) {
	s := open(t)
	s.Extend(marker{mark: viewstate.Mark{Points: []geom.Vec3{{0, 0, 1}, {10, 0, 1}}, Spots: true, Label: "10.0 mm"}})
	v := exporting.View(s, []exporting.Viewport{{0, image.Rect(0, 0, 200, 160)}}, 2, nil)
	if len(v.Panes[0].Marks) != 1 {
		t.Fatalf("marks %+v", v.Panes[0].Marks)
	}
	m := v.Panes[0].Marks[0]
	x0, y0 := s.Plane(0).Pixel(geom.Vec3{0, 0, 1}, 200, 160) // device pixels by another road: centres against corners, half a pixel apart
	if d := m.Points[0][0] - x0; d < -1 || d > 1 || m.Points[0][1]-y0 > 1 || m.Points[1][0] <= m.Points[0][0] || m.Label != "10.0 mm" || m.Width != 3 {
		t.Errorf("mark %+v, want it at %g, %g", m, x0, y0)
	}
}

func TestTexts(t *testing.T) {
	if got := exporting.ResultText([]string{"a"}, true); got != "1 file was written. Each was read back and compared." {
		t.Errorf("%q", got)
	}
	p := prediction(t, modelcard.Anatomy)
	p.Card.Trained = false
	facts := exporting.Facts([]*inference.Prediction{p})
	if len(facts) != 1 || !strings.Contains(facts[0], "sha256 0123456789ab, 8 samples, seed 3") || !strings.Contains(facts[0], "not trained") && !strings.Contains(strings.ToLower(facts[0]), "untrained") {
		t.Errorf("facts %q", facts)
	}
}
