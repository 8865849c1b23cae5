package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/metrics"
	"bayeslice/training/cohort"
	"bayeslice/training/fold"
	"bayeslice/training/trainer"
)

// Phase is what is being done for an element.
type Phase string

// Phases of an element.
const (
	Measuring  Phase = "devices"    // Done of Total devices are measured for a graph; Notes names the one that is being measured
	Preparing  Phase = "data"       // Done of Total exams are prepared
	Stepping   Phase = "training"   // steps
	Evaluating Phase = "evaluation" // executions
	Warning    Phase = "warning"    // Notes say what happened beside, such as a change of the device
	Finished   Phase = "done"
	Broken     Phase = "failed"  // Err says why
	Elsewhere  Phase = "busy"    // another process works on it
	Stopped    Phase = "stopped" // the context ended; Err says so, and what else went wrong in stopping
)

// Event is progress of an element.
type Event struct {
	Element     Element
	Phase       Phase
	Done, Total int
	Loss        float64  // of the step, in training
	Notes       []string // about the data, as those of [cohort.Cohort], once for each opening; or of a [Warning]
	Err         error
}

// Options are what the work needs from outside.
type Options struct {
	// Open gives what opens the graphs of an element with a number of threads for each operator; 0 is the machine's default.
	// Where it has to measure devices it calls measuring before each, from the goroutine that opens.
	Open    func(ctx context.Context, threads int, measuring func(device string, done, of int)) (Openers, error)
	Program string                 // name and version, for what is written
	Runtime string                 // name and version of what runs graphs, for model files
	Device  string                 // provider that was asked for, for run.json; "" is the automatic choice
	Use     string                 // the sentence on research use that results carry
	Clock   func() time.Time       // for logs and records; nil leaves times out
	Explain func(err error) string // a sentence for an error; nil is its text
	On      func(Event)            // called from the goroutine of the element, several at a time under [Study.Run] one after the other; may be nil
}

// Openers open the graphs of an element.
type Openers struct {
	Train  inference.OpenRunner // the step of the training, and its validation
	Sample inference.Openers    // the model that came out, for its evaluation
}

func (o *Options) tell(e Event) {
	if o.On != nil {
		o.On(e)
	}
}

func (o *Options) now() time.Time {
	if o.Clock == nil {
		return time.Time{}
	}
	return o.Clock()
}

func (o *Options) explain(err error) string {
	if o.Explain == nil {
		return err.Error()
	}
	return o.Explain(err)
}

// RunElement does what is missing of an element: trains from its last checkpoint on, evaluates, writes the results. A
// finished one is left as it is. It fails with [ErrBusy] where another process works on it, with ctx's error
// when that ends, after keeping a checkpoint, and otherwise with why the element failed, which is
// recorded too.
func (s *Study) RunElement(ctx context.Context, e Element, o Options) (err error) {
	lock, err := claim(ctx, s.lockFile(e), "has "+e.Name())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if s.done(e) {
		return s.prune(e)
	}
	var r Record
	err = s.attempt(ctx, e, o, &r)
	if err != nil && ctx.Err() != nil {
		return err
	}
	r.Time = o.now()
	if err != nil {
		r.Failure = o.explain(err)
		return errors.Join(err, s.writeRecord(e, r))
	}
	return errors.Join(s.writeRecord(e, r), s.prune(e))
}

// attempt trains and evaluates an element.
func (s *Study) attempt(ctx context.Context, e Element, o Options, r *Record) error {
	open, err := o.Open(ctx, s.file.Training[e.Task].Threads, func(device string, done, of int) {
		o.tell(Event{Element: e, Phase: Measuring, Done: done, Total: of, Notes: []string{device}})
	})
	if err != nil {
		return err
	}
	data, choice, err := s.data(ctx, e, o)
	if err != nil {
		return err
	}
	model, err := s.train(ctx, e, o, open.Train, data, choice)
	if err != nil {
		return err
	}
	events, err := trainer.ReadLog(s.training(e))
	if err != nil {
		return err
	}
	for _, step := range trainer.Curve(events, trainer.Stepped) {
		r.Train += step.Seconds
	}
	began := o.now()
	if err := s.evaluate(ctx, e, o, open.Sample, model, data); err != nil {
		return err
	}
	r.Evaluate = o.now().Sub(began).Seconds()
	return nil
}

