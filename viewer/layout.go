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
func (l viewportLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(540, 330) }

// Layout implements [fyne.Layout]; objects are all viewports.
func (l viewportLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	layout, alone := l.state.Layout()
	if alone >= 0 && alone < len(objects) {
		for i, o := range objects {
			setVisible(o, i == alone)
		}
		place(objects[alone], 0, 0, size.Width, size.Height)
		for _, g := range l.gaps {
			g.Hide()
		}
		return
	}
	for _, g := range l.gaps {
		g.Show()
	}
	for _, o := range objects {
		setVisible(o, true)
	}
	n := float32(len(objects))
	if layout == viewstate.Columns {
		w := whole((size.Width - (n-1)*viewportGap) / n)
		for i, o := range objects {
			x := float32(i) * (w + viewportGap)
			if i == len(objects)-1 {
				w = size.Width - x
			}
			place(o, x, 0, w, size.Height)
		}
		for i, g := range l.gaps {
			place(g, objects[i+1].Position().X-viewportGap, 0, viewportGap, size.Height)
		}
		return
	}
	side := whole((size.Width - viewportGap) * 0.36)
	place(objects[0], 0, 0, size.Width-viewportGap-side, size.Height)
	h := whole((size.Height - (n-2)*viewportGap) / (n - 1))
	for i, o := range objects[1:] {
		y := float32(i) * (h + viewportGap)
		if i == len(objects)-2 {
			h = size.Height - y
		}
		place(o, size.Width-side, y, side, h)
	}
	place(l.gaps[0], size.Width-side-viewportGap, 0, viewportGap, size.Height)
	place(l.gaps[1], size.Width-side, objects[2].Position().Y-viewportGap, side, viewportGap)
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
