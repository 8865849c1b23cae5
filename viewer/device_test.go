package viewer

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2/test"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
)

// choosing is an engine whose device can be changed.
type choosing struct {
	*fakeEngine
	mu  sync.Mutex
	set []string
}

func (c *choosing) SetDevice(p string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = append(c.set, p)
}

func (c *choosing) UsableDevices() []string { return []string{"CPU", "CUDA"} }

// chosen is what was set last, "-" for nothing.
func (c *choosing) chosen() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.set) == 0 {
		return "-"
	}
	return c.set[len(c.set)-1]
}

func TestMeasuringDevicesIsShownAndCanBeStopped(t *testing.T) {
	f := &fakeEngine{}
	f.predict = func(ctx context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		job.Measuring(Progress{Stage: "WebGPU", Done: 1, Total: 3})
		<-ctx.Done()
		return nil, Device{}, ctx.Err()
	}
	h := newHarness(t, f, Options{})
	h.openExam()
	h.startRun()
	h.until("the measurement", func() bool { return h.run.status.Text == "Measuring WebGPU (2 of 3)" })
	if h.run.stop.Disabled() || !strings.Contains(h.run.note.Text, "Stop ends it") {
		t.Errorf("it cannot be stopped: %q", h.run.note.Text)
	}
	h.stopRun()
	h.until("the end", func() bool { return h.running == nil })
	h.settle()
	if h.run.status.Text != "Ready" || h.win.Canvas().Overlays().Top() != nil {
		t.Errorf("stopped: status %q, dialog %q", h.run.status.Text, h.overlayText())
	}
}

func TestARefusedDeviceOffersTheAutomaticChoice(t *testing.T) {
	f := &fakeEngine{}
	c := &choosing{fakeEngine: f}
	f.predict = func(_ context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		if c.chosen() == "-" {
			return nil, Device{}, fmt.Errorf("%w: no Vulkan driver is installed", ErrDevice)
		}
		return predictionOf(t, job, job.Samples, inference.Completed), Device{Name: "CPU (test)"}, nil
	}
	h := newHarness(t, f, Options{})
	h.opt.Engine = c
	h.kept.prefs.Provider = "webgpu"
	h.openExam()
	h.startRun()
	h.until("the dialog", func() bool {
		return strings.Contains(h.overlayText(), "The device that was chosen cannot be used here.")
	})
	text := h.overlayText()
	if !strings.Contains(text, "What works here: CPU, CUDA.") || !strings.Contains(text, "no Vulkan driver is installed") || c.chosen() != "-" {
		t.Errorf("dialog says %q; chosen %q", text, c.chosen())
	}
	use := h.answer("Run on the automatic choice")
	test.Tap(use)
	h.until("the run", func() bool { return h.running == nil && h.state.Prediction(modelcard.Anatomy) != nil })
	h.settle()
	if c.chosen() != "" || h.kept.prefs.Provider != "" {
		t.Errorf("device %q, preferences %q", c.chosen(), h.kept.prefs.Provider)
	}
}
