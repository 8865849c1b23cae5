package nets_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
)

// parameters counts the scalar parameters of a graph.
func parameters(t *testing.T, g *graph.Graph, err error) int {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range g.Params() {
		n += tensor.Count(p.Shape())
	}
	return n
}

// TestParameterCounts: the paper's network has 26.5 M parameters at inference and 33.4 M in training
// (C = 3, K = 2), and draws 43.5 M mask voxels a sample.
func TestParameterCounts(t *testing.T) {
	for _, c := range []struct {
		task                modelcard.Task
		inference, training int
	}{{modelcard.Diagnosis, 26_506_129, 33_369_033}, {modelcard.Anatomy, 26_504_994, 33_367_610}} {
		g, noise, err := nets.Inference(nets.PaperM1(c.task))
		if n := parameters(t, g, err); n != c.inference {
			t.Errorf("%s: %d parameters at inference, want %d", c.task, n, c.inference)
		}
		g, _, err = nets.Training(nets.PaperM1(c.task))
		if n := parameters(t, g, err); n != c.training {
			t.Errorf("%s: %d parameters in training, want %d", c.task, n, c.training)
		}
		masks := 0
		for _, n := range noise {
			if n.Kind == modelcard.Bernoulli {
				masks += tensor.Count(n.Shape)
			}
		}
		if masks != 43_520_000 || len(noise) != 9 {
			t.Errorf("%s: %d noise inputs with %d mask voxels", c.task, len(noise), masks)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *nets.Config)
		want   string
	}{
		"size":      {func(c *nets.Config) { c.Size[1] = 150 }, "150 voxels along H (y) are no multiple of the product 16"},
		"depth":     {func(c *nets.Config) { c.Size[0] = 21 }, "21 voxels along D (z)"},
		"filters":   {func(c *nets.Config) { c.Filters[2] = 30 }, "level 2 has 30 filters"},
		"reduction": {func(c *nets.Config) { c.Reduction = 24 }, "reduction 24"},
		"kernel":    {func(c *nets.Config) { c.Kernels[1][2] = 2 }, "level 1 has kernel 2"},
		"stride":    {func(c *nets.Config) { c.Strides[3][0] = 0 }, "level 3 has kernel 3 and stride 0"},
		"stem":      {func(c *nets.Config) { c.Strides[0][2] = 2 }, "stem"},
		"dropout":   {func(c *nets.Config) { c.Dropout = 1 }, "dropout 1"},
		"classes":   {func(c *nets.Config) { c.Classes = 1 }, "1 classes"},
		"latent":    {func(c *nets.Config) { c.Latent = 0 }, "0 latent"},
		"nan":       {func(c *nets.Config) { c.Dropout = math.NaN() }, "NaN"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := nets.PaperM1(modelcard.Diagnosis)
			c.change(&cfg)
			_, _, err := nets.Inference(cfg)
			if !errors.Is(err, nets.ErrConfig) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ErrConfig with %q", err, c.want)
			}
		})
	}
}

// tiny is a network that initialises in no time.
func tiny() nets.Config {
	c := nets.PaperM1(modelcard.Diagnosis)
	c.Filters, c.Size, c.Latent, c.Head = [nets.Levels]int{8, 8, 16, 16, 32}, [3]int{8, 32, 32}, 8, [2]int{8, 8}
	return c
}

// TestInitIsOrthogonal: kernels, as first axis by the rest, have orthonormal rows or columns.
func TestInitIsOrthogonal(t *testing.T) {
	w, err := nets.Init(tiny(), 5)
	if err != nil {
		t.Fatal(err)
	}
	tall, wide := 0, 0
	for name, x := range w {
		if !strings.HasSuffix(name, ".weight") {
			continue
		}
		rows := x.Shape[0]
		cols := x.Count() / rows
		n, m, at := rows, cols, func(r, c int) float64 { return float64(x.F32[r*cols+c]) }
		if rows > cols {
			n, m, at = cols, rows, func(r, c int) float64 { return float64(x.F32[c*cols+r]) }
			tall++
		} else {
			wide++
		}
		for i := range n {
			for j := range i + 1 {
				dot, want := 0.0, 0.0
				for k := range m {
					dot += at(i, k) * at(j, k)
				}
				if i == j {
					want = 1
				}
				if math.Abs(dot-want) > 1e-5 {
					t.Fatalf("%s %v: rows %d and %d have product %g", name, x.Shape, i, j, dot)
				}
			}
		}
	}
	if tall == 0 || wide == 0 {
		t.Errorf("%d tall and %d wide kernels were seen", tall, wide)
	}
}

