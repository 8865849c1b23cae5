package codec

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"
)

// WriteFile writes a file whole or not at all: write fills a hidden file in the same folder, which is brought
// to the disk and then takes the place of path. Whatever fails, path is as it was before and no
// partial file stays. The error is a sentence that says what to do.
func WriteFile(path string, write func(w io.Writer) error) error {
	return writeFile(path, 0o644, write) // a result is a document like any other: the umask decides who may read it
}

// WritePrivateFile is [WriteFile] for a file that only its owner can read.
func WritePrivateFile(path string, write func(w io.Writer) error) error {
	return writeFile(path, 0o600, write)
}

func writeFile(path string, mode fs.FileMode, write func(w io.Writer) error) error {
	f, err := createPart(path, mode)
	if err != nil {
		return osError("cannot write", path, err)
	}
	buf := bufio.NewWriterSize(f, 1<<16)
	err = write(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = robustio.Rename(f.Name(), path) // on Windows again for a while, where another program looks at the file
	}
	if err != nil {
		return errors.Join(osError("cannot write", path, err), removePart(f.Name()))
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// createPart creates a new hidden file beside path.
func createPart(path string, mode fs.FileMode) (*os.File, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, fmt.Errorf("it is a folder: %w", fs.ErrExist)
	}
	dir, base := filepath.Split(path)
	for n := range 1000 {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%d-%d.part", base, os.Getpid(), n))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, errors.New("a thousand partial files lie beside it; delete the hidden files that end in .part")
}

func removePart(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("and the partial file %s could not be removed: %w", name, err)
	}
	return nil
}

// syncFolder brings the rename itself to the disk, where the system can do that (Windows cannot).
func syncFolder(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}

// WriteValues writes values as [Append] encodes them, a piece at a time.
func WriteValues(w io.Writer, values []float32, n Number) error {
	const piece = 1 << 14
	buf := make([]byte, 0, piece*n.Size())
	for len(values) > 0 {
		part := values[:min(piece, len(values))]
		if _, err := w.Write(Append(buf[:0], part, n)); err != nil {
			return err
		}
		values = values[len(part):]
	}
	return nil
}
