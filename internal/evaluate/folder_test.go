package evaluate

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// save writes an image below dir; values are a mask, or maps, one frame each.
func save(t *testing.T, dir, name string, what any) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	var err error
	switch v := what.(type) {
	case *volume.Mask:
		err = imageio.WriteMask(path, v)
	case []float32:
		var image *volume.Volume
		if image, err = volume.New(block(), v, ""); err == nil {
			err = imageio.Write(path, image)
		}
	case string:
		err = os.WriteFile(path, []byte(v), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPairsAreFoundByName(t *testing.T) {
	p, l := t.TempDir(), t.TempDir()
	m := mask(t)
	for _, name := range []string{"one.nii.gz", "Two_pred.mha", "three_softmax.nii.gz", "four_probability_tz.nii.gz", "four_probability_pz.nii.gz", "four_zones.nii.gz",
		"four_sd_tz.nii.gz", "four_entropy.nii.gz", "four_model_region.nii.gz", "five/probability_tz.nii.gz", "five/zones.nii.gz", "five/lesions.nii.gz", "six/zones.nii.gz",
		"eight.nii", "eight.mha", "nine/anything.nii.gz", ".hidden.nii.gz", "ten_lesions.nii.gz"} {
		save(t, p, name, m)
	}
	save(t, p, "readme.txt", "text")
	for _, name := range []string{"one_label.nii.gz", "Two.nii.gz", "three_seg.nii.gz", "four_zones.mha", "five/labels/zones.nii.gz", "five/labels/lesions.nii.gz", "six/zones.nii.gz", "seven.nii.gz", "eight.nii.gz", "nine.nii.gz"} {
		save(t, l, name, m)
	}
	pairs, err := Find(p, l, modelcard.Anatomy, regexp.MustCompile(`^(.)`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Two": "", "one": "", "three": "", "four": "", "five": "", "six": "", "nine": "", "seven": "no prediction", "eight": "Two files"}
	for _, x := range pairs {
		problem, known := want[x.ID]
		if !known || !strings.Contains(x.Problem, problem) || (problem == "") != (x.Problem == "") || x.Patient != x.ID[:1] {
			t.Errorf("%+v", x)
		}
		delete(want, x.ID)
		if x.ID == "four" && (len(x.Prediction.Classes) != 2 || x.Prediction.Region == "" || x.Prediction.Image != "") {
			t.Errorf("%+v", x)
		}
		if x.ID == "five" && (!strings.Contains(x.Label.Image, "labels") || x.Prediction.Image != "") {
			t.Errorf("%+v", x)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	if !slices.IsSortedFunc(pairs, func(a, b Pair) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("pairs are in no order")
	}
	for _, dirs := range [][2]string{{filepath.Join(p, "none"), l}, {p, filepath.Join(l, "none")}, {t.TempDir(), l}, {p, t.TempDir()}, {filepath.Join(p, "one.nii.gz"), l}} {
		if _, err := Find(dirs[0], dirs[1], modelcard.Anatomy, nil); !errors.Is(err, ErrFolder) {
			t.Errorf("%v: %v", dirs, err)
		}
	}
}

func TestRunOnFolders(t *testing.T) {
	p, l := t.TempDir(), t.TempDir()
	lesion, shifted, nothing := mask(t, [7]int{3, 2, 2, 1, 6, 6, 3}), mask(t, [7]int{1, 4, 2, 1, 8, 6, 3}), mask(t, [7]int{1, 0, 0, 0, 2, 2, 2})
	nan := soften(shifted, 2, 0.75)[1]
	nan[0] = float32(math.NaN())
	for name, what := range map[string]any{"a_1": soften(shifted, 2, 0.75)[1], "a_2": soften(nothing, 2, 0.6)[1], "b_1": make([]float32, block().Voxels()), "c_1": nan, "d_1": soften(shifted, 2, 2)[1]} {
		save(t, p, name+"_softmax.nii.gz", what)
	}
	save(t, p, "e_1.nii.gz", "no image")
	for _, name := range []string{"a_1", "a_2", "b_1", "c_1", "d_1", "e_1", "f_1"} {
		save(t, l, name+".mha", lesion)
	}
	save(t, l, "a_2.mha", nothing) // ISUP 1 is no csPCa
	var progress []int
	o := Options{Settings: Settings{Task: modelcard.Diagnosis, Bootstrap: metrics.Bootstrap{Rounds: 20}}, Predictions: p, Labels: l, LesionFrom: 2,
		Patient: regexp.MustCompile(`^(\w)_`), Workers: 3, Progress: func(done, total int) { progress = append(progress, done) },
		Explain: func(err error) string { return "said: " + err.Error() }}
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Exams != 3 || r.Patients != 2 || r.Kinds[Probabilities] != 3 || r.Detection.Positives != 2 || r.Detection.Lesions != 2 {
		t.Errorf("%+v", r)
	}
	for i, want := range []string{"not finite", "no probability", "said: ", "no prediction"} {
		if len(r.Problems) != 4 || !strings.Contains(r.Problems[i].Text, want) {
			t.Fatalf("problem %d: %+v, want %q", i, r.Problems, want)
		}
	}
	if !slices.Equal(progress, []int{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("progress %v", progress)
	}
	o.Workers, o.Progress = 1, nil
	again, err := Run(context.Background(), o)
	if err != nil || !reflect.DeepEqual(r, again) {
		t.Error("one worker gave another result", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ended, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, change := range []func(*Options){func(o *Options) { o.Zones = "x" }, func(o *Options) { o.PredictionZones = "x" }, func(o *Options) { o.Kind = "x" },
		func(o *Options) { o.Task, o.Kind = modelcard.Anatomy, DetectionMaps }} {
		wrong := o
		change(&wrong)
		if _, err := Run(context.Background(), wrong); !errors.Is(err, ErrSettings) {
			t.Error(err)
		}
	}
	// read as detection maps, these are none
	o.Kind = DetectionMaps
	if r, err := Run(context.Background(), o); err != nil || r.Exams != 1 || r.Rows[0].ID != "b_1" {
		t.Errorf("%+v, %v", r, err)
	}
}

// A run that is stopped while exams are read ends at once with the context's error.
func TestRunIsCancelledHalfway(t *testing.T) {
	p, l := t.TempDir(), t.TempDir()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		save(t, p, name+".nii.gz", mask(t))
		save(t, l, name+".nii.gz", mask(t))
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := Options{Settings: Settings{Task: modelcard.Anatomy}, Predictions: p, Labels: l, Workers: 2, Progress: func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The same voxels in another order are the same; a header that rounds is no other grid.
func TestLabelsOfOtherOrders(t *testing.T) {
	p, l := t.TempDir(), t.TempDir()
	m := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3})
	g := block()
	g.Origin, g.Dir[0] = geom.Vec3{11, 0, 0}, geom.Vec3{-1, 0, 0}
	flipped := make([]uint8, len(m.Data()))
	for k := range 6 {
		for j := range 10 {
			for i := range 12 {
				flipped[g.Index(11-i, j, k)] = m.At(i, j, k)
			}
		}
	}
	other, err := volume.NewMask(g, flipped)
	if err != nil {
		t.Fatal(err)
	}
	near := block()
	near.Origin[1] = 0.2 // of 1 mm
	rounded, err := volume.NewMask(near, m.Data())
	if err != nil {
		t.Fatal(err)
	}
	save(t, p, "a.nii.gz", m)
	save(t, l, "a.nii.gz", other)
	save(t, p, "b.nii.gz", m)
	save(t, l, "b.nii.gz", rounded)
	r, err := Run(context.Background(), Options{Settings: Settings{Task: modelcard.Anatomy}, Predictions: p, Labels: l})
	if err != nil || r.Exams != 2 || r.Structures[0].HardDice.Low != 1 || r.Structures[1].HD95.Value != 0 || len(r.Rows[0].Notes) != 1 ||
		len(r.Rows[1].Notes) != 1 || !strings.Contains(r.Rows[1].Notes[0], "0.2 mm apart") {
		t.Errorf("%+v, %v", r, err)
	}
}

// What is alive while exams stream through does not grow with their number.
func TestMemoryDoesNotGrowWithExams(t *testing.T) {
	g := block()
	g.Size = [3]int{64, 64, 12}
	labels := make([]uint8, g.Voxels())
	for i := 9000; i < 12000; i++ {
		labels[i] = 1
	}
	m, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	p, l := t.TempDir(), t.TempDir()
	// least is what is alive at least while the last quarter of the exams is measured: what happens to be alive beside
	// it, such as the exam that is read meanwhile, depends on the moment.
	least := func(n int) uint64 {
		live := uint64(math.MaxUint64)
		for i := range n {
			save(t, p, fmt.Sprintf("x%03d.nii", i), m)
			save(t, l, fmt.Sprintf("x%03d.nii", i), m)
		}
		o := Options{Settings: Settings{Task: modelcard.Anatomy, Bootstrap: metrics.Bootstrap{Rounds: 2}}, Predictions: p, Labels: l, Workers: 1}
		o.Progress = func(done, total int) {
			if 4*done < 3*total {
				return
			}
			var stats runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&stats)
			live = min(live, stats.HeapAlloc)
		}
		if r, err := Run(context.Background(), o); err != nil || r.Exams != n {
			t.Fatal(r, err)
		}
		return live
	}
	few, many := least(3), least(30)
	if one := uint64(g.Voxels()); many > few+8*one { // 27 exams more would be 54 and more
		t.Errorf("%d kB alive with 3 exams, %d kB with 30", few>>10, many>>10)
	}
}

func TestZonesOfOtherPrograms(t *testing.T) {
	p, l := t.TempDir(), t.TempDir()
	ours := mask(t, [7]int{1, 2, 2, 1, 6, 6, 3}, [7]int{2, 6, 2, 1, 8, 6, 3})
	theirs := mask(t, [7]int{2, 2, 2, 1, 6, 6, 3}, [7]int{1, 6, 2, 1, 8, 6, 3})
	soft := soften(ours, 3, 0.8)
	save(t, p, "a_probability_tz.nii.gz", soft[1]) // without the background
	save(t, p, "a_probability_pz.nii.gz", soft[2])
	save(t, p, "b.nii.gz", ours)
	save(t, l, "a.nii.gz", theirs)
	save(t, l, "b.nii.gz", theirs)
	r, err := Run(context.Background(), Options{Settings: Settings{Task: modelcard.Anatomy}, Predictions: p, Labels: l, Zones: PZTZ})
	if err != nil || r.Exams != 2 || r.Structures[1].HardDice.Low != 1 || r.Structures[2].HardDice.Low != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	save(t, l, "b.nii.gz", mask(t, [7]int{3, 0, 0, 0, 1, 1, 1}))
	if r, err = Run(context.Background(), Options{Settings: Settings{Task: modelcard.Anatomy}, Predictions: p, Labels: l}); err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Text, "value 3") {
		t.Errorf("%+v, %v", r, err)
	}
}

// The folder of picai_eval's cases holds maps and labels side by side.
func TestPicaiFolder(t *testing.T) {
	dir := testenv.Data(t, "picai_eval", "test-maps")
	r, err := Run(context.Background(), Options{Settings: Settings{Task: modelcard.Diagnosis}, Predictions: dir, Labels: dir})
	if err != nil {
		t.Fatal(err)
	}
	if r.Exams != 10 || len(r.Problems) != 0 || r.Kinds[DetectionMaps] != 10 || r.Detection.Lesions != 10 || r.Detection.Positives != 8 {
		t.Errorf("%+v", r)
	}
	close2(t, "AUROC", r.Detection.AUROC.Value, 0.75)
	close2(t, "AP", r.Detection.AP.Value, 5./18)
}

func TestFilesOfAResult(t *testing.T) {
	r := randomCohort(t, modelcard.Diagnosis, "<b>FL</b>", 3, 12)
	r.Rows[0].ID = "=cmd()"
	r.Problems = []Problem{{"left", "It is out."}}
	dir := filepath.Join(t.TempDir(), "new")
	if err := WriteFolder(dir, r, false); err != nil {
		t.Fatal(err)
	}
	if err := WriteFolder(dir, r, false); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if err := WriteFolder(dir, r, true); err != nil {
		t.Error(err)
	}
	back, err := ReadResult(dir)
	if err != nil || back.Name != r.Name || len(back.Rows) != 12 || !reflect.DeepEqual(back.Detection, r.Detection) {
		t.Errorf("%v, %+v", err, back)
	}
	file, err := os.Open(filepath.Join(dir, ExamsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil || len(lines) != 14 || lines[1][0] != "'=cmd()" || lines[13][0] != "left" || lines[13][len(lines[13])-1] != "It is out." {
		t.Errorf("%v, %v", err, lines)
	}
	checkPage(t, filepath.Join(dir, ReportFile), "&lt;b&gt;FL", "Average precision", "FROC", "It is out.", "Every exam (12)")
}

// checkPage reads a page as XML, but for its first line, and looks for what it must not hold.
func checkPage(t *testing.T, path string, words ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, w := range words {
		if !strings.Contains(page, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	for _, w := range []string{"<script", "<b>FL", "src=", "@import", "url(", "NaN", "%!"} {
		if strings.Contains(page, w) {
			t.Errorf("the page holds %q", w)
		}
	}
	body := page[strings.Index(page, "<body>"):strings.Index(page, "</html>")]
	if err := xml.Unmarshal([]byte(body), new(struct{})); err != nil {
		t.Errorf("the page is not well formed: %v", err)
	}
}

func TestComparison(t *testing.T) {
	var all []*Result
	for n, name := range []string{"CE", "FL"} {
		all = append(all, randomCohort(t, modelcard.Anatomy, name, uint64(n), 8), randomCohort(t, modelcard.Diagnosis, name, uint64(n), 8))
	}
	c, err := Compare(context.Background(), all, metrics.Permutation{Rounds: 300})
	if err != nil || len(c) != 2 || c[0].Exams != 8 || c[0].First != "CE" || c[0].Second != "FL" {
		t.Fatalf("%+v, %v", c, err)
	}
	find := func(c Comparison, name string) FigureTest {
		for _, f := range c.Tests {
			if f.Figure == name {
				return f
			}
		}
		t.Errorf("no test of %s", name)
		return FigureTest{}
	}
	dice := find(c[0], "PZ hard Dice")
	close2(t, "difference", dice.Difference, all[2].Structures[2].HardDice.Value-all[0].Structures[2].HardDice.Value)
	if !dice.Exact || dice.Rounds != 256 {
		t.Errorf("%+v", dice)
	}
	close2(t, "difference of AP", find(c[1], "AP").Difference, all[3].Detection.AP.Value-all[1].Detection.AP.Value)
	dir := t.TempDir()
	if err := WriteComparison(dir, all, c, false); err != nil {
		t.Fatal(err)
	}
	checkPage(t, filepath.Join(dir, ReportFile), "Comparison of CE, FL", "a   Anatomy", "f   Diagnosis", "all 256", "Paired permutation tests")
	text, err := os.ReadFile(filepath.Join(dir, ComparisonFile))
	var back []Comparison
	if err := errors.Join(err, json.Unmarshal(text, &back)); err != nil || !reflect.DeepEqual(back, c) {
		t.Error(err)
	}
	if _, err := Page([]*Result{all[0], all[0]}, nil); !errors.Is(err, ErrResult) {
		t.Error(err)
	}
	if _, err := Page(nil, nil); !errors.Is(err, ErrSettings) {
		t.Error(err)
	}
	other := randomCohort(t, modelcard.Diagnosis, "BCE", 1, 8)
	other.Rows[0].Lesions = &LesionRow{Positive: true, Lesions: 2, Findings: []metrics.Finding{{Lesion: true}, {Lesion: true}}}
	if _, err := Compare(context.Background(), []*Result{all[1], other}, metrics.Permutation{}); !errors.Is(err, ErrResult) {
		t.Errorf("another reference: %v", err)
	}
}

func TestResultsThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	r := randomCohort(t, modelcard.Diagnosis, "x", 3, 2)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Rows[0].Lesions = nil
	short, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for want, content := range map[string]string{"damaged": string(text[:len(text)/2]), "format 3": strings.Replace(string(text), `"format":1`, `"format":3`, 1),
		"no result": "{}", "lacks figures": string(short)} {
		save(t, dir, "results.json", content)
		if _, err := ReadResult(dir); !errors.Is(err, ErrResult) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := ReadResult(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestNumbersInWords(t *testing.T) {
	for b, want := range map[metrics.Band]string{
		{Value: 0.8, Low: 0.7, High: 0.9}:             "0.800 (0.700 to 0.900)",
		{Value: 0.0087, Low: 0.006, High: 0.0124}:     "0.0087 (0.0060 to 0.0124)",
		{Value: -0.641, Low: -1.508, High: 0.0004}:    "−0.641 (−1.508 to 0.000)",
		{Value: 14.3338, Low: 10.2474, High: 19.8067}: "14.334 (10.247 to 19.807)",
		{Value: 0, Low: -0.0001, High: 0}:             "0.000 (0.000 to 0.000)",
	} {
		if got := bandText(&b); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
