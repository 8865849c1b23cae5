package viewer

import (
	"fyne.io/fyne/v2/widget"

	"bayeslice/viewer/viewstate"
)

// hinted is a button that names the keys of its command.
type hinted struct {
	button  *widget.Button
	text    string
	command viewstate.Command
}

// hint gives a button that lives as long as the window a text with the keys of its command, as they are bound at each time.
func (w *Window) hint(b *widget.Button, text string, c viewstate.Command) {
	w.hints = append(w.hints, hinted{b, text, c})
	b.SetText(withKeys(text, w.state.Keys(), c))
}

// showHints brings the texts of buttons and the hint below the drawing tools up to date with the keys.
func (w *Window) showHints() {
	for _, h := range w.hints {
		if text := withKeys(h.text, w.state.Keys(), h.command); h.button.Text != text {
			h.button.SetText(text)
		}
	}
	w.state.Notify(viewstate.ChangedTool)
}
