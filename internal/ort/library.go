package ort

import (
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"bayeslice/internal/ort/fetch"
)

// remedy ends every sentence about a missing or unusable library.
var remedy = fmt.Sprintf("run `bayeslice setup` (or `make setup`) once to fetch version %s, or set %s to a library of version 1.24 or later", fetch.Version, EnvLibrary)

// Library is a place where ONNX Runtime was looked for.
type Library struct {
	Path    string // absolute, or a bare name that the system's loader resolves
	From    string // why this place, e.g. "user cache"
	Problem string // why it cannot be used; "" where the file looks right
	Named   bool   // the user named this place, so that its problem is an error instead of a reason to look further
}

// Search lists the places in the order in which they are tried: the option, the environment
// variable [EnvLibrary], the settings, beside the executable, lib/bayeslice beside the bin folder in which the
// executable lies, the user cache, the system's loader. It reads the head of each file, and loads none.
func Search(o Options) []Library {
	var found []Library
	add := func(place, from string, named bool) {
		if place == "" {
			return
		}
		path, problem := resolveLibrary(place)
		found = append(found, Library{Path: path, From: from, Problem: problem, Named: named})
	}
	add(o.Library, "option", true)
	add(os.Getenv(EnvLibrary), "environment variable "+EnvLibrary, true)
	add(o.Settings, "settings", true)
	for i, dir := range besideProgram() {
		add(dir, [...]string{"beside the program", "of this installation"}[i], false)
	}
	if dir, err := fetch.Dir(); err == nil {
		add(filepath.Join(dir, fetch.LibraryName()), "user cache", false)
	}
	return append(found, Library{Path: systemName(), From: "system"})
}

// besideProgram lists the folders in which a package puts the library: that of the executable, behind symbolic
// links, and for one in bin, as /usr/bin, also lib/bayeslice beside it.
func besideProgram() []string {
	exe, err := os.Executable()
	if err != nil { // as in a root without /proc
		if exe, err = exec.LookPath(os.Args[0]); err != nil {
			return nil
		}
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	dir := filepath.Dir(exe)
	if filepath.Base(dir) != "bin" {
		return []string{dir}
	}
	return []string{dir, filepath.Join(filepath.Dir(dir), "lib", "bayeslice")}
}

const noSuchFile = "there is no such file"

// damaged names the places that hold something that was passed over.
func damaged(places []Library) string {
	var s strings.Builder
	for _, l := range places {
		if l.Problem != "" && l.Problem != noSuchFile {
			fmt.Fprintf(&s, ", and %s (%s): %s", l.Path, l.From, l.Problem)
		}
	}
	return s.String()
}

// choose returns the first usable place. A named place that is unusable is an error: the user
// meant that one.
func choose(places []Library) (Library, error) {
	for _, l := range places {
		if l.Problem == "" {
			return l, nil
		}
		if l.Named {
			return Library{}, fmt.Errorf("%w: %s (%s): %s; %s", ErrLibrary, l.Path, l.From, l.Problem, remedy)
		}
	}
	return Library{}, fmt.Errorf("%w; %s", ErrLibrary, remedy)
}

// resolveLibrary turns a file or folder into the library's absolute path, and says what is wrong with it.
func resolveLibrary(place string) (path, problem string) {
	path, err := filepath.Abs(place)
	if err != nil {
		return place, err.Error()
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		path = libraryIn(path)
		info, err = os.Stat(path)
	}
	switch {
	case os.IsNotExist(err):
		return path, noSuchFile
	case err != nil:
		return path, err.Error()
	case !info.Mode().IsRegular():
		return path, "it is not a file"
	}
	return path, checkBinary(path)
}

// libraryIn returns the first of the usual names that exists in a folder, else the first name.
func libraryIn(dir string) string {
	names := []string{fetch.LibraryName(), systemName()}
	switch runtime.GOOS {
	case "linux":
		names = append(names, "libonnxruntime.so")
	case "darwin":
		names = append(names, "libonnxruntime.dylib", "libonnxruntime.1.dylib")
	}
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(dir, n)); err == nil {
			return filepath.Join(dir, n)
		}
	}
	return filepath.Join(dir, names[0])
}

// systemName is the name that the system's loader is asked for last.
func systemName() string {
	switch runtime.GOOS {
	case "windows":
		return "onnxruntime.dll"
	case "darwin":
		return "libonnxruntime.dylib"
	}
	return "libonnxruntime.so.1"
}

// checkBinary says why a file is not a shared library for this machine, or "".
func checkBinary(path string) string {
	kind, machine, err := binaryKind(path)
	if err != nil {
		return "it is not a " + kind + " shared library"
	}
	if want := runtime.GOARCH; machine != want {
		return fmt.Sprintf("it is built for %s, this program for %s", machine, want)
	}
	return ""
}

// binaryKind reads the head of a library of this operating system's format; machine is a GOARCH
// name where it is one of ours.
func binaryKind(path string) (kind, machine string, err error) {
	switch runtime.GOOS {
	case "windows":
		f, err := pe.Open(path)
		if err != nil {
			return "Windows (PE)", "", err
		}
		defer f.Close() //nolint:errcheck // only read
		return "Windows (PE)", goArch(f.Machine == pe.IMAGE_FILE_MACHINE_AMD64, f.Machine == pe.IMAGE_FILE_MACHINE_ARM64, fmt.Sprintf("machine %#x", f.Machine)), nil
	case "darwin":
		f, err := macho.Open(path)
		if err != nil {
			return "macOS (Mach-O)", "", err
		}
		defer f.Close() //nolint:errcheck // only read
		return "macOS (Mach-O)", goArch(f.Cpu == macho.CpuAmd64, f.Cpu == macho.CpuArm64, f.Cpu.String()), nil
	}
	f, err := elf.Open(path)
	if err != nil {
		return "Linux (ELF)", "", err
	}
	defer f.Close() //nolint:errcheck // only read
	if f.Type != elf.ET_DYN {
		return "Linux (ELF)", "", fmt.Errorf("type %v", f.Type)
	}
	return "Linux (ELF)", goArch(f.Machine == elf.EM_X86_64, f.Machine == elf.EM_AARCH64, f.Machine.String()), nil
}

func goArch(amd64, arm64 bool, other string) string {
	switch {
	case amd64:
		return "amd64"
	case arm64:
		return "arm64"
	}
	return other
}

// loadReason turns the loader's error into the part of a sentence that a user can act on.
func loadReason(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "Error setting ORT API base"):
		return "its interface is older than this program needs (version 1.24)"
	case strings.Contains(text, "OrtGetApiBase"):
		return "it is a shared library, but not ONNX Runtime"
	case strings.Contains(text, "cannot open shared object file") || strings.Contains(text, "not be found"):
		return "it or a library it needs is not installed"
	}
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}
