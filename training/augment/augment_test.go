package augment

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

type golden struct {
	Size       [3]int
	Spacing    [2]float64
	Background []float32
	Image      []float32
	Label      []int
	Cases      []struct {
		Flip            bool
		Scale, Rotation float64
		Shift           [2]float64
		Image           []float64
		Label           []int
		Outside         int
	}
}

func readGolden(t *testing.T) (golden, *training.Example, Frame) {
	t.Helper()
	data, err := os.ReadFile("testdata/affine_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	e := &training.Example{Exam: "golden", Image: tensor.FromFloat32(g.Image, 1, len(g.Background), g.Size[2], g.Size[1], g.Size[0])}
	for _, v := range g.Label {
		e.Label = append(e.Label, uint8(v))
	}
	return g, e, Frame{Spacing: geom.Vec3{g.Spacing[0], g.Spacing[1], 3}, Background: g.Background}
}

func TestChangesEqualSciPy(t *testing.T) {
	g, e, f := readGolden(t)
	before := slices.Clone(e.Image.F32)
	for n, want := range g.Cases {
		got := Change{Flip: want.Flip, Scale: want.Scale, RotationDeg: want.Rotation, ShiftMM: want.Shift}.Apply(e, f)
		worst := 0.0
		for i, v := range want.Image {
			worst = max(worst, math.Abs(v-float64(got.Image.F32[i])))
		}
		if worst > 2e-6 {
			t.Errorf("case %d: image differs from SciPy by up to %g", n, worst)
		}
		for i, v := range want.Label {
			if int(got.Label[i]) != v {
				t.Errorf("case %d: label of voxel %d is %d, SciPy's %d", n, i, got.Label[i], v)
				break
			}
		}
		if want.Outside == 0 && n > 0 {
			t.Errorf("case %d shows nothing about the outside", n)
		}
	}
	if !slices.Equal(before, e.Image.F32) {
		t.Error("the example itself was changed")
	}
}

func TestNothingToChangeReturnsTheExample(t *testing.T) {
	_, e, f := readGolden(t)
	for seed := range uint64(20) {
		if got := Apply(e, f, training.Augmentation{}, seed); got != e {
			t.Fatal("an augmentation without bounds made another example")
		}
	}
	// The resampling itself is exact where it moves by nothing.
	out := &training.Example{}
	Change{}.move(e, out, f)
	if !slices.Equal(out.Image.F32, e.Image.F32) || !slices.Equal(out.Label, e.Label) {
		t.Error("the identity is not exact")
	}
}

func TestFlipIsExactAndAlongTheLeftRightAxis(t *testing.T) {
	g, e, f := readGolden(t)
	once := Change{Flip: true}.Apply(e, f)
	w := g.Size[0]
	for row := range len(e.Label) / w {
		for i := range w {
			if once.Label[row*w+i] != e.Label[row*w+w-1-i] || once.Image.F32[row*w+i] != e.Image.F32[row*w+w-1-i] {
				t.Fatalf("row %d, column %d is not the mirrored voxel", row, i)
			}
		}
	}
	twice := Change{Flip: true}.Apply(once, f)
	if !slices.Equal(twice.Image.F32, e.Image.F32) || !slices.Equal(twice.Label, e.Label) {
		t.Error("flipped twice is not what it was")
	}
}

// A rotation must keep the shape of things in millimetres: a disc about the middle stays where it is, also
// on a grid whose pixels are three times as tall as wide.
func TestRotationKeepsDiscsOnAnisotropicPixels(t *testing.T) {
	const w, h = 90, 30
	spacing := geom.Vec3{0.5, 1.5, 3}
	e := &training.Example{Image: tensor.NewFloat32(1, 1, 1, h, w), Label: make([]uint8, w*h)}
	for j := range h {
		for i := range w {
			x, y := (float64(i)-44.5)*0.5, (float64(j)-14.5)*1.5
			r2 := x*x + y*y
			e.Image.F32[j*w+i] = float32(math.Exp(-r2 / 200))
			if r2 < 12*12 {
				e.Label[j*w+i] = 1
			}
		}
	}
	got := Change{RotationDeg: 30}.Apply(e, Frame{Spacing: spacing})
	different, worst := 0, 0.0
	for i := range e.Label {
		if got.Label[i] != e.Label[i] {
			different++
		}
		if e.Label[i] == 1 {
			worst = max(worst, math.Abs(float64(got.Image.F32[i]-e.Image.F32[i])))
		}
	}
	if different > 60 || worst > 0.01 { // the disc has 600 voxels
		t.Errorf("%d labels differ, the image by up to %g", different, worst)
	}
}

// Image and label go the same way: where the image is the label, it stays the label but for blurred borders.
func TestImageAndLabelMoveTogether(t *testing.T) {
	const n = 40
	e := &training.Example{Image: tensor.NewFloat32(1, 1, 1, n, n), Label: make([]uint8, n*n)}
	for j := 12; j < 25; j++ {
		for i := 8; i < 30; i++ {
			e.Label[j*n+i], e.Image.F32[j*n+i] = 1, 1
		}
	}
	spacing := geom.Vec3{1, 1, 3}
	moved := 0
	for seed := range uint64(50) {
		a := training.Paper().Augmentation
		a.NoiseSD = 0
		got := Apply(e, Frame{Spacing: spacing}, a, seed)
		for i, v := range got.Image.F32 {
			if (v > 0.5+1e-6) != (got.Label[i] == 1) && math.Abs(float64(v)-0.5) > 0.3 {
				t.Fatalf("seed %d: voxel %d has image %g and label %d", seed, i, v, got.Label[i])
			}
		}
		if !slices.Equal(got.Label, e.Label) {
			moved++
		}
	}
	if moved < 45 {
		t.Errorf("only %d of 50 seeds moved anything", moved)
	}
}

// What is shrunk to nothing, or moved out of sight, leaves the background.
func TestNothingInSightIsBackground(t *testing.T) {
	_, e, f := readGolden(t)
	for _, c := range []Change{{Scale: -1}, {ShiftMM: [2]float64{1000, 0}}, {ShiftMM: [2]float64{0, math.Inf(1)}}, {RotationDeg: math.NaN()}} {
		got := c.Apply(e, f)
		n := len(got.Label)
		for i := range got.Label {
			if got.Label[i] != 0 || got.Image.F32[i] != f.Background[0] || got.Image.F32[n+i] != f.Background[1] {
				t.Fatalf("%+v: voxel %d is %g, %g with label %d", c, i, got.Image.F32[i], got.Image.F32[n+i], got.Label[i])
			}
		}
	}
}

func TestSeedsDecideEverything(t *testing.T) {
	_, e, f := readGolden(t)
	a := training.Paper().Augmentation
	first, again, other := Apply(e, f, a, 7), Apply(e, f, a, 7), Apply(e, f, a, 8)
	if !slices.Equal(first.Image.F32, again.Image.F32) || !slices.Equal(first.Label, again.Label) {
		t.Error("one seed, two results")
	}
	if slices.Equal(first.Image.F32, other.Image.F32) {
		t.Error("two seeds, one result")
	}
}

func TestDrawsFillTheirBounds(t *testing.T) {
	a := training.Paper().Augmentation
	size, spacing := [3]int{160, 100, 20}, geom.Vec3{0.5, 0.8, 3}
	const draws = 4000
	low, high := [5]float64{}, [5]float64{}
	flips := 0
	for seed := range uint64(draws) {
		c := Draw(size, spacing, a, seed)
		if c.Flip {
			flips++
		}
		for i, v := range [5]float64{c.NoiseSD, c.Scale, c.RotationDeg, c.ShiftMM[0], c.ShiftMM[1]} {
			low[i], high[i] = min(low[i], v), max(high[i], v)
		}
		without := a
		without.NoiseSD, without.Flip = 0, false
		if d := Draw(size, spacing, without, seed); d.RotationDeg != c.RotationDeg || d.Scale != c.Scale {
			t.Fatal("what is switched off changes the other draws")
		}
	}
	want := [5]float64{0.5, 0.15, 7.5, 0.15 * 80, 0.15 * 80}
	for i, bound := range want {
		bottom := -bound
		if i == 0 {
			bottom = 0
		}
		if high[i] > bound || high[i] < 0.98*bound || low[i] < bottom || low[i] > bottom+0.02*bound {
			t.Errorf("part %d ranges over %g…%g, want %g…%g", i, low[i], high[i], bottom, bound)
		}
	}
	if share := float64(flips) / draws; math.Abs(share-0.5) > 0.03 {
		t.Errorf("%g of the examples are flipped, want a half", share)
	}
}

func TestNoiseHasTheDrawnDeviation(t *testing.T) {
	e := &training.Example{Image: tensor.NewFloat32(1, 1, 4, 50, 50), Label: make([]uint8, 4*50*50)}
	got := Change{NoiseSD: 0.3, NoiseSeed: 5}.Apply(e, Frame{Spacing: geom.Vec3{1, 1, 1}})
	sum, square := 0.0, 0.0
	for _, v := range got.Image.F32 {
		sum += float64(v)
		square += float64(v) * float64(v)
	}
	n := float64(len(got.Image.F32))
	if mean, sd := sum/n, math.Sqrt(square/n); math.Abs(mean) > 0.012 || math.Abs(sd-0.3) > 0.009 {
		t.Errorf("noise of mean %g and deviation %g, want 0 and 0.3", mean, sd)
	}
	if !slices.Equal(got.Label, e.Label) {
		t.Error("noise changed the label")
	}
}

// The background is what preparation writes outside an image.
func TestFrameOfFollowsTheRecipe(t *testing.T) {
	r := prep.PaperRecipe(true)
	r.Channels[2].Low, r.Channels[2].High = 500, 2500
	f := FrameOf(r)
	if f.Spacing != r.SpacingMM || !slices.Equal(f.Background, []float32{0, 0, -0.25}) {
		t.Errorf("frame = %+v", f)
	}
	r.Channels[2].Clip = true
	if b := FrameOf(r).Background[2]; b != 0 {
		t.Errorf("clipped background = %g", b)
	}
}

func BenchmarkApplyPaper(b *testing.B) {
	r := prep.PaperRecipe(true)
	e := &training.Example{Image: tensor.NewFloat32(1, 3, 20, 160, 160), Label: make([]uint8, 20*160*160)}
	f, a := FrameOf(r), training.Paper().Augmentation
	for n := range b.N {
		Apply(e, f, a, uint64(n))
	}
}
