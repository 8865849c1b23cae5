package geom

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// obliqueGrid returns a random valid grid of either handedness.
func obliqueGrid(t *testing.T, r *rand.Rand) Grid {
	t.Helper()
	a := Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}.Unit()
	b := a.Cross(Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}).Unit()
	c := a.Cross(b)
	if r.IntN(2) == 0 {
		c = c.Scale(-1)
	}
	g, err := NewGrid([3]int{1 + r.IntN(50), 1 + r.IntN(50), 1 + r.IntN(50)},
		Vec3{100 * r.NormFloat64(), 100 * r.NormFloat64(), 100 * r.NormFloat64()},
		Vec3{0.1 + r.Float64(), 0.1 + r.Float64(), 0.1 + 5*r.Float64()}, [3]Vec3{a, b, c})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestVoxelInvertsWorldOnObliqueGrids(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		g := obliqueGrid(t, r)
		v := Vec3{40 * r.Float64(), 40 * r.Float64(), 40 * r.Float64()}
		if d := g.Voxel(g.World(v)).Sub(v).Norm(); d > 1e-9 {
			t.Fatalf("Voxel(World(v)) is %g voxels away on %+v", d, g)
		}
		back, err := GridFromAffine(g.Size, g.Affine())
		if err != nil || !back.SameAs(g, 1e-9) {
			t.Fatalf("GridFromAffine(Affine) = %+v, %v; want %+v", back, err, g)
		}
	}
}

func TestNewGridRefusesBadNumbers(t *testing.T) {
	eye := [3]Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	one := Vec3{1, 1, 1}
	for name, make := range map[string]func() (Grid, error){
		"zero size":   func() (Grid, error) { return NewGrid([3]int{0, 1, 1}, Vec3{}, one, eye) },
		"huge":        func() (Grid, error) { return NewGrid([3]int{1 << 20, 1 << 20, 1 << 20}, Vec3{}, one, eye) },
		"no spacing":  func() (Grid, error) { return NewGrid([3]int{1, 1, 1}, Vec3{}, Vec3{1, 0, 1}, eye) },
		"nan spacing": func() (Grid, error) { return NewGrid([3]int{1, 1, 1}, Vec3{}, Vec3{1, math.NaN(), 1}, eye) },
		"nan origin":  func() (Grid, error) { return NewGrid([3]int{1, 1, 1}, Vec3{math.NaN()}, one, eye) },
		"zero axis":   func() (Grid, error) { return NewGrid([3]int{1, 1, 1}, Vec3{}, one, [3]Vec3{{}, {0, 1, 0}, {0, 0, 1}}) },
		"shear": func() (Grid, error) {
			return NewGrid([3]int{1, 1, 1}, Vec3{}, one, [3]Vec3{{1, 0, 0}, {1, 1, 0}, {0, 0, 1}})
		},
	} {
		if _, err := make(); !errors.Is(err, ErrGrid) {
			t.Errorf("%s: error = %v, want ErrGrid", name, err)
		}
	}
}

func TestOrientationLetters(t *testing.T) {
	tilt := 18.5 * math.Pi / 180
	for want, d := range map[string]Vec3{
		"L": {1, 0, 0}, "R": {-2, 0, 0}, "P": {0, 1, 0}, "A": {0, -1, 0}, "H": {0, 0, 1}, "F": {0.01, 0, -1},
		"PF": {0, math.Cos(tilt), -math.Sin(tilt)},
	} {
		if got := OrientationLetters(d); got != want {
			t.Errorf("OrientationLetters(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestAnatomicalIsTheSameLatticeInOneOrder(t *testing.T) {
	tilt := 18.5 * math.Pi / 180
	want, err := NewGrid([3]int{5, 7, 3}, Vec3{-10, 20, 30}, Vec3{0.5, 0.6, 3},
		[3]Vec3{{1, 0, 0}, {0, math.Cos(tilt), -math.Sin(tilt)}, {0, math.Sin(tilt), math.Cos(tilt)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := want.Anatomical(); !got.SameAs(want, 1e-12) {
		t.Errorf("an anatomical grid became %+v", got)
	}
	// Every order and every reversal of the stored axes.
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		for flips := range 8 {
			stored := Grid{Origin: want.Origin}
			for a, from := range order {
				stored.Size[a], stored.Spacing[a], stored.Dir[a] = want.Size[from], want.Spacing[from], want.Dir[from]
				if flips>>a&1 == 1 {
					stored.Origin = stored.Origin.Add(want.Dir[from].Scale(float64(want.Size[from]-1) * want.Spacing[from]))
					stored.Dir[a] = want.Dir[from].Scale(-1)
				}
			}
			if got := stored.Anatomical(); !got.SameAs(want, 1e-9) || got.Spacing != want.Spacing {
				t.Errorf("order %v, flips %03b: %+v, want %+v", order, flips, got, want)
			}
		}
	}
}
