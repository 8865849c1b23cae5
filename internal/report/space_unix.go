//go:build linux || darwin

package report

import "golang.org/x/sys/unix"

// freeBytes returns what an ordinary user may still write to the disk of a folder. known is false where
// the file system does not tell.
func freeBytes(dir string) (free uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Blocks == 0 || s.Bsize <= 0 {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
