package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/dataset"
)

// Values of --data that need no files.
const (
	phantomData = "phantoms" // a new one each time
	readersData = "readers"  // a fixed cohort that simulated readers have labelled
)

// dataFlags are the flags that choose data.
type dataFlags struct {
	data, zones       string
	channels, classes []string // NAME=VALUE
	choice            cohort.Choice
	noAugment         bool
}

// Flags that belong to some kinds of data.
var (
	folderFlags  = []string{"masks", "mask-pattern", "manifest", "channel", "class", "zones", "lesion-from"}
	foldFlags    = []string{"splits", "split-seed", "folds", "runs", "fold", "augment", "no-augment"} // of folders and readers
	phantomFlags = []string{"anatomies", "held"}
	readersFlags = []string{"exams", "readers", "ambiguous", "exam-seed"}
)

// add declares the flags that say where exams and folds are.
func (d *dataFlags) add(f *pflag.FlagSet) {
	c := &d.choice
	f.StringVar(&d.data, "data", "", readersData+", or a FOLDER of exams: nnU-Net raw, or exams with masks (required)")
	f.StringVar(&c.Masks, "masks", "", "folder of the masks, where they are not beside the exams")
	f.StringVar(&c.MaskPattern, "mask-pattern", "", "which of several mask files of an exam, as zones_*")
	f.StringVar(&c.Manifest, "manifest", "", "CSV or JSON file that lists exams, masks and patients")
	f.StringArrayVar(&d.channels, "channel", nil, "role of an nnU-Net channel whose name does not say it, as NAME=T2W; may be repeated")
	f.StringArrayVar(&d.classes, "class", nil, "class of a label, as NAME=TZ or, of mask files, 1=TZ; may be repeated")
	f.StringVar(&d.zones, "zones", string(dataset.TZPZ), "what 1 and 2 mean in zone masks: "+string(dataset.TZPZ)+" or "+string(dataset.PZTZ))
	f.IntVar(&c.LesionFrom, "lesion-from", 1, "smallest value of a lesion mask that is csPCa; 2 for ISUP grades")
	f.Uint64Var(&c.SplitSeed, "split-seed", 1, "seed of the folds, where they are made")
	f.IntVar(&c.Exams, "exams", cohort.DefaultExams, "generated exams that simulated readers label, with --data "+readersData)
	f.IntVar(&c.Readers, "readers", cohort.DefaultReaders, "simulated readers; the label of each exam is that of one of them")
	f.Float64Var(&c.Ambiguous, "ambiguous", cohort.DefaultAmbiguous, "share of foci, 0 to 1, that about half of the simulated readers call csPCa")
	f.Uint64Var(&c.ExamSeed, "exam-seed", cohort.DefaultExamSeed, "seed of those exams, readers and labels")
	f.IntVar(&c.Folds, "folds", training.Paper().Folds, "folds of the exams")
	f.IntVar(&c.Runs, "runs", training.Paper().Runs, "runs, each with folds of its own")
	f.StringVar(&c.Cache, "cache", "", "folder of prepared data (default: in the user's cache)")
}

// addDrawn declares the flags that say what a run draws from the data.
func (d *dataFlags) addDrawn(f *pflag.FlagSet) {
	c := &d.choice
	f.Lookup("data").Usage = phantomData + ", made as they are needed; " + readersData + ", generated exams with the labels of simulated readers; or a FOLDER: nnU-Net raw, or exams with masks (required)"
	f.StringVar(&c.Splits, "splits", "", "file of folds, made where it is absent (default: kept with the cache of a folder)")
	f.IntVar(&c.Fold, "fold", 0, "fold that is kept for validation, counted from 0")
	f.IntVar(&c.Run, "run", 0, "run, counted from 0: other folds, weights and order")
	f.BoolVar(&c.Augment, "augment", true, "change exams at random, as the paper does; not phantoms")
	f.BoolVar(&d.noAugment, "no-augment", false, "the opposite of --augment")
	f.IntVar(&c.Anatomies, "anatomies", cohort.DefaultAnatomies, "different anatomies of phantoms; contrasts are always new")
	f.IntVar(&c.Held, "held", cohort.DefaultHeld, "phantoms of other anatomies kept for validation")
}

// generated says whether no files are read.
func (d *dataFlags) generated() bool { return d.data == phantomData || d.data == readersData }

// kind is what --data is, in a sentence.
func (d *dataFlags) kind() string {
	if d.generated() {
		return d.data
	}
	return "a folder"
}

// check refuses flags that contradict each other or are missing.
func (d *dataFlags) check(set func(string) bool) error {
	wrong := func(list []string) string {
		if i := slices.IndexFunc(list, set); i >= 0 {
			return list[i]
		}
		return ""
	}
	switch {
	case d.data == "":
		return usageError("--data is missing: %s, %s, or the FOLDER of a cohort", phantomData, readersData)
	case d.generated() && wrong(folderFlags) != "":
		return usageError("--%s belongs to a folder of exams, and --data is %s", wrong(folderFlags), d.data)
	case d.data == phantomData && wrong(foldFlags) != "":
		return usageError("--%s belongs to a folder of exams or to %s, and --data is %s", wrong(foldFlags), readersData, phantomData)
	case d.data != phantomData && wrong(phantomFlags) != "":
		return usageError("--%s belongs to %s, and --data is %s", wrong(phantomFlags), phantomData, d.kind())
	case d.data != readersData && wrong(readersFlags) != "":
		return usageError("--%s belongs to %s, and --data is %s", wrong(readersFlags), readersData, d.kind())
	case d.noAugment && set("augment") && d.choice.Augment:
		return usageError("--augment and --no-augment contradict each other")
	case d.zones != string(dataset.TZPZ) && d.zones != string(dataset.PZTZ):
		return usageError("--zones is %q; it is %s or %s", d.zones, dataset.TZPZ, dataset.PZTZ)
	}
	return nil
}

