package ort

import (
	"sync"

	ortgo "github.com/yalue/onnxruntime_go"
)

// terminator ends one run from another goroutine, also when the run is over already and its
// options are gone.
type terminator struct {
	mu sync.Mutex
	o  *ortgo.RunOptions
}

func (t *terminator) terminate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.o != nil {
		_ = t.o.Terminate() // it sets a flag; on failure the run just goes on to its end
	}
}

func (t *terminator) destroy() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.o.Destroy() // it fails only where it was never made
	t.o = nil
}

// underWay is the set of runs that closing a session must end. Its zero value is ready.
type underWay struct {
	mu   sync.Mutex
	runs map[*terminator]bool
	over bool
}

// add enters a run; false where the session is closing.
func (u *underWay) add(t *terminator) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return false
	}
	if u.runs == nil {
		u.runs = map[*terminator]bool{}
	}
	u.runs[t] = true
	return true
}

func (u *underWay) remove(t *terminator) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.runs, t)
}

// end terminates the runs under way and refuses new ones.
func (u *underWay) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	for t := range u.runs {
		t.terminate()
	}
}

func (u *underWay) ended() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.over
}
