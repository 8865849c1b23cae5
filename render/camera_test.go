package render

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"bayeslice/internal/geom"
)

// tilted returns a stack rotated by degrees about the patient's left-right axis, with k running along
// or against the normal, and j possibly towards the front.
func tilted(t *testing.T, degrees float64, flipJ, flipK bool) geom.Grid {
	t.Helper()
	s, c := math.Sincos(degrees * math.Pi / 180)
	dir := [3]geom.Vec3{{1, 0, 0}, {0, c, -s}, {0, s, c}}
	if flipJ {
		dir[1] = dir[1].Scale(-1)
	}
	if flipK {
		dir[2] = dir[2].Scale(-1)
	}
	g, err := geom.NewGrid([3]int{40, 30, 9}, geom.Vec3{-10, 20, 5}, geom.Vec3{0.5, 0.6, 3}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPlaneForIsRadiologicalWhateverTheStorageOrder(t *testing.T) {
	for n := range 4 {
		g := tilted(t, 18.5, n&1 == 1, n&2 == 2)
		p := PlaneFor(g, 4, 200, 100, Camera{})
		if got, want := EdgeLetters(p), (Edges{"R", "L", "AH", "PF"}); got != want {
			t.Errorf("flips %02b: edges %+v, want %+v", n, got, want)
		}
		if d := p.Centre.Sub(g.World(geom.Vec3{19.5, 14.5, 4})).Norm(); d > 1e-9 {
			t.Errorf("flips %02b: the centre is %g mm off the slice's", n, d)
		}
		// 20 mm in 200 pixels, 18 mm in 100: the height decides.
		if math.Abs(p.PixelMM-0.18) > 1e-12 {
			t.Errorf("flips %02b: a pixel is %g mm, want 0.18", n, p.PixelMM)
		}
		if err := p.check(); err != nil {
			t.Error(err)
		}
	}
}

func TestPlaneAlongReformats(t *testing.T) {
	g := tilted(t, 0, false, true)
	for axis, want := range []Edges{{"A", "P", "H", "F"}, {"R", "L", "H", "F"}, {"R", "L", "A", "P"}} {
		if got := EdgeLetters(PlaneAlong(g, axis, 2, 100, 100, Camera{})); got != want {
			t.Errorf("axis %d: %+v, want %+v", axis, got, want)
		}
	}
}

func TestCameraZoomsAndPans(t *testing.T) {
	g := tilted(t, 10, false, false)
	fit, p := PlaneFor(g, 2, 100, 100, Camera{}), PlaneFor(g, 2, 100, 100, Camera{Zoom: 4, PanMM: [2]float64{3, -2}})
	if math.Abs(p.PixelMM-fit.PixelMM/4) > 1e-12 {
		t.Errorf("a pixel is %g mm, want a quarter of %g", p.PixelMM, fit.PixelMM)
	}
	x, y := p.Pixel(fit.Centre, 100, 100)
	if math.Abs(x-49.5-3/p.PixelMM) > 1e-9 || math.Abs(y-49.5+2/p.PixelMM) > 1e-9 {
		t.Errorf("the slice's middle is at (%g, %g): want it 3 mm to the right of and 2 mm above the picture's", x, y)
	}
	for _, zoom := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if q := PlaneFor(g, 2, 100, 100, Camera{Zoom: zoom}); q != fit {
			t.Errorf("zoom %g does not fit the slice", zoom)
		}
	}
}

func TestNearestSliceGoesByTheNormal(t *testing.T) {
	for n := range 4 {
		g := tilted(t, 23.3, n&1 == 1, n&2 == 2)
		for k := range g.Size[2] {
			in := g.World(geom.Vec3{33, -7, float64(k) + 0.4}) // far off the middle, where z alone would mislead
			if got := NearestSlice(g, in); got != k {
				t.Errorf("flips %02b: slice %d for a point next to %d", n, got, k)
			}
		}
		if a, b := NearestSlice(g, g.World(geom.Vec3{0, 0, -50})), NearestSlice(g, g.World(geom.Vec3{0, 0, 1e12})); a != 0 || b != 8 {
			t.Errorf("beyond the ends: %d and %d, want 0 and 8", a, b)
		}
	}
	if got := NearestSlice(tilted(t, 0, false, false), geom.Vec3{math.NaN(), 0, 0}); got != 0 {
		t.Errorf("not a point: %d, want 0", got)
	}
}

func TestSlicePositionIsSharedByParallelStacks(t *testing.T) {
	up, down := tilted(t, 18.5, false, false), tilted(t, 18.5, false, true)
	if a, b := SlicePositionMM(up, 0), SlicePositionMM(down, 0); math.Abs(a-b) > 1e-9 {
		t.Errorf("the same plane is at %g and %g mm", a, b)
	}
	if d := SlicePositionMM(up, 1) - SlicePositionMM(up, 0); math.Abs(d-3) > 1e-9 {
		t.Errorf("the next slice up is %g mm away, want 3", d)
	}
	g := tilted(t, 0, false, true) // origin z = 5, slices run down
	for k, want := range map[float64]string{0: "H 5.0 mm", 3: "F 4.0 mm"} {
		if got := SliceLabel(g, k); got != want {
			t.Errorf("slice %g: %q, want %q", k, got, want)
		}
	}
}

func TestSeenHoldsEveryPixelOfTheBox(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	empty, hits := 0, 0
	for range 300 {
		v := smoothVolume(t, r, 1)
		axes := randomDirections(r)
		plane := Plane{Centre: geom.Vec3{5 * r.NormFloat64(), 5 * r.NormFloat64(), 5 * r.NormFloat64()}, Right: axes[0], Down: axes[1], PixelMM: 0.5}
		const w, h = 30, 40
		whole := image.Rect(0, 0, w, h)
		b := boxAbove(v, 0.8)
		tr := newTransform(v.Grid(), plane, w, h)
		rect := tr.seen(whole, b, 0)
		if b == emptyBox {
			empty++
		}
		for y := range h {
			for x := range w {
				p, in := tr.shifted(float64(x), float64(y)).origin, true
				for a := range 3 {
					in = in && p[a] > float64(b.lo[a])-1 && p[a] < float64(b.hi[a])+1
				}
				if in {
					hits++
				}
				if in && b != emptyBox && !image.Pt(x, y).In(rect) {
					t.Fatalf("pixel (%d, %d) at voxel %v is in %+v but not in %v", x, y, p, b, rect)
				}
			}
		}
	}
	if empty == 300 || hits == 0 {
		t.Errorf("%d of 300 boxes were empty and %d pixels inside: the test tests nothing", empty, hits)
	}
}

func TestBoxAbove(t *testing.T) {
	v := mustVolume(t, mustGrid(t, [3]int{5, 4, 3}, geom.Vec3{1, 1, 1}), func(i, j, k int) float32 {
		switch [3]int{i, j, k} {
		case [3]int{1, 2, 0}, [3]int{3, 1, 2}:
			return 1
		case [3]int{4, 3, 2}:
			return float32(math.Inf(1)) // no value
		}
		return 0
	})
	if got, want := boxAbove(v, 1), (box{[3]int{1, 1, 0}, [3]int{3, 2, 2}}); got != want {
		t.Errorf("box = %+v, want %+v", got, want)
	}
	if got := boxAbove(v, 1.5); got != emptyBox {
		t.Errorf("box above everything = %+v, want none", got)
	}
}
