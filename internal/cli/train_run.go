package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bayeslice/internal/devices"
	"bayeslice/internal/models"
	"bayeslice/internal/ort"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/step"
	"bayeslice/training/trainer"
)

// startingPoint reads the checkpoint to start from: a file, or the newest good one of a run folder. "" is nil.
func (s *session) startingPoint(path string) (*trainer.Checkpoint, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return trainer.ReadCheckpoint(path)
	}
	run, err := trainer.Open(path)
	if err != nil {
		return nil, err
	}
	return s.lastGood(run)
}

// lastGood is the newest checkpoint of a run that is whole; damaged ones that are passed over are told.
func (s *session) lastGood(run *trainer.Run) (*trainer.Checkpoint, error) {
	last, unusable, err := run.Last()
	switch {
	case err != nil:
		return nil, err
	case last == nil && len(unusable) > 0:
		return nil, unusable[0]
	case last == nil:
		return nil, fmt.Errorf("%s has no checkpoint yet; let the run reach its first one, after %d steps", run.Dir(), run.Config().CheckpointEvery)
	}
	for _, u := range unusable {
		fmt.Fprintf(s.Err, "note: %s The one before it, after step %d, is used.\n", sentence(u), last.Step)
	}
	return last, nil
}

// claimRunFolder refuses a folder that holds anything, before any time is spent on data.
func claimRunFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	}
	if _, err := trainer.Open(dir); err == nil {
		return usageError("%s holds a run already: go on with it by `bayeslice train resume %s`, or choose another folder with -o", dir, shellWord(dir))
	}
	return usageError("the folder %s is not empty, and a run needs one of its own; choose another with -o", dir)
}

// notesTold is how many notes about data are printed.
const notesTold = 10

// openCohort opens the data, tells what is worth knowing about them, and writes into the settings what they are.
func (s *session) openCohort(ctx context.Context, choice cohort.Choice, c *trainer.Config) (*cohort.Cohort, error) {
	bar := newMeter(s.Err, "preparing data")
	opened, err := cohort.Open(ctx, choice, cohort.Need{Task: c.Net.Task, Recipe: c.Recipe, Augmentation: c.Augmentation},
		func(done, total int) { bar.set(done, total, "") })
	bar.close()
	if err != nil {
		return nil, err
	}
	s.notes(opened.Notes)
	c.Data = opened.Origin
	return opened, nil
}

// notes prints what is worth knowing about data.
func (s *session) notes(list []string) {
	for i, n := range list {
		if i == notesTold {
			fmt.Fprintf(s.Err, "note: and %d more of these\n", len(list)-notesTold)
			return
		}
		fmt.Fprintf(s.Err, "note: %s\n", packagePrefix.ReplaceAllString(n, "$1"))
	}
}

func (s *session) trainResumeCommand() *cobra.Command {
	var plain bool
	var samples int
	c := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run from its last good checkpoint",
		Long:  "On the CPU and with the same number of threads the run ends in the same weights, bit for bit, as one that was\nnever interrupted. The data are read again from where they were; where they changed, the run is refused.",
		Args:  oneArg("a RUN: the folder of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkEvaluation(samples); err != nil {
				return err
			}
			return s.trainResume(cmd.Context(), args[0], plain, samples)
		},
	}
	c.Flags().BoolVar(&plain, "plain", false, "lines instead of a live bar, also on a terminal")
	evaluationFlag(c.Flags(), &samples)
	return c
}

