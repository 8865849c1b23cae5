package app

import (
	"bytes"
	"fmt"
	"os"
)

// memoryInUse is what the program holds in memory now, in bytes; 0 where it is not known.
func memoryInUse() int64 { return procField("/proc/self/status", "VmRSS:") }

// memoryFree is the memory that programs can still take, in bytes; 0 where it is not known.
func memoryFree() int64 { return procField("/proc/meminfo", "MemAvailable:") }

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
