package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals returns a context that ends at the first Ctrl-C or SIGTERM, and one that ends at the
// second. From then on signals have their usual effect, so that a third one kills the program.
// release gives the signals back.
func Signals(parent context.Context) (stop, abort context.Context, release func()) {
	stop, cancelStop := context.WithCancel(parent)
	abort, cancelAbort := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for _, cancel := range []context.CancelFunc{cancelStop, cancelAbort} {
			select {
			case <-signals:
				cancel()
			case <-done:
				return
			}
		}
		signal.Stop(signals)
	}()
	return stop, abort, func() {
		signal.Stop(signals)
		close(done)
		cancelStop()
		cancelAbort()
	}
}
