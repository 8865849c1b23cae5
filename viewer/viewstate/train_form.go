package viewstate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// Incomplete is the error of a form that is not filled in: a clause that says what to do.
type Incomplete string

// Error implements error.
func (e Incomplete) Error() string { return string(e) }

// Bounds on what can be typed. Anatomies are held in memory.
const (
	maxTrainSteps = 10_000_000
	maxAnatomies  = 4000
)

// TrainForm is what the user has chosen and typed.
type TrainForm struct {
	Data               TrainData
	Anatomies          string // as typed
	DataFolder         string
	MaskFolder         string
	MaskValues         string // a [TrainOption]'s ID
	SkipBad            bool
	Task               modelcard.Task
	Loss, Size, Device string // IDs of a [TrainOption]
	Steps, Rate, Seed  string // as typed
	Folder             string
}

// Setup reads the form. An error is [Incomplete].
func (f TrainForm) Setup() (TrainSetup, error) {
	s := TrainSetup{Data: f.Data, Task: f.Task, Loss: f.Loss, Size: f.Size, Device: f.Device, Folder: f.Folder}
	if f.Data.NeedsFolder() {
		if f.DataFolder == "" {
			return s, Incomplete(lang.T("choose the folder of the data"))
		}
		s.DataFolder, s.SkipBad = f.DataFolder, f.SkipBad
	} else {
		n, err := ParseAnatomies(f.Anatomies)
		if err != nil {
			return s, Incomplete(lang.T("anatomies must be %s", err.Error()))
		}
		s.Anatomies = n
	}
	if f.Data.HasMasks() {
		s.MaskFolder, s.MaskValues = f.MaskFolder, f.MaskValues
	}
	var err error
	if s.Steps, err = ParseSteps(f.Steps); err != nil {
		return s, Incomplete(lang.T("steps must be %s", err.Error()))
	}
	if s.LearningRate, err = ParseRate(f.Rate); err != nil {
		return s, Incomplete(lang.T("the learning rate must be %s", err.Error()))
	}
	if s.Seed, err = ParseSeed(f.Seed); err != nil {
		return s, Incomplete(lang.T("the seed must be %s", err.Error()))
	}
	if f.Folder == "" {
		return s, Incomplete(lang.T("choose the folder in which runs are kept"))
	}
	if f.Loss == "" || f.Size == "" || f.Device == "" {
		return s, Incomplete(lang.T("choose loss, network and device"))
	}
	return s, nil
}

// ParseSteps reads a number of steps; the error says what is wanted.
func ParseSteps(s string) (int, error) { return parseCount(s, maxTrainSteps) }

// ParseAnatomies reads a number of phantoms' anatomies; the error says what is wanted.
func ParseAnatomies(s string) (int, error) { return parseCount(s, maxAnatomies) }

func parseCount(s string, most int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("a whole number from 1 to %s", Count(most))
	}
	return n, nil
}

// ParseRate reads a learning rate; the error says what is wanted.
func ParseRate(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(s), ",", ".", 1), 64)
	if err != nil || !(v > 0 && v <= 1) {
		return 0, errors.New(lang.T("a number above 0 and up to 1, such as 0.0001 or 1e-4"))
	}
	return v, nil
}

// ParseSeed reads a seed; the error says what is wanted.
func ParseSeed(s string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, errors.New(lang.T("a whole number from 0"))
	}
	return n, nil
}

// Form returns what is chosen.
func (t *Training) Form() TrainForm { return t.form }

// Choices returns what can be chosen for the task of the form; all lists are empty until they are known.
func (t *Training) Choices() TrainChoices { return t.choices[t.form.Task] }

// Choose changes the form.
func (t *Training) Choose(change func(*TrainForm)) {
	before := t.form
	change(&t.form)
	if t.form == before {
		return
	}
	if t.form.Task != before.Task {
		if c, known := t.choices[t.form.Task]; known {
			t.propose(c)
		}
		t.ask(t.form.Task)
	}
	t.changed(TrainFormChanged)
	if t.form.Folder != before.Folder {
		t.RefreshRuns()
	}
	t.replan()
}

// ask gets the choices for a task once.
func (t *Training) ask(task modelcard.Task) {
	if _, ok := t.choices[task]; ok || t.asking[task] {
		return
	}
	t.asking[task] = true
	t.o.Go(func() {
		c, err := t.o.Trainer.Choices(t.o.Context, task)
		t.o.Do(func() {
			t.asking[task] = false
			if err != nil {
				t.planErr = err
				t.changed(TrainPlanChanged)
				return
			}
			t.choices[task] = c
			if task == t.form.Task {
				t.propose(c)
			}
			t.changed(TrainFormChanged)
			t.RefreshRuns()
			t.replan()
		})
	})
}

