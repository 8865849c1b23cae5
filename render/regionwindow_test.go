package render

import (
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// counted is a volume whose voxel (i, j, k) holds 100·j + i, or 7 in slices other than the first.
func counted(t *testing.T, g geom.Grid) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	for at := range data {
		i, j, k := at%g.Size[0], at/g.Size[0]%g.Size[1], at/(g.Size[0]*g.Size[1])
		data[at] = float32(100*j + i)
		if k > 0 {
			data[at] = 7
		}
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func unitGrid(t *testing.T, size [3]int) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestBoxWindowByHand(t *testing.T) {
	v := counted(t, unitGrid(t, [3]int{200, 10, 2}))
	right, down := geom.Vec3{1, 0, 0}, geom.Vec3{0, 1, 0}
	// Row 3, columns 0…100: 300…400, so that p1 = 301 and p99 = 399 exactly.
	a, b := geom.Vec3{-0.4, 2.6, 0.2}, geom.Vec3{100.4, 3.4, 0.2}
	for name, c := range map[string][2]geom.Vec3{"down": {a, b}, "up": {b, a}} {
		w, ok := BoxWindow(v, c[0], c[1], right, down)
		if !ok || w.Level != 350 || w.Width != 98 {
			t.Errorf("%s: %+v, %v, want level 350 and width 98", name, w, ok)
		}
	}
	for name, c := range map[string][2]geom.Vec3{
		"flat slice": {{0, 0, 3}, {100, 5, 3}}, "between voxels": {{0.2, 0.2, 0}, {0.7, 0.7, 0}}, "no slice": {{0, 0, 30}, {9, 9, 30}},
	} {
		if w, ok := BoxWindow(v, c[0], c[1], right, down); ok {
			t.Errorf("%s: %+v", name, w)
		}
	}
}

func TestGlandWindowAgainstBruteForce(t *testing.T) {
	g := unitGrid(t, [3]int{24, 20, 6})
	data := make([]float32, g.Voxels())
	labels := make([]uint8, g.Voxels())
	for at := range data {
		i, j, k := at%24, at/24%20, at/480
		data[at] = float32((i*7919 + j*104729 + k*31) % 997)
		if math.Hypot(float64(i)-12, float64(j)-9) < 4 && k >= 2 && k < 4 {
			labels[at] = 1 + uint8(i%2)
		}
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	mask, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	var want []float32
	for at := range data {
		p := g.World(geom.Vec3{float64(at % 24), float64(at / 24 % 20), float64(at / 480)})
		for other, l := range labels {
			q := g.World(geom.Vec3{float64(other % 24), float64(other / 24 % 20), float64(other / 480)})
			if l != 0 && p.Sub(q).Norm() <= 5 {
				want = append(want, data[at])
				break
			}
		}
	}
	expect, _ := percentileWindow(want, 1, 99.5)
	if got, ok := GlandWindow(v, mask, 5, 1, 99.5); !ok || got != expect {
		t.Errorf("%+v, %v; by brute force %+v of %d voxels", got, ok, expect, len(want))
	}
	empty, err := volume.NewMask(g, make([]uint8, g.Voxels()))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := GlandWindow(v, empty, 5, 1, 99.5); ok {
		t.Error("an empty mask has a window")
	}
}
