//go:build !(linux || darwin)

package report

// freeBytes knows nothing on this system.
func freeBytes(string) (free uint64, known bool) { return 0, false }