// train trains an element's network, or goes on with it, and returns the path of the model.
func (s *Study) train(ctx context.Context, e Element, o Options, open inference.OpenRunner, data *cohort.Cohort, choice cohort.Choice) (string, error) {
	run, err := s.openRun(e, o, data, choice)
	if err != nil {
		return "", err
	}
	if run.Finished() {
		return filepath.Join(run.Dir(), trainer.ModelName), nil
	}
	steps := run.Config().Steps
	return run.Train(ctx, data.Data, trainer.Options{Open: open, Clock: o.Clock, Runtime: o.Runtime, On: func(ev trainer.Event) {
		switch ev.Kind { //nolint:exhaustive // the others are in the log of the training
		case trainer.Stepped, trainer.Started:
			o.tell(Event{Element: e, Phase: Stepping, Done: ev.Step, Total: steps, Loss: ev.Loss})
		case trainer.Warned:
			o.tell(Event{Element: e, Phase: Warning, Notes: []string{ev.Text}})
		}
	}})
}

// openRun opens the run of an element, or makes it. What a process left that was killed while it made the folder, before
// there were settings in it, is removed.
func (s *Study) openRun(e Element, o Options, data *cohort.Cohort, choice cohort.Choice) (*trainer.Run, error) {
	dir := s.training(e)
	run, err := trainer.Open(dir)
	if err == nil {
		if _, missing := os.Stat(filepath.Join(dir, cohort.FileName)); errors.Is(missing, fs.ErrNotExist) {
			err = choice.Save(dir)
		}
		return run, err
	}
	if _, there := os.Stat(filepath.Join(dir, "run.json")); !errors.Is(there, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	c, err := s.file.config(e)
	if err != nil {
		return nil, err
	}
	c.Data, c.Program, c.Device = data.Origin, o.Program, o.Device
	c.Command = fmt.Sprintf("bayeslice study element STUDY --index %d", e.Index)
	if run, err = trainer.New(dir, c, nil); err != nil {
		return nil, err
	}
	return run, choice.Save(dir)
}

// evaluate measures an element's model on its validation fold and writes the results, results.json last.
func (s *Study) evaluate(ctx context.Context, e Element, o Options, open inference.Openers, model string, data *cohort.Cohort) error {
	v := s.file.Evaluation
	_, err := fold.Write(ctx, model, open, data.Validation, s.evaluation(e), showing(e), fold.Options{
		Samples: v.Samples, Seed: v.Seed, Skip: s.file.Cohort[e.Task].SkipBad, Explain: o.explain, Readers: data.Shares,
		Settings: evaluate.Settings{Bins: v.Bins, Bootstrap: metrics.Bootstrap{Rounds: v.BootstrapRounds, Seed: v.Seed}},
		Progress: func(done, total int) { o.tell(Event{Element: e, Phase: Evaluating, Done: done, Total: total}) },
		Moved:    func(note string) { o.tell(Event{Element: e, Phase: Warning, Notes: []string{note}}) },
	}, fold.About{Program: o.Program, Name: string(e.Loss), ResearchUse: o.Use, Time: o.now()})
	return err
}

// showing says whether an element keeps an exam for Figure 3: those of the first fold of the first run do.
func showing(e Element) bool { return e.Run == 0 && e.Fold == 0 }

// prune removes what a finished element needs no more, where the file says so.
func (s *Study) prune(e Element) error {
	if s.file.KeepCheckpoints {
		return nil
	}
	paths, err := trainer.Checkpoints(s.training(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			return fmt.Errorf("study: removing a checkpoint that is needed no more: %w", err)
		}
	}
	return nil
}
