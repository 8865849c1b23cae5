package ort

import "runtime"

// inBackground calls f on a thread of the operating system that has a lower priority than the other threads of the
// process, and waits for it. Threads that f starts, such as those of a session, inherit the priority where the system
// knows one for each thread. The results of f do not depend on it.
func inBackground(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, its priority could not be raised again
		lowerPriority()
		f()
	}()
	<-done
}
