package report

import (
	"image"
	"image/color"
	"image/draw"
	"testing"
)

func TestStampCoversNothingAndStandsOut(t *testing.T) {
	for _, size := range []image.Point{{1280, 700}, {300, 200}, {64, 10}} {
		view := image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(view, view.Rect, image.NewUniform(color.RGBA{200, 30, 40, 255}), image.Point{}, draw.Src)
		img, err := Stamp(view, "Bayeslice test", 0, "Model M1 test, sha256 0123abcd", "80 of 100 samples, seed 7")
		if err != nil {
			t.Fatal(err)
		}
		for y := range size.Y {
			for x := range size.X {
				if img.RGBAAt(x, y) != (color.RGBA{200, 30, 40, 255}) {
					t.Fatalf("%v: pixel (%d, %d) of the view was changed", size, x, y)
				}
			}
		}
		bright := 0
		for y := size.Y; y < img.Rect.Dy(); y++ {
			for x := range img.Rect.Dx() {
				if img.RGBAAt(x, y).G > 200 {
					bright++
				}
			}
		}
		if bright < 500 {
			t.Errorf("%v: the line below has %d bright pixels", size, bright)
		}
		if c := img.RGBAAt(img.Rect.Dx()-1, img.Rect.Dy()-1); c != (color.RGBA{canvas.R, canvas.G, canvas.B, 255}) {
			t.Errorf("%v: text runs to the edge, %v", size, c)
		}
	}
}
