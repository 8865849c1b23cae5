package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/dataset"
	"bayeslice/training/loss"
	"bayeslice/training/synth"
	"bayeslice/training/trainer"
	"bayeslice/viewer"
	"bayeslice/viewer/viewstate"
)

// proposedSteps is the number of steps in the form at first.
const proposedSteps = 2000

// proposedSize is the preset in the form at first.
const proposedSize = "compact"

// proposedLoss is the loss in the form at first.
const proposedLoss = loss.CE

// lossNames say what each loss is, for the form.
var lossNames = map[loss.Kind]string{
	loss.CE:     "Cross-entropy.",
	loss.BCE:    "Cross-entropy balanced by class weights α.",
	loss.FL:     "Focal loss: balanced, and easy voxels count less (γ).",
	loss.DB:     "Half soft Dice, half boundary loss.",
	loss.CEDice: "Cross-entropy plus soft Dice.",
}

// maskValues are the meanings of mask files' values that can be chosen, by task.
var maskValues = map[modelcard.Task][]viewstate.TrainOption{
	modelcard.Anatomy: {
		{ID: string(dataset.TZPZ), Name: "1 = TZ, 2 = PZ"},
		{ID: string(dataset.PZTZ), Name: "1 = PZ, 2 = TZ"},
	},
	modelcard.Diagnosis: {
		{ID: "1", Name: "csPCa from value 1"},
		{ID: "2", Name: "csPCa from value 2 (ISUP grades)"},
	},
}

// trainerOf is the training behind the window. It shares the inference runtime with the [engine]; one
// training and one prediction may run at once. Safe for concurrent use.
type trainerOf struct {
	engine  *engine
	samples int    // executions per exam of the evaluation after a training; 0 is as many as in the paper
	home    string // where runs are kept unless chosen; "" is a folder in the user's home

	mu    sync.Mutex
	found []viewstate.TrainOption // devices that work here
	known map[string]demand       // by task, preset and loss
	rates map[string]float64      // multiplications a second, by device and threads
}

var _ viewstate.Trainer = (*trainerOf)(nil)

func newTrainer(e *engine) *trainerOf {
	return &trainerOf{engine: e, known: map[string]demand{}, rates: map[string]float64{}}
}

// Choices implements [viewstate.Trainer].
func (t *trainerOf) Choices(ctx context.Context, task modelcard.Task) (viewstate.TrainChoices, error) {
	c := viewstate.TrainChoices{MaskValues: maskValues[task], Devices: t.devices(ctx)}
	for _, k := range loss.Kinds() {
		c.Losses = append(c.Losses, viewstate.TrainOption{ID: string(k), Name: string(k), Description: lossNames[k]})
	}
	for _, name := range nets.PresetNames() {
		p, err := nets.FindPreset(name, task)
		if err != nil {
			return c, trainError(err)
		}
		c.Sizes = append(c.Sizes, viewstate.TrainOption{ID: name, Name: capitalised(name), Description: capitalised(p.Description)})
	}
	d, err := trainer.Defaults(proposedSize, task, proposedLoss)
	if err != nil {
		return c, trainError(err)
	}
	folder, err := t.folder()
	if err != nil {
		return c, err
	}
	c.Start = viewstate.TrainSetup{Task: task, Loss: string(proposedLoss), Size: proposedSize, Steps: proposedSteps, LearningRate: d.Rate,
		Seed: d.Seed, Anatomies: cohort.DefaultAnatomies, Device: c.Devices[0].ID, MaskValues: c.MaskValues[0].ID, Folder: folder}
	return c, nil
}

