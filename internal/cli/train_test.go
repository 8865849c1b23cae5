package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"bayeslice/inference"
	"bayeslice/internal/onnx/graph"
	"bayeslice/training/trainer"
)

// trainCommands are what scripts about training can do besides.
var trainCommands = map[string]func(*testscript.TestScript, bool, []string){
	"kill9": killNow, "sameweights": sameWeights, "fallen": lossHasFallen, "truncate-newest": truncateNewest, "replace": replaceText,
	"nnunet": nnuNet, "poison": poison, "emptymask": emptyMask,
}

// withTraining adds them to the others.
func withTraining(commands map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	maps.Copy(commands, trainCommands)
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
