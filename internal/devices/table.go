package devices

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/machine"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
)

// tableVersion is the version of the measurements: another way of measuring, or of lowering, is another version.
const tableVersion = 1

// maxTable bounds the file of a table, bytes: a table has a few lines for each device.
const maxTable = 1 << 20

// Table is what was measured for one graph on one machine.
type Table struct {
	Version  int           `json:"version"`
	Graph    string        `json:"graph"`   // digest of operators and shapes, without weights
	Machine  []string      `json:"machine"` // what it was measured on: system, processor, graphics, drivers, library, threads
	Measured []Measurement `json:"measured"`
}

// table returns what is known of a graph on this machine as it is now.
func (s *Set) table(g *graph.Graph, u Use) *Table {
	fresh := &Table{Version: tableVersion, Graph: digest(g), Machine: s.facts(u)}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.tables[fresh.Graph]
	if !known && !s.o.Fresh {
		t = readTable(s.file(fresh.Graph))
	}
	if t == nil || t.Version != fresh.Version || t.Graph != fresh.Graph || !slices.Equal(t.Machine, fresh.Machine) {
		t = fresh
	}
	s.tables[fresh.Graph] = t
	return t
}

// facts are what measurements depend on beside the graph.
func (s *Set) facts(u Use) []string {
	facts := slices.Clone(s.o.Machine)
	if facts == nil {
		facts = machine.Signature()
	}
	threads := u.Session.Threads
	if s.env != nil {
		library := s.env.Library()
		facts = append(facts, "ONNX Runtime "+s.env.Version())
		if info, err := os.Stat(library.Path); err == nil {
			facts = append(facts, fmt.Sprintf("library of %d bytes of %d", info.Size(), info.ModTime().Unix()))
		}
		if threads <= 0 {
			threads = s.env.Threads()
		}
	}
	return append(facts, fmt.Sprintf("%d threads", threads))
}

// digest tells graphs apart whose time may differ: it covers operators, attributes, shapes and connections, not weights.
func digest(g *graph.Graph) string {
	h := sha256.New()
	number := map[*graph.Node]int{}
	for i, n := range g.Nodes() {
		number[n] = i
		var in []int
		for _, x := range n.In() {
			if x == nil {
				in = append(in, -1)
				continue
			}
			in = append(in, number[x])
		}
		fmt.Fprintln(h, n.Op(), n.Shape(), n.DType(), n.Attrs(), in) // maps are printed in the order of their keys
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Folder is where this program keeps measurements, in the user's cache; "" where the system has none.
func Folder() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "bayeslice", "devices")
}

// file is where the table of a graph is kept; "" where none is.
func (s *Set) file(graph string) string {
	if s.o.Folder == "" {
		return ""
	}
	return filepath.Join(s.o.Folder, graph+".json")
}

// readTable reads a table; nil where there is none that can be used: then it is measured anew.
func readTable(path string) *Table {
	if path == "" {
		return nil
	}
	b, err := codec.ReadSmall(path, maxTable)
	if err != nil {
		return nil
	}
	var t Table
	if err := json.Unmarshal(b, &t); err != nil {
		return nil
	}
	return &t
}

// store keeps a table for later sessions. Where the folder cannot be written, later sessions measure again.
func (s *Set) store(t *Table) {
	path := s.file(t.Graph)
	if path == "" {
		return
	}
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil || os.MkdirAll(s.o.Folder, 0o700) != nil {
		return
	}
	_ = codec.WriteFile(path, func(w io.Writer) error { _, err := w.Write(append(b, '\n')); return err })
}

func (t *Table) find(c Choice) int {
	return slices.IndexFunc(t.Measured, func(m Measurement) bool { return m.Choice == c })
}

// record puts a measurement into a table and stores that.
func (s *Set) record(t *Table, m Measurement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := t.find(m.Choice); i >= 0 {
		t.Measured[i] = m
	} else {
		t.Measured = append(t.Measured, m)
	}
	s.store(t)
}

// forget takes a measurement out of a table and stores that.
func (s *Set) forget(t *Table, c Choice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Measured = slices.DeleteFunc(t.Measured, func(m Measurement) bool { return m.Choice == c })
	s.store(t)
}

// missing lists the candidates that were not measured.
func (t *Table) missing(candidates []Choice) []Choice {
	return slices.DeleteFunc(slices.Clone(candidates), func(c Choice) bool { return t.find(c) >= 0 })
}

// best returns the fastest candidate: of the provider asked for, or of all; then the CPU wins where another is hardly faster.
func (t *Table) best(asked ort.Provider, candidates []Choice) (best Choice, ok bool) {
	least := 0.0
	for _, c := range candidates {
		i := t.find(c)
		if i < 0 || (asked != ort.Auto && c.Provider != asked) {
			continue
		}
		m := t.Measured[i]
		if m.Problem == unfinished && asked == c.Provider { // the user wants it all the same
			m.Problem = ""
		}
		slower := m.Problem == errSlower.Error() && asked == c.Provider // only that: it computes
		if m.Problem != "" && !slower {
			continue
		}
		seconds := m.Seconds
		if c.Provider != ort.CPU && asked == ort.Auto {
			seconds /= worthIt
		}
		if !ok || (seconds > 0 && (least == 0 || seconds < least)) {
			best, least, ok = c, seconds, true
		}
	}
	return best, ok
}

// refusal says why the provider asked for cannot be used.
func (t *Table) refusal(asked ort.Provider) error {
	var why []string
	for _, m := range t.Measured {
		if m.Provider == asked && m.Problem != "" && !slices.Contains(why, m.Problem) {
			why = append(why, m.Problem)
		}
	}
	return fmt.Errorf("%w: %s: %s; choose another device, or the automatic choice", ort.ErrProvider, asked.Label(), strings.Join(why, ", and "))
}
