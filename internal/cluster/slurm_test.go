//go:build unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bayeslice/internal/cluster/slurmtest"
)

// steps of the stand-in for an element.
const steps = 15

// fakeStudy is a study whose elements are the scripts in testdata.
func fakeStudy(t *testing.T, elements int) Slurm {
	t.Helper()
	folder := filepath.Join(t.TempDir(), hostile)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	script := func(name string) string {
		path, err := filepath.Abs(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := Slurm{Folder: filepath.Join(folder, "cluster"), Job: Job{
		Name: "Fälle & Läsionen", Element: []string{script("element.sh"), folder, fmt.Sprint(steps), "--index"},
		Report: []string{script("report.sh"), folder, fmt.Sprint(elements)}, CPUs: 1, Memory: 32, Grace: 5 * time.Second,
	}}
	for i := range elements {
		s.Indices = append(s.Indices, i)
	}
	return s
}

// submit writes and submits.
func submit(t *testing.T, s Slurm) Submission {
	t.Helper()
	scripts, err := s.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(s.Folder, scripts); err != nil {
		t.Fatal(err)
	}
	sub, err := s.Submit(context.Background(), time.Date(2021, 12, 6, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// done says how many steps an element has made.
func done(s Slurm, index int) int {
	text, _ := os.ReadFile(filepath.Join(filepath.Dir(s.Folder), fmt.Sprint(index)+".steps")) // none at the beginning
	return strings.Count(string(text), "\n")
}

// log is what an element's jobs wrote.
func log(t *testing.T, s Slurm, index int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Folder, logFolder, fmt.Sprintf("element-%d.log", index)))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// field returns a field of an element's job, "" where it has not left the others that wait yet.
func field(c *slurmtest.Cluster, sub Submission, index int, name string) string {
	for _, j := range c.Jobs(sub.Array) {
		if j["ArrayTaskId"] == strconv.Itoa(index) {
			return j[name]
		}
	}
	return ""
}

// wholeReport is what the report of the stand-ins holds after an uninterrupted run.
func wholeReport(elements int) string {
	var b strings.Builder
	for i := range elements {
		for step := range steps {
			fmt.Fprintf(&b, "element %d step %d\n", i, step)
		}
	}
	return b.String()
}

// TestSlurm submits arrays to a real Slurm, takes away processes, time and the node, and finds the same results as without.
func TestSlurm(t *testing.T) {
	c := slurmtest.Start(t)
	t.Run("interrupted", func(t *testing.T) { interrupted(t, c) })
	t.Run("failed", func(t *testing.T) { failed(t, c) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, c) })
	t.Run("by hand", func(t *testing.T) { byHand(t, c) })
	t.Run("refused", func(t *testing.T) { refused(t) })
}

func interrupted(t *testing.T, c *slurmtest.Cluster) {
	s := fakeStudy(t, 4)
	s.AtOnce, s.Time, s.Partition = 3, time.Hour, "main"
	s.Environment = map[string]string{"GREETING": hostile}
	s.Setup = []string{`printf %s "$GREETING" >greeting`}
	hold := filepath.Join(filepath.Dir(s.Folder), "hold")
	if err := os.WriteFile(hold, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	sub := submit(t, s)
	c.Await("three elements to run", func() bool { return done(s, 0) > 2 && done(s, 1) > 2 && done(s, 2) > 2 })
	if q, err := sub.Queue(context.Background()); err != nil || q.String() != "3 running, 1 pending (JobArrayTaskLimit), report pending" {
		t.Errorf("the queue is %q, %v", q, err)
	}
	if _, err := s.Submit(context.Background(), time.Time{}); !errors.Is(err, ErrQueued) || !strings.Contains(err.Error(), "scancel "+sub.Array+" "+sub.Report) {
		t.Errorf("submitting again: %v", err)
	}
	c.SignalElement(0, syscall.SIGKILL)
	c.Run("scancel", "--signal=USR1", "--batch", sub.Array+"_1") // what comes before the time limit
	c.Await("both to be queued again", func() bool {
		return field(c, sub, 0, "Restarts") == "1" && field(c, sub, 1, "Restarts") == "1"
	})
	c.KillNode()
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	c.Await("Slurm to miss the node", func() bool { return strings.HasPrefix(c.Run("sinfo", "--noheader", "--format=%T"), "down") })
	c.StartNode()
	c.Await("the queue to be empty", func() bool { q, err := sub.Queue(context.Background()); return err == nil && q.Empty() })

	for _, i := range s.Indices {
		if state := field(c, sub, i, "JobState"); state != "COMPLETED" {
			t.Errorf("element %d is %s; its log:\n%s", i, state, log(t, s, i))
		}
	}
	if n, err := strconv.Atoi(field(c, sub, 2, "Restarts")); err != nil || n < 1 {
		t.Errorf("element 2 was on the node and was started again %d times (%v)", n, err)
	}
	got, err := os.ReadFile(filepath.Join(filepath.Dir(s.Folder), "report"))
	if err != nil || string(got) != wholeReport(4) {
		t.Errorf("the report is %q, %v; without interruptions it is %q", got, err, wholeReport(4))
	}
	if greeting, err := os.ReadFile(filepath.Join(s.Folder, "greeting")); err != nil || string(greeting) != hostile {
		t.Errorf("the environment gave %q, %v", greeting, err)
	}
	for i, want := range []string{"ended with 137", "ended with 130 after USR1"} {
		if text := log(t, s, i); !strings.Contains(text, want) || !strings.Contains(text, "asks to be queued again") || !strings.Contains(text, "ended with 0") {
			t.Errorf("the log of element %d lacks %q:\n%s", i, want, text)
		}
	}
	all, err := Submissions(s.Folder)
	if err != nil || len(all) != 1 || all[0].Array != sub.Array || all[0].Report != sub.Report || !all[0].Time.Equal(sub.Time) || !slices.Equal(all[0].Elements, s.Indices) {
		t.Errorf("remembered are %+v, %v", all, err)
	}
}

// failed: what an element says no to stays so, and the report is not waited for; submitted again, only what is missing runs.
func failed(t *testing.T, c *slurmtest.Cluster) {
	s := fakeStudy(t, 3)
	broken := filepath.Join(filepath.Dir(s.Folder), "1.broken")
	if err := os.WriteFile(broken, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	sub := submit(t, s)
	over := func() bool { q, err := sub.Queue(context.Background()); return err == nil && q.Empty() }
	c.Await("the queue to be empty", over)
	if state, again := field(c, sub, 1, "JobState"), field(c, sub, 1, "Restarts"); state != "FAILED" || again != "0" || !strings.Contains(log(t, s, 1), "no data for element 1") {
		t.Errorf("element 1 is %s, started again %s times; its log:\n%s", state, again, log(t, s, 1))
	}
	if report := c.Jobs(sub.Report); len(report) != 1 || report[0]["JobState"] != "CANCELLED" {
		t.Errorf("the report that cannot come is %v", report)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	s.Indices = []int{1}
	sub = submit(t, s)
	c.Await("the queue to be empty", over)
	if got, err := os.ReadFile(filepath.Join(filepath.Dir(s.Folder), "report")); err != nil || string(got) != wholeReport(3) {
		t.Errorf("the report is %q, %v", got, err)
	}
	if n := strings.Count(log(t, s, 0), "ended with"); n != 1 {
		t.Errorf("element 0 was done and was run %d times", n)
	}
}

// cancelled: a job that its user stops stays stopped.
func cancelled(t *testing.T, c *slurmtest.Cluster) {
	s := fakeStudy(t, 1)
	sub := submit(t, s)
	c.Await("the element to run", func() bool { return done(s, 0) > 1 })
	c.Run("scancel", sub.Array)
	c.Await("the queue to be empty", func() bool { q, err := sub.Queue(context.Background()); return err == nil && q.Empty() })
	if state, again := field(c, sub, 0, "JobState"), field(c, sub, 0, "Restarts"); state != "CANCELLED" || again != "0" {
		t.Errorf("the element is %s, started again %s times; its log:\n%s", state, again, log(t, s, 0))
	}
	if text := log(t, s, 0); !strings.Contains(text, "ended with 130 after TERM") || strings.Contains(text, "restart 1") {
		t.Errorf("the log is\n%s", text)
	}
}

// byHand runs submit.sh.
func byHand(t *testing.T, c *slurmtest.Cluster) {
	s := fakeStudy(t, 2)
	scripts, err := s.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(s.Folder, scripts); err != nil {
		t.Fatal(err)
	}
	said := c.Run(filepath.Join(s.Folder, SubmitScript))
	var sub Submission
	if _, err := fmt.Sscanf(said, "elements: job %s\nreport: job %s", &sub.Array, &sub.Report); err != nil {
		t.Fatalf("it said %q: %v", said, err)
	}
	c.Await("the queue to be empty", func() bool { q, err := sub.Queue(context.Background()); return err == nil && q.Empty() })
	if got, err := os.ReadFile(filepath.Join(filepath.Dir(s.Folder), "report")); err != nil || string(got) != wholeReport(2) {
		t.Errorf("the report is %q, %v", got, err)
	}
}

// refused: what Slurm says reaches the user.
func refused(t *testing.T) {
	s := fakeStudy(t, 1)
	s.Partition = "nosuch"
	scripts, err := s.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(s.Folder, scripts); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Submit(context.Background(), time.Time{}); !errors.Is(err, ErrSlurm) || !strings.Contains(err.Error(), "invalid partition specified: nosuch") {
		t.Errorf("an unknown partition: %v", err)
	}
	if all, err := Submissions(s.Folder); err != nil || len(all) != 0 {
		t.Errorf("remembered are %v, %v", all, err)
	}
	if q, err := (Submission{Array: "999999"}).Queue(context.Background()); err != nil || !q.Empty() {
		t.Errorf("a job that Slurm does not know: %v, %v", q, err)
	}
}
