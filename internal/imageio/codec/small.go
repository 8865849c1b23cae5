package codec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// errKind is what the operating system has no error for.
var errKind = errors.New("it is a folder, a pipe or a device, where a file is needed; choose a file, or move it away")

// ReadSmall reads a whole file of at most most bytes. A folder, a pipe or a device is refused before it is opened, which would
// wait for somebody to write, or never end; a larger file fails with [ErrTooLarge]. Other errors are the operating system's.
func ReadSmall(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", info.Name(), errKind)
	case info.Size() > most:
		return nil, tooLong(info, most)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = tooLong(info, most)
	}
	return data, err
}

func tooLong(info fs.FileInfo, most int64) error {
	return fmt.Errorf("%s has more than the %d bytes that such a file can have; choose another file, or move it away: %w", info.Name(), most, ErrTooLarge)
}
