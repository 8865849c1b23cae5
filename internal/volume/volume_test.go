package volume

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"bayeslice/internal/geom"
)

// axialGrid is a T2W-like lattice, tilted as real axial series are.
func axialGrid(t testing.TB, size [3]int, spacing, origin geom.Vec3) geom.Grid {
	t.Helper()
	c, s := math.Cos(18.5*math.Pi/180), math.Sin(18.5*math.Pi/180)
	g, err := geom.NewGrid(size, origin, spacing, [3]geom.Vec3{{1, 0, 0}, {0, c, -s}, {0, s, c}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestResampleOntoOwnGridIsIdentity(t *testing.T) {
	g := axialGrid(t, [3]int{21, 17, 6}, geom.Vec3{0.5, 0.5, 3}, geom.Vec3{-40, 12, 7})
	v := mustVolume(t, g, lcg(g.Voxels(), 9))
	moved := g
	moved.Origin = g.Origin.Add(geom.Vec3{1e-9, 0, 0}) // rounding in a header is not a different grid
	for _, how := range []Interp{Nearest, Linear, Spline} {
		for _, to := range []geom.Grid{g, moved} {
			out, err := Resample(context.Background(), v, to, how, -1)
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range out.Data() {
				if x != v.Data()[i] {
					t.Fatalf("interpolation %d: voxel %d changed from %g to %g", how, i, v.Data()[i], x)
				}
			}
		}
		s := v.Sampler(how) // also the arithmetic itself, without the short cut
		for i := range 6 {
			got, inside := s.At(g.World(geom.Vec3{float64(3 * i), float64(2 * i), float64(i)}))
			if want := v.At(3*i, 2*i, i); !inside || math.Abs(float64(got-want)) > 1e-3 {
				t.Errorf("interpolation %d at a voxel centre: %g, %v, want %g", how, got, inside, want)
			}
		}
	}
}

func TestInsideReachesHalfAVoxelBeyondTheCentres(t *testing.T) {
	g := axialGrid(t, [3]int{4, 5, 6}, geom.Vec3{0.5, 1, 3}, geom.Vec3{1, 2, 3})
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = 7
	}
	v := mustVolume(t, g, data)
	for _, how := range []Interp{Nearest, Linear, Spline} {
		s := v.Sampler(how)
		for axis := range 3 {
			for _, c := range []struct {
				x      float64
				inside bool
			}{{-0.51, false}, {-0.49, true}, {float64(g.Size[axis]) - 0.51, true}, {float64(g.Size[axis]) - 0.49, false}, {math.NaN(), false}} {
				p := geom.Vec3{1, 1, 1}
				p[axis] = c.x
				got, inside := s.AtVoxel(p)
				if inside != c.inside || inside && math.Abs(float64(got)-7) > 1e-5 || !inside && got != 0 {
					t.Errorf("interpolation %d, axis %d at %g: %g, %v", how, axis, c.x, got, inside)
				}
			}
		}
	}
}

// The separable path must agree with the sampler point by point, which SciPy vouches for.
func TestSeparablePathAgreesWithSampler(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		size := func() [3]int { return [3]int{1 + r.IntN(9), 1 + r.IntN(9), 1 + r.IntN(6)} }
		mm := func() geom.Vec3 { return geom.Vec3{0.3 + r.Float64(), 0.3 + r.Float64(), 0.5 + 3*r.Float64()} }
		at := geom.Vec3{3 * r.Float64(), 3 * r.Float64(), 3 * r.Float64()}
		from, to := axialGrid(t, size(), mm(), geom.Vec3{}), axialGrid(t, size(), mm(), at)
		if r.IntN(2) == 0 { // the same axes, one run backwards
			to.Dir[1] = to.Dir[1].Scale(-1)
		}
		v := mustVolume(t, from, lcg(from.Voxels(), 1+r.IntN(1000)))
		for _, how := range []Interp{Nearest, Linear, Spline} {
			out, err := Resample(context.Background(), v, to, how, -5)
			if err != nil {
				t.Fatal(err)
			}
			s := v.Sampler(how)
			for k := range to.Size[2] {
				for j := range to.Size[1] {
					for i := range to.Size[0] {
						want, inside := s.At(to.World(geom.Vec3{float64(i), float64(j), float64(k)}))
						if !inside {
							want = -5
						}
						if got := out.At(i, j, k); math.Abs(float64(got-want)) > 1e-2 {
							t.Fatalf("interpolation %d at (%d, %d, %d): %g, sampler %g", how, i, j, k, got, want)
						}
					}
				}
			}
		}
	}
}

func TestNotFiniteVoxelsDoNotSpread(t *testing.T) {
	g := unitGrid(t, [3]int{9, 9, 3})
	data := lcg(g.Voxels(), 2)
	data[g.Index(4, 4, 1)] = float32(math.NaN())
	v := mustVolume(t, g, data)
	if x, _ := v.Sampler(Spline).At(geom.Vec3{1, 1, 1}); math.Abs(float64(x-v.At(1, 1, 1))) > 1e-3 {
		t.Errorf("spline far from a NaN: %g, want %g", x, v.At(1, 1, 1))
	}
	if x, _ := v.Sampler(Linear).At(geom.Vec3{3, 4, 1}); x != v.At(3, 4, 1) {
		t.Errorf("linear at the centre beside a NaN: %g, want %g", x, v.At(3, 4, 1))
	}
	data[g.Index(7, 0, 0)] = float32(math.Inf(1))
	if x, _ := v.Sampler(Linear).At(geom.Vec3{8.4, 0, 0}); x != v.At(8, 0, 0) {
		t.Errorf("linear beyond the last centre beside an infinity: %g, want %g", x, v.At(8, 0, 0))
	}
}

func TestResampleStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	from := axialGrid(t, [3]int{8, 8, 4}, geom.Vec3{1, 1, 3}, geom.Vec3{})
	to := axialGrid(t, [3]int{9, 9, 4}, geom.Vec3{1, 1, 3}, geom.Vec3{0.1, 0, 0})
	v := mustVolume(t, from, lcg(from.Voxels(), 1))
	for _, how := range []Interp{Nearest, Linear, Spline} {
		if _, err := Resample(ctx, v, to, how, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("interpolation %d: error = %v", how, err)
		}
	}
	m, err := NewMask(from, make([]uint8, from.Voxels()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ResampleMask(ctx, m, to); !errors.Is(err, context.Canceled) {
		t.Errorf("mask: error = %v", err)
	}
}

func TestConstructorsRefuseWrongLengths(t *testing.T) {
	g := unitGrid(t, [3]int{2, 3, 4})
	if _, err := New(g, make([]float32, 23), ""); !errors.Is(err, ErrGeometry) {
		t.Errorf("New: %v", err)
	}
	if _, err := NewMask(g, make([]uint8, 25)); !errors.Is(err, ErrGeometry) {
		t.Errorf("NewMask: %v", err)
	}
}

// Worked by hand: an L of three voxels of 0.5 × 0.5 × 3 mm and one voxel that touches it at a corner.
func TestRegionAndComponentsByHand(t *testing.T) {
	g, err := geom.NewGrid([3]int{4, 4, 3}, geom.Vec3{10, 20, 30}, geom.Vec3{0.5, 0.5, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]uint8, g.Voxels())
	for _, p := range [][3]int{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}} {
		data[g.Index(p[0], p[1], p[2])] = 2
	}
	data[g.Index(2, 1, 1)] = 5
	m, err := NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	r := m.Region(2)
	want := Region{Voxels: 3, ML: 3 * 0.75 / 1000, Centre: geom.Vec3{10 + 0.5/3, 20 + 0.5/3, 30}, Box: Box{[3]int{0, 0, 0}, [3]int{2, 2, 1}}}
	if r.Voxels != want.Voxels || math.Abs(r.ML-want.ML) > 1e-12 || r.Centre.Sub(want.Centre).Norm() > 1e-12 || r.Box != want.Box {
		t.Errorf("Region(2) = %+v, want %+v", r, want)
	}
	if all := m.Region(); all.Voxels != 4 || all.Box.Size() != [3]int{3, 2, 2} {
		t.Errorf("Region() = %+v", all)
	}
	if none := m.Region(9); none != (Region{}) || !none.Box.Empty() || none.Box.Size() != [3]int{} {
		t.Errorf("Region(9) = %+v", none)
	}
	if l := m.Labels(); len(l) != 2 || l[0] != 2 || l[1] != 5 {
		t.Errorf("Labels = %v", l)
	}
	if b := r.Box.Grow([3]int{1, 5, 1}, g); b != (Box{[3]int{0, 0, 0}, [3]int{3, 4, 2}}) {
		t.Errorf("Grow = %v", b)
	}
	for c, n := range map[Connectivity]int{Faces: 2, Edges: 2, Corners: 1} {
		if l := Components(g, func(i int) bool { return data[i] != 0 }, c); len(l.Components) != n {
			t.Errorf("connectivity %d: %d components, want %d", c, len(l.Components), n)
		}
	}
}

// benchVolume is a T2W series of usual size, and the grid of the paper's model.
func benchVolume(b *testing.B) (*Volume, geom.Grid) {
	b.Helper()
	g := axialGrid(b, [3]int{384, 384, 19}, geom.Vec3{0.5, 0.5, 3}, geom.Vec3{-96, -96, 0})
	return mustVolume(b, g, lcg(g.Voxels(), 1)), axialGrid(b, [3]int{160, 160, 20}, geom.Vec3{0.5, 0.5, 3}, geom.Vec3{-40.1, -40.2, -1})
}

func BenchmarkResampleSharedAxes(b *testing.B) {
	v, to := benchVolume(b)
	for b.Loop() {
		if _, err := Resample(context.Background(), v, to, Spline, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResampleOblique(b *testing.B) {
	v, to := benchVolume(b)
	to.Dir = [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	for b.Loop() {
		if _, err := Resample(context.Background(), v, to, Spline, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkComponents(b *testing.B) {
	v, _ := benchVolume(b)
	for b.Loop() {
		Components(v.Grid(), func(i int) bool { return v.Data()[i] < 100 }, Corners)
	}
}
