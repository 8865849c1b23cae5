package exam

import (
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
