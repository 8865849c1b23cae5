package devices_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"bayeslice/internal/devices"
	"bayeslice/internal/devices/devicestest"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/ort"
)

// plainResults are the CPU's for the first n inputs.
func plainResults(t *testing.T, r *devicestest.Machine, n int) [][]float32 {
	t.Helper()
	s, err := graphtest.Session(r.Env, model(t), ort.SessionOptions{Provider: ort.CPU})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out [][]float32
	for i := range n {
		y, err := s.Run(t.Context(), input(i))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, y["y"].F32)
	}
	return out
}

func TestADeviceLostInTheMiddleIsReplacedInTheOpen(t *testing.T) {
	r := devicestest.New(t)
	r.Seconds = map[devices.Choice]float64{cpu: 3, gpuVolumes: 1, gpuSlices: 2}
	s := r.Set(devices.Options{})
	runner, err := s.Open(t.Context(), model(t), devices.Use{})
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	r.Fail[gpuVolumes] = devicestest.FailAt(4, devicestest.Lost) // of this session
	want := plainResults(t, r, 6)
	for i := range 6 {
		if times, _, _, _ := runner.Moved(); i < 4 && times != 0 {
			t.Errorf("moved before run %d", i)
		}
		out, err := runner.Run(t.Context(), input(i))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out["y"].F32, want[i]) {
			t.Errorf("run %d differs from the CPU's", i)
		}
	}
	times, from, to, why := runner.Moved()
	if times != 1 || from != "WebGPU (made up)" || to != "CPU (made up)" || runner.Device() != to ||
		!strings.Contains(why, "WebGPU (made up) failed (GPUDevice lost: the driver was reset), so that CPU (made up) takes over") {
		t.Errorf("moved %d times, %s to %s: %s", times, from, to, why)
	}
	if got := chosen(t, s, ort.Auto); got != cpu {
		t.Errorf("after its loss the device is chosen again: %+v", got)
	}
	if lost := s.Lost(); lost[ort.WebGPU] == "" {
		t.Errorf("lost: %v", lost)
	}
}

func TestWantOfMemoryIsMetStepByStep(t *testing.T) {
	r := devicestest.New(t)
	r.Missing[ort.CUDA], r.Missing[ort.WebGPU] = false, true
	r.Seconds = map[devices.Choice]float64{cpu: 3, cudaVolumes: 1, cudaSlices: 2}
	runner, err := r.Set(devices.Options{}).Open(t.Context(), model(t), devices.Use{})
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	r.Sessions()
	r.Fail[cudaVolumes], r.Fail[cpu] = devicestest.FailAt(1, devicestest.OutOfMemory), devicestest.FailAt(1, devicestest.OutOfMemory)
	_, err = runner.Run(t.Context(), input(0))
	if !errors.Is(err, ort.ErrMemory) || !strings.Contains(err.Error(), "smaller model") || !strings.Contains(err.Error(), "sparing memory did not help") {
		t.Errorf("error = %v", err)
	}
	opened, _ := r.Sessions()
	if want := []devicestest.Opened{{Choice: cudaVolumes, Frugal: true}, {Choice: cpu}, {Choice: cpu, Frugal: true}}; !slices.Equal(opened, want) {
		t.Errorf("tried %+v, want %+v", opened, want)
	}
	delete(r.Fail, cpu)
	out, err := runner.Run(t.Context(), input(0))
	if err != nil || !slices.Equal(out["y"].F32, plainResults(t, r, 1)[0]) {
		t.Errorf("after memory was freed: %v", err)
	}
	if d := runner.Device(); d != "CPU (made up), sparing memory" {
		t.Errorf("device %s", d)
	}
	if _, _, _, why := runner.Moved(); !strings.Contains(why, "not enough memory") || !strings.Contains(why, "smaller model") {
		t.Errorf("told: %s", why)
	}
}

