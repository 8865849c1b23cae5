package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// golden is testdata/golden.json, made by testdata/golden.py.
type golden struct {
	Calibration []struct {
		Classes, Bins        int
		P64                  []int // 64 · p
		Label                []int
		NLL, Brier, ECE      float64
		ClassBrier, ClassECE []float64
		HardDice, SoftDice   []float64
		UnionDice            float64
	}
	Ranking []struct {
		Score    []float64
		Positive []bool
		AUROC    float64
	}
	Surfaces []struct {
		Size                         [3]int
		Spacing                      geom.Vec3
		One, Two                     [2][3]int // centre and half axes of an ellipsoid
		HD, HD95, ASSD, Centre, Dice float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Calibration) < 4 || len(g.Ranking) < 3 || len(g.Surfaces) < 3 {
		t.Fatal("golden values are missing")
	}
	return g
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

func TestCalibrationEqualsScikitLearn(t *testing.T) {
	for _, g := range readGolden(t).Calibration {
		p, label := make([]float32, len(g.P64)), make([]uint8, len(g.Label))
		for i, v := range g.P64 {
			p[i] = float32(v) / 64
		}
		for i, v := range g.Label {
			label[i] = uint8(v)
		}
		c, err := NewCalibration(g.Classes, g.Bins)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Add(p, label); err != nil {
			t.Fatal(err)
		}
		r, err := c.Result()
		if err != nil {
			t.Fatal(err)
		}
		near(t, "NLL", r.NLL, g.NLL, 1e-12)
		near(t, "Brier", r.Brier, g.Brier, 1e-12)
		near(t, "ECE", r.ECE, g.ECE, 1e-12)
		hard := argMax(p, len(label))
		for k, class := range r.Classes {
			near(t, "Brier of a class", class.Brier, g.ClassBrier[k], 1e-12)
			near(t, "ECE of a class", class.ECE, g.ClassECE[k], 1e-12)
			d, err := HardDice(hard, label, uint8(k))
			if err != nil {
				t.Fatal(err)
			}
			near(t, "hard Dice", d, g.HardDice[k], 1e-12)
			if d, err = SoftDice(p, label, uint8(k)); err != nil {
				t.Fatal(err)
			}
			near(t, "soft Dice", d, g.SoftDice[k], 1e-12)
		}
		d, err := HardDice(hard, label)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Dice of the union", d, g.UnionDice, 1e-12)
	}
}

// argMax is the first of the most probable classes.
func argMax(p []float32, n int) []uint8 {
	hard := make([]uint8, n)
	for i := range hard {
		for k := range len(p) / n {
			if p[k*n+i] > p[int(hard[i])*n+i] {
				hard[i] = uint8(k)
			}
		}
	}
	return hard
}

func TestAUROCEqualsScikitLearn(t *testing.T) {
	for _, g := range readGolden(t).Ranking {
		a, err := AUROC(g.Score, g.Positive)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "AUROC", a, g.AUROC, 1e-12)
	}
}

func TestSurfacesEqualSciPy(t *testing.T) {
	for _, g := range readGolden(t).Surfaces {
		one, two := ellipsoid(t, g.Size, g.Spacing, g.One), ellipsoid(t, g.Size, g.Spacing, g.Two)
		d, err := CompareSurfaces(one, two)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "HD", d.HD, g.HD, 1e-9)
		near(t, "HD95", d.HD95, g.HD95, 1e-9)
		near(t, "ASSD", d.ASSD, g.ASSD, 1e-9)
		mm, err := CentreDistance(one, two)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "distance of the centres", mm, g.Centre, 1e-9)
		dice, err := HardDice(one.Data(), two.Data())
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Dice", dice, g.Dice, 1e-12)
	}
}

// ellipsoid makes a mask of 3 in whole numbers, so that NumPy makes the same, on an oblique grid.
func ellipsoid(t *testing.T, size [3]int, spacing geom.Vec3, e [2][3]int) *volume.Mask {
	t.Helper()
	sin, cos := math.Sincos(0.3)
	grid, err := geom.NewGrid(size, geom.Vec3{-12, 40, 7}, spacing, [3]geom.Vec3{{1, 0, 0}, {0, cos, sin}, {0, -sin, cos}})
	if err != nil {
		t.Fatal(err)
	}
	square := func(x int) int { return x * x }
	c, a := e[0], e[1]
	labels := make([]uint8, grid.Voxels())
	for i := range labels {
		x, y, z := i%size[0], i/size[0]%size[1], i/size[0]/size[1]
		if square((x-c[0])*a[1]*a[2])+square((y-c[1])*a[0]*a[2])+square((z-c[2])*a[0]*a[1]) <= square(a[0]*a[1]*a[2]) {
			labels[i] = 3
		}
	}
	m, err := volume.NewMask(grid, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
