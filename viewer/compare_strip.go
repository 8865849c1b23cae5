package viewer

import (
	"fmt"
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate/compare"
)

// sliceStrip shows a Dice coefficient per slice as a bar, from the feet to the head. A click goes to a slice.
type sliceStrip struct {
	widget.BaseWidget
	cells []compare.Cell
	chose func(k int)
	body  *fyne.Container
	bars  []*canvas.Rectangle // ground and bar of each slice, and at last the mark of the slice at the cursor
}

// stripHeight is the height of the strip, and markHeight that of the mark at its foot.
const (
	stripHeight = 42
	markHeight  = 3
)

var (
	_ fyne.Tappable      = (*sliceStrip)(nil)
	_ desktop.Cursorable = (*sliceStrip)(nil)
)

func newSliceStrip(chose func(k int)) *sliceStrip {
	s := &sliceStrip{chose: chose}
	s.body = container.New(stripLayout{s})
	s.ExtendBaseWidget(s)
	return s
}

// CreateRenderer implements [fyne.Widget].
func (s *sliceStrip) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.body) }

// Cursor implements [desktop.Cursorable].
func (s *sliceStrip) Cursor() desktop.Cursor { return desktop.PointerCursor }

// Tapped implements [fyne.Tappable].
func (s *sliceStrip) Tapped(e *fyne.PointEvent) {
	if n := int(e.Position.X / s.pitch()); len(s.cells) > 0 && n >= 0 && n < len(s.cells) {
		s.chose(s.cells[n].Slice)
	}
}

// pitch is the width of a slice.
func (s *sliceStrip) pitch() float32 { return s.Size().Width / float32(max(len(s.cells), 1)) }

// set shows other slices.
func (s *sliceStrip) set(cells []compare.Cell) {
	if len(cells) == len(s.cells) {
		same := true
		for n := range cells {
			same = same && cells[n] == s.cells[n]
		}
		if same {
			return
		}
	}
	s.cells = cells
	if len(s.bars) != 2*len(cells)+1 {
		s.bars = nil
		s.body.RemoveAll()
		for range 2*len(cells) + 1 {
			r := canvas.NewRectangle(colorText)
			s.bars = append(s.bars, r)
			s.body.Add(r)
		}
	}
	mark := s.bars[2*len(cells)]
	mark.FillColor, mark.Hidden = colorText, true
	for n, c := range cells {
		ground, bar := s.bars[2*n], s.bars[2*n+1]
		ground.FillColor, bar.FillColor = colorInput, diceColor(c.Dice)
		if c.Empty {
			ground.FillColor = color.Transparent
		}
		bar.Hidden = c.Empty
		mark.Hidden = mark.Hidden && !c.Current
	}
	s.body.Layout.Layout(s.body.Objects, s.body.Size())
	canvas.Refresh(s.body)
}

// diceColor is the colour of a bar: by its height the figure is read, the colour only draws the eye to low ones.
func diceColor(dice float64) color.Color {
	switch {
	case dice < 0.7:
		return colorDanger
	case dice < 0.85:
		return colorWarning
	}
	return colorSuccess
}

// stripLayout stands the bars beside each other.
type stripLayout struct{ s *sliceStrip }

// MinSize implements [fyne.Layout].
func (stripLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(100, 30) }

// Layout implements [fyne.Layout].
func (l stripLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	if len(o) != 2*len(l.s.cells)+1 {
		return
	}
	pitch, full := size.Width/float32(len(l.s.cells)), size.Height-2*markHeight
	for n, c := range l.s.cells {
		x, width := float32(n)*pitch, max(pitch-2, 1)
		place(o[2*n], x, 0, width, full)
		height := max(float32(c.Dice)*full, 2)
		place(o[2*n+1], x, full-height, width, height)
		if c.Current {
			place(o[len(o)-1], x, size.Height-markHeight, width, markHeight)
		}
	}
}

// stripText says what the strip shows, and the figure of the slice at the cursor.
func stripText(structure string, cells []compare.Cell) string {
	text := lang.T("Dice of %s per slice, feet to head", structure)
	for n, c := range cells {
		if c.Current && !c.Empty {
			text = lang.T("Slice %d of %d from the feet: Dice of %s %s", n+1, len(cells), structure, fmt.Sprintf("%.3f", c.Dice))
		}
	}
	return text
}

// distanceLegend explains the colours of distances.
func distanceLegend() fyne.CanvasObject {
	shades := compare.Shades()
	var boxes, texts []fyne.CanvasObject
	for n, s := range shades {
		box := canvas.NewRectangle(s.Color)
		box.SetMinSize(fyne.NewSize(20, 8))
		boxes = append(boxes, box)
		if n == len(shades)-1 {
			continue
		}
		t := canvas.NewText(strings.Replace(fmt.Sprintf("%+.0f", s.To), "-", "−", 1), colorMuted)
		t.TextSize, t.Alignment = textCaption, fyne.TextAlignCenter
		texts = append(texts, t)
	}
	side := func(text string, align fyne.TextAlign) fyne.CanvasObject {
		t := canvas.NewText(text, colorMuted)
		t.TextSize, t.Alignment = textCaption, align
		return t
	}
	words := container.NewHBox(side(lang.T("inside the reference"), fyne.TextAlignLeading), layout.NewSpacer(), side(lang.T("mm"), fyne.TextAlignCenter),
		layout.NewSpacer(), side(lang.T("outside of it"), fyne.TextAlignTrailing))
	return container.NewVBox(container.NewGridWithColumns(len(boxes), boxes...), container.New(betweenLayout{}, texts...), words)
}

// betweenLayout puts its objects at the borders between equal boxes, one more than they are.
type betweenLayout struct{}

// MinSize implements [fyne.Layout].
func (betweenLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	size := fyne.NewSize(0, 0)
	for _, x := range o {
		size = size.Max(x.MinSize())
	}
	return size
}

// Layout implements [fyne.Layout].
func (betweenLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	pitch := size.Width / float32(len(o)+1)
	for n, x := range o {
		place(x, pitch*(float32(n)+0.5), 0, pitch, size.Height)
	}
}
