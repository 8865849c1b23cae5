package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// thinBar is a progress bar without text.
type thinBar struct {
	*fyne.Container
	layout *thinBarLayout
}

func newThinBar() *thinBar {
	ground, done := canvas.NewRectangle(colorInput), canvas.NewRectangle(colorAccent)
	ground.CornerRadius, done.CornerRadius = 3, 3
	l := &thinBarLayout{}
	return &thinBar{Container: &fyne.Container{Layout: l, Objects: []fyne.CanvasObject{ground, done}}, layout: l}
}

// set shows a fraction, limited to 0…1.
func (b *thinBar) set(fraction float64) {
	b.layout.value = float32(min(max(fraction, 0), 1))
	b.Refresh()
}

// thinBarLayout makes the second rectangle as long as the fraction says.
type thinBarLayout struct{ value float32 }

// MinSize implements [fyne.Layout].
func (*thinBarLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(40, 6) }

// Layout implements [fyne.Layout].
func (l *thinBarLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	place(o[0], 0, 0, size.Width, size.Height)
	place(o[1], 0, 0, size.Width*l.value, size.Height)
	setVisible(o[1], l.value > 0)
}
