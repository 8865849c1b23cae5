//go:build ignore

// Gen_icon draws icon.png: the outline of a prostate with its transition zone, and the 10, 50 and 90 %
// bands of a lesion, in the window's colours. Run it with: go run gen_icon.go
package main

import (
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"os"
)

const side = 256

// shape returns the signed distance, in pixels, of a point to a shape's border, negative inside.
type shape func(x, y float64) float64

// ellipse is an approximate signed distance to an ellipse.
func ellipse(cx, cy, rx, ry float64) shape {
	return func(x, y float64) float64 {
		d := math.Hypot((x-cx)/rx, (y-cy)/ry)
		return (d - 1) * math.Min(rx, ry)
	}
}

func rounded(margin, radius float64) shape {
	return func(x, y float64) float64 {
		half := side/2 - margin - radius
		dx, dy := math.Abs(x-side/2)-half, math.Abs(y-side/2)-half
		return math.Hypot(math.Max(dx, 0), math.Max(dy, 0)) + math.Min(math.Max(dx, dy), 0) - radius
	}
}

func main() {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	fill(img, rounded(6, 52), color.NRGBA{27, 31, 38, 255})
	gland, transition := ellipse(128, 132, 88, 72), ellipse(128, 112, 54, 42)
	fill(img, gland, color.NRGBA{0, 158, 115, 90})
	stroke(img, gland, 7, color.NRGBA{0, 158, 115, 255})
	fill(img, transition, color.NRGBA{86, 180, 233, 90})
	stroke(img, transition, 7, color.NRGBA{86, 180, 233, 255})
	for _, band := range []struct{ r, alpha float64 }{{30, 110}, {21, 180}, {12, 255}} {
		fill(img, ellipse(171, 163, band.r, band.r*0.8), color.NRGBA{230, 159, 0, uint8(band.alpha)})
	}
	f, err := os.Create("icon.png")
	if err != nil {
		log.Fatal(err)
	}
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(f, img); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

func fill(img *image.NRGBA, s shape, c color.NRGBA) {
	each(img, c, func(x, y float64) float64 { return 0.5 - s(x, y) })
}

func stroke(img *image.NRGBA, s shape, width float64, c color.NRGBA) {
	each(img, c, func(x, y float64) float64 { return width/2 + 0.5 - math.Abs(s(x, y)) })
}

// each blends a colour over the image where coverage is positive.
func each(img *image.NRGBA, c color.NRGBA, coverage func(x, y float64) float64) {
	for y := range side {
		for x := range side {
			a := math.Max(0, math.Min(1, coverage(float64(x)+0.5, float64(y)+0.5))) * float64(c.A) / 255
			if a == 0 {
				continue
			}
			under := img.NRGBAAt(x, y)
			ua := float64(under.A) / 255
			out := a + ua*(1-a)
			mix := func(o, u uint8) uint8 {
				return uint8(math.Round((float64(o)*a + float64(u)*ua*(1-a)) / out))
			}
			img.SetNRGBA(x, y, color.NRGBA{mix(c.R, under.R), mix(c.G, under.G), mix(c.B, under.B), uint8(math.Round(255 * out))})
		}
	}
}
