package viewer

import (
	"os"
	"path/filepath"
	"slices"
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

// unlessThere calls write, and where one of the files is there and the user was not told so, by its name, asks first: an answer
// may come before [Window.lookLater] has looked.
func (w *Window) unlessThere(paths, told []string, write func()) {
	w.work.Go(func() {
		var there []string
		for _, path := range paths {
			if _, err := os.Lstat(path); err == nil {
				there = append(there, filepath.Base(path))
			}
		}
		w.do(func() {
			switch {
			case w.closing:
			case slices.ContainsFunc(there, func(name string) bool { return !slices.Contains(told, name) }):
				w.askReplace(there, write)
			default:
				write()
			}
		})
	})
}
