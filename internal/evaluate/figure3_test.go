package evaluate

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// ramp is an image whose value is i on the block, mirrored along i where flipped.
func ramp(t *testing.T) *volume.Volume {
	t.Helper()
	g := block()
	data := make([]float32, g.Voxels())
	for n := range data {
		data[n] = float32(n % g.Size[0])
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func example(t *testing.T, task modelcard.Task, x *Exam, t2w *volume.Volume) *Example {
	t.Helper()
	if x.Grid == (geom.Grid{}) {
		x.Grid = block()
	}
	e, err := NewExample(context.Background(), task, x, t2w)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// By hand: TZ of 32 voxels predicted with 0.9, PZ of 16 with 0.6, which with its 0.3 of TZ makes a gland of 0.9; rounding may
// put 0.9 and 0.6 into the bin before.
func TestSegmentsAndEntropyOfRows(t *testing.T) {
	reference := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}, [7]int{2, 6, 2, 1, 8, 6, 3})
	p := soften(reference, 3, 0.9)
	for i, v := range reference.Data() {
		if v == 2 {
			p[0][i], p[1][i], p[2][i] = 0.1, 0.3, 0.6
		}
	}
	row := put(t, evaluator(t, modelcard.Anatomy), &Exam{ID: "a", Probabilities: p, Reference: reference})
	wg, tz, pz := row.Structures[0].Segment, row.Structures[1].Segment, row.Structures[2].Segment
	if tz.Voxels != 32 || tz.Bins[17]+tz.Bins[18] != 32 || pz.Voxels != 16 || pz.Bins[11]+pz.Bins[12] != 16 {
		t.Errorf("TZ %+v, PZ %+v", tz, pz)
	}
	if wg.Voxels != 48 || wg.Bins[18]+wg.Bins[17]+wg.Bins[19] != 48 { // TZ 0.95, PZ 0.9
		t.Errorf("WG %+v", wg)
	}
	if row.Border == nil || row.Border.Near == nil || *row.Border.Near <= 0 || *row.Border.Elsewhere <= 0 {
		t.Errorf("%+v", row.Border)
	}
	for s, want := range map[Segment]float64{
		{Voxels: 4, Bins: [SegmentBins]int{0: 1, 1: 1, 10: 1, 19: 1}}:  0.25,
		{Voxels: 4, Bins: [SegmentBins]int{2: 1, 17: 1, 18: 1, 19: 1}}: 0.5,
		{Voxels: 2, Bins: [SegmentBins]int{9: 2}}:                      0,
	} {
		close2(t, "polarised", s.Polarised(), want)
	}
	if v := (*Segment)(nil).Polarised(); !math.IsNaN(v) {
		t.Error(v)
	}
}

// The segment of csPCa is what is reported of a prediction: a candidate of 0.4 is, although nowhere the most probable class,
// and one of 0.05 is not.
func TestSegmentOfLesionsIsTheCandidates(t *testing.T) {
	lesion := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3})
	for p, want := range map[float32]int{0.4: 32, 0.05: 0} {
		maps := make([][]float32, 2)
		for c := range maps {
			maps[c] = make([]float32, len(lesion.Data()))
		}
		for i, v := range lesion.Data() {
			maps[1][i] = float32(v) * p
			maps[0][i] = 1 - maps[1][i]
		}
		row := put(t, evaluator(t, modelcard.Diagnosis), &Exam{ID: "a", Probabilities: maps, Reference: lesion})
		if got := row.Structures[0].Segment.Voxels; got != want {
			t.Errorf("%g: %d voxels, want %d", p, got, want)
		}
	}
	masks := put(t, evaluator(t, modelcard.Diagnosis), &Exam{ID: "a", Mask: lesion, Reference: lesion})
	if masks.Structures[0].Segment != nil || masks.Border != nil {
		t.Errorf("%+v", masks)
	}
}

