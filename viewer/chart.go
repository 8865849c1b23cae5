package viewer

import (
	"fmt"
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"bayeslice/viewer/viewstate"
)

// chart draws one histogram of values of 0…1 with its class, counts and axis.
type chart struct {
	widget.BaseWidget
	unit  string // what is counted: "voxels", "samples"
	small bool   // there is no room for the number of values
	hist  viewstate.Histogram
	bars  *canvas.Raster
	name  *canvas.Text
	facts *canvas.Text
	about []string // for facts, the fullest first
	empty *canvas.Text
	ticks [3]*canvas.Text
}

// newChart makes an empty chart for a class.
func newChart(c viewstate.Class, unit string) *chart {
	t := &chart{
		unit:  unit,
		hist:  viewstate.Histogram{Class: c},
		name:  canvas.NewText(c.String(), c.Color()),
		facts: canvas.NewText("", colorMuted),
		empty: canvas.NewText("", colorMuted),
	}
	t.name.TextStyle.Bold = true
	t.name.TextSize = textCaption + 1
	t.facts.TextSize = textCaption
	t.facts.Alignment = fyne.TextAlignTrailing
	t.empty.TextSize = textCaption
	t.empty.Alignment = fyne.TextAlignCenter
	for i, label := range []string{"0", "0.5", "1"} {
		t.ticks[i] = canvas.NewText(label, colorMuted)
		t.ticks[i].TextSize = textCaption - 1
	}
	t.ticks[1].Alignment = fyne.TextAlignCenter
	t.ticks[2].Alignment = fyne.TextAlignTrailing
	t.bars = canvas.NewRaster(t.draw)
	t.ExtendBaseWidget(t)
	return t
}

// setClass changes the class whose name and colour the chart has; how says how its probabilities are made, "" for the
// model's own.
func (t *chart) setClass(c viewstate.Class, how string) {
	t.hist.Class = c
	t.name.Text, t.name.Color = c.String(), c.Color()
	if how != "" {
		t.name.Text += " · " + how
	}
}

// set shows a histogram; one without values says so.
func (t *chart) set(h viewstate.Histogram) {
	t.hist = h
	t.empty.Text, t.about = "", nil
	if h.N == 0 {
		t.empty.Text = "no " + t.unit
	} else {
		mean := fmt.Sprintf("%.2f ± %.2f", h.Mean, h.SD)
		t.about = []string{mean + " · n " + thousands(h.N), mean}
	}
	t.Refresh()
}

// draw paints the bars at device resolution.
func (t *chart) draw(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill(img, img.Bounds(), color.RGBA{16, 19, 23, 255})
	for _, at := range []int{w / 4, w / 2, 3 * w / 4} {
		fill(img, image.Rect(at, 0, at+1, h), color.RGBA{38, 44, 53, 255})
	}
	if peak, n := t.hist.Peak(), len(t.hist.Counts); peak > 0 {
		c := t.hist.Class.Color()
		for b, count := range t.hist.Counts {
			height := count * (h - 3) / peak
			if count > 0 {
				height = max(height, 1)
			}
			fill(img, image.Rect(b*w/n+1, h-1-height, (b+1)*w/n, h-1), color.RGBA{c.R, c.G, c.B, 255})
		}
	}
	fill(img, image.Rect(0, h-1, w, h), color.RGBA{90, 100, 114, 255})
	return img
}

// fill sets a rectangle of an image, clipped to it.
func fill(img *image.RGBA, r image.Rectangle, c color.RGBA) {
	r = r.Intersect(img.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			img.SetRGBA(x, y, c)
		}
	}
}

// thousands groups digits with thin spaces.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}

// MinSize of a chart in a column of the panel.
func (t *chart) MinSize() fyne.Size {
	if t.small {
		return fyne.NewSize(90, 66)
	}
	return fyne.NewSize(110, 74)
}

// headWidth is what name and mean need beside each other, logical pixels.
func (t *chart) headWidth() float32 {
	if len(t.about) == 0 {
		return t.name.MinSize().Width
	}
	return t.name.MinSize().Width + headGap + fyne.MeasureText(t.about[len(t.about)-1], t.facts.TextSize, t.facts.TextStyle).Width
}

// headGap is the least distance between name and mean.
const headGap = 6

// CreateRenderer implements [fyne.Widget].
func (t *chart) CreateRenderer() fyne.WidgetRenderer { return &chartRenderer{t} }

type chartRenderer struct{ t *chart }

func (r *chartRenderer) Destroy()           {}
func (r *chartRenderer) MinSize() fyne.Size { return r.t.MinSize() }
func (r *chartRenderer) Refresh() {
	r.Layout(r.t.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

func (r *chartRenderer) Objects() []fyne.CanvasObject {
	t := r.t
	return []fyne.CanvasObject{t.bars, t.name, t.facts, t.empty, t.ticks[0], t.ticks[1], t.ticks[2]}
}

func (r *chartRenderer) Layout(size fyne.Size) {
	const head, foot = 17, 14
	t := r.t
	place(t.name, 0, 0, size.Width/3, head)
	t.facts.Text = ""
	if room := size.Width - t.name.MinSize().Width - headGap; t.about != nil && room > 0 {
		t.facts.Text = fitText(room, t.facts.TextSize, t.facts.TextStyle, t.about...)
	}
	place(t.facts, 0, 0, size.Width, head)
	place(t.bars, 0, head+1, size.Width, size.Height-head-foot-1)
	place(t.empty, 0, head+1, size.Width, size.Height-head-foot-1)
	for _, tick := range t.ticks {
		place(tick, 0, size.Height-foot, size.Width, foot)
	}
}
