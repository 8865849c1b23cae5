package exam

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/testenv"
)

// Bounds for every file and folder of the test data, none of which has more than 20 MB: bytes on the heap at any moment, and
// how long opening may take on a busy machine.
const (
	mostHeap = 1 << 30
	mostTime = 20 * time.Second
)

var (
	oneSentence = regexp.MustCompile(`^exam: [^\n]+$`)
	// goSpeak is what no user should have to read.
	goSpeak = regexp.MustCompile(`EOF|out of range|%!|nil pointer|runtime error|invalid argument|<nil>|strconv|panic|unexpected|flate:|gzip:|bzip2|zlib:|\szip:|0x[0-9a-f]{5}|goroutine|map\[`)
	// remedy is what every refusal must say: what to do next.
	remedy = regexp.MustCompile(`\b(open|copy|convert|export|save|decompress|unpack|choose|split|crop|resample|put|ask|check|--study)\b`)
)

// outcome is the class of what happened to one path.
func outcome(err error) string {
	for name, kind := range map[string]error{
		"unreadable": ErrUnreadable, "unsupported": ErrUnsupported, "no images": ErrNoImages, "single slice": ErrSingleSlice,
		"several exams": ErrSeveralExams, "too large": ErrTooLarge,
	} {
		if errors.Is(err, kind) {
			return name
		}
	}
	return map[bool]string{true: "opened", false: "of no class"}[err == nil]
}

// openWatched opens path and returns the most bytes that were on the heap meanwhile, and how long it took.
func openWatched(path string) (e *Exam, heap uint64, took time.Duration, err error) {
	runtime.GC()
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		s, top := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}, uint64(0)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(s)
			top = max(top, s[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-stop:
				most <- top
				return
			}
		}
	}()
	began := time.Now()
	e, err = Open(context.Background(), path, Options{})
	took = time.Since(began)
	close(stop)
	return e, <-most, took, err
}

// Every file and every folder of the test data opens, or is refused in one sentence that says what happened and what to do, in
// bounded time and memory. The summary of outcomes is logged.
func TestEveryFileOpensOrSaysWhy(t *testing.T) {
	root := testenv.Data(t)
	all := os.Getenv("BAYESLICE_EVERY_FILE") != "" // else of many files or folders of one kind in a folder, the first and the last
	table := map[string]map[string]int{}
	var slowest time.Duration
	var hungriest uint64
	var slow, hungry string
	said, spent := map[string]string{}, map[string]time.Duration{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		if !all && filepath.Dir(path) != root && oneOfMany(t, path) {
			return map[bool]error{true: fs.SkipDir}[d.IsDir()]
		}
		top := filepath.ToSlash(path[len(root)+1:])
		top = regexp.MustCompile(`/.*`).ReplaceAllString(top, "")
		e, heap, took, err := openWatched(path)
		spent[top] += took
		if took > slowest {
			slowest, slow = took, path
		}
		if heap > hungriest {
			hungriest, hungry = heap, path
		}
		if took > mostTime || heap > mostHeap {
			t.Errorf("%s: %v with %d MB on the heap", path, took, heap>>20)
		}
		class := outcome(err)
		if table[top] == nil {
			table[top] = map[string]int{}
		}
		table[top][class]++
		switch {
		case err == nil && (e == nil || len(e.Series) == 0):
			t.Errorf("%s: opened without a series", path)
		case err == nil:
		case class == "of no class", !oneSentence.MatchString(err.Error()), goSpeak.MatchString(err.Error()), !remedy.MatchString(err.Error()):
			t.Errorf("%s: %s: %q", path, class, err)
		}
		if err != nil {
			pattern := regexp.MustCompile(`\d+`).ReplaceAllString(strings.ReplaceAll(err.Error(), filepath.Base(path), "…"), "N")
			said[pattern] = err.Error()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range slices.Sorted(maps.Keys(said)) {
		t.Log(said[pattern])
	}
	for _, top := range slices.Sorted(maps.Keys(table)) {
		t.Log(fmt.Sprintf("%-28s %6.2f s", top, spent[top].Seconds()), table[top])
	}
	t.Logf("slowest %v (%s); most on the heap %d MB (%s)", slowest.Round(time.Millisecond), slow, hungriest>>20, hungry)
}

// oneOfMany reports whether a file or folder is one of many of the same ending in its folder, neither the first nor the last.
func oneOfMany(t *testing.T, path string) bool {
	t.Helper()
	alike, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+filepath.Ext(path)))
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(alike, path)
	return len(alike) > 5 && at > 0 && at < len(alike)-1 && !strings.Contains("pydicom_test_files panimg", filepath.Base(filepath.Dir(path)))
}
