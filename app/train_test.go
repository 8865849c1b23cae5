package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/dataset"
	"bayeslice/training/trainer"
	"bayeslice/viewer"
	"bayeslice/viewer/viewstate"
)

func testTrainer(t *testing.T) *trainerOf {
	t.Helper()
	tr := newTrainer(testEngine(t))
	tr.home = t.TempDir()
	return tr
}

func tinySetup(folder string) viewstate.TrainSetup {
	return viewstate.TrainSetup{Task: modelcard.Anatomy, Loss: "FL", Size: "tiny", Steps: 500, LearningRate: 1e-3, Seed: 7, Device: "cpu", Folder: folder, Anatomies: 30}
}

func TestSettingsFollowTheForm(t *testing.T) {
	tr := testTrainer(t)
	c, choice, err := tr.settings(tinySetup("runs"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Rate != 1e-3 || c.RateTo < 0.99e-6 || c.RateTo > 1.01e-6 { // a thousandth, as in the paper
		t.Errorf("learning rate %g to %g", c.Rate, c.RateTo)
	}
	if c.Steps != 500 || c.Seed != 7 || c.DataSeed != 7 || c.Threads != 2 || c.Device != "cpu" || c.ValidateEvery != 50 || c.CheckpointEvery != 50 {
		t.Errorf("%+v", c)
	}
	if !choice.Phantoms() || choice.Anatomies != 30 || choice.Held != 3 || c.Augmentation != (training.Augmentation{}) {
		t.Errorf("%+v, augmentation %+v", choice, c.Augmentation)
	}

	if want := "bayeslice train --task=anatomy --loss=FL --preset=tiny --data=phantoms --anatomies=30 --held=3 --steps=500 --rate=0.001 --rate-to=1e-06 --seed=7 --checkpoint-every=50 --validate-every=50 --device=cpu --threads=2"; c.Command != want {
		t.Errorf("command %s", c.Command)
	}

	s := tinySetup("runs")
	s.Data, s.DataFolder, s.MaskFolder, s.MaskValues, s.SkipBad = viewstate.ExamFolder, "exams", "masks", string(dataset.PZTZ), true
	c, choice, err = tr.settings(s)
	if err != nil {
		t.Fatal(err)
	}
	if choice.Path != "exams" || choice.Masks != "masks" || choice.Zones != dataset.PZTZ || !choice.SkipBad || !c.SkipBad || !choice.Augment || c.Augmentation == (training.Augmentation{}) {
		t.Errorf("%+v", choice)
	}
	if !strings.Contains(c.Command, ` --data="exams" --folds=5 --masks="masks" --zones=pz-tz --skip-bad `) {
		t.Errorf("command %s", c.Command)
	}
	s.Task, s.MaskValues = modelcard.Diagnosis, "2"
	if _, choice, err = tr.settings(s); err != nil || choice.LesionFrom != 2 || choice.Zones != "" {
		t.Errorf("%+v, %v", choice, err)
	}
	s.Size = "huge"
	if _, _, err = tr.settings(s); !errors.Is(err, viewer.ErrTrainingRun) {
		t.Errorf("an unknown size: %v", err)
	}
}

func TestEveryChoiceOfTheFormHolds(t *testing.T) {
	tr := testTrainer(t)
	tr.found = []viewstate.TrainOption{{ID: "cpu", Name: "CPU"}}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		c, err := tr.Choices(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range c.Losses {
			for _, size := range c.Sizes {
				for _, m := range c.MaskValues {
					s := c.Start
					s.Loss, s.Size, s.MaskValues, s.Data, s.DataFolder = l.ID, size.ID, m.ID, viewstate.ExamFolder, "exams"
					if _, _, err := tr.settings(s); err != nil || l.Description == "" || size.Description == "" {
						t.Errorf("%s %s %s %s: %v", task, l.ID, size.ID, m.ID, err)
					}
				}
			}
		}
		if _, _, err := tr.settings(c.Start); err != nil {
			t.Errorf("the proposal: %v", err)
		}
	}
}

// writeRun makes a run folder with a log.
func writeRun(t *testing.T, tr *trainerOf, s viewstate.TrainSetup, log string) string {
	t.Helper()
	c, _, err := tr.settings(s)
	if err != nil {
		t.Fatal(err)
	}
	c.Data = training.Origin{Kind: "randomised phantoms", Synthetic: true, Fingerprint: strings.Repeat("0", 64)}
	dir := newFolder(s)
	if _, err := trainer.New(dir, c, nil); err != nil {
		t.Fatal(err)
	}
	if log != "" {
		if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRunsAreFoundWithHowFarTheyAre(t *testing.T) {
	tr, folder := testTrainer(t), t.TempDir()
	if runs, err := tr.Runs(t.Context(), filepath.Join(folder, "none")); err != nil || runs != nil {
		t.Errorf("a missing folder: %v, %v", runs, err)
	}
	first := writeRun(t, tr, tinySetup(folder), "")
	second := writeRun(t, tr, tinySetup(folder), "")
	if filepath.Base(first) != "zones-fl-tiny-1" || filepath.Base(second) != "zones-fl-tiny-2" {
		t.Errorf("folders %s, %s", first, second)
	}
	for name, data := range map[string]string{second + "/checkpoint-0000120.bin": "x", second + "/checkpoint-0000100.bin": "x", first + "/model.onnx": "x"} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broken := filepath.Join(folder, "broken")
	if err := errors.Join(os.Mkdir(broken, 0o750), os.WriteFile(filepath.Join(broken, "run.json"), []byte("{"), 0o600), os.Mkdir(filepath.Join(folder, "photos"), 0o750)); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for i, dir := range []string{first, second, broken} {
		at := old.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(filepath.Join(dir, "run.json"), at, at); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := tr.Runs(t.Context(), folder)
	if err != nil || len(runs) != 3 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	if runs[0].Name != "broken" || !strings.HasPrefix(runs[0].Problem, "cannot be opened: ") {
		t.Errorf("%+v", runs[0])
	}
	if r := runs[1]; r.Step != 120 || r.Steps != 500 || r.Finished || r.Loss != "FL" || r.Size != "tiny" || !r.Synthetic {
		t.Errorf("%+v", r)
	}
	if r := runs[2]; !r.Finished || r.Step != 500 || r.Model != filepath.Join(first, "model.onnx") {
		t.Errorf("%+v", r)
	}
}

func TestHistoryKeepsWhatTheChartsShow(t *testing.T) {
	tr := testTrainer(t)
	dir := writeRun(t, tr, tinySetup(t.TempDir()), `{"event":"start","step":0,"text":"CPU (ONNX Runtime 1.27.0)"}
{"event":"step","step":1,"loss":0.9,"segmentation":0.8,"divergence":10,"rate":0.001,"seconds":0.5}
{"event":"skip","step":1,"text":"training: exam cannot be used: case 7: it has no mask"}
{"event":"validation","step":1,"validation":{"exams":2,"nll":0.3,"dice":{"WG":0.5},"auroc":0.75}}
{"event":"pause","step":1}
`)
	events, err := tr.History(t.Context(), dir)
	if err != nil || len(events) != 5 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if s := events[1].Learnt; s == nil || s.Loss != 0.8 || s.KL != 10 || s.Rate != 0.001 || s.Seconds != 0.5 {
		t.Errorf("step %+v", s)
	}
	if c := events[3].Checked; c == nil || c.NLL != 0.3 || c.Dice["WG"] != 0.5 || c.AUROC != 0.75 || c.Exams != 2 {
		t.Errorf("validation %+v", c)
	}
	if events[0].Device != "CPU (ONNX Runtime 1.27.0)" || events[2].Note != "Exam cannot be used: case 7: it has no mask." || !events[4].Paused {
		t.Errorf("%+v", events)
	}
}

func TestATimeIsExpectedFromEarlierRuns(t *testing.T) {
	tr, folder := testTrainer(t), t.TempDir()
	var log strings.Builder
	for i := range 60 { // the first step of a session takes longer
		fmt.Fprintf(&log, "{\"event\":\"step\",\"step\":%d,\"seconds\":%g}\n", i+1, map[bool]float64{true: 9, false: 0.25}[i == 0])
	}
	writeRun(t, tr, tinySetup(folder), log.String())
	same, _, err := tr.settings(tinySetup(folder))
	if err != nil {
		t.Fatal(err)
	}
	d, err := tr.demandOf(same)
	if err != nil {
		t.Fatal(err)
	}
	if got := tr.secondsOf(t.Context(), same, d, folder); got != 0.25 {
		t.Errorf("the same network: %g s", got)
	}
	larger := d
	larger.work *= 3
	other := same
	other.Preset = "compact"
	if got := tr.secondsOf(t.Context(), other, larger, folder); got < 0.74 || got > 0.76 {
		t.Errorf("three times the work: %g s", got)
	}
	tr.rates["cpu 1"], tr.rates["cpu 2"] = d.work, 2*d.work
	larger.work = 40 * d.work
	if got := tr.secondsOf(t.Context(), other, larger, folder); got != 20 {
		t.Errorf("forty times the work: %g s", got)
	}
	other.Threads = 1
	if got := tr.secondsOf(t.Context(), other, larger, folder); got != 40 {
		t.Errorf("on another device: %g s", got)
	}
}

func TestWorkCountsMultiplications(t *testing.T) {
	g, err := graph.Build("work", func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, 1, 3, 4, 5, 6)
		y := b.Conv(x, b.Param("w", 7, 3, 1, 3, 3), nil, graph.ConvOptions{Begin: []int{0, 1, 1}, End: []int{0, 1, 1}})
		b.Output("y", y)
		b.Output("z", b.MatMul(b.Input("a", tensor.Float32, 2, 9), b.Input("b", tensor.Float32, 9, 5)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := workOf(g), float64(4*5*6*7*3*9+2*9*5); got != want {
		t.Errorf("%g multiplications, want %g", got, want)
	}
}

func TestFoldersAreCountedOrRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(names ...string) {
		for _, n := range names {
			path := filepath.Join(dir, n)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("exams/a/t2.nii.gz", "exams/b/1.dcm", "exams/c.mha", "exams/masks/a.nii.gz", "exams/notes.txt",
		"nn/dataset.json", "nn/labelsTr/1.nii.gz", "nn/labelsTr/2.nii.gz", "nn/imagesTr/1_0000.nii.gz", "one/a/x.dcm")
	for _, c := range []struct {
		folder string
		kind   viewstate.TrainData
		n      int
		err    string
	}{
		{"exams", viewstate.ExamFolder, 3, ""},
		{"nn", viewstate.NNUNetFolder, 2, ""},
		{"nn", viewstate.ExamFolder, 0, "nn is in nnU-Net's layout"},
		{"exams", viewstate.NNUNetFolder, 0, "exams holds no dataset.json"},
		{"one", viewstate.ExamFolder, 0, "one holds fewer than two exams"},
	} {
		n, err := examsIn(filepath.Join(dir, c.folder), c.kind)
		if n != c.n || (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || !errors.Is(err, viewer.ErrTrainingData)) {
			t.Errorf("%s as %v: %d, %v", c.folder, c.kind, n, err)
		}
	}
	if _, err := examsIn(filepath.Join(dir, "gone"), viewstate.ExamFolder); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), dir) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestRefusalsAreToldOnce(t *testing.T) {
	for _, c := range []struct {
		err, told error
		text      string
	}{
		{fmt.Errorf("%w: these are other data", trainer.ErrRun), viewer.ErrTrainingRun, "training: these are other data"},
		{fmt.Errorf("%w: 0 anatomies", cohort.ErrChoice), viewer.ErrTrainingData, "training: 0 anatomies"},
		{fmt.Errorf("%w in step 3: infinite", trainer.ErrDiverged), viewer.ErrDiverged, "training: the training diverged in step 3: infinite"},
		{fmt.Errorf("x: %w", ort.ErrRun), viewer.ErrRun, "viewer: the run failed: x: ort: the run failed"},
	} {
		got := trainError(c.err)
		if !errors.Is(got, c.told) || !errors.Is(got, errors.Unwrap(c.err)) || !strings.HasPrefix(got.Error(), c.text[:strings.Index(c.text, ": ")]) {
			t.Errorf("%v is told as %v", c.err, got)
		}
		if !errors.Is(c.told, viewer.ErrRun) && got.Error() != c.text {
			t.Errorf("%q, want %q", got, c.text)
		}
	}
	if trainError(nil) != nil {
		t.Error("no error is one")
	}
}

func TestStoppingForgetsOnlyTheCancellation(t *testing.T) {
	full := errors.New("disk full")
	stopped := fmt.Errorf("trainer: %w", context.Canceled)
	if withoutCancel(stopped) != nil || withoutCancel(errors.Join(stopped, nil)) != nil || withoutCancel(errors.Join(stopped, errors.Join(context.Canceled))) != nil {
		t.Error("a cancellation is a failure")
	}
	if err := withoutCancel(errors.Join(stopped, full)); !errors.Is(err, full) || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestOfferedModelsComeFirstAndOnce(t *testing.T) {
	e := testEngine(t, "a.onnx", "b.onnx")
	e.offer("c.onnx")
	e.offer("b.onnx")
	if got := e.given(); !slices.Equal(got, []string{"b.onnx", "c.onnx", "a.onnx"}) {
		t.Errorf("%v", got)
	}
}
