package volume_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// TestDistanceAgainstSciPy compares with testdata/distance.json, made by testdata/distance.py.
func TestDistanceAgainstSciPy(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "distance.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]struct {
		Size             [3]int
		Spacing          geom.Vec3
		Region           string
		Signed, Distance []float64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			region := make([]bool, len(c.Region))
			for i := range region {
				region[i] = c.Region[i] == '1'
			}
			signed, err := volume.SignedDistance(c.Size, c.Spacing, region)
			if err != nil {
				t.Fatal(err)
			}
			distance, err := volume.Distance(c.Size, c.Spacing, region)
			if err != nil {
				t.Fatal(err)
			}
			for i := range region {
				if d := math.Abs(float64(signed[i]) - c.Signed[i]); !(d < 1e-5) {
					t.Fatalf("signed distance of voxel %d is %g, SciPy says %g", i, signed[i], c.Signed[i])
				}
				if c.Distance == nil {
					if !math.IsInf(distance[i], 1) {
						t.Fatalf("distance to nothing is %g", distance[i])
					}
				} else if d := math.Abs(distance[i] - c.Distance[i]); !(d < 1e-11) {
					t.Fatalf("distance of voxel %d is %g, SciPy says %g", i, distance[i], c.Distance[i])
				}
			}
		})
	}
}

// TestDistanceAgainstSearch compares with the search through all voxels.
func TestDistanceAgainstSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		size := [3]int{1 + rng.IntN(7), 1 + rng.IntN(6), 1 + rng.IntN(5)}
		spacing := geom.Vec3{0.2 + rng.Float64(), 0.2 + rng.Float64(), 0.2 + 4*rng.Float64()}
		set := make([]bool, size[0]*size[1]*size[2])
		for i := range set {
			set[i] = rng.Float64() < 0.15
		}
		got, err := volume.Distance(size, spacing, set)
		if err != nil {
			t.Fatal(err)
		}
		at := func(v int) geom.Vec3 {
			return geom.Vec3{float64(v%size[0]) * spacing[0], float64(v/size[0]%size[1]) * spacing[1], float64(v/size[0]/size[1]) * spacing[2]}
		}
		for v := range set {
			want := math.Inf(1)
			for w, in := range set {
				if in {
					want = min(want, at(v).Sub(at(w)).Norm())
				}
			}
			if got[v] != want && !(math.Abs(got[v]-want) < 1e-12) {
				t.Fatalf("grid %v spacing %v: voxel %d is at %g, want %g", size, spacing, v, got[v], want)
			}
		}
	}
}

func TestDistanceOfUnfittingInput(t *testing.T) {
	one := geom.Vec3{1, 1, 1}
	for name, c := range map[string]struct {
		size    [3]int
		spacing geom.Vec3
		voxels  int
	}{
		"length":       {[3]int{2, 2, 2}, one, 7},
		"empty axis":   {[3]int{0, 2, 2}, one, 0},
		"flat spacing": {[3]int{2, 2, 2}, geom.Vec3{1, 0, 1}, 8},
		"NaN spacing":  {[3]int{2, 2, 2}, geom.Vec3{1, 1, math.NaN()}, 8},
	} {
		if _, err := volume.SignedDistance(c.size, c.spacing, make([]bool, c.voxels)); !errors.Is(err, volume.ErrGeometry) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func BenchmarkSignedDistance(b *testing.B) {
	size := [3]int{160, 160, 20}
	region := make([]bool, 160*160*20)
	for i := range region {
		x, y, z := i%160-80, i/160%160-80, (i/25600-10)*6
		region[i] = x*x+y*y+z*z < 1600
	}
	for b.Loop() {
		if _, err := volume.SignedDistance(size, geom.Vec3{0.5, 0.5, 3}, region); err != nil {
			b.Fatal(err)
		}
	}
}
