// Command fetch-onnxruntime puts the pinned ONNX Runtime library into the per-user cache, as
// `bayeslice setup` does, but builds without a C compiler. The Makefile calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"bayeslice/internal/ort/fetch"
)

func main() {
	tarball := flag.String("tarball", "", "package file that is there already, instead of asking npm")
	force := flag.Bool("force", false, "fetch again although the library is there")
	check := flag.Bool("check", false, "read the whole library and compare its SHA-256, for packages")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, fetch.Options{Tarball: *tarball, Force: *force}, *check)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o fetch.Options, check bool) error {
	var last fetch.Stage
	o.Progress = func(p fetch.Progress) {
		if p.Stage != last {
			last = p.Stage
			fmt.Fprintf(os.Stderr, "onnxruntime %s: %s\n", fetch.Version, p.Stage)
		}
	}
	r, err := fetch.Install(ctx, o)
	if err != nil {
		return err
	}
	if check {
		if err := fetch.Check(r.Library); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(os.Stdout, r.Library)
	return err
}
