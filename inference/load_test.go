package inference_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/ort"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

var _ inference.Runner = (*ort.Session)(nil)

// tiny is M1 with hardly any filters on 16 × 16 × 4 voxels.
func tiny(task modelcard.Task) (nets.Config, modelcard.Card) {
	c := nets.PaperM1(task)
	c.Size = [3]int{4, 16, 16}
	c.Filters = [nets.Levels]int{4, 8, 8, 16, 16}
	c.Reduction, c.Latent, c.Head = 4, 8, [2]int{8, 4}
	r := prep.PaperRecipe(task == modelcard.Diagnosis)
	r.Size = [3]int{16, 16, 4}
	return c, modelcard.Card{Name: "tiny", Recipe: r, WeightSeed: 3, IntendedUse: "tests", Program: "test"}
}

func writeTiny(t *testing.T, task modelcard.Task) string {
	t.Helper()
	c, card := tiny(task)
	w, err := nets.Init(c, 3)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tiny.onnx")
	if err := nets.WriteModel(path, c, w, card); err != nil {
		t.Fatal(err)
	}
	return path
}

func exam(t testing.TB, card modelcard.Card) *prep.Prepared {
	t.Helper()
	g, err := geom.NewGrid(card.Recipe.Size, geom.Vec3{}, card.Recipe.SpacingMM, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.NewFloat32(1, len(card.Recipe.Channels), g.Size[2], g.Size[1], g.Size[0])
	for i := range in.F32 {
		in.F32[i] = float32(math.Sin(0.37 * float64(i)))
	}
	return &prep.Prepared{Input: in, Grid: g}
}

// counter counts the runs of a session.
type counter struct {
	inference.Runner
	runs *int
}

func (c counter) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	*c.runs++
	return c.Runner.Run(ctx, in)
}

// testProvider names the device on which the tests of this file run, to check one by hand; the
// results are compared with the CPU's.
const testProvider = "BAYESLICE_TEST_PROVIDER"

