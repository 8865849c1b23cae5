package viewer

import (
	"image"
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate/explore"
)

// reliabilityChart draws how often stated probabilities came true, a curve for each model, with the diagonal on which
// they would be calibrated. A tap selects the bin below it.
type reliabilityChart struct {
	widget.BaseWidget
	curves   []explore.Curve
	selected int // bin, −1 for none
	bins     int
	tapped   func(bin int) // nil where bins cannot be selected

	plot   *canvas.Raster
	xName  *canvas.Text
	yName  *canvas.Text
	empty  *canvas.Text
	xTicks [5]*canvas.Text
	yTicks [5]*canvas.Text
	names  []*canvas.Text
	keys   []*canvas.Raster
}

var (
	_ fyne.Tappable      = (*reliabilityChart)(nil)
	_ desktop.Cursorable = (*reliabilityChart)(nil)
)

// Sizes of the diagram, logical pixels.
const (
	diagramLeft = 40
	diagramHead = 38
	diagramFoot = 32
	diagramKey  = 24
)

// newReliabilityChart makes an empty diagram of a number of bins.
func newReliabilityChart(bins int, tapped func(bin int)) *reliabilityChart {
	c := &reliabilityChart{bins: bins, tapped: tapped, selected: -1}
	text := func(s string, align fyne.TextAlign) *canvas.Text {
		t := canvas.NewText(s, colorMuted)
		t.TextSize, t.Alignment = textCaption, align
		return t
	}
	c.xName, c.yName = text(lang.T("stated probability"), fyne.TextAlignCenter), text(lang.T("came true"), fyne.TextAlignLeading)
	c.empty = text("", fyne.TextAlignCenter)
	for i, label := range []string{"0", "25", "50", "75", "100 %"} {
		c.xTicks[i], c.yTicks[i] = text(label, fyne.TextAlignCenter), text(label, fyne.TextAlignTrailing)
	}
	c.plot = canvas.NewRaster(c.draw)
	c.ExtendBaseWidget(c)
	return c
}

// set shows curves, or a sentence where there are none, and marks a bin.
func (c *reliabilityChart) set(curves []explore.Curve, selected int, empty string) {
	c.curves, c.selected = curves, selected
	c.empty.Text = ""
	if len(curves) == 0 {
		c.empty.Text = empty
	}
	for len(c.names) < len(curves) {
		i := len(c.names)
		name := canvas.NewText("", colorText)
		name.TextSize = textCaption
		c.names = append(c.names, name)
		c.keys = append(c.keys, canvas.NewRaster(func(w, h int) image.Image { return c.drawKey(i, w, h) }))
	}
	c.names, c.keys = c.names[:len(curves)], c.keys[:len(curves)]
	for i, curve := range curves {
		c.names[i].Text = curve.Title
	}
	c.Refresh()
}

// Tapped implements [fyne.Tappable].
func (c *reliabilityChart) Tapped(e *fyne.PointEvent) {
	at, size := c.plot.Position(), c.plot.Size()
	x, y := e.Position.X-at.X, e.Position.Y-at.Y
	if c.tapped == nil || x < 0 || y < 0 || x >= size.Width || y >= size.Height || len(c.curves) == 0 {
		return
	}
	c.tapped(int(x / size.Width * float32(c.bins)))
}

// Cursor implements [desktop.Cursorable].
func (c *reliabilityChart) Cursor() desktop.Cursor {
	if c.tapped != nil && len(c.curves) > 0 {
		return desktop.PointerCursor
	}
	return desktop.DefaultCursor
}

// draw paints grid, diagonal and curves at device resolution.
func (c *reliabilityChart) draw(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill(img, img.Bounds(), color.RGBA{16, 19, 23, 255})
	scale := float32(1)
	if size := c.plot.Size(); size.Width > 0 {
		scale = float32(w) / size.Width
	}
	if c.selected >= 0 {
		fill(img, image.Rect(c.selected*w/c.bins, 0, (c.selected+1)*w/c.bins, h), color.RGBA{44, 62, 80, 255})
	}
	hair := max(1, int(scale+0.5))
	for i := range 5 {
		at := color.RGBA{38, 44, 53, 255}
		if i == 0 || i == 4 {
			at = color.RGBA{90, 100, 114, 255}
		}
		x, y := i*(w-hair)/4, i*(h-hair)/4
		fill(img, image.Rect(x, 0, x+hair, h), at)
		fill(img, image.Rect(0, y, w, y+hair), at)
	}
	s := stroke{img: img, scale: scale}
	for _, piece := range dashes([][2]float32{{0, float32(h)}, {float32(w), 0}}, []float32{4, 4}, scale) {
		s.line(piece, 1, color.NRGBA{147, 157, 171, 255})
	}
	for _, curve := range c.curves {
		points := make([][2]float32, len(curve.Points))
		for i, b := range curve.Points {
			points[i] = [2]float32{float32(b.Confidence) * float32(w), (1 - float32(b.Frequency)) * float32(h)}
		}
		c.drawCurve(s, points, curve.Style)
	}
	return img
}

