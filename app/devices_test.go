package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/devices"
	"bayeslice/internal/devices/devicestest"
	"bayeslice/internal/exam"
	"bayeslice/internal/ort"
	"bayeslice/training/trainer"
	"bayeslice/viewer"
	"bayeslice/viewer/viewstate"
)

// madeUp is an engine on a machine with made-up devices.
func madeUp(t *testing.T) (*engine, *devicestest.Machine) {
	m := devicestest.New(t)
	t.Setenv(ort.EnvLibrary, m.Env.Library().Path) // testEngine has a cache of its own, without the library
	e := testEngine(t)
	e.library, e.machine = library(t), m.Options(devices.Options{})
	m.Seconds = map[devices.Choice]float64{devicestest.CPU: 3, devicestest.GPU: 1, devicestest.GPUSlices: 2}
	return e, m
}

// phantomExam is a small synthetic exam.
func phantomExam(t *testing.T) *exam.Exam {
	t.Helper()
	x, err := exam.Open(t.Context(), writePhantom(t, smallPhantom()), exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestMeasuringIsToldAndALossTurnsTheBadgeRed(t *testing.T) {
	e, m := madeUp(t)
	x := phantomExam(t)
	var told []viewer.Progress
	job := viewer.Job{Model: viewer.Model{ID: "anatomy-ce"}, Samples: 3, Seed: 1, Measuring: func(p viewer.Progress) { told = append(told, p) }}
	p, device, err := e.Predict(t.Context(), x, job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (viewer.Progress{Stage: "WebGPU with convolutions as slices", Done: 2, Total: 3}); len(told) != 3 || told[2] != want || p.Device != "WebGPU (made up)" || device.Fallback != "" {
		t.Errorf("told %+v; on %s, %+v", told, p.Device, device)
	}
	m.Fail[devicestest.GPU] = devicestest.FailAt(5, devicestest.Lost) // of each session: the second sample of the next run
	p, device, err = e.Predict(t.Context(), x, job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 3 || len(p.Changes) != 1 || p.Changes[0].Sample != 2 || !strings.Contains(device.Fallback, "WebGPU (made up) failed") {
		t.Errorf("changes %+v, device %+v", p.Changes, device)
	}
	job.Model.ID = "anatomy-zz" // another model, opened after the loss
	if p, _, err = e.Predict(t.Context(), x, job, nil); err != nil || p.Device != "CPU (made up)" {
		t.Errorf("after the loss on %v, %v", p, err)
	}
}

func TestARefusedDeviceIsToldAndTheAutomaticChoiceRuns(t *testing.T) {
	e, m := madeUp(t)
	for _, c := range []devices.Choice{devicestest.GPU, devicestest.GPUSlices} {
		m.Refuse[c] = fmt.Errorf("%w: WebGPU: no adapter", ort.ErrProvider)
	}
	e.SetDevice("webgpu")
	x, job := phantomExam(t), viewer.Job{Model: viewer.Model{ID: "anatomy-ce"}, Samples: 1, Seed: 1}
	if _, _, err := e.Predict(t.Context(), x, job, nil); !errors.Is(err, viewer.ErrDevice) || !strings.Contains(err.Error(), "no adapter") {
		t.Errorf("error = %v", err)
	}
	if got := e.UsableDevices(); !slices.Equal(got, []string{"CPU"}) {
		t.Errorf("usable: %v", got)
	}
	tr := newTrainer(e)
	tr.home = t.TempDir()
	setup := tinySetup(tr.home)
	setup.Anatomies, setup.Device = 2, "webgpu"
	s, err := tr.Begin(t.Context(), setup, func(viewstate.TrainProgress) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Train(t.Context(), func(viewstate.TrainEvent) {}); !errors.Is(err, viewer.ErrDevice) || !strings.Contains(err.Error(), "train resume RUN --device cpu") {
		t.Errorf("a training: %v", err)
	}
	e.SetDevice("")
	if p, device, err := e.Predict(t.Context(), x, job, nil); err != nil || p.Device != "CPU (made up)" || device.Fallback != "" {
		t.Errorf("%+v, %v", device, err)
	}
}

// A device is lost in a step and, in sessions of their own, in the validation and the evaluation: all of it is told in the window.
func TestATrainingTellsOfLostDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("training takes seconds")
	}
	e, m := madeUp(t)
	tr := newTrainer(e)
	tr.home, tr.samples = t.TempDir(), 4
	setup := tinySetup(tr.home)
	setup.Steps, setup.Anatomies, setup.Device = 3, 2, string(ort.WebGPU)
	s, err := tr.Begin(t.Context(), setup, func(viewstate.TrainProgress) {})
	if err != nil {
		t.Fatal(err)
	}
	m.Seconds = map[devices.Choice]float64{devicestest.CPU: 9, devicestest.GPU: 3, devicestest.GPUSlices: 6} // so that measuring takes two runs
	m.Fail[devicestest.GPU] = devicestest.FailAt(3, devicestest.Lost)
	var notes, opening, on []string
	end, err := s.Train(t.Context(), func(e viewstate.TrainEvent) {
		for list, text := range map[*[]string]string{&notes: e.Note, &opening: e.Opening, &on: e.Device} {
			if text != "" {
				*list = append(*list, text)
			}
		}
	})
	if err != nil || !end.Finished {
		t.Fatalf("%+v, %v", end, err)
	}
	const failed = "WebGPU (made up) failed (GPUDevice lost: the driver was reset), so that CPU (made up) takes over"
	for _, want := range []string{"From step 3 on: " + failed, "In the validation after step 1: " + failed, ", from sample 3 on: " + failed} {
		if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, want) }) {
			t.Errorf("not told: %q; told %q", want, notes)
		}
	}
	if !slices.Contains(opening, "measuring WebGPU (2 of 3) …") || !slices.Equal(on, []string{"WebGPU (made up)", "CPU (made up)"}) {
		t.Errorf("opening %q, on %q", opening, on)
	}
}

func TestWarningsOfARunAreNotes(t *testing.T) {
	e := eventOf(trainer.Event{Kind: trainer.Warned, Step: 4, Text: "so far the run was trained on WebGPU, and it goes on on CPU"})
	if e.Note != "So far the run was trained on WebGPU, and it goes on on CPU." || e.Step != 4 || e.Device != "" {
		t.Errorf("%+v", e)
	}
}
