package render

import (
	"context"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// eye is the identity orientation.
var eye = [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}

// mustVolume fills a grid from a function of the voxel.
func mustVolume(t testing.TB, g geom.Grid, at func(i, j, k int) float32) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data[g.Index(i, j, k)] = at(i, j, k)
			}
		}
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// mustGrid is an axis-aligned grid with voxel (0, 0, 0) at the world origin.
func mustGrid(t testing.TB, size [3]int, spacing geom.Vec3) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, geom.Vec3{}, spacing, eye)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// axialPlane shows pixel (0, 0) at the world point first, screen right = +x, down = +y.
func axialPlane(first geom.Vec3, pixelMM float64, w, h int) Plane {
	half := geom.Vec3{(float64(w) - 1) / 2 * pixelMM, (float64(h) - 1) / 2 * pixelMM, 0}
	return Plane{Centre: first.Add(half), Right: eye[0], Down: eye[1], PixelMM: pixelMM}
}

// draw renders with r and fails the test on an error or a wrong size.
func draw(t testing.TB, r Renderer, s Scene, w, h int) *image.RGBA {
	t.Helper()
	img, err := r.Render(context.Background(), s, w, h)
	if err != nil {
		t.Fatalf("%s: %v", r.Name(), err)
	}
	if img.Rect != image.Rect(0, 0, w, h) {
		t.Fatalf("%s: picture covers %v, want %d×%d", r.Name(), img.Rect, w, h)
	}
	return img
}

// greys returns row y as grey levels and fails where a pixel is not an opaque grey.
func greys(t testing.TB, img *image.RGBA, y int) []uint8 {
	t.Helper()
	var out []uint8
	for x := range img.Rect.Dx() {
		c := img.RGBAAt(x, y)
		if c.R != c.G || c.G != c.B || c.A != 255 {
			t.Fatalf("pixel (%d, %d) = %v, want an opaque grey", x, y, c)
		}
		out = append(out, c.R)
	}
	return out
}

// randomDirections returns a random orthonormal triple of either handedness.
func randomDirections(r *rand.Rand) [3]geom.Vec3 {
	a := geom.Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}.Unit()
	b := a.Cross(geom.Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}).Unit()
	c := a.Cross(b)
	if r.IntN(2) == 0 {
		c = c.Scale(-1)
	}
	return [3]geom.Vec3{a, b, c}
}

// lime is a contour colour without the grey of the base image.
var lime = color.NRGBA{R: 0, G: 255, B: 0, A: 255}
