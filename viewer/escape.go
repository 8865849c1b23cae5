package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"
)

// escapes are the dialogs that Escape closes, by what the window shows of them. For the UI goroutine alone.
type escapes map[fyne.CanvasObject]func()

// showEscaped shows a dialog that Escape closes while none of its fields has the focus. It is closed as its answer of
// no closes it.
func (w *Window) showEscaped(d dialog.Dialog) {
	d.Show()
	shown := w.win.Canvas().Overlays()
	open := escapes{shown.Top(): d.Dismiss}
	for _, o := range shown.List() { // those that are gone are forgotten
		if no := w.escapes[o]; no != nil && o != shown.Top() {
			open[o] = no
		}
	}
	w.escapes = open
}

// escape closes the dialog on top, where it is one that Escape closes.
func (w *Window) escape() {
	if no := w.escapes[w.win.Canvas().Overlays().Top()]; no != nil {
		no()
	}
}

// dialogField is an entry of a dialog shown by [Window.showEscaped]: Escape closes that, from within the entry too.
type dialogField struct {
	widget.Entry
	w *Window
}

func newDialogField(w *Window) *dialogField {
	f := &dialogField{w: w}
	f.ExtendBaseWidget(f)
	return f
}

// TypedKey implements [fyne.Focusable].
func (f *dialogField) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape {
		f.w.escape()
		return
	}
	f.Entry.TypedKey(e)
}
