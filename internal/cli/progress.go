package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// meter shows how far a job is: a bar on a terminal, else a line now and then. One goroutine.
type meter struct {
	out  io.Writer
	what string
	live bool // the writer is a terminal
	bar  *progressbar.ProgressBar
	next int // percent at which the next line is due
}

// newMeter starts a meter; what names the job in lower case.
func newMeter(out io.Writer, what string) *meter {
	return &meter{out: out, what: what, live: isTerminal(out)}
}

// newBar makes the bar once the number of steps is known.
func (m *meter) newBar(total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total, progressbar.OptionSetWriter(m.out), progressbar.OptionSetDescription(m.what),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// set tells that done of total steps are finished; note stands behind the figures.
func (m *meter) set(done, total int, note string) {
	if total <= 0 {
		return
	}
	if m.live {
		if m.bar == nil {
			m.bar = m.newBar(total)
		}
		if m.bar.GetMax() != total {
			m.bar.ChangeMax(total)
		}
		if note != "" {
			m.bar.Describe(m.what + " (" + note + ")")
		}
		_ = m.bar.Set(done) // a terminal that cannot be written to stops no job
		return
	}
	if done == 0 {
		return
	}
	if percent := 100 * done / total; percent >= m.next || done == total {
		if m.next > 100 {
			return
		}
		if note != "" {
			note = ", " + note
		}
		fmt.Fprintf(m.out, "%s: %d of %d%s\n", m.what, done, total, note)
		m.next = percent - percent%20 + 20
	}
}

// close takes the bar away.
func (m *meter) close() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
