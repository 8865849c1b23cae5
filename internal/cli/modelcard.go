package cli

import (
	"fmt"
	"strings"
	"time"

	"bayeslice/internal/modelcard"
)

// printCard prints a card for people, in groups.
func (s *session) printCard(c modelcard.Card, sha string) {
	line := func(name, format string, args ...any) {
		s.say("  %-12s %s", name, fmt.Sprintf(format, args...))
	}
	s.say("%s", c.Name)
	if n := c.Notice(); n != "" {
		s.say("  %s", n)
	}
	line("sha256", "%s", sha)
	line("task", "%s: %s", c.Task, strings.Join(c.Classes, ", "))
	line("weights", "%s", weightsText(c))
	stored := "float32"
	if c.Storage == modelcard.Float16 {
		stored = "float16 kernels, computed with as float32"
	}
	line("stored as", "%s", stored)
	line("written by", "%s", c.Program)
	s.say("Input")
	line("grid", "%s mm", gridText(c))
	for _, ch := range c.Recipe.Channels {
		norm := string(ch.Norm)
		if ch.High > ch.Low {
			norm += fmt.Sprintf(" (%g…%g → 0…1)", ch.Low, ch.High)
		}
		line("image", "%s, %s", ch.Role, norm)
	}
	s.say("Sampling")
	numbers := 0
	for _, n := range c.Noise {
		size := 1
		for _, d := range n.Shape {
			size *= d
		}
		numbers += size
	}
	line("noise", "%d inputs, %d random numbers a sample", len(c.Noise), numbers)
	line("dropout", "%g", c.Dropout)
	line("latent", "%d dimensions (%s)", c.Latent, c.LatentScale)
	if c.Training != nil {
		s.printTraining(c, line)
	}
	s.say("Use\n  %s", c.IntendedUse)
	if c.Training != nil && c.Training.Limits != "" {
		s.say("Limits\n  %s", c.Training.Limits)
	}
}

// printTraining prints how the weights came about, and how good they were at the end.
func (s *session) printTraining(c modelcard.Card, line func(name, format string, args ...any)) {
	t := c.Training
	s.say("Training")
	line("data", "%s", dataText(t.Data))
	line("described as", "%s", t.Data.Description)
	line("fingerprint", "%s", t.Data.Fingerprint)
	line("loss", "%s", lossText(c))
	line("steps", "%d of %d examples", t.Steps, t.Batch)
	line("rates", "learning rate %g → %g, L2 %g", t.LearningRate, t.LearningRateTo, t.L2)
	if t.Augmentation != "" {
		line("augmented by", "%s", t.Augmentation)
	}
	line("seeds", "weights %d, data %d, noise %d", c.WeightSeed, t.DataSeed, t.NoiseSeed)
	from := "initial weights"
	if t.StartedFrom != "" {
		from = "the weights of the file with sha256 " + t.StartedFrom
	}
	line("started from", "%s", from)
	line("computed by", "%s, %s, provider %s, in %s", t.Program, t.Runtime, t.Provider, time.Duration(t.Seconds*float64(time.Second)).Round(time.Second))
	if t.Command != "" {
		line("again with", "%s", t.Command)
	}
	if len(t.Validation) == 0 {
		return
	}
	s.say("Validation at the end")
	if t.ValidatedOn != "" {
		line("on", "%s", t.ValidatedOn)
	}
	for _, v := range t.Validation {
		line(v.Name, "%.3f", v.Value)
	}
}

// dataText says what was learnt from; that it was made by a computer must not be overlooked.
func dataText(d modelcard.DataFacts) string {
	text := d.Kind
	if d.Synthetic {
		text += ", SYNTHETIC data: no patient was learnt from"
	}
	if d.Exams > 0 {
		text += fmt.Sprintf("; %d exams", d.Exams)
	} else {
		text += "; each draw a new exam"
	}
	if d.Validation > 0 {
		text += fmt.Sprintf(", %d others held out", d.Validation)
	}
	if d.Folds > 0 {
		text += fmt.Sprintf("; fold %d of %d held out", d.Fold+1, d.Folds)
	}
	return text
}

// lossText names the loss with its parameters.
func lossText(c modelcard.Card) string {
	text := c.Loss
	if len(c.Alpha) > 0 {
		text += fmt.Sprintf(", α %s", strings.Trim(fmt.Sprint(c.Alpha), "[]"))
	}
	if c.Gamma != 0 {
		text += fmt.Sprintf(", γ %g", c.Gamma)
	}
	return text + fmt.Sprintf(", β %g", c.Training.Beta)
}

// weightsText says in a few words where the weights come from.
func weightsText(c modelcard.Card) string {
	switch c.State() {
	case modelcard.Untrained:
		return fmt.Sprintf("UNTRAINED, weight seed %d", c.WeightSeed)
	case modelcard.SyntheticOnly:
		return "trained on generated phantoms only (SYNTHETIC data)"
	}
	return fmt.Sprintf("trained on %s with loss %s", c.TrainedOn, c.Loss)
}

// gridText is the model's grid: voxels and their size in mm.
func gridText(c modelcard.Card) string {
	r := c.Recipe
	return fmt.Sprintf("%d×%d×%d at %g×%g×%g", r.Size[0], r.Size[1], r.Size[2], r.SpacingMM[0], r.SpacingMM[1], r.SpacingMM[2])
}
