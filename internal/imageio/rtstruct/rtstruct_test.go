package rtstruct

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/testenv"
)

// Points that lie nowhere near an image are refused, whatever they are.
func TestContoursBesideTheImageAreRefused(t *testing.T) {
	g, err := geom.NewGrid([3]int{5, 5, 3}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []geom.Vec3{{0, 0, 1.5}, {0, 0, -3}, {0, 0, 9}, {1e300, 0, 0}, {0, -1e300, 0}, {0, 0, 1e300}, {math.MaxFloat64, math.MaxFloat64, math.MaxFloat64}} {
		s := Structure{Name: "x", Contours: [][]geom.Vec3{{p, {1, 1, 0}, {2, 1, 0}}}}
		if _, err := s.Mask(g); !errors.Is(err, ErrGrid) {
			t.Errorf("%v: %v", p, err)
		}
	}
	s := Structure{Contours: [][]geom.Vec3{{{0.5, 0.5, 3}, {2.5, 0.5, 3}, {2.5, 2.5, 3}, {0.5, 2.5, 3}}, {}}} // voxels (1, 1) to (2, 2) of slice 1
	if m, err := s.Mask(g); err != nil || m.Region(1).Voxels != 4 || m.At(1, 2, 1) != 1 || m.At(0, 0, 1) != 0 {
		t.Errorf("%v", err)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	if _, err := Open(testenv.Data(t, "highdicom_seg", "test_files", "ct_image.dcm")); !errors.Is(err, ErrNotStructures) {
		t.Errorf("a CT image: %v", err)
	}
	path := filepath.Join(t.TempDir(), "a.dcm")
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, dicom.ErrNotDICOM) {
		t.Errorf("text: %v", err)
	}
}

// A structure set of another program, without file meta information, as pydicom reads it: points are no contours.
func TestPointsAreNoContours(t *testing.T) {
	f, err := Open(testenv.Data(t, "pydicom_test_files", "rtstruct.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Structure{{1, "patient", dicomcode.Unknown, nil}, {2, "Isocenter 1", dicomcode.Unknown, nil}, {3, "Isocenter 2", dicomcode.Unknown, nil}}
	contours := []int{3, 0, 0}
	for n, s := range f.Structures {
		if s.Number != want[n].Number || s.Name != want[n].Name || s.Kind != want[n].Kind || len(s.Contours) != contours[n] {
			t.Errorf("%d %q: %d contours", s.Number, s.Name, len(s.Contours))
		}
	}
	if len(f.Structures) != 3 || len(f.Structures[0].Contours[0]) != 5 {
		t.Errorf("%d structures", len(f.Structures))
	}
}
