package viewer

import (
	"os"
	"sync/atomic"
	"time"
)

// lookAfter is how long typing has to pause before the disk is asked about what was typed.
const lookAfter = 250 * time.Millisecond

// lookLater returns what is to be called whenever a path may have changed: once it is not called any more for a moment, a worker
// looks whether something is there, and told says so on the UI goroutine, unless the path is another one by then. A network may
// answer late.
func (w *Window) lookLater(path func() string, told func(there bool)) func() {
	var calls atomic.Int64
	return func() {
		told(false)
		call := calls.Add(1)
		at := path()
		time.AfterFunc(lookAfter, func() {
			if calls.Load() != call {
				return
			}
			_, err := os.Lstat(at)
			w.do(func() {
				if calls.Load() == call && !w.closing {
					told(err == nil)
				}
			})
		})
	}
}
