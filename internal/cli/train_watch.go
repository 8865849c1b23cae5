package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"bayeslice/training/trainer"
)

// measured is how many steps make a first estimate of the time; the one before them warms up.
const measured = 3

// watch follows a run: a live line on a terminal, else a line now and then. It is called on the training
// goroutine alone.
type watch struct {
	s       *session
	live    liveLine
	plain   bool
	of      int // steps of the run
	every   int // steps between two plain lines
	first   int // step that this process began with
	step    int
	seconds []float64 // of the last steps
	last    trainer.Event
	skipped int
	told    bool // the expected time was said
}

// paceSteps is over how many steps the pace is taken.
const paceSteps = 50

func newWatch(s *session, c trainer.Config, plain bool) *watch {
	return &watch{s: s, of: c.Steps, every: max(1, (c.Steps+49)/50), live: liveLine{out: s.Err}, plain: plain || !isTerminal(s.Err)}
}

// event takes in what the run tells.
func (w *watch) event(e trainer.Event) {
	w.step = e.Step
	switch e.Kind {
	case trainer.Started:
		w.first = e.Step
		if e.Step > 0 {
			w.line("resumed     after step %d of %d, on %s", e.Step, w.of, e.Text)
		} else {
			w.line("started     on %s", e.Text)
		}
	case trainer.Stepped:
		w.stepped(e)
	case trainer.Validated:
		w.line("validation  step %d: %s", e.Step, validationText(e.Validation))
	case trainer.Skipped:
		w.skipped++
		w.line("left out    %s", w.words(e.Text))
	case trainer.Warned:
		w.line("warning     %s", w.words(e.Text))
	case trainer.PausedKind, trainer.Continued, trainer.Saved, trainer.Stopped, trainer.Finished:
	}
}

// words takes the names of packages out of a text of the log.
func (w *watch) words(text string) string { return packagePrefix.ReplaceAllString(text, "$1") }

// stepped tells of one step.
func (w *watch) stepped(e trainer.Event) {
	w.last = e
	if e.Step > w.first+1 || e.Step == w.of { // the first step of a process allocates
		w.seconds = append(w.seconds, e.Seconds)
	}
	if len(w.seconds) > paceSteps {
		w.seconds = w.seconds[1:]
	}
	if !w.told && len(w.seconds) >= measured && w.of > e.Step {
		w.told = true
		w.line("pace        %s a step: about %s for the %s left, and validation", secondsText(w.pace()), durationText(w.left()), plural(w.of-e.Step, "step"))
	}
	if !w.plain {
		w.live.set(w.short())
		return
	}
	if e.Step == w.first+1 || e.Step%w.every == 0 || e.Step == w.of {
		w.line("step %d of %d: %s", e.Step, w.of, w.note())
	}
}

// pace is the median of the last steps, in seconds.
func (w *watch) pace() float64 {
	if len(w.seconds) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(w.seconds)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

func (w *watch) left() time.Duration {
	return time.Duration(w.pace() * float64(w.of-w.step) * float64(time.Second))
}

// note is what a plain line says of a step.
func (w *watch) note() string {
	e := w.last
	text := fmt.Sprintf("loss %.4g (segmentation %.4g, divergence %.3g)", e.Loss, e.Segmentation, e.Divergence)
	if p := w.pace(); !math.IsNaN(p) {
		text += ", " + secondsText(p) + " a step"
		if w.step < w.of {
			text += ", " + durationText(w.left()) + " left"
		}
	}
	return text
}

// short is the live line; terminals are narrow.
func (w *watch) short() string {
	e := w.last
	text := fmt.Sprintf("step %d/%d  loss %.4f = %.4f + β·%.2g", e.Step, w.of, e.Loss, e.Segmentation, e.Divergence)
	if p := w.pace(); !math.IsNaN(p) {
		text += fmt.Sprintf("  %.2g s/step", p)
		if w.step < w.of {
			text += "  " + durationText(w.left()) + " left"
		}
	}
	return text
}

// line prints a line of its own; the live line is drawn anew below it at the next step.
func (w *watch) line(format string, args ...any) {
	w.live.clear()
	w.s.say(format, args...)
}

// close takes the live line away.
func (w *watch) close() { w.live.clear() }

// liveLine is a line of a terminal that is written over again and again.
type liveLine struct {
	out   io.Writer
	shown int // runes that stand there
}

// set replaces the line; what does not fit the terminal's width is left off. A terminal that cannot be
// written to stops no run.
func (l *liveLine) set(text string) {
	runes := []rune(text)
	if f, ok := l.out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 1 && len(runes) >= width {
			runes = runes[:width-1]
		}
	}
	blank := max(0, l.shown-len(runes))
	_, _ = fmt.Fprintf(l.out, "\r%s%s", string(runes), strings.Repeat(" ", blank))
	l.shown = len(runes)
}

// clear takes the line away.
func (l *liveLine) clear() {
	if l.shown > 0 {
		_, _ = fmt.Fprintf(l.out, "\r%s\r", strings.Repeat(" ", l.shown))
		l.shown = 0
	}
}

// validationText is a validation in a few words: Dice by structure, AUROC where there is one, and the
// calibration. A log that was edited may hold a validation without figures, nil.
func validationText(v *trainer.Validation) string {
	if v == nil {
		return "no figures"
	}
	var parts []string
	for _, name := range sortedKeys(v.Dice) {
		parts = append(parts, fmt.Sprintf("%s %.3f", name, v.Dice[name]))
	}
	text := "no structure to find"
	if len(parts) > 0 {
		text = "Dice " + strings.Join(parts, " ")
	}
	if v.AUROC != nil {
		text += fmt.Sprintf(", AUROC %.3f", *v.AUROC)
	}
	return text + fmt.Sprintf(", NLL %.3g", v.NLL)
}

// sortedKeys lists the names of figures, so that they always stand in the same order.
func sortedKeys(m map[string]float64) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// secondsText is a time to three figures.
func secondsText(s float64) string { return fmt.Sprintf("%.3g s", s) }

// durationText is a duration as people say it.
func durationText(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}
