package review

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

var anatomy = []string{"background", "TZ", "PZ"}

// axial is a grid of 1 × 1 × 3 mm with k towards the head.
func axial(t *testing.T, size [3]int) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, geom.Vec3{-10, -10, 0}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// fieldOf makes a field from the probabilities of each voxel.
func fieldOf(t *testing.T, g geom.Grid, classes []string, p func(i, j, k int) []float32) Field {
	t.Helper()
	data := make([][]float32, len(classes))
	for c := range data {
		data[c] = make([]float32, g.Voxels())
	}
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				for c, v := range p(i, j, k) {
					data[c][g.Index(i, j, k)] = v
				}
			}
		}
	}
	f := Field{Classes: classes}
	for _, d := range data {
		v, err := volume.New(g, d, "probability")
		if err != nil {
			t.Fatal(err)
		}
		f.Mean = append(f.Mean, v)
	}
	return f
}

func examine(t *testing.T, f Field, o Options) *Findings {
	t.Helper()
	found, err := Examine(context.Background(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// TestExamineByHand: a gland of TZ in front and PZ behind, with a border in doubt in the lowest slices of the left side
// and a smaller doubt at the outer border of PZ in the highest. A voxel has 0.003 mL.
func TestExamineByHand(t *testing.T) {
	g := axial(t, [3]int{40, 40, 9})
	f := fieldOf(t, g, anatomy, func(i, j, k int) []float32 {
		switch {
		case i < 5 || i >= 35 || j < 5 || j >= 35:
			return []float32{1, 0, 0}
		case j == 20 && i >= 27 && i < 33 && k < 2:
			return []float32{0, 0.5, 0.5} // 12 voxels, doubt 0.5: 0.018 mL
		case j == 34 && i >= 8 && i < 12 && k == 8:
			return []float32{0.25, 0, 0.75} // 4 voxels, doubt 0.25: 0.003 mL
		case j < 20:
			return []float32{0, 1, 0}
		}
		return []float32{0, 0, 1}
	})
	found := examine(t, f, Options{MinML: 0.001})
	near(t, "expected error", found.ErrorML, 0.021, 1e-9)
	near(t, "entropy", found.EntropyML, 0.003*(12*math.Ln2+4*(0.75*math.Log(4.0/3)+0.25*math.Log(4))), 1e-9)
	near(t, "slice 0", found.Slices[0], 0.009, 1e-9)
	near(t, "slice 8", found.Slices[8], 0.003, 1e-9)
	near(t, "elsewhere", found.ElsewhereML, 0, 1e-9)
	if len(found.Spots) != 2 {
		t.Fatalf("%d spots", len(found.Spots))
	}
	s := found.Spots[0]
	near(t, "error of the first", s.ErrorML, 0.018, 1e-9)
	near(t, "its volume", s.VolumeML, 0.036, 1e-9)
	if s.Reason() != "apex, left, TZ/PZ border, 0.02 mL expected error" {
		t.Errorf("%q", s.Reason())
	}
	if want := g.World(geom.Vec3{30, 20, 0}); s.World != want && s.World != g.World(geom.Vec3{29, 20, 0}) || s.Slice != 0 {
		t.Errorf("look at %v in slice %d, want %v", s.World, s.Slice, want)
	}
	if got := found.Spots[1].Reason(); got != "base, right posterior, outer border of PZ, 0.00 mL expected error" {
		t.Errorf("%q", got)
	}
	wg := found.Structures[2]
	if wg.Name != "WG" || len(found.Structures) != 3 {
		t.Fatal(found.Structures)
	}
	near(t, "WG", wg.ErrorML, 0.003, 1e-9) // TZ against PZ is no doubt about the gland
	near(t, "TZ", found.Structures[0].ErrorML, 0.018, 1e-9)
	near(t, "PZ", found.Structures[1].ErrorML, 0.021, 1e-9)
	near(t, "WG volume", wg.ML, 0.003*(30*30*9-4*0.25), 1e-6)
}

// A shell of doubt round the whole gland is cut into the parts of the gland, and nothing of it is lost.
func TestLargePlacesAreCut(t *testing.T) {
	g := axial(t, [3]int{60, 60, 12})
	f := fieldOf(t, g, anatomy, func(i, j, k int) []float32 {
		r := math.Hypot(math.Hypot(float64(i)-29.5, float64(j)-29.5), 3*(float64(k)-5.5))
		switch {
		case r < 15:
			return []float32{0, 0, 1}
		case r < 17:
			return []float32{0.4, 0, 0.6}
		}
		return []float32{1, 0, 0}
	})
	found := examine(t, f, Options{})
	if len(found.Spots) < 12 || len(found.Spots) > 24 {
		t.Errorf("%d spots", len(found.Spots))
	}
	sum, voxels := 0.0, map[int32]bool{}
	for n, s := range found.Spots {
		sum += s.ErrorML
		for _, v := range s.Voxels {
			if voxels[v] {
				t.Fatal("a voxel is in two spots")
			}
			voxels[v] = true
		}
		if n > 0 && s.ErrorML > found.Spots[n-1].ErrorML {
			t.Error("spots are not in order")
		}
		at := g.Voxel(s.World)
		if !slices.Contains(s.Voxels, int32(g.Index(int(math.Round(at[0])), int(math.Round(at[1])), int(math.Round(at[2]))))) {
			t.Error("a spot is looked at outside of itself")
		}
	}
	near(t, "sum", sum+found.ElsewhereML, found.ErrorML, 1e-9)
	whole := examine(t, f, Options{MaxMM: 1000})
	if len(whole.Spots) != 3 || len(whole.Spots[0].Voxels) < len(voxels)*8/10 { // the shell, and its caps
		t.Errorf("uncut: %d spots, the first of %d voxels", len(whole.Spots), len(whole.Spots[0].Voxels))
	}
}

// TestExpectedErrorIsTheExpectedNumberOfErrors draws truths from the probabilities and counts the errors of the most
// probable segmentation.
func TestExpectedErrorIsTheExpectedNumberOfErrors(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	g := axial(t, [3]int{20, 20, 4})
	f := fieldOf(t, g, anatomy, func(int, int, int) []float32 {
		a, b := rng.Float32(), rng.Float32()
		a, b = min(a, b), max(a, b)
		return []float32{a, b - a, 1 - b}
	})
	found := examine(t, f, Options{})
	errorsDrawn, gland := 0, 0
	const draws = 300
	for v := range g.Voxels() {
		p := [3]float64{float64(f.Mean[0].Data()[v]), float64(f.Mean[1].Data()[v]), float64(f.Mean[2].Data()[v])}
		best := slices.Index(p[:], slices.Max(p[:]))
		for range draws {
			u, truth := rng.Float64(), 2
			if u < p[0] {
				truth = 0
			} else if u < p[0]+p[1] {
				truth = 1
			}
			if truth != best {
				errorsDrawn++
			}
			if (truth > 0) != (p[1]+p[2] > 0.5) {
				gland++
			}
		}
	}
	near(t, "expected error", found.ErrorML, float64(errorsDrawn)/draws*0.003, 0.01)
	near(t, "expected error of the gland", found.Structures[2].ErrorML, float64(gland)/draws*0.003, 0.01)
}

// TestSpotsEqualSciPy compares the spots of a random field with components that SciPy found.
func TestSpotsEqualSciPy(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Size     [3]int
		P255     [][]int // per class
		ErrorML  float64
		Entropy  float64
		MinDoubt float64
		Spots    []struct {
			ErrorML float64
			Voxels  int
			Between [2]string
			First   int32
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil || len(golden) < 2 {
		t.Fatal(len(golden), err)
	}
	for _, want := range golden {
		g := axial(t, want.Size)
		f := fieldOf(t, g, anatomy, func(i, j, k int) []float32 {
			at := g.Index(i, j, k)
			return []float32{float32(want.P255[0][at]) / 255, float32(want.P255[1][at]) / 255, float32(want.P255[2][at]) / 255}
		})
		found := examine(t, f, Options{MinDoubt: want.MinDoubt, MinML: 1e-9, MaxMM: 1e9})
		near(t, "error", found.ErrorML, want.ErrorML, 1e-6)
		near(t, "entropy", found.EntropyML, want.Entropy, 1e-6)
		if len(found.Spots) != len(want.Spots) {
			t.Fatalf("%d spots, want %d", len(found.Spots), len(want.Spots))
		}
		for n, s := range found.Spots {
			w := want.Spots[n]
			near(t, "spot", s.ErrorML, w.ErrorML, 1e-7)
			if len(s.Voxels) != w.Voxels || s.Between != w.Between || s.Voxels[0] != w.First {
				t.Errorf("spot %d: %d voxels of %v from %d, want %+v", n, len(s.Voxels), s.Between, s.Voxels[0], w)
			}
		}
	}
}

// Without a gland places have no names; with one from elsewhere they do. A tilted grid whose k runs to the feet is no other.
func TestPlacesOfALesion(t *testing.T) {
	g, err := geom.NewGrid([3]int{40, 40, 9}, geom.Vec3{-20, -20, 24}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 0.96, -0.28}, {0, -0.28, -0.96}})
	if err != nil {
		t.Fatal(err)
	}
	f := fieldOf(t, g, []string{"background", "csPCa"}, func(i, j, k int) []float32 {
		if i >= 8 && i < 12 && j >= 30 && j < 34 && k >= 1 && k < 3 {
			return []float32{0.6, 0.4}
		}
		return []float32{0.99, 0.01}
	})
	if got := examine(t, f, Options{}).Spots[0].Reason(); got != "csPCa or not, 0.04 mL expected error" {
		t.Errorf("%q", got)
	}
	gland := make([]uint8, g.Voxels())
	for v := range gland {
		gland[v] = 1
	}
	if f.Gland, err = volume.NewMask(g, gland); err != nil {
		t.Fatal(err)
	}
	if got := examine(t, f, Options{}).Spots[0].Reason(); got != "base, right posterior, csPCa or not, 0.04 mL expected error" {
		t.Errorf("%q", got)
	}
}

func TestExamineRefuses(t *testing.T) {
	g := axial(t, [3]int{4, 4, 2})
	good := fieldOf(t, g, anatomy, func(int, int, int) []float32 { return []float32{1, 0, 0} })
	nan := fieldOf(t, g, anatomy, func(int, int, int) []float32 { return []float32{float32(math.NaN()), 0, 0} })
	elsewhere := fieldOf(t, axial(t, [3]int{4, 4, 3}), anatomy, func(int, int, int) []float32 { return []float32{1, 0, 0} })
	for name, f := range map[string]Field{
		"nothing": {}, "one class": {Classes: anatomy[:1], Mean: good.Mean[:1]}, "too few maps": {Classes: anatomy, Mean: good.Mean[:2]},
		"no number": nan, "two grids": {Classes: anatomy, Mean: []*volume.Volume{good.Mean[0], good.Mean[1], elsewhere.Mean[2]}},
		"a nil map": {Classes: anatomy, Mean: []*volume.Volume{good.Mean[0], nil, nil}},
	} {
		if _, err := Examine(context.Background(), f, Options{}); !errors.Is(err, ErrField) {
			t.Errorf("%s: %v", name, err)
		}
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Examine(done, good, Options{}); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
	sure := examine(t, good, Options{})
	if sure.ErrorML != 0 || len(sure.Spots) != 0 || len(sure.Slices) != 2 {
		t.Errorf("a sure field: %+v", sure)
	}
}

func TestSpotsSurviveAFile(t *testing.T) {
	s := Spot{World: geom.Vec3{1, 2, 3}, Slice: 4, ErrorML: 0.5, VolumeML: 1, Between: [2]string{"TZ", "PZ"}, Level: Apex, Side: LeftSide, Depth: Posterior, Voxels: []int32{1}}
	text, err := json.Marshal(s)
	if err != nil || strings.Contains(string(text), "Voxels") {
		t.Fatal(string(text), err)
	}
	var back Spot
	if err := json.Unmarshal(text, &back); err != nil || back.Reason() != s.Reason() || back.World != s.World {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"level":"top"}`), &back); !errors.Is(err, ErrField) {
		t.Error("an unknown level:", err)
	}
	for ml, want := range map[float64]string{0: "0.00 mL", 0.994: "0.99 mL", 0.996: "1.0 mL", 9.94: "9.9 mL", 9.96: "10 mL", 41.6: "42 mL"} {
		if got := ML(ml); got != want {
			t.Errorf("%g mL is written %q, want %q", ml, got, want)
		}
	}
}