func (c *reliabilityChart) drawCurve(s stroke, points [][2]float32, style explore.Style) {
	for _, piece := range dashes(points, style.Dash, s.scale) {
		s.line(piece, curveWidth, style.Color)
	}
	s.marks(style.Marker, points, style.Color)
}

// drawKey paints a piece of a curve for the legend.
func (c *reliabilityChart) drawKey(i, w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	if i >= len(c.curves) {
		return img
	}
	s, y := stroke{img: img, scale: float32(w) / diagramKey}, float32(h)/2
	style := c.curves[i].Style
	for _, piece := range dashes([][2]float32{{0, y}, {float32(w), y}}, style.Dash, s.scale) {
		s.line(piece, curveWidth, style.Color)
	}
	s.marks(style.Marker, [][2]float32{{float32(w) / 2, y}}, style.Color)
	return img
}

// dashes cuts a polyline into pieces by a pattern of lines and gaps in turn, logical pixels; nil leaves it whole.
func dashes(points [][2]float32, pattern []float32, scale float32) [][][2]float32 {
	if len(pattern) == 0 || len(points) < 2 {
		return [][][2]float32{points}
	}
	var out [][][2]float32
	piece := [][2]float32{points[0]}
	n, left := 0, pattern[0]*scale
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		for {
			length := float32(math.Hypot(float64(b[0]-a[0]), float64(b[1]-a[1])))
			if length < left {
				left -= length
				if n%2 == 0 {
					piece = append(piece, b)
				}
				break
			}
			t := left / length
			a = [2]float32{a[0] + t*(b[0]-a[0]), a[1] + t*(b[1]-a[1])}
			if n%2 == 0 {
				out = append(out, append(piece, a))
			}
			piece = [][2]float32{a}
			n++
			left = pattern[n%len(pattern)] * scale
		}
	}
	if n%2 == 0 && len(piece) > 1 && piece[0] != piece[len(piece)-1] {
		out = append(out, piece)
	}
	return out
}

// MinSize of a diagram that can be read and clicked.
func (c *reliabilityChart) MinSize() fyne.Size { return fyne.NewSize(280, 230) }

// CreateRenderer implements [fyne.Widget].
func (c *reliabilityChart) CreateRenderer() fyne.WidgetRenderer { return &reliabilityRenderer{c} }

type reliabilityRenderer struct{ c *reliabilityChart }

func (r *reliabilityRenderer) Destroy()           {}
func (r *reliabilityRenderer) MinSize() fyne.Size { return r.c.MinSize() }
func (r *reliabilityRenderer) Refresh() {
	r.Layout(r.c.Size())
	canvas.Refresh(r.c)
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

func (r *reliabilityRenderer) Objects() []fyne.CanvasObject {
	c := r.c
	out := []fyne.CanvasObject{c.plot, c.xName, c.yName, c.empty}
	for i := range c.xTicks {
		out = append(out, c.xTicks[i], c.yTicks[i])
	}
	for i := range c.names {
		out = append(out, c.names[i], c.keys[i])
	}
	return out
}

// Layout implements [fyne.WidgetRenderer]: legend above, then the axis' name, then the plot with its ticks.
func (r *reliabilityRenderer) Layout(size fyne.Size) {
	c := r.c
	w, h := max(0, size.Width-diagramLeft-12), max(0, size.Height-diagramHead-diagramFoot)
	place(c.plot, diagramLeft, diagramHead, w, h)
	place(c.empty, diagramLeft+w/4, diagramHead+h*0.8, w*0.75, 16) // below the diagonal
	place(c.yName, 0, diagramHead-19, 100, 14)
	place(c.xName, diagramLeft, size.Height-15, w, 14)
	for i := range c.xTicks {
		at := float32(i) / 4
		place(c.xTicks[i], diagramLeft+at*w-25, diagramHead+h+2, 50, 14)
		place(c.yTicks[i], 0, diagramHead+(1-at)*h-7, diagramLeft-5, 14)
	}
	place(c.xTicks[4], diagramLeft+w-28, diagramHead+h+2, 40, 14)
	x := float32(diagramLeft)
	for i := range c.names {
		place(c.keys[i], x, 2, diagramKey, 14)
		text := c.names[i].MinSize()
		place(c.names[i], x+diagramKey+5, 1, text.Width, text.Height)
		x += diagramKey + 5 + text.Width + 14
	}
}
