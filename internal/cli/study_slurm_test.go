//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"bayeslice/internal/cluster"
	"bayeslice/internal/cluster/slurmtest"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/study"
	"bayeslice/internal/testenv"
)

// smallStudy has two elements of some seconds each.
const smallStudy = `name = "two folds"
tasks = ["anatomy"]
losses = ["CE"]
runs = 1
folds = 2
[cohort]
exams = 4
readers = 2
[training]
preset = "tiny"
steps = 30
checkpoint_every = 5
validation_samples = 1
[evaluation]
samples = 3
bootstrap_rounds = 20
permutation_rounds = 20
`

// program runs this program as users do, in a process of its own, and returns what it prints.
func program(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("bayeslice", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("bayeslice %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// results reads the results of every element, and the report's, without the time at which they were written.
func results(t *testing.T, folder string) map[string]any {
	t.Helper()
	st, err := study.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(folder, "report", "results.json")}
	for _, e := range st.Elements() {
		paths = append(paths, filepath.Join(folder, "evaluations", e.Name(), evaluate.ResultFile))
	}
	out := map[string]any{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			t.Fatal(err)
		}
		out[rel] = timeless(v)
	}
	return out
}

// timeless removes what tells when something was done, or how long it took.
func timeless(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if lower := strings.ToLower(name); strings.HasPrefix(lower, "time") || strings.HasSuffix(lower, "seconds") {
				delete(v, name)
			} else {
				v[name] = timeless(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = timeless(v[i])
		}
	}
	return v
}

// TestStudyOnSlurm trains a study of real networks on a real Slurm, kills one element's process and then the node, and finds
// the numbers of a study that was left alone on this machine.
func TestStudyOnSlurm(t *testing.T) {
	if reason := ortReason(); reason != "" {
		testenv.SkipOrFail(t, "ort", reason)
	}
	c := slurmtest.Start(t)
	dir := t.TempDir()
	file, folder, alone := filepath.Join(dir, "study.toml"), filepath.Join(dir, "it's on Slurm %j"), filepath.Join(dir, "alone")
	if err := os.WriteFile(file, []byte(smallStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := exec.LookPath("bayeslice")
	if err != nil {
		t.Fatal(err)
	}
	program(t, "study", "plan", file, "-o", folder)
	said := program(t, "study", "slurm", folder, "--submit", "--program", self, "--partition", "main", "--time", "1h", "--memory", "256M")
	all, err := cluster.Submissions(filepath.Join(folder, clusterFolder))
	if err != nil || len(all) != 1 || !strings.Contains(said, fmt.Sprintf("elements as job %s, the report, which waits for them, as job %s", all[0].Array, all[0].Report)) {
		t.Fatalf("remembered are %+v, %v; it said\n%s", all, err, said)
	}
	sub := all[0]
	stopped := map[int]bool{} // each as soon as it trains: neither may end before what is to be done to it
	c.Await("both elements to train", func() bool {
		for i := range 2 {
			if !stopped[i] && stepsOf(t, folder, i) > 6 {
				c.SignalElement(i, syscall.SIGSTOP)
				stopped[i] = true
			}
		}
		return len(stopped) == 2
	})
	if now := program(t, "study", "status", folder); !strings.Contains(now, "as job "+sub.Array+", report as job "+sub.Report+": 2 running, report pending") {
		t.Errorf("the status is\n%s", now)
	}
	c.SignalElement(0, syscall.SIGKILL)
	c.Await("element 0 to be queued again", func() bool { q, err := sub.Queue(context.Background()); return err == nil && q.States["PENDING"] == 1 })
	c.KillNode()
	for i := range 2 {
		if n := stepsOf(t, folder, i); n >= 30 {
			t.Errorf("element %d had made all %d steps before it was killed", i, n)
		}
	}
	program(t, "study", "run", file, "-o", alone, "--workers", "2") // while Slurm misses the node
	c.StartNode()
	c.Await("the queue to be empty", func() bool { q, err := sub.Queue(context.Background()); return err == nil && q.Empty() })
	if now := program(t, "study", "status", folder); !strings.Contains(now, "2 of 2 elements done") || !strings.Contains(now, "not in the queue any more") {
		logs, _ := exec.Command("tail", "-n", "40", filepath.Join(folder, clusterFolder, "logs", "element-0.log"), filepath.Join(folder, clusterFolder, "logs", "element-1.log")).CombinedOutput() // for people
		t.Fatalf("the status is\n%s\n%s", now, logs)
	}
	if got, want := results(t, folder), results(t, alone); !reflect.DeepEqual(got, want) {
		t.Errorf("on Slurm the results are\n%v\nalone they are\n%v", got, want)
	}
	if said := program(t, "study", "slurm", folder, "--submit"); !strings.Contains(said, "every element is done") {
		t.Errorf("submitted when all is done: %s", said)
	}
}

// stepsOf says how many steps an element has logged.
func stepsOf(t *testing.T, folder string, index int) int {
	t.Helper()
	st, err := study.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	now, err := st.Status(context.Background())
	if err != nil {
		return 0 // its folder is being made
	}
	return now.Elements[index].Step
}
