package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/soaktest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// soon is how long after the moment it was stopped a command may still run that takes so long undisturbed, on a machine that may
// have much else to do: the operator or the file in work is finished.
func soon(undisturbed time.Duration) time.Duration { return max(10*time.Second, undisturbed/2) }

// stoppable is a command that is stopped at random moments.
type stoppable struct {
	name  string
	args  func(out string) []string // writing to out
	whole []string                  // files in out that an undisturbed run makes the same each time; nil for commands that write nothing
	redo  func(out string) []string // goes on after a stop; nil: runs again into an empty out
	begun string                    // the file in out that says that it can go on
	slow  bool                      // is stopped half as often
}

// files reads the files of a folder that must be equal.
func (s stoppable) files(t *testing.T, out string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range s.whole {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = data
	}
	return all
}

// compare holds the files of out equal to those of an undisturbed run.
func (s stoppable) compare(t *testing.T, out string, want map[string][]byte) {
	t.Helper()
	for name, data := range s.files(t, out) {
		if !bytes.Equal(data, want[name]) {
			t.Errorf("%s: %s differs from that of an undisturbed run", s.name, name)
		}
	}
}

// unfinished lists the files under dir whose names are those of files that are not whole.
func unfinished(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() && (strings.Contains(d.Name(), ".tmp") || strings.HasPrefix(d.Name(), ".") && !strings.HasSuffix(d.Name(), ".lock")) {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// settled waits until no more than most goroutines are left, as long as a graph may take to open that was stopped meanwhile.
func settled(most int, patience time.Duration) int {
	n := runtime.NumGoroutine()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if n <= most {
			break
		}
		time.Sleep(10 * time.Millisecond)
		n = runtime.NumGoroutine()
	}
	return n
}

// stoppables are commands of all parts: reading, preparing, loading a model, sampling, reports, training, lists, the network.
func stoppables(t *testing.T) []stoppable {
	t.Helper()
	onnx, exam := goodModel(t)
	dir := t.TempDir()
	model := filepath.Join(dir, "tiny.onnx")
	must(t, os.WriteFile(model, onnx, 0o600))
	exams := filepath.Join(dir, "exams")
	must(t, os.CopyFS(filepath.Join(exams, "one"), os.DirFS(exam)))
	must(t, os.CopyFS(filepath.Join(exams, "two"), os.DirFS(exam)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(30 * time.Millisecond):
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/dicom+json")
		_, _ = w.Write([]byte(`{"00081199":{"vr":"SQ","Value":[{}]}}`))
	}))
	t.Cleanup(server.Close)
	cpu := []string{"--device", "cpu", "--threads", "1"}
	cache := filepath.Join(dir, "cache")
	plan := filepath.Join(dir, "study.toml")
	must(t, os.WriteFile(plan, []byte(stoppedStudy), 0o600))
	studied := func(out string) []string {
		return append([]string{"study", "run", plan, "-o", out, "--workers", "1"}, cpu...)
	}
	return []stoppable{
		{name: "opening", args: func(string) []string { return []string{"exam", "show", exam} }},
		{name: "sampling and reports", whole: []string{"zones.nii.gz", "entropy.nii.gz"}, args: func(out string) []string {
			return append([]string{"infer", exam, "--model", model, "--samples", "6", "--report", "--format", "dicom-seg,rtstruct", "-o", out}, cpu...)
		}},
		{name: "a work list", args: func(out string) []string {
			return append([]string{"worklist", "rank", exams, "--model", model, "--samples", "4"}, cpu...)
		}},
		{name: "training", whole: []string{"checkpoint-0000006.bin"}, args: func(out string) []string {
			return append([]string{"train", "--task", "anatomy", "--preset", "tiny", "--data", "phantoms", "--anatomies", "2", "--held", "1", "--steps", "6",
				"--checkpoint-every", "2", "--evaluation-samples", "2", "--cache", cache, "-o", out}, cpu...)
		}, begun: "run.json", redo: func(out string) []string { return append([]string{"train", "resume", out}, cpu...) }},
		{name: "a study", slow: true, whole: []string{"report/table.csv", "evaluations/anatomy-ce-run1-fold1/exams.csv", "evaluations/anatomy-ce-run1-fold2/exams.csv"}, args: studied, begun: "study.toml", redo: studied},
		{name: "sending", args: func(string) []string {
			list := []string{"dicomweb", "send", "--insecure", "--identity", "--url", server.URL}
			return append(list, exam)
		}},
	}
}

