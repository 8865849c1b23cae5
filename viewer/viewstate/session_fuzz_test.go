package viewstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/fuzztest"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/session"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/compare"
	"bayeslice/viewer/viewstate/edit"
	"bayeslice/viewer/viewstate/explore"
	"bayeslice/viewer/viewstate/reading"
)

// atOnce does work on the goroutine that asks for it.
type atOnce struct{}

func (atOnce) Submit(_ string, work func(context.Context) func()) {
	if done := work(context.Background()); done != nil {
		done()
	}
}

// parts are all parts of a window that session files remember and that need no toolkit, with an exam and results open.
type parts struct {
	state    *viewstate.State
	reading  *reading.Reading
	compared *compare.Comparison
	explore  *explore.Explore
	editor   *edit.Editor
	sections []session.Section
}

func openParts(t testing.TB) *parts {
	t.Helper()
	grid := func(size [3]int, spacing, origin geom.Vec3) geom.Grid {
		g, err := geom.NewGrid(size, origin, spacing, [3]geom.Vec3{{1, 0, 0}, {0, 0.96, 0.28}, {0, -0.28, 0.96}})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	image := func(g geom.Grid, unit string) *volume.Volume {
		data := make([]float32, g.Voxels())
		for i := range data {
			data[i] = float32(100 + i%997)
		}
		v, err := volume.New(g, data, unit)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	t2, coarse := grid([3]int{24, 24, 8}, geom.Vec3{1, 1, 3}, geom.Vec3{-12, -12, -12}), grid([3]int{12, 12, 6}, geom.Vec3{2, 2, 4}, geom.Vec3{-12, -12, -12})
	series := []*exam.Series{{ID: "t2", Number: 1, Volume: image(t2, "")}, {ID: "b", Number: 2, Volume: image(coarse, ""), HasB: true, B: 1000}, {ID: "adc", Number: 3, Volume: image(coarse, exam.UnitADC)}}
	e := &exam.Exam{Key: "k", Name: "Study", Series: series, Roles: map[exam.Role]exam.Choice{
		exam.T2W: {Candidate: exam.Candidate{Series: series[0]}}, exam.HighB: {Candidate: exam.Candidate{Series: series[1]}}, exam.ADC: {Candidate: exam.Candidate{Series: series[2]}}}}
	p := &parts{state: viewstate.New()}
	for v := range viewstate.ViewportCount {
		p.state.SetSize(v, viewstate.Size{W: 40, H: 30}, 1)
	}
	p.reading, p.compared, p.explore, p.editor = reading.New(p.state), compare.New(p.state, atOnce{}), explore.New(p.state, atOnce{}), edit.New(p.state, atOnce{})
	p.state.SetExam(e)
	for task, classes := range map[modelcard.Task][]string{modelcard.Anatomy: {"background", "TZ", "PZ"}, modelcard.Diagnosis: {"background", "csPCa"}} {
		p.state.SetPrediction(predicted(t, coarse, task, classes))
	}
	p.sections = []session.Section{p.state.SessionSection(), p.reading.SessionSection(), p.explore, p.editor, p.compared.SessionSection(func(error) {})}
	return p
}

// predicted is a result in which each class has a third of the voxels.
func predicted(t testing.TB, g geom.Grid, task modelcard.Task, classes []string) *inference.Prediction {
	t.Helper()
	p := &inference.Prediction{Card: modelcard.Card{Task: task, Classes: classes, Recipe: prep.PaperRecipe(task == modelcard.Diagnosis)}, Grid: g, Samples: 4, Seed: 1}
	field := func(of func(int) float32) *volume.Volume {
		data := make([]float32, g.Voxels())
		for i := range data {
			data[i] = of(i)
		}
		v, err := volume.New(g, data, "probability")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for c := range classes {
		p.Mean = append(p.Mean, field(func(i int) float32 { return float32((i+c)%len(classes)) / 3 }))
		p.SD = append(p.SD, field(func(i int) float32 { return float32(i%7) / 20 }))
	}
	p.Entropy, p.ExpectedEntropy, p.MutualInformation = p.SD[0], p.SD[0], p.SD[1]
	hard := make([]uint8, g.Voxels())
	for i := range hard {
		hard[i] = uint8(i % len(classes))
	}
	var err error
	if p.Hard, err = volume.NewMask(g, hard); err != nil {
		t.Fatal(err)
	}
	return p
}

// used lets everything be remembered that can be: measurements of each kind, a key image, fusion, offsets, windows.
func (p *parts) used(t testing.TB) map[string]json.RawMessage {
	t.Helper()
	p.state.SetOffset("b", geom.Vec3{1, 0, 2})
	p.state.SetWindow(0, render.Window{Level: 300, Width: 500})
	p.state.Pin(geom.Vec3{1, 2, 3})
	p.reading.Fuse("adc")
	p.reading.SetPSA("4.2")
	p.reading.GiveOffset()
	p.state.Apply(viewstate.KeyImage)
	p.state.Apply(viewstate.InvertGreys)
	for _, tool := range []viewstate.Command{viewstate.RulerTool, viewstate.RegionTool, viewstate.DarkestNineTool, viewstate.EllipsoidTool, viewstate.EllipsoidTool, viewstate.EllipsoidTool} {
		p.state.Apply(tool)
		p.state.Press(0, viewstate.Left, 0, false, 12, 9)
		p.state.Move(0, 0, 27, 20)
		p.state.Release(27, 20)
	}
	p.compared.SetDistances(true)
	out, err := session.Collect(p.sections, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// look asks for everything that a window shows.
func (p *parts) look(t *testing.T, cpu render.Renderer) {
	s := p.state
	for v := range viewstate.ViewportCount {
		if scene, ok := s.Scene(v); ok {
			if _, err := cpu.Render(t.Context(), scene, 40, 30); err != nil {
				t.Fatalf("view %d: %v", v, err)
			}
		}
		s.Marks(v)
		s.Notes(v)
		s.SliceTexts(v)
		s.LegendIn(v)
		s.EdgeLetters(v)
		s.Presets(v)
		s.VoxelHistogram(v, s.Class(), s.Cursor())
		if text := s.Title(v) + s.ZoomText(v) + s.FrameNote(v) + s.StatusText(s.Cursor()); len(text) > 8000 {
			t.Fatalf("view %d says %.300q", v, text)
		}
		s.GripAt(v, 20, 15)
	}
	for _, m := range p.reading.Measurements() {
		if text := m.Title() + m.Text(); len(text) > 2000 {
			t.Fatalf("a measurement says %.300q", text)
		}
	}
	for _, k := range p.reading.KeyImages() {
		p.reading.KeyText(k)
	}
	if job := p.reading.BandJob(); job != nil {
		job()
	}
	p.reading.Densities()
	p.reading.PlaceText(s.Cursor())
	p.explore.Outcomes()
	p.explore.Curves()
	p.explore.VoxelRows()
	p.compared.Rows()
	p.compared.Strip()
}

// FuzzRestoreSession restores a part of a session from whatever JSON stands there: it is refused with a sentence and leaves that
// part as it is, or everything that the window shows of it can be shown, and what it then saves comes back as it is.
func FuzzRestoreSession(f *testing.F) {
	good := openParts(f).used(f)
	names := []string{}
	for _, s := range openParts(f).sections {
		names = append(names, s.SectionName())
	}
	for n := range names {
		f.Add(uint8(n), []byte{}, []byte{})
		f.Add(uint8(n), []byte{0, 2, 30, 0, 5, 12}, []byte{})
		f.Add(uint8(n), []byte{}, []byte(`{}`))
	}
	cpu := render.NewCPU()
	f.Fuzz(func(t *testing.T, which uint8, script, raw []byte) {
		p := openParts(t)
		n := int(which) % len(names)
		data := raw
		if len(raw) == 0 {
			data = fuzztest.Edit(good[names[n]], script)
		}
		section, began := p.sections[n], time.Now()
		before := savedText(t, section)
		err := section.RestoreSection(data)
		if err != nil && (strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 4000) {
			t.Fatalf("%.2000q", err)
		}
		p.look(t, cpu)
		for _, c := range []viewstate.Command{viewstate.SliceUp, viewstate.HideAll, viewstate.ToggleContours} {
			p.state.Apply(c)
		}
		p.state.Wheel(0, 3, 0, 20, 15)
		p.look(t, cpu)
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("%v for %d bytes", took, len(data))
		}
		if err != nil {
			return
		}
		other := openParts(t)
		if err := other.sections[n].RestoreSection(json.RawMessage(data)); err != nil {
			t.Fatalf("refused the second time: %v", err)
		}
		kept := savedText(t, other.sections[n])
		if kept == "null" && before == "null" {
			return
		}
		again := openParts(t)
		if err := again.sections[n].RestoreSection(json.RawMessage(kept)); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("%s is saved, and refused: %v", kept, err)
		}
		if second := savedText(t, again.sections[n]); second != kept {
			t.Fatalf("saved as\n%s\nand then as\n%s", kept, second)
		}
	})
}

func savedText(t *testing.T, s session.Section) string {
	t.Helper()
	v, err := s.SaveSection()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
