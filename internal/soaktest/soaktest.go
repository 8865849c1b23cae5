// Package soaktest tells tests what a process holds, and whether it holds more and more. [Now] measures, [Growths] puts a
// straight line through a series of measurements. It knows Linux only, where the kernel says what a process holds.
package soaktest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bayeslice/internal/machine"
)

// What is measured.
const (
	Heap       = "bytes of Go's heap"
	Memory     = "bytes of memory" // resident, libraries and their buffers included
	Mappings   = "mappings"
	Files      = "open files" // sockets and pipes included
	Threads    = "threads"
	Goroutines = "goroutines"
)

// Held is how much a process holds, by what it is.
type Held map[string]float64

// Growth is how much more of something is held at the end of a series than at its beginning, and how much may be.
type Growth struct{ By, Bound float64 }

// Bounds are how much a series may grow by where a caller has no bounds of its own: noise, not a single exam an opening.
func Bounds() Held {
	return Held{Heap: 3 << 20, Memory: 40 << 20, Mappings: 30, Files: 2, Threads: 4, Goroutines: 2}
}

// Now returns what this process holds, after what it could give back was given back. It takes some tens of milliseconds and
// fails where the system does not say.
func Now() (Held, error) {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	all, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, fmt.Errorf("soaktest: %w", err)
	}
	h := Held{Heap: float64(m.HeapAlloc), Memory: float64(machine.InUse()), Mappings: float64(bytes.Count(all, []byte("\n"))), Goroutines: float64(runtime.NumGoroutine())}
	for what, dir := range map[string]string{Files: "/proc/self/fd", Threads: "/proc/self/task"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("soaktest: %w", err)
		}
		h[what] = float64(len(entries))
	}
	return h, nil
}

// Mean returns the mean of measurements of the same things, as of all exams of a round.
func Mean(all []Held) Held {
	mean := Held{}
	for _, h := range all {
		for what, v := range h {
			mean[what] += v / float64(len(all))
		}
	}
	return mean
}

// Growths returns how much more of everything that has a bound is held at the end of a series of at least two measurements
// than at its beginning, by the straight line of least squares through it.
func Growths(series []Held, bounds Held) map[string]Growth {
	out := map[string]Growth{}
	for what, bound := range bounds {
		n, sx, sy, sxx, sxy := float64(len(series)), 0.0, 0.0, 0.0, 0.0
		for i, h := range series {
			x, y := float64(i), h[what]
			sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
		}
		out[what] = Growth{By: (n*sxy - sx*sy) / (n*sxx - sx*sx) * (n - 1), Bound: bound}
	}
	return out
}

// String lists what is held, megabytes for bytes, in the order of the names.
func (h Held) String() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(h)) {
		if unit, ok := strings.CutPrefix(what, "bytes "); ok {
			parts = append(parts, fmt.Sprintf("%.1f MB %s", h[what]/1e6, unit))
		} else {
			parts = append(parts, fmt.Sprintf("%.0f %s", h[what], what))
		}
	}
	return strings.Join(parts, ", ")
}

// Variable is the environment variable that makes tests of long runs long: its value is how many exams are opened.
const Variable = "BAYESLICE_SOAK"

// Long reports whether tests of long runs are to be long.
func Long() bool { return os.Getenv(Variable) != "" }

// Exams returns how many exams a test is to open: those that [Variable] asks for, else short.
func Exams(t testing.TB, short int) int {
	t.Helper()
	if !Long() {
		return short
	}
	n, err := strconv.Atoi(os.Getenv(Variable))
	if err != nil || n < short {
		t.Fatalf("%s is %q, not a number of at least %d exams", Variable, os.Getenv(Variable), short)
	}
	return n
}
