package viewer

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/resultfile"
	"bayeslice/viewer/viewstate"
)

// savedWithResults saves a session with two results of its own and a compared one.
func savedWithResults(t *testing.T) (path string, saved *harness) {
	t.Helper()
	h, _ := keeping(t, t.TempDir(), &fakeEngine{}, true)
	h.Open(examPlace(t))
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.command(viewstate.RunModel)
	h.until("the end", func() bool { return h.running == nil && h.state.Prediction(modelcard.Diagnosis) != nil })
	job := Job{Model: model(modelcard.Anatomy, true), Samples: 3, Seed: 77}
	h.state.SetCompared(modelcard.Anatomy, 0, viewstate.Compared{ID: job.Model.ID, Title: "CE", Prediction: predictionOf(t, job, 3, inference.Cancelled)})
	path = filepath.Join(t.TempDir(), "s.bayeslice")
	h.saveSessionTo(path)
	h.until("it is told", func() bool { return strings.Contains(h.run.status.Text, "session is saved") })
	return path, h
}

// counting is an engine that counts what it samples.
func counting(t *testing.T) (f *fakeEngine, runs *int) {
	runs = new(int)
	f = &fakeEngine{}
	f.predict = func(_ context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		*runs++
		return predictionOf(t, job, job.Samples, inference.Completed), Device{Name: "CPU (test)"}, nil
	}
	return f, runs
}

func TestResultsOfASessionAreRestoredExactly(t *testing.T) {
	path, saved := savedWithResults(t)
	f, runs := counting(t)
	next, _ := keeping(t, t.TempDir(), f, true)
	next.OpenSession(path)
	next.until("the results", func() bool { return next.opening == nil && next.state.Prediction(modelcard.Diagnosis) != nil })
	next.quiet()
	if *runs != 0 {
		t.Errorf("%d results were sampled again", *runs)
	}
	for _, task := range runTasks {
		if a, b := saved.state.Prediction(task), next.state.Prediction(task); !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\n%+v\n%+v", task, a, b)
		}
		if a, b := saved.ranBy[task], next.ranBy[task]; a != b {
			t.Errorf("%s ran by %q, was %q", task, b, a)
		}
	}
	if a, b := saved.state.ComparedOf(modelcard.Anatomy, 0), next.state.ComparedOf(modelcard.Anatomy, 0); !reflect.DeepEqual(a, b) {
		t.Errorf("compared:\n%+v\n%+v", a, b)
	}
	if text := next.run.status.Text; text != "Samples: Zones 4, done · Zones 3, stopped · Lesions 4, done" {
		t.Error(text)
	}
	again := filepath.Join(t.TempDir(), "again.bayeslice")
	next.saveSessionTo(again)
	next.quiet()
	a, errA := os.ReadFile(resultfile.Beside(path))
	b, errB := os.ReadFile(resultfile.Beside(again))
	if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
		t.Error("what is saved again differs:", errA, errB)
	}
}

func TestResultsThatDoNotFitAreSampledAgain(t *testing.T) {
	brighter := func(f *fakeEngine) {
		f.open = func(context.Context, string, string) (*exam.Exam, error) {
			e := testExam(f.t)
			s := *e.Chosen(exam.T2W)
			s.Volume = testVolume(f.t, "", func(i int) float32 { return float32(i + 1) })
			e.Roles[exam.T2W] = exam.Choice{Candidate: exam.Candidate{Series: &s}}
			return e, nil
		}
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string, f *fakeEngine)
		want  string
	}{
		"missing":      {func(t *testing.T, path string, _ *fakeEngine) { remove(t, resultfile.Beside(path)) }, ""},
		"other images": {func(_ *testing.T, _ string, f *fakeEngine) { brighter(f) }, "made from other images"},
		"damaged": {func(t *testing.T, path string, _ *fakeEngine) {
			if err := os.WriteFile(resultfile.Beside(path), []byte("PK"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := savedWithResults(t)
			f, runs := counting(t)
			c.spoil(t, path, f)
			next, _ := keeping(t, t.TempDir(), f, true)
			next.OpenSession(path)
			next.until("the results", func() bool {
				return next.running == nil && next.state.Prediction(modelcard.Diagnosis) != nil && next.state.ComparedOf(modelcard.Anatomy, 0).Prediction != nil
			})
			if *runs != 3 {
				t.Errorf("%d results were sampled again, want 3", *runs)
			}
			if text := next.overlayText(); !strings.Contains(text, c.want) || (c.want == "") != (text == "") {
				t.Errorf("told: %q", text)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestTheLastSessionKeepsItsResults(t *testing.T) {
	dir := t.TempDir()
	h, store := keeping(t, dir, &fakeEngine{}, true)
	h.Open(examPlace(t))
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.command(viewstate.RunModel)
	h.until("the end", func() bool { return h.running == nil && h.state.Prediction(modelcard.Diagnosis) != nil })
	h.keepLastSession()
	h.quiet()
	beside := resultfile.Beside(store.LastSession())
	before, err := os.Stat(beside)
	if err != nil || before.Mode().Perm()&0o077 != 0 {
		t.Fatal(before, err)
	}
	h.state.SetOpacity(0.123)
	h.keepLastSession()
	h.quiet()
	if after, err := os.Stat(beside); err != nil || !os.SameFile(before, after) {
		t.Error("results that are there were written again:", err)
	}
	f, runs := counting(t)
	next, _ := keeping(t, dir, f, true)
	next.until("the offer", func() bool { return next.recents.at != "" })
	next.OpenSession(next.recents.at)
	next.until("the results", func() bool { return next.opening == nil && next.state.Prediction(modelcard.Anatomy) != nil })
	next.quiet()
	if *runs != 0 {
		t.Error("they were sampled again")
	}
	next.forgetLastSession()
	next.quiet()
	if _, err := os.Stat(beside); !os.IsNotExist(err) {
		t.Error("the results of a forgotten session are there:", err)
	}
	next.state.SetOpacity(0.2)
	next.kept.prefs.NoRecents = true
	next.keepLastSession()
	next.quiet()
	if _, err := os.Stat(beside); !os.IsNotExist(err) {
		t.Error("results were kept where nothing is to be:", err)
	}
}

// Voxels of a result do not name anybody, and neither does what stands beside them.
func TestKeptResultsHoldNoIdentity(t *testing.T) {
	path, saved := savedWithResults(t)
	data, err := os.ReadFile(resultfile.Beside(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resultfile.Read(t.Context(), resultfile.Beside(path), func(k resultfile.Key) bool {
		if strings.Contains(k.Inputs, saved.state.Exam().Key) {
			t.Error("the key of the exam is in it")
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Doe", saved.origin.path, filepath.Base(saved.origin.path)} {
		if strings.Contains(string(data), name) {
			t.Errorf("%q is in it", name)
		}
	}
}
