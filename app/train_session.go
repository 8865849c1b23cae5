package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/lang"
	"bayeslice/internal/machine"
	"bayeslice/internal/models"
	"bayeslice/internal/ort"
	"bayeslice/internal/report"
	"bayeslice/training/cohort"
	"bayeslice/training/fold"
	"bayeslice/training/trainer"
	"bayeslice/viewer/viewstate"
)

// trainSession is a run that is ready to train.
type trainSession struct {
	t       *trainerOf
	run     *trainer.Run
	data    *cohort.Cohort
	notes   []string
	control trainer.Control
}

var _ viewstate.TrainSession = (*trainSession)(nil)

// Begin implements [viewstate.Trainer].
func (t *trainerOf) Begin(ctx context.Context, s viewstate.TrainSetup, progress func(viewstate.TrainProgress)) (viewstate.TrainSession, error) {
	c, choice, err := t.settings(s)
	if err != nil {
		return nil, err
	}
	opened, err := openData(ctx, choice, c, progress)
	if err != nil {
		return nil, err
	}
	c.Data = opened.Origin
	dir := newFolder(s)
	c.Name = fmt.Sprintf("%s (%s)", c.Name, filepath.Base(dir))
	run, err := trainer.New(dir, c, nil)
	if err != nil {
		return nil, trainError(err)
	}
	if err := choice.Save(dir); err != nil {
		return nil, trainError(err)
	}
	return &trainSession{t: t, run: run, data: opened, notes: opened.Notes}, nil
}

// Continue implements [viewstate.Trainer].
func (t *trainerOf) Continue(ctx context.Context, folder string, progress func(viewstate.TrainProgress)) (viewstate.TrainSession, error) {
	run, err := trainer.Open(folder)
	if err != nil {
		return nil, trainError(err)
	}
	choice, err := cohort.Load(folder)
	if err != nil {
		return nil, trainError(err)
	}
	opened, err := openData(ctx, choice, run.Config(), progress)
	if err != nil {
		return nil, err
	}
	return &trainSession{t: t, run: run, data: opened, notes: opened.Notes}, nil
}

// openData opens the examples of a run.
func openData(ctx context.Context, choice cohort.Choice, c trainer.Config, progress func(viewstate.TrainProgress)) (*cohort.Cohort, error) {
	stage := "Reading and preparing exams"
	if choice.Phantoms() {
		stage = "Making anatomies of phantoms"
	}
	progress(viewstate.TrainProgress{Stage: stage + " …"})
	need := cohort.Need{Task: c.Net.Task, Recipe: c.Recipe, Augmentation: c.Augmentation}
	opened, err := cohort.Open(ctx, choice, need, func(done, total int) {
		progress(viewstate.TrainProgress{Stage: stage, Done: done, Total: total})
	})
	if err != nil {
		return nil, trainError(err)
	}
	progress(viewstate.TrainProgress{Stage: "Building the network …"})
	return opened, nil
}

// Run implements [viewstate.TrainSession].
func (s *trainSession) Run() viewstate.TrainRun { return runOf(s.run.Dir()) }

// Pause implements [viewstate.TrainSession].
func (s *trainSession) Pause() { s.control.Pause() }

// Resume implements [viewstate.TrainSession].
func (s *trainSession) Resume() { s.control.Resume() }

// Close implements [viewstate.TrainSession]. The graphs are closed by the end of Train.
func (s *trainSession) Close() error { return nil }

// Train implements [viewstate.TrainSession].
func (s *trainSession) Train(ctx context.Context, on func(viewstate.TrainEvent)) (viewstate.TrainEnd, error) {
	end := viewstate.TrainEnd{RunFolder: s.run.Dir()}
	onDevices, err := s.t.engine.devices()
	if err != nil {
		return end, err
	}
	for _, note := range s.notes {
		on(viewstate.TrainEvent{Note: note})
	}
	c := s.run.Config()
	provider, err := ort.ParseProvider(c.Device)
	if err != nil {
		return end, runtimeError(err)
	}
	last := 0
	use := devices.Use{Session: ort.SessionOptions{Provider: provider, Threads: c.Threads}, Progress: func(p devices.Progress) {
		on(viewstate.TrainEvent{Opening: lang.T("measuring %s (%d of %d) …", p.Trying.String(), p.Done+1, p.Of)})
	}}
	model, err := s.run.Train(ctx, s.data.Data, trainer.Options{
		Open: models.Each(ctx, onDevices, use),
		On: func(e trainer.Event) {
			last = e.Step
			event := eventOf(e)
			if event.Learnt != nil {
				event.Learnt.Memory = machine.InUse()
			}
			on(event)
		},
		Control: &s.control, Clock: time.Now, Runtime: "ONNX Runtime " + onDevices.Env().Version(),
	})
	end.Step = last
	if err == nil {
		end.Finished, end.Model = true, model
		s.evaluate(ctx, models.On(ctx, onDevices, use), model, on)
		return end, nil
	}
	if errors.Is(err, ort.ErrProvider) { // the device stands in the settings of the run, which never change
		err = fmt.Errorf("%w; the command `bayeslice train resume RUN --device cpu` goes on with this run elsewhere", err)
	}
	if ctx.Err() == nil {
		return end, trainError(err)
	}
	return s.stopped(end, err)
}

