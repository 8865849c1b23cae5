package render

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// mustGL opens the OpenGL renderer or skips the test. The shader cache is off since a hit would let
// invalid GLSL compile.
func mustGL(t testing.TB) *GL {
	t.Helper()
	if tt, ok := t.(*testing.T); ok {
		tt.Setenv("MESA_SHADER_CACHE_DISABLE", "true")
	}
	g, err := NewGL()
	if err != nil {
		testenv.SkipOrFail(t, "gl", "no OpenGL here: "+err.Error())
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// smoothVolume is a sum of random waves a few voxels long, between about −1 and 1, on a random grid about the origin.
func smoothVolume(t testing.TB, r *rand.Rand, scale float32) *volume.Volume {
	t.Helper()
	size := [3]int{6 + r.IntN(30), 6 + r.IntN(30), 1 + r.IntN(12)}
	spacing := geom.Vec3{0.5 + r.Float64(), 0.5 + r.Float64(), 2 + 2*r.Float64()}
	g, err := geom.NewGrid(size, geom.Vec3{}, spacing, randomDirections(r))
	if err != nil {
		t.Fatal(err)
	}
	g.Origin = geom.Vec3{3 * r.NormFloat64(), 3 * r.NormFloat64(), 3 * r.NormFloat64()}.Sub(g.Centre())
	var f [3][4]float64
	for n := range f {
		f[n] = [4]float64{r.NormFloat64() / 3, r.NormFloat64() / 3, r.NormFloat64() / 2, 6 * r.Float64()}
	}
	return mustVolume(t, g, func(i, j, k int) float32 {
		var s float64
		for _, w := range f {
			s += math.Sin(w[0]*float64(i)+w[1]*float64(j)+w[2]*float64(k)+w[3]) / 3
		}
		return scale * float32(s)
	})
}

// randomScene is an oblique scene with everything in it.
func randomScene(t testing.TB, r *rand.Rand, how volume.Interp) Scene {
	axes := randomDirections(r)
	s := Scene{
		Plane:  Plane{Centre: geom.Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}, Right: axes[0], Down: axes[1], PixelMM: 0.03 + 0.3*r.Float64()},
		Base:   smoothVolume(t, r, 1000),
		Window: Window{Level: 100, Width: 900},
		Interp: how,
		Overlay: &Overlay{
			Volume: smoothVolume(t, r, 1), Map: ColorMaps()[r.IntN(3)], Low: -2, High: 0.9, Opacity: r.Float64(),
		},
	}
	field := smoothVolume(t, r, 1)
	for n, level := range []float64{-0.3, 0, 0.35} {
		s.Contours = append(s.Contours, Contour{
			Field: field, Level: level, Width: 0.5 + 3*r.Float64(), Dash: float64(n%2) * 6, Fill: 0.3 * r.Float64(),
			Color: color.NRGBA{R: uint8(r.IntN(256)), G: uint8(r.IntN(256)), B: uint8(r.IntN(256)), A: uint8(100 + r.IntN(156))},
		})
	}
	s.Contours = append(s.Contours, Contour{Field: smoothVolume(t, r, 1), Level: 0.1, Width: 2, Color: lime})
	return s
}

// compare returns the number of pixels that differ by more than two grey levels in a channel, and the largest difference.
func compare(a, b *image.RGBA) (outliers, largest int) {
	for at := 0; at < len(a.Pix); at += 4 {
		worst := 0
		for c := range 4 {
			worst = max(worst, int(a.Pix[at+c])-int(b.Pix[at+c]), int(b.Pix[at+c])-int(a.Pix[at+c]))
		}
		largest = max(largest, worst)
		if worst > 2 {
			outliers++
		}
	}
	return outliers, largest
}

// TestGLEqualsCPU draws random oblique scenes with both renderers. Values agree within two grey
// levels; decisions (inside or outside a volume, nearest voxel, dash along x or along y) may fall
// differently in the last bit of a float, for which two pixels in ten thousand are allowed.
func TestGLEqualsCPU(t *testing.T) {
	g, cpu := mustGL(t), NewCPU()
	r := rand.New(rand.NewPCG(7, 1))
	for n := range 24 {
		how := volume.Linear
		if n%4 == 3 {
			how = volume.Nearest
		}
		s := randomScene(t, r, how)
		w, h := 40+r.IntN(200), 40+r.IntN(200)
		want, got := draw(t, cpu, s, w, h), draw(t, g, s, w, h)
		if outliers, largest := compare(want, got); outliers > w*h/5000 {
			t.Errorf("scene %d (%d×%d): %d pixels differ by more than 2, the worst by %d", n, w, h, outliers, largest)
		}
		if plain := draw(t, cpu, Scene{Plane: s.Plane}, w, h); n == 0 {
			if same, _ := compare(plain, got); same == 0 {
				t.Error("the comparison does not tell a full scene from a black one")
			}
		}
	}
}

func TestGLEqualsCPUOnMissingVoxels(t *testing.T) {
	g, cpu := mustGL(t), NewCPU()
	r := rand.New(rand.NewPCG(8, 1))
	for n := range 6 {
		s := randomScene(t, r, volume.Linear)
		holes := func(v *volume.Volume) *volume.Volume {
			return mustVolume(t, v.Grid(), func(i, j, k int) float32 {
				switch r.IntN(20) {
				case 0:
					return float32(math.NaN())
				case 1:
					return float32(math.Inf(-1))
				}
				return v.At(i, j, k)
			})
		}
		s.Base, s.Overlay.Volume, s.Contours[3].Field = holes(s.Base), holes(s.Overlay.Volume), holes(s.Contours[3].Field)
		want, got := draw(t, cpu, s, 150, 130), draw(t, g, s, 150, 130)
		if outliers, largest := compare(want, got); outliers > 20 { // the rim of every hole is a decision
			t.Errorf("scene %d: %d pixels differ by more than 2, the worst by %d", n, outliers, largest)
		}
	}
}

func TestGLEqualsCPUExactlyOnAcquiredSlices(t *testing.T) {
	g, cpu := mustGL(t), NewCPU()
	r := rand.New(rand.NewPCG(9, 1))
	for range 6 {
		s := randomScene(t, r, volume.Linear)
		grid := s.Base.Grid()
		for k := range grid.Size[2] {
			s.Plane = PlaneFor(grid, float64(k), 120, 100, Camera{})
			if outliers, largest := compare(draw(t, cpu, s, 120, 100), draw(t, g, s, 120, 100)); outliers > 3 {
				t.Fatalf("slice %d of %v: %d pixels differ, the worst by %d", k, grid.Size, outliers, largest)
			}
		}
	}
}

func TestGLDrawsPicturesLargerThanATile(t *testing.T) {
	g, cpu := mustGL(t), NewCPU()
	s := randomScene(t, rand.New(rand.NewPCG(10, 1)), volume.Linear)
	s.Plane.PixelMM = 0.02
	const w, h = 2048 + 37, 90
	if outliers, largest := compare(draw(t, cpu, s, w, h), draw(t, g, s, w, h)); outliers > w*h/5000 {
		t.Errorf("%d pixels differ by more than 2, the worst by %d", outliers, largest)
	}
	small := draw(t, g, s, 1, 1)
	if outliers, _ := compare(draw(t, cpu, s, 1, 1), small); outliers > 0 {
		t.Errorf("one pixel: %v", small.Pix)
	}
}

func TestGLSeesEveryChangeThroughItsCaches(t *testing.T) {
	g, cpu := mustGL(t), NewCPU()
	r := rand.New(rand.NewPCG(11, 1))
	s := randomScene(t, r, volume.Linear)
	other := smoothVolume(t, r, 1000)
	for name, change := range map[string]func(*Scene){
		"nothing":       func(*Scene) {},
		"window":        func(s *Scene) { s.Window.Level += 200 },
		"plane":         func(s *Scene) { s.Plane.Centre[1] += 1 },
		"volume":        func(s *Scene) { s.Base = other },
		"interpolation": func(s *Scene) { s.Interp = volume.Nearest },
		"no overlay":    func(s *Scene) { s.Overlay = nil },
		"fewer fields":  func(s *Scene) { s.Contours = s.Contours[2:] },
		"black":         func(s *Scene) { *s = Scene{Plane: s.Plane} },
	} {
		draw(t, g, s, 100, 90)
		changed := s
		change(&changed)
		if outliers, largest := compare(draw(t, cpu, changed, 100, 90), draw(t, g, changed, 100, 90)); outliers > 4 {
			t.Errorf("%s: %d pixels differ, the worst by %d", name, outliers, largest)
		}
	}
}

func TestGLRefusesVolumesBeyondItsTextures(t *testing.T) {
	g := mustGL(t)
	long := mustVolume(t, mustGrid(t, [3]int{70000, 1, 1}, geom.Vec3{1, 1, 1}), func(int, int, int) float32 { return 1 })
	s := Scene{Plane: axialPlane(geom.Vec3{}, 1, 4, 4), Base: long, Window: Window{Level: 1, Width: 1}}
	if _, err := g.Render(context.Background(), s, 4, 4); !errors.Is(err, ErrVolumeSize) {
		t.Fatalf("error = %v, want ErrVolumeSize", err)
	}
	f := NewFallback(g, NewCPU())
	if got := draw(t, f, s, 4, 4).RGBAAt(0, 0).R; got != 128 {
		t.Errorf("the CPU's picture has grey %d, want 128", got)
	}
	if f.Note() == "" || f.Name() != g.Name() {
		t.Errorf("note %q, name %q: want a note, and OpenGL for the next picture", f.Note(), f.Name())
	}
}

func TestGLCloseDuringRender(t *testing.T) {
	s := randomScene(t, rand.New(rand.NewPCG(12, 1)), volume.Linear)
	for range 3 {
		g := mustGL(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					img, err := g.Render(context.Background(), s, 64, 64)
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil || img == nil {
						t.Errorf("Render = %v, %v", img, err)
						return
					}
				}
			})
		}
		draw(t, g, s, 64, 64)
		wg.Go(func() { _ = g.Close() })
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

func TestGLHonoursCancelledContexts(t *testing.T) {
	g := mustGL(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := Scene{Plane: axialPlane(geom.Vec3{}, 1, 4, 4)}
	if _, err := g.Render(ctx, s, 4, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if _, err := g.Render(context.Background(), s, 0, 4); !errors.Is(err, ErrScene) {
		t.Errorf("error = %v, want ErrScene", err)
	}
}

func Example_names() {
	r, note := New(PreferCPU)
	fmt.Println(r.Name(), note == "")
	// Output: CPU true
}
