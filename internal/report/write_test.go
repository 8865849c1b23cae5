package report

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
)

func TestWriteHoldsWhatWasPredicted(t *testing.T) {
	for task, names := range map[modelcard.Task][]string{
		modelcard.Anatomy:   {"probability_tz", "probability_pz", "sd_tz", "sd_pz", "probability_background", "sd_background", "entropy", "expected_entropy", "mutual_information", "zones", "model_region"},
		modelcard.Diagnosis: {"probability_cspca", "sd_cspca", "probability_background", "sd_background", "entropy", "expected_entropy", "mutual_information", "cspca", "lesions", "model_region"},
	} {
		s := newScene(t, task)
		dir := filepath.Join(t.TempDir(), "new", "result")
		if err := Write(context.Background(), dir, s.exam, s.prediction, Options{Program: "Bayeslice test", Reference: s.reference}); err != nil {
			t.Fatalf("%s: %v", task, err)
		}
		want := []string{PanelFile, ResultFile}
		for _, n := range names {
			want = append(want, n+".nii.gz")
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
			searchSecrets(t, filepath.Join(dir, e.Name()))
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: files %v, want %v", task, got, want)
		}
		checkMaps(t, dir, s)
		checkJSON(t, dir, s)
	}
}

// checkMaps compares with the analytic field at the T2W voxels.
func checkMaps(t *testing.T, dir string, s scene) {
	t.Helper()
	grid, _ := s.exam.ReferenceGrid()
	class := strings.ToLower(s.prediction.Card.Classes[1])
	image, err := imageio.Open(filepath.Join(dir, "probability_"+class+".nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	v := image.Volumes[0]
	if !v.Grid().SameAs(grid, 1e-3) {
		t.Errorf("%s lies on %+v, want the T2W grid", class, v.Grid())
	}
	middle := grid.Centre()
	at := middle.Add(grid.Dir[0].Scale(lesionAt[0])).Add(grid.Dir[1].Scale(lesionAt[1])).Add(grid.Dir[2].Scale(lesionAt[2]))
	want := 0.83 / (1 + math.Exp(-5))
	if s.prediction.Card.Task == modelcard.Anatomy {
		at, want = middle, 1/(1+math.Exp(-1/0.07))/(1+math.Exp((math.Hypot(4./11, 1./11)-1)/0.09))
	}
	c := grid.Voxel(at)
	got := v.At(int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])))
	if math.Abs(float64(got)-want) > 0.08 { // the nearest voxel lies up to 0.4 mm and half a slice away
		t.Errorf("probability of %s in its middle = %.3f, want about %.3f", class, got, want)
	}
	if corner := v.At(0, 0, 0); corner != 0 {
		t.Errorf("probability outside the model's grid = %g, want 0", corner)
	}
}

func checkJSON(t *testing.T, dir string, s scene) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	p := s.prediction
	if r.Format != ResultFormat || r.Model.SHA256 != p.ModelSHA || r.Sampling.Samples != 40 || r.Sampling.Requested != 100 ||
		r.Sampling.Seed != 7 || r.Sampling.Stop != inference.Converged || r.Untrained || r.Synthetic || r.ResearchUse != Disclaimer || r.Program != "Bayeslice test" {
		t.Errorf("result.json says %+v", r)
	}
	if len(r.Exam.Issues) != 2 || len(r.Exam.Series) != 1 || r.Exam.Series[0].Reason == "" || len(r.Volumes) != len(p.Volumes) || len(r.Lesions) != len(p.Lesions) {
		t.Errorf("result.json: exam %+v, %d volumes, %d lesions", r.Exam, len(r.Volumes), len(r.Lesions))
	}
	if r.Exam.Issues[0].Severity != exam.Warning || !strings.Contains(string(data), `"severity": "warning"`) {
		t.Errorf("issues = %+v", r.Exam.Issues)
	}
	checkVolumes(t, dir, r)
	for _, f := range r.Files {
		if strings.Contains(f.Name, "entropy") && !strings.Contains(f.Meaning, "not recomputed from the interpolated probabilities") ||
			strings.HasPrefix(f.Name, "sd_") && !strings.Contains(f.Meaning, "interpolated") {
			t.Errorf("%s does not say that it is interpolated: %q", f.Name, f.Meaning)
		}
	}
	if !strings.Contains(string(data), `"recipe"`) || !strings.Contains(string(data), `"affineLPS"`) {
		t.Error("result.json lacks the recipe or the grids")
	}
}

