//go:build !unix

package scratch

import "os"

// own reports whether a path is a folder: here the temporary folder is the user's own.
func own(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
