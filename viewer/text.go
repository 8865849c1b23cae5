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

// imageText is a line of text over an image, with a dark shadow so that it reads on any grey.
type imageText struct {
	text, shadow *canvas.Text
}

func newImageText(size float32, c color.Color, bold bool) *imageText {
	t := &imageText{text: canvas.NewText("", c), shadow: canvas.NewText("", color.NRGBA{0, 0, 0, 230})}
	for _, line := range []*canvas.Text{t.text, t.shadow} {
		line.TextSize = size
		line.TextStyle.Bold = bold
	}
	return t
}

// set changes the text, and returns whether it differs.
func (t *imageText) set(s string) bool {
	if t.text.Text == s {
		return false
	}
	t.text.Text, t.shadow.Text = s, s
	t.shadow.Refresh()
	t.text.Refresh()
	return true
}

func (t *imageText) setColor(c color.Color) {
	if t.text.Color != c {
		t.text.Color = c
		t.text.Refresh()
	}
}

func (t *imageText) show(visible bool) {
	for _, o := range []*canvas.Text{t.text, t.shadow} {
		if visible {
			o.Show()
		} else {
			o.Hide()
		}
	}
}

// place moves the text so that the fraction ax, ay of its box lies at the given position.
func (t *imageText) place(x, y, ax, ay float32) {
	size := t.text.MinSize()
	pos := fyne.NewPos(x-ax*size.Width, y-ay*size.Height)
	for o, shift := range map[*canvas.Text]float32{t.text: 0, t.shadow: 1} {
		o.Resize(size)
		o.Move(pos.AddXY(shift, shift))
	}
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
