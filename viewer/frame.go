package viewer

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// frameLayout places tool bar, images, status bar, lines and the side panel without padding between
// them. The panel has no ground of its own beside the images: the window is cleared with its colour, and
// software OpenGL would paint a third of it once more in every frame. Where the window is too narrow for
// both, the images take the whole width and the panel comes over them on demand.
type frameLayout struct {
	window *Window
	ground *ground // under the panel where it lies over the images
	narrow bool
	over   bool // the panel is shown over the images
}

// narrowBelow is the width, logical pixels, under which the panel has no room beside the images.
const narrowBelow = 900

// drawingFrom is the width, logical pixels, from which there is room for what draws the images.
const drawingFrom = 1100

// lowBelow is the height, logical pixels, under which the settings of a run are folded away at first.
const lowBelow = 620

// MinSize implements [fyne.Layout].
func (f *frameLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	height := o[0].MinSize().Height + o[1].MinSize().Height + o[2].MinSize().Height
	return fyne.NewSize(max(o[0].MinSize().Width, o[1].MinSize().Width), height)
}

// Layout implements [fyne.Layout]; objects are tool bar, images, status bar, the line beside the images,
// the line below them, the ground of the panel, and the panel.
func (f *frameLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	f.narrow = size.Width < narrowBelow
	top, bottom := o[0].MinSize().Height, o[2].MinSize().Height
	height := size.Height - top - bottom - 1
	images := size.Width
	if !f.narrow {
		images -= panelWidth + 1
	}
	place(o[0], 0, 0, size.Width, top)
	place(o[1], 0, top, images, height)
	place(o[2], 0, size.Height-bottom, size.Width, bottom)
	place(o[3], images, top, 1, height+1)
	place(o[4], 0, size.Height-bottom-1, size.Width, 1)
	for _, side := range o[5:] {
		place(side, size.Width-panelWidth, top, panelWidth, height)
	}
	setVisible(f.window.drawing, size.Width >= drawingFrom)
	setVisible(o[3], !f.narrow)
	setVisible(o[5], f.narrow && f.over)
	setVisible(o[6], !f.narrow || f.over)
	if low := size.Height < lowBelow; low != f.window.run.low {
		f.window.run.setLow(low)
	}
	f.window.bar.arrange()
}

// toggleSide shows or hides the panel over the images of a narrow window.
func (w *Window) toggleSide() {
	w.frame.over = !w.frame.over
	w.images.Refresh()
}

// ground is an opaque area that keeps mouse events from what lies under it.
type ground struct {
	widget.BaseWidget
	color color.Color
}

var (
	_ desktop.Mouseable = (*ground)(nil)
	_ desktop.Hoverable = (*ground)(nil)
	_ fyne.Draggable    = (*ground)(nil)
	_ fyne.Scrollable   = (*ground)(nil)
)

func newGround(c color.Color) *ground {
	g := &ground{color: c}
	g.ExtendBaseWidget(g)
	return g
}

// CreateRenderer implements [fyne.Widget].
func (g *ground) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(g.color))
}

// MouseDown implements [desktop.Mouseable].
func (*ground) MouseDown(*desktop.MouseEvent) {}

// MouseUp implements [desktop.Mouseable].
func (*ground) MouseUp(*desktop.MouseEvent) {}

// MouseIn implements [desktop.Hoverable].
func (*ground) MouseIn(*desktop.MouseEvent) {}

// MouseMoved implements [desktop.Hoverable].
func (*ground) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements [desktop.Hoverable].
func (*ground) MouseOut() {}

// Dragged implements [fyne.Draggable].
func (*ground) Dragged(*fyne.DragEvent) {}

// DragEnd implements [fyne.Draggable].
func (*ground) DragEnd() {}

// Scrolled implements [fyne.Scrollable].
func (*ground) Scrolled(*fyne.ScrollEvent) {}
