package viewer

import (
	"sync/atomic"
	"testing"
)

func TestWorksMayBeBegunWhileTheirEndIsAwaited(t *testing.T) {
	const begun = 100
	var w works
	var did atomic.Int64
	first, ended := make(chan struct{}), make(chan struct{})
	w.Go(func() { <-first })
	go func() { w.End(); close(ended) }()
	for range begun {
		w.Go(func() { did.Add(1) })
	}
	select {
	case <-ended:
		t.Error("the works ended while one was under way")
	default:
	}
	close(first)
	<-ended
	if did.Load() != begun {
		t.Errorf("%d of %d works were waited for", did.Load(), begun)
	}
	w.Go(func() { t.Error("a work began after the end") })
	w.End() // may be repeated
}
