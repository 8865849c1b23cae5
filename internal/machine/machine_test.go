package machine

import (
	"os"
	"runtime"
	"testing"
)

func TestMemoryIsTold(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("only Linux and Windows say how much memory is free and in use")
	}
	total, free, used := Total(), Free(), InUse()
	if used < 1<<20 || total < used || free <= 0 {
		t.Fatalf("%d bytes in use of %d, %d free", used, total, free)
	}
	block := make([]byte, 64<<20)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	if more := InUse(); more < used+48<<20 {
		t.Errorf("%d bytes in use with 64 MB more than %d", more, used)
	}
	runtime.KeepAlive(block)
}
