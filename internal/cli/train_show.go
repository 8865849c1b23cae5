package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bayeslice/training/cohort"
	"bayeslice/training/trainer"
)

// runView is what `train show` tells of a run.
type runView struct {
	Folder      string           `json:"folder"`
	State       string           `json:"state"` // "not started", "stopped", "running or killed", "finished"
	Step        int              `json:"step"`
	Settings    trainer.Config   `json:"settings"`
	Choice      *cohort.Choice   `json:"choice,omitempty"` // nil where data.json is missing
	Checkpoints []checkpointView `json:"checkpoints"`
	Last        *trainer.Event   `json:"lastStep,omitempty"`
	Validation  []trainer.Event  `json:"validation,omitempty"`
	Notes       []trainer.Event  `json:"notes,omitempty"` // exams left out, warnings, stops
	Skipped     int              `json:"skipped"`
	Seconds     float64          `json:"seconds"` // of all steps that count
	Model       string           `json:"model,omitempty"`
	Sessions    int              `json:"sessions"` // how often training was begun or gone on with
	Device      string           `json:"device,omitempty"`
	steps       []trainer.Event
}

// checkpointView is one checkpoint of a run.
type checkpointView struct {
	File    string `json:"file"`
	Step    int    `json:"step"`
	SHA256  string `json:"sha256,omitempty"`
	Problem string `json:"problem,omitempty"`
}

