// Command testsummary turns `go test -json` into a page that can be read: one line a package, the
// output of what failed, the reason of every skip, and the totals. It exits 1 where a test failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

type summary struct {
	out                     io.Writer
	passed, failed, skipped int
	broken                  []string // packages that failed
	logs                    map[[2]string]*strings.Builder
}

func (s *summary) add(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		if s.logs[key] == nil {
			s.logs[key] = &strings.Builder{}
		}
		s.logs[key].WriteString(e.Output)
		return
	case "pass", "skip", "fail":
	default:
		return
	}
	log := ""
	if b := s.logs[key]; b != nil {
		log = b.String()
	}
	delete(s.logs, key)
	if e.Test == "" {
		s.finishPackage(e, log)
		return
	}
	switch e.Action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		fmt.Fprintf(s.out, "SKIP %s %s: %s\n", e.Package, e.Test, reason(log))
	case "fail":
		s.failed++
		fmt.Fprintf(s.out, "FAIL %s %s\n%s", e.Package, e.Test, log)
	}
}

func (s *summary) finishPackage(e event, log string) {
	if e.Action == "fail" {
		s.broken = append(s.broken, e.Package)
		fmt.Fprintf(s.out, "FAIL %s\n%s", e.Package, log)
		return
	}
	if e.Action == "pass" {
		fmt.Fprintf(s.out, "ok   %s %.1fs\n", e.Package, e.Elapsed)
	}
}

// reason is the line of a skipped test that says why.
func reason(log string) string {
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			return line
		}
	}
	return "no reason given"
}

func main() {
	s := &summary{out: os.Stdout, logs: map[[2]string]*strings.Builder{}}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			fmt.Fprintln(s.out, in.Text()) // not from the test runner: show it
			continue
		}
		s.add(e)
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(1)
	}
	for key, log := range s.logs { // build failures carry no package result
		if key[0] == "" {
			fmt.Fprint(s.out, log.String())
		}
	}
	if len(s.broken) > 0 {
		fmt.Fprintln(s.out, "packages that failed:", strings.Join(s.broken, " "))
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	if s.failed > 0 || len(s.broken) > 0 || s.passed == 0 {
		os.Exit(1)
	}
}
