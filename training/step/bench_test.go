package step_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
	"bayeslice/training/loss"
	"bayeslice/training/optim"
	"bayeslice/training/step"
)

// stepper makes one training step a call; it says how long that took and the peak memory of its process
// so far, in bytes.
type stepper struct {
	name string
	step func() (time.Duration, float64, error)
	took []time.Duration
	peak float64
}

// BenchmarkStep compares one training step of the full-size network (batch 1, C = 3, K = 2, focal loss +
// KL, AMSGrad) with PyTorch eager's where python3 has torch, on two threads each. They take turns, so
// that a load on the machine meets both; it reports medians, peak memory and their ratios. Run it alone
// with -benchtime 3x: it wants 14 GB and a minute and a half a turn.
func BenchmarkStep(b *testing.B) {
	list := []*stepper{ours(b)}
	if peer := pytorch(b); peer != nil {
		list = append(list, peer)
	}
	for _, s := range list { // the first step allocates
		if _, _, err := s.step(); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for _, s := range list {
			d, peak, err := s.step()
			if err != nil {
				b.Fatal(err)
			}
			s.took, s.peak = append(s.took, d), peak
		}
	}
	b.ReportMetric(0, "ns/op")
	report(b, list)
	for _, s := range list { // before any ratio is taken
		slices.Sort(s.took)
	}
	last := list[len(list)-1]
	for _, s := range list {
		b.Logf("%-20s median %6.2f s (%.2f), fastest %6.2f s, peak memory %5.2f GB (%.2f)", s.name, s.median(), s.median()/last.median(),
			s.took[0].Seconds(), s.peak/1e9, s.peak/last.peak)
	}
}

// report gives the row of the table of `make bench`.
func report(b *testing.B, list []*stepper) {
	row := testenv.Peer{Row: "a training step of the full-size network", Unit: "s", Mine: list[0].seconds(), Missing: graphtest.NoPyTorch}
	if len(list) > 1 {
		row.Peer, row.Missing, row.Theirs = list[1].name, "", list[1].seconds()
		row.Note = fmt.Sprintf("peak memory %.1f against %.1f GB", list[0].peak/1e9, list[1].peak/1e9)
	}
	row.Report(b)
}

func (s *stepper) seconds() []float64 {
	var out []float64
	for _, d := range s.took {
		out = append(out, d.Seconds())
	}
	return out
}

func (s *stepper) median() float64 { return s.took[len(s.took)/2].Seconds() }

// ours is the step in ONNX Runtime and the update in Go.
func ours(b *testing.B) *stepper {
	c := step.Config{Net: nets.PaperM1(modelcard.Diagnosis), Loss: loss.Options{Kind: loss.FL, Alpha: []float64{0.75, 0.25}, Gamma: 2}, Beta: 1}
	s, err := step.New(c)
	if err != nil {
		b.Fatal(err)
	}
	session, in := open(b, s), inputs(b, c, s)
	adam, states := optim.NewAMSGrad(), map[string]*optim.State{}
	for _, p := range s.Params {
		states[p.Name] = optim.NewState(tensor.Count(p.Shape))
	}
	return &stepper{name: "ONNX Runtime", step: func() (time.Duration, float64, error) {
		start := time.Now()
		out, err := session.Run(context.Background(), in)
		if err != nil {
			return 0, 0, err
		}
		for _, p := range s.Params {
			if p.Idle {
				continue
			}
			if err := adam.Update(in[p.Name].F32, out[autodiff.GradientName(p.Name)].F32, states[p.Name], 1e-4, true); err != nil {
				return 0, 0, err
			}
		}
		took := time.Since(start)
		peak, err := peakMemory()
		return took, peak, err
	}}
}

// peakMemory reads the largest resident size of this process so far, in bytes.
func peakMemory() (float64, error) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); err == nil {
			return kilobytes * 1024, nil
		}
	}
	return 0, fmt.Errorf("the system does not state the peak memory: %w", io.ErrUnexpectedEOF)
}

// pytorch starts the peer, or returns nil where no python3 has torch.
func pytorch(b *testing.B) *stepper {
	version, peer := graphtest.PyTorch(b, filepath.Join("testdata", "step_bench.py"))
	if peer == nil {
		return nil
	}
	return &stepper{name: version, step: func() (time.Duration, float64, error) {
		line, err := peer("")
		if err != nil {
			return 0, 0, err
		}
		var seconds, peak float64
		_, err = fmt.Sscan(line, &seconds, &peak)
		return time.Duration(seconds * float64(time.Second)), peak, err
	}}
}
