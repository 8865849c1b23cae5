package soaktest

import (
	"math"
	"os"
	"runtime"
	"testing"
)

// A leak of each kind is found, and what does not leak is not called a leak.
func TestLeaksAreFound(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what a process holds")
	}
	var kept [][]byte
	var files []*os.File
	stop := make(chan struct{})
	var series []Held
	for range 20 {
		block := make([]byte, 3<<20)
		for i := range block {
			block[i] = 1
		}
		kept = append(kept, block)
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		go func() { <-stop }()
		h, err := Now()
		if err != nil {
			t.Fatal(err)
		}
		series = append(series, h)
	}
	for what, g := range Growths(series, Bounds()) {
		if leaks := what != Threads && what != Mappings; leaks != (g.By > g.Bound) {
			t.Errorf("%s grew by %.0f with a leak; the bound is %.0f", what, g.By, g.Bound)
		}
	}
	runtime.KeepAlive(kept)
	close(stop)
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The line through 1, 3, 2, 6 has the slope 1.4 (worked by hand), so that it rises by 4.2 over three steps.
func TestTheLine(t *testing.T) {
	got := Growths([]Held{{Files: 1}, {Files: 3}, {Files: 2}, {Files: 6}}, Held{Files: 2})
	if g := got[Files]; len(got) != 1 || math.Abs(g.By-4.2) > 1e-12 || g.Bound != 2 {
		t.Errorf("got %v", got)
	}
	if m := Mean([]Held{{Files: 1}, {Files: 4}}); m[Files] != 2.5 {
		t.Errorf("mean %v", m)
	}
	if s := (Held{Heap: 2.5e6, Files: 3}).String(); s != "2.5 MB of Go's heap, 3 open files" {
		t.Errorf("%q", s)
	}
}
