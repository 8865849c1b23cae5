package paper

import (
	"image"
	"image/png"
	"os"
)

func writeAll(path string, data []byte) error { return os.WriteFile(path, data, 0o600) }

func readPNG(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return png.Decode(f)
}

// meanGrey is the mean of the red values in a rectangle.
func meanGrey(img image.Image, r image.Rectangle) float64 {
	sum := 0.0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			red, _, _, _ := img.At(x, y).RGBA()
			sum += float64(red >> 8)
		}
	}
	return sum / float64(r.Dx()*r.Dy())
}
