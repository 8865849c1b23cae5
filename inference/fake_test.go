package inference

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
)

// testSize is the grid of the tests' models, voxels (i, j, k).
var testSize = [3]int{12, 10, 6}

func testCard(task modelcard.Task) modelcard.Card {
	size := testSize
	d, h, w := size[2], size[1], size[0]
	c := modelcard.Card{Format: modelcard.Version, Name: "test", Task: task, Classes: []string{"background", "TZ", "PZ"}, Input: "image", Output: "p", Dropout: 0.5, Latent: 2,
		Noise: []modelcard.Noise{
			{Name: "drop", Kind: modelcard.Bernoulli, Keep: 0.5, Shape: []int{1, 1, d, h, w}},
			{Name: "z", Kind: modelcard.Normal, Shape: []int{1, 2}},
		}}
	c.Recipe = prep.PaperRecipe(task == modelcard.Diagnosis)
	c.Recipe.Size = size
	c.Recipe.SpacingMM = geom.Vec3{2, 2, 5}
	if task == modelcard.Diagnosis {
		c.Classes = []string{"background", "csPCa"}
	}
	return c
}

func testExam(t testing.TB, card modelcard.Card) *prep.Prepared {
	t.Helper()
	g, err := geom.NewGrid(card.Recipe.Size, geom.Vec3{-10, 5, 20}, card.Recipe.SpacingMM, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	n := g.Voxels()
	in := tensor.NewFloat32(1, len(card.Recipe.Channels), g.Size[2], g.Size[1], g.Size[0])
	for v := range n {
		i, j, k := voxelOf(g, v)
		in.F32[v] = float32(math.Exp(-(sq(i-6)+sq(j-5))/8 - sq(k-3)/4))
	}
	return &prep.Prepared{Input: in, Grid: g}
}

func sq(x int) float64 { return float64(x * x) }

// fake is a runner in Go: a prefix that passes the image on as "features", or a suffix that turns
// features and noise into probabilities.
type fake struct {
	mu     sync.Mutex
	runs   int
	closed bool
	f      func(run int, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error)
	kept   [][]float32 // every output "p"
}

func (f *fake) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs++
	out, err := f.f(f.runs, in)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err == nil && out["p"] != nil {
		f.kept = append(f.kept, out["p"].F32)
	}
	return out, err
}

func (f *fake) Device() string { return "fake" }

func (f *fake) Close() error {
	f.closed = true
	return nil
}

var _ Runner = (*fake)(nil)

// fakeModel returns a model of two fakes. Its probabilities are a softmax over the classes of
// image × noise, so that every noise input matters.
func fakeModel(t testing.TB, card modelcard.Card) (m *Model, prefix, suffix *fake) {
	t.Helper()
	prefix = &fake{f: func(_ int, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
		return map[string]*tensor.Tensor{"features": in["image"]}, nil
	}}
	k := len(card.Classes)
	voxels := card.Recipe.Size[0] * card.Recipe.Size[1] * card.Recipe.Size[2]
	suffix = &fake{f: func(_ int, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
		x, drop, z := in["features"], in["drop"], in["z"]
		if len(in) != 3 || x == nil || drop == nil || z == nil {
			return nil, fmt.Errorf("wrong inputs")
		}
		out := tensor.NewFloat32(1, k, card.Recipe.Size[2], card.Recipe.Size[1], card.Recipe.Size[0])
		for v := range voxels {
			sum := 0.0
			for c := range k {
				a := 3*float64(x.F32[v])*float64(c)*(0.6+0.4*float64(drop.U8[v])) + 0.3*float64(z.F32[c%2]) - float64(c)
				out.F32[c*voxels+v] = float32(math.Exp(a))
				sum += math.Exp(a)
			}
			for c := range k {
				out.F32[c*voxels+v] /= float32(sum)
			}
		}
		return map[string]*tensor.Tensor{"p": out}, nil
	}}
	m, err := NewModel(Parts{Card: card, SHA256: "abc", Prefix: prefix, Suffix: suffix, Carried: []string{"features"}})
	if err != nil {
		t.Fatal(err)
	}
	return m, prefix, suffix
}

// ticker is a clock that advances by step at every look.
func ticker(step time.Duration) func() time.Time {
	now := time.Unix(0, 0)
	return func() time.Time {
		now = now.Add(step)
		return now
	}
}
