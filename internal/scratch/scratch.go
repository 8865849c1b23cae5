// Package scratch makes temporary folders for parts of exams: nobody but the user may read them, and those of a program
// that was killed are removed when the program starts again.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

const (
	prefix   = "bayeslice-scratch-" // of the folders in the system's temporary folder
	lockName = "lock"               // held while the folder is in use; the system gives it back when the program ends
	content  = "files"
)

// attempts bounds how often a folder is made anew, where another program sweeps it away as it comes into being.
const attempts = 10

// Folder is a temporary folder in use. Make it with [New]. Not safe for concurrent use.
type Folder struct {
	root string
	lock *flock.Flock
}

// New makes an empty folder in the system's temporary folder. The error is the operating system's, in a sentence.
func New() (*Folder, error) {
	var last error
	for range attempts {
		root, err := os.MkdirTemp("", prefix) // mode 0700
		if err != nil {
			return nil, fmt.Errorf("scratch: no temporary folder can be made: %w", err)
		}
		f := &Folder{root: root, lock: flock.New(filepath.Join(root, lockName))}
		ok, err := f.lock.TryLock()
		if ok && err == nil {
			if _, err = os.Lstat(f.lock.Path()); err == nil {
				err = os.Mkdir(f.Path(), 0o700)
			}
		}
		if ok && err == nil {
			return f, nil
		}
		last = errors.Join(err, f.Remove())
	}
	return nil, fmt.Errorf("scratch: no temporary folder can be made: %w", last)
}

// Path is the folder to put files into.
func (f *Folder) Path() string { return filepath.Join(f.root, content) }

// Remove removes the folder with everything in it. A folder that is gone is no error.
func (f *Folder) Remove() error {
	return remove(f.root, f.lock)
}

// remove empties a folder whose lock is held, gives the lock back, and removes the folder.
func remove(root string, lock *flock.Flock) error {
	err := errors.Join(os.RemoveAll(filepath.Join(root, content)), lock.Unlock())
	for _, path := range []string{lock.Path(), root} {
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Sweep removes the folders that programs of this user left which were killed. Those of running programs stay, and so does
// whatever this package did not make. It returns how many folders were removed.
func Sweep() int {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return 0
	}
	removed := 0
	for _, root := range found {
		if !own(root) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, lockName)); err != nil {
			continue // it is coming into being, or none of ours
		}
		lock := flock.New(filepath.Join(root, lockName))
		if ok, err := lock.TryLock(); err == nil && ok && remove(root, lock) == nil {
			removed++
		}
	}
	return removed
}
