package viewer

import (
	"fmt"
	"image"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// colorBar shows the colours of a layer with the values at its ends and middle.
type colorBar struct {
	widget.BaseWidget
	legend viewstate.Legend
	bar    *canvas.Raster
	title  *canvas.Text
	ticks  [3]*canvas.Text
}

func newColorBar() *colorBar {
	b := &colorBar{title: canvas.NewText("", colorText)}
	b.title.TextSize = textCaption + 1
	for i := range b.ticks {
		b.ticks[i] = canvas.NewText("", colorMuted)
		b.ticks[i].TextSize = textCaption
	}
	b.ticks[1].Alignment = fyne.TextAlignCenter
	b.ticks[2].Alignment = fyne.TextAlignTrailing
	b.bar = canvas.NewRaster(b.draw)
	b.ExtendBaseWidget(b)
	return b
}

// set shows a legend.
func (b *colorBar) set(l viewstate.Legend) {
	b.legend = l
	b.title.Text = legendTitle(l)
	for i, v := range []float64{l.Low, (l.Low + l.High) / 2, l.High} {
		b.ticks[i].Text = tickText(v, l.High)
	}
	b.Refresh()
}

// tickText writes a value of a scale that ends at high, with equal decimals on the whole scale.
func tickText(v, high float64) string {
	switch {
	case high < 0.2:
		return fmt.Sprintf("%.3f", v)
	case high > 20: // intensities and diffusion
		return strings.Replace(fmt.Sprintf("%.0f", v), "-", "−", 1)
	}
	return fmt.Sprintf("%.2f", v)
}

// legendTitle says what the colours mean and in what unit.
func legendTitle(l viewstate.Legend) string {
	if l.Title != "" {
		return l.Title
	}
	switch l.Layer {
	case viewstate.Probability:
		return lang.T("Probability of %s", l.Class.String())
	case viewstate.StandardDeviation:
		return lang.T("Standard deviation of P(%s)", l.Class.String())
	}
	return l.Layer.String() + " (" + l.Layer.Unit() + ")"
}

func (b *colorBar) draw(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	if b.legend.Map == "" || w < 1 {
		return img
	}
	lut := render.LUT(b.legend.Map)
	for x := range w {
		fill(img, image.Rect(x, 0, x+1, h), lut[x*255/max(1, w-1)])
	}
	return img
}

// MinSize of the legend in the panel.
func (b *colorBar) MinSize() fyne.Size { return fyne.NewSize(200, 46) }

// CreateRenderer implements [fyne.Widget].
func (b *colorBar) CreateRenderer() fyne.WidgetRenderer { return &colorBarRenderer{b} }

type colorBarRenderer struct{ b *colorBar }

func (r *colorBarRenderer) Destroy()           {}
func (r *colorBarRenderer) MinSize() fyne.Size { return r.b.MinSize() }
func (r *colorBarRenderer) Refresh() {
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

func (r *colorBarRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.b.title, r.b.bar, r.b.ticks[0], r.b.ticks[1], r.b.ticks[2]}
}

func (r *colorBarRenderer) Layout(size fyne.Size) {
	place(r.b.title, 0, 0, size.Width, 16)
	place(r.b.bar, 0, 18, size.Width, 12)
	for _, tick := range r.b.ticks {
		place(tick, 0, 31, size.Width, 14)
	}
}
