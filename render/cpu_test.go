package render

import (
	"context"
	"errors"
	"image/color"
	"math"
	"slices"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// rampScene is a volume of four columns 0, 100, 200, 300 under a window from 0 to 300, one pixel per
// half voxel, starting a quarter voxel left of the first centre.
func rampScene(t *testing.T) (Scene, int, int) {
	v := mustVolume(t, mustGrid(t, [3]int{4, 2, 1}, geom.Vec3{1, 1, 3}), func(i, _, _ int) float32 { return float32(100 * i) })
	const w, h = 10, 2
	return Scene{Plane: axialPlane(geom.Vec3{-0.75, 0, 0}, 0.5, w, h), Base: v, Window: Window{Level: 150, Width: 300}}, w, h
}

func TestCPUNearestRamp(t *testing.T) {
	s, w, h := rampScene(t)
	s.Interp = volume.Nearest
	// Pixels lie at −0.75 (outside), −0.25, 0.25 (column 0), 0.75, 1.25 (1), … 3.25, 3.75 (outside).
	want := []uint8{0, 0, 0, 85, 85, 170, 170, 255, 255, 0}
	if got := greys(t, draw(t, NewCPU(), s, w, h), 0); !slices.Equal(got, want) {
		t.Errorf("row = %v, want %v", got, want)
	}
}

func TestCPULinearRamp(t *testing.T) {
	s, w, h := rampScene(t)
	s.Interp = volume.Linear
	// 25 units a quarter voxel: 255·25/300 = 21.25; the ends are constant over half a voxel.
	want := []uint8{0, 0, 21, 64, 106, 149, 191, 234, 255, 0}
	if got := greys(t, draw(t, NewCPU(), s, w, h), 0); !slices.Equal(got, want) {
		t.Errorf("row = %v, want %v", got, want)
	}
}

func TestCPUWindowIsDICOMLinearExact(t *testing.T) {
	v := mustVolume(t, mustGrid(t, [3]int{5, 1, 1}, geom.Vec3{1, 1, 1}), func(i, _, _ int) float32 {
		return []float32{49, 50, 100, 149, 151}[i]
	})
	s := Scene{Plane: axialPlane(geom.Vec3{}, 1, 5, 1), Base: v, Window: Window{Level: 100, Width: 100}}
	// ((x − c)/w + 0.5)·255, clamped: 49 → 0, 50 → 0, 100 → 127.5, 149 → 252.45, 151 → 255.
	if got, want := greys(t, draw(t, NewCPU(), s, 5, 1), 0), []uint8{0, 0, 128, 252, 255}; !slices.Equal(got, want) {
		t.Errorf("row = %v, want %v", got, want)
	}
}

func TestCPUTrilinearOnAPlaneBetweenSlices(t *testing.T) {
	v := mustVolume(t, mustGrid(t, [3]int{3, 3, 3}, geom.Vec3{1, 1, 4}), func(i, j, k int) float32 {
		return float32(10*i + 20*j + 40*k)
	})
	// Sagittal plane x = 0.5, screen right = +y, screen down = −z, from z = 6 mm (k 1.5).
	s := Scene{
		Base: v, Window: Window{Level: 127.5, Width: 255}, Interp: volume.Linear,
		Plane: Plane{Centre: geom.Vec3{0.5, 1, 5}, Right: geom.Vec3{0, 1, 0}, Down: geom.Vec3{0, 0, -1}, PixelMM: 1},
	}
	img := draw(t, NewCPU(), s, 3, 3)
	for y := range 3 {
		for x := range 3 {
			want := uint8(5 + 20*x + 10*(6-y))
			if got := img.RGBAAt(x, y).R; got != want {
				t.Errorf("pixel (%d, %d) = %d, want %d", x, y, got, want)
			}
		}
	}
}

func TestCPUOverlayUsesTheTableAndLeavesLowValuesOut(t *testing.T) {
	v := mustVolume(t, mustGrid(t, [3]int{4, 1, 1}, geom.Vec3{1, 1, 1}), func(i, _, _ int) float32 {
		return []float32{0.1, 0.2, 0.6, 5}[i]
	})
	lut := LUT(Magma)
	s := Scene{
		Plane:   axialPlane(geom.Vec3{}, 1, 4, 1),
		Overlay: &Overlay{Volume: v, Map: Magma, Low: 0.2, High: 1, Opacity: 1},
	}
	img := draw(t, NewCPU(), s, 4, 1)
	for x, want := range []color.RGBA{{A: 255}, lut[0], {A: 255}, lut[255]} {
		if x == 2 { // half way between entries 127 and 128
			for c, pair := range [3][2]uint8{{lut[127].R, lut[128].R}, {lut[127].G, lut[128].G}, {lut[127].B, lut[128].B}} {
				got := [3]uint8{img.Pix[8], img.Pix[9], img.Pix[10]}[c]
				if got < min(pair[0], pair[1]) || got > max(pair[0], pair[1]) {
					t.Errorf("channel %d in the middle of the map = %d, want between %v", c, got, pair)
				}
			}
			continue
		}
		if got := img.RGBAAt(x, 0); got != want {
			t.Errorf("pixel %d = %v, want %v", x, got, want)
		}
	}
	s.Overlay.Opacity = 0.5
	if got, want := draw(t, NewCPU(), s, 4, 1).RGBAAt(3, 0).R, byteOf(float32(lut[255].R)/510); got != want {
		t.Errorf("red at half opacity over black = %d, want %d", got, want)
	}
}

// edgeScene has a field f = x in pixels and contours at level.
func edgeScene(t *testing.T, c Contour) Scene {
	c.Field = mustVolume(t, mustGrid(t, [3]int{12, 4, 1}, geom.Vec3{1, 1, 1}), func(i, _, _ int) float32 { return float32(i) })
	return Scene{Plane: axialPlane(geom.Vec3{}, 1, 12, 4), Contours: []Contour{c}}
}

func greens(t *testing.T, s Scene, y int) []uint8 {
	img := draw(t, NewCPU(), s, 12, 4)
	var out []uint8
	for x := range 12 {
		out = append(out, img.RGBAAt(x, y).G)
	}
	return out
}

func TestCPUContourCoverage(t *testing.T) {
	for _, c := range []struct {
		name    string
		contour Contour
		want    []uint8
	}{
		{"one pixel on a centre", Contour{Level: 5, Width: 1}, []uint8{0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0}},
		{"one pixel between centres", Contour{Level: 5.5, Width: 1}, []uint8{0, 0, 0, 0, 0, 128, 128, 0, 0, 0, 0, 0}},
		{"half a pixel", Contour{Level: 5, Width: 0.5}, []uint8{0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0}},
		{"three pixels at a quarter", Contour{Level: 5.25, Width: 3}, []uint8{0, 0, 0, 0, 191, 255, 255, 64, 0, 0, 0, 0}},
		{"fill only", Contour{Level: 5.25, Fill: 1}, []uint8{0, 0, 0, 0, 0, 64, 255, 255, 255, 255, 255, 255}},
		{"no crossing", Contour{Level: 40, Width: 5, Fill: 1}, make([]uint8, 12)},
	} {
		c.contour.Color = lime
		if got := greens(t, edgeScene(t, c.contour), 1); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCPUDashesRunAlongTheLineFromTheWorldOrigin(t *testing.T) {
	field := mustVolume(t, mustGrid(t, [3]int{4, 12, 1}, geom.Vec3{1, 1, 1}), func(i, _, _ int) float32 { return float32(i) })
	s := Scene{
		Plane:    axialPlane(geom.Vec3{0, -1, 0}, 1, 4, 12),
		Contours: []Contour{{Field: field, Level: 2, Width: 1, Color: lime, Dash: 2}},
	}
	img := draw(t, NewCPU(), s, 4, 12)
	// The world origin is at row 1 (row 0 is outside): a dash covers y = 1…3, that is half of row 1, row 2
	// and half of row 3, and so on with period 4. Row 1 borders on nothing above, which changes no value.
	want := []uint8{0, 128, 255, 128, 0, 128, 255, 128, 0, 128, 255, 128}
	for y, w := range want[:11] {
		if got := img.RGBAAt(2, y).G; y > 0 && got != w {
			t.Errorf("row %d = %d, want %d", y, got, w)
		}
	}
}

func TestCPUMissingVoxelsAreBlackAndCarryNothing(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	v := mustVolume(t, mustGrid(t, [3]int{6, 1, 2}, geom.Vec3{1, 1, 1}), func(i, _, k int) float32 {
		if k == 1 {
			return nan // the neighbouring slice must not leak in
		}
		return []float32{100, 100, nan, 100, inf, 100}[i]
	})
	s := Scene{
		Plane: axialPlane(geom.Vec3{}, 1, 6, 1), Base: v, Window: Window{Level: 50, Width: 100},
		Overlay:  &Overlay{Volume: v, Map: Viridis, Low: 0, High: 100, Opacity: 0},
		Contours: []Contour{{Field: v, Level: 50, Width: 3, Fill: 0, Color: lime}},
	}
	for _, how := range []volume.Interp{volume.Nearest, volume.Linear} {
		s.Interp = how
		if got, want := greys(t, draw(t, NewCPU(), s, 6, 1), 0), []uint8{255, 255, 0, 255, 0, 255}; !slices.Equal(got, want) {
			t.Errorf("interpolation %d: %v, want %v", how, got, want)
		}
	}
}

func TestRenderRefusesBadScenes(t *testing.T) {
	good, w, h := rampScene(t)
	field := good.Base
	for name, c := range map[string]struct {
		change func(*Scene)
		w, h   int
	}{
		"no width":        {func(*Scene) {}, 0, h},
		"negative height": {func(*Scene) {}, w, -3},
		"too long":        {func(*Scene) {}, MaxSide + 1, 1},
		"too large":       {func(*Scene) {}, MaxSide, MaxSide},
		"no window":       {func(s *Scene) { s.Window.Width = 0 }, w, h},
		"nan level":       {func(s *Scene) { s.Window.Level = math.NaN() }, w, h},
		"spline":          {func(s *Scene) { s.Interp = volume.Spline }, w, h},
		"no plane":        {func(s *Scene) { s.Plane = Plane{} }, w, h},
		"skew plane":      {func(s *Scene) { s.Plane.Down = s.Plane.Right }, w, h},
		"no pixel":        {func(s *Scene) { s.Plane.PixelMM = 0 }, w, h},
		"unknown map":     {func(s *Scene) { s.Overlay = &Overlay{Volume: field, Map: "jet", High: 1} }, w, h},
		"empty overlay":   {func(s *Scene) { s.Overlay = &Overlay{Map: Magma} }, w, h},
		"empty contour":   {func(s *Scene) { s.Contours = []Contour{{Width: 1}} }, w, h},
		"nan contour":     {func(s *Scene) { s.Contours = []Contour{{Field: field, Level: math.NaN()}} }, w, h},
		"many contours":   {func(s *Scene) { s.Contours = make([]Contour, MaxContours+1) }, w, h},
	} {
		s := good
		c.change(&s)
		if _, err := NewCPU().Render(context.Background(), s, c.w, c.h); !errors.Is(err, ErrScene) {
			t.Errorf("%s: error = %v, want ErrScene", name, err)
		}
	}
}

func TestCPUCloseAndCancel(t *testing.T) {
	s, w, h := rampScene(t)
	r := NewCPU()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Render(ctx, s, w, h); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error = %v", err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Render(context.Background(), s, w, h); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: error = %v, want ErrClosed", err)
	}
}
