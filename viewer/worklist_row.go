package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/worklist"
	"bayeslice/viewer/viewstate/queue"
)

// listRow is a line of the work list: a mark for its state, title and expected error, and below them why.
type listRow struct {
	widget.BaseWidget
	ground *canvas.Rectangle
	mark   *widget.Icon
	title  *widget.Label
	figure *widget.Label
	why    *widget.Label
	body   *fyne.Container
}

func newListRow() fyne.CanvasObject {
	r := &listRow{ground: canvas.NewRectangle(colorInput), mark: widget.NewIcon(nil), title: widget.NewLabel(""), figure: trailing("", false), why: caption("")}
	r.ground.CornerRadius = 4
	r.title.Truncation, r.why.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	r.why.Wrapping = fyne.TextWrapOff
	r.body = &fyne.Container{Layout: listRowLayout{}, Objects: []fyne.CanvasObject{r.ground, r.mark, r.title, r.figure, r.why}}
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer implements [fyne.Widget].
func (r *listRow) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(r.body)
}

// fill shows an exam in a line.
func (p *listPanel) fill(n int, o fyne.CanvasObject) {
	r, ok := o.(*listRow)
	if !ok || n >= len(p.rows) {
		return
	}
	e := p.rows[n]
	setVisible(r.ground, e.Current)
	r.ground.FillColor = colorInput
	r.mark.SetResource(stateIcon(e))
	if r.title.TextStyle.Bold != e.Current || r.title.Text != e.Title {
		r.title.TextStyle.Bold = e.Current
		r.title.SetText(e.Title)
	}
	importance := widget.MediumImportance
	if !e.State.Open() || e.Broken {
		importance = widget.LowImportance
	}
	if r.title.Importance != importance {
		r.title.Importance = importance
		r.title.Refresh()
	}
	if r.figure.Text != e.Error {
		r.figure.SetText(e.Error)
		r.body.Refresh() // its width has changed
	}
	setText(r.why, rowText(e))
}

// rowText is the second line: the state in words, the note, and why.
func rowText(e queue.Row) string {
	text := e.Why
	if e.Note != "" {
		text = lang.T("“%s” · %s", e.Note, text)
	}
	if e.State != worklist.NotStarted {
		text = lang.T("%s · %s", stateText(e.State), text)
	}
	return text
}

// stateText names a state.
func stateText(s worklist.State) string {
	switch s {
	case worklist.InProgress:
		return lang.T("in progress")
	case worklist.Completed:
		return lang.T("completed")
	case worklist.Flagged:
		return lang.T("flagged")
	case worklist.NotStarted:
	}
	return lang.T("not started")
}

// stateIcon is the mark of an exam: a shape for each state.
func stateIcon(e queue.Row) fyne.Resource {
	switch {
	case e.State == worklist.Completed:
		return theme.NewSuccessThemedResource(theme.ConfirmIcon())
	case e.State == worklist.Flagged:
		return theme.NewWarningThemedResource(theme.WarningIcon())
	case e.Broken:
		return theme.NewErrorThemedResource(theme.ErrorIcon())
	case e.State == worklist.InProgress:
		return theme.NewPrimaryThemedResource(theme.DocumentCreateIcon())
	}
	return theme.NewDisabledResource(theme.RadioButtonIcon())
}

// listRowLayout puts two lines of text behind the mark.
type listRowLayout struct{}

const (
	listRowHeight = 42
	listMarkSize  = 18
)

// MinSize implements [fyne.Layout].
func (listRowLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(120, listRowHeight) }

// Layout implements [fyne.Layout].
func (listRowLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	ground, mark, title, figure, why := o[0], o[1], o[2], o[3], o[4]
	place(ground, 2, 0, size.Width-4, size.Height)
	place(mark, 8, 5, listMarkSize, listMarkSize)
	const left = listMarkSize + 8
	wide := figure.MinSize().Width
	height := title.MinSize().Height
	place(title, left, 14-height/2, size.Width-left-wide-4, height)
	place(figure, size.Width-wide-4, 14-height/2, wide, height)
	height = why.MinSize().Height
	place(why, left, 31-height/2, size.Width-left-4, height)
}