func capitalised(s string) string {
	s = sentenceCase(s)
	if strings.Contains(s, " ") && !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// folder is where runs are kept unless the user chooses.
func (t *trainerOf) folder() (string, error) {
	if t.home != "" {
		return t.home, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("app: no home folder: %w", err)
	}
	return filepath.Join(home, "Bayeslice", "runs"), nil
}

// diagnoseFor bounds the search for devices: a provider that takes longer to answer is left out.
const diagnoseFor = 20 * time.Second

// devices lists the providers that work here and, where these are several, the automatic choice; the stored choice first. Where none can be
// tried, the CPU alone: the plan then says why nothing runs.
func (t *trainerOf) devices(ctx context.Context) []viewstate.TrainOption {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.found != nil {
		return t.found
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseFor)
	defer cancel()
	o := t.engine.runtime
	stored := strings.ToLower(o.Provider)
	o.Provider = string(ort.CPU)
	var out []viewstate.TrainOption
	for _, r := range ort.Diagnose(ctx, o).Providers {
		if !r.Works {
			continue
		}
		d := viewstate.TrainOption{ID: string(r.Provider), Name: r.Device}
		if d.ID == stored {
			out = slices.Insert(out, 0, d)
		} else {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return []viewstate.TrainOption{{ID: string(ort.CPU), Name: ort.CPU.Label()}}
	}
	if len(out) > 1 {
		automatic := viewstate.TrainOption{ID: string(ort.Auto), Name: lang.T("Automatic")}
		if stored == "" || stored == automatic.ID {
			out = slices.Insert(out, 0, automatic)
		} else {
			out = append(out, automatic)
		}
	}
	if ctx.Err() == nil {
		t.found = out
	}
	return out
}

// settings turns what the user chose into the settings of a run. Data are not in it yet.
func (t *trainerOf) settings(s viewstate.TrainSetup) (trainer.Config, cohort.Choice, error) {
	c, err := trainer.Defaults(s.Size, s.Task, loss.Kind(s.Loss))
	if err != nil {
		return c, cohort.Choice{}, trainError(err)
	}
	c.RateTo *= s.LearningRate / c.Rate
	c.Steps, c.Rate, c.Seed, c.SkipBad = s.Steps, s.LearningRate, s.Seed, s.SkipBad
	c.CheckpointEvery = min(c.CheckpointEvery, max(1, s.Steps/10))
	c.ValidateEvery = min(c.ValidateEvery, max(1, s.Steps/10))
	c.Program, c.Device, c.Threads = t.engine.program, s.Device, t.engine.runtime.Threads
	if c.Threads == 0 {
		c.Threads = ort.DefaultThreads() // resuming on other threads would round differently
	}
	choice, err := choiceOf(s)
	if err != nil {
		return c, choice, err
	}
	if choice.Phantoms() {
		c.Augmentation = training.Augmentation{} // drawing a phantom is all the augmentation there is
	}
	c.DataSeed, c.Command = choice.Seed, commandOf(c, choice)
	return c, choice, trainError(errors.Join(c.Validate(), choice.Validate()))
}

// choiceOf turns what the user chose into the data of a run.
func choiceOf(s viewstate.TrainSetup) (cohort.Choice, error) {
	choice := cohort.Choice{Format: cohort.Format, Seed: s.Seed}
	if !s.Data.NeedsFolder() {
		choice.Anatomies, choice.Held = s.Anatomies, min(cohort.DefaultHeld, max(2, s.Anatomies/10))
		return choice, nil
	}
	choice.Path, choice.SkipBad, choice.Augment = s.DataFolder, s.SkipBad, true
	choice.Folds, choice.Runs, choice.SplitSeed = dataset.DefaultFolds, dataset.DefaultRuns, 1 // as the command deals them out
	if n, err := examsIn(s.DataFolder, s.Data); err == nil {
		choice.Folds = min(choice.Folds, n)
	}
	if !s.Data.HasMasks() {
		return choice, nil
	}
	choice.Masks = s.MaskFolder
	if s.Task == modelcard.Anatomy {
		choice.Zones = dataset.Zones(s.MaskValues)
		return choice, nil
	}
	var err error
	if choice.LesionFrom, err = strconv.Atoi(s.MaskValues); err != nil {
		return choice, fmt.Errorf("app: mask values %q: %w", s.MaskValues, err)
	}
	return choice, nil
}

// commandOf is the command line that trains the same, for the model file. Of paths it keeps the last
// element: the others may hold names that do not belong there.
func commandOf(c trainer.Config, choice cohort.Choice) string {
	data := fmt.Sprintf("phantoms --anatomies=%d --held=%d", choice.Anatomies, choice.Held)
	if !choice.Phantoms() {
		data = fmt.Sprintf("%q --folds=%d", filepath.Base(choice.Path), choice.Folds)
		if choice.Masks != "" {
			data += fmt.Sprintf(" --masks=%q", filepath.Base(choice.Masks))
		}
		if choice.Zones != "" {
			data += " --zones=" + string(choice.Zones)
		}
		if choice.LesionFrom > 0 {
			data += fmt.Sprintf(" --lesion-from=%d", choice.LesionFrom)
		}
		if choice.SkipBad {
			data += " --skip-bad"
		}
	}
	return fmt.Sprintf("bayeslice train --task=%s --loss=%s --preset=%s --data=%s --steps=%d --rate=%g --rate-to=%g --seed=%d --checkpoint-every=%d --validate-every=%d --device=%s --threads=%d",
		c.Net.Task, c.Loss.Kind, c.Preset, data, c.Steps, c.Rate, c.RateTo, c.Seed, c.CheckpointEvery, c.ValidateEvery, c.Device, c.Threads)
}

// newFolder is the folder of a new run: of what it trains, with the first number that is free.
func newFolder(s viewstate.TrainSetup) string {
	task := strings.ToLower(viewstate.TrainTaskName(s.Task))
	name := strings.ToLower(strings.ReplaceAll(s.Loss, "+", "-"))
	for n := 1; ; n++ {
		dir := filepath.Join(s.Folder, fmt.Sprintf("%s-%s-%s-%d", task, name, s.Size, n))
		if _, err := os.Stat(dir); err != nil { // it does not exist; what else it may be, making the run tells
			return dir
		}
	}
}

// Runs implements [viewstate.Trainer].
func (t *trainerOf) Runs(ctx context.Context, folder string) ([]viewstate.TrainRun, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("app: folder of runs: %w", withoutPath(err))
	}
	type dated struct {
		run     viewstate.TrainRun
		changed int64
	}
	var found []dated
	for _, e := range entries {
		dir := filepath.Join(folder, e.Name())
		info, err := os.Stat(filepath.Join(dir, "run.json"))
		if err != nil || ctx.Err() != nil {
			continue
		}
		run := runOf(dir)
		if log, err := os.Stat(filepath.Join(dir, "log.jsonl")); err == nil {
			info = log
		}
		found = append(found, dated{run, info.ModTime().UnixNano()})
	}
	slices.SortStableFunc(found, func(a, b dated) int { return cmp.Compare(b.changed, a.changed) })
	runs := make([]viewstate.TrainRun, len(found))
	for i, f := range found {
		runs[i] = f.run
	}
	return runs, ctx.Err()
}

// runOf describes a run folder.
func runOf(dir string) viewstate.TrainRun {
	out := viewstate.TrainRun{Folder: dir, Name: filepath.Base(dir)}
	run, err := trainer.Open(dir)
	if err != nil {
		out.Problem = "cannot be opened: " + strings.TrimPrefix(withoutPath(err).Error(), "trainer: ")
		return out
	}
	c := run.Config()
	out.Task, out.Loss, out.Size, out.Steps, out.Synthetic = c.Net.Task, string(c.Loss.Kind), c.Preset, c.Steps, c.Data.Synthetic
	if out.Finished = run.Finished(); out.Finished {
		out.Step, out.Model = c.Steps, filepath.Join(dir, trainer.ModelName)
		return out
	}
	if paths, err := trainer.Checkpoints(dir); err == nil && len(paths) > 0 {
		out.Step = checkpointStep(paths[0])
	}
	return out
}

// checkpointStep is the step in the name of a checkpoint's file, 0 where there is none.
func checkpointStep(path string) int {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	n, err := strconv.Atoi(name[strings.LastIndex(name, "-")+1:])
	if err != nil {
		return 0
	}
	return n
}

// History implements [viewstate.Trainer].
func (t *trainerOf) History(_ context.Context, folder string) ([]viewstate.TrainEvent, error) {
	events, err := trainer.ReadLog(folder)
	if err != nil {
		return nil, trainError(err)
	}
	out := make([]viewstate.TrainEvent, len(events))
	for i, e := range events {
		out[i] = eventOf(e)
	}
	return out, nil
}

// refusals are what the parts of a training refuse, and what the window makes of each.
var refusals = []struct{ by, told error }{
	{trainer.ErrDiverged, viewer.ErrDiverged},
	{trainer.ErrCheckpoint, viewer.ErrCheckpoint},
	{cohort.ErrChoice, viewer.ErrTrainingData},
	{dataset.ErrData, viewer.ErrTrainingData},
	{dataset.ErrSplits, viewer.ErrTrainingData},
	{trainer.ErrRun, viewer.ErrTrainingRun},
	{trainer.ErrConfig, viewer.ErrTrainingRun},
	{nets.ErrConfig, viewer.ErrTrainingRun},
	{loss.ErrOptions, viewer.ErrTrainingRun},
	{synth.ErrConfig, viewer.ErrTrainingRun},
}

// refusal is an error for the window: told says what it is, and the text is that of cause without the words
// that say the same.
type refusal struct{ told, by, cause error }

func (r refusal) Error() string {
	text := r.cause.Error()
	if _, rest, ok := strings.Cut(text, r.by.Error()+": "); ok {
		text = rest
	}
	owner, _, _ := strings.Cut(r.by.Error(), ": ")
	return "training: " + strings.TrimPrefix(text, owner+": ")
}

func (r refusal) Unwrap() []error { return []error{r.told, r.cause} }

// trainError marks what the parts of a training refuse, for the window to say what it means; nil stays nil.
func trainError(err error) error {
	for _, r := range refusals {
		if errors.Is(err, r.by) {
			return refusal{told: r.told, by: r.by, cause: err}
		}
	}
	return runtimeError(err)
}
