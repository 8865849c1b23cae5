package viewer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/inference"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// Bounds on what can be typed.
const maxSamples = 10000

// runPanel chooses models, number of samples and seed, starts and stops runs, and shows how far they are.
type runPanel struct {
	content  *fyne.Container
	pickers  map[modelcard.Task]*modelPicker
	notice   *widget.Label // what the chosen models must not be taken for
	samples  *field
	seed     *field
	converge *widget.Check
	run      *widget.Button
	stop     *widget.Button
	bar      *thinBar
	status   *widget.Label
	note     *widget.Label
	settings *fyne.Container // what a run is made with; folded away where the room is needed
	fold     *widget.Button
	low      bool // the window is too low for the settings
	ran      bool // a run has begun on this exam: its results need the room
	layout   viewstate.Layout
	running  bool
	hasExam  bool
}

// runTasks are the tasks in the order in which they run.
var runTasks = [...]modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis}

var taskNames = map[modelcard.Task]lang.Text{modelcard.Anatomy: lang.Mark("Zones"), modelcard.Diagnosis: lang.Mark("Lesions")}

// runActions are what the panel's controls do.
type runActions struct {
	run, stop, openModel func()
	shortcut             func(fyne.Shortcut) bool
}

func newRunPanel(samples int, seed uint64, a runActions) *runPanel {
	shortcut := a.shortcut
	p := &runPanel{pickers: map[modelcard.Task]*modelPicker{}, notice: newModelNotice(),
		samples: newField(shortcut), seed: newField(shortcut), bar: newThinBar(), status: widget.NewLabel(""), note: caption("")}
	p.samples.SetText(strconv.Itoa(samples))
	p.seed.SetText(strconv.FormatUint(seed, 10))
	p.samples.Validator = func(s string) error { _, err := parseSamples(s); return err }
	p.seed.Validator = func(s string) error { _, err := parseSeed(s); return err }
	p.samples.OnChanged = func(string) { p.refresh() }
	p.seed.OnChanged = func(string) { p.refresh() }
	p.run = widget.NewButtonWithIcon(lang.T("Run"), theme.MediaPlayIcon(), a.run)
	p.run.Importance = widget.HighImportance
	p.stop = widget.NewButtonWithIcon(lang.T("Stop"), theme.MediaStopIcon(), a.stop)
	p.status.Truncation = fyne.TextTruncateEllipsis
	p.converge = widget.NewCheck(lang.T("Stop when the result has settled"), nil)
	rows := container.NewVBox()
	for _, task := range runTasks {
		p.pickers[task] = newModelPicker(a.openModel, func() { p.refresh() })
		rows.Add(row(taskNames[task].String(), p.pickers[task].Select))
	}
	rows.Add(p.notice)
	numbers := row(lang.T("Samples"), container.NewBorder(nil, nil, container.New(fixedWidth{76}, p.samples), nil, container.NewBorder(nil, nil, widget.NewLabel(lang.T("Seed")), nil, p.seed)))
	p.settings = container.NewVBox(rows, numbers, p.converge)
	p.fold = widget.NewButtonWithIcon("", theme.MenuDropDownIcon(), func() { p.unfold(!p.settings.Visible()) })
	p.fold.Importance = widget.LowImportance
	buttons := container.NewBorder(nil, nil, nil, p.fold, container.NewGridWithColumns(2, p.run, p.stop))
	p.content = container.NewVBox(p.settings, inset(buttons), inset(p.bar.Container), p.status, p.note)
	p.refresh()
	return p
}

// field is an entry that leaves the window's shortcuts to the window.
type field struct {
	widget.Entry
	shortcut func(fyne.Shortcut) bool
	left     func() // called when the focus goes elsewhere; may be nil
}

func newField(shortcut func(fyne.Shortcut) bool) *field {
	f := &field{shortcut: shortcut}
	f.ExtendBaseWidget(f)
	f.OnSubmitted = func(string) { // the keys are the window's again
		if c := fyne.CurrentApp().Driver().CanvasForObject(f); c != nil {
			c.Unfocus()
		}
	}
	return f
}

