package machine

import "testing"

func TestWhatTheKernelDoesNotTellIsZero(t *testing.T) {
	if procField("/proc/meminfo", "NoSuchField:") != 0 || procField("/proc/none", "VmRSS:") != 0 {
		t.Error("what is not there was told")
	}
}
