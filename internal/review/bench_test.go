package review

import (
	"context"
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// BenchmarkExamine reviews a gland on the paper's grid of 160 × 160 × 20 voxels.
func BenchmarkExamine(b *testing.B) {
	g, err := geom.NewGrid([3]int{160, 160, 20}, geom.Vec3{-40, -40, -30}, geom.Vec3{0.5, 0.5, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		b.Fatal(err)
	}
	data := [3][]float32{make([]float32, g.Voxels()), make([]float32, g.Voxels()), make([]float32, g.Voxels())}
	for at := range data[0] {
		p := g.World(geom.Vec3{float64(at % 160), float64(at / 160 % 160), float64(at / (160 * 160))})
		in := 1 / (1 + math.Exp((math.Hypot(math.Hypot(p[0]/26, p[1]/20), p[2]/22)-1)*12))
		pz := 1 / (1 + math.Exp((5-p[1])/2))
		data[0][at], data[1][at], data[2][at] = float32(1-in), float32(in*(1-pz)), float32(in*pz)
	}
	f := Field{Classes: anatomy}
	for _, d := range data {
		v, err := volume.New(g, d, "probability")
		if err != nil {
			b.Fatal(err)
		}
		f.Mean = append(f.Mean, v)
	}
	for b.Loop() {
		if _, err := Examine(context.Background(), f, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
