package viewstate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// paceSteps is the number of steps over which the time of a step is told.
const paceSteps = 20

// wholeSteps is the number of steps after which the time left counts what lies between steps, too.
const wholeSteps = 10

// pace is the time of the latest steps, and of a step with its share of validations and checkpoints.
type pace struct {
	seconds []float64
	whole   float64 // seconds, 0 where not known yet
	since   time.Time
	first   int // step at that time, counted from 1
}

// passed takes in that a step has ended now.
func (p *pace) passed(step int, now time.Time) {
	if p.first == 0 {
		p.since, p.first = now, step
	}
	if n := step - p.first; n >= wholeSteps {
		p.whole = now.Sub(p.since).Seconds() / float64(n)
	}
}

func (p *pace) add(seconds float64) {
	if seconds > 0 {
		p.seconds = append(p.seconds, seconds)
		p.seconds = p.seconds[max(0, len(p.seconds)-paceSteps):]
	}
}

// mean is the mean time of the latest steps, 0 where it is unknown.
func (p *pace) mean() float64 {
	sum := 0.0
	for _, s := range p.seconds {
		sum += s
	}
	return sum / math.Max(1, float64(len(p.seconds)))
}

// Fraction returns how far the run or its preparation is, 0…1.
func (t *Training) Fraction() float64 {
	switch {
	case t.phase == TrainPreparing && t.stage.Total > 0:
		return float64(t.stage.Done) / float64(t.stage.Total)
	case t.phase != TrainPreparing && t.run.Steps > 0:
		return float64(t.run.Step) / float64(t.run.Steps)
	}
	return 0
}

// Headline says what is shown: "Zones · CE · compact · Run 3".
func (t *Training) Headline() string {
	if t.run.Name == "" {
		return lang.T("No run yet")
	}
	return RunTitle(t.run)
}

