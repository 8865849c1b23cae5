package viewer

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
)

// DeviceChooser is an [Engine] whose device can be changed while the window is open.
type DeviceChooser interface {
	// SetDevice makes later runs use another device, one of [Options.Devices]; "" is the automatic choice. It may wait.
	SetDevice(provider string)
	// UsableDevices names the devices that can be used on this machine, as far as is known, for people. It may wait.
	UsableDevices() []string
}

// measuring shows that devices are measured for a job on an exam, which happens once for each model and machine. It is called by the
// engine, on any goroutine.
func (w *Window) measuring(e *exam.Exam) func(Progress) {
	return func(p Progress) {
		w.do(func() {
			if w.state.Exam() == e && !w.closing && w.running != nil {
				w.run.measuring(p)
			}
		})
	}
}

// showRunError tells why a run ended. Where the device that was chosen is refused, it offers the automatic choice, with which the run
// begins again.
func (w *Window) showRunError(title string, err error, again func()) {
	chooser, ok := w.opt.Engine.(DeviceChooser)
	if !ok || !errors.Is(err, ErrDevice) {
		w.showError(title, err)
		return
	}
	w.work.Go(func() {
		usable := chooser.UsableDevices()
		w.do(func() {
			if !w.closing {
				w.offerAutomatic(title, err, usable, func() {
					w.work.Go(func() {
						chooser.SetDevice("")
						w.do(again)
					})
				})
			}
		})
	})
}

// offerAutomatic asks whether the automatic choice is to take the place of a device that is refused.
func (w *Window) offerAutomatic(title string, err error, usable []string, then func()) {
	what, next, details := explain(err)
	if len(usable) > 0 {
		next = lang.T("What works here: %s. The automatic choice takes the fastest of these; it then stands in the preferences.", strings.Join(usable, ", "))
	}
	d := dialog.NewCustomWithoutButtons(title, w.sentenceBody(what, next, details), w.win)
	use := widget.NewButton(lang.T("Run on the automatic choice"), func() {
		d.Hide()
		w.kept.prefs.Provider = ""
		w.keepPrefs()
		then()
	})
	use.Importance = widget.HighImportance
	d.SetButtons([]fyne.CanvasObject{widget.NewButton(lang.T("Close"), func() { d.Hide() }), use})
	w.showEscaped(d)
}