func TestSharesOfReaders(t *testing.T) {
	lesion := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3})
	shares := soften(lesion, 2, 1)
	for i, v := range lesion.Data() {
		if v == 1 {
			shares[0][i], shares[1][i] = 0.5, 0.5
		}
	}
	e := evaluator(t, modelcard.Diagnosis)
	row := put(t, e, &Exam{ID: "a", Probabilities: soften(lesion, 2, 0.75), Reference: lesion, Readers: shares})
	n := float64(block().Voxels())
	close2(t, "squared difference", row.Readers.MSE, 2*0.0625*(32+(n-32))/n)
	if row.Readers.Disputed != 32 || *row.Readers.Unsure != 1 {
		t.Errorf("%+v", row.Readers)
	}
	put(t, e, &Exam{ID: "b", Probabilities: soften(lesion, 2, 0.75), Reference: lesion})
	r, err := e.Result(context.Background())
	if err != nil || r.Readers == nil || r.Readers.MSE.Value != row.Readers.MSE || r.Readers.Unsure.Value != 1 {
		t.Fatalf("%+v, %v", r.Readers, err)
	}
	dir := t.TempDir()
	if err := WriteFolder(dir, r, false); err != nil {
		t.Fatal(err)
	}
	checkPage(t, filepath.Join(dir, ReportFile), "Unsure where readers differ")
	short := shares[:1]
	for text, x := range map[string]*Exam{
		"and it has none":       {ID: "a", Mask: lesion, Reference: lesion, Readers: shares},
		"the shares of readers": {ID: "a", Probabilities: soften(lesion, 2, 0.75), Reference: lesion, Readers: short},
	} {
		x.Grid = block()
		if _, err := evaluator(t, modelcard.Diagnosis).Measure(context.Background(), x); !errors.Is(err, ErrExam) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestExampleIsTheSliceOfTheLargestReference(t *testing.T) {
	reference := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}, [7]int{1, 2, 2, 4, 8, 8, 5})
	e := example(t, modelcard.Diagnosis, &Exam{ID: "a", Probabilities: soften(reference, 2, 0.75), Reference: reference}, ramp(t))
	if e.Slice != 4 || e.Width != 12 || e.Height != 10 || e.PixelMM != [2]float64{1, 1} || len(e.Classes) != 1 || e.Classes[0].Name != "csPCa" {
		t.Errorf("%+v", e)
	}
	picture, err := png.Decode(bytes.NewReader(e.Classes[0].Probability))
	if err != nil {
		t.Fatal(err)
	}
	inside, _, _, _ := picture.At(2, 2).RGBA()
	outside, _, _, _ := picture.At(1, 2).RGBA()
	if inside>>8 != 191 || outside>>8 != 64 { // 0.75 and 0.25 of 255
		t.Errorf("%d, %d", inside>>8, outside>>8)
	}
	if picture, err = png.Decode(bytes.NewReader(e.Image)); err != nil {
		t.Fatal(err)
	}
	left, _, _, _ := picture.At(0, 5).RGBA()
	right, _, _, _ := picture.At(11, 5).RGBA()
	if left != 0 || right>>8 != 255 {
		t.Errorf("%d, %d", left, right>>8)
	}
	// one closed line along the faces of voxels 2…7 × 2…7: between pixel coordinates 2 and 8
	if len(e.Lines) != 1 || len(e.Lines[0].Points) != 24 {
		t.Fatalf("%+v", e.Lines)
	}
	for _, at := range e.Lines[0].Points {
		if min(at[0], at[1]) < 2 || max(at[0], at[1]) > 8 {
			t.Errorf("a line goes through %v", at)
		}
	}
	empty := example(t, modelcard.Diagnosis, &Exam{ID: "a", Probabilities: soften(mask(t), 2, 1), Reference: mask(t)}, nil)
	if empty.Slice != 3 || len(empty.Lines) != 0 || empty.Image != nil || empty.Classes[0].Segment.Voxels != 0 {
		t.Errorf("%+v", empty)
	}
}

// However a file stores its axes, the picture is the same.
func TestExamplesAreInAnatomicalOrder(t *testing.T) {
	reference := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}, [7]int{2, 6, 2, 1, 8, 6, 3})
	want := example(t, modelcard.Anatomy, &Exam{ID: "a", Probabilities: soften(reference, 3, 0.75), Reference: reference}, ramp(t))
	g := block()
	g.Origin, g.Dir[0] = geom.Vec3{11, 0, 0}, geom.Vec3{-1, 0, 0}
	data := make([]uint8, g.Voxels())
	for n := range data {
		i := n % 12
		data[n] = reference.Data()[n-i+11-i]
	}
	flipped, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	got := example(t, modelcard.Anatomy, &Exam{ID: "a", Grid: g, Probabilities: soften(flipped, 3, 0.75), Reference: flipped}, ramp(t))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// A large image shows the 80 mm in its middle, unless the reference lies elsewhere or is larger; by hand, for a reference from
