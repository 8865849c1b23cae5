package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

type entry struct {
	name, text string
	kind       byte
}

// pack writes a package file and returns its path and pin.
func pack(t *testing.T, entries ...entry) (string, pin) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		h := &tar.Header{Name: e.name, Mode: 0o777, Typeflag: e.kind, Size: int64(len(e.text))}
		if e.kind == tar.TypeSymlink {
			h.Size, h.Linkname = 0, e.text
			e.text = ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	return path, pin{"some-package", "1.0.0", hex.EncodeToString(sum[:])}
}

func here(t *testing.T) string {
	t.Helper()
	folder, err := platformFolder(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	return folder
}

// files lists everything below a folder.
func files(t *testing.T, root string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestInstallUnpacksThisPlatformsLibraryAndNothingElse(t *testing.T) {
	folder := here(t)
	tarball, pin := pack(t,
		entry{name: "package/package.json", text: "{}"},
		entry{name: "package/bin/napi-v6/plan9/mips/" + LibraryName(), text: "foreign"},
		entry{name: folder + "../../../../../../escape.so.1", text: "evil"},
		entry{name: folder + "onnxruntime_binding.node", text: "unwanted"},
		entry{name: "package/script/install.js", text: "never run"},
		entry{name: folder + LibraryName(), text: "the library"})
	root := t.TempDir()
	var stages []Stage
	o := Options{Root: root, Tarball: tarball, pin: pin, Progress: func(p Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
	}}
	r, err := Install(context.Background(), o)
	if err != nil || !r.Fetched {
		t.Fatalf("Install = %+v, %v", r, err)
	}
	if b, err := os.ReadFile(r.Library); err != nil || string(b) != "the library" {
		t.Errorf("library holds %q, %v", b, err)
	}
	if got, want := files(t, root), "1.0.0/installed.json 1.0.0/"+LibraryName()+" 1.0.0/package.json"; got != want {
		t.Errorf("files = %s, want %s", got, want)
	}
	if len(stages) != 2 || stages[0] != Checking || stages[1] != Unpacking {
		t.Errorf("stages = %v", stages)
	}
	again, err := Install(context.Background(), Options{Root: root, Tarball: "/nowhere", pin: pin})
	if err != nil || again.Fetched || again.Library != r.Library {
		t.Errorf("second Install = %+v, %v; want what is there", again, err)
	}
	if err := os.Truncate(r.Library, 3); err != nil {
		t.Fatal(err)
	}
	if r, err := Install(context.Background(), o); err != nil || !r.Fetched {
		t.Errorf("Install over a cut library = %+v, %v; want it fetched again", r, err)
	}
}

func TestInstallRefusesAnotherChecksum(t *testing.T) {
	tarball, pin := pack(t, entry{name: here(t) + LibraryName(), text: "the library"})
	b, err := os.ReadFile(tarball)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(tarball, b, 0o600); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	_, err = Install(context.Background(), Options{Root: root, Tarball: tarball, pin: pin})
	if !errors.Is(err, ErrChecksum) {
		t.Errorf("error = %v, want ErrChecksum", err)
	}
	if got := files(t, root); got != "" {
		t.Errorf("left behind: %s", got)
	}
}

func TestInstallRefusesPackagesWithoutTheLibrary(t *testing.T) {
	folder := here(t)
	for name, entries := range map[string][]entry{
		"empty":   {{name: "package/package.json", text: "{}"}},
		"symlink": {{name: folder + LibraryName(), text: "/etc/passwd", kind: tar.TypeSymlink}},
	} {
		tarball, pin := pack(t, entries...)
		root := t.TempDir()
		if _, err := Install(context.Background(), Options{Root: root, Tarball: tarball, pin: pin}); !errors.Is(err, ErrPackage) {
			t.Errorf("%s: error = %v, want ErrPackage", name, err)
		}
		if got := files(t, root); got != "" {
			t.Errorf("%s left behind: %s", name, got)
		}
	}
}

func TestInstallIsCancelled(t *testing.T) {
	tarball, pin := pack(t, entry{name: here(t) + LibraryName(), text: "the library"})
	ctx, cancel := context.WithCancel(context.Background())
	root := t.TempDir()
	o := Options{Root: root, Tarball: tarball, pin: pin, Progress: func(p Progress) {
		if p.Stage == Checking {
			cancel()
		}
	}}
	if _, err := Install(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if got := files(t, root); got != "" {
		t.Errorf("left behind: %s", got)
	}
}

// fakeNPM writes a program that stands in for npm.
func fakeNPM(t *testing.T, script string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for npm is a shell script")
	}
	path := filepath.Join(t.TempDir(), "npm")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInstallAsksNPM(t *testing.T) {
	tarball, pin := pack(t, entry{name: here(t) + LibraryName(), text: "the library"})
	npm := fakeNPM(t, `[ "$1 $2 $3" = "pack some-package@1.0.0 --pack-destination" ] && case "$*" in *--ignore-scripts*) cp '`+tarball+`' "$4/some-package-1.0.0.tgz";; esac`)
	if r, err := Install(context.Background(), Options{Root: t.TempDir(), pin: pin, npm: npm}); err != nil || !r.Fetched {
		t.Errorf("Install = %+v, %v", r, err)
	}
}

func TestInstallSaysWhyNPMFailed(t *testing.T) {
	here(t)
	for want, npm := range map[string]string{
		"npm is not installed": filepath.Join(t.TempDir(), "no-npm-here"),
		"network is down":      fakeNPM(t, "echo 'npm error code E1' >&2; echo 'npm error network is down' >&2; exit 1"),
		"left 0 package files": fakeNPM(t, "exit 0"),
	} {
		root := t.TempDir()
		_, err := Install(context.Background(), Options{Root: root, npm: npm})
		if !errors.Is(err, ErrNPM) || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want ErrNPM with %q", err, want)
		}
		if got := files(t, root); got != "" {
			t.Errorf("left behind: %s", got)
		}
	}
}

func TestCancelEndsNPM(t *testing.T) {
	here(t)
	ctx, cancel := context.WithCancel(context.Background())
	npm := fakeNPM(t, "exec sleep 60")
	o := Options{Root: t.TempDir(), npm: npm, Progress: func(Progress) { cancel() }}
	if _, err := Install(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

func TestPlatformFolder(t *testing.T) {
	if got, err := platformFolder("linux", "amd64"); err != nil || got != "package/bin/napi-v6/linux/x64/" {
		t.Errorf("linux/amd64: %q, %v", got, err)
	}
	if _, err := platformFolder("darwin", "amd64"); !errors.Is(err, ErrPlatform) || !strings.Contains(err.Error(), "BAYESLICE_ONNXRUNTIME") {
		t.Errorf("darwin/amd64: %v", err)
	}
}

func TestCheckKnowsTheLibrary(t *testing.T) {
	here(t)
	other := filepath.Join(t.TempDir(), LibraryName())
	if err := os.WriteFile(other, []byte("another library"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Check(other); !errors.Is(err, ErrChecksum) {
		t.Errorf("another library: %v", err)
	}
	dir, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, LibraryName())); err != nil {
		t.Skip("the library is not in the cache; scripts/setup.sh fetches it")
	}
	if err := Check(filepath.Join(dir, LibraryName())); err != nil {
		t.Errorf("the library of the pinned package: %v", err)
	}
}
