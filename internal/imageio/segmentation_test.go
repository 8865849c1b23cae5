package imageio

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/testenv"
)

func TestSegmentationsOpenAsMasks(t *testing.T) {
	m, err := OpenMask(testenv.Data(t, "dcmqi_seg", "segmentations", "24x38x3", "seg", "label.seg"))
	if err != nil || !slices.Equal(m.Labels(), []uint8{1}) {
		t.Fatalf("a liver: %v", err)
	}
	if n := m.Region(1).Voxels; n != 315 { // as in label.nrrd beside it
		t.Errorf("%d voxels, want 315", n)
	}
	for name, want := range map[string]string{
		filepath.Join("autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001", "seg", "1-1.dcm"):  "zones and lesions",
		filepath.Join("highdicom_seg", "test_files", "seg_image_ct_true_fractional.dcm"): "a mask holds 0 or 1",
		filepath.Join("highdicom_seg", "test_files", "seg_image_cr_binary.dcm"):          "no position",
		filepath.Join("highdicom_seg", "test_files", "ct_image.dcm"):                     "single DICOM file",
		filepath.Join("dcmqi_seg", "segmentations", "partial_overlaps.dcm"):              "overlap",
	} {
		_, err := OpenMask(testenv.Data(t, name))
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestDamagedSegmentationsAreSentences(t *testing.T) {
	data, err := os.ReadFile(testenv.Data(t, "dcmqi_seg", "segmentations", "24x38x3", "seg", "label.seg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, keep := range []int{len(data) - 10, len(data) / 2, 600} {
		path := filepath.Join(t.TempDir(), "cut.dcm")
		if err := os.WriteFile(path, data[:keep], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSegmentation(path); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%d of %d bytes: %v", keep, len(data), err)
		}
	}
	if _, err := OpenSegmentation(filepath.Join(t.TempDir(), "none.dcm")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func FuzzSegmentation(f *testing.F) {
	for _, name := range []string{"24x38x3/seg/label.seg", "sparse-labelmap-ppv5.dcm"} {
		if data, err := os.ReadFile(filepath.Join(testenv.Root(), "..", "shared", "data", "dcmqi_seg", "segmentations", filepath.FromSlash(name))); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "a.dcm")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := dicomseg.Open(path)
		if err != nil {
			return
		}
		for _, seg := range s.Segments {
			_, _ = s.Mask(map[int]uint8{seg.Number: 1}) // must not panic, whatever it says
		}
	})
}

func TestZonesAndLesionsOfOneFileAreTwoMasks(t *testing.T) {
	parts, err := MaskParts(testenv.Data(t, "autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001", "seg", "1-1.dcm"))
	if err != nil || len(parts) != 2 || parts[0].Name != "zones" || parts[1].Name != "lesions" {
		t.Fatalf("%+v, %v", parts, err)
	}
	for n, want := range []map[uint8]int{{2: 2158}, {1: 118}} {
		m, err := parts[n].Read()
		if err != nil {
			t.Fatal(err)
		}
		for label, voxels := range want {
			if got := m.Region(label).Voxels; got != voxels || len(m.Labels()) != 1 {
				t.Errorf("%s: %d voxels of %d, labels %v, want %d", parts[n].Name, got, label, m.Labels(), voxels)
			}
		}
	}
}
