package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Signature describes what decides how fast this computer computes: system, processor, graphics and their drivers, one
// fact a line, sorted. It changes where one of them does, and holds nothing about its user.
func Signature() []string {
	facts := append([]string{fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}, systemFacts()...)
	for _, path := range VulkanDrivers() {
		if info, err := os.Stat(path); err == nil { // an update of the driver replaces the file
			facts = append(facts, fmt.Sprintf("Vulkan driver %s of %d", path, info.ModTime().Unix()))
		}
	}
	slices.Sort(facts)
	return facts
}

// vulkanFolders are where the Vulkan loader of Linux looks for the manifests of drivers.
var vulkanFolders = []string{"/etc/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"}

// VulkanDrivers returns the manifests of the Vulkan drivers that the loader of Linux would use, which obeys VK_DRIVER_FILES,
// VK_ICD_FILENAMES and VK_ADD_DRIVER_FILES. It is empty where there is none, and on other systems.
func VulkanDrivers() []string {
	if runtime.GOOS != "linux" {
		return nil
	}
	for _, name := range []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES"} {
		if list := os.Getenv(name); list != "" {
			return existing(filepath.SplitList(list))
		}
	}
	paths := existing(filepath.SplitList(os.Getenv("VK_ADD_DRIVER_FILES")))
	folders := slices.Clone(vulkanFolders)
	for _, dir := range append(filepath.SplitList(os.Getenv("XDG_DATA_DIRS")), filepath.Join(os.Getenv("HOME"), ".local", "share"), os.Getenv("XDG_DATA_HOME")) {
		if dir != "" {
			folders = append(folders, filepath.Join(dir, "vulkan", "icd.d"))
		}
	}
	for _, dir := range folders {
		found, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err == nil {
			paths = append(paths, found...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// existing returns the files among paths that are there, those of a folder in its place.
func existing(paths []string) []string {
	var out []string
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case p == "" || err != nil:
		case info.IsDir():
			if found, err := filepath.Glob(filepath.Join(p, "*.json")); err == nil {
				out = append(out, found...)
			}
		default:
			out = append(out, p)
		}
	}
	return out
}

// field returns the text after the colon of the first line of a file that begins with name; "" where there is none.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