// TypedShortcut implements [fyne.Shortcutable].
func (f *field) TypedShortcut(s fyne.Shortcut) {
	if !f.shortcut(s) {
		f.Entry.TypedShortcut(s)
	}
}

// FocusLost implements [fyne.Focusable].
func (f *field) FocusLost() {
	f.Entry.FocusLost()
	if f.left != nil {
		f.left()
	}
}

// fixedHeight is a layout that gives its object a height of its own.
type fixedHeight struct{ height float32 }

// MinSize implements [fyne.Layout].
func (f fixedHeight) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(10, f.height) }

// Layout implements [fyne.Layout].
func (f fixedHeight) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		place(o, 0, 0, size.Width, size.Height)
	}
}

func parseSamples(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > maxSamples {
		return 0, fmt.Errorf("a whole number from 1 to %d", maxSamples)
	}
	return n, nil
}

func parseSeed(s string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("a whole number from 0")
	}
	return n, nil
}

// setModels fills the pickers.
func (p *runPanel) setModels(models []Model) {
	for _, task := range runTasks {
		var of []Model
		for _, m := range models {
			if m.Card.Task == task {
				of = append(of, m)
			}
		}
		p.pickers[task].set(of)
	}
	p.refresh()
}

// jobs returns what Run would do; an error says in words what is missing.
func (p *runPanel) jobs() ([]Job, error) {
	samples, err := parseSamples(p.samples.Text)
	if err != nil {
		return nil, fmt.Errorf("samples: %w", err)
	}
	seed, err := parseSeed(p.seed.Text)
	if err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	var jobs []Job
	for _, task := range runTasks {
		if m := p.pickers[task].model(); m != nil {
			jobs = append(jobs, Job{Model: *m, Samples: samples, Seed: seed, Converge: p.converge.Checked})
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("choose a model")
	}
	return jobs, nil
}

// refresh allows the buttons that make sense now.
func (p *runPanel) refresh() {
	if p.stop == nil || p.content == nil {
		return
	}
	notice := modelNotice(p.pickers)
	p.notice.SetText(notice)
	setVisible(p.notice, notice != "")
	_, err := p.jobs()
	enable(p.run, p.hasExam && !p.running && err == nil)
	enable(p.stop, p.running)
	if !p.running {
		switch {
		case !p.hasExam:
			p.tell(lang.T("Open an exam to run the models"), "")
		case err != nil:
			p.tell(capital(err.Error()), p.note.Text)
		}
	}
}

// unfold shows or hides what a run is made with.
func (p *runPanel) unfold(open bool) {
	setVisible(p.settings, open)
	icon := theme.MenuDropUpIcon()
	if open {
		icon = theme.MenuDropDownIcon()
	}
	p.fold.SetIcon(icon)
}

// update folds the settings away in layouts whose own panels need the room.
func (p *runPanel) update(l viewstate.Layout) {
	p.layout = l
	setVisible(p.note, p.roomy() && p.note.Text != "")
	p.unfold(p.roomy())
}

// roomy reports whether the layout and the window leave room for more than buttons and progress.
func (p *runPanel) roomy() bool {
	return !p.low && (p.layout == viewstate.Read || p.layout == viewstate.Uncertainty)
}

// setLow folds the settings away in a low window.
func (p *runPanel) setLow(low bool) {
	p.low = low
	p.update(p.layout)
}

func enable(o fyne.Disableable, on bool) {
	if on && o.Disabled() {
		o.Enable()
	} else if !on && !o.Disabled() {
		o.Disable()
	}
}

// setExam tells whether there is an exam to run on.
func (p *runPanel) setExam(open bool) {
	p.hasExam, p.ran = open, false
	p.update(p.layout)
	if open && !p.running {
		p.bar.set(0)
		p.tell(lang.T("Ready"), "")
	}
	p.refresh()
}

// begin shows that a run starts.
func (p *runPanel) begin(job Job) {
	p.running, p.ran = true, true
	p.update(p.layout)
	p.bar.set(0)
	p.tell(taskNames[job.Model.Card.Task].String()+" · "+lang.T("preparing"), "")
	p.refresh()
}

// measuring shows that devices are measured before the first sample.
func (p *runPanel) measuring(m Progress) {
	p.bar.set(float64(m.Done) / math.Max(1, float64(m.Total)))
	p.tell(lang.T("Measuring %s (%d of %d)", m.Stage, m.Done+1, m.Total), lang.T("Which device is fastest is measured once for each model; it may take minutes. Stop ends it."))
}

// tell sets the two lines under the bar.
func (p *runPanel) tell(status, note string) {
	p.status.SetText(status)
	p.note.SetText(note)
	setVisible(p.note, note != "" && p.roomy())
}

// progress shows a snapshot.
func (p *runPanel) progress(r *inference.Prediction) {
	if r.Requested > 0 {
		p.bar.set(float64(r.Samples) / float64(r.Requested))
	}
	p.tell(progressText(r), stabilityText(r))
}

// stabilityText says how far the result has settled, and at what it counts as settled.
func stabilityText(r *inference.Prediction) string {
	limit, s := inference.DefaultConvergence(), r.Stability
	if r.Samples < 2 || math.IsInf(s.VolumeSE, 0) || math.IsInf(s.LesionSE, 0) {
		return ""
	}
	text := lang.T("Standard error of volumes %.1f %% (settled < %.0f %%)", 100*s.VolumeSE, 100*limit.VolumeSE)
	if r.Card.Task == modelcard.Diagnosis {
		text = lang.T("Standard error of lesions %.3f (settled < %.2f)", s.LesionSE, limit.LesionSE)
	}
	return text + ", " + lang.T("labels changing %.2f %% (< %.1f %%)", 100*s.Flips, 100*limit.Flips)
}

// progressText says how far a run is: "Zones · sample 12 of 100 · 1.9 s each · 2 min 47 s left".
func progressText(r *inference.Prediction) string {
	text := lang.T("%s · %d of %d", taskNames[r.Card.Task].String(), r.Samples, r.Requested)
	if r.SecondsPerSample > 0 {
		left := time.Duration(r.SecondsPerSample * float64(r.Requested-r.Samples) * float64(time.Second))
		text += " · " + lang.T("%s each · %s left", seconds(r.SecondsPerSample), durationText(left))
	}
	return text
}

// seconds writes a short time with two significant digits.
func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.0f ms", math.Max(1, 1000*s))
	}
	return fmt.Sprintf("%.1f s", s)
}

