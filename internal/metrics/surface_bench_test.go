package metrics

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
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

// BenchmarkSurfaces measures HD95 and ASSD of a pair of 160 × 160 × 20 voxels, and the distance transform of the whole image,
// in turns with SciPy (testdata/surfacepeer.py), where python3 has it. It fails where the two do not agree on HD95.
func BenchmarkSurfaces(b *testing.B) {
	predicted, reference := ellipsoidOn(b, geom.Vec3{80, 80, 10}, geom.Vec3{46, 38, 7}), ellipsoidOn(b, geom.Vec3{84, 78, 10}, geom.Vec3{44, 40, 8})
	set := make([]bool, len(predicted.Data()))
	for i, v := range predicted.Data() {
		set[i] = v != 0
	}
	version, ask := testenv.Python(b, filepath.Join("testdata", "surfacepeer.py"))
	distance := testenv.Peer{Row: "Euclidean distance transform, 160 × 160 × 20 voxels", Peer: version, Unit: "ms"}
	hd95 := testenv.Peer{Row: "HD95 of two structures in 160 × 160 × 20 voxels", Peer: "MedPy's way, " + version, Unit: "ms", Note: "equal to 1e-9 mm"}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	for b.Loop() {
		start := time.Now()
		if _, err := volume.Distance(predicted.Grid().Size, predicted.Grid().Spacing, set); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		d, err := CompareSurfaces(predicted, reference)
		if err != nil {
			b.Fatal(err)
		}
		distance.Mine, hd95.Mine = append(distance.Mine, ms(between.Sub(start))), append(hd95.Mine, ms(time.Since(between)))
		if ask == nil {
			continue
		}
		theirs := testenv.AskNumbers(b, ask, "")
		if math.Abs(theirs[2]-d.HD95) > 1e-9 {
			b.Fatalf("HD95 is %g mm, SciPy says %g", d.HD95, theirs[2])
		}
		distance.Theirs, hd95.Theirs = append(distance.Theirs, theirs[0]), append(hd95.Theirs, theirs[1])
	}
	for _, row := range []testenv.Peer{distance, hd95} {
		if ask == nil {
			row.Peer, row.Missing, row.Note = "SciPy", "peer not installed: Debian's python3-scipy", ""
		}
		row.Report(b)
	}
}
