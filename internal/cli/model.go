package cli

import (
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
	return group("model", "Make and inspect model files", s.modelInitCommand(), s.modelShowCommand())
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
			if _, err := os.Stat(out); err == nil && !overwrite {
				return fmt.Errorf("%s: %w", out, fs.ErrExist)
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
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

func (s *session) modelShowCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "show FILE", Short: "Say what a model file is", Args: oneArg("a model FILE"), RunE: func(_ *cobra.Command, args []string) error {
		card, sha, err := models.Card(args[0])
		if err != nil {
			return err
		}
		if asJSON {
			return s.printJSON(struct {
				SHA256 string         `json:"sha256"`
				Card   modelcard.Card `json:"card"`
			}{sha, card})
		}
		s.printCard(card, sha)
		return nil
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// printCard prints a card for people.
func (s *session) printCard(c modelcard.Card, sha string) {
	trained := "UNTRAINED, weight seed " + fmt.Sprint(c.WeightSeed)
	if c.Trained {
		trained = "trained on " + c.TrainedOn + " with loss " + c.Loss
	}
	s.say("%s\n  sha256      %s\n  task        %s: %s\n  weights     %s", c.Name, sha, c.Task, strings.Join(c.Classes, ", "), trained)
	s.say("  grid        %d × %d × %d voxels at %g × %g × %g mm", c.Recipe.Size[0], c.Recipe.Size[1], c.Recipe.Size[2],
		c.Recipe.SpacingMM[0], c.Recipe.SpacingMM[1], c.Recipe.SpacingMM[2])
	for _, ch := range c.Recipe.Channels {
		norm := string(ch.Norm)
		if ch.High > ch.Low {
			norm += fmt.Sprintf(" (%g…%g → 0…1)", ch.Low, ch.High)
		}
		s.say("  input       %s, %s", ch.Role, norm)
	}
	voxels := 0
	for _, n := range c.Noise {
		size := 1
		for _, d := range n.Shape {
			size *= d
		}
		voxels += size
	}
	s.say("  noise       %d inputs, %d random numbers a sample; dropout %g, latent %d (%s)", len(c.Noise), voxels, c.Dropout, c.Latent, c.LatentScale)
	s.say("  use         %s\n  written by  %s", c.IntendedUse, c.Program)
}

// printJSON prints a value as indented JSON.
func (s *session) printJSON(v any) error {
	enc := json.NewEncoder(s.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
