package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
	"bayeslice/training/loss"
	"bayeslice/training/step"
)

// underLimit tells a child process of these tests what to do, "sample", "step" or "convolution", and how many MB it may take beside what it has.
const underLimit = "BAYESLICE_TEST_UNDER_LIMIT"

// outcome is what a child process prints.
type outcome struct {
	Grown  int64   // MB of data that the work took beside what was there before
	Result float64 // of the work
	Device string  // that did it in the end
	Moved  string  // why it is not the first one
	Err    string
	Memory bool // the error is want of memory
}

// wide is M1 with hardly any filters on the paper's grid: little work, much memory.
func wide(task modelcard.Task) nets.Config {
	c := nets.PaperM1(task)
	c.Filters = [nets.Levels]int{4, 4, 4, 4, 4}
	c.Reduction, c.Latent, c.Head = 2, 2, [2]int{4, 2}
	return c
}

// data is how much memory of its own this process has mapped, bytes: what RLIMIT_DATA limits.
func data(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmData:" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("no VmData")
	return 0
}

// TestUnderALimit is the child process of the test below; it does nothing else.
func TestUnderALimit(t *testing.T) {
	kind, most, ok := strings.Cut(os.Getenv(underLimit), " ")
	if !ok {
		t.Skip("this is the child process of another test")
	}
	mb, err := strconv.ParseInt(most, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	spare := make([]byte, 96<<20) // Go's own memory is not what is short
	for i := 0; i < len(spare); i += 4096 {
		spare[i] = 1
	}
	spare = nil
	_ = spare
	before := int64(0)
	limit := func() {
		before = data(t)
		if mb > 0 {
			r := unix.Rlimit{Cur: uint64(before + mb<<20), Max: uint64(before + mb<<20)}
			if err := unix.Setrlimit(unix.RLIMIT_DATA, &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	work := map[string]func(*testing.T, *devices.Set, func()) (outcome, error){"sample": sampleWide, "step": stepWide, "convolution": convolve}[kind]
	out, err := work(t, devices.New(env, devices.Options{}), limit)
	out.Grown = (data(t) - before) >> 20
	if err != nil {
		out.Err, out.Memory = err.Error(), errors.Is(err, ort.ErrMemory)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\noutcome: %s\n", text)
}

// sampleWide draws two samples. The limit holds once the model is open.
func sampleWide(t *testing.T, d *devices.Set, limit func()) (outcome, error) {
	c := wide(modelcard.Anatomy)
	path := filepath.Join(t.TempDir(), "wide.onnx")
	w, err := nets.Init(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := nets.WriteModel(path, c, w, modelcard.Card{Name: "wide", Recipe: prep.PaperRecipe(false), WeightSeed: 1}); err != nil {
		t.Fatal(err)
	}
	f, err := inference.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := f.Card.Recipe
	g, err := geom.NewGrid(r.Size, geom.Vec3{}, r.SpacingMM, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.NewFloat32(1, 1, r.Size[2], r.Size[1], r.Size[0])
	for i := range in.F32 {
		in.F32[i] = float32(i%13)/6 - 1
	}
	m, err := f.Load(context.Background(), On(context.Background(), d, devices.Use{}))
	if err != nil {
		return outcome{}, err
	}
	limit()
	s := inference.Sampler{Model: m, Samples: 2, Seed: 3, StoreBytes: -1}
	p, err := s.Run(context.Background(), &prep.Prepared{Grid: g, Input: in}, nil)
	if err != nil {
		return outcome{}, err
	}
	sum := 0.0
	for i, v := range p.Mean[1].Data() {
		sum += float64(v) * float64(1+i%7)
	}
	return outcome{Result: sum, Device: p.Device, Moved: m.Moved()}, nil
}

// stepWide computes a training step. The limit holds once it is open.
func stepWide(t *testing.T, d *devices.Set, limit func()) (outcome, error) {
	c := step.Config{Net: wide(modelcard.Anatomy), Loss: loss.Options{Kind: loss.CE}, Beta: 0.1}
	c.Net.Size = [3]int{20, 96, 96}
	s, err := step.New(c)
	if err != nil {
		t.Fatal(err)
	}
	w, err := nets.Init(c.Net, 1)
	if err != nil {
		t.Fatal(err)
	}
	in := inference.NewNoise(modelcard.Card{Noise: s.Noise}, 1).Tensors()
	for _, n := range s.Graph.Inputs() {
		switch {
		case in[n.Name()] != nil:
		case w[n.Name()] != nil:
			in[n.Name()] = w[n.Name()]
		default:
			in[n.Name()] = tensor.NewFloat32(n.Shape()...)
			for i := range in[n.Name()].F32 {
				in[n.Name()].F32[i] = float32(i % 2)
			}
		}
	}
	r, err := Each(context.Background(), d, devices.Use{})(s.Graph)
	if err != nil {
		return outcome{}, err
	}
	limit()
	out, err := r.Run(context.Background(), in)
	if err != nil {
		return outcome{}, err
	}
	_, _, _, why := r.(*devices.Runner).Moved()
	return outcome{Result: float64(out[step.LossName].F32[0]), Device: r.Device(), Moved: why}, nil
}

// convolve computes one convolution, whose tiles are three times as large as itself.
func convolve(t *testing.T, d *devices.Set, limit func()) (outcome, error) {
	g, err := graph.Build("convolution", func(b *graph.Builder) {
		one := []int{1, 1, 1}
		b.Output("y", b.Conv(b.Input("x", tensor.Float32, 1, 64, 8, 80, 80), b.Param("w", 64, 64, 3, 3, 3), nil, graph.ConvOptions{Begin: one, End: one}))
	})
	if err != nil {
		t.Fatal(err)
	}
	w, x := tensor.NewFloat32(64, 64, 3, 3, 3), tensor.NewFloat32(1, 64, 8, 80, 80)
	for i := range w.F32 {
		w.F32[i] = float32(i%5) / 10
	}
	for i := range x.F32 {
		x.F32[i] = float32(i%7) / 10
	}
	if g, err = g.Bind(map[string]*tensor.Tensor{"w": w}); err != nil {
		t.Fatal(err)
	}
	r, err := d.Open(context.Background(), g, devices.Use{OnCPU: rewrite.Tiles})
	if err != nil {
		return outcome{}, err
	}
	limit()
	out, err := r.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
	if err != nil {
		return outcome{}, err
	}
	_, _, _, why := r.Moved()
	sum := 0.0
	for _, v := range out["y"].F32 {
		sum += float64(v)
	}
	return outcome{Result: sum, Device: r.Device(), Moved: why}, nil
}

// limited runs a child process under a limit of its memory, 0 for none.
func limited(t *testing.T, kind string, mb int64) outcome {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run", "^TestUnderALimit$")
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", underLimit, kind, mb))
	text, err := c.CombinedOutput()
	_, line, ok := strings.Cut(string(text), "\noutcome: ")
	if err != nil || !ok {
		t.Fatalf("%s under %d MB: the process ended: %v\n%.2000s", kind, mb, err, text)
	}
	line, _, _ = strings.Cut(line, "\n")
	var out outcome
	if err := json.Unmarshal([]byte(line), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Under a real limit of the system the work is done again with less memory, or refused in a sentence, and the process goes on. What is
// limited is the memory of the runtime: where Go itself gets none, a program ends, whatever it does.
func TestWantOfMemoryUnderARealLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("several processes")
	}
	if _, err := ort.Open(ort.Options{Provider: "cpu", Threads: 2}); err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	// Whether less than what was taken is enough depends on how the runtime's memory happens to grow, but not for the tiles.
	for kind, shares := range map[string][]int64{"sample": {90, 75, 60, 45}, "step": {90, 60, 30}, "convolution": {70, 60}} {
		t.Run(kind, func(t *testing.T) {
			free := limited(t, kind, 0)
			if free.Err != "" || free.Moved != "" {
				t.Fatalf("without a limit: %+v", free)
			}
			under := func(share int64) outcome {
				t.Helper()
				out := limited(t, kind, free.Grown*share/100)
				t.Logf("%d of %d MB: %+v", free.Grown*share/100, free.Grown, out)
				switch {
				case out.Err != "" && (!out.Memory || !strings.Contains(out.Err, "smaller model") || !strings.Contains(out.Err, "sparing memory did not help")):
					t.Errorf("refused by %q", out.Err)
				case out.Err == "" && math.Abs(out.Result-free.Result) > 1e-4*math.Abs(free.Result):
					t.Errorf("the result is %g, without a limit %g", out.Result, free.Result)
				case out.Moved != "" && (!strings.Contains(out.Moved, free.Device+" has not enough memory") || !strings.Contains(out.Device, "sparing memory")):
					t.Errorf("told: %q on %q", out.Moved, out.Device)
				}
				return out
			}
			for _, share := range shares {
				out := under(share)
				switch {
				case kind == "convolution" && out.Moved == "":
					t.Error("the tiles fitted, or sparing did not help")
				case share < 50 && out.Err == "":
					t.Error("less than half of the memory was enough")
				}
			}
		})
	}
}
