package exam

import (
	"context"
	"path/filepath"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/volume"
)

// turned stores an image with its axes in every order and direction.
func turned(v *volume.Volume, each func(order [3]int, flip [3]bool, v *volume.Volume)) {
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		for bits := range 8 {
			flip := [3]bool{bits&1 > 0, bits&2 > 0, bits&4 > 0}
			each(order, flip, permuted(v, order, flip))
		}
	}
}

// oblique makes an image of thick slices tilted by some degrees, every voxel of another value.
func oblique(t *testing.T, dir [3]geom.Vec3) *volume.Volume {
	t.Helper()
	g, err := geom.NewGrid([3]int{7, 5, 6}, geom.Vec3{-11, 7, 30}, geom.Vec3{0.5, 0.6, 3}, dir)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = float32(1000 + i)
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAxialKeepsEveryVoxelInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		dir  [3]geom.Vec3
		want string // letters that i, j and k grow towards
	}{
		"axial":    {[3]geom.Vec3{{1, 0, 0}, {0, 0.96, -0.28}, {0, 0.28, 0.96}}, "L P H"},
		"sagittal": {[3]geom.Vec3{{0, 1, 0}, {0, 0, -1}, {1, 0, 0}}, "P F L"},
		"coronal":  {[3]geom.Vec3{{0.96, 0.28, 0}, {0, 0, -1}, {-0.28, 0.96, 0}}, "L F P"},
	} {
		v := oblique(t, c.dir)
		turned(v, func(order [3]int, flip [3]bool, stored *volume.Volume) {
			got := axial(stored)
			g := got.Grid()
			if order[2] == 2 {
				if got != stored {
					t.Errorf("%s %v %v: an ordinary image was changed", name, order, flip)
				}
				return
			}
			if g.Size != v.Grid().Size || g.Spacing != v.Grid().Spacing {
				t.Errorf("%s %v %v: grid %+v", name, order, flip, g)
			}
			letters := geom.OrientationLetters(g.Dir[0])[:1] + " " + geom.OrientationLetters(g.Dir[1])[:1] + " " + geom.OrientationLetters(g.Dir[2])[:1]
			if letters != c.want {
				t.Errorf("%s %v %v: axes to %s, want %s", name, order, flip, letters, c.want)
			}
			for k := range g.Size[2] {
				for j := range g.Size[1] {
					for i := range g.Size[0] {
						world := g.World(geom.Vec3{float64(i), float64(j), float64(k)})
						at := v.Grid().Voxel(world)
						if near := v.Grid().World(geom.Vec3{round(at[0]), round(at[1]), round(at[2])}); near.Sub(world).Norm() > 1e-9 ||
							v.At(int(round(at[0])), int(round(at[1])), int(round(at[2]))) != got.At(i, j, k) {
							t.Fatalf("%s %v %v: voxel %d %d %d moved", name, order, flip, i, j, k)
						}
					}
				}
			}
		})
	}
}

func round(x float64) float64 { return float64(int(x + 0.5)) }

func TestSliceAxisOfEvenVoxelsIsHeadFoot(t *testing.T) {
	g, err := geom.NewGrid([3]int{9, 9, 9}, geom.Vec3{}, geom.Vec3{1, 1, 1.1}, [3]geom.Vec3{{1, 0, 0}, {0, 0, 1}, {0, -1, 0}})
	if err != nil {
		t.Fatal(err)
	}
	if a := sliceAxis(g); a != 1 {
		t.Errorf("axis %d, want 1", a)
	}
}

// A NIfTI that stores its slices first is the T2W that it is, on the grid it is shown on.
func TestPermutedNIfTIIsAxial(t *testing.T) {
	plain := image(t, 300)
	stored := permuted(plain, [3]int{2, 0, 1}, [3]bool{true, false, true})
	file := filepath.Join(t.TempDir(), "case1_t2w.nii")
	if err := imageio.Write(file, stored); err != nil {
		t.Fatal(err)
	}
	e, err := Open(context.Background(), file, Options{})
	if err != nil || e.Chosen(T2W) == nil {
		t.Fatalf("exam %+v, %v", e, err)
	}
	s := e.Chosen(T2W)
	if !s.Volume.Grid().SameAs(plain.Grid(), 1e-4) || s.Images != 6 || s.facts.numbers["tilt"] != 0 || s.facts.numbers["pixel"] > 0.51 {
		t.Errorf("grid %+v, facts %v", s.Volume.Grid(), s.facts.numbers)
	}
	for n, x := range s.Volume.Data() {
		if x != plain.Data()[n] {
			t.Fatalf("voxel %d is %g, want %g", n, x, plain.Data()[n])
		}
	}
}