// trainResume goes on with a run: with its training, or where that is finished with its evaluation.
func (s *session) trainResume(ctx context.Context, dir string, plain bool, samples int) error {
	run, err := trainer.Open(dir)
	if err != nil {
		return err
	}
	if run.Finished() && (samples == 0 || run.Config().Data.Validation == 0 || evaluated(run)) {
		s.say("%s is finished: its model is %s", dir, filepath.Join(dir, trainer.ModelName))
		return nil
	}
	choice, err := cohort.Load(dir)
	if err != nil {
		return err
	}
	c := run.Config()
	o, err := s.ortOptions()
	if err != nil {
		return err
	}
	if s.device == "" {
		o.Provider = c.Device
	}
	if s.threads == 0 {
		o.Threads = c.Threads
	}
	if o.Threads != c.Threads { // of another device the run itself tells
		fmt.Fprintf(s.Err, "note: the run began with %s; the weights will differ by rounding from those of a run that was not interrupted\n", plural(c.Threads, "thread"))
	}
	d, err := s.openDevice(ctx, o)
	if err != nil {
		return err
	}
	data, err := s.openCohort(ctx, choice, &c)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the run's data are not where they were: %w; connect the drive, or correct the paths in %s", err, filepath.Join(dir, cohort.FileName))
	}
	if err != nil {
		return err
	}
	if run.Finished() {
		return s.evaluateRun(ctx, run, data, d, samples)
	}
	return s.runTraining(ctx, run, data, d, plain, samples)
}

// device is where a run computes.
type device struct {
	options ort.Options
	on      *devices.Set
}

// openDevice loads the runtime and tries the provider, before any time is spent on data.
func (s *session) openDevice(ctx context.Context, o ort.Options) (device, error) {
	on, err := s.devices(o)
	if err != nil {
		return device{}, err
	}
	return device{options: o, on: on}, on.Try(ctx, devices.Use{})
}

// providerLabel names a provider for people.
func providerLabel(name string) string {
	p, err := ort.ParseProvider(name)
	if err != nil {
		return name
	}
	return p.Label()
}

// runTraining says what will be done, does it with a live line, and says what came out.
func (s *session) runTraining(ctx context.Context, run *trainer.Run, data *cohort.Cohort, d device, plain bool, samples int) error {
	if err := s.announce(run, d.options, data.Memory); err != nil {
		return err
	}
	c := run.Config()
	watch := newWatch(s, c, plain)
	defer watch.close()
	use, measured := s.use()
	defer measured()
	model, err := run.Train(ctx, data.Data, trainer.Options{
		Open: models.Each(ctx, d.on, use),
		On:   watch.event, Clock: time.Now, Runtime: "ONNX Runtime " + d.on.Env().Version(),
	})
	watch.close()
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil && onlyCancelled(err):
		s.say("stopped after step %d of %d; the checkpoint is kept. Go on with: bayeslice train resume %s", watch.step, c.Steps, shellWord(run.Dir()))
		return errInterrupted
	case err != nil:
		s.kept(run, err)
		return onceEach(err)
	}
	s.trained(model, watch)
	if err := s.evaluateRun(ctx, run, data, d, samples); err != nil {
		return err
	}
	s.say("%s", disclaimer)
	return nil
}

// kept says how to go on with a run that failed for a reason outside of it.
func (s *session) kept(run *trainer.Run, err error) {
	if errors.Is(err, training.ErrExample) || errors.Is(err, trainer.ErrDiverged) || errors.Is(err, trainer.ErrRun) {
		return // other data, other settings, another process
	}
	if last, _, err := run.Last(); err == nil && last != nil {
		fmt.Fprintf(s.Err, "note: the checkpoint after step %d is kept; go on with: bayeslice train resume %s\n", last.Step, shellWord(run.Dir()))
	}
}

// onceEach leaves out parts of an error that say what an earlier part said: a full disk fails a checkpoint,
// and then the one that is tried at the end.
func onceEach(err error) error {
	var parts []error
	said := map[string]bool{}
	var walk func(err error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok && strings.Contains(err.Error(), "\n") {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		text := fileNumbers.ReplaceAllString(err.Error(), "")
		if !said[text] {
			said[text] = true
			parts = append(parts, err)
		}
	}
	walk(err)
	if len(parts) == 1 {
		return parts[0]
	}
	return errors.Join(parts...)
}

// fileNumbers are what tells the names of two attempts at one file apart.
var fileNumbers = regexp.MustCompile(`[0-9]+-[0-9]+\.part`)

// onlyCancelled says whether nothing else went wrong than that the user stopped the run: a checkpoint
// that could not be written must be told.
func onlyCancelled(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !onlyCancelled(e) {
				return false
			}
		}
		return true
	}
	return errors.Is(err, context.Canceled)
}

