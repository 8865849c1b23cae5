package annotate_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

func TestLabelsComeBackFromEveryFormat(t *testing.T) {
	g := readGolden(t)
	d := document(t, g.grid, g.arrays["zones"], g.arrays["lesionKeys"])
	dir := t.TempDir()
	for _, name := range []string{"a.nii", "a.nii.gz", "a.mha", "a.mhd"} {
		path := filepath.Join(dir, name)
		for l := annotate.Zones; l <= annotate.Lesions; l++ {
			m := d.Snapshot().Mask(l)
			if err := annotate.WriteLabels(path, m, l == annotate.Lesions); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			back, err := imageio.OpenMask(path)
			if err != nil {
				t.Fatal(err)
			}
			on, resampled, err := annotate.ToLayer(t.Context(), back, g.grid, l, false)
			if err != nil || resampled || !slices.Equal(on.Data(), m.Data()) || on.Grid() != g.grid {
				t.Errorf("%s: resampled %t, %v", name, resampled, err)
			}
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := annotate.WriteLabels(path, d.Snapshot().Mask(annotate.Zones), false); !errors.Is(err, annotate.ErrExists) {
			t.Errorf("%s: overwritten: %v", name, err)
		}
		if now, err := os.ReadFile(path); err != nil || !slices.Equal(now, before) {
			t.Errorf("%s changed", name)
		}
	}
	if err := annotate.WriteLabels(filepath.Join(dir, "a.png"), d.Snapshot().Mask(annotate.Zones), false); !errors.Is(err, imageio.ErrUnsupported) {
		t.Errorf("png: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "a.mhd")); err != nil {
		t.Fatal(err)
	}
	if err := annotate.WriteLabels(filepath.Join(dir, "a.mhd"), d.Snapshot().Mask(annotate.Zones), false); !errors.Is(err, annotate.ErrExists) {
		t.Errorf("the voxels of a header that is gone were overwritten: %v", err)
	}
}

func TestLabelsOfOtherGrids(t *testing.T) {
	g := readGolden(t)
	to := g.grid
	m := mask(t, to, g.arrays["zones"])
	// The same voxels, stored from the other end of every axis.
	turned := to
	turned.Origin = to.World(geom.Vec3{float64(to.Size[0] - 1), float64(to.Size[1] - 1), float64(to.Size[2] - 1)})
	for a := range 3 {
		turned.Dir[a] = to.Dir[a].Scale(-1)
	}
	labels := slices.Clone(m.Data())
	slices.Reverse(labels)
	on, resampled, err := annotate.ToLayer(t.Context(), mask(t, turned, labels), to, annotate.Zones, false)
	if err != nil || resampled || !slices.Equal(on.Data(), m.Data()) {
		t.Errorf("turned: resampled %t, %v", resampled, err)
	}
	shifted := to
	shifted.Origin[0] += 1.2 // two voxels
	if _, _, err := annotate.ToLayer(t.Context(), mask(t, shifted, m.Data()), to, annotate.Zones, false); !errors.Is(err, annotate.ErrGrid) {
		t.Errorf("shifted: %v", err)
	}
	on, resampled, err = annotate.ToLayer(t.Context(), mask(t, shifted, m.Data()), to, annotate.Zones, true)
	if err != nil || !resampled || on.At(16, 12, 4) != m.At(14, 12, 4) {
		t.Errorf("brought over: resampled %t, %v", resampled, err)
	}
	three := slices.Clone(m.Data())
	three[5] = 3
	if _, _, err := annotate.ToLayer(t.Context(), mask(t, to, three), to, annotate.Zones, false); !errors.Is(err, annotate.ErrLabels) {
		t.Errorf("label 3 as a zone: %v", err)
	}
	on, _, err = annotate.ToLayer(t.Context(), mask(t, to, three), to, annotate.Lesions, false)
	if err != nil || on.Data()[5] != 1 {
		t.Errorf("label 3 as a lesion: %v", err)
	}
}

func TestAModelsClassesBecomeLabels(t *testing.T) {
	model := grid(t, [3]int{4, 4, 2}, geom.Vec3{2, 2, 2})
	to := model
	to.Spacing, to.Size = geom.Vec3{1, 1, 2}, [3]int{7, 7, 2}
	constant := func(g geom.Grid, f func(i int) float32) *volume.Volume {
		data := make([]float32, g.Voxels())
		for at := range data {
			data[at] = f(at % g.Size[0])
		}
		v, err := volume.New(g, data, "probability")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// Along i: TZ falls from 0.9 to 0, PZ rises from 0.1 to 0.7, the rest is background.
	tz := func(i int) float32 { return 0.9 - 0.3*float32(i) }
	pz := func(i int) float32 { return 0.1 + 0.2*float32(i) }
	bg := func(i int) float32 { return 1 - tz(i) - pz(i) }
	card := modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}
	l, m, err := annotate.FromModel(t.Context(), card, []*volume.Volume{constant(model, bg), constant(model, tz), constant(model, pz)}, to)
	if err != nil || l != annotate.Zones {
		t.Fatal(l, err)
	}
	// Half way between voxels 1 and 2 both are 0.45 and 0.4.
	if want := []uint8{1, 1, 1, 1, 2, 2, 2}; !slices.Equal(m.Data()[:7], want) {
		t.Errorf("%v, want %v", m.Data()[:7], want)
	}
	d := annotate.New(to)
	p, err := annotate.Replace(d.Snapshot(), annotate.OpModel, l, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(p); err != nil || !slices.Equal(zonesOf(d), m.Data()) {
		t.Error(err)
	}
	if a, _ := d.NextUndo(); a.String() != "start from the model, slices 1–2" {
		t.Errorf("named %q", a)
	}
	card.Task, card.Classes = modelcard.Diagnosis, []string{"background", "csPCa"}
	if l, _, err := annotate.FromModel(t.Context(), card, []*volume.Volume{constant(model, tz), constant(model, func(i int) float32 { return 1 - tz(i) })}, to); err != nil || l != annotate.Lesions {
		t.Error(l, err)
	}
	card.Classes = []string{"background", "AFS"}
	if _, _, err := annotate.FromModel(t.Context(), card, nil, to); !errors.Is(err, annotate.ErrLabels) {
		t.Errorf("a foreign class: %v", err)
	}
}