func TestInitBiasesAndNorms(t *testing.T) {
	w, err := nets.Init(tiny(), 5)
	if err != nil {
		t.Fatal(err)
	}
	n, squares := 0, 0.0
	for name, x := range w {
		for _, v := range x.F32 {
			switch {
			case strings.HasSuffix(name, ".scale") && v != 1, strings.HasSuffix(name, ".shift") && v != 0:
				t.Fatalf("%s holds %g", name, v)
			case strings.HasSuffix(name, ".bias"):
				n, squares = n+1, squares+float64(v)*float64(v)
				if math.Abs(float64(v)) > 0.002 {
					t.Fatalf("%s holds %g, beyond two standard deviations", name, v)
				}
			}
		}
	}
	// A normal truncated at ±2σ has standard deviation 0.8796 σ.
	if sd := math.Sqrt(squares / float64(n)); math.Abs(sd-0.8796e-3) > 0.1e-3 {
		t.Errorf("%d biases have standard deviation %g", n, sd)
	}
}

func TestInitFollowsTheSeed(t *testing.T) {
	first, err := nets.Init(tiny(), 1)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := nets.Init(tiny(), 1)
	other, _ := nets.Init(tiny(), 2)
	wider := tiny()
	wider.Head[1] = 16
	more, _ := nets.Init(wider, 1)
	const name = "e2.shortcut.conv.weight"
	for i, v := range first[name].F32 {
		if again[name].F32[i] != v || more[name].F32[i] != v {
			t.Fatal("the same seed and name gave other weights")
		}
	}
	if other[name].F32[0] == first[name].F32[0] {
		t.Error("another seed gave the same weights")
	}
	if first["e3.shortcut.conv.weight"].F32[0] == first["prior.e3.shortcut.conv.weight"].F32[0] {
		t.Error("two layers have the same weights")
	}
}

func TestWriteModel(t *testing.T) {
	p, err := nets.FindPreset("small", modelcard.Anatomy)
	if err != nil {
		t.Fatal(err)
	}
	w, err := nets.Init(p.Config, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "model.onnx")
	card := modelcard.Card{Name: "test", Recipe: p.Recipe, WeightSeed: 1, IntendedUse: "test", Program: "test"}
	if err := nets.WriteModel(path, p.Config, w, card); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Decode(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := modelcard.Decode(g.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "test" || got.Latent != p.Config.Latent || len(got.Noise) != 9 || got.LatentScale != nets.LatentScale {
		t.Errorf("card %+v", got)
	}
	if n := parameters(t, g, nil); n != w.Count() {
		t.Errorf("the file has %d parameters, the weights %d", n, w.Count())
	}

	for name, bad := range map[string]func() error{
		"recipe size": func() error {
			c := card
			c.Recipe = prep.PaperRecipe(false)
			return nets.WriteModel(path, p.Config, w, c)
		},
		"recipe channels": func() error {
			c := card
			c.Recipe.Channels = prep.PaperRecipe(true).Channels
			return nets.WriteModel(path, p.Config, w, c)
		},
		"no weights": func() error { return nets.WriteModel(path, p.Config, nil, card) },
		"no folder":  func() error { return nets.WriteModel(filepath.Join(dir, "missing", "m.onnx"), p.Config, w, card) },
	} {
		if err := bad(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("failed writes left %v (%v)", files, err)
	}
}

func TestPresets(t *testing.T) {
	for _, name := range nets.PresetNames() {
		for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
			p, err := nets.FindPreset(name, task)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(p.Config.Validate(), p.Recipe.Validate()); err != nil {
				t.Errorf("%s %s: %v", name, task, err)
			}
			if p.Recipe.Size != [3]int{p.Config.Size[2], p.Config.Size[1], p.Config.Size[0]} || len(p.Recipe.Channels) != p.Config.Channels {
				t.Errorf("%s %s: recipe %v does not feed %v", name, task, p.Recipe, p.Config)
			}
		}
	}
	if _, err := nets.FindPreset("huge", modelcard.Anatomy); !errors.Is(err, nets.ErrConfig) {
		t.Errorf("unknown preset: %v", err)
	}
	if _, err := nets.FindPreset("small", "lungs"); !errors.Is(err, nets.ErrConfig) {
		t.Errorf("unknown task: %v", err)
	}
}