// announce says before the start what will be trained, on what, with what, and what it takes.
func (s *session) announce(run *trainer.Run, o ort.Options, dataBytes int64) error {
	c := run.Config()
	st, err := step.New(step.Config{Net: c.Net, Loss: c.Loss, Beta: c.Beta, DeepSupervision: c.DeepSupervision})
	if err != nil {
		return err
	}
	weights := 0
	for _, p := range st.Params {
		n := 1
		for _, d := range p.Shape {
			n *= d
		}
		weights += n
	}
	s.say("training    %s: %s of preset %s, %.1f million weights, grid %d × %d × %d at %g × %g × %g mm", c.Name, c.Net.Task, c.Preset, float64(weights)/1e6,
		c.Recipe.Size[0], c.Recipe.Size[1], c.Recipe.Size[2], c.Recipe.SpacingMM[0], c.Recipe.SpacingMM[1], c.Recipe.SpacingMM[2])
	s.say("loss        %s + %g · divergence", recipeLoss(c), c.Beta)
	s.say("steps       %d of batch %d, learning rate %g → %g, L2 %g, dropout %g, seed %d", c.Steps, c.Batch, c.Rate, c.RateTo, c.L2, c.Net.Dropout, c.Seed)
	if c.From != "" {
		s.say("weights     from checkpoint %s", shortDigest(c.From))
	}
	s.say("data        %s", cohortText(c.Data))
	s.say("device      %s, %s; about %s of memory%s", providerLabel(o.Provider), plural(o.Threads, "thread"), bytesText(st.Memory()+dataBytes), elsewhere(o.Provider))
	s.say("run folder  %s: a checkpoint every %d steps, validation every %d", run.Dir(), c.CheckpointEvery, c.ValidateEvery)
	return nil
}

// elsewhere says that the estimate of memory was made for another device.
func elsewhere(provider string) string {
	if p, err := ort.ParseProvider(provider); err == nil && (p == ort.CPU || p == ort.Auto) {
		return ""
	}
	return " on the CPU; this device shares it with its own"
}

// recipeLoss is the loss with its parameters.
func recipeLoss(c trainer.Config) string {
	text := string(c.Loss.Kind)
	var with []string
	if len(c.Loss.Alpha) > 0 {
		with = append(with, "α "+strings.Trim(fmt.Sprint(c.Loss.Alpha), "[]"))
	}
	if c.Loss.Gamma > 0 {
		with = append(with, fmt.Sprintf("γ %g", c.Loss.Gamma))
	}
	if c.DeepSupervision {
		with = append(with, "deep supervision")
	}
	if len(with) > 0 {
		text += " (" + strings.Join(with, ", ") + ")"
	}
	return text
}

// cohortText says what the data are.
func cohortText(d training.Origin) string {
	text := d.Description
	if text == "" {
		text = d.Kind
	}
	if d.Synthetic {
		text += "; SYNTHETIC"
	}
	if d.Exams > 0 {
		text += fmt.Sprintf("; %s to learn from", plural(d.Exams, "exam"))
	}
	text += fmt.Sprintf("; %s for validation", plural(d.Validation, "exam"))
	if d.Folds > 0 {
		text += fmt.Sprintf(" (fold %d of folds 0 to %d)", d.Fold, d.Folds-1)
	}
	return text
}

// plural counts things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// bytesText is a size to two figures.
func bytesText(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

// shortDigest is enough of a SHA-256 to tell it from others.
func shortDigest(hex string) string { return hex[:min(12, len(hex))] }

// trained says what came out.
func (s *session) trained(model string, w *watch) {
	if w.skipped > 0 {
		s.say("left out    %s that could not be used; see %s", plural(w.skipped, "exam"), filepath.Join(filepath.Dir(model), "log.jsonl"))
	}
	s.say("wrote       %s; use it with `bayeslice infer EXAM --model %s -o FOLDER`, or open it in the window", model, shellWord(model))
}
