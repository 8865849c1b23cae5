package viewer

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
)

// badge is a short text on a rounded coloured ground.
type badge struct {
	*fyne.Container
	ground *canvas.Rectangle
	text   *canvas.Text
}

func newBadge(s string, ground, text color.Color) *badge {
	b := &badge{ground: canvas.NewRectangle(ground), text: canvas.NewText(s, text)}
	b.ground.CornerRadius = 4
	b.text.TextSize = textCaption + 1
	b.text.TextStyle.Bold = true
	b.Container = container.NewCenter(container.NewStack(b.ground, container.New(layout.NewCustomPaddedLayout(3, 3, 8, 8), b.text)))
	return b
}

// set changes text and ground, on which the text is dark where it is bright.
func (b *badge) set(s string, ground color.Color) {
	b.text.Text, b.ground.FillColor, b.text.Color = s, ground, colorText
	if ground == colorDanger || ground == colorWarning {
		b.text.Color = colorBackground
	}
	b.text.Refresh()
	b.ground.Refresh()
	b.Refresh()
}

// fitting returns the first of the texts that takes no more than a width, else as much of the last as does.
func (b *badge) fitting(width float32, texts ...string) string {
	return fitText(width, b.text.TextSize, b.text.TextStyle, texts...)
}
