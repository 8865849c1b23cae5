package ort

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// openEnv opens the runtime, or skips the test where there is none.
func openEnv(t testing.TB) *Env {
	t.Helper()
	e, err := Open(Options{})
	if errors.Is(err, ErrLibrary) {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(t testing.TB, g *pb.Graph) []byte {
	t.Helper()
	var b bytes.Buffer
	m := pb.Model{IRVersion: 8, Opsets: []pb.Opset{{Version: 17}}, Graph: g}
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func info(name string, t pb.DataType, dims ...int64) pb.ValueInfo {
	return pb.ValueInfo{Name: name, Type: t, Dims: dims}
}

// whereModel is y = Where(keep, x, 0·x) + k·1 with a bool and an int64 input, and an output count
// of the kept elements.
func whereModel(t testing.TB) []byte {
	return encode(t, &pb.Graph{
		Name: "where",
		Nodes: []*pb.Node{
			{OpType: "Sub", Inputs: []string{"x", "x"}, Outputs: []string{"zero"}},
			{OpType: "Where", Inputs: []string{"keep", "x", "zero"}, Outputs: []string{"kept"}},
			{OpType: "Cast", Inputs: []string{"k"}, Outputs: []string{"kf"}, Attributes: []pb.Attribute{{Name: "to", Type: pb.AttrInt, I: 1}}},
			{OpType: "Add", Inputs: []string{"kept", "kf"}, Outputs: []string{"y"}},
			{OpType: "Not", Inputs: []string{"keep"}, Outputs: []string{"dropped"}},
			{OpType: "Add", Inputs: []string{"k", "k"}, Outputs: []string{"twice"}},
		},
		Inputs:  []pb.ValueInfo{info("x", pb.Float, 2, 2), info("keep", pb.Bool, 2, 2), info("k", pb.Int64, 1)},
		Outputs: []pb.ValueInfo{info("y", pb.Float, 2, 2), info("dropped", pb.Bool, -1, 2), info("twice", pb.Int64, 1)},
	})
}

// slowModel is a chain of convolutions: seconds of work in short operators.
func slowModel(t testing.TB, layers int) []byte {
	const c, d, h, w = 16, 10, 64, 64
	weight := make([]float32, c*c*27)
	for i := range weight {
		weight[i] = 0.01
	}
	g := &pb.Graph{Name: "slow", Initializers: []*pb.Tensor{{Name: "w", Type: pb.Float, Dims: []int64{c, c, 3, 3, 3}, F32: weight}},
		Inputs: []pb.ValueInfo{info("x", pb.Float, 1, c, d, h, w)}}
	from := "x"
	for i := range layers {
		to := "y" + strings.Repeat("'", i)
		g.Nodes = append(g.Nodes, &pb.Node{OpType: "Conv", Inputs: []string{from, "w"}, Outputs: []string{to},
			Attributes: []pb.Attribute{{Name: "pads", Type: pb.AttrInts, Ints: []int64{1, 1, 1, 1, 1, 1}}}})
		from = to
	}
	g.Outputs = []pb.ValueInfo{info(from, pb.Float, 1, c, d, h, w)}
	return encode(t, g)
}

func slowInput() map[string]*tensor.Tensor {
	return map[string]*tensor.Tensor{"x": tensor.NewFloat32(1, 16, 10, 64, 64)}
}

func open(t testing.TB, e *Env, onnx []byte, o SessionOptions) *Session {
	t.Helper()
	s, err := e.NewSession(onnx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func whereInput() map[string]*tensor.Tensor {
	return map[string]*tensor.Tensor{
		"x":    tensor.FromFloat32([]float32{1, 2, 3, 4}, 2, 2),
		"keep": tensor.FromBool([]uint8{1, 0, 0, 1}, 2, 2),
		"k":    tensor.FromInt64([]int64{10}, 1),
	}
}

func TestRunPassesEveryElementType(t *testing.T) {
	s := open(t, openEnv(t), whereModel(t), SessionOptions{})
	for range 3 { // results of one run do not share memory with the next
		out, err := s.Run(context.Background(), whereInput())
		if err != nil {
			t.Fatal(err)
		}
		if got := out["y"]; !slices.Equal(got.F32, []float32{11, 10, 10, 14}) || !slices.Equal(got.Shape, []int{2, 2}) {
			t.Errorf("y = %+v", got)
		}
		if got := out["dropped"]; got.Type != tensor.Bool || !slices.Equal(got.U8, []uint8{0, 1, 1, 0}) {
			t.Errorf("dropped = %+v", got)
		}
		if got := out["twice"]; !slices.Equal(got.I64, []int64{20}) {
			t.Errorf("twice = %+v", got)
		}
		out["y"].F32[0] = -1
	}
	if !strings.HasPrefix(s.Device(), "CPU (ONNX Runtime 1.") || len(s.Fallbacks()) != 0 {
		t.Errorf("Device = %q, Fallbacks = %v", s.Device(), s.Fallbacks())
	}
}

func TestRunRefusesInputsThatDoNotFit(t *testing.T) {
	s := open(t, openEnv(t), whereModel(t), SessionOptions{})
	for name, spoil := range map[string]func(in map[string]*tensor.Tensor){
		`input "keep" is missing`:     func(in map[string]*tensor.Tensor) { delete(in, "keep") },
		`the model has no input "z"`:  func(in map[string]*tensor.Tensor) { in["z"] = in["x"] },
		"is float32, want bool":       func(in map[string]*tensor.Tensor) { in["keep"] = in["x"] },
		"has shape [4], want [2 2]":   func(in map[string]*tensor.Tensor) { in["x"] = tensor.NewFloat32(4) },
		"has shape [2 3], want [2 2]": func(in map[string]*tensor.Tensor) { in["x"] = tensor.NewFloat32(2, 3) },
		"holds 3 elements, its shape [2": func(in map[string]*tensor.Tensor) {
			in["x"] = &tensor.Tensor{Shape: []int{2, 2}, F32: make([]float32, 3)}
		},
	} {
		in := whereInput()
		spoil(in)
		if _, err := s.Run(context.Background(), in); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), name) {
			t.Errorf("error = %v, want ErrInput with %q", err, name)
		}
	}
}

func TestNewSessionRefusesWhatIsNoModel(t *testing.T) {
	e := openEnv(t)
	bad := encode(t, &pb.Graph{Name: "bad", Nodes: []*pb.Node{{OpType: "NoSuchOperator", Inputs: []string{"x"}, Outputs: []string{"y"}}},
		Inputs: []pb.ValueInfo{info("x", pb.Float, 1)}, Outputs: []pb.ValueInfo{info("y", pb.Float, 1)}})
	huge := encode(t, &pb.Graph{Name: "huge", Inputs: []pb.ValueInfo{info("x", pb.Float, 1<<20, 1<<20)}, Outputs: []pb.ValueInfo{info("x", pb.Float, 1)}})
	for name, data := range map[string][]byte{"empty": nil, "text": []byte("hello, this is no model"), "operator": bad, "huge": huge, "cut": whereModel(t)[:80]} {
		if _, err := e.NewSession(data, SessionOptions{}); !errors.Is(err, ErrModel) {
			t.Errorf("%s: error = %v, want ErrModel", name, err)
		}
	}
}

func TestCancelEndsARunInTheMiddle(t *testing.T) {
	s := open(t, openEnv(t), slowModel(t, 100), SessionOptions{Threads: 1})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	// A run that went on to its end would return no error, however late the context ends.
	if _, err := s.Run(ctx, slowInput()); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v, want context.Canceled", err)
	}
	if _, err := s.Run(context.Background(), slowInput()); err != nil {
		t.Fatalf("the session cannot be used after a cancelled run: %v", err)
	}
	if _, err := s.Run(ctx, slowInput()); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was cancelled before it began: error = %v", err)
	}
}

func TestCloseDuringRunsEndsThem(t *testing.T) {
	e := openEnv(t)
	s := open(t, e, slowModel(t, 150), SessionOptions{Threads: 1})
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Run(context.Background(), slowInput()) })
	}
	time.Sleep(100 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	for _, err := range errs {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("error = %v, want ErrClosed", err)
		}
	}
	if _, err := s.Run(context.Background(), slowInput()); !errors.Is(err, ErrClosed) {
		t.Errorf("run after close: error = %v, want ErrClosed", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestConcurrentRunsAgree(t *testing.T) {
	s := open(t, openEnv(t), whereModel(t), SessionOptions{ReleaseMemory: true, Optimization: OptimizeNone})
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			in := whereInput()
			in["k"].I64[0] = int64(n)
			out, err := s.Run(context.Background(), in)
			if err != nil || out["twice"].I64[0] != int64(2*n) || out["y"].F32[1] != float32(n) {
				t.Errorf("run %d: %v, %v", n, out, err)
			}
		})
	}
	wg.Wait()
}

