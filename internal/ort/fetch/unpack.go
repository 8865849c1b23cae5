package fetch

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// manifestName is the file that says what a folder holds; it is written last.
const manifestName = "installed.json"

// maxFile bounds one unpacked file. The largest library of the pinned package has 38 MB.
const maxFile = 256 << 20

// manifest says what was installed, so that a folder that was tampered with or cut short is not taken for whole.
type manifest struct {
	Package string           `json:"package"`
	Version string           `json:"version"`
	SHA512  string           `json:"sha512"`
	Licence string           `json:"licence"`
	Files   map[string]int64 `json:"files"` // name: bytes
}

// unpack writes the wanted files of a gzip-compressed tar file into dir, flat. The names come from
// a fixed list of places inside the package, so that no entry can reach outside dir.
func unpack(ctx context.Context, f *os.File, dir, folder string, p pin, on func(Progress)) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("fetch: package file: %w", err)
	}
	m := &meter{stop: ctx.Err, r: f, report: func(n int64) { on(Progress{Unpacking, n, info.Size()}) }}
	z, err := gzip.NewReader(m)
	if err != nil {
		return readError(ctx, err)
	}
	record := manifest{Package: p.name, Version: p.version, SHA512: p.sha512, Licence: "MIT, Microsoft Corporation", Files: map[string]int64{}}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return readError(ctx, err)
		}
		name, ok := wanted(h, folder)
		if !ok {
			continue
		}
		if err := writeFile(filepath.Join(dir, name), r, h.Size); err != nil {
			return readError(ctx, err)
		}
		record.Files[name] = h.Size
	}
	if _, ok := record.Files[LibraryName()]; !ok {
		return fmt.Errorf("%w: it has no %s", ErrPackage, folder+LibraryName())
	}
	return writeManifest(dir, record)
}

// wanted returns the name under which an entry is kept: this platform's shared libraries, and the
// two files in which the package states its licence and origin.
func wanted(h *tar.Header, folder string) (name string, ok bool) {
	if h.Typeflag != tar.TypeReg {
		return "", false
	}
	if h.Name == "package/package.json" || h.Name == "package/README.md" {
		return path.Base(h.Name), true
	}
	name, ok = strings.CutPrefix(h.Name, folder)
	if !ok || name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
		return "", false
	}
	if runtime.GOOS == "windows" {
		return name, strings.HasSuffix(name, ".dll")
	}
	return name, name == LibraryName()
}

func writeFile(path string, r io.Reader, size int64) error {
	if size < 0 || size > maxFile {
		return fmt.Errorf("%s claims %d bytes", filepath.Base(path), size)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(f, r, size); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

func writeManifest(dir string, m manifest) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, manifestName), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}

// installed reports whether dir holds the whole pinned package.
func installed(dir string, p pin) bool {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return false
	}
	var m manifest
	if json.Unmarshal(b, &m) != nil || m.SHA512 != p.sha512 || len(m.Files) == 0 {
		return false
	}
	for name, size := range m.Files {
		info, err := os.Stat(filepath.Join(dir, filepath.Base(name)))
		if err != nil || info.Size() != size {
			return false
		}
	}
	return true
}
