// Package cli is the command line of Bayeslice: headless inference, phantoms, models, the state of the
// machine. It turns errors into sentences with a next step, and exit codes. It opens no window itself:
// that is handed in, so that every command but open works on machines without a display.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"bayeslice/internal/devices"
	"bayeslice/internal/models"
	"bayeslice/internal/scratch"
	"bayeslice/internal/study"
)

// Exit codes of [Execute].
const (
	ExitOK          = 0
	ExitFailure     = 1   // something could not be done; the sentence on standard error says what and what next
	ExitUsage       = 2   // the command line is wrong
	ExitBusy        = 75  // another process works on the element of a study; later it may be free
	ExitInterrupted = 130 // stopped by Ctrl-C or SIGTERM; what was done is kept
)

// WindowRequest says what the window starts with.
type WindowRequest struct {
	Exam     string   // "" shows the start page
	Exams    string   // folder of exams whose work list is shown; "" shows none
	List     string   // file of that list; "" is the one in the folder
	Models   []string // names of bundled models or files, offered first
	Library  string   // ONNX Runtime library or its folder; "" searches
	Provider string   // execution provider; "" takes the settings
	Threads  int      // 0 takes the settings
	Renderer string   // "auto", "gl" or "cpu"; "" takes the settings
	// Unattended is for programs that drive the window: it asks nothing at the start.
	Unattended bool
}

// Options of [Execute].
type Options struct {
	Args     []string // without the program's name
	Out, Err io.Writer
	Version  string
	// Abort is closed at the second interrupt: what is being written is given up. Nil never is.
	Abort <-chan struct{}
	// Models are the bundled models; nil takes those embedded in the program.
	Models *models.Library
	// Devices are what the machine offers; tests put others here. Without a clock it is this machine.
	Devices devices.Options
	// Window shows the window until it is closed; nil means that this build has none.
	Window func(ctx context.Context, r WindowRequest) error
}

// errUsage marks a wrong command line.
var errUsage = errors.New("usage")

// errInterrupted marks a command that was stopped after keeping what was done.
var errInterrupted = errors.New("stopped")

// session is one run of the program.
type session struct {
	Options
	library, device string // persistent flags
	threads         int
	on              *devices.Set // what the command computes on; nil before it does
}

// Execute runs the command line and returns the exit code. ctx ends at the first interrupt. A fault
// of the program is caught and told without contents of the data.
func Execute(ctx context.Context, o Options) (code int) {
	s := &session{Options: o}
	defer func() {
		if fault := recover(); fault != nil {
			s.reportFault(fault)
			code = ExitFailure
		}
	}()
	scratch.Sweep()
	root := s.root()
	root.SetArgs(o.Args)
	root.SetOut(o.Out)
	root.SetErr(o.Err)
	return s.exitCode(ctx, root.ExecuteContext(ctx))
}

// Commands returns the commands with their help, for manual pages. None may be run.
func Commands(version string) *cobra.Command {
	return (&session{Options: Options{Version: version, Out: io.Discard, Err: io.Discard}}).root()
}

// exitCode tells an error and turns it into an exit code.
func (s *session) exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, errUsage):
		fmt.Fprintf(s.Err, "bayeslice: %s\nRun `bayeslice help` for the commands, or any command with --help for its flags.\n", strings.TrimPrefix(err.Error(), "usage: "))
		return ExitUsage
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(s.Err, "bayeslice: stopped.")
		return ExitInterrupted
	}
	fmt.Fprintln(s.Err, explain(err))
	if errors.Is(err, study.ErrBusy) {
		return ExitBusy
	}
	return ExitFailure
}

// reportFault tells of a panic: where in the program it happened, never with which data.
func (s *session) reportFault(fault any) {
	what := fmt.Sprintf("%T", fault)
	var re runtime.Error
	if err, ok := fault.(error); ok && errors.As(err, &re) {
		what = re.Error()
	}
	fmt.Fprintf(s.Err, "bayeslice: the program has a fault (%s) and had to stop; files that were complete are kept.\n"+
		"Please report the lines below, which hold no patient data, together with the command you ran.\nversion %s, %s/%s\n", what, s.Version, runtime.GOOS, runtime.GOARCH)
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		fmt.Fprintf(s.Err, "  %s:%d\n", f.Function, f.Line)
		if !more {
			return
		}
	}
}

// root builds the commands.
func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "bayeslice",
		Short:             "See how sure a Bayesian network is about a prostate MRI",
		Long:              "Bayeslice opens prostate MRI exams offline, samples a Bayesian 3D U-Net, and shows zones, suspected\ncancer and how sure the network is.\n\n" + disclaimer,
		Version:           s.Version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              noArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return s.checkShared() },
		RunE:              func(cmd *cobra.Command, _ []string) error { return s.openWindow(cmd.Context(), WindowRequest{}) },
	}
	root.SetVersionTemplate("bayeslice {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&s.library, "library", "", "ONNX Runtime library or its folder (default: search; see doctor)")
	flags.StringVar(&s.device, "device", "", "execution provider: "+providerNames()+" (default: that of the preferences, else the fastest; see devices)")
	flags.IntVar(&s.threads, "threads", 0, "threads of one operator, 0 for all cores, one less from 5 on")
	root.AddCommand(s.openCommand(), s.inferCommand(), s.phantomCommand(), s.modelCommand(), s.examCommand(), s.worklistCommand(), s.dicomwebCommand(), s.evaluateCommand(),
		s.trainCommand(), s.studyCommand(), s.devicesCommand(), s.doctorCommand(), s.setupCommand(), s.demoCommand(), s.versionCommand(), s.licencesCommand())
	return root
}

// group makes a command that only has subcommands.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return usageError("%s needs a subcommand; see `%s --help`", cmd.CommandPath(), cmd.CommandPath())
	}}
	c.AddCommand(sub...)
	return c
}

func (s *session) openCommand() *cobra.Command {
	var r WindowRequest
	c := &cobra.Command{Use: "open [EXAM]", Short: "Open the window, on an exam where one is given", Args: atMostOneArg("an EXAM: a folder, ZIP or image file"), RunE: func(cmd *cobra.Command, args []string) error {
		if err := checkRenderer(r.Renderer); err != nil {
			return err
		}
		if len(args) == 1 {
			r.Exam = args[0]
			if _, err := os.Stat(r.Exam); err != nil {
				return err
			}
		}
		return s.openWindow(cmd.Context(), r)
	}}
	c.Flags().StringArrayVar(&r.Models, "model", nil, "bundled model or model file to offer first; may be repeated")
	c.Flags().StringVar(&r.Renderer, "renderer", "", strings.Join(renderers, ", "))
	c.Flags().BoolVar(&r.Unattended, "unattended", false, "ask nothing at the start, for programs that drive the window")
	return c
}

func (s *session) openWindow(ctx context.Context, r WindowRequest) error {
	if s.Window == nil {
		return errNoWindow
	}
	r.Library, r.Provider, r.Threads = s.library, s.device, s.threads
	return s.Window(ctx, r)
}

// errNoWindow: the program was built without a window.
var errNoWindow = errors.New("cli: this build has no window")

// program is the name and version for files.
func (s *session) program() string { return "Bayeslice " + s.Version }

// say prints a line of progress or of result.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }
