package metrics_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"bayeslice/internal/imageio"
	"bayeslice/internal/metrics"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// The overview of picai_eval's hand-made cases, in fractions.
var picaiCases = [][]metrics.Finding{
	{},
	{{Lesion: true}},
	{{Confidence: 1}},
	{{Lesion: true}, {Confidence: 1}},
	{{Lesion: true, Confidence: 1, IoU: 1. / 3}},
	{{Lesion: true, Confidence: 1, IoU: 9. / 41}, {Confidence: 2}},
	{{Lesion: true, Confidence: 1, IoU: 1. / 3}},
	{{Lesion: true, Confidence: 1, IoU: 1. / 3}, {Lesion: true}},
	{{Lesion: true, Confidence: 1, IoU: 5. / 11}, {Lesion: true}},
	{{Lesion: true}, {Confidence: 1}},
}

func TestPicaiCases(t *testing.T) {
	d := picaiDetection(t)
	ap, err := d.AveragePrecision()
	if err != nil || math.Abs(ap-5./18) > 1e-12 { // (10/10 − 5/10)·0 + 5/10·5/9
		t.Errorf("AP = %g, %v, want 5/18", ap, err)
	}
	auroc, err := d.AUROC()
	if err != nil || auroc != 12./16 {
		t.Errorf("AUROC = %g, %v, want 3/4", auroc, err)
	}
	f, err := d.FROC()
	if err != nil {
		t.Fatal(err)
	}
	area, err := f.PartialArea(metrics.PartialFrom, metrics.PartialTo)
	if want := 0.3*0.25 + 2.1*0.5; err != nil || math.Abs(area-want) > 1e-12 {
		t.Errorf("partial area = %g, %v, want %g", area, err, want)
	}
	if f.MaxSensitivity() != 0.5 || f.SensitivityAt(0.3) != 0 || f.SensitivityAt(0.4) != 0.5 || math.Abs(f.Interpolated(0.25)-0.25) > 1e-12 {
		t.Errorf("sensitivities %g, %g, %g, %g", f.MaxSensitivity(), f.SensitivityAt(0.3), f.SensitivityAt(0.4), f.Interpolated(0.25))
	}
}

