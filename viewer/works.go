package viewer

import "sync"

// works counts the goroutines that work for the window. Unlike a [sync.WaitGroup] it may be waited for while
// more is begun, as by what was queued for the window before it was told to close. Its methods may be called
// from any goroutine.
type works struct {
	mu    sync.Mutex
	count int
	none  chan struct{} // closed when count is 0; nil while nobody waits
	ended bool
}

// Go runs f on a goroutine of its own, unless the works have ended: then what f needs may be gone.
func (w *works) Go(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.count++
	go func() {
		defer w.done()
		f()
	}()
}

func (w *works) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count--
	if w.count == 0 && w.none != nil {
		close(w.none)
		w.none = nil
	}
}

// Wait waits until none is under way. More may be begun afterwards.
func (w *works) Wait() {
	w.mu.Lock()
	if w.count == 0 {
		w.mu.Unlock()
		return
	}
	if w.none == nil {
		w.none = make(chan struct{})
	}
	none := w.none
	w.mu.Unlock()
	<-none
}

// End waits until none is under way, and lets none begin any more.
func (w *works) End() {
	for {
		w.Wait()
		w.mu.Lock()
		if w.count == 0 {
			w.ended = true
		}
		ended := w.ended
		w.mu.Unlock()
		if ended {
			return
		}
	}
}
