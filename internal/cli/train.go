package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/loss"
	"bayeslice/training/trainer"
)

// defaultPreset trains in hours on a laptop; the paper's own, "full", wants a GPU or days.
const defaultPreset = "compact"

// trainJob are the flags of train. Zero values of the numbers were given; set says which flags were.
type trainJob struct {
	task, loss, preset, out, from, name, alpha string
	dropout                                    float64
	config                                     trainer.Config // holds the numbers alone
	data                                       dataFlags
	plain                                      bool
	samples                                    int // of the evaluation at the end
	set                                        func(flag string) bool
	command                                    string // that trains the same again, without the paths of this machine
}

func (s *session) trainCommand() *cobra.Command {
	j := trainJob{config: paperNumbers()}
	c := &cobra.Command{
		Use:   "train --task anatomy|diagnosis --data phantoms|readers|FOLDER -o RUN",
		Short: "Train a network on this machine, and look after its runs",
		Long: "Trains the paper's network from scratch, or from the weights of an earlier run, and keeps everything in the run\nfolder RUN: settings, an append-only log, checkpoints, and at the end the model, which infer and the window open.\n" +
			"Ctrl-C finishes the step, keeps a checkpoint and stops; `bayeslice train resume RUN` goes on from there, also after\na crash. Numbers not given are those of the paper; steps, batch and β are not in the paper.\n\n" + disclaimer,
		Example: "  bayeslice train --task anatomy --loss FL --preset compact --data phantoms --steps 20000 -o runs/anatomy-fl\n" +
			"  bayeslice train --task diagnosis --loss FL --data readers --exams 200 --readers 5 --folds 5 --fold 0 -o runs/readers-0\n" +
			"  bayeslice train --task diagnosis --data cohort/ --masks masks/ --folds 5 --fold 0 -o runs/cspca-0\n" +
			"  bayeslice train resume runs/anatomy-fl",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j.set, j.command = cmd.Flags().Changed, commandLine(cmd)
			return s.train(cmd.Context(), j)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	j.whatFlags(f)
	j.howFlags(f)
	j.data.add(f)
	j.data.addDrawn(f)
	c.AddCommand(s.trainResumeCommand(), s.trainShowCommand(), s.trainSplitsCommand(), s.trainExportCommand())
	return c
}

// paperNumbers are the settings that do not depend on task, loss or preset.
func paperNumbers() trainer.Config {
	c, err := trainer.Defaults(nets.PresetNames()[0], modelcard.Anatomy, loss.FL)
	if err != nil {
		panic(fmt.Sprintf("the paper's own settings: %v", err)) // a fault of the program
	}
	return c
}

func (j *trainJob) whatFlags(f *pflag.FlagSet) {
	f.StringVar(&j.task, "task", "", "anatomy (TZ, PZ from T2W) or diagnosis (csPCa from T2W, high-b DWI, ADC) (required)")
	f.StringVar(&j.loss, "loss", string(loss.FL), kindNames())
	f.StringVar(&j.preset, "preset", defaultPreset, "size of the network: "+strings.Join(nets.PresetNames(), ", "))
	f.StringVarP(&j.out, "out", "o", "", "run folder, new or empty (required)")
	f.StringVar(&j.name, "name", "", "name of the model, for people (default: made of preset, task and loss)")
	f.StringVar(&j.from, "from", "", "start from the weights of a run folder or a checkpoint file instead of random ones")
	f.BoolVar(&j.plain, "plain", false, "lines instead of a live bar, also on a terminal")
}

func (j *trainJob) howFlags(f *pflag.FlagSet) {
	c := &j.config
	f.IntVar(&c.Steps, "steps", c.Steps, "updates of the weights")
	f.IntVar(&c.Batch, "batch", c.Batch, "exams per update")
	f.Float64Var(&c.Rate, "rate", c.Rate, "learning rate of the first step")
	f.Float64Var(&c.RateTo, "rate-to", c.RateTo, "learning rate of the last step")
	f.IntVar(&c.WarmUp, "warm-up", c.WarmUp, "steps over which the rate rises from 0 to --rate")
	f.Float64Var(&c.L2, "l2", c.L2, "weight of the squared kernels")
	f.Float64Var(&c.Clip, "clip", c.Clip, "largest norm of the gradient, 0 for any")
	f.Float64Var(&c.Beta, "beta", c.Beta, "weight β of the divergence of the latent")
	f.StringVar(&j.alpha, "alpha", "", "class weights of BCE and FL, background first, as a,b,c (default: the task's in the paper)")
	f.Float64Var(&c.Loss.Gamma, "gamma", c.Loss.Gamma, "γ of FL")
	f.Float64Var(&j.dropout, "dropout", c.Net.Dropout, "probability with which dropout removes")
	f.BoolVar(&c.DeepSupervision, "deep-supervision", false, "also score what each level of the decoder would say; the model is the same network")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of weights, noise and data: the same seed gives the same run")
	f.BoolVar(&c.SkipBad, "skip-bad", false, "leave out exams that cannot be used instead of stopping")
	f.IntVar(&c.CheckpointEvery, "checkpoint-every", c.CheckpointEvery, "steps between two checkpoints")
	f.IntVar(&c.ValidateEvery, "validate-every", c.ValidateEvery, "steps between two validations, 0 for the end alone")
	f.IntVar(&c.ValidationSamples, "validation-samples", c.ValidationSamples, "executions per exam in validation")
	evaluationFlag(f, &j.samples)
}

// commandLine is a command as it was given. Of paths it keeps the last element: the others may hold names
// that do not belong into a model file.
func commandLine(cmd *cobra.Command) string {
	text := cmd.CommandPath()
	cmd.Flags().Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if strings.ContainsAny(value, `/\`) {
			value = filepath.Base(value)
		}
		if strings.ContainsAny(value, " \t") {
			value = strconv.Quote(value)
		}
		if f.Name != "library" && f.Name != "cache" && f.Name != "plain" {
			text += " --" + f.Name + "=" + value
		}
	})
	return text
}

// kindNames lists the values of --loss.
func kindNames() string {
	var names []string
	for _, k := range loss.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// settings turns the flags into the settings of a run and the choice of its data. What cannot be is told
// in the words of the flags.
func (j *trainJob) settings(program string) (trainer.Config, cohort.Choice, error) {
	if err := j.check(); err != nil {
		return trainer.Config{}, cohort.Choice{}, err
	}
	task, kind := modelcard.Task(j.task), loss.Kind(j.loss)
	d, err := trainer.Defaults(j.preset, task, kind)
	if err != nil {
		return trainer.Config{}, cohort.Choice{}, usageError("%s", strings.TrimPrefix(err.Error(), "nets: "))
	}
	c := j.config
	c.Name, c.Preset, c.Net, c.Recipe = d.Name, d.Preset, d.Net, d.Recipe
	gamma := c.Loss.Gamma
	c.Loss = d.Loss
	if kind == loss.FL {
		c.Loss.Gamma = gamma
	}
	if j.alpha != "" {
		if c.Loss.Alpha, err = parseNumbers("--alpha", j.alpha); err != nil {
			return c, cohort.Choice{}, err
		}
	}
	if j.set("dropout") {
		c.Net.Dropout = j.dropout
	}
	if j.name != "" {
		c.Name = j.name
	}
	c.Seed += uint64(j.data.choice.Run) // runs differ in weights, noise and order
	c.Program = program
	choice, err := j.data.chosen(c.Seed, c.SkipBad)
	if err != nil {
		return c, choice, err
	}
	if !choice.Augment {
		c.Augmentation = training.Augmentation{}
	}
	return c, choice, c.Validate()
}

// check refuses flags that contradict each other or are missing.
func (j *trainJob) check() error {
	task, kind := modelcard.Task(j.task), loss.Kind(j.loss)
	switch {
	case task != modelcard.Anatomy && task != modelcard.Diagnosis:
		return usageError("--task is %q; it is anatomy or diagnosis", j.task)
	case !slices.Contains(loss.Kinds(), kind):
		return usageError("--loss %q is not known; it is one of %s", j.loss, kindNames())
	case !slices.Contains(nets.PresetNames(), j.preset):
		return usageError("--preset %q is not known; it is one of %s", j.preset, strings.Join(nets.PresetNames(), ", "))
	case j.out == "":
		return usageError("train needs -o RUN, a folder for the run")
	case j.alpha != "" && kind != loss.BCE && kind != loss.FL:
		return usageError("--alpha belongs to BCE and FL, and --loss is %s", kind)
	case !(j.dropout >= 0 && j.dropout < 1):
		return usageError("--dropout is %g; it is a number from 0 up and below 1", j.dropout)
	case j.set("gamma") && kind != loss.FL:
		return usageError("--gamma belongs to FL, and --loss is %s", kind)
	}
	if err := checkEvaluation(j.samples); err != nil {
		return err
	}
	return j.data.check(j.set)
}

// parseNumbers reads a list such as 0.05,0.3,0.65.
func parseNumbers(flag, text string) ([]float64, error) {
	var out []float64
	for part := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return nil, usageError("%s %q: %q is not a number", flag, text, part)
		}
		out = append(out, v)
	}
	return out, nil
}

// train makes a run and trains it.
func (s *session) train(ctx context.Context, j trainJob) error {
	c, choice, err := j.settings(s.program())
	if err != nil {
		return err
	}
	from, err := s.startingPoint(j.from)
	if err != nil {
		return err
	}
	if err := claimRunFolder(j.out); err != nil {
		return err
	}
	o, err := s.ortOptions()
	if err != nil {
		return err
	}
	if o.Threads == 0 {
		o.Threads = ort.DefaultThreads() // resuming on other threads would round differently
	}
	c.Device, c.Threads, c.DataSeed, c.Command = o.Provider, o.Threads, choice.Seed, j.command
	d, err := s.openDevice(ctx, o)
	if err != nil {
		return err
	}
	data, err := s.openCohort(ctx, choice, &c)
	if err != nil {
		return err
	}
	run, err := trainer.New(j.out, c, from)
	if err != nil {
		return err
	}
	if err := choice.Save(j.out); err != nil {
		return err
	}
	return s.runTraining(ctx, run, data, d, j.plain, j.samples)
}
