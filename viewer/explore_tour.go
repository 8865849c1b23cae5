package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate/explore"
)

// tourCard shows a step of the guided tour above the panel.
type tourCard struct {
	x       *explore.Explore
	content *fyne.Container
	title   *widget.Label
	text    *widget.Label
	look    *widget.Label
	back    *widget.Button
	next    *widget.Button
	number  int
	moved   bool // a step was reached whose page is not shown yet
}

func newTourCard(x *explore.Explore) *tourCard {
	c := &tourCard{x: x, title: heading(""), text: widget.NewLabel(""), look: widget.NewLabel("")}
	for _, l := range []*widget.Label{c.title, c.text, c.look} {
		l.Wrapping = fyne.TextWrapWord
	}
	c.look.Importance = widget.HighImportance
	c.back = widget.NewButtonWithIcon(lang.T("Back"), theme.NavigateBackIcon(), func() { x.GoToTour(c.number - 1) })
	c.next = widget.NewButtonWithIcon(lang.T("Next"), theme.NavigateNextIcon(), func() { x.GoToTour(c.number + 1) })
	end := widget.NewButtonWithIcon(lang.T("End"), theme.CancelIcon(), func() { x.GoToTour(0) })
	ground := canvas.NewRectangle(colorInput)
	ground.CornerRadius = 6
	body := container.NewVBox(snug(c.title, c.text, c.look), inset(container.NewGridWithColumns(3, c.back, c.next, end)))
	c.content = container.NewVBox(inset(container.NewStack(ground, body)))
	c.content.Hide()
	return c
}

// refresh shows the present step, or nothing.
func (c *tourCard) refresh() {
	step, number, ok := c.x.TourStep()
	setVisible(c.content, ok)
	if !ok || number == c.number {
		if !ok {
			c.number = 0
		}
		return
	}
	c.number, c.moved = number, true
	c.title.SetText(lang.T("%d of %d · %s", number, explore.TourLength, step.Title))
	c.text.SetText(step.Text.String())
	c.look.SetText(step.Look.String())
	enable(c.back, number > 1)
	next := lang.T("Next")
	if number == explore.TourLength {
		next = lang.T("Finish")
	}
	c.next.SetText(next)
}
