package metaimage

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/imageio/nifti"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// facts is what testdata/golden.py read.
type facts struct {
	Size          [3]int
	Frames        int
	Affine        [3][4]float64
	Sum, Weighted float64
	At            []int
	Values        []float64
}

func (f facts) check(t *testing.T, name string, volumes []*volume.Volume) {
	t.Helper()
	want, err := geom.GridFromAffine(f.Size, f.Affine)
	if err != nil {
		t.Fatal(err)
	}
	if len(volumes) != f.Frames {
		t.Errorf("%s: %d frames, want %d", name, len(volumes), f.Frames)
		return
	}
	var all []float32
	for _, v := range volumes {
		if !v.Grid().SameAs(want, 1e-6) {
			t.Errorf("%s: grid %+v, want %+v", name, v.Grid(), want)
		}
		all = append(all, v.Data()...)
	}
	sum, weighted := 0.0, 0.0
	for i, x := range all {
		sum += float64(x)
		weighted += float64(x) * float64(i%101)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }
	if !near(sum, f.Sum) || !near(weighted, f.Weighted) {
		t.Errorf("%s: sum %g weighted %g, want %g %g", name, sum, weighted, f.Sum, f.Weighted)
	}
	for n, at := range f.At {
		if float64(all[at]) != f.Values[n] {
			t.Errorf("%s: voxel %d is %g, want %g", name, at, all[at], f.Values[n])
		}
	}
}

// refused names every MetaImage of the test data that must not be read, and what its error says.
var refused = map[string]struct {
	want error
	says string
}{
	"panimg/channels/5_1_1_1_invalid.mha":                     {codec.ErrUnsupported, "5 channels"},
	"panimg/image128x256RGB.mhd":                              {codec.ErrUnsupported, "3 channels"},
	"panimg/image128x256x3RGB.mhd":                            {codec.ErrUnsupported, "3 channels"},
	"panimg/image128x256x4RGB.mhd":                            {codec.ErrUnsupported, "3 channels"},
	"panimg/image10x11x12x13-extra-stuff.mhd":                 {codec.ErrFormat, "not orthogonal"},
	"panimg/image4x4x4x4x4.mha":                               {codec.ErrUnsupported, "5 dimensions"},
	"panimg/invalid_utf8.mhd":                                 {codec.ErrFormat, "line 5"},
	"panimg/referring_to_system_file.mhd":                     {codec.ErrUnsupported, "outside its own folder"},
	"panimg/image3x4.mhd":                                     {codec.ErrUnsupported, "3 channels"},
	"panimg/image3x4-extra-stuff.mhd":                         {codec.ErrUnsupported, "3 channels"},
	"panimg/image3x4-no-spacing.mhd":                          {codec.ErrUnsupported, "3 channels"},
	"panimg/image3x4-no-spacing-with-12-size.mhd":             {codec.ErrUnsupported, "3 channels"},
	"panimg/image3x4-with-12-spacing.mhd":                     {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/image3x4.mhd":                          {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/image3x4-len-1.mhd":                    {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/image3x4-len-2.mhd":                    {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/errors/image3x4-len-0.mhd":             {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/errors/image3x4-center-gt-width.mhd":   {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/errors/image3x4-width-gt-center.mhd":   {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/errors/image3x4-only-width-array.mhd":  {codec.ErrUnsupported, "3 channels"},
	"panimg/mhd_window/errors/image3x4-only-center-array.mhd": {codec.ErrUnsupported, "3 channels"},
}

// Every MetaImage of the test data is either read as NumPy reads it, or refused for the right reason.
func TestOpenOnRealFiles(t *testing.T) {
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]facts
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	root := testenv.Data(t)
	seen := 0
	for _, dir := range []string{"panimg", "prostate_seg_viewer_10032", "report_guided_annotation"} {
		err := filepath.WalkDir(testenv.Data(t, dir), func(path string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err != nil || ext != ".mha" && ext != ".mhd" {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			name = filepath.ToSlash(name)
			seen++
			volumes, _, err := Open(path)
			if r, ok := refused[name]; ok {
				if !errors.Is(err, r.want) || !strings.Contains(err.Error(), r.says) {
					t.Errorf("%s: error %v; want %v with %q", name, err, r.want, r.says)
				}
				return nil
			}
			if f, ok := want[name]; err != nil || !ok {
				t.Errorf("%s: error %v, golden %v", name, err, ok)
			} else {
				f.check(t, name, volumes)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen != len(want)+len(refused) {
		t.Errorf("%d files seen, %d golden and %d refused", seen, len(want), len(refused))
	}
}

// The detection map and the NIfTI masks of exam 10032 are on one T2W grid, written by different software: the
// independent proof that rows of TransformMatrix are axis directions, and of LPS against RAS.
func TestObliqueGridAgreesWithNIfTIOfTheSameExam(t *testing.T) {
	a, _, err := Open(testenv.Data(t, "prostate_seg_viewer_10032", "cspca_detection_map.mha"))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := nifti.Open(testenv.Data(t, "picai_labels", "cases", "10032_1000032", "lesion_expert_resampled.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if !a[0].Grid().SameAs(b[0].Grid(), 0.02) {
		t.Errorf("MetaImage %+v, NIfTI %+v", a[0].Grid(), b[0].Grid())
	}
	if tilt := a[0].Grid().TiltDegrees(); math.Abs(tilt-12.6) > 0.1 {
		t.Errorf("tilt %g°", tilt)
	}
}