func TestExplicitProviderIsNeverTheCPUUnseen(t *testing.T) {
	e := openEnv(t)
	for _, p := range Providers() {
		s, err := e.NewSession(whereModel(t), SessionOptions{Provider: p})
		switch {
		case errors.Is(err, ErrProvider) && !p.onCPU():
			t.Logf("%s: %v", p, err)
		case err != nil:
			t.Errorf("%s: %v", p, err)
		default:
			if !strings.HasPrefix(s.Device(), p.Label()+" (") {
				t.Errorf("%s: runs on %q", p, s.Device())
			}
			out, err := s.Run(context.Background(), whereInput())
			if err != nil || !slices.Equal(out["y"].F32, []float32{11, 10, 10, 14}) || !slices.Equal(out["dropped"].U8, []uint8{0, 1, 1, 0}) {
				t.Errorf("%s: %+v, %v", p, out, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := Open(Options{Provider: "abacus"}); !errors.Is(err, ErrProvider) {
		t.Errorf("unknown provider: error = %v", err)
	}
}

// failingModel gathers an element that its input chooses, and has no check before the operator runs.
func failingModel(t testing.TB) []byte {
	return encode(t, &pb.Graph{Name: "gather",
		Nodes:   []*pb.Node{{OpType: "Gather", Inputs: []string{"x", "at"}, Outputs: []string{"y"}}},
		Inputs:  []pb.ValueInfo{info("x", pb.Float, 4), info("at", pb.Int64, 1)},
		Outputs: []pb.ValueInfo{info("y", pb.Float, 1)}})
}

func TestFailingRunsSayWhere(t *testing.T) {
	s := open(t, openEnv(t), failingModel(t), SessionOptions{})
	in := map[string]*tensor.Tensor{"x": tensor.NewFloat32(4), "at": tensor.FromInt64([]int64{9}, 1)}
	if _, err := s.Run(context.Background(), in); !errors.Is(err, ErrRun) || !strings.Contains(err.Error(), "CPU (ONNX Runtime") {
		t.Errorf("error = %v, want ErrRun and the device", err)
	}
	in["at"].I64[0] = 3
	if _, err := s.Run(context.Background(), in); err != nil {
		t.Errorf("the session cannot be used after a failed run: %v", err)
	}
}

func TestReadPlacement(t *testing.T) {
	profile := `[{"cat":"Session","name":"model_loading"},
	{"cat":"Node","name":"c1_kernel_time","args":{"op_name":"Conv","provider":"WebGpuExecutionProvider"},"dur":60},
	{"cat":"Node","name":"c1_fence_before","args":{"op_name":"Conv"}},
	{"cat":"Node","name":"m_kernel_time","args":{"op_name":"MemcpyToHost","provider":"WebGpuExecutionProvider"}},
	{"cat":"Node","name":"r1_kernel_time","dur":30,"args":{"op_name":"Resize","provider":"CPUExecutionProvider"}},
	{"cat":"Node","name":"r2_kernel_time","dur":10,"args":{"op_name":"Resize","provider":"CPUExecutionProvider"}}]`
	got, err := readPlacement([]byte(profile), WebGPU)
	if err != nil || got.Operators != 3 || got.OnCPU != 2 || got.CPUTime != 0.4 || !slices.Equal(got.names(), []string{"Resize ×2"}) {
		t.Errorf("readPlacement = %+v, %v", got, err)
	}
	if _, err := readPlacement([]byte("[]"), WebGPU); err == nil {
		t.Error("an empty profile was accepted")
	}
}

func TestPlacementReadsARealProfile(t *testing.T) {
	e := openEnv(t)
	in, out, err := ports(whereModel(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.placement(t.Context(), in, out, whereModel(t), SessionOptions{Provider: CPU, Threads: 1, Optimization: OptimizeNone})
	if err != nil || got.Operators != 6 || got.OnCPU != 0 {
		t.Errorf("placement = %+v, %v; want 6 operators on the CPU", got, err)
	}
}

func TestDiagnose(t *testing.T) {
	openEnv(t)
	r := Diagnose(context.Background(), Options{})
	if r.Err != nil || r.Version == "" || r.Library.Path == "" || len(r.Providers) != len(Providers())-1 {
		t.Fatalf("Diagnose = %+v", r)
	}
	for _, p := range r.Providers {
		if p.Works == (p.Device == "") || (!p.Works && p.Note == "") {
			t.Errorf("%+v says neither that it works nor why it does not", p)
		}
	}
	if !r.Providers[0].Works {
		t.Errorf("the CPU does not work: %s", r.Providers[0].Note)
	}
}
