package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"bayeslice/internal/phantom"
	"bayeslice/internal/soaktest"
	"bayeslice/internal/testenv"
)

// soakExam is an exam to be opened and sampled, and whether that must succeed.
type soakExam struct {
	path string
	good bool
}

// soakExams makes phantoms of several sizes, and exams that are broken in several ways; in a long run the real ones that this
// machine has stand beside them.
func soakExams(t *testing.T) []soakExam {
	t.Helper()
	dir := t.TempDir()
	var out []soakExam
	for seed := range uint64(4) {
		cfg := fewVoxels(seed + 1)
		cfg.T2W.Columns, cfg.T2W.Rows = 96+32*int(seed), 128
		made, err := phantom.Generate(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprint("phantom", seed))
		if err := made.WriteDICOM(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		out = append(out, soakExam{path, true})
	}
	if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut")
	if err := os.CopyFS(cut, os.DirFS(out[0].path)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(cut, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Truncate(path, 700)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"short.nii": "short", "bomb.zip": "PK\x03\x04 and no more", "notes.dcm": "notes"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, soakExam{filepath.Join(dir, name), false})
	}
	out = append(out, soakExam{filepath.Join(dir, "empty"), false}, soakExam{cut, false})
	if !soaktest.Long() {
		return out
	}
	for _, elem := range [][]string{{"jiang-cw_PI-CAI_10000"}, {"autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001"}} { // the second has no T2W
		if path, ok := testenv.Find(elem...); ok {
			out = append(out, soakExam{path, elem[0] != "autoradiomics"})
		}
	}
	return out
}

// Many exams, opened and sampled in one process as `bayeslice infer` does it, leave nothing behind: memory, mappings, open
// files, threads and goroutines do not grow over the second half. BAYESLICE_SOAK=500 says how many exams, else there are 40.
func TestManyExamsLeaveNothingBehind(t *testing.T) {
	if reason := ortReason(); reason != "" {
		t.Skip(reason)
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what a process holds")
	}
	n := soaktest.Exams(t, 40)
	good, _ := goodModel(t)
	model, out := filepath.Join(t.TempDir(), "tiny.onnx"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(model, good, 0o600); err != nil {
		t.Fatal(err)
	}
	exams := soakExams(t)
	var series []soaktest.Held
	for i := range n {
		e := exams[i%len(exams)]
		code, _, errs := execute(context.Background(), Options{}, "infer", e.path, "--model", model, "--samples", "2", "--device", "cpu", "-o", out)
		if (code == ExitOK) != e.good {
			t.Fatalf("%s: code %d, %s", filepath.Base(e.path), code, errs)
		}
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
		h, err := soaktest.Now()
		if err != nil {
			t.Fatal(err)
		}
		series = append(series, h)
	}
	for what, g := range soaktest.Growths(series[len(series)/2:], soaktest.Bounds()) {
		t.Logf("%s: %+.0f over the second half of %d exams", what, g.By, n)
		if g.By > g.Bound {
			t.Errorf("%s grew by %.0f, where %.0f is the bound", what, g.By, g.Bound)
		}
	}
	t.Logf("at the end %v", series[len(series)-1])
}
