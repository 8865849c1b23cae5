package dicomseg

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/testenv"
)

// moments are what golden.py measures of a segment.
type moments struct {
	Voxels    int
	Sums      [9]float64
	Low, High *float64
}

func golden(t *testing.T) map[string]map[string]moments {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]map[string]moments
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// measure is golden.py's, of what is read here.
func measure(t *testing.T, f *File, number int) (m moments) {
	t.Helper()
	v, err := f.Fractions(number)
	if err != nil {
		t.Fatal(err)
	}
	low, high := math.Inf(1), 0.0
	g := f.Grid
	for at, x := range v.Data() {
		if x == 0 {
			continue
		}
		w := float64(x)
		m.Voxels++
		low, high = min(low, w), max(high, w)
		p := g.World(geom.Vec3{float64(at % g.Size[0]), float64(at / g.Size[0] % g.Size[1]), float64(at / g.Size[0] / g.Size[1])})
		for n, q := range [9]float64{p[0], p[1], p[2], p[0] * p[0], p[1] * p[1], p[2] * p[2], p[0] * p[1], p[0] * p[2], p[1] * p[2]} {
			m.Sums[n] += w * q
		}
	}
	m.Low, m.High = &low, &high
	return m
}

// Every segmentation of the shared corpora has the voxels, in the places, that pydicom reads.
func TestCorporaAgreeWithPydicom(t *testing.T) {
	for name, want := range golden(t) {
		path := testenv.Data(t, filepath.FromSlash(name))
		f, err := Open(path)
		if want == nil {
			if !errors.Is(err, dicom.ErrGeometry) && !errors.Is(err, dicom.ErrMalformed) || !strings.Contains(err.Error(), filepath.Base(name)) {
				t.Errorf("%s: error = %v, want a refusal that names the file", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !Is(path) {
			t.Errorf("%s is not taken for a segmentation", name)
		}
		for number, w := range want {
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			got := measure(t, f, n)
			if got.Voxels != w.Voxels || w.Voxels > 0 && (math.Abs(*got.Low-*w.Low) > 1e-6 || math.Abs(*got.High-*w.High) > 1e-6) {
				t.Errorf("%s, segment %d: %d voxels from %g to %g, want %d", name, n, got.Voxels, *got.Low, *got.High, w.Voxels)
			}
			for i := range w.Sums {
				if math.Abs(got.Sums[i]-w.Sums[i]) > 1e-6*float64(max(w.Voxels, 1))*1e3 {
					t.Errorf("%s, segment %d: sum %d is %.6f, want %.6f", name, n, i, got.Sums[i], w.Sums[i])
				}
			}
		}
	}
}

func TestSegmentsOfARealProstateAreRecognised(t *testing.T) {
	f, err := Open(testenv.Data(t, "autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001", "seg", "1-1.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	want := []dicomcode.Structure{dicomcode.Unknown, dicomcode.PZ, dicomcode.Lesion, dicomcode.Gland}
	for n, s := range f.Segments {
		if s.Structure != want[n] || s.Algorithm != "MANUAL" {
			t.Errorf("%v is taken for %v", s, s.Structure)
		}
	}
	if f.Grid.Size != [3]int{256, 256, 20} || len(f.Sources) != 20 || len(f.Of(dicomcode.PZ)) != 1 {
		t.Errorf("grid %v, %d sources", f.Grid.Size, len(f.Sources))
	}
	lesion := f.Of(dicomcode.Lesion)[0].Number
	if _, err := f.Mask(map[int]uint8{lesion: 1, 4: 2}); !errors.Is(err, ErrSegments) || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("a lesion in the gland: %v", err)
	}
	if _, err := f.Mask(map[int]uint8{9: 1}); !errors.Is(err, ErrSegments) || !strings.Contains(err.Error(), "segment 3 (Lesion)") {
		t.Errorf("no such segment: %v", err)
	}
}

func TestFractionsAreNoMask(t *testing.T) {
	f, err := Open(testenv.Data(t, "highdicom_seg", "test_files", "seg_image_ct_true_fractional.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Mask(map[int]uint8{1: 1}); f.Kind != Probability || !errors.Is(err, ErrSegments) {
		t.Errorf("%s as a mask: %v", f.Kind, err)
	}
	if f, err = Open(testenv.Data(t, "highdicom_seg", "test_files", "seg_image_ct_binary_fractional.dcm")); err != nil {
		t.Fatal(err)
	}
	if m, err := f.Mask(map[int]uint8{1: 7}); err != nil || len(m.Labels()) != 1 || m.Labels()[0] != 7 {
		t.Errorf("fractions of 0 and 1: %v, %v", m, err)
	}
}

func TestOtherDICOMIsRefused(t *testing.T) {
	path := testenv.Data(t, "highdicom_seg", "test_files", "ct_image.dcm")
	if _, err := Open(path); !errors.Is(err, ErrNotSegmentation) || Is(path) {
		t.Errorf("a CT image: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.dcm")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
