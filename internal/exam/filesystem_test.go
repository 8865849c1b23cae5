package exam

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"bayeslice/internal/volume"
)

// latin1 is "müller" as a disk of the nineties spells it: no UTF-8.
const latin1 = "m\xfcller"

// writeOdd is write, or skips where the file system takes UTF-8 alone.
func writeOdd(t *testing.T, files map[string][]byte) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(t.TempDir(), latin1), nil, 0o600); err != nil {
		t.Skip("this file system takes no such names: ", err)
	}
	return write(t, files)
}

func TestNamesThatAreNotUTF8(t *testing.T) {
	files := map[string][]byte{}
	t2Slices(files, latin1+"/a", "1.2.3", 4, 6, nil)
	root := writeOdd(t, files)
	file := filepath.Join(root, latin1, "a", "4-00.dcm")
	odd := filepath.Join(filepath.Dir(file), latin1+".dcm")
	if err := os.Rename(file, odd); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{root, odd, zipOf(t, files)} {
		e, err := Open(context.Background(), path, Options{})
		if err != nil || len(e.Series) != 1 || e.Series[0].Images != 6 {
			t.Errorf("exam %+v, %v", e, err)
		}
	}
}

func TestOddNamesAreMadePrintable(t *testing.T) {
	names := []string{latin1, "two\nlines"}
	if runtime.GOOS == "windows" { // which has no such names, but others that print badly
		names = []string{"\u202egnp.t2w", "a\u2028b"}
	}
	for _, name := range names {
		bad := writeOdd(t, map[string][]byte{name + ".nii": []byte("no header"), name + ".dcm": []byte("DICM")})
		for _, ext := range []string{".nii", ".dcm"} {
			_, err := Open(context.Background(), filepath.Join(bad, name+ext), Options{})
			if err == nil || !utf8.ValidString(err.Error()) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
		}
		root := save(t, map[string]*volume.Volume{name + "_t2w.nii": image(t, 300)})
		e, err := Open(context.Background(), root, Options{})
		if err != nil || !utf8.ValidString(e.Series[0].Description) || strings.Contains(e.Series[0].Description, "\n") {
			t.Errorf("exam %+v, %v", e, err)
		}
	}
}

func TestFolderKeepsInside(t *testing.T) {
	for _, name := range []string{"../x", "/etc/passwd", "a/../../x"} {
		if _, err := folder(t.TempDir()).Open(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