func (s *session) trainShowCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "show RUN", Short: "Say how a run is set and how far it is", Args: oneArg("a RUN: the folder of a run"), RunE: func(_ *cobra.Command, args []string) error {
		v, err := viewRun(args[0])
		if err != nil {
			return err
		}
		if asJSON {
			return s.printJSON(v)
		}
		s.printRun(v)
		return nil
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// viewRun reads a run folder.
func viewRun(dir string) (runView, error) {
	v := runView{Folder: dir, Checkpoints: []checkpointView{}}
	run, err := trainer.Open(dir)
	if err != nil {
		return v, err
	}
	v.Settings = run.Config()
	if choice, err := cohort.Load(dir); err == nil {
		v.Choice = &choice
	}
	events, err := trainer.ReadLog(dir)
	if err != nil {
		return v, err
	}
	v.fromLog(events)
	if run.Finished() {
		v.State, v.Model = "finished", filepath.Join(dir, trainer.ModelName)
	}
	return v, v.fromCheckpoints(dir)
}

// fromLog takes in the log.
func (v *runView) fromLog(events []trainer.Event) {
	v.State = "not started"
	v.steps = trainer.Curve(events, trainer.Stepped)
	v.Validation = trainer.Curve(events, trainer.Validated)
	for _, e := range v.steps {
		v.Seconds += e.Seconds
	}
	if n := len(v.steps); n > 0 {
		v.Last, v.Step = &v.steps[n-1], v.steps[n-1].Step
	}
	for _, e := range events {
		switch e.Kind {
		case trainer.Started:
			v.State, v.Device = "running or killed", e.Text
			v.Sessions++
		case trainer.Stopped:
			v.State = "stopped"
			v.Notes = append(v.Notes, e)
		case trainer.Skipped:
			v.Skipped++
			v.Notes = append(v.Notes, e)
		case trainer.Warned:
			v.Notes = append(v.Notes, e)
		case trainer.Stepped, trainer.Validated, trainer.Saved, trainer.PausedKind, trainer.Continued, trainer.Finished:
		}
	}
}

// fromCheckpoints checks what is stored.
func (v *runView) fromCheckpoints(dir string) error {
	paths, err := trainer.Checkpoints(dir)
	if err != nil {
		return err
	}
	for _, p := range paths {
		view := checkpointView{File: filepath.Base(p)}
		if c, err := trainer.ReadCheckpoint(p); err != nil {
			view.Problem = strings.TrimPrefix(err.Error(), trainer.ErrCheckpoint.Error()+": "+view.File+" ")
		} else {
			view.Step, view.SHA256 = c.Step, c.SHA256
		}
		v.Checkpoints = append(v.Checkpoints, view)
	}
	return nil
}

// curveLines is how many lines the printed curve has at most.
const curveLines = 12

// notesShown is how many notes are printed.
const notesShown = 10

// printRun prints a run for people.
func (s *session) printRun(v runView) {
	c := v.Settings
	s.say("%s\n  state       %s, step %d of %d", c.Name, v.State, v.Step, c.Steps)
	s.say("  network     %s of preset %s, dropout %g, latent %d", c.Net.Task, c.Preset, c.Net.Dropout, c.Net.Latent)
	s.say("  loss        %s + %g · divergence", recipeLoss(c), c.Beta)
	s.say("  recipe      batch %d, learning rate %g → %g, warm-up %d, L2 %g, seed %d", c.Batch, c.Rate, c.RateTo, c.WarmUp, c.L2, c.Seed)
	s.say("  data        %s", cohortText(c.Data))
	if v.Choice == nil {
		s.say("              %s is missing or damaged: the run cannot go on", cohort.FileName)
	}
	if c.From != "" {
		s.say("  weights     from checkpoint %s", shortDigest(c.From))
	}
	if v.Device != "" {
		s.say("  device      %s, %s", v.Device, plural(c.Threads, "thread"))
	}
	s.printCurve(v)
	for _, p := range v.Checkpoints {
		if p.Problem != "" {
			s.say("  checkpoint  %s %s", p.File, p.Problem)
		} else {
			s.say("  checkpoint  %s, after step %d, SHA-256 %s…", p.File, p.Step, shortDigest(p.SHA256))
		}
	}
	for i, e := range v.Notes {
		if i == notesShown {
			s.say("  …           %d more in log.jsonl", len(v.Notes)-notesShown)
			break
		}
		s.say("  %-11s after step %d: %s", e.Kind, e.Step, noteText(e))
	}
	if v.Model != "" {
		s.say("  model       %s", v.Model)
	} else {
		s.say("  go on       bayeslice train resume %s", shellWord(v.Folder))
	}
}

// noteText is what an event says, for people.
func noteText(e trainer.Event) string {
	if e.Kind == trainer.Stopped && e.Text == context.Canceled.Error() {
		return "stopped by the user"
	}
	return packagePrefix.ReplaceAllString(e.Text, "$1")
}

// printCurve prints the loss, averaged over stretches of steps, with the validation at their ends.
func (s *session) printCurve(v runView) {
	n := len(v.steps)
	if n == 0 {
		return
	}
	s.say("  time        %s of computation in %s, %s a step", durationText(time.Duration(v.Seconds*float64(time.Second))), plural(v.Sessions, "session"), secondsText(v.Seconds/float64(n)))
	s.say("  %10s  %12s  %12s  %12s  %s", "up to step", "loss", "segmentation", "divergence", "validation")
	lines := min(curveLines, n)
	next := 0
	for i := range lines {
		stretch := v.steps[i*n/lines : (i+1)*n/lines]
		var loss, seg, div float64
		for _, e := range stretch {
			loss, seg, div = loss+e.Loss, seg+e.Segmentation, div+e.Divergence
		}
		k, end := float64(len(stretch)), stretch[len(stretch)-1].Step
		check := ""
		for ; next < len(v.Validation) && (v.Validation[next].Step <= end || i == lines-1); next++ {
			check = validationText(v.Validation[next].Validation)
		}
		s.say("%s", strings.TrimRight(fmt.Sprintf("  %10d  %12.5g  %12.5g  %12.4g  %s", end, loss/k, seg/k, div/k, check), " "))
	}
}

// runtimeName finds the name and version of ONNX Runtime in the name of a device.
var runtimeName = regexp.MustCompile(`ONNX Runtime [^)]+`)

func (s *session) trainExportCommand() *cobra.Command {
	var out string
	var overwrite bool
	c := &cobra.Command{
		Use:   "export RUN [-o FILE]",
		Short: "Write the model of a run's last good checkpoint, finished or not",
		Args:  oneArg("a RUN: the folder of a run"),
		RunE:  func(_ *cobra.Command, args []string) error { return s.trainExport(args[0], out, overwrite) },
	}
	c.Flags().StringVarP(&out, "out", "o", "model.onnx", "file to write")
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace an existing file")
	return c
}

// trainExport writes a model of the last good checkpoint.
func (s *session) trainExport(dir, out string, overwrite bool) error {
	run, err := trainer.Open(dir)
	if err != nil {
		return err
	}
	if err := vacant(out, overwrite); err != nil {
		return err
	}
	last, err := s.lastGood(run)
	if err != nil {
		return err
	}
	v, err := viewRun(dir)
	if err != nil {
		return err
	}
	if err := run.Export(out, runtimeName.FindString(v.Device), v.Device); err != nil {
		return err
	}
	s.say("wrote %s: %s after step %d of %d", out, run.Config().Name, last.Step, run.Config().Steps)
	return nil
}
