package dicomseg

import (
	"os/exec"
	"path/filepath"
	"testing"

	"bayeslice/internal/testenv"
)

// However DCMTK encodes a segmentation, its voxels stay the same.
func TestTransferSyntaxesHoldTheSameVoxels(t *testing.T) {
	if _, err := exec.LookPath("dcmconv"); err != nil {
		testenv.SkipOrFail(t, "dcmtk", "dcmconv (Debian package dcmtk) is not on this machine")
	}
	mask := testenv.Data(t, "dcmqi_seg", "segmentations", "24x38x3", "seg", "label.seg")
	fractions := testenv.Data(t, "highdicom_seg", "test_files", "seg_image_ct_true_fractional.dcm")
	for name, x := range map[string]struct {
		command []string
		source  string
	}{
		"deflated": {[]string{"dcmconv", "+td"}, mask}, "big endian": {[]string{"dcmconv", "+tb"}, mask}, "implicit": {[]string{"dcmconv", "+ti"}, mask},
		"fractions, big endian": {[]string{"dcmconv", "+tb"}, fractions}, "RLE": {[]string{"dcmcrle"}, fractions},
		"JPEG Lossless": {[]string{"dcmcjpeg", "+e1"}, fractions},
	} {
		path := filepath.Join(t.TempDir(), "a.dcm")
		if out, err := exec.Command(x.command[0], append(x.command[1:], x.source, path)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		want, err := Open(x.source)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Open(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, b := measure(t, want, 1), measure(t, got, 1)
		if a.Voxels != b.Voxels || a.Sums != b.Sums || !got.Grid.SameAs(want.Grid, 1e-9) {
			t.Errorf("%s: %d voxels, want %d", name, b.Voxels, a.Voxels)
		}
	}
}
