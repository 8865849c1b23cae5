package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/nets"
)

func (s *session) modelCommand() *cobra.Command {
	return group("model", "Make, list and inspect models", s.modelListCommand(), s.modelShowCommand(), s.modelInitCommand(), s.modelPackCommand())
}

// bundled are the models that come with the program.
func (s *session) bundled() *models.Library {
	if s.Models != nil {
		return s.Models
	}
	return models.BuiltIn()
}

func (s *session) modelInitCommand() *cobra.Command {
	var out, task, size string
	var seed uint64
	var overwrite bool
	c := &cobra.Command{
		Use:   "init --task anatomy|diagnosis -o FILE",
		Short: "Write the paper's network with seeded initial weights",
		Long:  "The network is untrained: its output means nothing until it has been trained, and every result says so.",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			t := modelcard.Task(task)
			switch {
			case out == "":
				return fmt.Errorf("%w: model init needs -o FILE", errUsage)
			case t != modelcard.Anatomy && t != modelcard.Diagnosis:
				return fmt.Errorf("%w: --task is %q; it is anatomy or diagnosis", errUsage, task)
			}
			if err := mayWrite(out, overwrite); err != nil {
				return err
			}
			if err := models.WriteUntrained(out, size, t, seed, s.program()); err != nil {
				return err
			}
			s.say("wrote %s (%s, %s, untrained, weight seed %d)", out, task, size, seed)
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "", "file to write (required)")
	f.StringVar(&task, "task", "", "anatomy (TZ, PZ from T2W) or diagnosis (csPCa from T2W, high-b DWI, ADC)")
	f.StringVar(&size, "size", "full", strings.Join(nets.PresetNames(), " or "))
	f.Uint64Var(&seed, "seed", 1, "seed of the weights")
	f.BoolVar(&overwrite, "overwrite", false, "replace an existing file")
	return c
}

// mayWrite refuses to replace a file unasked.
func mayWrite(path string, overwrite bool) error {
	if _, err := os.Stat(path); err == nil && !overwrite {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *session) modelListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "list", Short: "List the models that come with the program", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		list, err := s.bundled().List()
		if err != nil {
			return err
		}
		if asJSON {
			return s.listJSON(list)
		}
		if len(list) == 0 {
			s.say("This build comes without models. `bayeslice train` makes one, `bayeslice model init` an untrained one.")
			return nil
		}
		s.say("%-16s %-10s %-5s %-22s %8s  %s", "NAME", "TASK", "LOSS", "GRID (mm)", "SIZE", "WEIGHTS")
		for _, b := range list {
			mark := ""
			if best, _ := s.bundled().Best(b.Card.Task); best.Name == b.Name {
				mark = ", used by default"
			}
			s.say("%-16s %-10s %-5s %-22s %5.1f MB  %s%s", b.Name, b.Card.Task, b.Card.Loss, gridText(b.Card), float64(b.Bytes)/1e6, weightsText(b.Card), mark)
		}
		s.say("\n`bayeslice infer EXAM --model NAME -o FOLDER` runs one, `bayeslice model show NAME` says how it was trained.")
		return nil
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// listJSON prints the bundled models for programs.
func (s *session) listJSON(list []models.Bundled) error {
	type entry struct {
		Name   string         `json:"name"`
		SHA256 string         `json:"sha256"`
		Bytes  int64          `json:"bytes"`
		Card   modelcard.Card `json:"card"`
	}
	out := []entry{}
	for _, b := range list {
		out = append(out, entry{b.Name, b.SHA256, b.Bytes, b.Card})
	}
	return s.printJSON(out)
}

// packJob are the flags of model pack.
type packJob struct {
	from, out             string
	name, limits, command string // "" keeps what the model says
	overwrite             bool
}

func (s *session) modelPackCommand() *cobra.Command {
	var j packJob
	c := &cobra.Command{
		Use:   "pack MODEL -o FILE",
		Short: "Write a copy of a model at half the size",
		Long: "The kernels are rounded to float16, as in the models that come with the program; the network goes on\n" +
			"computing in float32. What the model says about itself stays, but for what --name, --limits and --command replace.",
		Args: oneArg("a MODEL"),
		RunE: func(_ *cobra.Command, args []string) error {
			j.from = args[0]
			return s.pack(j)
		},
	}
	f := c.Flags()
	f.StringVarP(&j.out, "out", "o", "", "file to write (required)")
	f.StringVar(&j.name, "name", "", "another name for the model")
	f.StringVar(&j.limits, "limits", "", "what the model is known not to do, as sentences")
	f.StringVar(&j.command, "command", "", "command line that trains the model again")
	f.BoolVar(&j.overwrite, "overwrite", false, "replace an existing file")
	return c
}

func (s *session) pack(j packJob) error {
	if j.out == "" {
		return fmt.Errorf("%w: model pack needs -o FILE", errUsage)
	}
	if err := mayWrite(j.out, j.overwrite); err != nil {
		return err
	}
	f, err := s.bundled().Read(j.from)
	if err != nil {
		return err
	}
	if j.limits+j.command != "" && f.Card.Training == nil {
		return fmt.Errorf("%w: --limits and --command belong to the facts of a training, and this model tells of none", errUsage)
	}
	if err := models.Pack(f, j.out, j.edit); err != nil {
		return err
	}
	_, sha, err := models.Card(j.out) // as it will be read
	if err != nil {
		return err
	}
	s.say("wrote %s (%s), sha256 %s", j.out, f.Card.Name, sha)
	return nil
}

// edit puts what the user said into the card.
func (j packJob) edit(c *modelcard.Card) {
	c.Name = cmp.Or(j.name, c.Name)
	if c.Training != nil {
		facts := *c.Training // the model that was read keeps its own
		facts.Limits, facts.Command = cmp.Or(j.limits, facts.Limits), cmp.Or(j.command, facts.Command)
		c.Training = &facts
	}
}

func (s *session) modelShowCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "show MODEL", Short: "Say what a model is and how it was trained", Args: oneArg("a MODEL: the name of a bundled one, or a file"), RunE: func(_ *cobra.Command, args []string) error {
		f, err := s.bundled().Read(args[0])
		if err != nil {
			return err
		}
		if asJSON {
			return s.printJSON(struct {
				SHA256 string         `json:"sha256"`
				Card   modelcard.Card `json:"card"`
			}{f.SHA256, f.Card})
		}
		s.printCard(f.Card, f.SHA256)
		return nil
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// printJSON prints a value as indented JSON.
func (s *session) printJSON(v any) error {
	enc := json.NewEncoder(s.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
