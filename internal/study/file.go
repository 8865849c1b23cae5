package study

import (
	"bytes"
	_ "embed" // the example
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/loss"
	"bayeslice/training/trainer"
)

// ErrFile marks a study file that cannot be used; the text names the line or the key, and says what it must be.
var ErrFile = errors.New("study: unusable study file")

// File is what a study consists of: every task × loss × run × fold is an element. Read it with [Read] or [Parse]; start
// from [Defaults] otherwise. Two studies of equal files end in equal numbers.
type File struct {
	Name   string           `toml:"name"` // for people
	Tasks  []modelcard.Task `toml:"tasks"`
	Losses []loss.Kind      `toml:"losses"`
	Runs   int              `toml:"runs"`
	Folds  int              `toml:"folds"`
	// Seed is that of the first run's weights, noise and order of exams; run r has Seed + r. Losses and tasks share it.
	Seed uint64 `toml:"seed"`
	// KeepCheckpoints keeps the checkpoints of finished elements; their models are kept in any case.
	KeepCheckpoints bool `toml:"keep_checkpoints"`

	Cohort     map[modelcard.Task]Cohort   `toml:"cohort"` // of each task
	Training   map[modelcard.Task]Training `toml:"training"`
	Evaluation Evaluation                  `toml:"evaluation"`
}

// Kinds of [Cohort].
const (
	Generated = "generated"
	Folder    = "folder"
)

// Cohort says which exams a task is learnt and evaluated on. Both tasks must have the same exams.
type Cohort struct {
	Kind      string `toml:"kind"`       // [Generated] or [Folder]
	SplitSeed uint64 `toml:"split_seed"` // of the folds

	// Of generated exams, which simulated readers have labelled; see [synth.CohortConfig].
	Exams     int     `toml:"exams,omitempty"`
	Readers   int     `toml:"readers,omitempty"`
	Ambiguous float64 `toml:"ambiguous,omitempty"` // share of foci that about half of the readers call csPCa
	Seed      uint64  `toml:"seed,omitempty"`      // of exams, readers and labels

	// Of a folder of exams with masks, see [dataset.Options]. Paths are relative to the study file.
	Path        string            `toml:"path,omitempty"`
	Masks       string            `toml:"masks,omitempty"`
	MaskPattern string            `toml:"mask_pattern,omitempty"`
	Manifest    string            `toml:"manifest,omitempty"`
	Channels    map[string]string `toml:"channels,omitempty"`
	Classes     map[string]string `toml:"classes,omitempty"`
	Zones       string            `toml:"zones,omitempty"`
	LesionFrom  int               `toml:"lesion_from,omitempty"`
	SkipBad     bool              `toml:"skip_bad,omitempty"`
}

// Training are the settings of the trainings of a task, see [trainer.Config].
type Training struct {
	Preset  string  `toml:"preset"`
	Steps   int     `toml:"steps"`
	Batch   int     `toml:"batch"`
	Rate    float64 `toml:"rate"`
	RateTo  float64 `toml:"rate_to"`
	WarmUp  int     `toml:"warm_up"`
	L2      float64 `toml:"l2"`
	Clip    float64 `toml:"clip"`
	Dropout float64 `toml:"dropout"`
	Beta    float64 `toml:"beta"` // weight of the divergence
	// DeepSupervision also scores the levels of the decoder.
	DeepSupervision bool `toml:"deep_supervision"`
	Augment         bool `toml:"augment"` // as the paper does
	Threads         int  `toml:"threads"` // of one operator; part of what makes results repeat bit for bit

	CheckpointEvery   int `toml:"checkpoint_every"`
	ValidateEvery     int `toml:"validate_every"` // 0 is at the end alone
	ValidationSamples int `toml:"validation_samples"`
}

// Evaluation says how trained networks are judged.
type Evaluation struct {
	Samples           int    `toml:"samples"` // executions whose mean is the prediction
	Seed              uint64 `toml:"seed"`    // of the noise of the executions, the bands and the tests
	Bins              int    `toml:"bins"`    // of the calibration error
	BootstrapRounds   int    `toml:"bootstrap_rounds"`
	PermutationRounds int    `toml:"permutation_rounds"`
}

