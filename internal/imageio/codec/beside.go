package codec

import (
	"errors"
	"fmt"
	"io"
	"os"
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
