package viewer

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// paneLegend is the colour bar at the right edge of a viewport whose map is not the selected one, or
// whose picture is large: what the colours are, with the values at the ends and the unit.
type paneLegend struct {
	shown viewstate.Legend
	bar   *canvas.Image
	what  *imageText
	ends  [2]*imageText // high, low
}

// Size of the bar, logical pixels.
const (
	legendWidth  = 10
	legendHeight = 110
)

func newPaneLegend() *paneLegend {
	l := &paneLegend{bar: &canvas.Image{FillMode: canvas.ImageFillStretch, ScaleMode: canvas.ImageScaleFastest}}
	l.what = newImageText(textCaption+1, colorOnImage, false)
	for i := range l.ends {
		l.ends[i] = newImageText(textCaption, colorOnImage, false)
	}
	l.bar.Hide()
	return l
}

func (l *paneLegend) objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{l.bar, l.what.plate, l.what.text, l.ends[0].plate, l.ends[0].text, l.ends[1].plate, l.ends[1].text}
}

// arrange shows the legend of a viewport's map, or none. The corner texts at the top end at clear.
func (l *paneLegend) arrange(s *viewstate.State, view int, size fyne.Size, clear float32) {
	legend, ok := s.LegendIn(view)
	top, height, named := legendPlace(size.Height, clear)
	ok = ok && s.Texts() != viewstate.NoTexts && height > 0
	setVisible(l.bar, ok)
	if ok && (l.bar.Image == nil || legend.Map != l.shown.Map) {
		l.bar.Image = rampImage(legend.Map)
		l.bar.Refresh()
	}
	if ok {
		l.shown = legend
		l.what.set(legendTitle(legend))
		l.ends[0].set(tickText(legend.High, legend.High))
		l.ends[1].set(tickText(legend.Low, legend.High))
	}
	const margin = 8
	x := size.Width - margin - legendWidth
	place(l.bar, x, top, legendWidth, height)
	for i, end := range l.ends {
		end.show(ok)
		end.place(x-6, top+float32(i)*height, 1, 0.5)
	}
	l.what.show(ok)
	l.what.place(size.Width-margin, named, 1, 0)
}

// legendPlace returns where the bar begins, how high it is and where its title stands in a viewport of a
// height: below the letter in the middle of the edge, or where that is too low above it, but below the texts
// that end at clear; 0 high for no room.
func legendPlace(viewport, clear float32) (top, height, title float32) {
	const (
		letter = 16 // half the height of the letter, with air
		corner = 52 // the texts of the corner and the title
	)
	middle := viewport / 2
	if room := middle - letter - corner; room >= 60 {
		height = min(room, legendHeight)
		return middle + letter + 8, height, middle + letter + 8 + height + 8
	}
	head := max(38, clear+2) + 24 // below the corner texts and the title
	if room := middle - letter - head; room >= 30 {
		return head, room, head - 24
	}
	return 0, 0, 0
}

// rampImage is a colour map from its top colour down, one pixel wide.
func rampImage(m render.ColorMap) image.Image {
	lut := render.LUT(m)
	img := image.NewRGBA(image.Rect(0, 0, 1, len(lut)))
	for i, c := range lut {
		fill(img, image.Rect(0, len(lut)-1-i, 1, len(lut)-i), c)
	}
	return img
}