// one column up to before another of 200, 1 mm wide: the first column that is shown.
func TestTheWindowHoldsTheReference(t *testing.T) {
	g := geom.Grid{Size: [3]int{200, 10, 1}, Spacing: geom.Vec3{1, 1, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	for _, c := range [][3]int{{0, 0, 60}, {80, 120, 60}, {70, 130, 60}, {65, 80, 55}, {120, 135, 65}, {2, 4, 0}, {190, 200, 120}, {20, 170, 55}, {66, 136, 61}} {
		data := make([]uint8, g.Voxels())
		for i := c[0]; i < c[1]; i++ {
			data[g.Index(i, 5, 0)] = 1
		}
		m, err := volume.NewMask(g, data)
		if err != nil {
			t.Fatal(err)
		}
		w := exampleWindow(m)
		if w.Size != [3]int{80, 10, 1} || w.Origin != (geom.Vec3{float64(c[2]), 0, 0}) {
			t.Errorf("%v: %v from %v", c, w.Size, w.Origin)
		}
	}
}

// A large image shows 80 mm of it, and no voxel beyond the image.
func TestExamplesAreCutOut(t *testing.T) {
	g := geom.Grid{Size: [3]int{120, 100, 2}, Spacing: geom.Vec3{1, 2, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	data := make([]uint8, g.Voxels())
	data[g.Index(110, 50, 1)] = 1
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	e := example(t, modelcard.Diagnosis, &Exam{ID: "a", Grid: g, Probabilities: soften(m, 2, 0.75), Reference: m}, nil)
	if e.Width != 80 || e.Height != 40 || e.PixelMM != [2]float64{1, 2} || e.Slice != 1 {
		t.Errorf("%+v", e)
	}
	for _, at := range e.Lines[0].Points { // column 110 of 40…119, row 50 of 30…69
		if at[0] < 70 || at[0] > 71 || at[1] < 20 || at[1] > 21 {
			t.Errorf("%v", at)
		}
	}
}

func TestWhatMakesNoExample(t *testing.T) {
	m := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3})
	far := ramp(t)
	g := block()
	g.Origin[0] = 500
	elsewhere, err := volume.New(g, far.Data(), "")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	good := &Exam{ID: "a", Grid: block(), Probabilities: soften(m, 2, 0.75), Reference: m}
	for name, c := range map[string]struct {
		ended bool
		task  modelcard.Task
		x     *Exam
		t2w   *volume.Volume
		want  error
	}{
		"no task":       {false, "x", good, nil, ErrSettings},
		"mask":          {false, modelcard.Diagnosis, &Exam{ID: "a", Grid: block(), Mask: m, Reference: m}, nil, ErrExam},
		"no reference":  {false, modelcard.Diagnosis, &Exam{ID: "a", Grid: block(), Mask: m}, nil, ErrExam},
		"another image": {false, modelcard.Diagnosis, good, elsewhere, ErrExam},
		"two classes":   {false, modelcard.Anatomy, good, nil, ErrExam},
		"cancelled":     {true, modelcard.Diagnosis, good, elsewhere, context.Canceled},
	} {
		ctx := context.Background()
		if c.ended {
			ctx = ended
		}
		if _, err := NewExample(ctx, c.task, c.x, c.t2w); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// withExample is a result with an example of one exam.
func withExample(t *testing.T, task modelcard.Task, name, exam string, image *volume.Volume) *Result {
	t.Helper()
	r := randomCohort(t, task, name, 5, 4)
	m := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3})
	r.Examples = []Example{*example(t, task, &Exam{ID: exam, Probabilities: soften(m, len(Classes(task)), 0.75), Reference: m}, image)}
	return r
}

func TestPanelsOfFigure3(t *testing.T) {
	var all []*Result
	for _, name := range []string{"<b>CE", "FL"} {
		all = append(all, withExample(t, modelcard.Anatomy, name, "case<1>", ramp(t)), withExample(t, modelcard.Diagnosis, name, "case2", nil))
	}
	all[0].Examples = append(all[0].Examples, *example(t, modelcard.Anatomy, &Exam{ID: "alone", Probabilities: soften(mask(t), 3, 1), Reference: mask(t)}, nil))
	dir := t.TempDir()
	if err := WriteComparison(dir, all, nil, false, Table{Title: "A <table>", Remark: "Said.", Header: []string{"", "x"}, Rows: [][]string{{"row", "cell & more"}}, Folded: true}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ReportFile)
	checkPage(t, path, "Panels of Figure 3", "exam case&lt;1&gt;, slice 2", "exam case2", "No T2W image was given", "data:image/png;base64,", "The results hold 1 more example.", "csPCa: 0 % of the segment from 0.9 on", "A &lt;table&gt;", "cell &amp; more")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("<image ")); n != 4 {
		t.Errorf("%d pictures", n)
	}
	if n := bytes.Count(text, []byte("histogram of probabilities")); n != 4 {
		t.Errorf("%d histograms", n)
	}
}

func TestDamagedExamples(t *testing.T) {
	for name, change := range map[string]func(*Example){
		"pixels":  func(e *Example) { e.Classes[0].Probability = e.Classes[0].Probability[:40] },
		"no PNG":  func(e *Example) { e.Image = []byte("x") },
		"size":    func(e *Example) { e.Width++ },
		"nowhere": func(e *Example) { e.Lines[0].Points[0][0] = math.Inf(1) },
	} {
		r := withExample(t, modelcard.Diagnosis, "x", "a", ramp(t))
		change(&r.Examples[0])
		if _, err := Page([]*Result{r}, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r := withExample(t, modelcard.Diagnosis, "x", "a", ramp(t))
	r.Examples[0].Width = 1 << 30
	dir := t.TempDir()
	if err := writeJSON(filepath.Join(dir, ResultFile), r); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadResult(dir); !errors.Is(err, ErrResult) {
		t.Error(err)
	}
}

// Examples go through results.json, and a pooled result has those of all its networks.
func TestExamplesAreKept(t *testing.T) {
	r := withExample(t, modelcard.Anatomy, "x", "a", ramp(t))
	dir := t.TempDir()
	if err := WriteFolder(dir, r, false); err != nil {
		t.Fatal(err)
	}
	back, err := ReadResult(dir)
	if err != nil || !reflect.DeepEqual(back.Examples, r.Examples) {
		t.Errorf("%v", err)
	}
	pooled := pool(t, []Part{{1, 1, back}, {2, 3, back}})
	if len(pooled.Examples) != 2 || pooled.Examples[1].Run != 2 || pooled.Examples[1].Fold != 3 || back.Examples[0].Run != 0 {
		t.Errorf("%d examples", len(pooled.Examples))
	}
}

func TestFigureOfAnExamInFolders(t *testing.T) {
	p, l, images := t.TempDir(), t.TempDir(), t.TempDir()
	m := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3})
	save(t, p, "a.nii.gz", soften(m, 2, 0.75)[1])
	save(t, p, "b.nii.gz", soften(m, 2, 0.6)[1])
	save(t, l, "a.nii.gz", m)
	save(t, l, "b.nii.gz", m)
	save(t, images, "a_0000.nii.gz", ramp(t).Data())
	save(t, images, "b.nii.gz", "no image")
	o := Options{Settings: Settings{Task: modelcard.Diagnosis, Bootstrap: metrics.Bootstrap{Rounds: 5}}, Predictions: p, Labels: l, Kind: Probabilities, FigureExam: "a", Images: images, Workers: 2}
	r, err := Run(context.Background(), o)
	if err != nil || len(r.Examples) != 1 || r.Examples[0].Exam != "a" || r.Examples[0].Image == nil || r.Undefined[figureName] != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	o.FigureExam = "b"
	if r, err = Run(context.Background(), o); err != nil || len(r.Examples) != 0 || r.Undefined[figureName] == "" || r.Exams != 2 {
		t.Errorf("a damaged image: %+v, %v", r, err)
	}
	o.Images = ""
	if r, err = Run(context.Background(), o); err != nil || len(r.Examples) != 1 || r.Examples[0].Image != nil {
		t.Errorf("no image: %+v, %v", r, err)
	}
	save(t, l, "b_t2w.nii.gz", ramp(t).Data())
	if pairs, err := Find(p, l, o.Task, nil); err != nil || len(pairs) != 2 {
		t.Errorf("an image counts as a label: %+v, %v", pairs, err)
	}
	if got, err := t2wPath(l, "b", false); err != nil || filepath.Base(got) != "b_t2w.nii.gz" {
		t.Error(got, err)
	}
	o.Kind = Masks
	if r, err = Run(context.Background(), o); err == nil && (len(r.Examples) != 0 || r.Undefined[figureName] == "") {
		t.Errorf("masks: %+v", r)
	}
	o.Kind = Probabilities
	for text, change := range map[string]func(*Options){
		`no exam "c" to draw; there are a, b`: func(o *Options) { o.FigureExam = "c" },
		"name the exam too":                   func(o *Options) { o.FigureExam, o.Images = "", images },
		"holds no image of exam":              func(o *Options) { o.Images = t.TempDir() },
	} {
		wrong := o
		change(&wrong)
		if _, err := Run(context.Background(), wrong); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
