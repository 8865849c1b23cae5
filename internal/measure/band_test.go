package measure

import (
	"errors"
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// cone is a probability that falls linearly with the distance from an axis: ½ at radius, by 1 over width mm.
func cone(t *testing.T, radius, width float64) *volume.Volume {
	t.Helper()
	g, err := geom.NewGrid([3]int{80, 80, 3}, geom.Vec3{-39.5 * 0.75, -39.5 * 0.75, 0}, geom.Vec3{0.75, 0.75, 3},
		[3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, g.Voxels())
	for j := range 80 {
		for i := range 80 {
			w := g.World(geom.Vec3{float64(i), float64(j), 1})
			p := 0.5 - (math.Hypot(w[0], w[1])-radius)/width
			data[g.Index(i, j, 1)] = float32(min(max(p, 0), 1))
		}
	}
	return must[*volume.Volume](t)(volume.New(g, data, "probability"))
}

func TestBandOfACone(t *testing.T) {
	p := cone(t, 15, 10) // from 90 to 10 %: 0.8 of 10 mm
	b := must[Band](t)(BandAt(p, geom.Vec3{20, 3, 3}))
	near(t, "inner", b.InnerMM, 4, 0.1)
	near(t, "outer", b.OuterMM, 4, 0.1)
	near(t, "radius of the point measured", math.Hypot(b.At[0], b.At[1]), 15, 0.05)
	s := must[BandSummary](t)(BandOn(p, 1))
	near(t, "median", s.MedianMM, 8, 0.1)
	near(t, "95th percentile", s.P95MM, 8, 0.2)
	if s.Open != 0 || s.N < 100 {
		t.Errorf("%d of %d points are open", s.Open, s.N)
	}
}

func TestBandWithoutItsInnerContour(t *testing.T) {
	p := cone(t, 3, 10) // 0.8 at the middle: no 90 % contour
	b := must[Band](t)(BandAt(p, geom.Vec3{5, 0, 3}))
	near(t, "outer", b.OuterMM, 4, 0.1)
	if !math.IsNaN(b.InnerMM) || !math.IsNaN(b.WidthMM()) {
		t.Errorf("inner %v, width %v: want unknown", b.InnerMM, b.WidthMM())
	}
	s := must[BandSummary](t)(BandOn(p, 1))
	if s.Open != s.N || !math.IsNaN(s.MedianMM) {
		t.Errorf("%+v: want every point open", s)
	}
}

func TestBandWhereThereIsNoContour(t *testing.T) {
	p := cone(t, 15, 10)
	for name, f := range map[string]func() error{
		"empty slice":   func() error { _, err := BandOn(p, 0); return err },
		"no such slice": func() error { _, err := BandOn(p, 3); return err },
		"at an empty":   func() error { _, err := BandAt(p, geom.Vec3{0, 0, 6}); return err },
		"off the stack": func() error { _, err := BandAt(p, geom.Vec3{0, 0, 30}); return err },
	} {
		if err := f(); !errors.Is(err, ErrMeasure) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
