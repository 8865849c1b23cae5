package viewer

import (
	"fyne.io/fyne/v2"

	"bayeslice/viewer/viewstate"
)

// viewportGap is the space between viewports, logical pixels.
const viewportGap = 2

// viewportLayout arranges the viewports as the state says.
type viewportLayout struct{ state *viewstate.State }

// MinSize implements [fyne.Layout].
func (l viewportLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(540, 330) }

// Layout implements [fyne.Layout].
func (l viewportLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	layout, alone := l.state.Layout()
	if alone >= 0 && alone < len(objects) {
		for i, o := range objects {
			setVisible(o, i == alone)
		}
		place(objects[alone], 0, 0, size.Width, size.Height)
		return
	}
	for _, o := range objects {
		setVisible(o, true)
	}
	n := float32(len(objects))
	if layout == viewstate.Columns {
		w := (size.Width - (n-1)*viewportGap) / n
		for i, o := range objects {
			place(o, float32(i)*(w+viewportGap), 0, w, size.Height)
		}
		return
	}
	side := (size.Width - viewportGap) * 0.36
	place(objects[0], 0, 0, size.Width-viewportGap-side, size.Height)
	h := (size.Height - (n-2)*viewportGap) / (n - 1)
	for i, o := range objects[1:] {
		place(o, size.Width-side, float32(i)*(h+viewportGap), side, h)
	}
}

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
