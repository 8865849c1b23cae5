package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bayeslice/internal/devices"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
)

// devicesJob are the flags of devices.
type devicesJob struct {
	models          []string
	measure, asJSON bool
}

func (s *session) devicesCommand() *cobra.Command {
	var j devicesJob
	c := &cobra.Command{
		Use:   "devices",
		Short: "Say which devices there are, how fast each is, and which is chosen why",
		Long: "A model runs on the device that is asked for with --device or in the preferences, else on the fastest one. Which that is was\n" +
			"measured for each model when it ran first on this machine, and is kept in the user's cache. --measure measures anew; Ctrl-C\n" +
			"stops that and keeps what is known by then.",
		Example: "  bayeslice devices\n  bayeslice devices --measure\n  bayeslice devices --model mine.onnx --device webgpu --measure",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.listDevices(cmd.Context(), j) },
	}
	f := c.Flags()
	f.StringArrayVarP(&j.models, "model", "m", nil, "bundled model or model file to tell about; may be repeated (default: the bundled ones that are used by default)")
	f.BoolVar(&j.measure, "measure", false, "measure the devices now, also where they were measured before; a graphics card may take minutes")
	f.BoolVar(&j.asJSON, "json", false, "print JSON")
	return c
}

// devicesReport is what the command tells, and prints as JSON.
type devicesReport struct {
	Version   string         `json:"onnxRuntime"`
	Library   string         `json:"library"`
	Asked     ort.Provider   `json:"asked"`
	AskedBy   string         `json:"askedBy"` // where it was asked for; "" for the automatic choice
	Threads   int            `json:"threads"`
	Folder    string         `json:"folder,omitempty"` // of what was measured
	Providers []providerLine `json:"providers"`
	Models    []modelDevices `json:"models"`
}

// providerLine says whether a provider can be used.
type providerLine struct {
	Provider ort.Provider `json:"provider"`
	Usable   bool         `json:"usable"` // as far as can be told without a model
	Problem  string       `json:"problem,omitempty"`
}

// modelDevices is what is known of a model.
type modelDevices struct {
	Model    string                `json:"model"`
	Chosen   *devices.Choice       `json:"chosen"` // null where it is not known yet, or what was asked for is refused
	Why      string                `json:"why"`
	Measured []devices.Measurement `json:"candidates"`
	measured bool                  // every one of them
}

// listDevices tells what the devices are. What was asked for and is refused is told, and is an error in the end.
func (s *session) listDevices(ctx context.Context, j devicesJob) error {
	o, err := s.ortOptions()
	if err != nil {
		return err
	}
	env, err := ort.Open(o)
	if err != nil {
		return err
	}
	machine := s.machine()
	machine.Fresh = j.measure
	on := devices.New(env, machine)
	r := devicesReport{Version: env.Version(), Library: env.Library().Path, Asked: on.Asked(devices.Use{}), Threads: env.Threads(), Folder: machine.Folder, Models: []modelDevices{}}
	if r.Asked != ort.Auto {
		r.AskedBy = "the preferences"
		if s.device != "" {
			r.AskedBy = "--device"
		}
	}
	for _, p := range ort.Providers() {
		if p == ort.Auto {
			continue
		}
		line := providerLine{Provider: p, Usable: true}
		if err := on.Problem(p); err != nil {
			line.Usable, line.Problem = false, providerProblem(err)
		}
		r.Providers = append(r.Providers, line)
	}
	refused := s.surveyModels(ctx, on, j, &r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if j.asJSON {
		err = s.printJSON(r)
	} else {
		err = s.printDevices(r)
	}
	return errors.Join(err, refused)
}

// surveyModels adds what is known of the models to a report. It fails where one cannot be read, or what is asked for is refused.
func (s *session) surveyModels(ctx context.Context, on *devices.Set, j devicesJob, r *devicesReport) error {
	names := j.models
	if len(names) == 0 {
		for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
			if b, ok := s.bundled().Best(task); ok {
				names = append(names, b.Name)
			}
		}
	}
	use, done := s.use()
	defer done()
	use.OnCPU = rewrite.Tiles
	for _, name := range names {
		f, err := s.bundled().Read(name)
		if err != nil {
			return err
		}
		g, err := f.PerSample()
		if err != nil {
			return err
		}
		v, err := on.Survey(ctx, g, use, j.measure)
		if err != nil && !errors.Is(err, ort.ErrProvider) {
			return err
		}
		m := modelDevices{Model: name, Why: v.Why, Measured: v.Candidates, measured: true}
		if v.Chosen != (devices.Choice{}) {
			m.Chosen = &v.Chosen
		}
		for _, c := range v.Candidates {
			m.measured = m.measured && (c.Seconds > 0 || c.Problem != "")
		}
		if err != nil {
			m.Why = providerProblem(err)
			r.Models = append(r.Models, m)
			return err
		}
		r.Models = append(r.Models, m)
	}
	return nil
}

// providerProblem is why a provider cannot be used, without what stands before it in every such error.
func providerProblem(err error) string {
	text := strings.TrimPrefix(err.Error(), ort.ErrProvider.Error()+": ")
	if _, why, ok := strings.Cut(text, ": "); ok {
		text = why
	}
	text, _, _ = strings.Cut(text, "; choose the CPU")
	return oneLine(text)
}

// printDevices prints a report for people.
func (s *session) printDevices(r devicesReport) error {
	s.say("ONNX Runtime %s, %s an operator", r.Version, plural(r.Threads, "thread"))
	if r.Asked == ort.Auto {
		s.say("no device is asked for: the fastest is chosen")
	} else {
		s.say("%s is asked for by %s", r.Asked.Label(), r.AskedBy)
	}
	table := tabwriter.NewWriter(s.Out, 2, 4, 2, ' ', 0)
	for _, p := range r.Providers {
		state := "yes"
		if !p.Usable {
			state = "no: " + p.Problem
		}
		fmt.Fprintf(table, "  %s\t%s\n", p.Provider.Label(), state)
	}
	for _, m := range r.Models {
		fmt.Fprintf(table, "\n%s\n", oneLine(m.Model))
		for _, c := range m.Measured {
			mark := " "
			if m.Chosen != nil && *m.Chosen == c.Choice {
				mark = "*"
			}
			fmt.Fprintf(table, "%s %s\t%s\n", mark, c.Choice, measurementText(c))
		}
		if m.Chosen != nil {
			fmt.Fprintf(table, "  runs on %s: %s\n", m.Chosen, m.Why)
		} else {
			fmt.Fprintf(table, "  %s\n", m.Why)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if slices.ContainsFunc(r.Models, func(m modelDevices) bool { return !m.measured && len(m.Measured) > 1 }) {
		s.say("\nWhat was not measured yet is measured when a model runs first; `bayeslice devices --measure` does it now.")
	}
	return nil
}

// measurementText says what came of a candidate.
func measurementText(m devices.Measurement) string {
	switch {
	case m.Problem != "":
		return "no: " + oneLine(m.Problem)
	case m.Seconds == 0:
		return "not measured"
	}
	return fmt.Sprintf("%s a sample, ready after %s", secondsText(m.Seconds), secondsText(m.Ready))
}
