package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/devices"
	"bayeslice/internal/devices/devicestest"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/ort"
)

// madeUp is a machine with made-up devices, and a model of the given preset.
func madeUp(t *testing.T, preset string) (*devicestest.Machine, string) {
	t.Helper()
	m := devicestest.New(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // nothing is stored
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(ort.EnvLibrary, m.Env.Library().Path)
	m.Seconds = map[devices.Choice]float64{devicestest.CPU: 3, devicestest.GPU: 2, devicestest.GPUSlices: 1}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := models.WriteUntrained(path, preset, modelcard.Anatomy, 1, "test"); err != nil {
		t.Fatal(err)
	}
	return m, path
}

func TestDevicesAreListedMeasuredAndExplained(t *testing.T) {
	m, model := madeUp(t, "tiny")
	folder := t.TempDir()
	run := func(args ...string) (int, string, string) {
		t.Helper()
		o := m.Options(devices.Options{Folder: folder})
		return execute(t.Context(), Options{Devices: o}, append([]string{"devices", "--model", model}, args...)...)
	}
	code, out, errs := run()
	if code != ExitOK || errs != "" || !strings.Contains(out, "not every device was measured for it yet") || !strings.Contains(out, "`bayeslice devices --measure`") || !strings.Contains(out, "  CUDA      no: ") {
		t.Errorf("before measuring: %d\n%s%s", code, out, errs)
	}
	code, out, errs = run("--measure")
	for _, want := range []string{"no device is asked for", "* WebGPU with convolutions as slices  1 s a sample, ready after 1 s", "  WebGPU                              2 s a sample", "  CPU                                 3 s a sample",
		"runs on WebGPU with convolutions as slices: it is 3 times as fast as the CPU"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if code != ExitOK || !strings.Contains(errs, "measuring devices: 2 of 3, WebGPU with convolutions as slices") || strings.Contains(out, "--measure") {
		t.Errorf("measured: %d\n%s%s", code, out, errs)
	}
	m.Sessions()
	code, out, _ = run("--json")
	var r devicesReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != ExitOK {
		t.Fatalf("%d, %v\n%s", code, err, out)
	}
	if len(r.Models) != 1 || r.Models[0].Chosen == nil || *r.Models[0].Chosen != devicestest.GPUSlices || len(r.Models[0].Measured) != 3 || r.Models[0].Measured[1].Seconds != 2 || r.Folder != folder || len(r.Providers) != 5 {
		t.Errorf("%s", out)
	}
	if opened, _ := m.Sessions(); len(opened) > 0 {
		t.Errorf("%d sessions were opened to list what is known", len(opened))
	}
	if code, out, _ = run("--device", "webgpu"); code != ExitOK || !strings.Contains(out, "WebGPU is asked for by --device") || !strings.Contains(out, ": it was asked for") {
		t.Errorf("asked for: %d\n%s", code, out)
	}
	if code, out, errs = run("--device", "cuda"); code != ExitFailure || !strings.Contains(out, "CUDA is asked for") || !strings.Contains(errs, "not in this library") {
		t.Errorf("refused: %d\n%s%s", code, out, errs)
	}
}

// Ctrl-C ends measuring; what was measured before is kept.
func TestMeasuringDevicesCanBeStopped(t *testing.T) {
	m, model := madeUp(t, "tiny")
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	m.Fail[devicestest.GPUSlices] = func(int) error {
		cancel()
		return devicestest.Hang
	}
	o := Options{Devices: m.Options(devices.Options{Folder: folder})}
	if code, out, errs := execute(ctx, o, "devices", "--measure", "--model", model); code != ExitInterrupted || out != "" || !strings.Contains(errs, "stopped") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, _ := execute(t.Context(), o, "devices", "--model", model)
	if code != ExitOK || !strings.Contains(out, "WebGPU                              2 s a sample") || !strings.Contains(out, "WebGPU with convolutions as slices  not measured") {
		t.Errorf("%d\n%s", code, out)
	}
}

// A device is lost in the third step, and in the evaluation: both are told, and nothing else happens.
func TestATrainingTellsOfLostDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("training takes seconds")
	}
	m, _ := madeUp(t, "tiny")
	m.Seconds = map[devices.Choice]float64{devicestest.CPU: 9, devicestest.GPU: 3} // so that measuring takes two runs
	m.Refuse[devicestest.GPUSlices] = fmt.Errorf("%w: WebGPU: no", ort.ErrProvider)
	m.Fail[devicestest.GPU] = devicestest.FailAt(3, devicestest.Lost)
	dir := filepath.Join(t.TempDir(), "run")
	code, out, errs := execute(t.Context(), Options{Devices: m.Options(devices.Options{})}, "train", "--task", "anatomy", "--preset", "tiny", "--data", "phantoms", "--anatomies", "2", "--held", "2",
		"--steps", "3", "--validate-every", "2", "--evaluation-samples", "4", "--device", "webgpu", "-o", dir)
	const failed = "WebGPU (made up) failed (GPUDevice lost: the driver was reset), so that CPU (made up) takes over"
	for _, want := range []string{"started     on WebGPU (made up)", "warning     from step 3 on: " + failed, "warning     in the validation after step 2: " + failed, "evaluated"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if code != ExitOK || !strings.Contains(errs, ", from sample 3 on: "+failed) {
		t.Errorf("%d\n%s", code, errs)
	}
	result, err := os.ReadFile(filepath.Join(dir, "evaluation", "results.json"))
	if err != nil || !strings.Contains(string(result), "from sample 3 on: "+failed) {
		t.Errorf("the evaluation does not say so: %v", err)
	}
}
