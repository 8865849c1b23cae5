package imageio

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bayeslice/internal/testenv"
)

// A mask in NRRD is a mask like any other: by its content, whatever its name is, alone or with its voxels beside it.
func TestMasksInNRRD(t *testing.T) {
	file := testenv.Data(t, "vesal_nci_isbi_nrrd", "Prostate3T", "Prostate3T-02-0001_truth_pred.nrrd")
	want, err := OpenMask(file)
	if err != nil || slices.Max(want.Data()) == 0 {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	renamed := filepath.Join(t.TempDir(), "labels")
	if err := os.WriteFile(renamed, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := OpenMask(renamed)
	if err != nil || !slices.Equal(got.Data(), want.Data()) || !got.Grid().SameAs(want.Grid(), 1e-9) {
		t.Errorf("under another name: %v", err)
	}
	for _, name := range []string{"image10x11x12.nrrd", "image10x11x12.nhdr"} { // values beyond 255: an image
		if _, err := OpenMask(testenv.Data(t, "panimg", "nrrd", name)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s as a mask: %v", name, err)
		}
	}
	for _, ending := range Extensions() {
		if ending != ".nrrd" && ending != ".nhdr" {
			continue
		}
		path := filepath.Join(t.TempDir(), "x"+ending)
		if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrFormat) {
			t.Errorf("a damaged %s: %v", ending, err)
		}
	}
}
