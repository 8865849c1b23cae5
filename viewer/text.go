package viewer

import (
	"image/color"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// imageText is a line of text over an image, on a dark translucent plate so that it reads on any grey.
type imageText struct {
	text  *canvas.Text
	plate *canvas.Rectangle
}

func newImageText(size float32, c color.Color, bold bool) *imageText {
	t := &imageText{text: canvas.NewText("", c), plate: canvas.NewRectangle(color.NRGBA{0, 0, 0, 120})}
	t.text.TextSize = size
	t.text.TextStyle.Bold = bold
	t.plate.CornerRadius = 3
	return t
}

// set changes the text.
func (t *imageText) set(s string) {
	if t.text.Text != s {
		t.text.Text = s
		t.text.Refresh()
	}
}

// setFitting shows the first of the texts, the fullest first, that is no wider than width, else as much of
// the last as is; none leaves nothing.
func (t *imageText) setFitting(width float32, texts ...string) {
	if len(texts) == 0 {
		t.set("")
		return
	}
	t.set(fitText(width, t.text.TextSize, t.text.TextStyle, texts...))
}

// fitText returns the first of the texts that takes no more than a width, else as much of the last as does.
func fitText(width, size float32, style fyne.TextStyle, texts ...string) string {
	fits := func(s string) bool { return fyne.MeasureText(s, size, style).Width <= width }
	for _, s := range texts {
		if fits(s) {
			return s
		}
	}
	r := []rune(texts[len(texts)-1])
	for len(r) > 1 && !fits(string(r)+"…") {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// show shows or hides the text; an empty one is never shown.
func (t *imageText) show(visible bool) {
	visible = visible && t.text.Text != ""
	setVisible(t.text, visible)
	setVisible(t.plate, visible)
}

// place moves the text so that the fraction ax, ay of its box lies at the given position.
func (t *imageText) place(x, y, ax, ay float32) {
	size := t.text.MinSize()
	place(t.text, x-ax*size.Width, y-ay*size.Height, size.Width, size.Height)
	t.placePlate()
}

// shift moves the text down.
func (t *imageText) shift(dy float32) {
	t.text.Move(t.text.Position().AddXY(0, dy))
	t.placePlate()
}

// plateSide is by how much the plate sticks out beside the text.
const plateSide = 4

func (t *imageText) placePlate() {
	at, size := t.text.Position(), t.text.Size()
	place(t.plate, at.X-plateSide, at.Y, size.Width+2*plateSide, size.Height)
}

// under reports whether the text is shown and its plate would meet that of a text of a size at a place.
func (t *imageText) under(at fyne.Position, size fyne.Size) bool {
	p := t.plate
	return p.Visible() &&
		p.Position().X < at.X+size.Width+plateSide && at.X-plateSide < p.Position().X+p.Size().Width &&
		p.Position().Y < at.Y+size.Height && at.Y < p.Position().Y+p.Size().Height
}

// bottom is where the text ends below, 0 where it is hidden.
func (t *imageText) bottom() float32 {
	if !t.text.Visible() {
		return 0
	}
	return t.text.Position().Y + t.text.Size().Height
}

// overlaps reports whether both texts are shown and their plates meet.
func (t *imageText) overlaps(o *imageText) bool {
	return o.plate.Visible() && t.under(o.text.Position(), o.text.Size())
}

// caption returns a small muted label that wraps.
func caption(s string) *widget.Label {
	l := widget.NewLabel(s)
	l.SizeName = theme.SizeNameCaptionText
	l.Importance = widget.LowImportance
	l.Wrapping = fyne.TextWrapWord
	return l
}

// heading returns the title of a section of a panel.
func heading(s string) *widget.Label {
	l := widget.NewLabel(s)
	l.TextStyle.Bold = true
	return l
}

// snug stacks objects without space between them: labels bring padding of their own.
func snug(objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(-3), objects...)
}

// capital returns s with a capital first letter.
func capital(s string) string {
	r := []rune(s)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// fixedWidth is a layout that gives its objects one above the other a width of their own, at least.
type fixedWidth struct{ width float32 }

// MinSize implements [fyne.Layout].
func (f fixedWidth) MinSize(objects []fyne.CanvasObject) fyne.Size {
	size := fyne.NewSize(f.width, 0)
	for _, o := range objects {
		size.Height = max(size.Height, o.MinSize().Height)
	}
	return size
}

// Layout implements [fyne.Layout].
func (f fixedWidth) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(0, 0))
		o.Resize(size)
	}
}