// Defaults returns the paper's study on generated exams: both tasks, four losses, 3 runs × 5 folds, 100 executions.
// The paper does not say how many steps were trained, or with which β.
func Defaults() File {
	paper := training.Paper()
	f := File{
		Name: "paper", Tasks: []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis}, Losses: []loss.Kind{loss.CE, loss.BCE, loss.FL, loss.DB}, Runs: paper.Runs, Folds: paper.Folds, Seed: 1,
		Cohort: map[modelcard.Task]Cohort{}, Training: map[modelcard.Task]Training{},
		Evaluation: Evaluation{Samples: paper.Samples, Seed: 1, Bins: 10, BootstrapRounds: 1000, PermutationRounds: 2000},
	}
	for _, t := range f.Tasks {
		f.Cohort[t], f.Training[t] = defaultCohort(), defaultTraining()
	}
	return f
}

func defaultCohort() Cohort {
	return Cohort{Kind: Generated, SplitSeed: 1, Exams: cohort.DefaultExams, Readers: cohort.DefaultReaders, Ambiguous: cohort.DefaultAmbiguous, Seed: cohort.DefaultExamSeed}
}

func defaultTraining() Training {
	c, err := trainer.Defaults("compact", modelcard.Anatomy, loss.CE)
	if err != nil {
		panic(fmt.Sprintf("study: the paper's own settings: %v", err)) // a fault of the program
	}
	return Training{Preset: c.Preset, Steps: 20000, Batch: c.Batch, Rate: c.Rate, RateTo: c.RateTo, WarmUp: c.WarmUp, L2: c.L2, Clip: c.Clip, Dropout: c.Net.Dropout,
		Beta: c.Beta, Augment: true, Threads: 1, CheckpointEvery: 500, ValidateEvery: 0, ValidationSamples: c.ValidationSamples}
}

// maxFile bounds a study file.
const maxFile = 1 << 20

// Read reads a study file. Relative paths in it become absolute. It fails with [ErrFile], or the file system's error.
func Read(path string) (File, error) {
	text, err := codec.ReadSmall(path, maxFile)
	if errors.Is(err, codec.ErrTooLarge) {
		return File{}, fmt.Errorf("%w: %s has more than 1 MB; check that it is the right file", ErrFile, filepath.Base(path))
	}
	if err != nil {
		return File{}, fmt.Errorf("study: %w", err)
	}
	f, err := Parse(string(text))
	if err != nil {
		return File{}, fmt.Errorf("%w (the file is %s)", err, path)
	}
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return File{}, fmt.Errorf("study: %w", err)
	}
	for task, c := range f.Cohort {
		for _, p := range []*string{&c.Path, &c.Masks, &c.Manifest} {
			if *p != "" && !filepath.IsAbs(*p) {
				*p = filepath.Join(base, *p)
			}
		}
		f.Cohort[task] = c
	}
	return f, nil
}

// document is the TOML of a study file. Tables of a task change what the table round them says.
type document struct {
	Name            string
	Tasks           []modelcard.Task
	Losses          []loss.Kind
	Runs, Folds     int
	Seed            uint64
	KeepCheckpoints bool `toml:"keep_checkpoints"`
	Cohort          cohortTable
	Training        trainingTable
	Evaluation      Evaluation
}

type cohortTable struct {
	Cohort
	Anatomy, Diagnosis toml.Primitive
}

type trainingTable struct {
	Training
	Anatomy, Diagnosis toml.Primitive
}

