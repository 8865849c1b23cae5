package testenv

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Peer is a comparison with what a user might take instead: a row of the table that `make bench` prints.
type Peer struct {
	Row     string    // what is done
	Peer    string    // who does it as well, with its version
	Missing string    // where the peer is not installed: how to install it
	Unit    string    // of the figures, such as "s"
	Mine    []float64 // turn by turn
	Theirs  []float64 // in the same turns
	Note    string    // what must be known beside the figures, such as the largest difference of the results
}

// PeerPrefix begins the lines that [Peer.Report] prints; the rest is a [PeerRow] in JSON.
const PeerPrefix = "peer: "

// PeerRow is what [Peer.Report] prints.
type PeerRow struct {
	Row, Peer, Missing, Unit, Note string
	Turns                          int
	Mine, Theirs                   float64 // medians
	Ratio, Low, High               float64 // mine over theirs in one turn: median, lowest and highest
}

// Report prints the comparison for scripts/benchtable, which makes the table of it.
func (p Peer) Report(tb testing.TB) {
	tb.Helper()
	r := PeerRow{Row: p.Row, Peer: p.Peer, Missing: p.Missing, Unit: p.Unit, Note: p.Note, Turns: len(p.Mine), Mine: middle(p.Mine)}
	if p.Missing == "" {
		var ratios []float64
		for i, t := range p.Theirs {
			ratios = append(ratios, p.Mine[i]/t)
		}
		r.Theirs, r.Ratio, r.Low, r.High = middle(p.Theirs), middle(ratios), slices.Min(ratios), slices.Max(ratios)
	}
	line, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := fmt.Fprintf(os.Stdout, "\n%s%s\n", PeerPrefix, line); err != nil {
		tb.Fatal(err)
	}
}

// middle is the median, the upper one of an even number, and 0 of none.
func middle(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// Python starts a peer script with the first python3 that has what it imports, and returns the line that it prints
// first, its version, and a function that writes it a line, the request, and returns the line that it answers. ask is
// nil where no python3 can run it.
func Python(b *testing.B, script string, args ...string) (version string, ask func(request string) (string, error)) {
	b.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		cmd := exec.Command(python, append([]string{script}, args...)...)
		to, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		from, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if cmd.Start() != nil {
			continue
		}
		lines := bufio.NewScanner(from)
		if !lines.Scan() { // it stopped without saying a version
			_ = cmd.Wait()
			continue
		}
		version = lines.Text()
		b.Cleanup(func() {
			_ = to.Close()
			_ = cmd.Wait()
		})
		return version, func(request string) (string, error) {
			if _, err := io.WriteString(to, request+"\n"); err != nil {
				return "", err
			}
			if !lines.Scan() {
				return "", fmt.Errorf("the peer %s ended: %w", script, io.ErrUnexpectedEOF)
			}
			return lines.Text(), nil
		}
	}
	return "", nil
}

// AskNumbers asks a peer that [Python] started for a line of numbers.
func AskNumbers(b *testing.B, ask func(string) (string, error), request string) []float64 {
	b.Helper()
	line, err := ask(request)
	if err != nil {
		b.Fatal(err)
	}
	var out []float64
	for _, field := range strings.Fields(line) {
		var v float64
		if _, err := fmt.Sscan(field, &v); err != nil {
			b.Fatalf("the peer answered %q: %v", line, err)
		}
		out = append(out, v)
	}
	return out
}

// Installed returns the path of a program, "" where it is not installed.
func Installed(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// Quiet runs a program without input and shows what it wrote only where it fails.
func Quiet(b *testing.B, name string, args ...string) {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = os.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
}
