package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"bayeslice/internal/devices"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/training/trainer"
)

// paceRuns is how many of the newest runs are asked how long a step took.
const paceRuns = 20

// alike is the ratio of work up to which one network tells how fast another will be: small networks spend
// their time otherwise than large ones.
const alike = 4

// secondsOf expects the time of a step: from an earlier run of the same network on the same device, else
// from one of a network of like size in proportion to the work, else from what the device does now.
func (t *trainerOf) secondsOf(ctx context.Context, c trainer.Config, d demand, folder string) float64 {
	runs, err := t.Runs(ctx, folder)
	if err != nil {
		runs = nil
	}
	other := 0.0
	for _, r := range runs[:min(len(runs), paceRuns)] {
		if ctx.Err() != nil {
			return 0
		}
		run, err := trainer.Open(r.Folder)
		if err != nil || run.Config().Device != c.Device || run.Config().Threads != c.Threads {
			continue
		}
		seconds := paceOf(r.Folder)
		if seconds == 0 {
			continue
		}
		rc := run.Config()
		if rc.Preset == c.Preset && rc.Net.Task == c.Net.Task {
			return seconds
		}
		theirs, err := t.demandOf(rc)
		if err == nil && other == 0 && max(theirs.work, d.work) <= alike*min(theirs.work, d.work) {
			other = seconds * d.work / theirs.work
		}
	}
	if rate := t.rate(ctx, c); other == 0 && rate > 0 {
		return d.work / rate
	}
	return other
}

// stepShare is the share of the speed of a bare convolution that a training step reaches, in multiplications
// a second: 0.42 to 0.72 for the networks small and compact on two cores, 0.2 to 0.4 for tiny.
const stepShare = 0.5

// rate measures once for each device how many multiplications a training step does in a second there; 0
// where it cannot be measured.
func (t *trainerOf) rate(ctx context.Context, c trainer.Config) float64 {
	key := fmt.Sprintf("%s %d", c.Device, c.Threads)
	t.mu.Lock()
	defer t.mu.Unlock()
	if r, ok := t.rates[key]; ok {
		return r
	}
	r, err := t.measure(ctx, c)
	if err != nil {
		return 0 // the plan says that the time is not known; the run itself says what does not work
	}
	t.rates[key] = stepShare * r
	return t.rates[key]
}

// probe is the convolution that is measured: 16 channels of 20 × 64 × 64 voxels, as in the middle of the compact network.
var probe = struct{ channels, d, h, w, k int }{16, 20, 64, 64, 3}

// measure runs a convolution a few times and returns its multiplications a second.
func (t *trainerOf) measure(ctx context.Context, c trainer.Config) (float64, error) {
	on, err := t.engine.devices()
	if err != nil {
		return 0, err
	}
	g, err := graph.Build("probe", func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, 1, probe.channels, probe.d, probe.h, probe.w)
		w := b.Input("w", tensor.Float32, probe.channels, probe.channels, probe.k, probe.k, probe.k)
		one := []int{1, 1, 1}
		b.Output("y", b.Conv(x, w, nil, graph.ConvOptions{Begin: one, End: one}))
	})
	if err != nil {
		return 0, err
	}
	provider, err := ort.ParseProvider(c.Device)
	if err != nil {
		return 0, err
	}
	r, err := on.Open(ctx, g, devices.Use{Session: ort.SessionOptions{Provider: provider, Threads: c.Threads}})
	if err != nil {
		return 0, err
	}
	defer r.Close() //nolint:errcheck // what is wanted of it is known by then
	in := map[string]*tensor.Tensor{}
	for _, n := range g.Inputs() {
		in[n.Name()] = tensor.NewFloat32(n.Shape()...)
	}
	best := math.Inf(1)
	for range 4 { // the first one allocates
		began := time.Now()
		if _, err := r.Run(ctx, in); err != nil {
			return 0, err
		}
		best = min(best, time.Since(began).Seconds())
	}
	return workOf(g) / best, nil
}

// paceSteps is how many of the newest steps of a run tell how long one takes.
const paceSteps = 50

// paceOf is the median time of a run's newest steps in seconds, 0 where it has none.
func paceOf(folder string) float64 {
	events, err := trainer.ReadLog(folder)
	if err != nil {
		return 0
	}
	var seconds []float64
	for _, e := range slices.Backward(events) {
		if e.Kind == trainer.Stepped && e.Seconds > 0 {
			seconds = append(seconds, e.Seconds)
		}
		if len(seconds) == paceSteps {
			break
		}
	}
	if len(seconds) == 0 {
		return 0
	}
	slices.Sort(seconds)
	return seconds[len(seconds)/2]
}
