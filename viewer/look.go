package viewer

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/settings"
	"bayeslice/viewer/viewstate"
)

// keepSizeWithin is how long a new size of everything waits for a word before it is taken back: it may
// have pushed the way back out of the screen.
const keepSizeWithin = 15 * time.Second

// applyLook makes the size and the contrast of the preferences hold. A new size must be confirmed.
func (w *Window) applyLook(before settings.Settings) {
	w.look(before.UIScale(), w.kept.prefs)
	if w.kept.prefs.UIScale() != before.UIScale() && w.opt.SetScale != nil {
		w.confirmSize(before)
	}
}

// look applies size and contrast; from is the magnification until now. The window keeps its place on the
// screen: what is in it grows.
func (w *Window) look(from float32, s settings.Settings) {
	size := w.win.Canvas().Size()
	if w.opt.SetScale != nil {
		w.opt.SetScale(s.UIScale())
	}
	setContrast(s.Contrast == settings.HighContrast)
	w.app.Settings().SetTheme(Theme{}) // whoever draws looks at the colours anew
	if to := s.UIScale(); to != from && w.opt.SetScale != nil && !w.win.FullScreen() {
		w.win.Resize(fyne.NewSize(size.Width*from/to, size.Height*from/to))
	}
	w.changed(viewstate.ChangedAll)
}

// confirmSize asks whether a new size is to stay, and takes it back without an answer.
func (w *Window) confirmSize(before settings.Settings) {
	body := widget.NewLabel(lang.T("Without an answer the size before comes back in %d seconds.", int(keepSizeWithin.Seconds())))
	body.Wrapping = fyne.TextWrapWord
	answered := false
	back := func() {
		from := w.kept.prefs.UIScale()
		w.kept.prefs.Scale = before.Scale
		w.keepPrefs()
		w.look(from, w.kept.prefs)
	}
	d := dialog.NewCustomConfirm(lang.T("Keep this size?"), lang.T("Keep"), lang.T("Go back"), container.New(fixedWidth{320}, body), func(keep bool) {
		if !answered && !keep {
			back()
		}
		answered = true
	}, w.win)
	w.showEscaped(d)
	time.AfterFunc(keepSizeWithin, func() {
		w.do(func() {
			if !answered && !w.closing {
				answered = true
				d.Hide()
				back()
			}
		})
	})
}
