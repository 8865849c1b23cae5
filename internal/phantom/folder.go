package phantom

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// headBytes is how much of a file is searched for [Manufacturer]: far more than a header's first group.
const headBytes = 16 << 10

// seriesFolders are the folders that [Exam.WriteDICOM] makes.
var seriesFolders = []string{folderT2W, folderDWI, folderADC, folderHighB}

// ClearDICOM removes from dir the images that [Exam.WriteDICOM] wrote, which name [Manufacturer], and the
// series folders that are empty then. Everything else stays. A folder that does not exist is clear.
func ClearDICOM(dir string) error {
	for _, series := range seriesFolders {
		path := filepath.Join(dir, series)
		if err := clearSeries(path); err != nil {
			return fmt.Errorf("phantom: %w", err)
		}
		if err := removeEmpty(path); err != nil {
			return fmt.Errorf("phantom: %w", err)
		}
	}
	return nil
}

// clearSeries removes our images from one folder.
func clearSeries(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		image := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() || filepath.Ext(image) != ".dcm" {
			continue
		}
		if ours, err := isOurs(image); err != nil {
			return err
		} else if !ours {
			continue
		}
		if err := os.Remove(image); err != nil {
			return err
		}
	}
	return nil
}

// isOurs reports whether a file is an image of this package.
func isOurs(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	head, err := io.ReadAll(io.LimitReader(f, headBytes))
	return bytes.Contains(head, []byte(Manufacturer)), err
}

// removeEmpty removes a folder that holds nothing.
func removeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(dir)
}

// vacant reports, as [fs.ErrExist], a folder that holds anything: two studies in one would be mixed.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return fmt.Errorf("phantom: %w", err)
	}
	return fmt.Errorf("phantom: the folder %s is not empty, and an exam needs one of its own: %w", filepath.Base(dir), fs.ErrExist)
}
