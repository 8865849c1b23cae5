package volume

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"bayeslice/internal/geom"
)

// golden is what testdata/golden.py computed with SciPy and nibabel.
type golden struct {
	Samples []struct {
		Size           [3]int
		Seed           int
		Points         []geom.Vec3
		Spline, Linear []float64
	}
	Resamplings []struct {
		Name                    string
		Size, TargetSize        [3]int
		Seed                    int
		Source, Target          [3][4]float64
		Spline, Linear, Nearest []float64
	}
	Components struct {
		Labels []struct {
			Size         [3]int
			Seed         int
			Connectivity Connectivity
			Voxels       []int
			Largest      [6]int
			Checksum     int
		}
		Centre geom.Vec3
		Count  int
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
	return g
}

// lcg repeats the generator of golden.py: n whole numbers from 0 to 999.
func lcg(n, seed int) []float32 {
	out := make([]float32, n)
	x := uint64(seed)
	for i := range out {
		x = (1103515245*x + 12345) % (1 << 31)
		out[i] = float32((x >> 16) % 1000)
	}
	return out
}

func unitGrid(t testing.TB, size [3]int) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, geom.Vec3{}, geom.Vec3{1, 1, 1}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mustVolume(t testing.TB, g geom.Grid, data []float32) *Volume {
	t.Helper()
	v, err := New(g, data, "au")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSamplerAgreesWithSciPy(t *testing.T) {
	for _, c := range readGolden(t).Samples {
		g := unitGrid(t, c.Size)
		v := mustVolume(t, g, lcg(g.Voxels(), c.Seed))
		for how, want := range map[Interp][]float64{Spline: c.Spline, Linear: c.Linear} {
			s := v.Sampler(how)
			for i, p := range c.Points {
				got, inside := s.At(p)
				if !inside || math.Abs(float64(got)-want[i]) > 1e-5*1000 {
					t.Errorf("size %v how %d at %v: got %g, %v; SciPy %g", c.Size, how, p, got, inside, want[i])
				}
			}
		}
	}
}

func TestResampleAgreesWithNibabel(t *testing.T) {
	for _, c := range readGolden(t).Resamplings {
		from, err := geom.GridFromAffine(c.Size, c.Source)
		if err != nil {
			t.Fatal(err)
		}
		to, err := geom.GridFromAffine(c.TargetSize, c.Target)
		if err != nil {
			t.Fatal(err)
		}
		m := voxelToVoxel(to, from)
		if got, want := aligned(&m, to.Size), c.Name != "oblique"; got != want {
			t.Fatalf("%s: aligned = %v", c.Name, got)
		}
		v := mustVolume(t, from, lcg(from.Voxels(), c.Seed))
		for how, want := range map[Interp][]float64{Spline: c.Spline, Linear: c.Linear, Nearest: c.Nearest} {
			out, err := Resample(context.Background(), v, to, how, -1)
			if err != nil {
				t.Fatal(err)
			}
			if out.Unit() != "au" || out.Grid() != to {
				t.Errorf("%s: unit %q, grid %v", c.Name, out.Unit(), out.Grid())
			}
			worst, at := 0.0, 0
			for i, x := range out.Data() {
				if d := math.Abs(float64(x) - want[i]); !(d <= worst) {
					worst, at = d, i
				}
			}
			if worst > 1e-5*1000 {
				t.Errorf("%s, interpolation %d: voxel %d is %g, nibabel %g", c.Name, how, at, out.Data()[at], want[at])
			}
		}
		compareMask(t, c.Name, v, to, c.Nearest)
	}
}

// compareMask resamples labels made of the voxels and compares them with the image's nearest neighbours.
func compareMask(t *testing.T, name string, v *Volume, to geom.Grid, want []float64) {
	t.Helper()
	labels := make([]uint8, len(v.Data()))
	for i, x := range v.Data() {
		labels[i] = uint8(int(x)%255) + 1
	}
	m, err := NewMask(v.Grid(), labels)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ResampleMask(context.Background(), m, to)
	if err != nil {
		t.Fatal(err)
	}
	inside := 0
	for i, l := range out.Data() {
		expect := uint8(0)
		if want[i] >= 0 {
			expect = uint8(int(want[i])%255) + 1
			inside++
		}
		if l != expect {
			t.Fatalf("%s: label %d is %d, want %d", name, i, l, expect)
		}
	}
	if inside == 0 || inside == len(want) {
		t.Fatalf("%s: %d of %d voxels inside: the case does not test the edge", name, inside, len(want))
	}
}

func TestComponentsAgreeWithSciPy(t *testing.T) {
	all := readGolden(t).Components
	for _, c := range all.Labels {
		g := unitGrid(t, c.Size)
		data := lcg(g.Voxels(), c.Seed)
		l := Components(g, func(i int) bool { return data[i] < 250 }, c.Connectivity)
		if len(l.Components) != len(c.Voxels) {
			t.Fatalf("connectivity %d: %d components, SciPy %d", c.Connectivity, len(l.Components), len(c.Voxels))
		}
		largest, sum := 0, 0
		for i, got := range l.Components {
			if got.Voxels != c.Voxels[i] {
				t.Errorf("connectivity %d: component %d has %d voxels, SciPy %d", c.Connectivity, i, got.Voxels, c.Voxels[i])
			}
			if got.Voxels > l.Components[largest].Voxels {
				largest = i
			}
		}
		for i, id := range l.IDs {
			sum += int(id) * (i % 97)
		}
		b := c.Largest
		if want := (Box{[3]int{b[0], b[1], b[2]}, [3]int{b[3], b[4], b[5]}}); l.Components[largest].Box != want || sum != c.Checksum {
			t.Errorf("connectivity %d: box %v, checksum %d; SciPy %v, %d", c.Connectivity, l.Components[largest].Box, sum, want, c.Checksum)
		}
	}
	g := unitGrid(t, all.Labels[0].Size)
	mask := make([]uint8, g.Voxels())
	for i, x := range lcg(g.Voxels(), all.Labels[0].Seed) {
		if x < 250 {
			mask[i] = 3
		}
	}
	m, err := NewMask(g, mask)
	if err != nil {
		t.Fatal(err)
	}
	r := m.Region(3)
	if r.Voxels != all.Count || r.Centre.Sub(all.Centre).Norm() > 1e-9 {
		t.Errorf("Region = %+v, SciPy %d voxels about %v", r, all.Count, all.Centre)
	}
}
