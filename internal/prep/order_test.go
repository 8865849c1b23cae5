package prep

import (
	"context"
	"math"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// The network must see the patient the same way up whatever order a file stores the axes in: DICOM's,
// dcm2niix's (rows reversed), RAS, or slices first.
func TestInputDoesNotDependOnTheStoredOrder(t *testing.T) {
	g := tilted(t, [3]int{20, 22, 7}, geom.Vec3{0.5, 0.5, 3})
	value := func(w geom.Vec3) float64 { return math.Sin(w[0]/5) + math.Cos(w[1]/7) + w[2]/9 }
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: Linear, High: 1}}, SpacingMM: geom.Vec3{0.6, 0.6, 3}, Size: [3]int{8, 7, 4}}
	apply := func(g geom.Grid) *Prepared {
		v := newVolume(t, g, "", func(i, j, k int) float64 {
			return value(g.World(geom.Vec3{float64(i), float64(j), float64(k)}))
		})
		p, err := recipe.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: v}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Issues) > 0 {
			t.Errorf("issues %v", p.Issues)
		}
		return p
	}
	want := apply(g)
	for name, order := range map[string][3]int{"rows reversed": {0, 1, 2}, "slices first": {2, 0, 1}, "columns and rows swapped": {1, 0, 2}} {
		stored := geom.Grid{Origin: g.World(geom.Vec3{float64(g.Size[0] - 1), float64(g.Size[1] - 1), 0})}
		for a, from := range order {
			stored.Size[a], stored.Spacing[a], stored.Dir[a] = g.Size[from], g.Spacing[from], g.Dir[from]
			if from < 2 { // columns and rows run backwards, as in RAS
				stored.Dir[a] = g.Dir[from].Scale(-1)
			}
		}
		got := apply(stored)
		if !got.Grid.SameAs(want.Grid, 1e-9) {
			t.Errorf("%s: grid %+v, want %+v", name, got.Grid, want.Grid)
		}
		for i, v := range got.Input.F32 {
			if math.Abs(float64(v-want.Input.F32[i])) > 1e-5 {
				t.Fatalf("%s: voxel %d = %g, want %g", name, i, v, want.Input.F32[i])
			}
		}
	}
}

func TestSlicesThatAreNotAxialAreDeclared(t *testing.T) {
	sagittal, err := geom.NewGrid([3]int{40, 40, 20}, geom.Vec3{}, geom.Vec3{0.5, 0.5, 3}, [3]geom.Vec3{{0, 1, 0}, {0, 0, -1}, {-1, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	e := newExam(map[exam.Role]*volume.Volume{exam.T2W: newVolume(t, sagittal, "", func(i, j, k int) float64 { return float64(i + j + k) })})
	p, err := (Recipe{Channels: []Channel{{Role: "T2W", Norm: ZScore}}, SpacingMM: geom.Vec3{1, 1, 3}, Size: [3]int{8, 8, 4}}).Apply(context.Background(), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Issues) == 0 || p.Issues[0].Code != IssueNotAxial || p.Issues[0].Severity != exam.Severe {
		t.Errorf("issues = %+v, want %s", p.Issues, IssueNotAxial)
	}
}
