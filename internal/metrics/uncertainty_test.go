package metrics

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// labelled is a reference along i, with slices 3 mm apart.
func labelled(t *testing.T, labels ...uint8) *volume.Mask {
	t.Helper()
	g := geom.Grid{Size: [3]int{len(labels), 1, 1}, Spacing: geom.Vec3{1, 1, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	m, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The border is between voxels 3 and 4: border voxels are these two, and within 1 mm of them lie 2 and 5.
func TestEntropyAtBorders(t *testing.T) {
	m := labelled(t, 0, 0, 0, 0, 1, 1, 1)
	p := []float32{1, 1, 0.5, 0.25, 0.25, 0.5, 0, 0, 0, 0.5, 0.75, 0.75, 0.5, 1}
	half, quarter := math.Log(2), -(0.25*math.Log(0.25) + 0.75*math.Log(0.75))
	b, err := EntropyAtBorders(p, m, 1, nil)
	if err != nil || b.NearVoxels != 4 || b.ElsewhereVoxels != 3 || math.Abs(b.Near-(2*half+2*quarter)/4) > 1e-12 || b.Elsewhere != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	region := []bool{true, false, false, true, false, false, true}
	if b, err = EntropyAtBorders(p, m, 1, region); err != nil || b.NearVoxels != 1 || b.ElsewhereVoxels != 2 || math.Abs(b.Near-quarter) > 1e-12 {
		t.Errorf("in a region: %+v, %v", b, err)
	}
	if b, err = EntropyAtBorders(p, labelled(t, 0, 0, 0, 0, 0, 0, 0), 1, nil); err != nil || !math.IsNaN(b.Near) || b.ElsewhereVoxels != 7 {
		t.Errorf("no border: %+v, %v", b, err)
	}
	p[0] = float32(math.NaN())
	for name, err := range map[string]error{
		"NaN":      second(EntropyAtBorders(p, m, 1, nil)),
		"distance": second(EntropyAtBorders(p, m, 0, nil)),
		"region":   second(EntropyAtBorders(p, m, 1, region[1:])),
		"length":   second(EntropyAtBorders(p[1:], m, 1, nil)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Borders lie between slices too, and reach into neighbours of other classes only.
func TestBordersByBruteForce(t *testing.T) {
	g := geom.Grid{Size: [3]int{6, 5, 4}, Spacing: geom.Vec3{1, 1.5, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	random := rand.New(rand.NewPCG(4, 4))
	labels := make([]uint8, g.Voxels())
	for i := range labels {
		if i%6 < 3 && random.IntN(4) == 0 {
			labels[i] = uint8(1 + random.IntN(2))
		}
	}
	m, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	got := borders(m)
	for _, mm := range []float64{0.5, 1.2, 3, 100} {
		near, err := nearBorders(m, mm)
		if err != nil {
			t.Fatal(err)
		}
		far, err := volume.Distance(g.Size, g.Spacing, got)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range far {
			if near[i] != (d <= mm) {
				t.Fatalf("voxel %d, %g mm from a border: %v at %g", i, d, near[i], mm)
			}
		}
	}
	for i := range g.Size[0] {
		for j := range g.Size[1] {
			for k := range g.Size[2] {
				want := false
				for _, d := range [][3]int{{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}} {
					a, b, c := i+d[0], j+d[1], k+d[2]
					want = want || g.Contains(a, b, c) && m.At(a, b, c) != m.At(i, j, k)
				}
				if got[g.Index(i, j, k)] != want {
					t.Fatalf("voxel %d, %d, %d: %v", i, j, k, !want)
				}
			}
		}
	}
}

// Four voxels by hand: two of which readers disagree (shares 1/2 and 1/4), of one of these the prediction is sure.
func TestCompareWithReaders(t *testing.T) {
	q := []float32{1, 0.5, 0.75, 0, 0, 0.5, 0.25, 1}
	p := []float32{1, 0.4, 1, 0.2, 0, 0.6, 0, 0.8}
	a, err := CompareWithReaders(p, q, 2, nil)
	if err != nil || a.Voxels != 4 || a.Disputed != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	for what, x := range map[string][2]float64{"MSE": {a.MSE, 2 * (0.01 + 0.0625 + 0.04) / 4}, "where disputed": {a.DisputedMSE, 2 * (0.01 + 0.0625) / 2}, "unsure": {a.Unsure, 0.5},
		"in doubt": {float64(a.Doubted), 2}, "of which readers agree": {a.Agreed, 0.5}} {
		if math.Abs(x[0]-x[1]) > 1e-6 {
			t.Errorf("%s is %g, want %g", what, x[0], x[1])
		}
	}
	a, err = CompareWithReaders(p, q, 2, []bool{true, false, false, true})
	if err != nil || a.Voxels != 2 || a.Disputed != 0 || !math.IsNaN(a.Unsure) || !math.IsNaN(a.DisputedMSE) || a.Doubted != 1 || a.Agreed != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err = CompareWithReaders(p, q, 2, make([]bool, 4)); !errors.Is(err, ErrUndefined) {
		t.Errorf("no voxel: %v", err)
	}
	bad := append([]float32{0.5}, q[1:]...)
	for name, err := range map[string]error{
		"lengths":  second(CompareWithReaders(p[1:], q, 2, nil)),
		"classes":  second(CompareWithReaders(p, q, 3, nil)),
		"one":      second(CompareWithReaders(p, q, 1, nil)),
		"region":   second(CompareWithReaders(p, q, 2, make([]bool, 3))),
		"no share": second(CompareWithReaders(p, bad, 2, nil)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What was measured apart and put together from results is what was measured at once.
func TestCalibrationsOfResultsMerge(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	whole, err := NewCalibration(3, 7)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := NewCalibration(3, 7)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		labels, p := make([]uint8, 40*n), make([]float32, 3*40*n)
		for i := range labels {
			labels[i] = uint8(random.IntN(3))
			a, b := random.Float64(), random.Float64()
			p[i], p[40*n+i], p[80*n+i] = float32(a*b), float32(a*(1-b)), float32(1-a)
		}
		one, err := NewCalibration(3, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*Calibration{one, whole} {
			if err := c.Add(p, labels); err != nil {
				t.Fatal(err)
			}
		}
		r, err := one.Result()
		if n == 0 {
			if !errors.Is(err, ErrUndefined) {
				t.Error(err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := CalibrationOf(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := joined.Merge(back); err != nil {
			t.Fatal(err)
		}
	}
	got, err := joined.Result()
	if err != nil {
		t.Fatal(err)
	}
	want, err := whole.Result()
	if err != nil {
		t.Fatal(err)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	same := func(a, b []Bin) bool {
		for i := range a {
			if a[i].Voxels != b[i].Voxels || !near(a[i].Confidence, b[i].Confidence) || !near(a[i].Frequency, b[i].Frequency) {
				return false
			}
		}
		return len(a) == len(b)
	}
	ok := got.Voxels == want.Voxels && near(got.NLL, want.NLL) && near(got.Brier, want.Brier) && near(got.ECE, want.ECE) && same(got.Reliability, want.Reliability)
	for k := range want.Classes {
		ok = ok && near(got.Classes[k].Brier, want.Classes[k].Brier) && near(got.Classes[k].ECE, want.Classes[k].ECE) && same(got.Classes[k].Reliability, want.Classes[k].Reliability)
	}
	if !ok {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	for name, r := range map[string]Calibrated{
		"no class":    {Reliability: make([]Bin, 3)},
		"no bins":     {Classes: make([]CalibratedClass, 2)},
		"other bins":  {Voxels: 0, Classes: []CalibratedClass{{}, {}}, Reliability: make([]Bin, 3)},
		"lost voxels": {Voxels: 5, Classes: make([]CalibratedClass, 2), Reliability: make([]Bin, 3)},
	} {
		if _, err := CalibrationOf(r); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