// TestWantOfMemoryWhenOpening: the CPU takes over, and it is told.
func TestWantOfMemoryWhenOpening(t *testing.T) {
	r := devicestest.New(t)
	runner, err := r.Set(devices.Options{}).OpenAs(t.Context(), model(t), devices.Use{}, gpuSlices)
	if err != nil {
		t.Fatal(err)
	}
	if times, _, _, _ := runner.Moved(); times != 0 || runner.Close() != nil {
		t.Error("moved without a reason")
	}
	r.Refuse[gpuSlices] = fmt.Errorf("%w: %w: opening the model with WebGPU: out of memory; choose a smaller model, or the CPU", ort.ErrProvider, ort.ErrMemory)
	if runner, err = r.Set(devices.Options{}).OpenAs(t.Context(), model(t), devices.Use{}, gpuSlices); err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	if times, _, _, why := runner.Moved(); times != 1 || !strings.Contains(why, "WebGPU has not enough memory (opening the model with WebGPU: out of memory)") {
		t.Errorf("moved %d times: %s", times, why)
	}
	r.Refuse[gpuVolumes] = fmt.Errorf("%w: no device", ort.ErrProvider)
	if _, err := r.Set(devices.Options{}).OpenAs(t.Context(), model(t), devices.Use{}, gpuVolumes); !errors.Is(err, ort.ErrProvider) {
		t.Errorf("a device that cannot be opened: %v", err)
	}
}

// TestErrorsThatAreNotTheDevicesComeBack: what the CPU fails at as well, and inputs that do not fit.
func TestErrorsThatAreNotTheDevicesComeBack(t *testing.T) {
	r := devicestest.New(t)
	runner, err := r.Set(devices.Options{}).OpenAs(t.Context(), model(t), devices.Use{}, gpuVolumes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.Run(t.Context(), nil); !errors.Is(err, ort.ErrInput) {
		t.Errorf("error = %v, want ErrInput", err)
	}
	if times, _, _, _ := runner.Moved(); times != 0 {
		t.Error("wrong inputs lost the device")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runner.Run(ctx, input(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	r.Fail[gpuVolumes], r.Fail[cpu] = devicestest.FailAt(1, devicestest.Lost), devicestest.FailAt(1, devicestest.Lost)
	if _, err := runner.Run(t.Context(), input(0)); !errors.Is(err, ort.ErrRun) {
		t.Errorf("error = %v, want ErrRun", err)
	}
	if err := errors.Join(runner.Close(), runner.Close()); err != nil {
		t.Error(err)
	}
	if _, err := runner.Run(t.Context(), input(0)); !errors.Is(err, ort.ErrClosed) {
		t.Errorf("error = %v, want ErrClosed", err)
	}
}

// TestManyRunsMoveOnce: runs that meet the loss at the same time share the new session.
func TestManyRunsMoveOnce(t *testing.T) {
	r := devicestest.New(t)
	runner, err := r.Set(devices.Options{}).OpenAs(t.Context(), model(t), devices.Use{}, gpuVolumes)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	want := plainResults(t, r, 16)
	r.Fail[gpuVolumes] = devicestest.FailAt(5, devicestest.Lost)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			out, err := runner.Run(t.Context(), input(i))
			if err != nil || !slices.Equal(out["y"].F32, want[i]) {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	opened, _ := r.Sessions()
	if times, _, _, _ := runner.Moved(); times != 1 || len(opened) != 2 {
		t.Errorf("moved %d times, opened %v", times, opened)
	}
}

// TestMemoryIsAskedForBeforehand: a system that promises more memory than it has would end the program in the middle of a run.
func TestMemoryIsAskedForBeforehand(t *testing.T) {
	r := devicestest.New(t)
	asked := 0
	set := func(free ...int64) *devices.Set {
		asked = 0
		return r.Set(devices.Options{FreeMemory: func() int64 {
			asked++
			return free[min(asked, len(free))-1]
		}})
	}
	_, err := set(100).OpenAs(t.Context(), model(t), devices.Use{}, cpu)
	if !errors.Is(err, ort.ErrMemory) || !strings.Contains(err.Error(), "it needs at least 0 MB, and 0 MB are free; close other programs, or choose a smaller model (sparing memory did not help)") {
		t.Errorf("error = %v", err)
	}
	if opened, _ := r.Sessions(); len(opened) != 0 {
		t.Errorf("opened %v without memory", opened)
	}
	runner, err := set(100, 1<<30).OpenAs(t.Context(), model(t), devices.Use{}, cpu)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	if _, _, to, why := runner.Moved(); to != "CPU (made up), sparing memory" || !strings.HasPrefix(why, "CPU has not enough memory (it needs at least 0 MB, and 0 MB are free), so that") {
		t.Errorf("moved to %q: %s", to, why)
	}
	if runner, err := set(0).OpenAs(t.Context(), model(t), devices.Use{}, cpu); err != nil || runner.Close() != nil { // not known
		t.Error(err)
	}
	if runner, err := set(100).OpenAs(t.Context(), model(t), devices.Use{}, gpuVolumes); err != nil || runner.Close() != nil { // its own memory
		t.Error(err)
	}
}