// chosen is the choice of data in full.
func (d *dataFlags) chosen(seed uint64, skip bool) (c cohort.Choice, err error) {
	c = d.choice
	c.Format, c.Seed, c.SkipBad = cohort.Format, seed, skip
	if d.data == phantomData {
		c = cohort.Choice{Format: c.Format, Seed: c.Seed, Run: c.Run, Anatomies: c.Anatomies, Held: c.Held, Cache: c.Cache, SkipBad: skip}
		return c, c.Validate()
	}
	c.Anatomies, c.Held = 0, 0
	c.Augment = c.Augment && !d.noAugment
	if d.data == readersData {
		c.LesionFrom = 0
		return c, c.Validate()
	}
	c.Exams, c.Readers, c.Ambiguous, c.ExamSeed = 0, 0, 0, 0
	c.Path, c.Zones = d.data, dataset.Zones(d.zones)
	if c.Channels, err = pairs("--channel", d.channels); err != nil {
		return c, err
	}
	if c.Classes, err = pairs("--class", d.classes); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// pairs reads NAME=VALUE.
func pairs(flag string, list []string) (map[string]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			return nil, usageError("%s %q is not of the form NAME=VALUE", flag, text)
		}
		out[name] = value
	}
	return out, nil
}

// splitsJob are the flags of train splits.
type splitsJob struct {
	task, preset, out string
	skip, overwrite   bool
	data              dataFlags
}

func (s *session) trainSplitsCommand() *cobra.Command {
	var j splitsJob
	c := &cobra.Command{
		Use:   "splits --task TASK --data FOLDER|readers -o FILE",
		Short: "Deal the exams of a cohort out to folds, and write them to a file",
		Long: "Every run that is given the file with --splits is trained and checked on the same exams. Exams of one patient\nstay together, and folds have equal numbers of patients with csPCa.\n" +
			"The exams are prepared for the preset, since what counts as csPCa is looked up on the model's grid.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.trainSplits(cmd.Context(), j, cmd.Flags().Changed)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&j.task, "task", "", "anatomy or diagnosis (required)")
	f.StringVar(&j.preset, "preset", defaultPreset, "size of the network that the exams are prepared for: "+strings.Join(nets.PresetNames(), ", "))
	f.StringVarP(&j.out, "out", "o", "splits.json", "file to write")
	f.BoolVar(&j.skip, "skip-bad", false, "leave out exams that cannot be used instead of stopping")
	f.BoolVar(&j.overwrite, "overwrite", false, "replace an existing file; runs that used it cannot be gone on with")
	j.data.add(f)
	return c
}

// trainSplits makes a file of folds.
func (s *session) trainSplits(ctx context.Context, j splitsJob, set func(string) bool) error {
	if err := j.data.check(set); err != nil {
		return err
	}
	if j.data.data == phantomData {
		return usageError("phantoms need no folds: those kept for validation have anatomies of their own")
	}
	task, err := parseTask(j.task)
	if err != nil {
		return err
	}
	preset, err := nets.FindPreset(j.preset, task)
	if err != nil {
		return usageError("--preset %q is not known; it is one of %s", j.preset, strings.Join(nets.PresetNames(), ", "))
	}
	choice, err := j.data.chosen(0, j.skip)
	if err != nil {
		return err
	}
	if err := vacant(j.out, j.overwrite); err != nil {
		return err
	}
	bar := newMeter(s.Err, "preparing data")
	folds, err := cohort.Folds(ctx, choice, cohort.Need{Task: task, Recipe: preset.Recipe}, func(done, total int) { bar.set(done, total, "") })
	bar.close()
	if err != nil {
		return err
	}
	if err := dataset.WriteSplits(j.out, folds.Splits); err != nil {
		return err
	}
	s.printFolds(folds)
	s.say("wrote %s: train with --splits %s --folds %d --runs %d", j.out, j.out, folds.Splits.Folds, folds.Splits.Runs)
	return nil
}

// printFolds prints how many exams each fold has, and how many of them with csPCa.
func (s *session) printFolds(folds cohort.FoldTable) {
	s.notes(folds.Notes)
	for run, list := range folds.Splits.Validation {
		var parts []string
		for _, names := range list {
			parts = append(parts, fmt.Sprintf("%d (%d)", len(names), folds.Positives(names)))
		}
		s.say("run %d: exams (with foreground) of each fold: %s", run, strings.Join(parts, ", "))
	}
}

// parseTask reads --task.
func parseTask(name string) (modelcard.Task, error) {
	t := modelcard.Task(name)
	if t != modelcard.Anatomy && t != modelcard.Diagnosis {
		return "", usageError("--task is %q; it is anatomy or diagnosis", name)
	}
	return t, nil
}

// vacant refuses a file that exists, unless it may be replaced.
func vacant(path string, overwrite bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return usageError("%s is a folder; name a file with -o", path)
	case !overwrite:
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return nil
}