// Parse reads the text of a study file; what it does not say is as in [Defaults], and where a path is given, exams
// come from a folder. It fails with [ErrFile].
func Parse(text string) (File, error) {
	f := Defaults()
	d := document{Name: f.Name, Tasks: f.Tasks, Losses: f.Losses, Runs: f.Runs, Folds: f.Folds, Seed: f.Seed,
		Cohort: cohortTable{Cohort: defaultCohort()}, Training: trainingTable{Training: defaultTraining()}, Evaluation: f.Evaluation}
	known, err := toml.Decode(text, &d)
	if err != nil {
		return File{}, syntax(err)
	}
	f = File{Name: d.Name, Tasks: d.Tasks, Losses: d.Losses, Runs: d.Runs, Folds: d.Folds, Seed: d.Seed, KeepCheckpoints: d.KeepCheckpoints,
		Cohort: map[modelcard.Task]Cohort{}, Training: map[modelcard.Task]Training{}, Evaluation: d.Evaluation}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		c, t := d.Cohort.Cohort, d.Training.Training
		c.Channels, c.Classes = maps.Clone(c.Channels), maps.Clone(c.Classes)
		cohortOf, trainingOf := d.Cohort.Anatomy, d.Training.Anatomy
		if task == modelcard.Diagnosis {
			cohortOf, trainingOf = d.Cohort.Diagnosis, d.Training.Diagnosis
		}
		if known.IsDefined("cohort", string(task)) {
			err = errors.Join(err, known.PrimitiveDecode(cohortOf, &c))
		}
		if known.IsDefined("training", string(task)) {
			err = errors.Join(err, known.PrimitiveDecode(trainingOf, &t))
		}
		if err != nil {
			return File{}, syntax(err)
		}
		c.settle()
		if slices.Contains(f.Tasks, task) {
			f.Cohort[task], f.Training[task] = c, t
		}
	}
	if unknown := known.Undecoded(); len(unknown) > 0 {
		return File{}, unknownKey(text, unknown[0])
	}
	return f, f.Validate()
}

// settle fills in what follows from the kind: generated exams come from no path, and a folder has no readers.
func (c *Cohort) settle() {
	if c.Kind != Folder {
		return
	}
	c.Seed, c.Exams, c.Readers, c.Ambiguous = 0, 0, 0, 0
	if c.Zones == "" {
		c.Zones = string(defaultZones)
	}
	if c.LesionFrom == 0 {
		c.LesionFrom = 1
	}
}

// syntax tells what TOML says, with the line.
func syntax(err error) error {
	var p toml.ParseError
	if errors.As(err, &p) {
		what := strings.TrimPrefix(p.Error(), "toml: ")
		return fmt.Errorf("%w: %s; correct the line, see `bayeslice study init`", ErrFile, what)
	}
	return fmt.Errorf("%w: %s; correct it, see `bayeslice study init`", ErrFile, strings.TrimPrefix(err.Error(), "toml: "))
}

// unknownKey refuses a key that no study has, naming its line.
func unknownKey(text string, key toml.Key) error {
	line := lineOf(text, key)
	where := ""
	if line > 0 {
		where = fmt.Sprintf("line %d: ", line)
	}
	return fmt.Errorf("%w: %sthere is no setting %q; correct its name or remove it, see `bayeslice study init`", ErrFile, where, key.String())
}

var (
	tableHead = regexp.MustCompile(`^\s*\[\s*([^\[\]]+?)\s*\]`)
	assigned  = regexp.MustCompile(`^\s*([A-Za-z0-9_.\-"' ]+?)\s*=`)
)

// lineOf finds the line of a key, counted from 1; 0 where it cannot tell.
func lineOf(text string, key toml.Key) int {
	table, n := "", 0
	for line := range strings.Lines(text) {
		n++
		name := ""
		if m := tableHead.FindStringSubmatch(line); m != nil {
			table = plainKey(m[1])
			name = table
		} else if m := assigned.FindStringSubmatch(line); m != nil {
			if name = plainKey(m[1]); table != "" {
				name = table + "." + name
			}
		}
		if name != "" && name == plainKey(key.String()) {
			return n
		}
	}
	return 0
}

// plainKey leaves out the quotes and blanks of a key.
func plainKey(key string) string { return strings.NewReplacer(`"`, "", "'", "", " ", "").Replace(key) }

