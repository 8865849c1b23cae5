package codec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// CheckBeside refuses a name with a path in it, with [ErrUnsupported]: a header must not make the program read
// anything but a file of its own folder.
func CheckBeside(name string) error {
	if strings.ContainsAny(name, "/\\:\x00") || name == "" || name == "." || name == ".." {
		return fmt.Errorf("its voxels should be in %.100q, outside its own folder, which is not followed for safety; put the file beside the header and name it there: %w", name, ErrUnsupported)
	}
	return nil
}

// Beside opens a file that a header names, which lies beside the header. It fails as [OpenBeside].
type Beside func(name string) (io.ReadCloser, int64, error)

// ReadWithBeside opens a file whose voxels may lie in another one beside it, and reads it: read gets what is in the
// file, its size in bytes, and what opens the other. Errors begin with the package and the file's name, and wrap those of
// [Open] and read.
func ReadWithBeside[T any](path, pkg string, read func(r io.Reader, size int64, beside Beside) (T, Info, error)) (T, Info, error) {
	var none T
	f, size, err := Open(path)
	if err != nil {
		return none, Info{}, fmt.Errorf("%s: %w", pkg, err)
	}
	defer func() { _ = f.Close() }() // only read from
	out, info, err := read(f, size, func(name string) (io.ReadCloser, int64, error) {
		return OpenBeside(filepath.Dir(path), name)
	})
	if err != nil {
		return none, Info{}, fmt.Errorf("%s: %s: %w", pkg, filepath.Base(path), err)
	}
	return out, info, nil
}

// OpenBeside opens the file name of the folder dir, for a header whose voxels lie in a second file, and returns its size.
// It opens nothing but a regular file of that very folder: a name that [CheckBeside] refuses is refused, and a
// link that leads out of the folder, a device or an absent file with [ErrFormat].
func OpenBeside(dir, name string) (io.ReadCloser, int64, error) {
	if err := CheckBeside(name); err != nil {
		return nil, 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, 0, osError("cannot open the folder of", name, err)
	}
	defer func() { _ = root.Close() }() // the file opened from it stays open
	st, err := root.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, 0, fmt.Errorf("its voxels should be in %.100q, which is not beside it; put both into one folder: %w", name, ErrFormat)
	case err != nil:
		return nil, 0, fmt.Errorf("its data file %.100q cannot be used (%w); put the file itself beside the header: %w", name, err, ErrFormat)
	case !st.Mode().IsRegular():
		return nil, 0, fmt.Errorf("its data file %.100q is not a file but a %s; put the file itself beside the header: %w", name, kind(st.Mode()), ErrFormat)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, 0, osError("cannot open", name, err)
	}
	return f, st.Size(), nil
}
