package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bayeslice/internal/ort"
)

// maxThreads bounds --threads: no machine has more cores, and each thread costs memory.
const maxThreads = 1024

// renderers are the values of --renderer.
var renderers = []string{"auto", "gl", "cpu"}

// usageError is a wrong command line, in words.
func usageError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		return usageError("there is no command %q%s", strings.TrimSpace(args[0]), suggestion(cmd, args[0]))
	}
	return usageError("%s takes no argument, and got %q", cmd.Name(), args[0])
}

// suggestion names the commands that are spelled alike.
func suggestion(cmd *cobra.Command, name string) string {
	if alike := cmd.SuggestionsFor(name); len(alike) > 0 {
		return "; did you mean " + strings.Join(alike, " or ") + "?"
	}
	return ""
}

// oneArg asks for exactly one argument; what names it.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageError("%s needs %s", cmd.Name(), what)
		case len(args) > 1:
			return usageError("%s takes one argument, %s, and got %d; put names with blanks in quotes", cmd.Name(), what, len(args))
		}
		return nil
	}
}

// atMostOneArg asks for an argument or none; what names it.
func atMostOneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usageError("%s takes at most one argument, %s, and got %d; put names with blanks in quotes", cmd.Name(), what, len(args))
		}
		return nil
	}
}

// flagError says what is wrong with a flag.
func flagError(_ *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		return usageError("--%s %q is not %s", value.GetFlag().Name, value.GetValue(), kindOf(value.GetFlag()))
	case errors.As(err, &missing):
		return usageError("--%s needs a value", missing.GetFlag().Name)
	case errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) == 1:
		return usageError("there is no flag -%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return usageError("there is no flag --%s", unknown.GetSpecifiedName())
	}
	return usageError("%w", err)
}

// kindOf says in words what a flag's value is.
func kindOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return "a whole number, or too large"
	case "uint64":
		return "a whole number from 0 up, or too large"
	case "bool":
		return "true or false"
	case "float64":
		return "a number"
	}
	return "a " + f.Value.Type()
}

// checkShared refuses values of the flags that all commands share.
func (s *session) checkShared() error {
	if s.threads < 0 || s.threads > maxThreads {
		return usageError("--threads is %d; it is a number from 1 to %d, or 0 for the default", s.threads, maxThreads)
	}
	if _, err := ort.ParseProvider(s.device); err != nil {
		return usageError("--device %q is not known; it is one of %s", s.device, providerNames())
	}
	return nil
}

// providerNames lists the values of --device.
func providerNames() string {
	var names []string
	for _, p := range ort.Providers() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// checkRenderer refuses an unknown renderer; "" takes the settings.
func checkRenderer(name string) error {
	if name != "" && !slices.Contains(renderers, name) {
		return usageError("--renderer %q is not known; it is one of %s", name, strings.Join(renderers, ", "))
	}
	return nil
}