// runtime opens ONNX Runtime, or skips the test.
func runtime(t *testing.T) *ort.Env {
	t.Helper()
	env, err := ort.Open(ort.Options{Provider: os.Getenv(testProvider)})
	if errors.Is(err, ort.ErrLibrary) {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func opener(env *ort.Env) inference.OpenRunner {
	return func(g *graph.Graph) (inference.Runner, error) { return graphtest.Session(env, g, ort.SessionOptions{}) }
}

func TestSampleAModelFile(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		sampleAModelFile(t, runtime(t), task)
	}
}

// TestSampleOnWebGPU is that of one model on WebGPU, in software where nothing else is installed.
func TestSampleOnWebGPU(t *testing.T) {
	if testing.Short() {
		t.Skip("compiling shaders takes long")
	}
	runtime(t)
	testenv.SoftwareVulkan(t)
	env, err := ort.Open(ort.Options{Provider: string(ort.WebGPU)})
	if err != nil {
		t.Fatal(err)
	}
	if err := env.Available(ort.WebGPU); err != nil {
		testenv.SkipOrFail(t, "webgpu", err.Error())
	}
	sampleAModelFile(t, env, modelcard.Diagnosis)
}

// sampleAModelFile draws samples of an untrained model and compares them with those of its plain graph on the CPU.
func sampleAModelFile(t *testing.T, env *ort.Env, task modelcard.Task) {
	t.Helper()
	path := writeTiny(t, task)
	var runs []*int
	counted := func(o ort.SessionOptions) inference.OpenRunner {
		return func(g *graph.Graph) (inference.Runner, error) {
			s, err := graphtest.Session(env, g, o)
			runs = append(runs, new(int))
			return counter{s, runs[len(runs)-1]}, err
		}
	}
	m, err := inference.LoadWith(context.Background(), path,
		inference.Openers{Once: counted(ort.SessionOptions{ReleaseMemory: true}), Each: counted(ort.SessionOptions{})})
	if errors.Is(err, ort.ErrProvider) {
		testenv.SkipOrFail(t, string(env.Provider()), err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := (&inference.Sampler{Model: m, Samples: 6, Seed: 4}).Run(context.Background(), exam(t, m.Card()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 || *runs[1] != 1 || *runs[0] != 6 {
		t.Errorf("%s: %d parts; the prefix ran %d times, the suffix %d, want 1 and 6", task, len(runs), *runs[1], *runs[0])
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(b); p.ModelSHA != hex.EncodeToString(sum[:]) || !strings.HasPrefix(p.Device, env.Provider().Label()+" (ONNX Runtime ") {
		t.Errorf("%s: SHA %s, device %s", task, p.ModelSHA, p.Device)
	}
	t.Logf("%s on %s; on the CPU: %v", task, p.Device, m.Fallbacks())
	again, err := (&inference.Sampler{Model: m, Samples: 6, Seed: 4}).Run(context.Background(), exam(t, m.Card()), nil)
	if err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("%s: the same seed gives another result (%v)", task, err)
	}
	agreesWithThePlainGraph(t, env, path, p)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// agreesWithThePlainGraph samples the file as it is, without rewriting and cutting, on the CPU.
func agreesWithThePlainGraph(t *testing.T, env *ort.Env, path string, p *inference.Prediction) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := env.NewSession(b, ort.SessionOptions{Provider: ort.CPU, Optimization: ort.OptimizeNone})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	noise := inference.NewNoise(p.Card, p.Seed)
	n := p.Grid.Voxels()
	mean := make([]float64, n*len(p.Card.Classes))
	spread := 0.0
	for k := range p.Samples {
		in := noise.Tensors()
		if err := noise.Fill(k, in); err != nil {
			t.Fatal(err)
		}
		in[p.Card.Input] = exam(t, p.Card).Input
		out, err := s.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out[p.Card.Output].F32 {
			mean[i] += float64(v) / float64(p.Samples)
		}
	}
	worst := 0.0
	for c := range p.Mean {
		for v, got := range p.Mean[c].Data() {
			worst = math.Max(worst, math.Abs(float64(got)-mean[c*n+v]))
			spread = math.Max(spread, float64(p.SD[c].Data()[v]))
		}
	}
	t.Logf("the mean differs by %.2g from the plain graph's on the CPU", worst)
	limit := 2e-5
	if os.Getenv(testProvider) != "" {
		limit = 1e-3
	}
	if !(worst < limit) {
		t.Errorf("the mean differs by %g from the plain graph's", worst)
	}
	if spread < 1e-3 {
		t.Errorf("the samples hardly differ (SD at most %g): the noise does not reach the output", spread)
	}
}

func TestCancelEndsRealSampling(t *testing.T) {
	m, err := inference.Load(context.Background(), writeTiny(t, modelcard.Diagnosis), opener(runtime(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.WarmUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := inference.Sampler{Model: m, Samples: 100000}
	p, err := s.Run(ctx, exam(t, m.Card()), func(p *inference.Prediction) {
		if p.Samples == 5 {
			cancel()
		}
	})
	if err != nil || p.Stop != inference.Cancelled || p.Samples != 5 {
		t.Errorf("%+v, %v", p, err)
	}
}

// unopened fails the test where a model that must be refused is opened.
func unopened(t *testing.T) inference.OpenRunner {
	return func(*graph.Graph) (inference.Runner, error) {
		t.Error("the model was opened")
		return nil, errors.New("opened")
	}
}

func TestLoadRefusesModelsThatDoNotFitTheirCard(t *testing.T) {
	f, err := os.Open(writeTiny(t, modelcard.Anatomy))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := graph.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	good, err := modelcard.Decode(g.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(c *modelcard.Card){
		`does not describe, so that it cannot be fed`: func(c *modelcard.Card) { c.Noise = c.Noise[1:] },
		`an input "extra" that the graph does not have`: func(c *modelcard.Card) {
			c.Noise = append(c.Noise, modelcard.Noise{Name: "extra", Kind: modelcard.Normal, Shape: []int{1}})
		},
		`but its card says float32[1 1 4 16 8]`:        func(c *modelcard.Card) { c.Recipe.Size[0] = 8 },
		`has no output "q"`:                            func(c *modelcard.Card) { c.Output = "q" },
		`is needed for classes ["background" "csPCa"]`: func(c *modelcard.Card) { c.Task, c.Classes = modelcard.Diagnosis, []string{"background", "csPCa"} },
	} {
		card := good
		card.Noise = append([]modelcard.Noise(nil), good.Noise...)
		spoil(&card)
		text, err := card.Encode()
		if err != nil {
			t.Fatal(err)
		}
		_, err = inference.Load(context.Background(), encoded(t, g.WithMetadata(map[string]string{modelcard.MetadataKey: text})), unopened(t))
		if !errors.Is(err, inference.ErrModel) || !strings.Contains(strings.ReplaceAll(err.Error(), " [", "["), strings.ReplaceAll(want, " [", "[")) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
	if _, err := inference.Load(context.Background(), encoded(t, g.WithMetadata(nil)), unopened(t)); !errors.Is(err, inference.ErrModel) || !errors.Is(err, modelcard.ErrCard) {
		t.Errorf("without a card: error = %v", err)
	}
}

func encoded(t *testing.T, g *graph.Graph) string {
	t.Helper()
	var b bytes.Buffer
	if err := g.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return file(t, b.Bytes())
}

func file(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadRefusesWhatIsNoModel(t *testing.T) {
	whole, err := os.ReadFile(writeTiny(t, modelcard.Anatomy))
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "none.onnx"), "folder": t.TempDir(), "empty": file(t, nil),
		"text": file(t, []byte("a text")), "cut": file(t, whole[:len(whole)/2]),
	} {
		if _, err := inference.Load(context.Background(), path, unopened(t)); !errors.Is(err, inference.ErrModel) {
			t.Errorf("%s: error = %v, want ErrModel", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := inference.Load(ctx, file(t, whole), unopened(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error = %v", err)
	}
	broken := errors.New("no device")
	opened := 0
	_, err = inference.Load(context.Background(), file(t, whole), func(*graph.Graph) (inference.Runner, error) {
		if opened++; opened == 2 {
			return nil, broken
		}
		return &closer{}, nil
	})
	if !errors.Is(err, broken) || opened != 2 {
		t.Errorf("second part cannot be opened: error = %v", err)
	}
	if closed != 1 {
		t.Errorf("the first part was closed %d times", closed)
	}
}

// A model that cannot be put together closes what was opened for it.
func TestLoadClosesThePartsOfAModelThatCannotBe(t *testing.T) {
	before, opened := closed, 0
	_, err := inference.Load(context.Background(), writeTiny(t, modelcard.Anatomy), func(*graph.Graph) (inference.Runner, error) {
		if opened++; opened == 2 {
			return nil, nil //nolint:nilnil // an opener that breaks its promise
		}
		return &closer{}, nil
	})
	if err == nil || opened != 2 || closed != before+1 {
		t.Errorf("error = %v; %d parts opened, %d closed, want 2 and 1", err, opened, closed-before)
	}
}

var closed int

type closer struct{ inference.Runner }

func (*closer) Close() error {
	closed++
	return nil
}
