package ort

import (
	"bytes"
	"debug/elf"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// needs says what a provider asks of the machine beside ONNX Runtime, for the user to install.
var needs = map[Provider]string{
	WebGPU:   "it needs a graphics driver with Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS)",
	CUDA:     "it needs an NVIDIA driver, CUDA 12 and cuDNN 9, and Microsoft's GPU build of ONNX Runtime",
	DirectML: "it needs Windows and a build of ONNX Runtime with DirectML",
	CoreML:   "it needs macOS",
}

// explain says why a provider cannot be used, and names the libraries that are missing where that is why.
func (e *Env) explain(p Provider, err error) string {
	text := reason(err)
	switch {
	case strings.Contains(text, "not supported") || strings.Contains(text, "does not support"):
		return fmt.Sprintf("this library is built without it, or the system has none of it; %s", needs[p])
	case p == CUDA && strings.Contains(text, "oad"): // "Failed to load shared library", "LoadLibrary failed"
		return missingCUDA(e.library.Path)
	}
	if needs[p] != "" && strings.Contains(strings.ToLower(text), "adapter") {
		return text + "; " + needs[p]
	}
	return text
}

// missingCUDA says what CUDA lacks beside the library: its provider, or what that needs.
func missingCUDA(library string) string {
	name := map[string]string{"windows": "onnxruntime_providers_cuda.dll"}[runtime.GOOS]
	if name == "" {
		name = "libonnxruntime_providers_cuda.so"
	}
	dir := filepath.Dir(library)
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("there is no %s beside the library, so that it is built without CUDA; %s", name, needs[CUDA])
	}
	if missing := missingLibraries(path, dir); len(missing) > 0 {
		return fmt.Sprintf("%s needs %s, which cannot be found; %s", name, strings.Join(missing, ", "), needs[CUDA])
	}
	return fmt.Sprintf("%s cannot be loaded; %s", name, needs[CUDA])
}

// missingLibraries names the shared libraries that the one at path needs and that neither lie in dir nor
// where the system's loader looks. Where that cannot be told it is empty.
func missingLibraries(path, dir string) []string {
	var missing []string
	for _, name := range importedLibraries(path) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil && !onSystem(name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// program is an opened library, of either format.
type program interface {
	io.Closer
	ImportedLibraries() ([]string, error)
}

// openProgram opens a library in the format of this system.
func openProgram(path string) (program, error) {
	if runtime.GOOS == "windows" {
		return pe.Open(path)
	}
	return elf.Open(path)
}

// importedLibraries lists what a library asks the loader for.
func importedLibraries(path string) []string {
	f, err := openProgram(path)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // only read
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil
	}
	return names
}

// onSystem reports whether the system's loader would find a library by name; true where that is not known.
func onSystem(name string) bool {
	if runtime.GOOS == "windows" {
		return inFolders(name, append(filepath.SplitList(os.Getenv("PATH")), filepath.Join(os.Getenv("SystemRoot"), "System32")))
	}
	if inFolders(name, append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/lib64", "/usr/lib64", "/lib", "/usr/lib")) {
		return true
	}
	cache, err := os.ReadFile("/etc/ld.so.cache") // names end in a zero byte
	return err != nil || bytes.Contains(cache, append([]byte(name), 0))
}

func inFolders(name string, folders []string) bool {
	for _, dir := range folders {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}
