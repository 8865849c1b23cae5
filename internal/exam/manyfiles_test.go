package exam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"bayeslice/internal/soaktest"
)

// crowd puts an exam of six slices into a folder, with n files around it: copies of its slices (links), cut ones, and notes, a
// thousand in a folder.
func crowd(t *testing.T, n int) string {
	t.Helper()
	root := t.TempDir()
	files := map[string][]byte{}
	t2Slices(files, "exam", "1.2.3", 4, 6, nil)
	write := func(path string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var slices []string
	for name, data := range files {
		path := filepath.Join(root, name)
		write(path, data)
		write(path+".cut", data[:len(data)*2/3])
		slices = append(slices, path)
	}
	write(filepath.Join(root, "exam", "notes"), []byte("a note"))
	for i := range n - 2*len(slices) - 1 {
		from := filepath.Join(root, "exam", "notes")
		if i%3 > 0 {
			from = slices[i%len(slices)]
		}
		if i%3 == 2 {
			from += ".cut"
		}
		dir := filepath.Join(root, fmt.Sprintf("more%03d", i/1000))
		if i%1000 == 0 {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Link(from, filepath.Join(dir, fmt.Sprintf("f%06d", i))); err != nil {
			t.Skip("no links here: " + err.Error())
		}
	}
	return root
}

// TestVeryManyFilesAroundAnExam opens an exam among 3,000 files, or in a long run among as many as are searched: it opens with its
// six slices, tells how far it is, takes memory by the file and no more, and can be stopped at any stage within a moment.
func TestVeryManyFilesAroundAnExam(t *testing.T) {
	n := 3000
	if soaktest.Long() {
		n = maxFiles
	}
	root := crowd(t, n)
	stages, last := map[string]int{}, Progress{}
	runtime.GC()
	var most uint64
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	began := time.Now()
	e, err := Open(t.Context(), root, Options{Progress: func(p Progress) {
		if p.Stage == last.Stage && p.Done < last.Done {
			t.Errorf("progress goes back from %+v to %+v", last, p)
		}
		last = p
		if stages[p.Stage]++; p.Done%100 == 0 {
			metrics.Read(s)
			most = max(most, s[0].Value.Uint64())
		}
	}})
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files: %v, at most %d MB on the heap, told %v", n, took.Round(time.Millisecond), most>>20, stages)
	if len(e.Series) != 1 || e.Series[0].Volume == nil || e.Series[0].Volume.Grid().Size[2] != 6 {
		t.Errorf("%d series, %+v", len(e.Series), e.Series[0])
	}
	if bound := 64<<20 + uint64(n)*8<<10; most > bound {
		t.Errorf("%d MB on the heap, where %d are the bound", most>>20, bound>>20)
	}
	if bound := 20*time.Second + time.Duration(n)*2*time.Millisecond; took > bound {
		t.Errorf("it took %v, where %v are the bound", took, bound)
	}
	if stages["looking for files"] < n/1000 || stages["reading headers"] < n/2 {
		t.Errorf("progress was told %v times", stages)
	}
	for stage, at := range map[string]int{"looking for files": 500, "reading headers": n / 5} {
		stopAt(t, root, stage, at)
	}
}

// stopAt stops an opening when it has done so many files of a stage.
func stopAt(t *testing.T, root, stage string, at int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var when time.Time
	_, err := Open(ctx, root, Options{Progress: func(p Progress) {
		if p.Stage == stage && p.Done >= at && when.IsZero() {
			when = time.Now()
			cancel()
		}
	}})
	took := time.Since(when)
	t.Logf("stopped at %d of %s: it ended %v later", at, stage, took.Round(time.Millisecond))
	if !errors.Is(err, context.Canceled) || when.IsZero() || took > 2*time.Second {
		t.Errorf("stopped at %d of %s: %v, %v later", at, stage, err, took)
	}
}
