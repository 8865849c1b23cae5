package exam

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

// Segmentations beside DICOM images are labels; they are not left aside.
func TestSegmentationsBesideImagesAreLabels(t *testing.T) {
	e, err := Open(t.Context(), testenv.Data(t, "autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Labels) != 2 || e.Labels[0].Name != "1-1 (zones)" || e.Labels[1].Name != "1-1 (lesions)" {
		t.Fatalf("labels %+v", e.Labels)
	}
	m, err := e.Labels[1].Mask()
	if err != nil || m.Region(1).Voxels != 118 {
		t.Errorf("%v", err)
	}
	var told bool
	for _, i := range e.Issues {
		told = told || i.Code == LabelFiles
		if strings.Contains(i.Text, "SEG") {
			t.Errorf("an issue says %q", i.Text)
		}
	}
	if !told {
		t.Error("nothing is said of the labels")
	}
}

// In a ZIP they are labels as well, with the same voxels, and nothing of them stays unpacked.
func TestSegmentationsInAZIPAreLabels(t *testing.T) {
	folder := testenv.Data(t, "autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001")
	file := filepath.Join(t.TempDir(), "exam.zip")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	if err := z.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	plain, err := Open(t.Context(), folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := Open(t.Context(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(zipped.Labels) != 2 || len(plain.Labels) != 2 {
		t.Fatalf("labels %+v, in a folder %+v", zipped.Labels, plain.Labels)
	}
	for i, l := range zipped.Labels {
		got, err := l.Mask()
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.Labels[i].Mask()
		if err != nil || l.Name != plain.Labels[i].Name || !slices.Equal(got.Data(), want.Data()) || !got.Grid().SameAs(want.Grid(), 1e-6) {
			t.Errorf("%s differs from %s of the folder, %v", l.Name, plain.Labels[i].Name, err)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("temporary files stay: %v, %v", left, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := zipped.Labels[0].Mask(); err == nil {
		t.Error("labels of a ZIP that is gone were read")
	}
}
