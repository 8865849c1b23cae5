package codec

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSmall(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("twelve bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadSmall(path, 12); err != nil || string(data) != "twelve bytes" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := ReadSmall(path, 11); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := ReadSmall(filepath.Join(dir, "none"), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	for _, no := range []string{dir, os.DevNull} {
		if _, err := ReadSmall(no, 1<<20); err == nil || !strings.Contains(err.Error(), "where a file is needed") {
			t.Errorf("%s: %v", no, err)
		}
	}
}
