package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
)

// showError tells an error as a sentence with the next step.
func (w *Window) showError(title string, err error) {
	what, next, details := explain(err)
	w.showSentence(title, what, next, details)
}

// showSentence shows what happened, what to do next, and the details in small print.
func (w *Window) showSentence(title, what, next, details string) {
	w.showEscaped(dialog.NewCustom(title, lang.T("Close"), w.sentenceBody(what, next, details), w.win))
}

// sentenceBody is what a dialog shows of an error.
func (w *Window) sentenceBody(what, next, details string) fyne.CanvasObject {
	line := func(s string, bold bool) *widget.Label {
		l := widget.NewLabel(s)
		l.Wrapping = fyne.TextWrapWord
		l.TextStyle.Bold = bold
		return l
	}
	body := container.NewVBox(line(what, true), line(next, false))
	if details = w.discreet(details); details != "" {
		body.Add(caption(lang.T("Details: %s", details)))
	}
	icon := container.NewVBox(container.New(layout.NewCustomPaddedLayout(4, 0, 0, 8),
		container.New(fixedSize{32}, widget.NewIcon(theme.NewWarningThemedResource(theme.WarningIcon())))))
	return container.New(fixedWidth{460}, container.NewBorder(nil, nil, icon, nil, body))
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
