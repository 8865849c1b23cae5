package step_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/autodiff"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
	"bayeslice/training/loss"
	"bayeslice/training/optim"
	"bayeslice/training/step"
)

// golden is one case of testdata/step_golden.json, made with PyTorch by testdata/step_golden.py.
type golden struct {
	Config struct {
		Channels, Classes, Reduction, Latent int
		Size                                 [3]int
		Filters                              [nets.Levels]int
		Kernels, Strides                     [nets.Levels][3]int
		Dropout                              float64
		Head                                 [2]int
		Slope, Epsilon                       float32
	}
	Kind                           loss.Kind
	Alpha                          []float64
	Gamma, Beta                    float64
	Loss, Segmentation, Divergence float64
	Deep                           bool
	Gradients                      map[string][3]float64 // norm, product with the probe, first element
}

func readGolden(t *testing.T) map[string]golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "step_golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]golden
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (g golden) config() step.Config {
	c := g.Config
	return step.Config{
		Net: nets.Config{Task: modelcard.Diagnosis, Channels: c.Channels, Classes: c.Classes, Size: c.Size, Filters: c.Filters, Kernels: c.Kernels,
			Strides: c.Strides, Reduction: c.Reduction, Dropout: c.Dropout, Latent: c.Latent, Head: c.Head, Slope: c.Slope, Epsilon: c.Epsilon},
		Loss: loss.Options{Kind: g.Kind, Alpha: g.Alpha, Gamma: g.Gamma},
		Beta: g.Beta, DeepSupervision: g.Deep,
	}
}

// inputs makes everything that the step reads, by the formula.
func inputs(t testing.TB, c step.Config, s *step.Step) map[string]*tensor.Tensor {
	t.Helper()
	size, classes := c.Net.Size, c.Net.Classes
	voxels := size[0] * size[1] * size[2]
	in := map[string]*tensor.Tensor{nets.InputName: graphtest.Formula(nets.InputName, []int{1, c.Net.Channels, size[0], size[1], size[2]})}
	label := tensor.NewFloat32(1, classes-1, size[0], size[1], size[2])
	distance := tensor.NewFloat32(label.Shape...)
	regions := make([][]bool, classes)
	for k := range regions {
		regions[k] = make([]bool, voxels)
	}
	for i, u := range graphtest.Uniform(nets.LabelName, voxels) {
		regions[int(u*float64(classes))][i] = true
	}
	for k, region := range regions[1:] {
		d, err := volume.SignedDistance([3]int{size[2], size[1], size[0]}, geom.Vec3{1, 1, 1}, region)
		if err != nil {
			t.Fatal(err)
		}
		copy(distance.F32[k*voxels:], d)
		for i, inside := range region {
			if inside {
				label.F32[k*voxels+i] = 1
			}
		}
	}
	in[nets.LabelName] = label
	if c.Loss.Kind.NeedsDistance() {
		in[step.DistanceName] = distance
	}
	for _, n := range s.Noise {
		if n.Kind == modelcard.Normal {
			in[n.Name] = graphtest.Formula(n.Name, n.Shape)
			continue
		}
		in[n.Name] = tensor.NewBool(n.Shape...)
		for i, u := range graphtest.Uniform(n.Name, tensor.Count(n.Shape)) {
			if u < n.Keep {
				in[n.Name].U8[i] = 1
			}
		}
	}
	for _, p := range s.Params {
		if !p.Idle {
			in[p.Name] = graphtest.Formula(p.Name, p.Shape)
		}
	}
	return in
}

// open opens a session of the step, or skips the test.
func open(t testing.TB, s *step.Step) *ort.Session {
	t.Helper()
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 2})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	var file bytes.Buffer
	if err := s.Graph.Encode(&file); err != nil {
		t.Fatal(err)
	}
	session, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return session
}

// TestAgainstPyTorch holds the losses and the gradient of every parameter within 1e-3 of PyTorch's in
// float64, relative to the gradient's norm.
func TestAgainstPyTorch(t *testing.T) {
	for name, want := range readGolden(t) {
		t.Run(name, func(t *testing.T) {
			s, err := step.New(want.config())
			if err != nil {
				t.Fatal(err)
			}
			got, err := open(t, s).Run(context.Background(), inputs(t, want.config(), s))
			if err != nil {
				t.Fatal(err)
			}
			for output, v := range map[string]float64{step.LossName: want.Loss, step.SegmentationName: want.Segmentation, step.DivergenceName: want.Divergence} {
				if g := float64(got[output].F32[0]); !(math.Abs(g-v) <= 1e-4*math.Abs(v)) {
					t.Errorf("%s is %g, PyTorch says %g", output, g, v)
				}
			}
			if len(s.Params) != len(want.Gradients) {
				t.Errorf("%d parameters, PyTorch has %d", len(s.Params), len(want.Gradients))
			}
			worst := 0.0
			for _, p := range s.Params {
				d, faults := compare(p, want.Gradients[p.Name], got[autodiff.GradientName(p.Name)])
				worst = max(worst, d)
				for _, f := range faults {
					t.Error(f)
				}
			}
			t.Logf("largest relative difference of a gradient: %.2g", worst)
		})
	}
}

// nothing bounds the norm of gradients that are 0 but for rounding: those of idle parameters.
const nothing = 1e-12

