// Package chart draws the figures of an evaluation as SVG: curves with bands and boxes of exams. It owns the
// plotting library. Colours are those of Okabe and Ito (2008), which colour-blind readers tell apart, and every series
// has a line of its own kind besides. Functions are pure and safe for concurrent use.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// ErrChart marks numbers that make no figure, since one of them is not finite or lengths differ.
var ErrChart = errors.New("chart: these numbers make no figure")

// okabeIto are the colours of series: black, which reads best, goes last, and yellow is left out, since it is too pale for
// a line on white.
var okabeIto = []color.NRGBA{
	{0x00, 0x72, 0xB2, 0xFF}, // blue
	{0xD5, 0x5E, 0x00, 0xFF}, // vermilion
	{0x00, 0x9E, 0x73, 0xFF}, // bluish green
	{0xCC, 0x79, 0xA7, 0xFF}, // reddish purple
	{0xE6, 0x9F, 0x00, 0xFF}, // orange
	{0x56, 0xB4, 0xE9, 0xFF}, // sky blue
	{0x00, 0x00, 0x00, 0xFF},
}

// dashes tell the lines of series apart without their colours, points.
var dashes = [][]vg.Length{nil, {6, 2.5}, {2, 2}, {8, 2.5, 2, 2.5}, {4, 1.5}, {1, 2.5}, {10, 3}}

// Size of a figure in points, and the sizes of its type.
const (
	width, height = vg.Length(380), vg.Length(300)
	smallWidth    = vg.Length(280)
	smallHeight   = vg.Length(190)
	margin        = vg.Length(12) // right and above, for labels at the ends of axes
	titleSize     = vg.Length(13.5)
	textSize      = vg.Length(12)
)

var (
	ink   = color.NRGBA{0x22, 0x22, 0x22, 0xFF}
	faint = color.NRGBA{0xE3, 0xE3, 0xE3, 0xFF}
	shade = color.NRGBA{0xF1, 0xF3, 0xF5, 0xFF}
)

// Frame is what stands around a figure.
type Frame struct {
	Title, X, Y string
	// Description says in a sentence what the figure shows, for readers who do not see it.
	Description            string
	XMin, XMax, YMin, YMax float64    // where Min = Max the axis fits the data; with XMax alone it begins at 0
	Shade                  [2]float64 // part of the X axis to set off; none where equal
	Diagonal               bool       // a line from corner to corner, of chance or of perfect calibration
	Small                  bool       // of less width and height, for figures that stand four in a row
}

// Series is one curve. Its colour and kind of line come from its place among the series.
type Series struct {
	Name      string
	X, Y      []float64
	Markers   bool      // a dot at each point
	BandX     []float64 // where Low and High are given; nil draws no band
	Low, High []float64
}

// Color is the colour of series n in CSS.
func Color(n int) string {
	c := okabeIto[n%len(okabeIto)]
	return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B)
}

// Swatch is a small SVG of the line of series n, for legends.
func Swatch(n int) string {
	var dash []string
	for _, d := range dashes[n%len(dashes)] {
		dash = append(dash, fmt.Sprintf("%g", float64(d)))
	}
	return fmt.Sprintf(`<svg width="34" height="12" viewBox="0 0 34 12" aria-hidden="true"><rect y="3" width="34" height="6" fill="%s" opacity="0.2"/><line x1="0" y1="6" x2="34" y2="6" stroke="%s" stroke-width="2.2" stroke-dasharray="%s"/></svg>`,
		Color(n), Color(n), strings.Join(dash, " "))
}

// Curves draws curves with their bands. It fails with [ErrChart].
func Curves(f Frame, series []Series) (string, error) {
	p := frame(f)
	if f.Shade[0] < f.Shade[1] {
		box, err := plotter.NewPolygon(plotter.XYs{{X: f.Shade[0], Y: f.YMin}, {X: f.Shade[1], Y: f.YMin}, {X: f.Shade[1], Y: f.YMax}, {X: f.Shade[0], Y: f.YMax}})
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrChart, err)
		}
		box.Color, box.LineStyle.Width = shade, 0
		p.Add(box)
	}
	p.Add(grid())
	if f.Diagonal {
		line, err := plotter.NewLine(plotter.XYs{{X: f.XMin, Y: f.YMin}, {X: f.XMax, Y: f.YMax}})
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrChart, err)
		}
		line.LineStyle = draw.LineStyle{Color: color.NRGBA{0x99, 0x99, 0x99, 0xFF}, Width: 0.8, Dashes: []vg.Length{3, 3}}
		p.Add(line)
	}
	for n, s := range series { // bands lie under all lines
		if err := addBand(p, n, s); err != nil {
			return "", err
		}
	}
	for n, s := range series {
		if err := addCurve(p, n, s); err != nil {
			return "", err
		}
	}
	limit(p, f)
	return svg(p, f)
}

