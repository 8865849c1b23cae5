//go:build !linux

package app

// What a test asks of the program on Linux only is asked of none here.
const (
	childScroll = "BAYESLICE_TEST_SCROLL"
	childBeat   = "BAYESLICE_TEST_BEAT"
)

func enterDisk() error  { return nil }
func enterTrace() error { return nil }

func scrollWindow(string) int { return 1 }
func beat(string) error       { return nil }