func durationText(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	case s >= 60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d s", s)
}

// finish shows how the runs ended.
func (p *runPanel) finish(results []*inference.Prediction, err error) {
	p.running = false
	status, note := lang.T("Ready"), ""
	if len(results) > 0 {
		status, note = doneText(results), stabilityText(results[len(results)-1])
		p.bar.set(1)
	} else {
		p.bar.set(0)
	}
	if err != nil {
		what, _, _ := explain(err)
		status = capital(what)
	}
	p.tell(status, note)
	p.refresh()
}

// doneText says how runs ended, short enough for several on one line: "Samples: Zones 100, done · Lesions 40, settled".
func doneText(results []*inference.Prediction) string {
	if len(results) == 1 {
		r := results[0]
		return lang.T("%s: %d samples, %s", taskNames[r.Card.Task].String(), r.Samples, stopWord(r.Stop))
	}
	each := make([]string, len(results))
	for i, r := range results {
		each[i] = lang.T("%s %d, %s", taskNames[r.Card.Task].String(), r.Samples, stopWord(r.Stop))
	}
	return lang.T("Samples: %s", strings.Join(each, " · "))
}

func stopWord(s inference.StopReason) string {
	switch s {
	case inference.Completed:
		return lang.T("done")
	case inference.Converged:
		return lang.T("settled")
	case inference.Cancelled:
		return lang.T("stopped")
	case inference.Failed:
		return lang.T("failed")
	}
	return string(s)
}