// Eleven times, or fifty-five in a long run, a command is stopped at a random moment: it returns soon, says that it was stopped, leaves no
// goroutine, no temporary and no half file, and when it goes on or runs again afterwards, it writes what an undisturbed run writes.
func TestStopsAtRandomMoments(t *testing.T) {
	if reason := ortReason(); reason != "" {
		t.Skip(reason)
	}
	all := stoppables(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	rng := rand.New(rand.NewPCG(50, 6))
	stops := 2 // of each command
	if soaktest.Long() {
		stops = 10
	}
	tally := &stopTally{rng: rng, temp: temp}
	total := 0
	for _, s := range all {
		n := stops
		if s.slow {
			n = (stops + 1) / 2
		}
		total += n
		tally.stop(t, s, n)
	}
	t.Logf("%d of %d stopped; the slowest to end took %v", tally.stopped, total, tally.slowest.Round(time.Millisecond))
	if tally.stopped < total/4 {
		t.Errorf("only %d were stopped in their work", tally.stopped)
	}
}

// stopTally counts what came of stops at random moments.
type stopTally struct {
	rng     *rand.Rand
	temp    string // folder of temporary files
	stopped int
	slowest time.Duration
}

// stop runs a command undisturbed, stops it n times, and runs it to its end.
func (y *stopTally) stop(t *testing.T, s stoppable, n int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	began := time.Now()
	if code, _, errs := execute(context.Background(), Options{}, s.args(out)...); code != ExitOK {
		t.Fatalf("%s undisturbed: code %d, %s", s.name, code, errs)
	}
	length, want := time.Since(began), s.files(t, out)
	calm := settled(0, 2*time.Second)
	ended := false
	for range n {
		out = filepath.Join(t.TempDir(), "out")
		at := time.Duration(y.rng.Float64() * float64(length))
		ended = y.stopOnce(t, s, out, at, length, want) || ended
		if n := settled(calm, 30*time.Second); n > calm {
			buf := make([]byte, 1<<16)
			t.Errorf("%s: stopped after %v, %d goroutines where %d were:\n%s", s.name, at, n, calm, buf[:runtime.Stack(buf, true)])
		}
	}
	if ended {
		return
	}
	out = filepath.Join(t.TempDir(), "out")
	if code, _, errs := execute(context.Background(), Options{}, s.args(out)...); code != ExitOK {
		t.Fatalf("%s afterwards: code %d, %s", s.name, code, errs)
	}
	s.compare(t, out, want)
}

// stopOnce stops a command at a moment, and lets it go on where it can; ended says that it then came to its end.
func (y *stopTally) stopOnce(t *testing.T, s stoppable, out string, at, length time.Duration, want map[string][]byte) (ended bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	when := make(chan time.Time, 1)
	timer := time.AfterFunc(at, func() { when <- time.Now(); cancel() })
	code, _, errs := execute(ctx, Options{Abort: ctx.Done()}, s.args(out)...) // what was sampled is not written either
	if !timer.Stop() {
		took := time.Since(<-when)
		y.slowest = max(y.slowest, took)
		if took > soon(length) {
			t.Errorf("%s: stopped after %v, it ran %v more", s.name, at, took)
		}
	}
	cancel()
	if code == ExitInterrupted {
		y.stopped++
	} else if code != ExitOK {
		t.Errorf("%s: stopped after %v: code %d, %s", s.name, at, code, errs)
	}
	if _, err := os.Stat(filepath.Join(out, s.begun)); err == nil && s.redo != nil && code == ExitInterrupted {
		if code, _, errs := execute(context.Background(), Options{}, s.redo(out)...); code != ExitOK {
			t.Errorf("%s: going on after %v: code %d, %s", s.name, at, code, errs)
		} else {
			s.compare(t, out, want)
			ended = true
		}
	}
	for _, dir := range []string{out, y.temp} {
		if left := unfinished(t, dir); len(left) > 0 {
			t.Errorf("%s: stopped after %v, left %v", s.name, at, left)
		}
	}
	return ended
}

// stoppedStudy is a study of two elements that take seconds.
const stoppedStudy = `name = "stops"
tasks = ["anatomy"]
losses = ["CE"]
runs = 1
folds = 2
[cohort]
exams = 2
[training]
preset = "tiny"
steps = 2
checkpoint_every = 1
[evaluation]
samples = 2
bootstrap_rounds = 10
permutation_rounds = 10
`
