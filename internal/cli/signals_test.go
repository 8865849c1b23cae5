//go:build unix

package cli

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestSignalsStopThenAbort(t *testing.T) {
	stop, abort, release := Signals(context.Background())
	defer release()
	for _, ended := range []context.Context{stop, abort} {
		if ended.Err() != nil {
			t.Fatal("ended before a signal")
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended.Done():
		case <-time.After(5 * time.Second):
			t.Fatal("the signal did nothing")
		}
	}
}

// pester asks the test binary to wait for the signals that its parent sends.
const pester = "BAYESLICE_TEST_THIRD_SIGNAL"

func TestTheThirdSignalKills(t *testing.T) {
	if os.Getenv(pester) != "" {
		stop, abort, _ := Signals(context.Background())
		for range 2 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-stop.Done() // the second may not merge with the first
		}
		<-abort.Done()
		for range 20 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^TestTheThirdSignalKills$")
	c.Env = append(os.Environ(), pester+"=1")
	err := c.Run()
	state, ok := c.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !state.Signaled() || state.Signal() != syscall.SIGTERM {
		t.Errorf("after the third signal: %v, want killed by SIGTERM", err)
	}
}
