package annotate_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"

	"go.uber.org/goleak"
)

const examKey = "0123456789abcdef0123456789abcdef"

func journalGrid(t testing.TB) geom.Grid {
	return grid(t, [3]int{28, 24, 6}, geom.Vec3{0.6, 0.8, 2.5})
}

// keep gives a document a new journal in a folder.
func keep(d *annotate.Document, dir string, problem func(error)) error {
	j, err := annotate.NewJournal(dir, examKey, d.Grid(), problem)
	if err != nil {
		return err
	}
	return d.Keep(j)
}

// kept returns a document with a journal in a folder, changed at random.
func kept(t testing.TB, dir string, seed uint64, changes int) *annotate.Document {
	t.Helper()
	d := document(t, journalGrid(t), nil, nil)
	r := rand.New(rand.NewPCG(seed, 3))
	random(t, d, r)
	d.MarkSaved(d.Snapshot())
	if err := keep(d, dir, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	for range changes {
		random(t, d, r)
		for range r.IntN(4) - 1 {
			d.Undo()
		}
		if r.IntN(4) == 0 {
			d.Redo()
		}
	}
	return d
}

// dead copies a document's journal as a killed program leaves it, without its lock, and ends the document.
func dead(t testing.TB, d *annotate.Document) (dir, path string) {
	t.Helper()
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(d.JournalPath())
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	path = filepath.Join(dir, filepath.Base(d.JournalPath()))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Discard(); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func TestRecoveryReplaysEverything(t *testing.T) {
	defer goleak.VerifyNone(t)
	for seed := range uint64(8) {
		d := kept(t, t.TempDir(), seed, 40)
		dir, path := dead(t, d)
		found, err := annotate.Find(dir, examKey, d.Grid())
		if err != nil || len(found) != 1 || found[0].Path != path || found[0].Steps == 0 || found[0].Problem != nil || found[0].TornTail {
			t.Fatalf("found %+v, %v", found, err)
		}
		back, rec, err := annotate.Recover(path, examKey, d.Grid(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !same(d, back) || rec.LostBytes != 0 || rec.Damaged != "" || !back.Unsaved() {
			t.Fatalf("recovered %+v", rec)
		}
		for { // undo and redo reach as far as they did
			a, ok := d.Undo()
			b, ok2 := back.Undo()
			if ok != ok2 || a != b || !same(d, back) {
				t.Fatalf("undo %v, %v", a, b)
			}
			if !ok {
				break
			}
		}
		for {
			a, ok := d.Redo()
			b, ok2 := back.Redo()
			if ok != ok2 || a != b || !same(d, back) {
				t.Fatalf("redo %v, %v", a, b)
			}
			if !ok {
				break
			}
		}
		if err := back.Discard(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestATornTailLosesTheLastChangeOnly cuts the last record at every byte.
func TestATornTailLosesTheLastChangeOnly(t *testing.T) {
	d := kept(t, t.TempDir(), 1, 12)
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	before := document(t, d.Grid(), zonesOf(d), lesionsOf(d))
	size := func() int64 {
		st, err := os.Stat(d.JournalPath())
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	start := size()
	if err := d.Fill(annotate.OpLasso, annotate.CsPCa, annotate.Add, 3, []annotate.Point{{I: 3, J: 2}, {I: 22, J: 7}, {I: 5, J: 17}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	end := size()
	_, path := dead(t, d)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := start; cut <= end; cut++ {
		torn := slices.Clone(data[:cut])
		if cut%3 == 0 { // some file systems fill up with zeros
			torn = append(torn, make([]byte, end-cut)...)
		}
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		back, rec, err := annotate.Recover(path, examKey, d.Grid(), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := before
		if bytes.Equal(torn, data) {
			want = d
		}
		if !same(back, want) || rec.Damaged != "" && cut%3 != 0 {
			t.Fatalf("cut after %d of %d bytes: %+v", cut-start, end-start, rec)
		}
		if err := back.Paste(annotate.CsPCa, 3, 4); cut == end && err != nil { // drawing goes on where it broke off
			t.Fatal(err)
		}
		if err := back.Flush(); err != nil {
			t.Fatal(err)
		}
		again, rec, err := annotate.Recover(copyOf(t, path), examKey, d.Grid(), nil)
		if err != nil || !same(again, back) || rec.LostBytes != 0 {
			t.Fatalf("after going on: %+v, %v", rec, err)
		}
		for _, d := range []*annotate.Document{back, again} {
			if err := d.Discard(); err != nil {
				t.Fatal(err)
			}
		}
		for _, left := range []string{path + ".damaged"} {
			if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
}

func copyOf(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestDamageInTheMiddleKeepsACopy(t *testing.T) {
	d := kept(t, t.TempDir(), 2, 30)
	_, path := dead(t, d)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := slices.Clone(data)
	broken[len(broken)/2] ^= 0x40
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	back, rec, err := annotate.Recover(path, examKey, d.Grid(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = back.Discard() }()
	kept, err := os.ReadFile(rec.Damaged)
	if err != nil || !bytes.Equal(kept, broken) || rec.LostBytes == 0 {
		t.Errorf("%+v, %v", rec, err)
	}
}

func TestAnotherExamsJournalIsRefused(t *testing.T) {
	d := kept(t, t.TempDir(), 3, 5)
	other := grid(t, [3]int{28, 24, 6}, geom.Vec3{0.6, 0.8, 2.6})
	dir, path := dead(t, d)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() error{
		"exam":   func() error { _, _, err := annotate.Recover(path, "another", d.Grid(), nil); return err },
		"series": func() error { _, _, err := annotate.Recover(path, examKey, other, nil); return err },
	} {
		if err := open(); !errors.Is(err, annotate.ErrJournal) || !strings.Contains(err.Error(), "another "+strings.ReplaceAll(name, "series", "T2W series")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, f := range []struct {
		key  string
		grid geom.Grid
	}{{"another", d.Grid()}, {examKey, other}} {
		if found, err := annotate.Find(dir, f.key, f.grid); err != nil || len(found) != 0 {
			t.Errorf("found %v, %v", found, err)
		}
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, data) {
		t.Error("a refused journal was changed")
	}
	if bytes.Contains(data, []byte(dir)) || strings.Contains(filepath.Base(path), examKey) {
		t.Error("the journal names a folder, or is named by the exam's key")
	}
}

func TestAJournalInUseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	d := kept(t, dir, 4, 5)
	second := kept(t, dir, 5, 5) // another window of the same exam has its own
	if second.JournalPath() == d.JournalPath() {
		t.Fatal("two windows share a journal")
	}
	if found, err := annotate.Find(dir, examKey, d.Grid()); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if _, _, err := annotate.Recover(d.JournalPath(), examKey, d.Grid(), nil); !errors.Is(err, annotate.ErrJournal) {
		t.Errorf("recovered from under a window: %v", err)
	}
	if err := annotate.DiscardJournal(d.JournalPath()); !errors.Is(err, annotate.ErrJournal) {
		t.Errorf("discarded under a window: %v", err)
	}
	if err := d.Close(); err != nil { // unsaved: stays
		t.Fatal(err)
	}
	second.MarkSaved(second.Snapshot())
	if err := second.Close(); err != nil { // saved: goes
		t.Fatal(err)
	}
	found, err := annotate.Find(dir, examKey, d.Grid())
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	if err := annotate.DiscardJournal(found[0].Path); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

func TestSavedWorkIsNotOfferedAgain(t *testing.T) {
	d := kept(t, t.TempDir(), 6, 10)
	d.MarkSaved(d.Snapshot())
	if d.Unsaved() {
		t.Error("unsaved after saving")
	}
	dir, path := dead(t, d)
	if found, err := annotate.Find(dir, examKey, d.Grid()); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a journal without unsaved work stays: %v", err)
	}
	if found, err := annotate.Find(filepath.Join(dir, "nowhere"), examKey, d.Grid()); err != nil || found != nil {
		t.Errorf("no folder: %v, %v", found, err)
	}
}

func TestWorkOlderThanTheJournalCountsAsUnsaved(t *testing.T) {
	d := document(t, journalGrid(t), nil, nil)
	if err := d.Fill(annotate.OpLasso, annotate.TZ, annotate.Add, 0, []annotate.Point{{}, {I: 9}, {I: 4, J: 9}}); err != nil {
		t.Fatal(err)
	}
	if err := keep(d, t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	dir, _ := dead(t, d)
	if found, err := annotate.Find(dir, examKey, d.Grid()); err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestAFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := annotate.New(journalGrid(t))
	if err := keep(d, filepath.Join(file, "folder"), nil); !errors.Is(err, annotate.ErrJournal) {
		t.Errorf("%v", err)
	}
	if err := d.Paste(annotate.TZ, 0, 1); !isNothing(err) {
		t.Errorf("%v", err)
	}
	if err := errors.Join(d.Flush(), d.Close()); err != nil {
		t.Error(err)
	}
}

// drawForever is what the process that is killed does: stroke n is a function of n, and every finished one
// is told on the standard output.
func drawForever(t *testing.T, dir string) {
	d := annotate.New(journalGrid(t))
	if err := keep(d, dir, nil); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		s := beginStroke(t, d, n)
		time.Sleep(2 * time.Millisecond) // a hand is slower
		if _, err := s.End(); err != nil && !isNothing(err) {
			t.Fatal(err)
		}
		_, _ = fmt.Printf("stroke %d\n", n)
	}
}

func beginStroke(t *testing.T, d *annotate.Document, n int) *annotate.Stroke {
	r := rand.New(rand.NewPCG(uint64(n), 5))
	at := func() annotate.Point { return annotate.Point{I: 28 * r.Float64(), J: 24 * r.Float64()} }
	s, err := d.Begin(annotate.Brush{Label: annotate.Labels[r.IntN(4)], Mode: annotate.Mode(r.IntN(4) / 3), RadiusMM: 1 + 3*r.Float64()}, r.IntN(6), at())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		s.To(at())
	}
	return s
}

// TestKillLosesAtMostTheStrokeBeingDrawn kills a process that draws, three times.
func TestKillLosesAtMostTheStrokeBeingDrawn(t *testing.T) {
	if dir := os.Getenv("BAYESLICE_TEST_DRAW"); dir != "" {
		drawForever(t, dir)
	}
	for round := range 3 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=TestKillLosesAtMostTheStrokeBeingDrawn")
		cmd.Env = append(os.Environ(), "BAYESLICE_TEST_DRAW="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told := -1
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, err := fmt.Sscanf(lines.Text(), "stroke %d", &told); err == nil && told == 25+13*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		d := annotate.New(journalGrid(t))
		for n := range told + 1 {
			if _, err := beginStroke(t, d, n).End(); err != nil && !isNothing(err) {
				t.Fatal(err)
			}
		}
		found, err := annotate.Find(dir, examKey, d.Grid())
		if err != nil || len(found) != 1 {
			t.Fatalf("found %+v, %v", found, err)
		}
		back, rec, err := annotate.Recover(found[0].Path, examKey, d.Grid(), nil)
		if err != nil {
			t.Fatal(err)
		}
		last := same(back, d)
		for n := told + 1; !last && n < told+3; n++ { // written, and killed before it was told
			if _, err := beginStroke(t, d, n).End(); err != nil && !isNothing(err) {
				t.Fatal(err)
			}
			last = same(back, d)
		}
		if !last {
			t.Errorf("of %d strokes told to be finished, something is missing: %+v", told+1, rec)
		}
		if err := back.Discard(); err != nil {
			t.Fatal(err)
		}
	}
}
