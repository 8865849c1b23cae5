//go:build !linux && !darwin && !windows

package machine

// systemFacts knows nothing of other systems.
func systemFacts() []string { return nil }
