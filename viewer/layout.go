package viewer

import (
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"bayeslice/viewer/viewstate"
)

// viewportGap is the space between viewports, logical pixels.
const viewportGap = 2

// viewportLayout arranges the viewports as the state says, and lines in the gaps between them.
type viewportLayout struct {
	state *viewstate.State
	gaps  [viewstate.ViewportCount - 1]*canvas.Rectangle
}

// MinSize implements [fyne.Layout].
func (l viewportLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(540, 300) }

// Layout implements [fyne.Layout]; objects are all viewports.
func (l viewportLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	layout, alone := l.state.Layout()
	for i, o := range objects {
		setVisible(o, alone < 0 || i == alone)
	}
	for _, g := range l.gaps {
		g.Hide()
	}
	switch {
	case alone >= 0 && alone < len(objects):
		place(objects[alone], 0, 0, size.Width, size.Height)
	case layout.MainLeft():
		l.mainLeft(objects, size)
	default:
		l.quarters(objects, size)
	}
}

// mainLeft has the first viewport large and the others in a column beside it.
func (l viewportLayout) mainLeft(objects []fyne.CanvasObject, size fyne.Size) {
	n := len(objects) - 1
	side := whole((size.Width - viewportGap) * 0.3)
	place(objects[0], 0, 0, size.Width-viewportGap-side, size.Height)
	l.line(0, size.Width-side-viewportGap, 0, viewportGap, size.Height)
	h := whole((size.Height - float32(n-1)*viewportGap) / float32(n))
	for i, o := range objects[1:] {
		y := float32(i) * (h + viewportGap)
		if i == n-1 {
			h = size.Height - y
		} else {
			l.line(i+1, size.Width-side, y+h, side, viewportGap)
		}
		place(o, size.Width-side, y, side, h)
	}
}

// quarters has two rows of two viewports.
func (l viewportLayout) quarters(objects []fyne.CanvasObject, size fyne.Size) {
	w, h := whole((size.Width-viewportGap)/2), whole((size.Height-viewportGap)/2)
	for i, o := range objects {
		x, y := float32(i%2)*(w+viewportGap), float32(i/2)*(h+viewportGap)
		right, bottom := w, h
		if i%2 == 1 {
			right = size.Width - x
		}
		if i/2 == 1 {
			bottom = size.Height - y
		}
		place(o, x, y, right, bottom)
	}
	l.line(0, w, 0, viewportGap, size.Height)
	l.line(1, 0, h, size.Width, viewportGap)
}

// line shows a gap.
func (l viewportLayout) line(n int, x, y, w, h float32) {
	l.gaps[n].Show()
	place(l.gaps[n], x, y, w, h)
}

// whole rounds a side down, so that the window's rounding of positions leaves pictures their size.
func whole(v float32) float32 { return float32(math.Floor(float64(v))) }

func place(o fyne.CanvasObject, x, y, w, h float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(w, h))
}

func setVisible(o fyne.CanvasObject, visible bool) {
	if visible != o.Visible() {
		if visible {
			o.Show()
		} else {
			o.Hide()
		}
	}
}
