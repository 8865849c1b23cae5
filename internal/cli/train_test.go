package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"bayeslice/inference"
	"bayeslice/internal/onnx/graph"
	"bayeslice/training/trainer"
)

// trainCommands are what scripts about training can do besides.
var trainCommands = map[string]func(*testscript.TestScript, bool, []string){
	"kill9": killNow, "sameweights": sameWeights, "fallen": lossHasFallen, "truncate-newest": truncateNewest, "replace": replaceText,
	"nnunet": nnuNet, "poison": poison, "emptymask": emptyMask, "killstudy": killStudy, "samestudy": sameStudy, "together": together,
}

// withTraining adds them to the others.
func withTraining(commands map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	maps.Copy(commands, trainCommands)
	maps.Copy(commands, privacyCommands)
	return commands
}

// killNow kills the background commands, which cannot notice.
func killNow(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Kill())
	}
}

// sameWeights FILE FILE compares the SHA-256 of the weights of two model files.
func sameWeights(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sameweights FILE FILE")
	}
	a, b := weightDigest(ts, args[0]), weightDigest(ts, args[1])
	ts.Logf("weights %s and %s", a, b)
	if (a == b) == neg {
		ts.Fatalf("weights of %s: %s, of %s: %s", args[0], a, args[1], b)
	}
}

// weightDigest is the SHA-256 of all weights of a model, in the order of their names.
func weightDigest(ts *testscript.TestScript, path string) string {
	g, _, err := inference.ReadGraph(ts.MkAbs(path))
	ts.Check(err)
	params := slices.Clone(g.Params())
	slices.SortFunc(params, func(x, y *graph.Node) int { return strings.Compare(x.Name(), y.Name()) })
	digest, count := sha256.New(), 0
	for _, p := range params {
		if p.Data() == nil {
			ts.Fatalf("%s: %s has no elements", path, p.Name())
		}
		count += len(p.Data().F32)
		ts.Check(binary.Write(digest, binary.LittleEndian, p.Data().F32))
	}
	if count == 0 {
		ts.Fatalf("%s has no weights", path)
	}
	return hex.EncodeToString(digest.Sum(nil))
}

// lossHasFallen RUN SHARE asks that the mean loss of the last tenth of the steps be at most the share of
// that of the first tenth.
func lossHasFallen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fallen RUN SHARE")
	}
	share, err := strconv.ParseFloat(args[1], 64)
	ts.Check(err)
	events, err := trainer.ReadLog(ts.MkAbs(args[0]))
	ts.Check(err)
	steps := trainer.Curve(events, trainer.Stepped)
	tenth := len(steps) / 10
	if tenth == 0 {
		ts.Fatalf("%d steps are too few", len(steps))
	}
	mean := func(list []trainer.Event) (sum float64) {
		for _, e := range list {
			sum += e.Loss / float64(len(list))
		}
		return sum
	}
	first, last := mean(steps[:tenth]), mean(steps[len(steps)-tenth:])
	ts.Logf("loss %.4g, then %.4g", first, last)
	if !(last <= share*first) {
		ts.Fatalf("the loss fell from %.4g to %.4g only", first, last)
	}
}

// truncateNewest RUN PERCENT cuts the newest checkpoint of a run short.
func truncateNewest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate-newest RUN PERCENT")
	}
	paths, err := trainer.Checkpoints(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(paths) < 2 {
		ts.Fatalf("%s has the checkpoints %v, two are needed", args[0], paths)
	}
	truncate(ts, false, []string{paths[0], args[1]})
}

// replaceText FILE OLD NEW replaces a text in a file.
func replaceText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(data, []byte(args[1])) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, bytes.ReplaceAll(data, []byte(args[1]), []byte(args[2])), 0o600))
}

// told feeds events to a watch and returns what it printed.
func told(plain bool, steps int, events ...trainer.Event) (out, errs string) {
	var a, b bytes.Buffer
	w := newWatch(&session{Options: Options{Out: &a, Err: &b}}, trainer.Config{Steps: steps}, plain)
	w.plain = plain
	for _, e := range events {
		w.event(e)
	}
	w.close()
	return a.String(), b.String()
}

