package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/viewer/viewstate"
)

// showError tells an error as a sentence with the next step.
func (w *Window) showError(title string, err error) {
	what, next, details := explain(err)
	w.showSentence(title, what, next, details)
}

// showSentence shows what happened, what to do next, and the details in small print.
func (w *Window) showSentence(title, what, next, details string) {
	line := func(s string, bold bool) *widget.Label {
		l := widget.NewLabel(s)
		l.Wrapping = fyne.TextWrapWord
		l.TextStyle.Bold = bold
		return l
	}
	body := container.NewVBox(line(what, true), line(next, false))
	if details != "" {
		body.Add(caption("Details: " + details))
	}
	icon := container.NewVBox(container.New(layout.NewCustomPaddedLayout(4, 0, 0, 8),
		container.New(fixedSize{32}, widget.NewIcon(theme.NewWarningThemedResource(theme.WarningIcon())))))
	content := container.New(fixedWidth{460}, container.NewBorder(nil, nil, icon, nil, body))
	dialog.NewCustom(title, "Close", content, w.win).Show()
}

// fixedSize is a layout that makes its object a square.
type fixedSize struct{ side float32 }

// MinSize implements [fyne.Layout].
func (f fixedSize) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(f.side, f.side) }

// Layout implements [fyne.Layout].
func (f fixedSize) Layout(objects []fyne.CanvasObject, _ fyne.Size) {
	for _, o := range objects {
		place(o, 0, 0, f.side, f.side)
	}
}

// showHelp shows the sheet of keys and gestures.
func (w *Window) showHelp() {
	grid := container.New(layout.NewFormLayout())
	line := func(left, right string) {
		keys := heading(left)
		keys.Alignment = fyne.TextAlignTrailing
		grid.Add(container.New(tight{}, keys))
		grid.Add(container.New(tight{}, widget.NewLabel(right)))
	}
	for _, l := range viewstate.MouseHelp() {
		line(l.Keys, l.Meaning)
	}
	for _, c := range viewstate.Commands() {
		if keys := w.state.Keys().Text(c); keys != "" {
			line(keys, c.Info().Meaning)
		}
	}
	scroll := container.NewVScroll(grid)
	scroll.SetMinSize(fyne.NewSize(620, 480))
	dialog.NewCustom("Keys and mouse", "Close", scroll, w.win).Show()
}
