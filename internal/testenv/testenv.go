// Package testenv tells tests what this machine offers, and skips them with a printed reason where
// something is missing. BAYESLICE_REQUIRE (a comma-separated list of "data", "ort", "gl", "display",
// "webgpu", "slurm", "dicom3tools", "pydicom", "orthanc", "strace") turns the skip into a failure, so that a machine meant to have everything cannot pass by skipping.
package testenv

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Data returns the path of a file or folder of the shared test data, or skips the test. The folder
// is the environment variable BAYESLICE_TESTDATA, else ../shared/data beside the repository.
func Data(t testing.TB, elem ...string) string {
	t.Helper()
	path, ok := Find(elem...)
	if !ok {
		SkipOrFail(t, "data", "the shared test data "+filepath.Join(elem...)+" are not on this machine (set BAYESLICE_TESTDATA)")
	}
	return path
}

// Find returns the path that [Data] does, and whether anything is there.
func Find(elem ...string) (path string, ok bool) {
	root := os.Getenv("BAYESLICE_TESTDATA")
	if root == "" {
		root = filepath.Join(Root(), "..", "shared", "data")
	}
	path = filepath.Join(append([]string{root}, elem...)...)
	_, err := os.Stat(path)
	return path, err == nil
}

// Root returns the repository's root folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// softwareVulkan is SwiftShader, a Vulkan device in software, of Debian's chromium-common.
const softwareVulkan = "/usr/lib/chromium/vk_swiftshader_icd.json"

// SoftwareVulkan lets WebGPU compute in software for the length of a test, where that is installed, so that it is the same device on
// every machine. VK_ICD_FILENAMES names another one. Tests of OpenGL are not touched.
func SoftwareVulkan(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(softwareVulkan); err == nil && os.Getenv("VK_ICD_FILENAMES")+os.Getenv("VK_DRIVER_FILES") == "" {
		t.Setenv("VK_ICD_FILENAMES", softwareVulkan)
	}
}

// SkipOrFail skips the test with a reason, or fails it where BAYESLICE_REQUIRE names what.
func SkipOrFail(t testing.TB, what, reason string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("BAYESLICE_REQUIRE"), ","), what) {
		t.Fatalf("%s is required here: %s", what, reason)
	}
	t.Skip(reason)
}
