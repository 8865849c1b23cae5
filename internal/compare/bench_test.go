package compare

import (
	"context"
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// prostate is an ellipsoid gland of about 50 mL on a grid of 384 × 384 × 19 voxels of 0.5 × 0.5 × 3 mm, larger by grow mm.
func prostate(b *testing.B, grow float64) Labels {
	b.Helper()
	g, err := geom.NewGrid([3]int{384, 384, 19}, geom.Vec3{-96, -96, -27}, geom.Vec3{0.5, 0.5, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		b.Fatal(err)
	}
	data := make([]uint8, g.Voxels())
	for at := range data {
		p := g.World(geom.Vec3{float64(at % 384), float64(at / 384 % 384), float64(at / (384 * 384))})
		if r := math.Hypot(math.Hypot(p[0]/(26+grow), p[1]/(20+grow)), p[2]/(22+grow)); r < 1 {
			data[at] = TZ
			if p[1] > 5 {
				data[at] = PZ
			}
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		b.Fatal(err)
	}
	return Labels{Zones: m}
}

func BenchmarkCompare(b *testing.B) {
	labels, reference := prostate(b, 0), prostate(b, 1.5)
	for b.Loop() {
		if _, err := Compare(context.Background(), labels, reference); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkContours(b *testing.B) {
	labels, reference := prostate(b, 0), prostate(b, 1.5)
	for b.Loop() {
		if _, err := Contours(context.Background(), labels, reference, NameWG); err != nil {
			b.Fatal(err)
		}
	}
}