// propose fills in what the user has not chosen, or what the task does not offer.
func (t *Training) propose(c TrainChoices) {
	f := &t.form
	f.Loss = offered(f.Loss, c.Losses, c.Start.Loss)
	f.Size = offered(f.Size, c.Sizes, c.Start.Size)
	f.MaskValues = offered(f.MaskValues, c.MaskValues, c.Start.MaskValues)
	f.Device = offered(f.Device, c.Devices, c.Start.Device)
	for _, field := range []struct {
		text *string
		with string
	}{
		{&f.Folder, c.Start.Folder},
		{&f.Anatomies, strconv.Itoa(c.Start.Anatomies)},
		{&f.Steps, strconv.Itoa(c.Start.Steps)},
		{&f.Rate, strconv.FormatFloat(c.Start.LearningRate, 'g', -1, 64)},
		{&f.Seed, strconv.FormatUint(c.Start.Seed, 10)},
	} {
		if *field.text == "" {
			*field.text = field.with
		}
	}
}

// offered returns the chosen ID where it is among the options, else the proposed one, else the first.
func offered(chosen string, options []TrainOption, proposed string) string {
	for _, want := range []string{chosen, proposed} {
		if _, ok := FindOption(options, want); ok {
			return want
		}
	}
	if len(options) > 0 {
		return options[0].ID
	}
	return ""
}

// FindOption returns the option of an ID.
func FindOption(options []TrainOption, id string) (TrainOption, bool) {
	for _, o := range options {
		if o.ID == id {
			return o, true
		}
	}
	return TrainOption{}, false
}

// replan makes a plan of what is chosen, dropping one that is being made.
func (t *Training) replan() {
	if t.planning != nil {
		t.planning()
		t.planning = nil
	}
	t.planID++
	t.plan, t.planErr = nil, nil
	setup, err := t.form.Setup()
	if err != nil || len(t.Choices().Sizes) == 0 {
		t.planErr = err
		if len(t.Choices().Sizes) == 0 {
			t.planErr = nil // still waiting
		}
		t.changed(TrainPlanChanged)
		return
	}
	ctx, cancel := context.WithCancel(t.o.Context)
	t.planning = cancel
	id := t.planID
	t.changed(TrainPlanChanged)
	t.o.Go(func() {
		defer cancel()
		p, err := t.o.Trainer.Plan(ctx, setup)
		t.o.Do(func() {
			if id != t.planID {
				return
			}
			t.planning = nil
			if err == nil {
				t.plan = &p
			}
			t.planErr = err
			t.changed(TrainPlanChanged)
		})
	})
}

// Plan returns the plan of what is chosen; nil while it is made, and where there is none. Then the error says
// why, as [Incomplete] where something is not filled in.
func (t *Training) Plan() (*TrainPlan, error) { return t.plan, t.planErr }

// PlanLine is a line of the plan: what, and the value in words.
type PlanLine struct{ Name, Value string }

// PlanLines returns the plan in words; nil while there is none.
func (t *Training) PlanLines() []PlanLine {
	p := t.plan
	if p == nil {
		return nil
	}
	exams := lang.T("a new one for every step")
	if p.Exams > 0 {
		exams = lang.T("%s to learn from", Count(p.Exams))
	}
	exams += ", " + lang.T("%s to validate with", Count(p.Validation))
	memory := lang.T("not known")
	if p.Memory > 0 {
		memory = lang.T("about %s", BytesText(p.Memory))
		if p.FreeMemory > 0 {
			memory = lang.T("about %s of %s free", BytesText(p.Memory), BytesText(p.FreeMemory))
		}
	}
	duration := lang.T("known after the first steps")
	if p.StepSeconds > 0 {
		duration = lang.T("about %s, %s a step", DurationText(p.Seconds), SecondsText(p.StepSeconds))
	}
	return []PlanLine{{lang.T("Device"), p.Device}, {lang.T("Memory"), memory}, {lang.T("Time"), duration}, {lang.T("Exams"), exams},
		{lang.T("Run"), lang.T("new folder %s", filepath.Base(p.RunFolder))}}
}

// BytesText writes an amount of memory: "340 MB", "1.4 GB".
func BytesText(n int64) string {
	switch v := float64(n); {
	case v >= 9.95e9:
		return fmt.Sprintf("%.0f GB", v/1e9)
	case v >= 0.9995e9:
		return fmt.Sprintf("%.1f GB", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.0f MB", v/1e6)
	}
	return fmt.Sprintf("%.0f kB", math.Ceil(float64(n)/1e3))
}

// SecondsText writes a short time: "35 ms", "1.2 s", "14 s".
func SecondsText(s float64) string {
	switch {
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", s*1000)
	case s < 9.95:
		return fmt.Sprintf("%.1f s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}

// DurationText writes a long time as people do: "2 h 5 min", "42 min", "3 min 20 s".
func DurationText(seconds float64) string {
	s := int64(math.Round(seconds))
	switch {
	case s >= 48*3600:
		return lang.T("%d days %d h", s/86400, s%86400/3600)
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	case s >= 600:
		return fmt.Sprintf("%d min", (s+30)/60)
	case s >= 60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d s", s)
}
