package render

import (
	"image"
	"math"
)

// pen is a contour ready for drawing: its numbers as both renderers use them.
type pen struct {
	field    int             // which of the scene's distinct fields
	area     image.Rectangle // outside of which it draws nothing
	level    float32
	minSlope float32 // per pixel; below it the field counts as constant
	r, g, b  float32 // 0…1
	alpha    float32 // of the line
	fill     float32 // of the area, the colour's alpha included
	half     float32 // half the line's width, pixels
	dash     float32 // pixels, 0 for solid
	dashX    float32 // phases of the pattern, pixels
	dashY    float32
}

// newPen converts a contour of a w×h picture whose field has the given number.
func newPen(c *Contour, field int, plane Plane, w, h int) pen {
	alpha := float32(c.Color.A) / 255
	p := pen{
		field: field, level: float32(c.Level), minSlope: 1e-6 * float32(math.Abs(c.Level)),
		r: float32(c.Color.R) / 255, g: float32(c.Color.G) / 255, b: float32(c.Color.B) / 255,
		alpha: alpha, fill: alpha * clampUnit(float32(c.Fill)), half: float32(max(c.Width, 0) / 2), dash: float32(max(c.Dash, 0)),
	}
	if p.dash > 0 {
		x, y := dashOrigin(plane, w, h, c.Dash)
		p.dashX, p.dashY = float32(x), float32(y)
	}
	return p
}

// slope is the difference per pixel across the middle one of three samples, one-sided next to missing ones.
func slope(before, here, after float32) float32 {
	switch {
	case before < missing && after < missing:
		return 0.5 * (after - before)
	case after < missing:
		return after - here
	case before < missing:
		return here - before
	}
	return 0
}

// stroke draws the pen on row y of the picture. above, here and below are three rows of its field,
// each of which starts one pixel left of the picture.
func (p *pen) stroke(row *rgbRow, above, here, below []float32, y int) {
	reach := p.half + 0.5
	reach *= reach
	for i := p.area.Min.X; i < p.area.Max.X; i++ {
		f := here[i+1]
		if f == missing {
			continue
		}
		diff := f - p.level
		gx, gy := slope(here[i], f, here[i+2]), slope(above[i+1], f, below[i+1])
		g2 := gx*gx + gy*gy
		if diff*diff >= g2*reach || g2 < p.minSlope*p.minSlope {
			if diff > 0 && p.fill > 0 {
				row.blend(i, p.r, p.g, p.b, p.fill)
			}
			continue
		}
		p.edge(row, i, y, diff/float32(math.Sqrt(float64(g2))), gx*gx > gy*gy)
	}
}

// edge blends a pixel within reach of the line; d is its signed distance, steep whether the line runs along y.
func (p *pen) edge(row *rgbRow, i, y int, d float32, steep bool) {
	if p.fill > 0 {
		row.blend(i, p.r, p.g, p.b, p.fill*clampUnit(d+0.5))
	}
	line := clampUnit(d+p.half+0.5) - clampUnit(d-p.half+0.5)
	if p.dash > 0 {
		along := float32(i) - p.dashX
		if steep {
			along = float32(y) - p.dashY
		}
		line *= dashCover(along, p.dash)
	}
	row.blend(i, p.r, p.g, p.b, p.alpha*line)
}

// dashCover is the part of a pixel that a dash covers: dashes of length dash start at every multiple of 2·dash.
func dashCover(along, dash float32) float32 {
	period := 2 * dash
	u := along - period*float32(math.Floor(float64(along/period)))
	return clampUnit(dash/2-abs32(u-dash/2)+0.5) + clampUnit(dash/2-abs32(u-dash/2-period)+0.5)
}

func abs32(v float32) float32 { return max(v, -v) }