// picaiDetection reads the ten cases and compares their findings.
func picaiDetection(t *testing.T) *metrics.Detection {
	t.Helper()
	d := metrics.NewDetection()
	for n, want := range picaiCases {
		id := fmt.Sprintf("case-%d", n)
		e := picaiCase(t, id)
		if len(e.Findings) != len(want) {
			t.Fatalf("%s: %+v, want %+v", id, e.Findings, want)
		}
		for i, f := range e.Findings {
			if f.Lesion != want[i].Lesion || f.Confidence != want[i].Confidence || math.Abs(f.IoU-want[i].IoU) > 1e-15 {
				t.Errorf("%s finding %d: %+v, want %+v", id, i, f, want[i])
			}
		}
		if err := d.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func picaiCase(t *testing.T, id string) metrics.DetectionExam {
	t.Helper()
	image, err := imageio.Open(testenv.Data(t, "picai_eval", "test-maps", id+"_detection_map.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	label, err := imageio.OpenMask(testenv.Data(t, "picai_eval", "test-maps", id+"_label.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := metrics.DetectionMap(image.Volumes[0])
	if err != nil {
		t.Fatal(err)
	}
	reference := volume.Components(label.Grid(), func(i int) bool { return label.Data()[i] != 0 }, volume.Corners)
	findings, err := metrics.MatchRule{}.Match(found, reference)
	if err != nil {
		t.Fatal(err)
	}
	e := metrics.DetectionExam{ID: id, Findings: findings, Positive: len(reference.Components) > 0}
	for _, c := range found {
		e.Score = max(e.Score, c.Confidence)
	}
	return e
}

// picaiFile is a file of metrics as picai_eval writes it.
type picaiFile struct {
	AUROC         float64                 `json:"auroc"`
	AP            float64                 `json:"AP"`
	Cases         int                     `json:"num_cases"`
	Lesions       int                     `json:"num_lesions"`
	Results       map[string][][3]float64 `json:"lesion_results"`
	LesionWeights map[string][]float64    `json:"lesion_weight"`
	Precision     []float64               `json:"precision"`
	Recall        []float64               `json:"recall"`
	TPR           []float64               `json:"lesion_TPR"`
	FPR           []float64               `json:"lesion_FPR"`
	Thresholds    []float64               `json:"thresholds"`
	Scores        map[string]float64      `json:"case_pred"`
	Targets       map[string]int          `json:"case_target"`
	CaseWeights   map[string]float64      `json:"case_weight"`
}

func readPicaiFile(t *testing.T) picaiFile {
	t.Helper()
	text, err := os.ReadFile(testenv.Data(t, "picai_eval", "output-expected", "metrics-full-expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f picaiFile
	// JSON knows no infinity: a very large number stands for it
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "Infinity", "1e308")), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// Every number of the full metrics file. picai_eval's curves end in a point at threshold 0, which
// Bayeslice does not keep; its rates per case are in float32.
func TestPicaiMetricsFile(t *testing.T) {
	want := readPicaiFile(t)
	d := metrics.NewDetection()
	for n := range picaiCases {
		id := fmt.Sprintf("case-%d", n)
		e := picaiCase(t, id)
		comparePicaiCase(t, id, e, want)
		if err := d.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "cases", float64(d.Exams()), float64(want.Cases))
	equal(t, "lesions", float64(d.Lesions()), float64(want.Lesions))
	auroc, err := d.AUROC()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "AUROC", auroc, want.AUROC)
	ap, err := d.AveragePrecision()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "AP", ap, want.AP)
	comparePicaiCurves(t, d, want)
}

func comparePicaiCase(t *testing.T, id string, e metrics.DetectionExam, want picaiFile) {
	t.Helper()
	rows := want.Results[id]
	if len(rows) != len(e.Findings) || len(want.LesionWeights[id]) != len(rows) || want.CaseWeights[id] != 1 {
		t.Fatalf("%s: %d findings, want %d", id, len(e.Findings), len(rows))
	}
	for i, f := range e.Findings {
		equal(t, id+" confidence", f.Confidence, rows[i][1])
		equal(t, id+" IoU", f.IoU, rows[i][2])
		if f.Lesion != (rows[i][0] == 1) {
			t.Errorf("%s finding %d: %+v, want %v", id, i, f, rows[i])
		}
	}
	equal(t, id+" score", e.Score, want.Scores[id])
	if e.Positive != (want.Targets[id] == 1) {
		t.Errorf("%s: positive %v, want %d", id, e.Positive, want.Targets[id])
	}
}

func comparePicaiCurves(t *testing.T, d *metrics.Detection, want picaiFile) {
	t.Helper()
	f, err := d.FROC()
	if err != nil {
		t.Fatal(err)
	}
	recall, err := d.PrecisionRecall()
	if err != nil {
		t.Fatal(err)
	}
	n := len(f.Points)
	if len(want.TPR) != n+1 || len(want.FPR) != n+1 || len(want.Thresholds) != n+1 || len(recall) != n || len(want.Recall) != n+2 {
		t.Fatalf("%d points, want %d", n, len(want.TPR)-1)
	}
	for i, p := range f.Points {
		equal(t, "threshold", p.Threshold, want.Thresholds[i])
		equal(t, "lesion TPR", p.Sensitivity, want.TPR[i])
		equal(t, "lesion FPR", float64(float32(p.FalsePositives)), want.FPR[i])
		equal(t, "precision", recall[i].Precision, want.Precision[n-i])
		equal(t, "recall", recall[i].Recall, want.Recall[n-i])
	}
	equal(t, "TPR at infinity", f.MaxSensitivity(), want.TPR[n])
	if want.FPR[n] < 1e300 || want.Thresholds[n] != 0 || want.Precision[0] != 0 || want.Recall[0] != 1 || want.Precision[n+1] != 1 || want.Recall[n+1] != 0 {
		t.Error("the file has other points beside those of real thresholds")
	}
}

func equal(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}
