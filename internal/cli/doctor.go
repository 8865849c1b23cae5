package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"bayeslice/internal/ort"
	"bayeslice/internal/ort/fetch"
	"bayeslice/internal/settings"
	"bayeslice/render"
)

func (s *session) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what works on this machine, and what fell back to what",
		Long:  "Exits with 1 where something that the program needs is missing; the remedy stands beside it.",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return s.doctor(cmd.Context()) },
	}
}

// doctor prints the state of the machine. It returns the first thing that is missing.
func (s *session) doctor(ctx context.Context) error {
	s.say("bayeslice %s, %s, %s/%s, %d cores", s.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	missing := s.doctorRuntime(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	s.doctorDrawing()
	s.doctorPaths()
	if missing != nil {
		return missing
	}
	s.say("\neverything that is needed is there")
	return nil
}

func (s *session) doctorRuntime(ctx context.Context) error {
	s.say("\nONNX Runtime")
	o, err := s.ortOptions()
	if err != nil {
		s.say("  settings    %s", sentence(err))
		return err
	}
	r := ort.Diagnose(ctx, o)
	if r.Err != nil {
		s.say("  missing     inference cannot run")
	} else {
		s.say("  version     %s, %d threads an operator\n  library     %s (%s)", r.Version, r.Threads, r.Library.Path, r.Library.From)
	}
	for _, l := range r.Searched {
		if l.Problem != "" {
			s.say("  looked at   %s (%s): %s", l.Path, l.From, l.Problem)
		}
	}
	for _, p := range r.Providers {
		switch {
		case !p.Works:
			s.say("  %-11s no: %s", p.Provider.Label(), p.Note)
		case p.Note != "":
			s.say("  %-11s yes: %s; %s", p.Provider.Label(), p.Device, p.Note)
		default:
			s.say("  %-11s yes: %s", p.Provider.Label(), p.Device)
		}
	}
	return r.Err
}

func (s *session) doctorDrawing() {
	r, note := render.New("auto")
	s.say("\nDrawing\n  renderer    %s", r.Name())
	if note != "" {
		s.say("  fell back   %s", note)
	}
	if err := r.Close(); err != nil {
		s.say("  problem     %s", sentence(err))
	}
	switch {
	case s.Window == nil:
		s.say("  window      not in this build")
	case runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		s.say("  window      no display here (DISPLAY and WAYLAND_DISPLAY are not set); the headless commands work")
	default:
		s.say("  window      yes")
	}
}

func (s *session) doctorPaths() {
	s.say("\nFolders")
	if dir, err := fetch.Dir(); err != nil {
		s.say("  runtime     %s", sentence(err))
	} else {
		state := "there"
		if _, err := os.Stat(filepath.Join(dir, fetch.LibraryName())); errors.Is(err, os.ErrNotExist) {
			state = "empty; `bayeslice setup` fills it"
		}
		s.say("  runtime     %s (%s)", dir, state)
	}
	if store, err := settings.Open(""); err != nil {
		s.say("  settings    %s", sentence(err))
	} else {
		s.say("  settings    %s", store.File())
	}
	if value := os.Getenv(ort.EnvLibrary); value != "" {
		s.say("  %s=%s", ort.EnvLibrary, value)
	}
}

func (s *session) setupCommand() *cobra.Command {
	var o fetch.Options
	c := &cobra.Command{
		Use:   "setup",
		Short: "Fetch ONNX Runtime once into the user's cache",
		Long:  "Asks npm for Microsoft's package " + fetch.Package + " " + fetch.Version + " (about 100 MB), compares its SHA-512 with the pinned one,\nand keeps this platform's library. Nothing is run from the package.",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var stage fetch.Stage
			o.Progress = func(p fetch.Progress) {
				if p.Stage != stage {
					stage = p.Stage
					s.say("%s %s %s …", stage, fetch.Package, fetch.Version)
				}
			}
			r, err := fetch.Install(cmd.Context(), o)
			if err != nil {
				return err
			}
			if !r.Fetched {
				s.say("already there: %s", r.Library)
				return nil
			}
			s.say("installed %s", r.Library)
			return nil
		},
	}
	c.Flags().StringVar(&o.Tarball, "tarball", "", "package file that is there already, for machines without a network")
	c.Flags().BoolVar(&o.Force, "force", false, "fetch again although the library is there")
	return c
}
