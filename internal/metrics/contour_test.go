package metrics

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// tilted is a grid of odd spacing that lies askew.
func tilted(t *testing.T, size [3]int) geom.Grid {
	t.Helper()
	s, c := math.Sincos(0.3)
	g, err := geom.NewGrid(size, geom.Vec3{-20, 11, 7}, geom.Vec3{0.5, 0.7, 3}, [3]geom.Vec3{{1, 0, 0}, {0, c, s}, {0, -s, c}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func maskOf(t *testing.T, g geom.Grid, label func(i, j, k int) uint8) *volume.Mask {
	t.Helper()
	data := make([]uint8, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data[g.Index(i, j, k)] = label(i, j, k)
			}
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func within(low, high int, label uint8) func(i, j, k int) uint8 {
	return func(i, j, k int) uint8 {
		if i >= low && i < high && j >= 3 && j < 9 && k >= 1 && k < 3 {
			return label
		}
		return 0
	}
}

// TestSignedContoursByHand moves one flat border of a box by three voxels.
func TestSignedContoursByHand(t *testing.T) {
	g := tilted(t, [3]int{20, 12, 5})
	lines, err := SignedContours(context.Background(), maskOf(t, g, within(4, 13, 2)), maskOf(t, g, within(4, 10, 2)), 2)
	if err != nil || len(lines) != 2 {
		t.Fatal(len(lines), err)
	}
	for n, line := range lines {
		if line.Slice != 1+n || len(line.Points) != 2*9+2*6 || len(line.MM) != len(line.Points) {
			t.Fatalf("slice %d: %d points in slice %d", n, len(line.Points), line.Slice)
		}
		moved, same := 0, 0
		for p, mm := range line.MM {
			v := g.Voxel(line.Points[p])
			if math.Abs(v[2]-float64(line.Slice)) > 1e-9 {
				t.Fatalf("point %v lies off slice %d", v, line.Slice)
			}
			switch {
			case math.Abs(v[0]-12.5) < 1e-9: // the border that was moved by 3 voxels of 0.5 mm
				moved++
				near(t, "moved border", mm, 1.5, 1e-12)
			case v[0] < 9.75:
				same++
				if mm != 0 || math.Signbit(mm) {
					t.Errorf("a border that stayed has %g mm", mm)
				}
			}
		}
		if moved != 6 || same != 6+2*6 {
			t.Errorf("%d moved, %d stayed", moved, same)
		}
	}
	back, err := SignedContours(context.Background(), maskOf(t, g, within(4, 10, 2)), maskOf(t, g, within(4, 13, 2)), 2)
	if err != nil {
		t.Fatal(err)
	}
	least := 0.0
	for _, mm := range back[0].MM {
		least = min(least, mm)
		if mm > 0 {
			t.Errorf("a point inside the reference has %g mm", mm)
		}
	}
	near(t, "the shrunk border", least, -1.5, 1e-12)
}

// TestSignedContoursByBruteForce compares random blobs with the plain definition.
func TestSignedContoursByBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		g := tilted(t, [3]int{9, 8, 4})
		a := maskOf(t, g, func(int, int, int) uint8 { return uint8(rng.IntN(3)) })
		b := maskOf(t, g, func(int, int, int) uint8 { return uint8(rng.IntN(2)) * 2 })
		lines, err := SignedContours(context.Background(), a, b, 2)
		if err != nil {
			t.Fatal(err)
		}
		is := func(m *volume.Mask, v [3]int) bool {
			return g.Contains(v[0], v[1], v[2]) && m.At(v[0], v[1], v[2]) == 2
		}
		var faces []geom.Vec3 // of the reference
		inPlane := 0          // faces of the segmentation that a contour must visit
		for at := range g.Voxels() {
			v := [3]int{at % 9, at / 9 % 8, at / 72}
			for axis := range 3 {
				for _, step := range []int{-1, 1} {
					n := v
					n[axis] += step
					if is(b, v) && !is(b, n) && axis < 2 {
						p := geom.Vec3{float64(v[0]), float64(v[1]), float64(v[2])}
						p[axis] += 0.5 * float64(step)
						faces = append(faces, g.World(p))
					}
					if is(a, v) && !is(a, n) && axis < 2 {
						inPlane++
					}
				}
			}
		}
		visited := map[geom.Vec3]int{}
		for _, line := range lines {
			for n, p := range line.Points {
				visited[p]++
				nearest := math.Inf(1)
				for _, f := range faces {
					nearest = min(nearest, f.Sub(p).Norm())
				}
				near(t, "distance", math.Abs(line.MM[n]), nearest, 1e-9)
				v := g.Voxel(p) // the voxel on either side of the face
				side := [3]int{int(math.Floor(v[0] + 0.25)), int(math.Floor(v[1] + 0.25)), line.Slice}
				if nearest > 1e-9 && is(b, side) != (line.MM[n] < 0) {
					t.Errorf("%g mm at %v", line.MM[n], v)
				}
				next := g.Voxel(line.Points[(n+1)%len(line.Points)])
				if d := next.Sub(v); math.Hypot(d[0], d[1]) > 1.0001 {
					t.Errorf("a contour jumps from %v to %v", v, next)
				}
			}
		}
		if len(visited) != inPlane {
			t.Errorf("%d faces on contours, want %d", len(visited), inPlane)
		}
	}
}

func TestSignedContoursRefuses(t *testing.T) {
	g := tilted(t, [3]int{8, 8, 3})
	full := maskOf(t, g, func(int, int, int) uint8 { return 1 })
	empty := maskOf(t, g, func(int, int, int) uint8 { return 0 })
	other := maskOf(t, tilted(t, [3]int{8, 8, 4}), func(int, int, int) uint8 { return 1 })
	ctx := context.Background()
	if _, err := SignedContours(ctx, full, other); !errors.Is(err, ErrInput) {
		t.Error("other grid:", err)
	}
	if _, err := SignedContours(ctx, full, empty); !errors.Is(err, ErrUndefined) {
		t.Error("empty reference:", err)
	}
	if lines, err := SignedContours(ctx, empty, full); err != nil || lines != nil {
		t.Error("empty segmentation:", lines, err)
	}
	lines, err := SignedContours(ctx, full, full)
	if err != nil || len(lines) != 3 || len(lines[0].Points) != 32 {
		t.Fatal("a full image:", len(lines), err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := SignedContours(done, full, full); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
}

// TestSliceOverlapsAndVolumesByHand: 2 slices of 2 × 2 voxels of 0.5 × 0.7 × 3 = 1.05 mm³.
func TestSliceOverlapsAndVolumesByHand(t *testing.T) {
	g := tilted(t, [3]int{2, 2, 3})
	a, _ := volume.NewMask(g, []uint8{1, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0})
	b, _ := volume.NewMask(g, []uint8{1, 0, 2, 2, 0, 0, 1, 1, 0, 0, 0, 0})
	got, err := CountSliceOverlaps(a, b, 1)
	want := []Overlap{{2, 1, 1}, {1, 2, 1}, {}}
	if err != nil || len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%v, %v", got, err)
	}
	if got[0].Dice() != 2.0/3 || got[2].Dice() != 1 {
		t.Error("Dice of slices", got[0].Dice(), got[2].Dice())
	}
	v := CompareVolumes(a, b, 2)
	near(t, "predicted", v.PredictedML, 1.05/1000, 1e-15)
	near(t, "reference", v.ReferenceML, 2*1.05/1000, 1e-15)
	near(t, "difference", v.DifferenceML(), -1.05/1000, 1e-15)
	if r, err := v.Relative(); err != nil || math.Abs(r+0.5) > 1e-12 {
		t.Error("relative", r, err)
	}
	if _, err := CompareVolumes(a, b, 9).Relative(); !errors.Is(err, ErrUndefined) {
		t.Error("empty reference:", err)
	}
	other := maskOf(t, tilted(t, [3]int{2, 2, 4}), func(int, int, int) uint8 { return 1 })
	if _, err := CountSliceOverlaps(a, other); !errors.Is(err, ErrInput) {
		t.Error("other grid:", err)
	}
}
