package trainer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/devices/devicestest"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/graph"
	"bayeslice/training/trainer"
)

// onDevice opens graphs on a made-up device.
func onDevice(t *testing.T, s *devices.Set, c devices.Choice) inference.OpenRunner {
	return func(g *graph.Graph) (inference.Runner, error) {
		r, err := s.OpenAs(t.Context(), g, devices.Use{}, c)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
}

// warnings are the texts of a run's warnings, by the log.
func warnings(t *testing.T, r *trainer.Run) []string {
	t.Helper()
	events, err := trainer.ReadLog(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if e.Kind == trainer.Warned {
			out = append(out, e.Text)
		}
	}
	return out
}

// sixSteps are the settings of a run with validations after its third and its last step, of four executions each.
func sixSteps(t *testing.T) trainer.Config {
	c := settings(t, modelcard.Anatomy, 6)
	c.ValidateEvery = 3
	return c
}

// The device is lost in step 5, and, since every session has its own, at the start of the second validation.
func TestALostDeviceIsToldAndChangesNothingElse(t *testing.T) {
	m := devicestest.New(t)
	c := sixSteps(t)
	trained := func(choice devices.Choice) *trainer.Run {
		t.Helper()
		run, err := trainer.New(t.TempDir(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Train(t.Context(), data(c, nil), trainer.Options{Open: onDevice(t, m.Set(devices.Options{}), choice)}); err != nil {
			t.Fatal(err)
		}
		return run
	}
	want := trained(devicestest.CPU)
	m.Fail[devicestest.GPU] = devicestest.FailAt(5, devicestest.Lost)
	got := trained(devicestest.GPU)
	if weights(t, got) != weights(t, want) {
		t.Error("the weights are not those of a run on the CPU")
	}
	const failed = "WebGPU (made up) failed (GPUDevice lost: the driver was reset), so that CPU (made up) takes over"
	told := warnings(t, got)
	if len(told) != 2 || !strings.HasPrefix(told[0], "from step 5 on: "+failed) || !strings.HasPrefix(told[1], "in the validation after step 6: "+failed) {
		t.Errorf("told: %q", told)
	}
	events, err := trainer.ReadLog(got.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var on []string
	for _, e := range trainer.Curve(events, trainer.Started) {
		on = append(on, e.Text)
	}
	if want := []string{"WebGPU (made up)", "CPU (made up)"}; !slices.Equal(on, want) {
		t.Errorf("started on %q, want %q", on, want)
	}
	if told := warnings(t, want); len(told) > 0 {
		t.Errorf("a run on one device warns: %q", told)
	}
}

func TestARunThatGoesOnOnAnotherDeviceWarns(t *testing.T) {
	m := devicestest.New(t)
	c := sixSteps(t)
	run, err := trainer.New(t.TempDir(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	until := func(step int, choice devices.Choice) []string {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := run.Train(ctx, data(c, nil), trainer.Options{Open: onDevice(t, m.Set(devices.Options{}), choice), On: func(e trainer.Event) {
			if e.Kind == trainer.Stepped && e.Step == step {
				cancel()
			}
		}})
		if step < c.Steps && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return warnings(t, run)
	}
	if told := until(2, devicestest.GPU); len(told) > 0 {
		t.Errorf("at the start: %q", told)
	}
	if told := until(3, devicestest.GPU); len(told) > 0 {
		t.Errorf("on the same device: %q", told)
	}
	told := until(4, devicestest.CPU)
	if len(told) != 1 || !strings.HasPrefix(told[0], "so far the run was trained on WebGPU (made up), and it goes on on CPU (made up); ") {
		t.Errorf("on another device: %q", told)
	}
	if told := until(5, devicestest.CPU); len(told) != 1 {
		t.Errorf("on that again: %q", told)
	}
}
