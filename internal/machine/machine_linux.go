package machine

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// InUse is what this program holds in memory now, in bytes (resident, libraries and their buffers included).
func InUse() int64 { return procField("/proc/self/status", "VmRSS:") }

// Free is the memory that programs can still take, in bytes.
func Free() int64 { return procField("/proc/meminfo", "MemAvailable:") }

// Total is all the memory that this program may ever have, in bytes: that of the machine, or of the container where that is less.
func Total() int64 {
	all := procField("/proc/meminfo", "MemTotal:")
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} { // cgroups v2, v1
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if most, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err == nil && most > 0 && (all == 0 || most < all) {
			all = most
		}
	}
	return all
}

// procField reads a field in kB from a file of the kernel.
func procField(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			var kB int64
			if _, err := fmt.Sscan(string(rest), &kB); err != nil {
				return 0
			}
			return kB * 1024
		}
	}
	return 0
}