// compare returns the largest difference relative to the norm of the gradient, and what is wrong with it.
func compare(p step.Param, want [3]float64, got *tensor.Tensor) (worst float64, faults []string) {
	switch {
	case p.Idle && (got != nil || !(want[0] < nothing)):
		return 0, []string{fmt.Sprintf("%s is idle, but PyTorch's gradient has norm %g", p.Name, want[0])}
	case p.Idle:
		return 0, nil
	case got == nil || want[0] < nothing:
		return 0, []string{fmt.Sprintf("%s: gradient %v, PyTorch's has norm %g", p.Name, got, want[0])}
	}
	squares, product, length := 0.0, 0.0, 0.0
	for i, u := range graphtest.Uniform("probe "+p.Name, got.Count()) {
		v := float64(got.F32[i])
		squares, product, length = squares+v*v, product+v*(u-0.5), length+(u-0.5)*(u-0.5)
	}
	norm := want[0]
	differences := [3]float64{math.Sqrt(squares) - norm, (product - want[1]) / math.Sqrt(length), float64(got.F32[0]) - want[2]}
	for i, what := range []string{"norm", "projection", "first element"} {
		d := math.Abs(differences[i]) / norm
		worst = max(worst, d)
		if !(d <= 1e-3) {
			faults = append(faults, fmt.Sprintf("gradient of %s %v: its %s differs by %.2g of the norm %g", p.Name, p.Shape, what, d, norm))
		}
	}
	return worst, faults
}

// TestComparisonCanFail plants an error into the comparison and wants it reported.
func TestComparisonCanFail(t *testing.T) {
	got := tensor.FromFloat32([]float32{1, 2, 3, 4}, 2, 2)
	p := step.Param{Name: "w", Shape: []int{2, 2}}
	squares, product := 0.0, 0.0
	for i, u := range graphtest.Uniform("probe w", 4) {
		v := float64(got.F32[i])
		squares, product = squares+v*v, product+v*(u-0.5)
	}
	right := [3]float64{math.Sqrt(squares), product, 1}
	if worst, faults := compare(p, right, got); worst > 1e-12 || faults != nil {
		t.Errorf("the right gradient differs by %g: %v", worst, faults)
	}
	got.F32[1], got.F32[2] = 3, 2 // transposed: same norm
	if _, faults := compare(p, right, got); len(faults) != 1 {
		t.Errorf("a transposed gradient gave %v", faults)
	}
	if _, faults := compare(p, right, nil); len(faults) != 1 {
		t.Errorf("a missing gradient gave %v", faults)
	}
	p.Idle = true
	if _, faults := compare(p, right, nil); len(faults) != 1 {
		t.Errorf("an idle parameter with a gradient gave %v", faults)
	}
}

// TestRepeatable wants the same file from the same configuration, and the same bits from two runs and
// from two sessions: what resuming a training run rests on.
func TestRepeatable(t *testing.T) {
	c := readGolden(t)["diagnosis"].config()
	var files [2]bytes.Buffer
	var got []map[string]*tensor.Tensor
	for i := range files {
		s, err := step.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Graph.Encode(&files[i]); err != nil {
			t.Fatal(err)
		}
		session, in := open(t, s), inputs(t, c, s)
		for range 2 - i {
			out, err := session.Run(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, out)
		}
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("the same configuration gave two different files")
	}
	for _, other := range got[1:] {
		for name, v := range got[0] {
			if !slices.Equal(v.F32, other[name].F32) {
				t.Errorf("%s differs between runs", name)
			}
		}
	}
}

// TestLossFalls follows the gradients with the paper's optimiser on one exam with fixed noise: the
// segmentation loss must fall to a tenth.
func TestLossFalls(t *testing.T) {
	c := readGolden(t)["diagnosis"].config()
	c.Loss, c.Beta = loss.Options{Kind: loss.CE}, 0.01
	c.Net.Dropout = 0
	s, err := step.New(c)
	if err != nil {
		t.Fatal(err)
	}
	session, in := open(t, s), inputs(t, c, s)
	for i := range in[nets.LabelName].F32 { // a label that the image shows
		in[nets.LabelName].F32[i] = 0
		if i/32%32 > 10 && i/32%32 < 22 && i%32 > 8 && i%32 < 20 {
			in[nets.LabelName].F32[i] = 1
			in[nets.InputName].F32[i] += 3
		}
	}
	adam, states := optim.NewAMSGrad(), map[string]*optim.State{}
	var first, last float32
	for range 60 {
		out, err := session.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		if last = out[step.SegmentationName].F32[0]; first == 0 {
			first = last
		}
		for _, p := range s.Params {
			if p.Idle {
				continue
			}
			if states[p.Name] == nil {
				states[p.Name] = optim.NewState(tensor.Count(p.Shape))
			}
			if err := adam.Update(in[p.Name].F32, out[autodiff.GradientName(p.Name)].F32, states[p.Name], 5e-3, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("from %g to %g", first, last)
	if !(last < first/10) {
		t.Errorf("the loss went from %g to %g", first, last)
	}
}

func TestUnusableConfig(t *testing.T) {
	good := readGolden(t)["diagnosis"].config()
	for name, c := range map[string]struct {
		change func(*step.Config)
		want   error
	}{
		"negative β": {func(c *step.Config) { c.Beta = -1 }, step.ErrConfig},
		"β NaN":      {func(c *step.Config) { c.Beta = math.NaN() }, step.ErrConfig},
		"no filters": {func(c *step.Config) { c.Net.Filters[2] = 0 }, nets.ErrConfig},
		"no loss":    {func(c *step.Config) { c.Loss.Kind = "" }, loss.ErrOptions},
	} {
		changed := good
		c.change(&changed)
		if _, err := step.New(changed); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
