package fold_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/devices/devicestest"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/training"
	"bayeslice/training/fold"
)

var (
	testSize    = [3]int{8, 6, 4} // columns, rows, slices
	testSpacing = geom.Vec3{2, 2.5, 5}
)

const voxels = 8 * 6 * 4

// noisy is a network without a network: csPCa has the logistic of the image plus the latent.
type noisy struct{}

func (noisy) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	out := tensor.NewFloat32(1, 2, testSize[2], testSize[1], testSize[0])
	copy(out.F32, probabilities(in["image"].F32, in["z"].F32[0]))
	return map[string]*tensor.Tensor{"p": out}, ctx.Err()
}
func (noisy) Device() string { return "test" }
func (noisy) Close() error   { return nil }

func probabilities(image []float32, z float32) []float32 {
	out := make([]float32, 2*voxels)
	for i := range voxels {
		p := 1 / (1 + math.Exp(-float64(image[i]+z)))
		out[i], out[voxels+i] = float32(1-p), float32(p)
	}
	return out
}

func testModel(t *testing.T) *inference.Model {
	t.Helper()
	c := modelcard.Card{Format: modelcard.Version, Name: "test", Task: modelcard.Diagnosis, Classes: []string{"background", "csPCa"}, Input: "image", Output: "p", Latent: 1,
		Noise: []modelcard.Noise{{Name: "z", Kind: modelcard.Normal, Shape: []int{1, 1}}}}
	c.Recipe = prep.PaperRecipe(true)
	c.Recipe.Size, c.Recipe.SpacingMM = testSize, testSpacing
	m, err := inference.NewModel(inference.Parts{Card: c, SHA256: "abc", Suffix: noisy{}, Carried: []string{"image"}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// set is exams in memory; each has a patient.
type set []*training.Example

func (s set) Len() int             { return len(s) }
func (s set) Patient(i int) string { return "patient of " + s[i].Exam }
func (s set) Example(_ context.Context, i int) (*training.Example, error) {
	if s[i].Image == nil {
		return nil, training.BadExample(s[i].Exam, "it is gone")
	}
	return s[i], nil
}

// exam has a lesion of a number of voxels, which the image shows, and a spot of the same size that is none.
func exam(name string, lesion int) *training.Example {
	x := &training.Example{Exam: name, Image: tensor.NewFloat32(1, 3, testSize[2], testSize[1], testSize[0]), Label: make([]uint8, voxels)}
	for i := range voxels {
		x.Image.F32[i] = -3
	}
	for i := range lesion {
		x.Label[50+i] = 1
		x.Image.F32[50+i], x.Image.F32[100+i] = 2, 0.5
	}
	return x
}

// The prediction is the mean over executions whose noise follows from seed and name; what is measured of it is what
// package evaluate measures of that mean, computed here anew.
func TestWhatIsMeasuredIsTheMeanOfTheExecutions(t *testing.T) {
	const samples, seed = 7, 3
	m, exams := testModel(t), set{exam("a", 6), exam("b", 0), exam("c", 3)}
	var told []int
	r, err := fold.Evaluate(context.Background(), m, exams, fold.Options{Samples: samples, Seed: seed, Progress: func(done, total int) { told = append(told, done, total) }})
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range exams {
		noise := inference.NewNoise(m.Card(), fold.NoiseSeed(seed, x.Exam))
		drawn := noise.Tensors()
		mean := make([]float64, 2*voxels)
		for s := range samples {
			if err := noise.Fill(s, drawn); err != nil {
				t.Fatal(err)
			}
			for i, p := range probabilities(x.Image.F32, drawn["z"].F32[0]) {
				mean[i] += float64(p) / samples
			}
		}
		nll, soft, sum := 0.0, 0.0, 0.0
		for i, y := range x.Label {
			nll -= math.Log(mean[int(y)*voxels+i]) / voxels
			soft += 2 * mean[voxels+i] * float64(y)
			sum += mean[voxels+i] + float64(y)
		}
		row := r.Rows[n]
		if row.ID != x.Exam || row.Patient != "patient of "+x.Exam || math.Abs(row.Calibration.NLL-nll) > 1e-6 {
			t.Errorf("%s: %+v, NLL should be %g", x.Exam, row, nll)
		}
		if s := row.Structures[0].SoftDice; s == nil || math.Abs(*s-soft/sum) > 1e-6 {
			t.Errorf("%s: soft Dice %v, want %g", x.Exam, s, soft/sum)
		}
		if want := float64(slices.Max(x.Label)) * float64(count(x.Label)) * 2 * 2.5 * 5 / 1000; math.Abs(row.Structures[0].ReferenceML-want) > 1e-9 {
			t.Errorf("%s: %g mL, want %g", x.Exam, row.Structures[0].ReferenceML, want)
		}
	}
	if len(told) == 0 || told[len(told)-2] != 3*samples || told[len(told)-1] != 3*samples {
		t.Errorf("progress %v", told)
	}
	if want := "the mean of 7 executions with noise of seed 3, measured on the network's own grid, 8 × 6 × 4 voxels of 2 × 2.5 × 5 mm"; r.Method != want {
		t.Errorf("%q", r.Method)
	}
}

func count(label []uint8) int {
	n := 0
	for _, c := range label {
		n += int(c)
	}
	return n
}

// An exam's figures do not depend on the exams beside it, and do on the seed.
func TestNoiseFollowsTheExam(t *testing.T) {
	m, ctx := testModel(t), context.Background()
	row := func(o fold.Options, exams ...*training.Example) evaluate.Row {
		r, err := fold.Evaluate(ctx, m, set(exams), o)
		if err != nil {
			t.Fatal(err)
		}
		return r.Rows[len(r.Rows)-1]
	}
	a := row(fold.Options{Samples: 2}, exam("a", 6))
	if b := row(fold.Options{Samples: 2}, exam("b", 2), exam("c", 0), exam("a", 6)); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
	if b := row(fold.Options{Samples: 2, Seed: 1}, exam("a", 6)); a.Calibration.NLL == b.Calibration.NLL {
		t.Error("another seed gives the same executions")
	}
}

func TestExamsThatCannotBeUsed(t *testing.T) {
	m, ctx := testModel(t), context.Background()
	wrong := exam("wrong", 2)
	wrong.Label[7] = 2
	exams := set{exam("a", 6), {Exam: "gone"}, wrong, exam("d", 0)}
	if _, err := fold.Evaluate(ctx, m, exams, fold.Options{Samples: 1}); !errors.Is(err, training.ErrExample) {
		t.Errorf("gone: %v", err)
	}
	r, err := fold.Evaluate(ctx, m, exams, fold.Options{Samples: 1, Skip: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Exams != 2 || len(r.Problems) != 2 || !strings.Contains(r.Problems[0].Text, "gone") || !strings.Contains(r.Problems[1].Text, "class 2") {
		t.Errorf("%d exams, %v", r.Exams, r.Problems)
	}
	if _, err := fold.Evaluate(ctx, m, exams[1:2], fold.Options{Samples: 1, Skip: true}); !errors.Is(err, evaluate.ErrExam) {
		t.Errorf("none: %v", err)
	}
	if _, err := fold.Evaluate(ctx, m, exams, fold.Options{Samples: 1, Settings: evaluate.Settings{Bins: -1}}); !errors.Is(err, evaluate.ErrSettings) {
		t.Errorf("bins: %v", err)
	}
}

// Cancelled while it samples, it gives no result: one of fewer executions would be another figure.
func TestCancelling(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := fold.Evaluate(ctx, testModel(t), set{exam("a", 6), exam("b", 1)}, fold.Options{Samples: 50, Progress: func(done, _ int) {
		if done == 60 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestShownExamAndReaders(t *testing.T) {
	m, ctx := testModel(t), context.Background()
	exams := set{exam("a", 6), exam("b", 0), exam("c", 1), exam("d", 3), {Exam: "gone"}}
	show, err := fold.Typical(ctx, exams)
	if err != nil || show != "d" { // of 1, 3 and 6 voxels
		t.Fatalf("%q, %v", show, err)
	}
	if none, err := fold.Typical(ctx, set{exam("b", 0)}); none != "" || err != nil {
		t.Errorf("%q, %v", none, err)
	}
	r, err := fold.Evaluate(ctx, m, exams[:4], fold.Options{Samples: 2, Show: show, Settings: evaluate.Settings{Bootstrap: metrics.Bootstrap{Rounds: 10}},
		Readers: func(_ context.Context, name string) ([]float32, error) {
			if name == "b" {
				return nil, nil // not known
			}
			shares := make([]float32, 2*voxels)
			for i := range voxels {
				shares[i], shares[voxels+i] = 0.75, 0.25
			}
			return shares, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Examples) != 1 || r.Examples[0].Exam != "d" || len(r.Examples[0].Image) == 0 {
		t.Errorf("%d examples", len(r.Examples))
	}
	for _, row := range r.Rows {
		if (row.Readers != nil) != (row.ID != "b") {
			t.Errorf("%s: readers %+v", row.ID, row.Readers)
		}
	}
	sick := errors.New("no reader today")
	if _, err := fold.Evaluate(ctx, m, exams[:1], fold.Options{Samples: 1, Readers: func(context.Context, string) ([]float32, error) { return nil, sick }}); !errors.Is(err, sick) {
		t.Errorf("%v", err)
	}
}

// A device that is lost in the middle of an exam's executions changes no figure, is told, and stands in the method.
func TestALostDeviceIsToldAndInTheMethod(t *testing.T) {
	machine := devicestest.New(t)
	c := nets.PaperM1(modelcard.Diagnosis)
	c.Size, c.Filters = [3]int{4, 16, 16}, [nets.Levels]int{4, 4, 4, 4, 4}
	c.Reduction, c.Latent, c.Head = 2, 2, [2]int{2, 2}
	r := prep.PaperRecipe(true)
	r.Size = [3]int{16, 16, 4}
	w, err := nets.Init(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "small.onnx")
	if err := nets.WriteModel(path, c, w, modelcard.Card{Name: "small", Recipe: r}); err != nil {
		t.Fatal(err)
	}
	var exams set
	for _, name := range []string{"a", "b"} {
		x := &training.Example{Exam: name, Image: tensor.NewFloat32(1, 3, 4, 16, 16), Label: make([]uint8, 4*16*16)}
		for i := range x.Image.F32 {
			x.Image.F32[i] = float32((i+len(exams))%17) / 8
		}
		copy(x.Label[500:], []uint8{1, 1, 1, 1})
		exams = append(exams, x)
	}
	measured := func(p ort.Provider) (*evaluate.Result, []string) {
		t.Helper()
		var told []string
		// The first executions of the part after the noise measure the device, in a session of their own.
		use := devices.Use{Session: ort.SessionOptions{Provider: p}}
		got, err := fold.Write(t.Context(), path, models.On(t.Context(), machine.Set(devices.Options{}), use), exams, t.TempDir(), false,
			fold.Options{Samples: 3, Moved: func(note string) { told = append(told, note) }}, fold.About{})
		if err != nil {
			t.Fatal(err)
		}
		return got, told
	}
	want, none := measured(ort.CPU)
	machine.Seconds[devicestest.GPU], machine.Seconds[devicestest.GPUSlices] = 1, 2 // so that the plain lowering is the faster one
	machine.Fail[devicestest.GPU] = devicestest.FailAt(5, devicestest.Lost)
	got, told := measured(ort.WebGPU)
	const note = "b, from sample 2 on: WebGPU (made up) failed (GPUDevice lost: the driver was reset), so that CPU (made up) takes over"
	if len(none) > 0 || len(told) != 1 || !strings.HasPrefix(told[0], note) || !strings.Contains(got.Method, "; "+note) {
		t.Errorf("told %q, %q; method %q", none, told, got.Method)
	}
	for i := range want.Rows {
		if a, b := want.Rows[i].Calibration.NLL, got.Rows[i].Calibration.NLL; !(math.Abs(a-b) <= 1e-6) {
			t.Errorf("%s: NLL %g, on the CPU alone %g", want.Rows[i].ID, b, a)
		}
	}
}
