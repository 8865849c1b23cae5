package viewer

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/edit"
)

// previewBox offers to accept or reject what is shown dashed.
type previewBox struct {
	content *fyne.Container
	what    *widget.Label
	notes   *widget.Label
}

func newPreviewBox(w *Window) *previewBox {
	p := &previewBox{what: sentenceLabel(""), notes: caption("")}
	yes := widget.NewButtonWithIcon("", theme.ConfirmIcon(), func() { w.command(viewstate.Accept) })
	yes.Importance = widget.HighImportance
	no := widget.NewButtonWithIcon("", theme.CancelIcon(), func() { w.command(viewstate.Reject) })
	w.hint(yes, lang.T("Accept"), viewstate.Accept)
	w.hint(no, lang.T("Reject"), viewstate.Reject)
	p.content = container.NewVBox(p.what, p.notes, inset(container.NewGridWithColumns(2, no, yes)), widget.NewSeparator())
	p.content.Hide()
	return p
}

// update shows the preview that waits, or nothing.
func (p *previewBox) update(e *edit.Editor) {
	text, notes, waits := e.Preview()
	if waits {
		setText(p.what, lang.T("Preview, dashed: %s", text))
		setText(p.notes, strings.Join(notes, "\n"))
		setVisible(p.notes, len(notes) > 0)
	}
	setVisible(p.content, waits)
}

// setImportance marks a button as the chosen one, or not.
func setImportance(b *widget.Button, chosen bool) {
	importance := widget.MediumImportance
	if chosen {
		importance = widget.HighImportance
	}
	if b.Importance != importance {
		b.Importance = importance
		b.Refresh()
	}
}

// moveSlider sets a slider without telling whoever listens to it.
func moveSlider(s *widget.Slider, v float64) {
	if s.Value == v {
		return
	}
	changed := s.OnChanged
	s.OnChanged = nil
	s.SetValue(v)
	s.OnChanged = changed
}
