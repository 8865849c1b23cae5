// Package fetch brings the ONNX Runtime shared library onto a machine once: it lets the user's own
// npm fetch Microsoft's package onnxruntime-node at a pinned version, compares the SHA-512 with the
// one below before anything is unpacked, and keeps only this platform's libraries in the per-user
// cache. It needs no C compiler, runs no install script, names no server, and loads nothing.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// What is fetched. The package is Microsoft's, under the MIT licence.
const (
	Package = "onnxruntime-node"
	Version = "1.27.0"
	SHA512  = "404cc6c2bbcd060bf8b8f55d9db1ec3861b81ba4fdea676570523c68028f8cc53cc0e3e956870f5dbea4dd01a46996a0553bf61bd0679dba3a67725d5ebd5f43"
)

// Sentinels. Their sentences end in what to do next.
var (
	// ErrPlatform marks an operating system or processor for which the package has no library.
	ErrPlatform = errors.New("fetch: ONNX Runtime is not published for this platform")
	// ErrNPM marks that npm is not installed, or that it could not fetch the package.
	ErrNPM = errors.New("fetch: npm could not bring the package")
	// ErrChecksum marks a package whose SHA-512 is not the pinned one. It was deleted, or left alone
	// where the user named the file; nothing was unpacked.
	ErrChecksum = errors.New("fetch: package refused")
	// ErrPackage marks a package that does not hold what it should.
	ErrPackage = errors.New("fetch: package is damaged")
)

// Stage is a step of [Install].
type Stage string

// Steps, in order.
const (
	Downloading Stage = "downloading"
	Checking    Stage = "checking"
	Unpacking   Stage = "unpacking"
)

// Progress tells how far a step is. Total is 0 where it is not known, as while npm downloads.
type Progress struct {
	Stage       Stage
	Done, Total int64 // bytes
}

// Options changes what [Install] does; the zero value is what users want.
type Options struct {
	Root     string         // cache folder instead of the user's; the library goes into Root/<version>
	Tarball  string         // a package file that is there already (offline machines); npm is not asked
	Force    bool           // fetch again although the library is there
	Progress func(Progress) // called on the calling goroutine; must return at once; may be nil

	pin pin    // tests put a small package here
	npm string // tests put another program here
}

// Result is what [Install] leaves behind.
type Result struct {
	Dir     string // folder of this version
	Library string // path of the shared library
	Fetched bool   // false where it was there already
}

// pin is a package that is trusted.
type pin struct{ name, version, sha512 string }

// Root returns the cache folder of all versions, <user cache>/bayeslice/onnxruntime. It fails
// where the operating system tells no user cache folder.
func Root() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("fetch: no cache folder: %w", err)
	}
	return filepath.Join(cache, "bayeslice", "onnxruntime"), nil
}

// Dir returns the folder of the pinned version in the user's cache. It need not exist.
func Dir() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, Version), nil
}

// LibraryName is the file name of the shared library on this operating system.
func LibraryName() string {
	switch runtime.GOOS {
	case "windows":
		return "onnxruntime.dll"
	case "darwin":
		return "libonnxruntime." + Version + ".dylib"
	}
	return "libonnxruntime.so.1"
}

// Install makes sure that the pinned library lies in the cache, and says where. It does nothing
// where it is there already. A cancelled or failed install leaves no trace: the folder appears in
// one rename. It fails with [ErrPlatform], [ErrNPM], [ErrChecksum], [ErrPackage], or ctx.Err().
func Install(ctx context.Context, o Options) (Result, error) {
	if err := o.fill(); err != nil {
		return Result{}, err
	}
	folder, err := platformFolder(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return Result{}, err
	}
	dir := filepath.Join(o.Root, o.pin.version)
	done := Result{Dir: dir, Library: filepath.Join(dir, LibraryName())}
	if !o.Force && installed(dir, o.pin) {
		return done, nil
	}
	if err := os.MkdirAll(o.Root, 0o750); err != nil {
		return Result{}, fmt.Errorf("fetch: cache folder: %w", err)
	}
	staging, err := os.MkdirTemp(o.Root, ".staging-")
	if err != nil {
		return Result{}, fmt.Errorf("fetch: cache folder: %w", err)
	}
	defer os.RemoveAll(staging) //nolint:errcheck // a leftover folder does no harm
	if err := o.build(ctx, staging, folder); err != nil {
		return Result{}, err
	}
	if err := publish(filepath.Join(staging, "content"), dir); err != nil {
		return Result{}, err
	}
	done.Fetched = true
	return done, nil
}

// fill completes the options.
func (o *Options) fill() error {
	if o.pin == (pin{}) {
		o.pin = pin{Package, Version, SHA512}
	}
	if o.npm == "" {
		o.npm = "npm"
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Root != "" {
		return nil
	}
	root, err := Root()
	o.Root = root
	return err
}

// build fetches, checks and unpacks into staging/content.
func (o *Options) build(ctx context.Context, staging, folder string) error {
	tarball := o.Tarball
	if tarball == "" {
		o.Progress(Progress{Stage: Downloading})
		var err error
		if tarball, err = npmPack(ctx, o.npm, o.pin, staging); err != nil {
			return err
		}
	}
	f, err := os.Open(tarball)
	if err != nil {
		return fmt.Errorf("fetch: package file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if err := checkSum(ctx, f, o.pin, o.Progress); err != nil {
		return err
	}
	content := filepath.Join(staging, "content")
	if err := os.Mkdir(content, 0o750); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return unpack(ctx, f, content, folder, o.pin, o.Progress)
}

// publish moves the finished folder to its place. An older or broken one is put aside first; a
// folder that another process has published meanwhile is as good as ours.
func publish(content, dir string) error {
	old := content + ".old" // inside the staging folder, removed with it
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("fetch: the library in %s is in use; close the program that uses it and try again: %w", dir, err)
	}
	if err := os.Rename(content, dir); err != nil {
		if _, statErr := os.Stat(filepath.Join(dir, manifestName)); statErr == nil {
			return nil
		}
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}

// platformFolder is the folder of a platform's libraries inside the package.
func platformFolder(goos, goarch string) (string, error) {
	have := map[string]string{
		"linux/amd64": "linux/x64", "linux/arm64": "linux/arm64", "darwin/arm64": "darwin/arm64",
		"windows/amd64": "win32/x64", "windows/arm64": "win32/arm64",
	}
	folder, ok := have[goos+"/"+goarch]
	if !ok {
		return "", fmt.Errorf("%w (%s/%s); build or obtain ONNX Runtime 1.24 or later yourself and point BAYESLICE_ONNXRUNTIME at it", ErrPlatform, goos, goarch)
	}
	return "package/bin/napi-v6/" + folder + "/", nil
}
