package syserr_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"bayeslice/internal/syserr"
)

// TestTheSystemSaysSo lets the system refuse what it can be made to here.
func TestTheSystemSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", address); !errors.Is(err, syserr.Refused) {
		t.Errorf("a port at which nothing listens: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(file, "folder"), 0o700); runtime.GOOS != "windows" && !errors.Is(err, syserr.NoFolder) {
		t.Errorf("a folder in a file: %v", err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(file); runtime.GOOS == "windows" && !errors.Is(err, syserr.InUse) {
		t.Errorf("a file that is open: %v", err)
	}
}

// TestADiskWithoutSpace asks the device of Linux that is always full.
func TestADiskWithoutSpace(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a device that is always full")
	}
	if err := os.WriteFile("/dev/full", []byte("x"), 0o600); !errors.Is(err, syserr.DiskFull) {
		t.Error(err)
	}
}