// evaluate measures the finished model on what it did not learn from, as `bayeslice train` does. The run is finished whatever
// becomes of it: what goes wrong is a note.
func (s *trainSession) evaluate(ctx context.Context, open inference.Openers, model string, on func(viewstate.TrainEvent)) {
	set, c := s.data.Validation, s.run.Config()
	if set == nil || set.Len() == 0 {
		return
	}
	on(viewstate.TrainEvent{Note: lang.T("The model is written. It is being evaluated on the %d exams that it did not learn from; Cancel leaves that out.", set.Len())})
	dir := filepath.Join(s.run.Dir(), "evaluation")
	_, err := fold.Write(ctx, model, open, set, dir, true, fold.Options{
		Samples: s.t.samples, Seed: c.Seed, Skip: c.SkipBad, Explain: func(err error) string { return sentenceOf(err.Error()) }, Readers: s.data.Shares,
		Moved: func(note string) { on(viewstate.TrainEvent{Note: sentenceOf(note)}) },
	}, fold.About{Program: c.Program, Name: string(c.Loss.Kind), ResearchUse: report.Disclaimer, Time: time.Now()})
	switch {
	case err == nil:
		on(viewstate.TrainEvent{Note: lang.T("Its evaluation is %s", filepath.Join(dir, evaluate.ReportFile))})
	case ctx.Err() == nil:
		on(viewstate.TrainEvent{Note: lang.T("It could not be evaluated: %s", sentenceOf(err.Error()))})
	}
}

// stopped says what a run that the user stopped has kept. What went wrong while it stopped is an error.
func (s *trainSession) stopped(end viewstate.TrainEnd, err error) (viewstate.TrainEnd, error) {
	if rest := withoutCancel(err); rest != nil {
		return end, trainError(rest)
	}
	kept, _, err := s.run.Last()
	if err != nil {
		return end, trainError(err)
	}
	if kept != nil {
		end.Kept, end.Step = true, kept.Step
	}
	return end, nil
}

// withoutCancel returns the parts of a joined error that are not about the end of a context, or nil.
func withoutCancel(err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var rest []error
		for _, e := range joined.Unwrap() {
			rest = append(rest, withoutCancel(e))
		}
		return errors.Join(rest...)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// eventOf turns an event of a run into one of the window.
func eventOf(e trainer.Event) viewstate.TrainEvent {
	out := viewstate.TrainEvent{Step: e.Step}
	switch e.Kind {
	case trainer.Stepped:
		out.Learnt = &viewstate.TrainStep{Loss: e.Segmentation, KL: e.Divergence, Rate: e.Rate, Seconds: e.Seconds}
	case trainer.Validated:
		if v := e.Validation; v != nil {
			out.Checked = &viewstate.TrainCheck{Dice: v.Dice, AUROC: math.NaN(), NLL: v.NLL, Exams: v.Exams}
			if v.AUROC != nil {
				out.Checked.AUROC = *v.AUROC
			}
		}
	case trainer.Started:
		out.Device = e.Text
	case trainer.Skipped, trainer.Warned:
		out.Note = sentenceOf(e.Text)
	case trainer.PausedKind:
		out.Paused = true
	case trainer.Continued, trainer.Saved, trainer.Stopped, trainer.Finished:
	}
	return out
}

// sentenceOf makes a sentence of the text of an error.
func sentenceOf(text string) string {
	if i := strings.Index(text, ": "); i > 0 && !strings.ContainsAny(text[:i], " /.") {
		text = text[i+2:]
	}
	text = sentenceCase(text)
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
