package inference

import (
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
)

func TestLesionPresenceByHand(t *testing.T) {
	g := geom.Grid{Size: [3]int{2, 1, 1}, Spacing: geom.Vec3{10, 10, 10}, Origin: geom.Vec3{1, 2, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	// Two classes, two voxels; csPCa at voxel 1 is 0.8, 0.3, 0.1 in three samples: mean 0.4.
	stats := NewStats(2, 2)
	store := &SampleStore{Hi: g.Size, Classes: 2}
	for _, p := range []float32{0.8, 0.3, 0.1} {
		sample := []float32{1, 1 - p, 0, p}
		if err := stats.Add(sample); err != nil {
			t.Fatal(err)
		}
		bytes := make([]uint8, 4)
		toBytes(bytes, sample)
		store.samples = append(store.samples, bytes)
	}
	c := metrics.Candidate{Confidence: 0.4, Peak: 1, Voxels: []int32{1}}
	l := lesions([]metrics.Candidate{c}, g, 1, stats, store)[0]
	if l.Present != 2 || l.Samples != 3 { // 0.8 and 0.3 reach 0.2, 0.1 does not
		t.Errorf("present in %d of %d, want 2 of 3", l.Present, l.Samples)
	}
	if want := math.Sqrt((0.16 + 0.01 + 0.09) / 2 / 3); math.Abs(l.SE-want) > 1e-7 {
		t.Errorf("SE = %g, want %g", l.SE, want)
	}
	if l.PeakWorld != (geom.Vec3{11, 2, 3}) || l.PeakVoxel != [3]int{1, 0, 0} || l.VolumeML != 1 {
		t.Errorf("lesion = %+v", l)
	}
	if math.Abs(l.P5-0.12) > 0.003 || math.Abs(l.P95-0.75) > 0.003 { // NumPy's percentile of 0.1, 0.3, 0.8
		t.Errorf("5–95 %% = %g–%g, want 0.12–0.75", l.P5, l.P95)
	}
	store.Lo = [3]int{0, 0, 0}
	store.Hi = [3]int{1, 1, 1} // the box no longer covers the candidate
	if l := lesions([]metrics.Candidate{c}, g, 1, stats, store)[0]; l.Samples != 0 || l.Present != 0 {
		t.Errorf("outside the box: present in %d of %d", l.Present, l.Samples)
	}
}
