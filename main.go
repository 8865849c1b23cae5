// Bayeslice shows how sure a Bayesian network is about the zones and suspected cancers of a prostate
// MRI. Research use only; not a medical device.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	"bayeslice/app"
	"bayeslice/internal/about"
	"bayeslice/internal/cli"
	_ "bayeslice/internal/locale" // before Fyne looks at the locale
)

// metadata is what the program says about itself, its version among it.
//
//go:embed FyneApp.toml
var metadata string

func main() { os.Exit(run()) }

// run is main with deferred calls that happen before the exit.
func run() int {
	program, err := about.Read(metadata)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return cli.ExitFailure
	}
	ctx, abort, release := cli.Signals(context.Background())
	defer release()
	return cli.Execute(ctx, cli.Options{
		Args: os.Args[1:], Out: os.Stdout, Err: os.Stderr, Version: program.Version, Abort: abort.Done(),
		Window: func(ctx context.Context, r cli.WindowRequest) error { return window(ctx, program, r) },
	})
}

// window runs the application until its window is closed.
func window(ctx context.Context, program about.Program, r cli.WindowRequest) error {
	return app.Run(ctx, app.Options{Program: program, Exam: r.Exam, Exams: r.Exams, List: r.List, Models: r.Models, Library: r.Library, Provider: r.Provider, Threads: r.Threads, Renderer: r.Renderer, Unattended: r.Unattended})
}
