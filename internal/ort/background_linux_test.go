package ort

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// As in the program with a window, the first thread stays with the main goroutine: it is the one thread that Go
// cannot end.
func init() { runtime.LockOSThread() }

// nices returns the nice value of every thread of this process, as the kernel lists them.
func nices(t *testing.T) (all []string) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/stat")
	if err != nil || len(tasks) == 0 {
		t.Fatalf("threads: %v, %v", tasks, err)
	}
	for _, task := range tasks {
		stat, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has just ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // behind the name, which may hold anything; field 3 comes first
		all = append(all, strings.Fields(rest)[19-3])
	}
	return all
}

func count(all []string, nice string) (n int) {
	for _, s := range all {
		if s == nice {
			n++
		}
	}
	return n
}

// The threads of a session, its own and the one that calls it, yield to a window; no other thread does, and the
// results are the same.
func TestSessionsInTheBackgroundYield(t *testing.T) {
	front := openEnv(t)
	usual := nices(t)[0]
	if n, err := strconv.Atoi(usual); err != nil || n >= backgroundNice {
		t.Skipf("the test itself runs at nice %s, which is low enough", usual)
	}
	behind := *front
	behind.background = true
	s := open(t, &behind, slowModel(t, 25), SessionOptions{Threads: 3})
	patience := time.Now().Add(10 * time.Second) // for the thread that opened it to end
	for count(nices(t), "10") != 2 {
		if time.Now().After(patience) {
			t.Fatalf("nice values of threads after opening a session of three threads: %v, want 10 for its own two", nices(t))
		}
		time.Sleep(time.Millisecond)
	}
	in := slowInput()
	for i := range in["x"].F32 {
		in["x"].F32[i] = float32(i%7) - 3
	}
	lowered := make(chan int)
	ended := make(chan struct{})
	go func() {
		most := 0
		for {
			select {
			case <-ended:
				lowered <- most
				return
			default:
				most = max(most, count(nices(t), "10"))
			}
		}
	}()
	out, err := s.Run(context.Background(), in)
	close(ended)
	if most := <-lowered; err != nil || most != 3 {
		t.Errorf("during the run %d threads of nice 10, want 3; error %v", most, err)
	}
	if got := count(nices(t), usual); got < 2 {
		t.Errorf("%d threads are left at nice %s: %v", got, usual, nices(t))
	}
	plain, err := open(t, front, slowModel(t, 25), SessionOptions{Threads: 3}).Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range plain {
		if !slices.Equal(out[name].F32, want.F32) {
			t.Errorf("%s differs from that of a session in front", name)
		}
	}
}
