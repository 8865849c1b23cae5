package exam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/volume"
)

// image makes a small axial volume whose values run through many numbers around level.
func image(t *testing.T, level float32) *volume.Volume {
	t.Helper()
	g, err := geom.NewGrid([3]int{24, 20, 6}, geom.Vec3{-6, -5, 0}, geom.Vec3{0.5, 0.5, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = level + float32(i%97)
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// save writes images by file name into a new folder.
func save(t *testing.T, images map[string]*volume.Volume) string {
	t.Helper()
	root := t.TempDir()
	for name, v := range images {
		if err := imageio.Write(filepath.Join(root, name), v); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRolesFromFileNames(t *testing.T) {
	for _, names := range [][3]string{
		{"t2w.nii.gz", "adc.nii.gz", "hbv.nii.gz"},
		{"10032_1000032_t2w.mha", "10032_1000032_adc.mha", "10032_1000032_hbv.mha"},
		{"case7_T2.mhd", "case7_ADC.mhd", "case7_dwi_b1400.mhd"},
	} {
		root := save(t, map[string]*volume.Volume{names[0]: image(t, 300), names[1]: image(t, 1200), names[2]: image(t, 30)})
		zones := image(t, 0)
		labels := make([]uint8, len(zones.Data()))
		labels[7] = 2
		mask, err := volume.NewMask(zones.Grid(), labels)
		if err != nil {
			t.Fatal(err)
		}
		if err := imageio.WriteMask(filepath.Join(root, strings.Replace(strings.ToLower(names[0]), "t2", "zones_t2", 1)), mask); err != nil {
			t.Fatal(err)
		}
		e, err := Open(context.Background(), root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range []Role{T2W, ADC, HighB} {
			want := strings.SplitN(names[i], ".", 2)[0]
			if s := e.Chosen(r); s == nil || s.Description != want || strings.Contains(s.ID, "1000032") {
				t.Errorf("%s is %+v, want %s", r, s, want)
			}
		}
		if len(e.Labels) != 1 || e.Labels[0].Grid != zones.Grid() {
			t.Fatalf("labels %+v", e.Labels)
		}
		if m, err := e.Labels[0].Mask(); err != nil || m.Data()[7] != 2 {
			t.Errorf("labels %+v, %v", m, err)
		}
		for _, i := range e.Issues {
			if strings.Contains(i.Text, "1000032") {
				t.Errorf("a file's name in %q", i.Text)
			}
		}
	}
}

func TestFolderOfSeveralCases(t *testing.T) {
	images := map[string]*volume.Volume{}
	for _, id := range []string{"10001_1000001", "10002_1000002"} {
		images[id+"_t2w.nii.gz"], images[id+"_adc.nii.gz"] = image(t, 300), image(t, 1200)
	}
	root := save(t, images)
	_, err := Open(context.Background(), root, Options{})
	var several *SeveralExamsError
	if !errors.As(err, &several) || len(several.Studies) != 2 || strings.Contains(err.Error(), "1000") {
		t.Fatalf("error %v", err)
	}
	e, err := Open(context.Background(), root, Options{Study: several.Studies[1].Key[:4]})
	if err != nil || len(e.Series) != 2 || e.Chosen(T2W) == nil || e.Chosen(ADC) == nil {
		t.Errorf("one case: %+v %v", e, err)
	}
}

func TestOnlyImageIsAGuess(t *testing.T) {
	root := save(t, map[string]*volume.Volume{"img.nii": image(t, 300)})
	e, err := Open(context.Background(), filepath.Join(root, "img.nii"), Options{})
	if err != nil || e.Chosen(T2W) == nil {
		t.Fatalf("exam %+v, %v", e, err)
	}
	if i, ok := codes(e)[RoleGuessed]; !ok || i.Severity != Warning {
		t.Errorf("the guess is not said: %v", e.Issues)
	}
}

func TestKeyFollowsTheVoxelsNotTheName(t *testing.T) {
	v := image(t, 300)
	keys := map[string]bool{}
	for _, name := range []string{"t2w.nii", "DOE_t2w.nii"} {
		e, err := Open(context.Background(), filepath.Join(save(t, map[string]*volume.Volume{name: v}), name), Options{})
		if err != nil {
			t.Fatal(err)
		}
		keys[e.Key] = true
	}
	if len(keys) != 1 {
		t.Errorf("one image under two names has keys %v", keys)
	}
}

func TestDamagedFileBesideGoodOnes(t *testing.T) {
	root := save(t, map[string]*volume.Volume{"t2w.nii": image(t, 300), "DOE_adc.nii": image(t, 1200)})
	if err := os.Truncate(filepath.Join(root, "DOE_adc.nii"), 900); err != nil {
		t.Fatal(err)
	}
	e, err := Open(context.Background(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	i, ok := codes(e)[Unreadable]
	if !ok || !strings.Contains(i.Text, "cut short") || strings.Contains(i.Text, "DOE") || len(e.Problems) != 1 {
		t.Errorf("issue %+v, problems %v", i, e.Problems)
	}
}

func TestSidecarBValues(t *testing.T) {
	root := t.TempDir()
	for text, want := range map[string]string{"0 50 800\n": "[0 50 800]", "0 50": "[]", "0 50 x": "[]", "0 50 -1": "[]"} {
		if err := os.WriteFile(filepath.Join(root, "dwi.bval"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(sidecarBs(filepath.Join(root, "dwi.nii.gz"), 3)); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
}

// A real exam with zones, gland and lesion masks beside the images.
func TestRealNIfTIExam(t *testing.T) {
	e := open(t, Options{}, "jiang-cw_PI-CAI_10000")
	for r, want := range map[Role]string{T2W: "t2w", ADC: "adc", HighB: "dwi"} {
		if s := e.Chosen(r); s == nil || s.ID != want {
			t.Errorf("%s is %+v, want %s", r, s, want)
		}
	}
	if len(e.Labels) != 5 || len(e.Series) != 3 {
		t.Errorf("%d labels and %d images, want 5 and 3", len(e.Labels), len(e.Series))
	}
	for _, code := range []string{BUnknown, ADCUnitsGuessed, LabelFiles} {
		if _, ok := codes(e)[code]; !ok {
			t.Errorf("%s is not said", code)
		}
	}
}

func TestKindsFromFileNames(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Role
		b    float64 // 0: not stated
	}{
		{"case1_ADCmap", ADC, 0}, {"case1_adc_map", ADC, 0}, {"dADC", ADC, 0}, {"case1_adc_b50_b800", ADC, 0}, {"adcmaps", ADC, 0},
		{"case1_b1500", DWI, 1500}, {"case1_bval1400", DWI, 1400}, {"B_800", DWI, 800}, {"bvalue-1000", DWI, 1000},
		{"case7_dwi_b1400", DWI, 1400}, {"dwi_b50", DWI, 50}, {"dwi_b50_b800", DWI, 0}, {"case1_hbv", DWI, 0},
		{"b1234_t2w", T2W, 0}, {"t2_b12", T2W, 0}, {"cadcam", Other, 0}, {"sub1000", Other, 0}, {"b12", Other, 0}, {"case1_eadc", Other, 0},
	} {
		root := save(t, map[string]*volume.Volume{c.name + ".nii": image(t, 1000), "z_sag.nii": image(t, 300)})
		e, err := Open(context.Background(), root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s := e.Series[0]; s.Description != c.name || s.Kind != c.kind || s.HasB != (c.b != 0) || s.B != c.b {
			t.Errorf("%s: %s, b %g, want %s, b %g", c.name, s.Kind, s.B, c.kind, c.b)
		}
	}
}

func TestCasesByADCmapAndBValue(t *testing.T) {
	images := map[string]*volume.Volume{}
	for _, id := range []string{"case1", "case2"} {
		images[id+"_t2w.nii"], images[id+"_ADCmap.nii"], images[id+"_b1400.nii"] = image(t, 300), image(t, 1200), image(t, 30)
	}
	root := save(t, images)
	_, err := Open(context.Background(), root, Options{})
	var several *SeveralExamsError
	if !errors.As(err, &several) || len(several.Studies) != 2 {
		t.Fatalf("error %v", err)
	}
	e, err := Open(context.Background(), root, Options{Study: several.Studies[0].Key})
	if err != nil || e.Chosen(T2W) == nil || e.Chosen(ADC) == nil || e.Chosen(HighB) == nil {
		t.Errorf("one case: %+v %v", e, err)
	}
}