func addBand(p *plot.Plot, n int, s Series) error {
	if len(s.BandX) == 0 {
		return nil
	}
	if len(s.Low) != len(s.BandX) || len(s.High) != len(s.BandX) {
		return fmt.Errorf("%w: the band of %q has %d places, %d low and %d high ends", ErrChart, s.Name, len(s.BandX), len(s.Low), len(s.High))
	}
	var around plotter.XYs
	for i, x := range s.BandX {
		around = append(around, plotter.XY{X: x, Y: s.Low[i]})
	}
	for i := len(s.BandX) - 1; i >= 0; i-- {
		around = append(around, plotter.XY{X: s.BandX[i], Y: s.High[i]})
	}
	band, err := plotter.NewPolygon(around)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChart, err)
	}
	c := okabeIto[n%len(okabeIto)]
	c.A = 0x30
	band.Color, band.LineStyle.Width = c, 0
	p.Add(band)
	return nil
}

func addCurve(p *plot.Plot, n int, s Series) error {
	if len(s.X) != len(s.Y) {
		return fmt.Errorf("%w: %q has %d and %d coordinates", ErrChart, s.Name, len(s.X), len(s.Y))
	}
	if len(s.X) == 0 {
		return nil
	}
	points := make(plotter.XYs, len(s.X))
	for i := range points {
		points[i] = plotter.XY{X: s.X[i], Y: s.Y[i]}
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChart, err)
	}
	line.LineStyle = draw.LineStyle{Color: okabeIto[n%len(okabeIto)], Width: 1.8, Dashes: dashes[n%len(dashes)]}
	p.Add(line)
	if s.Markers {
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrChart, err)
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: okabeIto[n%len(okabeIto)], Radius: 2.6, Shape: draw.CircleGlyph{}}
		p.Add(dots)
	}
	return nil
}

// Box is one figure of one series: the exams' own values, and their mean with its band.
type Box struct {
	Series          int       // its colour
	Values          []float64 // none draws nothing
	Mean, Low, High float64
}

// Group is what stands side by side at one place of the X axis.
type Group struct {
	Name  string
	Boxes []Box
}

// Boxes draws groups of boxes: to the left the exams' quartiles with whiskers to the last value within one and a half
// times their distance, and what lies beyond; to the right the mean with its band. It fails with [ErrChart].
func Boxes(f Frame, groups []Group) (string, error) {
	p := frame(f)
	p.Add(grid())
	var names []string
	for g, group := range groups {
		names = append(names, group.Name)
		for n, b := range group.Boxes {
			if len(b.Values) == 0 {
				continue
			}
			slot := 0.86 / float64(len(group.Boxes))
			at := float64(g) - 0.43 + slot*(float64(n)+0.5)
			room := float64(width-70) / float64(len(groups)) * slot
			if err := addBox(p, b, at-slot*0.2, vg.Length(math.Min(room*0.36, 26))); err != nil {
				return "", err
			}
			if err := addMean(p, b, at+slot*0.22); err != nil {
				return "", err
			}
		}
	}
	p.NominalX(names...)
	f.XMin, f.XMax = -0.5, float64(len(groups))-0.5
	limit(p, f)
	return svg(p, f)
}

func addBox(p *plot.Plot, b Box, at float64, wide vg.Length) error {
	box, err := plotter.NewBoxPlot(wide, at, plotter.Values(b.Values))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChart, err)
	}
	c := okabeIto[b.Series%len(okabeIto)]
	pale := c
	pale.A = 0x38
	box.FillColor = pale
	box.BoxStyle = draw.LineStyle{Color: c, Width: 1}
	box.MedianStyle = draw.LineStyle{Color: c, Width: 2}
	box.WhiskerStyle = draw.LineStyle{Color: c, Width: 1}
	box.GlyphStyle = draw.GlyphStyle{Color: c, Radius: 1.5, Shape: draw.RingGlyph{}}
	p.Add(box)
	return nil
}

// interval is one point with its ends.
type interval struct{ x, mean, low, high float64 }

func (i interval) Len() int                          { return 1 }
func (i interval) XY(int) (x, y float64)             { return i.x, i.mean }
func (i interval) YError(int) (below, above float64) { return i.mean - i.low, i.high - i.mean }

