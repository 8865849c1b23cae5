package evaluate

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomout"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// segment writes a DICOM segmentation of structures; fractions make it one of probabilities.
func segment(t *testing.T, path string, g geom.Grid, fractional bool, segments ...dicomout.Segment) {
	t.Helper()
	for n := range segments {
		segments[n].Algorithm = dicomout.Algorithm{Type: "MANUAL"}
	}
	x := dicomout.Segmentation{Derived: dicomout.Derived{Key: "k", Name: "n", Number: 1}, Grid: g, Segments: segments, Fractional: fractional}
	if err := dicomout.WriteSegmentation(t.Context(), path, x); err != nil {
		t.Fatal(err)
	}
}

// zone is a segment of a mask's voxels of a value.
func zone(label string, s dicomcode.Structure, m *volume.Mask, value uint8) dicomout.Segment {
	return dicomout.Segment{Label: label, Structure: s, In: func(at int) bool { return m.Data()[at] == value }}
}

// cropped is some slices of a mask.
func cropped(t *testing.T, m *volume.Mask, from, to int) *volume.Mask {
	t.Helper()
	g := m.Grid()
	plane := g.Size[0] * g.Size[1]
	g.Origin, g.Size[2] = g.World(geom.Vec3{0, 0, float64(from)}), to-from
	out, err := volume.NewMask(g, m.Data()[from*plane:to*plane])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The same exam as NIfTI and as DICOM SEG, the empty slices of which are missing, has the same figures.
func TestSegmentationsAreEvaluatedAsOtherFilesAre(t *testing.T) {
	truth, guess := zones(t, 0), zones(t, 1)
	last := truth.Grid().Size[2]
	figures := func(write func(p, l string)) *Result {
		p, l := t.TempDir(), t.TempDir()
		write(p, l)
		r, err := Run(context.Background(), Options{Settings: Settings{Task: modelcard.Anatomy}, Predictions: p, Labels: l})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Problems) > 0 || r.Exams != 1 {
			t.Fatalf("problems: %+v", r.Problems)
		}
		return r
	}
	want := figures(func(p, l string) { save(t, p, "a.nii.gz", guess); save(t, l, "a.nii.gz", truth) })
	seg := func(path string, m *volume.Mask, from, to int) {
		c := cropped(t, m, from, to)
		segment(t, path, c.Grid(), false, zone("gland", dicomcode.Gland, c, 9), zone("x", dicomcode.TZ, c, 1), zone("y", dicomcode.PZ, c, 2))
	}
	for name, write := range map[string]func(p, l string){
		"label": func(p, l string) { save(t, p, "a.nii.gz", guess); seg(filepath.Join(l, "a.dcm"), truth, 1, last-1) },
		"prediction": func(p, l string) {
			seg(filepath.Join(p, "a_zones.dcm"), guess, 1, last-1)
			save(t, l, "a.nii.gz", truth)
		},
		"both": func(p, l string) {
			seg(filepath.Join(p, "a.dcm"), guess, 1, last-1)
			seg(filepath.Join(l, "a.seg"), truth, 0, last-1)
		},
		"beside": func(p, l string) {
			save(t, p, "a.nii.gz", guess)
			seg(filepath.Join(p, "a.dcm"), truth, 0, last)
			save(t, l, "a.nii.gz", truth)
		},
	} {
		got := figures(write)
		for n, s := range want.Structures {
			if g := got.Structures[n]; g.HardDice.Value != s.HardDice.Value || g.HD95.Value != s.HD95.Value {
				t.Errorf("%s: %s has Dice %g and HD95 %g, want %g and %g", name, s.Name, g.HardDice.Value, g.HD95.Value, s.HardDice.Value, s.HD95.Value)
			}
		}
	}
}

// zones is two slabs of the block, shifted, with empty slices at both ends.
func zones(t *testing.T, shift int) *volume.Mask {
	t.Helper()
	g := block()
	data := make([]uint8, g.Voxels())
	for at := range data {
		i, k := at%g.Size[0], at/g.Size[0]/g.Size[1]
		if k < 1 || k >= g.Size[2]-1 {
			continue
		}
		switch {
		case i >= 1+shift && i < 3+shift:
			data[at] = 1
		case i >= 3+shift && i < 5+shift:
			data[at] = 2
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFractionsAreProbabilities(t *testing.T) {
	p, l := t.TempDir(), t.TempDir()
	lesion := mask(t, [7]int{3, 2, 2, 1, 6, 6, 3})
	values := make([]float32, block().Voxels())
	for at, v := range lesion.Data() {
		values[at] = 0.2 + 0.6*float32(min(v, 1))
	}
	v, err := volume.New(block(), values, "")
	if err != nil {
		t.Fatal(err)
	}
	segment(t, filepath.Join(p, "a_probability.dcm"), block(), true, dicomout.Segment{Label: "csPCa", Structure: dicomcode.Lesion, Fraction: v})
	segment(t, filepath.Join(p, "a_cspca.dcm"), block(), false, zone("lesion", dicomcode.Lesion, lesion, 3))
	save(t, l, "a.nii.gz", lesion)
	r, err := Run(context.Background(), Options{Settings: Settings{Task: modelcard.Diagnosis}, Predictions: p, Labels: l})
	if err != nil {
		t.Fatal(err)
	}
	if r.Calibration == nil || len(r.Problems) > 0 {
		t.Fatalf("%+v, %+v", r.Calibration, r.Problems)
	}
	if got := r.Calibration.Brier.Value; got < 0.0399*2 || got > 0.0401*2 { // 0.2² for both classes, everywhere
		t.Errorf("Brier score %g, want 0.08", got)
	}
}

func TestSegmentsAreChosenByNumberWhereTheirCodesSayNothing(t *testing.T) {
	file := testenv.Data(t, "autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001", "seg", "1-1.dcm")
	f, err := imageio.OpenSegmentation(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Segments(nil).mask(modelcard.Anatomy, f, "the label"); !errors.Is(err, ErrExam) || !strings.Contains(err.Error(), "no segment that is known as TZ") || !strings.Contains(err.Error(), "segment 4 (Prostate)") {
		t.Errorf("no TZ: %v", err)
	}
	if m, err := Segments(nil).mask(modelcard.Diagnosis, f, "the label"); err != nil || m.Region(1).Voxels != 118 {
		t.Errorf("the lesion: %v", err)
	}
	chosen, err := ParseSegments(modelcard.Anatomy, "tz=1, PZ=2")
	if err != nil || chosen.String() != "PZ=2,TZ=1" {
		t.Fatal(chosen, err)
	}
	if _, err := chosen.mask(modelcard.Anatomy, f, "the label"); !errors.Is(err, ErrExam) || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("segments that overlap: %v", err)
	}
	for _, bad := range []string{"TZ", "XX=1", "TZ=0", "TZ=a", "background=1", ","} {
		if _, err := ParseSegments(modelcard.Anatomy, bad); !errors.Is(err, ErrSettings) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
