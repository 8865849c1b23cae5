package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"

	"bayeslice/internal/machine"
	"bayeslice/internal/phantom"
	"bayeslice/internal/testenv"
)

// held is what a process holds, after what it could give back was given back.
type held struct {
	heap, resident                     float64 // bytes
	maps, handles, threads, goroutines float64
}

func holds(t *testing.T) held {
	t.Helper()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	count := func(dir string) float64 {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return float64(len(entries))
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, b := range maps {
		if b == '\n' {
			lines++
		}
	}
	return held{float64(m.HeapAlloc), float64(machine.InUse()), float64(lines), count("/proc/self/fd"), count("/proc/self/task"), float64(runtime.NumGoroutine())}
}

// growths are how much of everything more is held at the end of the second half of a series than at its beginning, by the
// straight line through that half, and what is allowed.
func growths(all []held) map[string][2]float64 {
	second := all[len(all)/2:]
	line := func(of func(held) float64) float64 {
		n, sx, sy, sxx, sxy := float64(len(second)), 0.0, 0.0, 0.0, 0.0
		for i, h := range second {
			x, y := float64(i), of(h)
			sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
		}
		return (n*sxy - sx*sy) / (n*sxx - sx*sx) * (n - 1)
	}
	return map[string][2]float64{
		"bytes of Go's heap": {line(func(h held) float64 { return h.heap }), 3 << 20},
		"bytes of memory":    {line(func(h held) float64 { return h.resident }), 40 << 20},
		"mappings":           {line(func(h held) float64 { return h.maps }), 30},
		"open files":         {line(func(h held) float64 { return h.handles }), 2},
		"threads":            {line(func(h held) float64 { return h.threads }), 4},
		"goroutines":         {line(func(h held) float64 { return h.goroutines }), 2},
	}
}

// soakVariable is the environment variable with the number of exams of a long run.
const soakVariable = "BAYESLICE_SOAK"

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
	if os.Getenv(soakVariable) == "" {
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
	n := 40
	if asked := os.Getenv(soakVariable); asked != "" {
		var err error
		if n, err = strconv.Atoi(asked); err != nil {
			t.Fatal(err)
		}
	}
	good, _ := goodModel(t)
	model, out := filepath.Join(t.TempDir(), "tiny.onnx"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(model, good, 0o600); err != nil {
		t.Fatal(err)
	}
	exams := soakExams(t)
	var series []held
	for i := range n {
		e := exams[i%len(exams)]
		code, _, errs := execute(context.Background(), Options{}, "infer", e.path, "--model", model, "--samples", "2", "--device", "cpu", "-o", out)
		if (code == ExitOK) != e.good {
			t.Fatalf("%s: code %d, %s", filepath.Base(e.path), code, errs)
		}
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
		series = append(series, holds(t))
	}
	for what, g := range growths(series) {
		t.Logf("%s: %+.0f over the second half of %d exams", what, g[0], n)
		if g[0] > g[1] {
			t.Errorf("%s grew by %.0f, where %.0f is the bound", what, g[0], g[1])
		}
	}
	last := series[len(series)-1]
	t.Logf("at the end %.1f MB of heap, %.0f MB of memory, %.0f mappings, %.0f open files, %.0f threads, %.0f goroutines",
		last.heap/1e6, last.resident/1e6, last.maps, last.handles, last.threads, last.goroutines)
}

// The same measure finds a leak of each kind.
func TestLeaksAreFound(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what a process holds")
	}
	var kept [][]byte
	var files []*os.File
	stop := make(chan struct{})
	var series []held
	for range 40 {
		block := make([]byte, 3<<20)
		for i := range block {
			block[i] = 1
		}
		kept = append(kept, block)
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		go func() { <-stop }()
		series = append(series, holds(t))
	}
	for what, g := range growths(series) {
		if leaks := what != "threads" && what != "mappings"; leaks != (g[0] > g[1]) {
			t.Errorf("%s grew by %.0f with a leak; the bound is %.0f", what, g[0], g[1])
		}
	}
	runtime.KeepAlive(kept)
	close(stop)
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