// checkVolumes compares the masks' volumes with a count of the file, and with the ellipsoids' formula.
func checkVolumes(t *testing.T, dir string, r Result) {
	t.Helper()
	name := map[modelcard.Task]string{modelcard.Anatomy: "zones.nii.gz", modelcard.Diagnosis: "cspca.nii.gz"}[r.Model.Task]
	mask, err := imageio.OpenMask(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int{}
	for _, label := range mask.Data() {
		if label > 0 {
			counted[r.Model.Classes[label]]++
			counted["WG"]++
		}
	}
	for _, v := range r.Volumes {
		want := float64(counted[v.Zone]) * 0.75 * 0.75 * 3 / 1000
		if math.Abs(v.MaskML-want) > 1e-9 || v.MaskML == 0 || v.ML.P95 == 0 {
			t.Errorf("%s: the mask has %g mL, want %g; over the samples %+v", v.Zone, v.MaskML, want, v.ML)
		}
		if gland := 4 * math.Pi / 3 * 23 * 18 * 15 / 1000; v.Zone == "WG" && math.Abs(v.MaskML-gland) > 0.06*gland {
			t.Errorf("WG: the mask has %.1f mL, the ellipsoid %.1f", v.MaskML, gland)
		}
	}
}

func searchSecrets(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range secrets {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds %q", filepath.Base(path), secret)
		}
	}
}

func TestVerifyFindsAChangedFile(t *testing.T) {
	s := newScene(t, modelcard.Anatomy)
	dir := t.TempDir()
	f := file{Name: "x.nii.gz", scalar: s.prediction.Entropy}
	if err := f.write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	f.scalar = s.prediction.ExpectedEntropy
	if err := f.verifyVolume(filepath.Join(dir, f.Name)); !errors.Is(err, ErrVerify) {
		t.Errorf("other values: error = %v, want ErrVerify", err)
	}
	m := file{Name: "m.nii.gz", mask: s.prediction.Hard}
	if err := m.write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	m.mask = s.reference
	if err := m.verifyMask(filepath.Join(dir, m.Name)); !errors.Is(err, ErrVerify) {
		t.Errorf("another grid: error = %v, want ErrVerify", err)
	}
}

// phantoms are the facts of a training on generated exams alone.
func phantoms() *modelcard.TrainingFacts {
	return &modelcard.TrainingFacts{Steps: 1, Batch: 1, Data: modelcard.DataFacts{Kind: "randomised phantoms", Synthetic: true}}
}

func TestTheResultSaysThatTheModelHasSeenNoPatient(t *testing.T) {
	s := newScene(t, modelcard.Anatomy)
	s.prediction.Card.Training = phantoms()
	m, err := newMaps(t.Context(), s.exam, s.prediction)
	if err != nil {
		t.Fatal(err)
	}
	for synthetic, sentence := range map[bool]string{true: "generated phantoms only", false: ""} {
		s.prediction.Card.Training.Data.Synthetic = synthetic
		r := newResult(s.exam, s.prediction, m, nil, Options{})
		if r.TrainedOnSyntheticOnly != synthetic || r.Untrained || !strings.Contains(r.Model.Notice, sentence) || (r.Model.Notice == "") != (sentence == "") || r.Model.Training == nil {
			t.Errorf("synthetic %v: %+v", synthetic, r.Model)
		}
	}
}
