package resultfile

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

var axes = [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// random returns a prediction full of random numbers, with candidates for the diagnosis.
func random(t testing.TB, seed uint64, task modelcard.Task) *inference.Prediction {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	g := must[geom.Grid](t)(geom.NewGrid([3]int{6, 5, 4}, geom.Vec3{r.Float64(), -r.Float64() * 90, 1e-9}, geom.Vec3{1.25, 1.0 / 3, 3}, axes))
	unit := func(name string) *volume.Volume {
		data := make([]float32, g.Voxels())
		for i := range data {
			data[i] = r.Float32()
		}
		return must[*volume.Volume](t)(volume.New(g, data, name))
	}
	classes := []string{"background", "TZ", "PZ"}
	if task == modelcard.Diagnosis {
		classes = []string{"background", "csPCa"}
	}
	p := &inference.Prediction{Card: modelcard.Card{Name: "a model", Task: task, Classes: classes, Recipe: prep.PaperRecipe(task == modelcard.Diagnosis), Gamma: 0.1},
		ModelSHA: strings.Repeat("ab", 32), Seed: 1<<63 + seed, Samples: 3, Requested: 9, Stop: inference.Cancelled, StopNote: "stopped",
		Stability: inference.Stability{LesionSE: 1, VolumeSE: 1.0 / 3, Flips: 0.1}, Device: "CPU (test)", SecondsPerSample: 0.1 + 0.2, Grid: g,
		Volumes: []inference.ZoneVolume{{Zone: "TZ", ML: inference.Interval{Mean: 1.0 / 7, P5: 0.1, P95: 2}}},
		Issues:  []exam.Issue{{Code: "outside", Severity: exam.Warning, Series: "adc", Text: "Some lies outside."}},
		Moved:   []prep.Moved{{Role: "ADC", Series: "adc", MM: geom.Vec3{0.5, -1.0 / 3, 0}}},
		Changes: []inference.DeviceChange{{Sample: 2, From: "a", To: "b", Why: "a failed"}}, Fallbacks: []string{"Resize ×3"}}
	for range classes {
		p.Mean, p.SD = append(p.Mean, unit("probability")), append(p.SD, unit("probability"))
	}
	p.Entropy, p.ExpectedEntropy, p.MutualInformation = unit("nats"), unit("nats"), unit("nats")
	hard := make([]uint8, g.Voxels())
	for i := range hard {
		hard[i] = uint8(r.IntN(len(classes)))
	}
	p.Hard = must[*volume.Mask](t)(volume.NewMask(g, hard))
	samples := make([][]uint8, 3)
	for n := range samples {
		samples[n] = make([]uint8, len(classes)*2*3*1)
		for i := range samples[n] {
			samples[n][i] = uint8(r.IntN(256))
		}
	}
	p.Store = must[*inference.SampleStore](t)(inference.NewSampleStore([3]int{1, 2, 3}, [3]int{3, 5, 4}, len(classes), samples))
	if task == modelcard.Diagnosis {
		p.Lesions = []inference.Lesion{{ID: 1, Confidence: 2.0 / 3, SE: 0.01, Present: 2, Samples: 3, VolumeML: 0.3, PeakVoxel: [3]int{5, 4, 3}, Voxels: []int32{0, 7, 119}}}
	}
	return p
}

// two returns a file with two predictions.
func two(t testing.TB) (path string, all []Kept) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s.bayeslice.results")
	all = []Kept{{"in a", random(t, 1, modelcard.Anatomy)}, {"in b", random(t, 2, modelcard.Diagnosis)}}
	if err := Write(t.Context(), path, all); err != nil {
		t.Fatal(err)
	}
	return path, all
}

func every(Key) bool { return true }

func TestPredictionsComeBackBitForBit(t *testing.T) {
	path, all := two(t)
	got, err := Read(t.Context(), path, every)
	if err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	for i, k := range got {
		if !reflect.DeepEqual(k, all[i]) {
			t.Errorf("prediction %d:\n%+v\n%+v", i, k.Prediction, all[i].Prediction)
		}
	}
	one, err := Read(t.Context(), path, func(k Key) bool { return k == all[1].Key() })
	if err != nil || len(one) != 1 || one[0].Inputs != "in b" {
		t.Error(one, err)
	}
	if st, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Error("others can read it:", st.Mode(), err)
	}
}

func TestAPredictionWithoutSamplesComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	p := random(t, 3, modelcard.Anatomy)
	p.Store, p.Issues, p.Moved, p.Changes, p.Fallbacks = nil, nil, nil, nil, nil
	if err := Write(t.Context(), path, []Kept{{"x", p}}); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(t.Context(), path, every); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0].Prediction, p) {
		t.Error(got, err)
	}
}

