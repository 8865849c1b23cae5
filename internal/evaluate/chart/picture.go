package chart

import (
	"encoding/base64"
	"fmt"
	"html"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// Bars is one histogram of [Histogram].
type Bars struct {
	Name   string
	Color  color.NRGBA
	Shares []float64 // of bins of equal width over the X axis; none draws nothing
}

// Histogram draws histograms over each other as steps, filled and half transparent, each with a kind of line of its own. The
// X axis needs its ends. It fails with [ErrChart].
func Histogram(f Frame, bars []Bars) (string, error) {
	p := frame(f)
	p.Add(grid())
	for n, b := range bars {
		if len(b.Shares) == 0 {
			continue
		}
		step := (f.XMax - f.XMin) / float64(len(b.Shares))
		line := plotter.XYs{{X: f.XMin, Y: 0}}
		for i, share := range b.Shares {
			left := f.XMin + float64(i)*step
			line = append(line, plotter.XY{X: left, Y: share}, plotter.XY{X: left + step, Y: share})
		}
		line = append(line, plotter.XY{X: f.XMax, Y: 0})
		area, err := plotter.NewPolygon(line)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrChart, err)
		}
		pale := b.Color
		pale.A = 0x60
		area.Color, area.LineStyle.Width = pale, 0
		edge, err := plotter.NewLine(line)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrChart, err)
		}
		edge.LineStyle = draw.LineStyle{Color: darker(b.Color), Width: 1.4, Dashes: dashes[n%len(dashes)]}
		p.Add(area, edge)
	}
	limit(p, f)
	return svg(p, f)
}

// darker is a colour that shows as a line on white.
func darker(c color.NRGBA) color.NRGBA {
	return color.NRGBA{R: uint8(int(c.R) * 7 / 10), G: uint8(int(c.G) * 7 / 10), B: uint8(int(c.B) * 7 / 10), A: 0xFF}
}

// BarSwatch is a small SVG of histogram n of a colour, for legends.
func BarSwatch(n int, c color.NRGBA) string {
	var dash []string
	for _, d := range dashes[n%len(dashes)] {
		dash = append(dash, fmt.Sprintf("%g", float64(d)))
	}
	d := darker(c)
	return fmt.Sprintf(`<svg width="34" height="12" viewBox="0 0 34 12" aria-hidden="true"><rect x="1" y="1" width="32" height="10" fill="%s" fill-opacity="0.38" stroke="%s" stroke-width="1.6" stroke-dasharray="%s"/></svg>`,
		cssOf(c), cssOf(d), strings.Join(dash, " "))
}

func cssOf(c color.NRGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// Picture is an image with lines over it.
type Picture struct {
	PNG           []byte
	Width, Height float64        // of the image in any unit, such as mm
	Lines         [][][2]float64 // closed; in that unit from the upper left corner
	Description   string         // what it shows, for readers who do not see it
}

// Draw returns the picture as an element of a page that takes the width it is given: the image embedded, the lines as
// vectors, white with a dark rim that shows them on white. It fails with [ErrChart].
func (p *Picture) Draw() (string, error) {
	if !(p.Width > 0 && p.Height > 0) || len(p.PNG) == 0 {
		return "", fmt.Errorf("%w: a picture of %g × %g", ErrChart, p.Width, p.Height)
	}
	var path strings.Builder
	for _, line := range p.Lines {
		for n, at := range line {
			if math.IsNaN(at[0]+at[1]) || math.IsInf(at[0]+at[1], 0) {
				return "", fmt.Errorf("%w: a line goes through %v", ErrChart, at)
			}
			letter := 'L'
			if n == 0 {
				letter = 'M'
			}
			fmt.Fprintf(&path, "%c%.4g %.4g", letter, at[0], at[1])
		}
		path.WriteByte('Z')
	}
	lines := ""
	if path.Len() > 0 {
		lines = fmt.Sprintf(`<g fill="none" stroke-linejoin="round"><path d="%s" stroke="#000" stroke-opacity="0.55" stroke-width="3.2" vector-effect="non-scaling-stroke"/><path d="%s" stroke="#FFF" stroke-width="1.5" vector-effect="non-scaling-stroke"/></g>`, path.String(), path.String())
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s"><image width="%g" height="%g" preserveAspectRatio="none" href="data:image/png;base64,%s"/>%s</svg>`,
		p.Width, p.Height, html.EscapeString(p.Description), p.Width, p.Height, base64.StdEncoding.EncodeToString(p.PNG), lines), nil
}
