//go:build unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestQuote has bash read words back that break whatever does not quote, alone and between others.
func TestQuote(t *testing.T) {
	words := []string{"", "plain", hostile, "-n", "a b", "it's", `"`, `\`, "$(touch x)", "`touch x`", "a\nb", "\r\n", "ü€😀", "\x01\x7f\xff", "~", "*", "!x", "{a,b}", "#x", "--"}
	script := "printf '%s\\0'"
	for _, w := range words {
		script += " " + quote(w)
	}
	if strings.Contains(script, "\r") {
		t.Error("a carriage return stands in the script, which sbatch refuses")
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(words, "\x00") + "\x00"; string(out) != want {
		t.Errorf("bash read %q, not %q", out, want)
	}
	if made, err := os.ReadDir(cmd.Dir); err != nil || len(made) > 0 {
		t.Errorf("something was executed: %v, %v", made, err)
	}
}

// runScript runs the script of an array's element without Slurm, with a stand-in for scontrol, and returns its exit
// code and what it asked of Slurm.
func runScript(t *testing.T, s Slurm, command []string, env ...string) (code int, asked string) {
	t.Helper()
	s.Element = command
	scripts, err := s.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(s.Folder, scripts); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	told := filepath.Join(bin, "asked")
	if err := os.WriteFile(filepath.Join(bin, "scontrol"), []byte("#!/bin/sh\necho \"$@\" >>"+quote(told)+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", filepath.Join(s.Folder, ElementsScript))
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_JOB_ID=40", "SLURM_JOB_ID=47")
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, _ := os.ReadFile(told) // none where it asked for nothing
	return cmd.ProcessState.ExitCode(), strings.TrimSpace(string(text))
}

// TestScriptEndings sees which ends of an element are final, and which are asked to be tried again.
func TestScriptEndings(t *testing.T) {
	const again = "requeue Incomplete 47"
	for _, c := range []struct {
		name, does string
		env        []string
		code       int
		asked      string
	}{
		{name: "done", does: `[ "$1" = 7 ]`, code: 0},
		{name: "refused", does: "exit 1", code: 1},
		{name: "wrong command line", does: "exit 2", code: 2},
		{name: "killed", does: "kill -9 $$", code: 137, asked: again},
		{name: "stopped from outside", does: "exit 130", code: 130, asked: again},
		{name: "busy", does: "exit 75", code: 75, asked: again},
		{name: "time limit", does: `trap "exit 130" TERM; kill -USR1 $PPID; for i in $(seq 100); do sleep 0.1; done`, code: 130, asked: again},
		{name: "done at the time limit", does: `trap "exit 0" TERM; kill -USR1 $PPID; for i in $(seq 100); do sleep 0.1; done`, code: 0},
		{name: "node goes down", does: `trap "exit 130" TERM; kill -TERM $PPID $$; sleep 1; exit 3`, code: 130, asked: again},
		{name: "too many starts", does: "kill -9 $$", env: []string{"SLURM_RESTART_COUNT=100"}, code: 137},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := fakeStudy(t, 1)
			code, asked := runScript(t, s, []string{"bash", "-c", c.does, "element"}, c.env...)
			if code != c.code || asked != c.asked {
				t.Errorf("it ended with %d and asked %q, want %d and %q; the log:\n%s", code, asked, c.code, c.asked, log(t, s, 7))
			}
		})
	}
}

// TestScriptKeepsCode: a signal that reaches script and element at once, as when Slurm stops a job, loses no exit code. (With
// bash's wait alone, about one in twenty was lost.)
func TestScriptKeepsCode(t *testing.T) {
	for i := range 10 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			code, asked := runScript(t, fakeStudy(t, 1), []string{"bash", "-c", fmt.Sprintf(`trap "exit 130" TERM; (sleep 0.%d; kill -TERM $PPID $$) & sleep 9 & wait`, i)})
			if code != 130 || asked == "" {
				t.Errorf("it ended with %d and asked %q", code, asked)
			}
		})
	}
}

// TestScriptGivesUp: an element that is killed whenever it is started does not come back forever.
func TestScriptGivesUp(t *testing.T) {
	t.Parallel()
	s, asked := fakeStudy(t, 1), 0
	for range maxKills + 2 {
		if _, what := runScript(t, s, []string{"bash", "-c", "kill -9 $$"}); what != "" {
			asked++
		}
	}
	if asked != maxKills {
		t.Errorf("it was asked for %d times, want %d", asked, maxKills)
	}
}

// TestScriptWords sees the element get its words, its environment and its folder as they are.
func TestScriptWords(t *testing.T) {
	t.Parallel()
	s := fakeStudy(t, 1)
	s.Environment = map[string]string{"GREETING": hostile}
	code, _ := runScript(t, s, []string{"bash", "-c", `printf '%s|' "$PWD" "$GREETING" "$@" >words`, "element", hostile, "--index"})
	got, err := os.ReadFile(filepath.Join(s.Folder, "words"))
	if want := strings.Join([]string{s.Folder, hostile, hostile, "--index", "7"}, "|") + "|"; code != 0 || err != nil || string(got) != want {
		t.Errorf("it got %q (%v, %d), want %q", got, err, code, want)
	}
}

// TestDirectives compares the options of both scripts with those written down by hand.
func TestDirectives(t *testing.T) {
	s := fakeStudy(t, 1)
	s.Indices, s.AtOnce, s.CPUs, s.Memory, s.GPUs, s.GPUType = []int{3, 7, 8, 9, 12}, 4, 8, 16384, 2, "a100"
	s.Time, s.Grace, s.Partition, s.Account, s.QOS, s.Options = 26*time.Hour+90*time.Second, 2*time.Minute, "gpu,long", "lab_1", "high", []string{"--constraint=avx2&ib"}
	scripts, err := s.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		ElementsScript: "--job-name=bayeslice-falle-lasionen --nodes=1 --ntasks=1 --output=/dev/null --array=3,7-9,12%4 --cpus-per-task=8 --requeue --signal=B:USR1@120 --gres=gpu:a100:2 " +
			"--mem=16384M --time=1-02:01:30 --partition=gpu,long --account=lab_1 --qos=high --constraint=avx2&ib",
		ReportScript: "--job-name=bayeslice-falle-lasionen-report --nodes=1 --ntasks=1 --output=/dev/null --cpus-per-task=1 --requeue " +
			"--mem=16384M --time=1-02:01:30 --partition=gpu,long --account=lab_1 --qos=high --constraint=avx2&ib",
	} {
		var got []string
		for line := range strings.Lines(string(scripts[name])) {
			if rest, ok := strings.CutPrefix(line, "#SBATCH "); ok {
				got = append(got, strings.TrimSpace(rest))
			} else if !strings.HasPrefix(line, "#") {
				break // sbatch reads no further
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has\n%s, want\n%s", name, strings.Join(got, " "), want)
		}
	}
}

// TestRefusals sees what cannot be refused with words that name it.
func TestRefusals(t *testing.T) {
	for want, change := range map[string]func(s *Slurm){
		"no element is left":          func(s *Slurm) { s.Indices = nil },
		"not ascending":               func(s *Slurm) { s.Indices = []int{2, 1} },
		"not ascending numbers from":  func(s *Slurm) { s.Indices = []int{-1} },
		"named twice":                 func(s *Slurm) { s.Indices = []int{1, 1} },
		"-1 elements at once":         func(s *Slurm) { s.AtOnce = -1 },
		"0 CPUs":                      func(s *Slurm) { s.CPUs = 0 },
		"-1 MiB":                      func(s *Slurm) { s.Memory = -1 },
		"-1 GPUs":                     func(s *Slurm) { s.GPUs = -1 },
		"0s to stop in":               func(s *Slurm) { s.Grace = 0 },
		"command of the element":      func(s *Slurm) { s.Element = nil },
		"command of the report":       func(s *Slurm) { s.Report = []string{"a\x00"} },
		"variable \"A B\"":            func(s *Slurm) { s.Environment = map[string]string{"A B": ""} },
		"variable \"1A\"":             func(s *Slurm) { s.Environment = map[string]string{"1A": ""} },
		"variable A holds":            func(s *Slurm) { s.Environment = map[string]string{"A": "\x00"} },
		"not absolute":                func(s *Slurm) { s.Folder = "cluster" },
		"time limit of 1m0s":          func(s *Slurm) { s.Time = time.Minute },
		"partition \"a b\"":           func(s *Slurm) { s.Partition = "a b" },
		"account \"a\\n#SBATCH":       func(s *Slurm) { s.Account = "a\n#SBATCH --hold" },
		"QOS \"ü\"":                   func(s *Slurm) { s.QOS = "ü" },
		"option \"hold\"":             func(s *Slurm) { s.Options = []string{"hold"} },
		"option \"--comment=\\\"x":    func(s *Slurm) { s.Options = []string{`--comment="x y"`} },
		"more than one line of shell": func(s *Slurm) { s.Setup = []string{"a\nb"} },
	} {
		s := fakeStudy(t, 1)
		change(&s)
		if scripts, err := s.Scripts(); !errors.Is(err, ErrJob) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, and %d scripts", want, err, len(scripts))
		}
	}
}

func TestLabel(t *testing.T) {
	for name, want := range map[string]string{
		"paper": "bayeslice-paper", "": "bayeslice", "---": "bayeslice", "Straße 7": "bayeslice-stra-e-7", "研究": "bayeslice", "Bayeslice study": "bayeslice-study",
		"a\n#SBATCH --hold": "bayeslice-a-sbatch-hold", strings.Repeat("x", 300): "bayeslice-" + strings.Repeat("x", 40),
	} {
		if got := (Job{Name: name}).Label(); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func TestSpans(t *testing.T) {
	for want, numbers := range map[string][]int{"": nil, "3": {3}, "0-1": {0, 1}, "3,7-9": {3, 7, 8, 9}, "0,2,4-6,9": {0, 2, 4, 5, 6, 9}} {
		if got := Spans(numbers); got != want {
			t.Errorf("%v became %q, want %q", numbers, got, want)
		}
	}
}

// sayings makes commands that print and end as told stand for Slurm's.
func sayings(t *testing.T, commands map[string]string) {
	t.Helper()
	bin := t.TempDir()
	for name, body := range commands {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
}

// TestSubmitWords: what goes wrong on the way to Slurm is told with what it said, and what it took is remembered.
func TestSubmitWords(t *testing.T) {
	for _, c := range []struct {
		name       string
		commands   map[string]string
		is         error
		says       string
		remembered int
	}{
		{"absent", nil, ErrNoSlurm, "there is no sbatch", 0},
		{"refuses", map[string]string{"sbatch": "echo 'sbatch: error: no such account' >&2; exit 1"}, ErrSlurm, "no such account", 0},
		{"says nothing", map[string]string{"sbatch": "exit 3"}, ErrSlurm, "exit status 3", 0},
		{"talks", map[string]string{"sbatch": "echo welcome"}, ErrSlurm, `"welcome"`, 0},
		{"report refused", map[string]string{"sbatch": "case \"$2\" in --dep*) echo 'no more jobs' >&2; exit 1;; esac; echo 12"}, ErrSlurm, "submitted as job 12, but not the report", 1},
		{"several clusters", map[string]string{"sbatch": "echo 12\\;north"}, nil, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fakeStudy(t, 1)
			if err := Write(s.Folder, map[string][]byte{ElementsScript: nil}); err != nil {
				t.Fatal(err)
			}
			sayings(t, c.commands)
			sub, err := s.Submit(context.Background(), time.Time{})
			if !errors.Is(err, c.is) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("it said %v", err)
			}
			all, err := Submissions(s.Folder)
			if err != nil || len(all) != c.remembered || len(all) > 0 && all[0].Array != sub.Array {
				t.Errorf("remembered are %v, %v", all, err)
			}
			if c.name == "several clusters" && (sub.Array != "12" || sub.Cluster != "north") {
				t.Errorf("the submission is %+v", sub)
			}
		})
	}
}

// TestQueueWords reads what squeue prints.
func TestQueueWords(t *testing.T) {
	for out, want := range map[string]string{
		"": "not in the queue any more",
		"12|RUNNING|None\n12|PENDING|Resources\n12|PENDING|Resources\n12|COMPLETING|None\n13|PENDING|Dependency\n": "1 completing, 1 running, 2 pending (Resources), report pending",
		"CLUSTER: north\n12|RUNNING|None\n": "1 running",
		"13|RUNNING|None\n":                 "report running",
	} {
		if q := parseQueue(out, Submission{Array: "12", Report: "13"}); q.String() != want || q.Empty() != (out == "") {
			t.Errorf("%q is told as %q, empty %t", out, q, q.Empty())
		}
	}
	sayings(t, map[string]string{"squeue": "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"})
	if _, err := (Submission{Array: "12"}).Queue(context.Background()); !errors.Is(err, ErrSlurm) || !strings.Contains(err.Error(), "Unable to contact") {
		t.Errorf("no controller: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (Submission{Array: "12"}).Queue(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestDamagedHistory: what cannot be read is refused and stays.
func TestDamagedHistory(t *testing.T) {
	s := fakeStudy(t, 1)
	if err := Write(s.Folder, map[string][]byte{historyFile: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	if _, err := Submissions(s.Folder); err == nil || !strings.Contains(err.Error(), "not valid JSON") {
		t.Errorf("reading: %v", err)
	}
	if _, err := s.Submit(context.Background(), time.Time{}); err == nil || !strings.Contains(err.Error(), "not valid JSON") {
		t.Errorf("submitting: %v", err)
	}
}

// TestScriptsAreFunctions: equal descriptions give equal scripts, whatever the order of a map.
func TestScriptsAreFunctions(t *testing.T) {
	s := fakeStudy(t, 2)
	s.Environment = map[string]string{}
	for i := range 20 {
		s.Environment[fmt.Sprintf("V%d", i)] = "x"
	}
	a, err := s.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	s.Environment = maps.Clone(s.Environment)
	b, err := s.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	for name := range a {
		if string(a[name]) != string(b[name]) {
			t.Errorf("%s differs", name)
		}
	}
}
