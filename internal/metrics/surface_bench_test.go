package metrics

import (
	"fmt"
	"math"
	"os/exec"
	"testing"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// ellipsoidOn is an ellipsoid on the paper's grid of 160 × 160 × 20 voxels.
func ellipsoidOn(tb testing.TB, centre, radii geom.Vec3) *volume.Mask {
	tb.Helper()
	g := geom.Grid{Size: [3]int{160, 160, 20}, Spacing: geom.Vec3{0.5, 0.5, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	labels := make([]uint8, g.Voxels())
	each(volume.Box{Max: g.Size}, func(v [3]int) {
		sum := 0.0
		for a, x := range v {
			d := (float64(x) - centre[a]) / radii[a]
			sum += d * d
		}
		if sum <= 1 {
			labels[g.Index(v[0], v[1], v[2])] = 1
		}
	})
	m, err := volume.NewMask(g, labels)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// BenchmarkSurfaces measures HD95 and ASSD of a pair of 160 × 160 × 20 voxels, and the distance transform of the whole image.
// Where python3 has SciPy it reports what that takes (testdata/surfacepeer.py), fastest against fastest in the same minute,
// and fails where the two do not agree on HD95.
func BenchmarkSurfaces(b *testing.B) {
	predicted, reference := ellipsoidOn(b, geom.Vec3{80, 80, 10}, geom.Vec3{46, 38, 7}), ellipsoidOn(b, geom.Vec3{84, 78, 10}, geom.Vec3{44, 40, 8})
	set := make([]bool, len(predicted.Data()))
	for i, v := range predicted.Data() {
		set[i] = v != 0
	}
	distance, hd95 := time.Hour, time.Hour
	var d SurfaceDistances
	for b.Loop() {
		start := time.Now()
		if _, err := volume.Distance(predicted.Grid().Size, predicted.Grid().Spacing, set); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		var err error
		if d, err = CompareSurfaces(predicted, reference); err != nil {
			b.Fatal(err)
		}
		distance, hd95 = min(distance, middle.Sub(start)), min(hd95, time.Since(middle))
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	b.ReportMetric(ms(distance), "ms-distance")
	b.ReportMetric(ms(hd95), "ms-HD95")
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		text, err := exec.Command(python, "testdata/surfacepeer.py").Output()
		if err != nil {
			continue
		}
		var theirDistance, theirHD95, value float64
		if _, err := fmt.Sscan(string(text), &theirDistance, &theirHD95, &value); err != nil {
			b.Fatal(err)
		}
		if math.Abs(value-d.HD95) > 1e-9 {
			b.Fatalf("HD95 is %g mm, SciPy says %g", d.HD95, value)
		}
		b.ReportMetric(theirDistance, "ms-SciPy-distance")
		b.ReportMetric(theirHD95, "ms-SciPy-HD95")
		b.ReportMetric(theirDistance/ms(distance), "ratio-distance")
		b.ReportMetric(theirHD95/ms(hd95), "ratio-HD95")
		return
	}
}
