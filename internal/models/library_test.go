package models

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// facts are those of a training on phantoms.
func facts() *modelcard.TrainingFacts {
	return &modelcard.TrainingFacts{Steps: 10, Batch: 2, Beta: 1e-4, LearningRate: 1e-4, LearningRateTo: 1e-7,
		Data: modelcard.DataFacts{Kind: "randomised phantoms", Description: "randomised phantoms", Synthetic: true, Fingerprint: strings.Repeat("ab", 32)}}
}

// writeTrained writes a tiny network that says it was trained, with weights drawn from seed.
func writeTrained(t testing.TB, path string, task modelcard.Task, loss string, seed uint64) nets.Weights {
	t.Helper()
	p, err := nets.FindPreset("tiny", task)
	if err != nil {
		t.Fatal(err)
	}
	w, err := nets.Init(p.Config, seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteTrained(path, p.Config, w, modelcard.Card{Name: "tiny " + loss, Recipe: p.Recipe, Loss: loss, WeightSeed: seed, Training: facts()}); err != nil {
		t.Fatal(err)
	}
	return w
}

// bundle makes a library of tiny trained models, packed as the bundled ones are.
func bundle(t testing.TB, names ...string) (*Library, fstest.MapFS) {
	t.Helper()
	files := fstest.MapFS{"README.md": {Data: []byte("no model")}}
	for i, name := range names {
		task, loss, _ := strings.Cut(name, "-")
		dir := t.TempDir()
		plain, packed := filepath.Join(dir, "plain.onnx"), filepath.Join(dir, "packed.onnx")
		writeTrained(t, plain, modelcard.Task(task), strings.ToUpper(loss), uint64(i))
		f, err := inference.ReadFile(plain)
		if err != nil {
			t.Fatal(err)
		}
		if err := Pack(f, packed, nil); err != nil {
			t.Fatal(err)
		}
		onnx, err := os.ReadFile(packed)
		if err != nil {
			t.Fatal(err)
		}
		files[name+".onnx"] = &fstest.MapFile{Data: onnx}
	}
	return NewLibrary(files), files
}

func TestALibraryListsItsModelsByTaskAndLoss(t *testing.T) {
	l, files := bundle(t, "diagnosis-db", "anatomy-fl", "anatomy-bce", "anatomy-zz", "diagnosis-ce", "anatomy-ce")
	list, err := l.List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range list {
		names = append(names, b.Name)
		f, err := l.Read(b.Name)
		if err != nil || f.SHA256 != b.SHA256 || f.Card.Name != b.Card.Name || b.Bytes != int64(len(files[b.Name+".onnx"].Data)) {
			t.Errorf("%s: %+v, %v", b.Name, b, err)
		}
		if b.Card.State() != modelcard.SyntheticOnly || b.Card.Storage != modelcard.Float16 || !strings.Contains(b.Card.IntendedUse, "phantoms only") {
			t.Errorf("%s says of itself %+v", b.Name, b.Card)
		}
	}
	if got := strings.Join(names, " "); got != "anatomy-ce anatomy-bce anatomy-fl anatomy-zz diagnosis-ce diagnosis-db" {
		t.Errorf("order: %s", got)
	}
	if b, ok := l.Best(modelcard.Anatomy); !ok || b.Name != preferred[modelcard.Anatomy] {
		t.Errorf("best anatomy model: %v, %v", b.Name, ok)
	}
	if b, ok := l.Best("liver"); ok {
		t.Errorf("best model of no task: %v", b.Name)
	}
	sparse, _ := bundle(t, "anatomy-zz")
	if b, ok := sparse.Best(modelcard.Anatomy); !ok || b.Name != "anatomy-zz" {
		t.Errorf("the only anatomy model is not the best: %v, %v", b.Name, ok)
	}
}

func TestANameIsABundledModelAndAPathAFile(t *testing.T) {
	l, _ := bundle(t, "anatomy-ce")
	t.Chdir(t.TempDir())
	writeTrained(t, "anatomy-ce", modelcard.Diagnosis, "FL", 9) // a file of the same name
	for model, task := range map[string]modelcard.Task{"anatomy-ce": modelcard.Anatomy, "./anatomy-ce": modelcard.Diagnosis} {
		if f, err := l.Read(model); err != nil || f.Card.Task != task {
			t.Errorf("%s: %v", model, err)
		}
	}
	if _, err := l.Read("anatomy-xe"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "anatomy-ce") {
		t.Errorf("a wrong name: %v", err)
	}
	if _, err := l.Read("gone.onnx"); !errors.Is(err, inference.ErrModel) {
		t.Errorf("a file that is not there: %v", err)
	}
	empty := NewLibrary(fstest.MapFS{})
	if list, err := empty.List(); err != nil || len(list) != 0 {
		t.Errorf("an empty library: %v, %v", list, err)
	}
	if _, err := empty.Read("anatomy-xe"); !errors.Is(err, ErrUnknown) {
		t.Errorf("an empty library: %v", err)
	}
}

func TestADamagedLibrarySaysSoAndLeavesFilesUsable(t *testing.T) {
	_, files := bundle(t, "anatomy-ce")
	files["anatomy-fl.onnx"] = &fstest.MapFile{Data: files["anatomy-ce.onnx"].Data[:1000]}
	l := NewLibrary(files)
	if _, err := l.List(); err == nil || !strings.Contains(err.Error(), "anatomy-fl.onnx") {
		t.Errorf("List: %v", err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	writeTrained(t, path, modelcard.Anatomy, "CE", 1)
	if _, err := l.Read(path); err != nil {
		t.Errorf("a file beside a damaged library: %v", err)
	}
}

// TestAPackedModelSamplesAsRoundedWeights: packing rounds the kernels and changes nothing else.
func TestAPackedModelSamplesAsRoundedWeights(t *testing.T) {
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	dir := t.TempDir()
	plain, rounded, packed := filepath.Join(dir, "plain.onnx"), filepath.Join(dir, "rounded.onnx"), filepath.Join(dir, "packed.onnx")
	w := writeTrained(t, plain, modelcard.Anatomy, "CE", 4)
	f, err := inference.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	if err := Pack(f, packed, func(c *modelcard.Card) { c.Name = "packed" }); err != nil {
		t.Fatal(err)
	}
	p, err := nets.FindPreset("tiny", modelcard.Anatomy)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteTrained(rounded, p.Config, nets.AsStored(w, modelcard.Float16), f.Card); err != nil {
		t.Fatal(err)
	}
	a, b := sampled(t, env, packed), sampled(t, env, rounded)
	if a.Card.Name != "packed" || a.Card.Training.Data.Fingerprint != f.Card.Training.Data.Fingerprint {
		t.Errorf("card %+v", a.Card)
	}
	worst := 0.0
	for class := range a.Mean {
		for i, v := range a.Mean[class].Data() {
			worst = math.Max(worst, math.Abs(float64(v-b.Mean[class].Data()[i])))
		}
	}
	if !(worst <= 1e-6) {
		t.Errorf("means differ by %g", worst)
	}
}

// sampled draws two samples of a model file on a made-up image.
func sampled(t *testing.T, env *ort.Env, path string) *inference.Prediction {
	t.Helper()
	m, err := BuiltIn().Open(t.Context(), devices.New(env, devices.Options{}), path, devices.Use{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r := m.Card().Recipe
	g, err := geom.NewGrid(r.Size, geom.Vec3{}, r.SpacingMM, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.NewFloat32(1, len(r.Channels), r.Size[2], r.Size[1], r.Size[0])
	for i := range in.F32 {
		in.F32[i] = float32(i%13)/6 - 1
	}
	s := inference.Sampler{Model: m, Samples: 2, Seed: 3, Clock: time.Now, SnapshotEvery: time.Hour}
	p, err := s.Run(t.Context(), &prep.Prepared{Grid: g, Input: in}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestATrainedModelMustSayHowItWasTrained(t *testing.T) {
	p, err := nets.FindPreset("tiny", modelcard.Anatomy)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "new", "m.onnx")
	if err := WriteTrained(path, p.Config, nil, modelcard.Card{Recipe: p.Recipe, Loss: "CE"}); !errors.Is(err, ErrUntold) {
		t.Errorf("without facts: %v", err)
	}
	writeTrained(t, path, modelcard.Anatomy, "CE", 1)
	card, _, err := Card(path)
	if err != nil || !card.Trained || card.TrainedOn != "randomised phantoms" || card.IntendedUse == "" || card.Training == nil {
		t.Errorf("%+v, %v", card, err)
	}
	onnx, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := filepath.Join(t.TempDir(), "spoilt.onnx") // the graph of another grid than the card's
	if err := os.WriteFile(spoilt, bytes.Replace(onnx, []byte(`"size":[32,32,8]`), []byte(`"size":[32,31,8]`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Card(spoilt); !errors.Is(err, inference.ErrModel) || !strings.Contains(err.Error(), "but its card says") {
		t.Errorf("a graph that does not fit its card: %v", err)
	}
}
