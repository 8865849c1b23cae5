// Command benchtable reads the output of `go test -bench` on standard input, and prints one table of the comparisons with
// other programs in it: the lines that testenv.Peer.Report writes. Packages are told on standard error as they end, with
// what failed or was skipped. It exits 1 where a benchmark failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"bayeslice/internal/testenv"
)

func main() {
	failed, err := run(os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// run reads in and writes the table to table and what is told meanwhile to progress.
func run(in io.Reader, table, progress io.Writer) (failed bool, err error) {
	var rows []testenv.PeerRow
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		text, isRow := strings.CutPrefix(line, testenv.PeerPrefix)
		switch {
		case isRow:
			var r testenv.PeerRow
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				return failed, fmt.Errorf("%q: %w", line, err)
			}
			rows = append(rows, r)
			fmt.Fprintln(progress, "  measured:", r.Row)
		case told(line):
			failed = failed || strings.Contains(line, "FAIL") || strings.HasPrefix(line, "panic:")
			fmt.Fprintln(progress, line)
		}
	}
	if err := lines.Err(); err != nil {
		return failed, err
	}
	print(table, rows)
	return failed, nil
}

// told reports whether a line of `go test` is for people.
func told(line string) bool {
	for _, prefix := range []string{"ok ", "FAIL", "--- FAIL", "--- SKIP", "panic:", "# ", "== ", "load average"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return strings.HasPrefix(line, "    ") // what a benchmark logged
}

func print(w io.Writer, rows []testenv.PeerRow) {
	fmt.Fprintln(w, "\n| what | here | peer | | ratio | turns: lowest–highest | |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, r := range rows {
		if r.Missing != "" {
			mine := "" // what needs the peer to be measured at all was not
			if r.Mine > 0 {
				mine = quantity(r.Mine, r.Unit)
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | | | |\n", r.Row, mine, r.Peer, r.Missing)
			continue
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | **%.2f** | %d: %.2f–%.2f | %s |\n", r.Row, quantity(r.Mine, r.Unit), r.Peer,
			quantity(r.Theirs, r.Unit), r.Ratio, r.Turns, r.Low, r.High, r.Note)
	}
	fmt.Fprintln(w, "\nTimes are medians; the ratio is that of neighbouring turns, here over peer: below 1 this program is faster.")
}

func quantity(v float64, unit string) string { return fmt.Sprintf("%.3g %s", v, unit) }
