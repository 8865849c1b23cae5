//go:build unix

package scratch

import (
	"os"
	"syscall"
)

// own reports whether a path is a folder that belongs to this user alone: the temporary folder is everybody's.
func own(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
