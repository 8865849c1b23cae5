package devices_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/devices"
	"bayeslice/internal/devices/devicestest"
	"bayeslice/internal/ort"
)

var (
	cpu         = devicestest.CPU
	gpuVolumes  = devicestest.GPU
	gpuSlices   = devicestest.GPUSlices
	cudaVolumes = devicestest.CUDA
	cudaSlices  = devicestest.CUDASlices
)

// chosen opens the model with automatic choice, or on a provider, and returns what was chosen.
func chosen(t *testing.T, s *devices.Set, p ort.Provider) devices.Choice {
	t.Helper()
	r, err := s.Open(t.Context(), model(t), devices.Use{Session: ort.SessionOptions{Provider: p}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Run(t.Context(), input(0)); err != nil {
		t.Error(err)
	}
	return r.Choice()
}

func TestTheFastestDeviceIsChosen(t *testing.T) {
	for name, c := range map[string]struct {
		seconds map[devices.Choice]float64
		spoil   func(r *devicestest.Machine)
		want    devices.Choice
	}{
		"slices on the GPU":    {map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, nil, gpuSlices},
		"volumes on the GPU":   {map[devices.Choice]float64{cpu: 3, gpuVolumes: 1, gpuSlices: 2}, nil, gpuVolumes},
		"the CPU":              {map[devices.Choice]float64{cpu: 1, gpuVolumes: 2, gpuSlices: 3}, nil, cpu},
		"hardly faster":        {map[devices.Choice]float64{cpu: 1, gpuVolumes: 0.95, gpuSlices: 0.95}, nil, cpu},
		"wrong numbers":        {map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, func(r *devicestest.Machine) { r.Wrong[gpuSlices] = true }, gpuVolumes},
		"fails":                {map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, func(r *devicestest.Machine) { r.Fail[gpuSlices] = devicestest.FailAt(1, devicestest.Lost) }, gpuVolumes},
		"fails when run again": {map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, func(r *devicestest.Machine) { r.Fail[gpuSlices] = devicestest.FailAt(2, devicestest.Lost) }, gpuVolumes},
		"cannot be opened": {map[devices.Choice]float64{cpu: 3, gpuVolumes: 1}, func(r *devicestest.Machine) {
			r.Refuse[gpuVolumes], r.Refuse[gpuSlices] = ort.ErrProvider, ort.ErrProvider
		}, cpu},
		"never comes back": {map[devices.Choice]float64{cpu: 0.001}, func(r *devicestest.Machine) {
			r.Fail[gpuVolumes], r.Fail[gpuSlices] = devicestest.FailAt(1, devicestest.Hang), devicestest.FailAt(2, devicestest.Hang)
		}, cpu},
		"ready too late":        {map[devices.Choice]float64{cpu: 1, gpuVolumes: 0.1, gpuSlices: 0.2}, func(r *devicestest.Machine) { r.Slow[gpuVolumes] = 11 }, gpuSlices},
		"two of them":           {map[devices.Choice]float64{cpu: 4, gpuVolumes: 3, gpuSlices: 3, cudaVolumes: 1, cudaSlices: 2}, func(r *devicestest.Machine) { r.Missing[ort.CUDA] = false }, cudaVolumes},
		"none but the CPU here": {map[devices.Choice]float64{cpu: 4}, func(r *devicestest.Machine) { r.Missing[ort.WebGPU] = true }, cpu},
	} {
		t.Run(name, func(t *testing.T) {
			r := devicestest.New(t)
			r.Seconds = c.seconds
			if c.spoil != nil {
				c.spoil(r)
			}
			s := r.Set(devices.Options{Ready: 3 * time.Second})
			if got := chosen(t, s, ort.Auto); got != c.want {
				t.Errorf("chosen %+v, want %+v; measured %+v", got, c.want, s.Tables())
			}
			opened, closed := r.Sessions()
			if r.Missing[ort.WebGPU] && len(opened) != 1 {
				t.Errorf("without a choice %d sessions were opened", len(opened))
			}
			if closed != len(opened)-len(r.Refuse) {
				t.Errorf("%d of %d sessions were closed", closed, len(opened))
			}
		})
	}
}

func TestTheUsersChoiceWins(t *testing.T) {
	r := devicestest.New(t)
	r.Seconds = map[devices.Choice]float64{cpu: 1, gpuVolumes: 9, gpuSlices: 4}
	if got := chosen(t, r.Set(devices.Options{}), ort.WebGPU); got != gpuSlices {
		t.Errorf("chosen %+v", got)
	}
	r.Sessions()
	got := chosen(t, r.Set(devices.Options{}), ort.CPU)
	if opened, _ := r.Sessions(); got != cpu || len(opened) != 1 {
		t.Errorf("chosen %+v after opening %v", got, opened)
	}
	refused := func(p ort.Provider, want string) {
		t.Helper()
		_, err := r.Set(devices.Options{}).Open(t.Context(), model(t), devices.Use{Session: ort.SessionOptions{Provider: p}})
		if !errors.Is(err, ort.ErrProvider) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want %q", p, err, want)
		}
	}
	refused(ort.CUDA, "not in this library")
	r.Wrong[gpuVolumes], r.Wrong[gpuSlices] = true, true
	refused(ort.WebGPU, "wrong numbers")
}

func TestMeasurementsAreKeptUntilTheMachineChanges(t *testing.T) {
	r := devicestest.New(t)
	r.Seconds = map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}
	dir := filepath.Join(t.TempDir(), "devices")
	var told []devices.Progress
	opened := func(o devices.Options) int {
		t.Helper()
		o.Folder, told = dir, nil
		runner, err := r.Set(o).Open(t.Context(), model(t), devices.Use{Progress: func(p devices.Progress) { told = append(told, p) }})
		if err != nil || runner.Choice() != gpuSlices || runner.Close() != nil {
			t.Errorf("chosen %+v, %v", runner.Choice(), err)
		}
		sessions, _ := r.Sessions()
		return len(sessions)
	}
	if n := opened(devices.Options{}); n != 4 || len(told) != 3 || told[2] != (devices.Progress{Trying: gpuSlices, Done: 2, Of: 3}) {
		t.Errorf("at first %d sessions, progress %+v", n, told)
	}
	if n := opened(devices.Options{}); n != 1 {
		t.Errorf("with a kept measurement %d sessions", n)
	}
	if n := opened(devices.Options{Fresh: true}); n != 4 {
		t.Errorf("asked to measure again: %d sessions", n)
	}
	if n := opened(devices.Options{Machine: []string{"another driver"}}); n != 4 {
		t.Errorf("with another driver %d sessions", n)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("{damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := opened(devices.Options{Machine: []string{"another driver"}}); n != 4 {
		t.Errorf("with a damaged file %d sessions", n)
	}
}

// TestACrashIsNotRepeated stops the program, as it were, while a driver is tried.
func TestACrashIsNotRepeated(t *testing.T) {
	r := devicestest.New(t)
	r.Seconds = map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}
	dir := t.TempDir()
	r.Fail[gpuSlices] = func(int) error { panic("the driver") }
	func() {
		defer func() { _ = recover() }()
		chosen(t, r.Set(devices.Options{Folder: dir}), ort.Auto)
	}()
	r.Fail = nil
	r.Sessions()
	s := r.Set(devices.Options{Folder: dir})
	if got := chosen(t, s, ort.Auto); got != gpuVolumes {
		t.Errorf("chosen %+v; measured %+v", got, s.Tables())
	}
	opened, _ := r.Sessions()
	for _, p := range opened {
		if p.Choice == gpuSlices {
			t.Error("what ended the program was tried again")
		}
	}
}

func TestMeasuringCanBeCancelled(t *testing.T) {
	r := devicestest.New(t)
	r.Seconds = map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	tell := func(p devices.Progress) {
		if p.Trying == gpuSlices {
			cancel()
		}
	}
	if _, err := r.Set(devices.Options{Folder: dir}).Open(ctx, model(t), devices.Use{Progress: tell}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v", err)
	}
	r.Sessions()
	if got := chosen(t, r.Set(devices.Options{Folder: dir}), ort.Auto); got != gpuSlices {
		t.Errorf("chosen %+v", got)
	}
	opened, _ := r.Sessions()
	for _, p := range opened {
		if p.Choice == gpuVolumes {
			t.Error("what was measured before the end was measured again")
		}
	}
}