func addMean(p *plot.Plot, b Box, at float64) error {
	i := interval{at, b.Mean, b.Low, b.High}
	bars, err := plotter.NewYErrorBars(i)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChart, err)
	}
	c := okabeIto[b.Series%len(okabeIto)]
	bars.LineStyle, bars.CapWidth = draw.LineStyle{Color: c, Width: 1.6}, 6
	dot, err := plotter.NewScatter(i)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChart, err)
	}
	dot.GlyphStyle = draw.GlyphStyle{Color: c, Radius: 3.4, Shape: draw.CircleGlyph{}}
	p.Add(bars, dot)
	return nil
}

// frame returns an empty plot with titles and axes.
func frame(f Frame) *plot.Plot {
	p := plot.New()
	sans := func(size vg.Length) font.Font {
		return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	}
	p.BackgroundColor = color.Transparent
	p.Title.Text, p.Title.TextStyle.Font, p.Title.TextStyle.Color, p.Title.Padding = f.Title, sans(titleSize), ink, 6
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = sans(textSize), sans(textSize)
		a.Label.TextStyle.Color, a.Tick.Label.Color, a.Color, a.Tick.Color = ink, ink, ink, ink
		a.LineStyle.Width, a.Tick.LineStyle.Width, a.Padding = 0.7, 0.7, 3
	}
	p.X.Label.Text, p.Y.Label.Text = f.X, f.Y
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(ticks), plot.TickerFunc(ticks)
	if f.Small {
		p.Y.Tick.Marker = plot.TickerFunc(fewTicks)
	}
	return p
}

// ticks labels five to ten round numbers of an axis.
func ticks(low, high float64) []plot.Tick {
	if !(high > low) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, share := range []float64{0.5, 0.4, 0.5} { // to a half, a fifth, a tenth
		if (high-low)/step >= 5 {
			break
		}
		step *= share
	}
	decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	var out []plot.Tick
	first := math.Ceil(low/step - 1e-9)
	for n := range 12 {
		v := (first + float64(n)) * step
		if v > high+1e-9*step {
			break
		}
		out = append(out, plot.Tick{Value: v, Label: strings.Replace(fmt.Sprintf("%.*f", decimals, v+0), "-", "−", 1)})
	}
	return out
}

// fewTicks labels every second one of many ticks.
func fewTicks(low, high float64) []plot.Tick {
	out := ticks(low, high)
	if len(out) > 6 {
		for i := 1; i < len(out); i += 2 {
			out[i].Label = ""
		}
	}
	return out
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical = draw.LineStyle{}
	g.Horizontal = draw.LineStyle{Color: faint, Width: 0.7}
	return g
}

// limit sets the ends of the axes.
func limit(p *plot.Plot, f Frame) {
	if f.XMin < f.XMax {
		p.X.Min, p.X.Max = f.XMin, f.XMax
	}
	if f.YMin < f.YMax {
		p.Y.Min, p.Y.Max = f.YMin, f.YMax
		return
	}
	if p.Y.Min > 0 && p.Y.Min < 0.6*p.Y.Max {
		p.Y.Min = 0 // so that lengths can be compared
	}
	p.Y.Max += 0.04 * (p.Y.Max - p.Y.Min) // so that the highest dot is whole
	if !(p.Y.Max > p.Y.Min) {             // one value alone, or none
		p.Y.Min, p.Y.Max = p.Y.Min-0.5, p.Y.Min+0.5
	}
}

var (
	prolog = regexp.MustCompile(`(?s)^.*?<svg [^>]*viewBox="([^"]*)"[^>]*>`)
	family = regexp.MustCompile(`font-family:Liberation Sans[^;"]*`)
)

// svg returns the figure as an element of a page that takes the width it is given.
func svg(p *plot.Plot, f Frame) (text string, err error) {
	defer func() { // the library panics where an axis has no length
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v", ErrChart, fault)
		}
	}()
	for _, v := range []float64{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("%w: an axis ends at %g", ErrChart, v)
		}
	}
	wide, high := width, height
	if f.Small {
		wide, high = smallWidth, smallHeight
	}
	c := vgsvg.New(wide, high)
	p.Draw(draw.Crop(draw.New(c), 0, -margin, 0, -margin/2))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("%w: %w", ErrChart, err)
	}
	m := prolog.FindStringSubmatch(b.String())
	if m == nil {
		return "", fmt.Errorf("%w: the library wrote no picture", ErrChart)
	}
	body := family.ReplaceAllString(b.String()[len(m[0]):], "font-family:'Liberation Sans',Arial,Helvetica,sans-serif")
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="%s" role="img" aria-label="%s">%s`, m[1], html.EscapeString(strings.TrimPrefix(f.Title+": "+f.Description, ": ")), body), nil
}
