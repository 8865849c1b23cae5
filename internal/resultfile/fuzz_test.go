package resultfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"bayeslice/internal/fuzztest"
)

// edited returns a file of results whose index was changed as a script asks.
func edited(t testing.TB, good, script []byte) []byte {
	t.Helper()
	z := must[*zip.Reader](t)(zip.NewReader(bytes.NewReader(good), int64(len(good))))
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		data := must[[]byte](t)(io.ReadAll(must[io.ReadCloser](t)(f.Open())))
		if f.Name == indexName {
			data = fuzztest.Edit(data, script)
		}
		must[int](t)(must[io.Writer](t)(w.Create(f.Name)).Write(data))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rewritten returns the file that predictions are written as.
func rewritten(t *testing.T, path string, all []Kept) []byte {
	t.Helper()
	if err := Write(t.Context(), path, all); err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	return must[[]byte](t)(os.ReadFile(path))
}

// taken is how many bytes were ever allocated.
func taken() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// FuzzRead reads whatever bytes come as a file of results, or a good one whose index was changed: what is read can be written and
// comes back as it is, the rest is refused with a sentence, and neither takes much memory.
func FuzzRead(f *testing.F) {
	path, _ := two(f)
	good := must[[]byte](f)(os.ReadFile(path))
	f.Add([]byte{}, []byte{})
	f.Add([]byte{0, 3, 30, 0, 9, 14}, []byte{})
	f.Add([]byte{}, good)
	f.Add([]byte{}, []byte("PK"))
	f.Fuzz(func(t *testing.T, script, raw []byte) {
		if len(raw) == 0 {
			raw = edited(t, good, script)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "r")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		before := taken()
		all, err := Read(t.Context(), path, every)
		if used := taken() - before; used > 64<<20+2000*uint64(len(raw)) {
			t.Fatalf("%d bytes for a file of %d", used, len(raw))
		}
		if err != nil && (!errors.Is(err, ErrResults) || strings.ContainsAny(err.Error(), "\x00\x1b") || len(err.Error()) > 8000) {
			t.Fatalf("%.2000q", err)
		}
		if len(all) == 0 {
			return
		}
		again := rewritten(t, filepath.Join(dir, "again"), all)
		back, err := Read(t.Context(), filepath.Join(dir, "again"), every)
		if err != nil || !bytes.Equal(rewritten(t, filepath.Join(dir, "once more"), back), again) {
			t.Fatalf("what was read does not come back: %v", err)
		}
	})
}
