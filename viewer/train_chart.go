package viewer

import (
	"image"
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
	"golang.org/x/image/vector"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// curveChart draws a [viewstate.Chart]: lines and grid as a raster at device resolution, words as text.
type curveChart struct {
	widget.BaseWidget
	chart  viewstate.Chart
	plot   *canvas.Raster
	title  *canvas.Text
	empty  *canvas.Text
	xName  *canvas.Text
	xTicks []*canvas.Text
	yTicks []*canvas.Text
	names  []*canvas.Text
	keys   []*canvas.Raster // a piece of each curve beside its name
}

// Sizes of a chart, logical pixels.
const (
	chartTextSize  = textCaption
	chartHead      = 22 // title and legend
	chartFoot      = 18 // labels of the steps
	chartLeft      = 46 // labels of the values
	chartRight     = chartInset
	chartInset     = 6 // from the plot's edge to the axes' ends, so that marks are not cut
	chartKeyLength = 22
	curveWidth     = 2
	faintWidth     = 1
	markRadius     = 3.5
)

func newCurveChart() *curveChart {
	c := &curveChart{
		title: canvas.NewText("", colorText), empty: canvas.NewText("", colorMuted), xName: canvas.NewText(lang.T("step"), colorMuted),
	}
	c.title.TextSize = chartTextSize + 1
	c.title.TextStyle.Bold = true
	c.empty.TextSize = chartTextSize + 1
	c.empty.Alignment = fyne.TextAlignCenter
	c.xName.TextSize = chartTextSize
	c.plot = canvas.NewRaster(c.draw)
	c.ExtendBaseWidget(c)
	return c
}

// set shows a chart.
func (c *curveChart) set(chart viewstate.Chart) {
	c.chart = chart
	c.title.Text = chart.Title
	if chart.Unit != "" {
		c.title.Text += " (" + chart.Unit + ")"
	}
	if chart.Y.Log {
		c.title.Text += ", " + lang.T("logarithmic")
	}
	c.empty.Text = ""
	if !chart.HasPoints() {
		c.empty.Text = chart.Empty
	}
	c.xTicks = tickTexts(c.xTicks, chart.X.Ticks)
	c.yTicks = tickTexts(c.yTicks, chart.Y.Ticks)
	c.setLegend()
	c.Refresh()
}

// tickTexts returns texts for ticks, those there are first.
func tickTexts(texts []*canvas.Text, ticks []viewstate.Tick) []*canvas.Text {
	for len(texts) < len(ticks) {
		t := canvas.NewText("", colorMuted)
		t.TextSize = chartTextSize
		texts = append(texts, t)
	}
	texts = texts[:len(ticks)]
	for i, tick := range ticks {
		texts[i].Text = tick.Label
	}
	return texts
}

// setLegend names the curves where there is more than one, or where one is shown in two ways.
func (c *curveChart) setLegend() {
	for len(c.names) < len(c.chart.Curves) {
		i := len(c.names)
		name := canvas.NewText("", colorText)
		name.TextSize = chartTextSize
		c.names = append(c.names, name)
		c.keys = append(c.keys, canvas.NewRaster(func(w, h int) image.Image { return c.drawKey(i, w, h) }))
	}
	c.names, c.keys = c.names[:len(c.chart.Curves)], c.keys[:len(c.chart.Curves)]
	for i, curve := range c.chart.Curves {
		c.names[i].Text = curve.Name
		if len(curve.Faint) > 0 {
			c.names[i].Text = lang.T("%s: each step and mean", c.names[i].Text)
		}
	}
}

// drawKey paints a piece of a curve for the legend.
func (c *curveChart) drawKey(i, w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	if i >= len(c.chart.Curves) {
		return img
	}
	curve := c.chart.Curves[i]
	s := stroke{img: img, scale: float32(w) / chartKeyLength}
	y := float32(h) / 2
	s.line([][2]float32{{0, y}, {float32(w), y}}, curveWidth, curve.Color)
	s.marks(curve.Marker, [][2]float32{{float32(w) / 2, y}}, curve.Color)
	return img
}

// draw paints grid, axes and curves at device resolution.
func (c *curveChart) draw(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill(img, img.Bounds(), color.RGBA{16, 19, 23, 255})
	scale := float32(1)
	if size := c.plot.Size(); size.Width > 0 {
		scale = float32(w) / size.Width
	}
	grid, axis := color.RGBA{38, 44, 53, 255}, color.RGBA{90, 100, 114, 255}
	hair := max(1, int(scale+0.5))
	p := newPlotArea(c.chart, float32(w), float32(h), chartInset*scale)
	for _, t := range c.chart.Y.Ticks {
		y := int(p.y(t.At))
		fill(img, image.Rect(0, y, w, y+hair), grid)
	}
	for _, t := range c.chart.X.Ticks {
		x := int(p.x(t.At))
		fill(img, image.Rect(x, 0, x+hair, h), grid)
	}
	fill(img, image.Rect(0, h-hair, w, h), axis)
	fill(img, image.Rect(0, 0, hair, h), axis)
	s := stroke{img: img, scale: scale}
	for _, curve := range c.chart.Curves {
		faint := curve.Color
		faint.A = 90
		s.line(p.points(curve.Faint), faintWidth, faint)
	}
	for _, curve := range c.chart.Curves {
		line := p.points(curve.Line)
		s.line(line, curveWidth, curve.Color)
		s.marks(curve.Marker, line, curve.Color)
	}
	return img
}

// plotArea maps values to device pixels of a plot.
type plotArea struct {
	chart       viewstate.Chart
	w, h, inset float32
}

func newPlotArea(c viewstate.Chart, w, h, inset float32) plotArea { return plotArea{c, w, h, inset} }

func (p plotArea) x(v float64) float32 {
	return p.inset + float32(p.chart.X.Fraction(v))*(p.w-2*p.inset)
}

func (p plotArea) y(v float64) float32 {
	return p.h - p.inset - float32(p.chart.Y.Fraction(v))*(p.h-2*p.inset)
}

func (p plotArea) points(points []viewstate.Point) [][2]float32 {
	out := make([][2]float32, len(points))
	for i, v := range points {
		out[i] = [2]float32{p.x(v.X), p.y(v.Y)}
	}
	return out
}

// stroke draws smooth lines and marks on an image; scale is device pixels per logical pixel.
type stroke struct {
	img   *image.RGBA
	scale float32
}

// line draws a polyline of a width in logical pixels. A single point is a dot.
func (s stroke) line(points [][2]float32, width float32, c color.NRGBA) {
	if len(points) == 0 {
		return
	}
	r := vector.NewRasterizer(s.img.Rect.Dx(), s.img.Rect.Dy())
	half := width * s.scale / 2
	for i := 1; i < len(points); i++ {
		segment(r, points[i-1], points[i], half)
	}
	for _, p := range points { // round joints
		polygon(r, p, half, 8, 0)
	}
	r.Draw(s.img, s.img.Rect, image.NewUniform(c), image.Point{})
}

// segment adds a straight piece as a rectangle. All pieces turn the same way round, so that they add up.
func segment(r *vector.Rasterizer, a, b [2]float32, half float32) {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := float32(math.Hypot(float64(dx), float64(dy)))
	if length == 0 {
		return
	}
	nx, ny := -dy/length*half, dx/length*half
	r.MoveTo(a[0]+nx, a[1]+ny)
	r.LineTo(a[0]-nx, a[1]-ny)
	r.LineTo(b[0]-nx, b[1]-ny)
	r.LineTo(b[0]+nx, b[1]+ny)
	r.ClosePath()
}

// polygon adds a regular polygon round a point, its first corner at an angle from the right.
func polygon(r *vector.Rasterizer, at [2]float32, radius float32, corners int, angle float64) {
	for i := range corners {
		sin, cos := math.Sincos(angle + 2*math.Pi*float64(i)/float64(corners))
		x, y := at[0]+radius*float32(cos), at[1]+radius*float32(sin)
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
}

// marks draws a curve's marks, leaving out those that would touch the one before.
func (s stroke) marks(m viewstate.Marker, points [][2]float32, c color.NRGBA) {
	r := vector.NewRasterizer(s.img.Rect.Dx(), s.img.Rect.Dy())
	last := float32(math.Inf(-1))
	for i, p := range points {
		if p[0]-last >= 4*markRadius*s.scale || i == len(points)-1 {
			last = p[0]
			addMark(r, m, p, markRadius*s.scale)
		}
	}
	r.Draw(s.img, s.img.Rect, image.NewUniform(c), image.Point{})
}

// addMark adds one mark.
func addMark(r *vector.Rasterizer, m viewstate.Marker, at [2]float32, radius float32) {
	switch m {
	case viewstate.Disc:
		polygon(r, at, radius, 24, 0)
	case viewstate.Square:
		polygon(r, at, radius*1.2, 4, math.Pi/4)
	case viewstate.Diamond:
		polygon(r, at, radius*1.3, 4, 0)
	case viewstate.NoMarker:
	}
}

// MinSize of a chart that can be read.
func (c *curveChart) MinSize() fyne.Size { return fyne.NewSize(280, 130) }

// CreateRenderer implements [fyne.Widget].
func (c *curveChart) CreateRenderer() fyne.WidgetRenderer { return &curveChartRenderer{c} }

type curveChartRenderer struct{ c *curveChart }

func (r *curveChartRenderer) Destroy()           {}
func (r *curveChartRenderer) MinSize() fyne.Size { return r.c.MinSize() }
func (r *curveChartRenderer) Refresh() {
	r.Layout(r.c.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

func (r *curveChartRenderer) Objects() []fyne.CanvasObject {
	c := r.c
	out := []fyne.CanvasObject{c.plot, c.title, c.empty, c.xName}
	for _, texts := range [][]*canvas.Text{c.xTicks, c.yTicks, c.names} {
		for _, t := range texts {
			out = append(out, t)
		}
	}
	for _, k := range c.keys {
		out = append(out, k)
	}
	return out
}

// Layout implements [fyne.WidgetRenderer].
func (r *curveChartRenderer) Layout(size fyne.Size) {
	c := r.c
	place(c.title, chartInset, 0, size.Width, chartHead-4)
	left, top := float32(chartLeft), float32(chartHead)
	w, h := max(0, size.Width-left-chartRight), max(0, size.Height-top-chartFoot)
	place(c.plot, left, top, w, h)
	place(c.empty, left, top, w, h)
	p := newPlotArea(c.chart, w, h, chartInset)
	r.layoutTicks(p, size)
	right := size.Width - chartRight
	for i := len(c.names) - 1; i >= 0; i-- {
		text := c.names[i].MinSize()
		right -= text.Width
		place(c.names[i], right, 0, text.Width, chartHead-4)
		right -= chartKeyLength + 5
		place(c.keys[i], right, 2, chartKeyLength, chartHead-8)
		right -= 14
	}
	crowded := right < chartInset+c.title.MinSize().Width
	for i := range c.names { // the title says what a single curve is
		visible := !crowded || len(c.names) > 1
		setVisible(c.names[i], visible)
		setVisible(c.keys[i], visible)
	}
}

// layoutTicks places the labels of both axes, leaving out those that would touch their neighbour.
func (r *curveChartRenderer) layoutTicks(p plotArea, size fyne.Size) {
	c := r.c
	const gap = 4
	name := c.xName.MinSize()
	nameX := size.Width - chartRight - name.Width
	place(c.xName, nameX, size.Height-chartFoot+2, name.Width, name.Height)
	end := float32(math.Inf(-1))
	for i, t := range c.xTicks {
		text := t.MinSize()
		x := chartLeft + p.x(c.chart.X.Ticks[i].At) - text.Width/2
		place(t, x, size.Height-chartFoot+2, text.Width, text.Height)
		fits := x > end+2*gap && x+text.Width < nameX-gap
		setVisible(t, fits)
		if fits {
			end = x + text.Width
		}
	}
	above := float32(math.Inf(1))
	for i, t := range c.yTicks {
		text := t.MinSize()
		y := chartHead + p.y(c.chart.Y.Ticks[i].At) - text.Height/2
		place(t, chartLeft-gap-text.Width, y, text.Width, text.Height)
		fits := y+text.Height <= above+gap
		setVisible(t, fits)
		if fits {
			above = y
		}
	}
}
