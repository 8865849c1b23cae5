package annotate

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"bayeslice/internal/geom"
)

func headOf(g geom.Grid) journalHead {
	return journalHead{Format: journalFormat, Exam: "key", Grid: GridDigest(g), Size: g.Size}
}

// fullDisk is a file on a disk that is full for a while: it takes half of what is written to it.
type fullDisk struct {
	*os.File
	mu   sync.Mutex
	full bool
}

func (f *fullDisk) WriteAt(b []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.full {
		return f.File.WriteAt(b, at)
	}
	n, err := f.File.WriteAt(b[:len(b)/2], at)
	return n, errors.Join(syscall.ENOSPC, err)
}

func (f *fullDisk) set(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

// TestAFullDiskLosesNothing: the document goes on, the trouble is told once, and with space the journal is whole.
func TestAFullDiskLosesNothing(t *testing.T) {
	g, err := geom.NewGrid([3]int{20, 20, 3}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.journal")
	file, lock, err := createJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	disk := &fullDisk{File: file}
	news := make(chan error, 10)
	d := New(g)
	d.journal = newJournal(path, disk, lock, 0, func(err error) { news <- err })
	d.journal.append(true, d.past(headOf(g))...)
	paint := func(k int) {
		t.Helper()
		if err := d.Fill(OpLasso, PZ, Add, k, []Point{{2, 2}, {15, 3}, {6, 14}}); err != nil {
			t.Fatal(err)
		}
	}
	paint(0)
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	disk.set(true)
	paint(1)
	if err := <-news; !errors.Is(err, ErrJournal) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("told %v", err)
	}
	if err := d.Flush(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("flush on a full disk: %v", err)
	}
	if r, err := replay(path, "key", g); err != nil || r.steps != 1 {
		t.Fatalf("meanwhile the journal holds %+v, %v", r, err)
	}
	d.Undo()
	disk.set(false)
	paint(2)
	if err := <-news; err != nil {
		t.Fatalf("told %v when there was space again", err)
	}
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := replay(path, "key", g)
	if err != nil || r.steps != 4 || r.lost != 0 {
		t.Fatalf("the journal holds %+v, %v", r, err)
	}
	for k := range 3 {
		if r.doc.Snapshot().Has(PZ, k) != d.Snapshot().Has(PZ, k) {
			t.Errorf("slice %d", k)
		}
	}
	disk.set(true)
	paint(1)
	if err := d.Close(); !errors.Is(err, ErrJournal) {
		t.Errorf("closing on a full disk: %v", err)
	}
}

func FuzzReplay(f *testing.F) {
	g, err := geom.NewGrid([3]int{6, 5, 3}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		f.Fatal(err)
	}
	d := New(g)
	if err := d.Fill(OpLasso, WG, Add, 1, []Point{{0, 0}, {5, 0}, {3, 4}}); err != nil {
		f.Fatal(err)
	}
	last := d.history.done[0]
	for _, r := range []record{{kind: recordBase, step: last}, {kind: recordStep, step: last}, {kind: recordUndo}, {kind: recordHead, head: headOf(g)}} {
		b, err := r.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[recordPrefix:])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 {
			return
		}
		r, ok := decodeRecord(payload)
		if !ok {
			return
		}
		for n := range 4 {
			to := &replayed{doc: New(g)}
			if to.begins(n, r, ok, "key", g) == nil && to.take(n, r) {
				for _, v := range to.doc.Snapshot().Mask(Zones).Data() {
					if v > valuePZ {
						t.Fatalf("label %d", v)
					}
				}
			}
		}
	})
}
