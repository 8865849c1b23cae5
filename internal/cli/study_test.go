package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"bayeslice/internal/ort"
	"bayeslice/internal/soaktest"
)

// killAt is when [killStudy] kills: as soon as a file of the study is there, at a moment of its making that only a kill
// without notice meets.
var killAt = []struct{ when, glob string }{
	{"while exams are prepared", "data/*.example"},
	{"before the first run has settings", "trainings/*"},
	{"before the first step", "trainings/*/run.json"},
	{"while a checkpoint is written", "trainings/*/.checkpoint-*"},
	{"after a checkpoint", "trainings/*/checkpoint-*"},
	{"while a model is written", "trainings/*/.model.onnx*"},
	{"at the beginning of an evaluation", "trainings/*/model.onnx"},
	{"while results are written", "evaluations/*/.report.html*"},
	{"between the files of a result", "evaluations/*/exams.csv"},
	{"between the results and the record", "evaluations/*/results.json"},
	{"in the second element", "elements/*.json"},
}

// killStudy FILE FOLDER SEED starts a study again and again and kills it, first at the moments of [killAt], then at random
// ones, and at last lets it end.
func killStudy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: killstudy FILE FOLDER SEED")
	}
	dir := ts.MkAbs(args[1])
	var seed uint64
	_, err := fmt.Sscan(args[2], &seed)
	ts.Check(err)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, at := range killAt {
		ended := runAndKill(ts, args[0], args[1], func() bool {
			found, _ := filepath.Glob(filepath.Join(dir, at.glob))
			return len(found) > 0
		}, time.Minute)
		ts.Logf("killed %s: %v", at.when, !ended)
	}
	random := 1
	if soaktest.Long() {
		random = 6
	}
	for range random {
		runAndKill(ts, args[0], args[1], func() bool { return false }, time.Duration(rng.IntN(3000))*time.Millisecond)
	}
	ts.Check(ts.Exec("bayeslice", "study", "run", args[0], "-o", args[1], "--workers", "1"))
}

// studyRun is the command that runs a study, in the environment of the script.
func studyRun(ts *testscript.TestScript, file, dir string) *exec.Cmd {
	program, err := exec.LookPath("bayeslice")
	if err != nil {
		program = filepath.Join(strings.Split(ts.Getenv("PATH"), string(filepath.ListSeparator))[0], "bayeslice")
	}
	c := exec.Command(program, "study", "run", ts.MkAbs(file), "-o", ts.MkAbs(dir), "--workers", "1")
	for _, name := range []string{"PATH", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", ort.EnvLibrary} {
		if v := ts.Getenv(name); v != "" {
			c.Env = append(c.Env, name+"="+v)
		}
	}
	return c
}

// together FILE FOLDER N runs a study in N processes at once. One that ends while another is at work says so and fails.
func together(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: together FILE FOLDER N")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	all, outputs := make([]*exec.Cmd, n), make([]bytes.Buffer, n)
	for i := range all {
		all[i] = studyRun(ts, args[0], args[1])
		all[i].Stdout, all[i].Stderr = &outputs[i], &outputs[i]
		ts.Check(all[i].Start())
	}
	for i, c := range all {
		if err := c.Wait(); err != nil && !strings.Contains(outputs[i].String(), "under way in another process") {
			ts.Fatalf("process %d: %v\n%s", i, err, outputs[i].String())
		}
	}
}

// runAndKill runs a study until it ends, something is so, or a time is over, and then kills it. ended says that it ended by itself.
func runAndKill(ts *testscript.TestScript, file, dir string, now func() bool, most time.Duration) (ended bool) {
	c := studyRun(ts, file, dir)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	ts.Check(c.Start())
	over := make(chan error, 1)
	go func() { over <- c.Wait() }()
	deadline := time.Now().Add(most)
	for {
		select {
		case err := <-over:
			if err != nil {
				ts.Fatalf("the study failed: %v\n%s", err, out.String())
			}
			return true
		case <-time.After(time.Millisecond):
		}
		if now() || time.Now().After(deadline) {
			if err := c.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
				continue // it ended by itself just now
			} else if err != nil {
				ts.Fatalf("%v", err)
			}
			<-over
			return false
		}
	}
}

// sameStudy FOLDER FOLDER compares the numbers of two studies: weights, figures of every exam, and the report, times apart.
func sameStudy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samestudy FOLDER FOLDER")
	}
	a, b := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	compared := 0
	for _, glob := range []string{"trainings/*/model.onnx", "evaluations/*/results.json", "evaluations/*/exams.csv", "report/table.csv", "report/results.json", "report/pooled/*.json"} {
		files, err := filepath.Glob(filepath.Join(a, filepath.FromSlash(glob)))
		ts.Check(err)
		if len(files) == 0 {
			ts.Fatalf("%s has no %s", args[0], glob)
		}
		for _, file := range files {
			name, err := filepath.Rel(a, file)
			ts.Check(err)
			if !slices.Equal(numbers(ts, file), numbers(ts, filepath.Join(b, name))) {
				ts.Fatalf("%s differs", name)
			}
			compared++
		}
	}
	ts.Logf("%d files are equal", compared)
}

// numbers is what of a file must repeat: of a model its weights, of JSON all but times, of others every byte.
func numbers(ts *testscript.TestScript, path string) []byte {
	if filepath.Ext(path) == ".onnx" {
		return []byte(weightDigest(ts, path))
	}
	text, err := os.ReadFile(path)
	ts.Check(err)
	if filepath.Ext(path) != ".json" {
		return text
	}
	var v map[string]any
	ts.Check(json.Unmarshal(text, &v))
	delete(v, "time")
	text, err = json.Marshal(v)
	ts.Check(err)
	return text
}