// A run that took 60 s for its first step and 2 s for each since has 96 steps of 2 s left after the fourth of 100.
func TestTheExpectedTimeLeavesOutTheFirstStep(t *testing.T) {
	events := []trainer.Event{{Kind: trainer.Started, Text: "CPU (test)"}}
	for i, s := range []float64{60, 2, 2, 2, 2} {
		events = append(events, trainer.Event{Kind: trainer.Stepped, Step: i + 1, Loss: 0.5, Segmentation: 0.25, Divergence: 25, Seconds: s})
	}
	out, _ := told(true, 100, events...)
	if strings.Count(out, "pace ") != 1 || !strings.Contains(out, "pace        2 s a step: about 3 min for the 96 steps left") {
		t.Errorf("told:\n%s", out)
	}
	for _, want := range []string{"started     on CPU (test)\n", "step 1 of 100: loss 0.5 (segmentation 0.25, divergence 25)\n", "step 4 of 100: loss 0.5 (segmentation 0.25, divergence 25), 2 s a step, 3 min left\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Contains(out, "step 3 of 100") {
		t.Errorf("more lines than one in two steps:\n%s", out)
	}
}

// A log that was edited may hold a validation without figures.
func TestAValidationWithoutFiguresIsTold(t *testing.T) {
	if out, _ := told(true, 100, trainer.Event{Kind: trainer.Validated, Step: 7}); !strings.Contains(out, "validation  step 7: no figures\n") {
		t.Errorf("told:\n%s", out)
	}
}

func TestTheLiveLineIsWrittenOver(t *testing.T) {
	auroc := 0.75
	out, errs := told(false, 20, trainer.Event{Kind: trainer.Started, Step: 10, Text: "CPU (test)"},
		trainer.Event{Kind: trainer.Stepped, Step: 11, Loss: 1.5, Segmentation: 1, Divergence: 50, Seconds: 1},
		trainer.Event{Kind: trainer.Stepped, Step: 12, Loss: 1, Segmentation: 1, Seconds: 1},
		trainer.Event{Kind: trainer.Validated, Step: 12, Validation: &trainer.Validation{NLL: 0.25, Dice: map[string]float64{"csPCa": 0.5}, AUROC: &auroc}},
		trainer.Event{Kind: trainer.Skipped, Step: 12, Text: "training: exam cannot be used: case 7: its label is empty on the model's grid"})
	for _, want := range []string{"resumed     after step 10 of 20, on CPU (test)\n", "validation  step 12: Dice csPCa 0.500, AUROC 0.750, NLL 0.25\n", "left out    exam cannot be used: case 7: its label"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Contains(out, "step 11") || !strings.Contains(errs, "\rstep 11/20  loss 1.5000 = 1.0000 + β·50") || !strings.Contains(errs, "\rstep 12/20") || !strings.HasSuffix(errs, " \r") {
		t.Errorf("the live line: %q", errs)
	}
}

func TestDurationsAreSaidAsPeopleDo(t *testing.T) {
	for want, d := range map[string]time.Duration{"8 s": 8400 * time.Millisecond, "5 min": 5 * time.Minute, "3 h 05 min": 3*time.Hour + 5*time.Minute + 30*time.Second, "2.5 days": 60 * time.Hour} {
		if got := durationText(d); got != want {
			t.Errorf("durationText(%v) = %q, want %q", d, got, want)
		}
	}
}

// A disk that fills when a run is stopped must be told, even though the user stopped it.
func TestAStopThatCouldNotBeKeptIsTold(t *testing.T) {
	full := errors.New("no space left on device")
	if !onlyCancelled(errors.Join(context.Canceled, fmt.Errorf("reading: %w", context.Canceled))) {
		t.Error("a plain stop is told as a failure")
	}
	if onlyCancelled(errors.Join(errors.Join(context.Canceled, full), nil)) || onlyCancelled(fmt.Errorf("checkpoint: %w", full)) {
		t.Error("a checkpoint that was not written is not told")
	}
}

// What a model file keeps of the command has no folder of this machine.
func TestTheCommandOfARunHasNoPaths(t *testing.T) {
	var got string
	c := &cobra.Command{Use: "train", Run: func(cmd *cobra.Command, _ []string) { got = commandLine(cmd) }}
	c.Flags().String("data", "", "")
	c.Flags().String("cache", "", "")
	c.Flags().Int("steps", 3, "")
	c.SetArgs([]string{"--data", filepath.Join("home", "DOE JOHN", "exams of mine"), "--cache", "x"})
	if err := c.Execute(); err != nil {
		t.Fatal(err)
	}
	if want := `train --data="exams of mine"`; got != want {
		t.Errorf("the command is %q, want %q", got, want)
	}
}