// Validate reports, as [ErrFile], the first thing that cannot be.
func (f File) Validate() error {
	fail := func(format string, a ...any) error {
		return fmt.Errorf("%w: %s", ErrFile, fmt.Sprintf(format, a...))
	}
	switch {
	case strings.TrimSpace(f.Name) == "":
		return fail("name is empty; give the study one")
	case len(f.Tasks) == 0:
		return fail("tasks names none; choose anatomy, diagnosis, or both")
	case len(f.Losses) == 0:
		return fail("losses names none; choose of %s", kinds())
	case f.Runs < 1 || f.Runs > 100:
		return fail("runs is %d; choose 1 to 100", f.Runs)
	case f.Folds < 2 || f.Folds > 100:
		return fail("folds is %d; choose 2 to 100, since one of them is kept for validation", f.Folds)
	}
	for i, t := range f.Tasks {
		if t != modelcard.Anatomy && t != modelcard.Diagnosis {
			return fail("tasks holds %q; choose anatomy, diagnosis, or both", t)
		}
		if slices.Contains(f.Tasks[:i], t) {
			return fail("tasks names %s twice; remove one", t)
		}
	}
	for i, l := range f.Losses {
		if !slices.Contains(loss.Kinds(), l) {
			return fail("losses holds %q; choose of %s", l, kinds())
		}
		if slices.Contains(f.Losses[:i], l) {
			return fail("losses names %s twice; remove one", l)
		}
	}
	if err := f.Evaluation.validate(); err != nil {
		return err
	}
	return f.validateTasks()
}

// kinds lists the losses.
func kinds() string {
	var names []string
	for _, k := range loss.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func (e Evaluation) validate() error {
	for _, c := range []struct {
		key            string
		is, least, top int
	}{{"samples", e.Samples, 1, 100_000}, {"bins", e.Bins, 1, 1000}, {"bootstrap_rounds", e.BootstrapRounds, 1, 1_000_000}, {"permutation_rounds", e.PermutationRounds, 1, 1_000_000}} {
		if c.is < c.least || c.is > c.top {
			return fmt.Errorf("%w: evaluation.%s is %d; choose %d to %d", ErrFile, c.key, c.is, c.least, c.top)
		}
	}
	return nil
}

// validateTasks checks what each task says, as a whole training of it would.
func (f File) validateTasks() error {
	for _, task := range f.Tasks {
		if err := f.Cohort[task].validate(task); err != nil {
			return err
		}
		if err := f.choice(Element{Task: task}).Validate(); err != nil {
			return fmt.Errorf("%w: cohort of %s: %w", ErrFile, task, err)
		}
		t := f.Training[task]
		if !slices.Contains(nets.PresetNames(), t.Preset) {
			return fmt.Errorf("%w: training.preset is %q for %s; choose of %s", ErrFile, t.Preset, task, strings.Join(nets.PresetNames(), ", "))
		}
		if !(t.Dropout >= 0 && t.Dropout < 1) || math.IsNaN(t.Dropout) {
			return fmt.Errorf("%w: training.dropout is %g for %s; choose a number from 0 up and below 1", ErrFile, t.Dropout, task)
		}
		for _, e := range f.Elements() {
			if e.Task != task {
				continue
			}
			c, err := f.config(e)
			if err == nil {
				err = c.Validate()
			}
			if err != nil {
				return fmt.Errorf("%w: training of %s: %w", ErrFile, task, err)
			}
		}
	}
	return nil
}

func (c Cohort) validate(task modelcard.Task) error {
	fail := func(format string, a ...any) error {
		return fmt.Errorf("%w: cohort of %s: %s", ErrFile, task, fmt.Sprintf(format, a...))
	}
	switch {
	case c.Kind != Generated && c.Kind != Folder:
		return fail("kind is %q; choose %q or %q", c.Kind, Generated, Folder)
	case c.Kind == Folder && c.Path == "":
		return fail("a folder needs a path; name the folder of the exams")
	case c.Kind == Generated && (c.Path != "" || c.Masks != "" || c.Manifest != "" || c.MaskPattern != "" || len(c.Classes)+len(c.Channels) > 0):
		return fail("a path, masks, a manifest, channels and classes belong to a folder; set kind = %q, or remove them", Folder)
	}
	return nil
}

// Text is the file in full, as TOML that [Parse] reads back to an equal one.
func (f File) Text() (string, error) {
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(f); err != nil {
		return "", fmt.Errorf("study: %w", err)
	}
	return b.String(), nil
}

//go:embed example.toml
var example string

// Example is a study file that says what every setting is: that of [Defaults], with comments.
func Example() string { return example }