// A damaged file gives what is whole, or an error; never other numbers, and never a panic.
func TestDamageIsFound(t *testing.T) {
	path, all := two(t)
	good := must[[]byte](t)(os.ReadFile(path))
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 240 {
		bad := bytes.Clone(good)
		switch n % 3 {
		case 0:
			bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
		case 1:
			bad = bad[:r.IntN(len(bad))]
		default:
			at := r.IntN(len(bad) - 8)
			copy(bad[at:at+8], bad[r.IntN(len(bad)-8):])
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(t.Context(), path, every)
		if err != nil && !errors.Is(err, ErrResults) {
			t.Fatal(err)
		}
		for _, k := range got {
			if !reflect.DeepEqual(k, all[0]) && !reflect.DeepEqual(k, all[1]) {
				t.Fatalf("case %d: a damaged prediction was read", n)
			}
		}
		if len(got) < 2 && err == nil {
			t.Fatalf("case %d: a prediction is missing, and nobody says so", n)
		}
	}
}

// rewrite changes index.json of a file.
func rewrite(t *testing.T, path, old, next string) {
	t.Helper()
	z := must[*zip.ReadCloser](t)(zip.OpenReader(path))
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r := must[io.ReadCloser](t)(f.Open())
		data := must[[]byte](t)(io.ReadAll(r))
		if f.Name == indexName {
			if !bytes.Contains(data, []byte(old)) {
				t.Fatalf("no %s in %s", old, data)
			}
			data = bytes.Replace(data, []byte(old), []byte(next), 1)
		}
		to := must[io.Writer](t)(w.Create(f.Name))
		must[int](t)(to.Write(data))
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatDoNotFitAreRefused(t *testing.T) {
	for name, c := range map[string][2]string{
		"version":     {`"version":1`, `"version":2`},
		"task":        {`"task":"anatomy"`, `"task":"liver"`},
		"grid":        {`"Size":[6,5,4]`, `"Size":[6,5,5]`},
		"huge":        {`"Size":[6,5,4]`, `"Size":[1000,1000,1000]`},
		"axes":        {`"Dir":[[1,0,0]`, `"Dir":[[2,0,0]`},
		"classes":     {`["background","TZ","PZ"]`, `["background","TZ"]`},
		"box":         {`"lo":[1,2,3]`, `"lo":[3,2,3]`},
		"off grid":    {`"hi":[3,5,4]`, `"hi":[7,5,4]`},
		"many":        {`"samples":3}`, `"samples":4}`},
		"overflowing": {`"samples":3}`, `"samples":9007199254740993}`},
		"candidate":   {`"voxels":[0,7,119]`, `"voxels":[0,7,120]`},
		"peak":        {`"peakVoxel":[5,4,3]`, `"peakVoxel":[5,4,4]`},
		"no samples":  {`"samples":3,"card"`, `"samples":0,"card"`},
		"no JSON":     {`{`, `[`},
	} {
		path, _ := two(t)
		rewrite(t, path, c[0], c[1])
		got, err := Read(t.Context(), path, every)
		if !errors.Is(err, ErrResults) || len(got) > 1 {
			t.Errorf("%s: %d read, %v", name, len(got), err)
		}
	}
	dir := t.TempDir()
	if _, err := Read(t.Context(), filepath.Join(dir, "none"), every); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Write(t.Context(), filepath.Join(dir, "none", "x"), nil); !errors.Is(err, ErrResults) {
		t.Error(err)
	}
}

func TestAnEndedContextLeavesTheOldFile(t *testing.T) {
	path, all := two(t)
	before := must[[]byte](t)(os.ReadFile(path))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, path, all); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !bytes.Equal(before, must[[]byte](t)(os.ReadFile(path))) {
		t.Error("the file has changed")
	}
	if _, err := Read(ctx, path, every); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The sum changes with all that the network sees, and with nothing else.
func TestInputSum(t *testing.T) {
	image := func(x float64, first float32) *volume.Volume {
		g := must[geom.Grid](t)(geom.NewGrid([3]int{2, 2, 2}, geom.Vec3{x, 0, 0}, geom.Vec3{1, 1, 3}, axes))
		return must[*volume.Volume](t)(volume.New(g, []float32{first, 1, 2, 3, 4, 5, 6, 7}, ""))
	}
	build := func(t2w, adc *volume.Volume) *exam.Exam {
		role := func(id string, v *volume.Volume) exam.Choice {
			return exam.Choice{Candidate: exam.Candidate{Series: &exam.Series{ID: id, Volume: v}}}
		}
		e := &exam.Exam{Roles: map[exam.Role]exam.Choice{exam.T2W: role("t2", t2w), exam.HighB: role("b", t2w)}}
		if adc != nil {
			e.Roles[exam.ADC] = role("adc", adc)
		}
		return e
	}
	recipe := prep.PaperRecipe(true)
	sum := func(e *exam.Exam, moved ...prep.Moved) string {
		s, ok := InputSum(e, recipe, moved)
		if !ok {
			t.Fatal("no sum")
		}
		return s
	}
	base := build(image(0, 0), image(0, 0))
	want := sum(base)
	named := build(image(0, 0), image(0, 0))
	named.Name, named.Identity.PatientName = "another", "Doe^Jane"
	if sum(named) != want || len(want) != 64 {
		t.Error("the sum depends on names:", want)
	}
	for what, got := range map[string]string{
		"voxel": sum(build(image(0, 0), image(0, 9))), "place": sum(build(image(0, 0), image(1, 0))), "T2W": sum(build(image(1, 0), image(0, 0))),
		"offset": sum(base, prep.Moved{Series: "adc", MM: geom.Vec3{0, 0, 1}}),
	} {
		if got == want {
			t.Errorf("another %s gives the same sum", what)
		}
	}
	if _, ok := InputSum(build(image(0, 0), nil), recipe, nil); ok {
		t.Error("an exam without ADC has a sum")
	}
}