// RunTitle names a run for people.
func RunTitle(r TrainRun) string {
	parts := []string{r.Name}
	if r.Task != "" {
		parts = append(parts, TrainTaskName(r.Task))
	}
	for _, s := range []string{r.Loss, r.Size} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

// TrainTaskName names a task as the window does.
func TrainTaskName(task modelcard.Task) string {
	switch task {
	case modelcard.Anatomy:
		return lang.T("Zones")
	case modelcard.Diagnosis:
		return lang.T("Lesions")
	}
	return string(task)
}

// Status says in one line how far the run is.
func (t *Training) Status() string {
	at := lang.T("Step %s of %s", Count(t.run.Step), Count(t.run.Steps))
	switch t.phase {
	case TrainPreparing:
		return preparingText(t.stage)
	case TrainRunning:
		if t.device == "" {
			if t.opening != "" {
				return at + " · " + t.opening
			}
			return at + " · " + lang.T("opening the network on its device …")
		}
		return strings.Join(append([]string{at}, t.measures(true)...), " · ")
	case TrainPausing:
		return at + " · " + lang.T("pausing after this step …")
	case TrainPaused:
		return strings.Join(append([]string{at, lang.T("paused")}, t.measures(false)...), " · ")
	case TrainStopping:
		if t.run.Folder == "" {
			return lang.T("Stopping …")
		}
		return at + " · " + lang.T("stopping; a checkpoint is kept …")
	case TrainStopped:
		return t.stoppedText(at)
	case TrainFinished:
		return lang.T("Finished: %s steps. The model is ready.", Count(t.run.Step))
	case TrainFailed:
		return t.failedText(at)
	case TrainIdle:
	}
	if t.run.Folder == "" {
		return lang.T("Choose what to train, then Start")
	}
	if t.run.Finished {
		return lang.T("Finished: %s steps", Count(t.run.Step))
	}
	return at + " · " + lang.T("unfinished")
}

func preparingText(p TrainProgress) string {
	switch {
	case p.Stage == "":
		return lang.T("Preparing …")
	case p.Total > 0:
		return lang.T("%s: %s of %s", p.Stage, Count(p.Done), Count(p.Total))
	}
	return p.Stage
}

// measures tells time of a step, time left where the run goes on, learning rate and memory, as far as known.
func (t *Training) measures(goesOn bool) []string {
	var parts []string
	if each := t.pace.mean(); each > 0 {
		parts = append(parts, lang.T("%s each", SecondsText(each)))
		if goesOn {
			parts = append(parts, lang.T("%s left", DurationText(max(each, t.pace.whole)*float64(t.run.Steps-t.run.Step))))
		}
	}
	if t.last.Memory > 0 {
		parts = append(parts, lang.T("%s in use", BytesText(t.last.Memory)))
	}
	return parts
}

func (t *Training) stoppedText(at string) string {
	switch {
	case t.run.Folder == "":
		return lang.T("Stopped before the first step")
	case t.end.Kept:
		return at + " · " + lang.T("stopped; the checkpoint is kept, Resume goes on from here")
	}
	return at + " · " + lang.T("stopped")
}

func (t *Training) failedText(at string) string {
	switch {
	case t.run.Folder == "" || t.run.Step == 0:
		return lang.T("The training did not start")
	case t.done == 0:
		return at + " · " + lang.T("the training did not go on")
	}
	return at + " · " + lang.T("the training ended early; Resume goes on from its last checkpoint")
}

// Results tells the newest losses and validation in words, "" while there are none.
func (t *Training) Results() string {
	var parts []string
	if n := len(t.log.loss); n > 0 {
		parts = append(parts, lang.T("loss %s", short3(t.log.loss[n-1].Y)))
	}
	if n := len(t.log.kl); n > 0 {
		parts = append(parts, "KL "+short3(t.log.kl[n-1].Y))
	}
	if t.last.Rate > 0 {
		parts = append(parts, lang.T("learning rate %s", short3(t.last.Rate)))
	}
	if t.log.checks > 0 {
		c := t.log.lastChecked
		for _, class := range Classes {
			if d, ok := c.Dice[class.String()]; ok {
				parts = append(parts, fmt.Sprintf("Dice %s %.2f", class, d))
			}
		}
		if t.task() == modelcard.Diagnosis && !math.IsNaN(c.AUROC) {
			parts = append(parts, fmt.Sprintf("AUROC %.2f", c.AUROC))
		}
		if !math.IsNaN(c.NLL) {
			parts = append(parts, "NLL "+short3(c.NLL))
		}
	}
	return strings.Join(parts, " · ")
}

// short3 writes three significant digits.
func short3(v float64) string {
	text := fmt.Sprintf("%.3g", v)
	if mantissa, exponent, ok := strings.Cut(text, "e"); ok {
		e := 0
		if _, err := fmt.Sscan(exponent, &e); err == nil {
			text = strings.TrimPrefix(mantissa+"·", "1·") + "10" + superscript(e)
		}
	}
	return strings.Replace(text, "-", "−", 1)
}

// Notes returns what is worth knowing about the run under way, the newest last.
func (t *Training) Notes() []string { return slices.Clone(t.notes) }

// DeviceMoved reports whether another device took over in the middle of the shown run.
func (t *Training) DeviceMoved() bool { return t.moved }

// Device says what the shown run computes on, or what is planned; "" where it is not known.
func (t *Training) Device() string {
	if t.device == "" && t.run.Folder == "" && t.plan != nil {
		return t.plan.Device
	}
	return t.device
}

// Synthetic reports whether what is shown, or chosen where no run is shown, was made by a computer.
func (t *Training) Synthetic() bool {
	if t.run.Name != "" {
		return t.run.Synthetic
	}
	return t.plan != nil && t.plan.Synthetic
}

// RunState says in one line how far a run of the list is.
func RunState(r TrainRun) string {
	switch {
	case r.Problem != "":
		return r.Problem
	case r.Finished:
		return lang.T("finished, %s steps", Count(r.Step))
	case r.Step == 0:
		return lang.T("not begun, %s steps", Count(r.Steps))
	}
	return lang.T("unfinished, step %s of %s", Count(r.Step), Count(r.Steps))
}

// RefreshRuns lists the runs of the chosen folder anew.
func (t *Training) RefreshRuns() {
	folder := t.form.Folder
	if folder == "" {
		return
	}
	t.o.Go(func() {
		runs, err := t.o.Trainer.Runs(t.o.Context, folder)
		t.o.Do(func() {
			if folder != t.form.Folder {
				return
			}
			t.runs, t.runsErr, t.runsRead = runs, err, true
			t.changed(TrainRunsChanged)
		})
	})
}

// RunsKnown reports whether the folder of runs has been read.
func (t *Training) RunsKnown() bool { return t.runsRead }

// ShowRun shows the curves of a run of the list. It does nothing while a run is under way.
func (t *Training) ShowRun(r TrainRun) {
	if t.phase.Active() || r.Problem != "" {
		return
	}
	t.o.Go(func() {
		events, err := t.o.Trainer.History(t.o.Context, r.Folder)
		t.o.Do(func() {
			if t.phase.Active() || t.o.Context.Err() != nil {
				return
			}
			t.phase, t.err, t.end = TrainIdle, err, TrainEnd{}
			t.run, t.log, t.last, t.device, t.notes = r, trainLog{}, TrainStep{}, "", nil
			for _, e := range events {
				if e.Step <= r.Step { // later ones were lost with a crash
					t.log.add(e)
					t.note(e)
				}
			}
			t.changed(TrainStateChanged | TrainCurvesChanged)
		})
	})
}
