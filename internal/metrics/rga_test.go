package metrics_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/internal/imageio"
	"bayeslice/internal/metrics"
	"bayeslice/internal/testenv"
)

// Report-Guided Annotation publishes softmax maps of a trained model on real exams, and the masks
// that its own code makes of the most confident candidates.
func TestCandidatesAgreeWithReportGuidedAnnotation(t *testing.T) {
	root := testenv.Data(t, "report_guided_annotation")
	b, err := os.ReadFile(filepath.Join(root, "num_lesions_to_retain_map.json"))
	if err != nil {
		t.Fatal(err)
	}
	var retain map[string]int
	if err := json.Unmarshal(b, &retain); err != nil {
		t.Fatal(err)
	}
	for name, n := range retain {
		softmax, err := imageio.Open(filepath.Join(root, "input", name))
		if err != nil {
			t.Fatal(err)
		}
		v := softmax.Volumes[0]
		rule := metrics.PICAIRule()
		rule.MinConfidence = 0
		found := rule.Candidates(v.Grid().Size, v.Data())
		if len(found) < n {
			t.Fatalf("%d candidates, want %d or more", len(found), n)
		}
		want, err := imageio.OpenMask(filepath.Join(root, "output", name))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]uint8, len(v.Data()))
		voxels := 0
		for _, c := range found[:n] {
			voxels += len(c.Voxels)
			for _, at := range c.Voxels {
				got[at] = 1
			}
		}
		differ := 0
		for i, w := range want.Data() {
			if (w > 0) != (got[i] > 0) {
				differ++
			}
		}
		t.Logf("%d candidates kept of %d, %d voxels, confidences from %.3f to %.3f", n, len(found), voxels, found[0].Confidence, found[len(found)-1].Confidence)
		if differ > 0 {
			t.Errorf("%d of %d voxels differ from the published mask", differ, voxels)
		}
	}
}

// The published edge case is a map of which version 1 of the algorithm made candidates of zero confidence.
func TestCandidatesOfThePublishedEdgeCase(t *testing.T) {
	path := testenv.Data(t, "report_guided_annotation", "input", "dynamic_extraction_edge_case.mha")
	image, err := imageio.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v := image.Volumes[0]
	rule := metrics.PICAIRule()
	rule.MinConfidence = 0
	found := rule.Candidates(v.Grid().Size, v.Data())
	if len(found) == 0 {
		t.Error("no candidate")
	}
	for _, c := range found {
		t.Logf("confidence %.4f, %d voxels", c.Confidence, len(c.Voxels))
		if c.Confidence < rule.Floor/rule.Factor || len(c.Voxels) <= rule.MinVoxels {
			t.Errorf("candidate of confidence %g with %d voxels", c.Confidence, len(c.Voxels))
		}
	}
}
