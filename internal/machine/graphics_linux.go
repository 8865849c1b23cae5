package machine

import (
	"os"
	"path/filepath"
	"strings"
)

// systemFacts reads the processor's name, the kernel (which holds most graphics drivers), the graphics cards on the bus, and
// the version of NVIDIA's driver.
func systemFacts() []string {
	facts := []string{"processor " + field("/proc/cpuinfo", "model name"), "kernel " + firstLine("/proc/sys/kernel/osrelease")}
	if v := firstLine("/proc/driver/nvidia/version"); v != "" {
		facts = append(facts, v)
	}
	cards, err := filepath.Glob("/sys/class/drm/card[0-9]*/device/vendor")
	if err != nil {
		return facts
	}
	for _, vendor := range cards {
		facts = append(facts, "graphics "+firstLine(vendor)+" "+firstLine(filepath.Join(filepath.Dir(vendor), "device")))
	}
	return facts
}

// firstLine returns the first line of a file; "" where it cannot be read.
func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}
