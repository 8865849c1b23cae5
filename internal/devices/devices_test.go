package devices

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
)

var (
	cpu         = Choice{ort.CPU, rewrite.Volumes}
	gpuVolumes  = Choice{ort.WebGPU, rewrite.Volumes}
	gpuSlices   = Choice{ort.WebGPU, rewrite.Slices}
	cudaVolumes = Choice{ort.CUDA, rewrite.Volumes}
	cudaSlices  = Choice{ort.CUDA, rewrite.Slices}
)

// chosen opens the model with automatic choice, or on a provider, and returns what was chosen.
func chosen(t *testing.T, s *Set, p ort.Provider) Choice {
	t.Helper()
	r, err := s.Open(t.Context(), model(t), ort.SessionOptions{Provider: p})
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
		seconds map[Choice]float64
		spoil   func(r *rig)
		want    Choice
	}{
		"slices on the GPU":     {map[Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, nil, gpuSlices},
		"volumes on the GPU":    {map[Choice]float64{cpu: 3, gpuVolumes: 1, gpuSlices: 2}, nil, gpuVolumes},
		"the CPU":               {map[Choice]float64{cpu: 1, gpuVolumes: 2, gpuSlices: 3}, nil, cpu},
		"hardly faster":         {map[Choice]float64{cpu: 1, gpuVolumes: 0.95, gpuSlices: 0.95}, nil, cpu},
		"wrong numbers":         {map[Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, func(r *rig) { r.wrong[gpuSlices] = true }, gpuVolumes},
		"fails":                 {map[Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, func(r *rig) { r.fail[gpuSlices] = failAt(1, errLost) }, gpuVolumes},
		"fails when run again":  {map[Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}, func(r *rig) { r.fail[gpuSlices] = failAt(2, errLost) }, gpuVolumes},
		"cannot be opened":      {map[Choice]float64{cpu: 3, gpuVolumes: 1}, func(r *rig) { r.refuse[gpuVolumes], r.refuse[gpuSlices] = ort.ErrProvider, ort.ErrProvider }, cpu},
		"never comes back":      {map[Choice]float64{cpu: 0.001}, func(r *rig) { r.fail[gpuVolumes], r.fail[gpuSlices] = failAt(1, errHang), failAt(2, errHang) }, cpu},
		"two of them":           {map[Choice]float64{cpu: 4, gpuVolumes: 3, gpuSlices: 3, cudaVolumes: 1, cudaSlices: 2}, func(r *rig) { r.missing[ort.CUDA] = false }, cudaVolumes},
		"none but the CPU here": {map[Choice]float64{cpu: 4}, func(r *rig) { r.missing[ort.WebGPU] = true }, cpu},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.seconds = c.seconds
			if c.spoil != nil {
				c.spoil(r)
			}
			s := r.set(Options{})
			s.ready = 300 * time.Millisecond
			if got := chosen(t, s, ort.Auto); got != c.want {
				t.Errorf("chosen %+v, want %+v; measured %+v", got, c.want, s.Tables())
			}
			if r.missing[ort.WebGPU] && len(r.opened) != 1 {
				t.Errorf("without a choice %d sessions were opened", len(r.opened))
			}
			if r.closed != len(r.opened)-len(r.refuse) {
				t.Errorf("%d of %d sessions were closed", r.closed, len(r.opened))
			}
		})
	}
}

func TestTheUsersChoiceWins(t *testing.T) {
	r := newRig(t)
	r.seconds = map[Choice]float64{cpu: 1, gpuVolumes: 9, gpuSlices: 4}
	if got := chosen(t, r.set(Options{}), ort.WebGPU); got != gpuSlices {
		t.Errorf("chosen %+v", got)
	}
	r.opened = nil
	if got := chosen(t, r.set(Options{}), ort.CPU); got != cpu || len(r.opened) != 1 {
		t.Errorf("chosen %+v after opening %v", got, r.opened)
	}
	refused := func(p ort.Provider, want string) {
		t.Helper()
		_, err := r.set(Options{}).Open(t.Context(), model(t), ort.SessionOptions{Provider: p})
		if !errors.Is(err, ort.ErrProvider) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want %q", p, err, want)
		}
	}
	refused(ort.CUDA, "not in this library")
	r.wrong[gpuVolumes], r.wrong[gpuSlices] = true, true
	refused(ort.WebGPU, "wrong numbers")
}

func TestMeasurementsAreKeptUntilTheMachineChanges(t *testing.T) {
	r := newRig(t)
	r.seconds = map[Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}
	dir := filepath.Join(t.TempDir(), "devices")
	opened := func(o Options) int {
		t.Helper()
		r.opened, o.Folder = nil, dir
		if got := chosen(t, r.set(o), ort.Auto); got != gpuSlices {
			t.Errorf("chosen %+v", got)
		}
		return len(r.opened)
	}
	var told []Progress
	if n := opened(Options{Progress: func(p Progress) { told = append(told, p) }}); n != 4 || len(told) != 3 || told[2] != (Progress{gpuSlices, 2, 3}) {
		t.Errorf("at first %d sessions, progress %+v", n, told)
	}
	if n := opened(Options{}); n != 1 {
		t.Errorf("with a kept measurement %d sessions", n)
	}
	if n := opened(Options{Fresh: true}); n != 4 {
		t.Errorf("asked to measure again: %d sessions", n)
	}
	if n := opened(Options{Machine: []string{"another driver"}}); n != 4 {
		t.Errorf("with another driver %d sessions", n)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("{damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := opened(Options{Machine: []string{"another driver"}}); n != 4 {
		t.Errorf("with a damaged file %d sessions", n)
	}
}

// TestACrashIsNotRepeated stops the program, as it were, while a driver is tried.
func TestACrashIsNotRepeated(t *testing.T) {
	r := newRig(t)
	r.seconds = map[Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}
	dir := t.TempDir()
	r.fail[gpuSlices] = func(int) error { panic("the driver") }
	func() {
		defer func() { _ = recover() }()
		chosen(t, r.set(Options{Folder: dir}), ort.Auto)
	}()
	r.fail, r.opened = nil, nil
	s := r.set(Options{Folder: dir})
	if got := chosen(t, s, ort.Auto); got != gpuVolumes {
		t.Errorf("chosen %+v; measured %+v", got, s.Tables())
	}
	for _, p := range r.opened {
		if p.Choice == gpuSlices {
			t.Error("what ended the program was tried again")
		}
	}
}

func TestMeasuringCanBeCancelled(t *testing.T) {
	r := newRig(t)
	r.seconds = map[Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	s := r.set(Options{Folder: dir, Progress: func(p Progress) {
		if p.Trying == gpuSlices {
			cancel()
		}
	}})
	if _, err := s.Open(ctx, model(t), ort.SessionOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v", err)
	}
	r.opened = nil
	if got := chosen(t, r.set(Options{Folder: dir}), ort.Auto); got != gpuSlices {
		t.Errorf("chosen %+v", got)
	}
	for _, p := range r.opened {
		if p.Choice == gpuVolumes {
			t.Error("what was measured before the end was measured again")
		}
	}
}
