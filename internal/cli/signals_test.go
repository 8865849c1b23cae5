//go:build unix

package cli

import (
	"context"
	"os"
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
