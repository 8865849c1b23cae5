package report

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"

	"bayeslice/render"
)

// View is what a window shows of an exam, as it is drawn into a picture for others: images, contours, marks
// and texts, but no menus and no names.
type View struct {
	Size  image.Point // device pixels
	Scale float64     // device pixels per logical one; 0 is 1
	Panes []Pane
}

// Pane is one viewport of a view.
type Pane struct {
	At      image.Rectangle // device pixels within the view
	Scene   render.Scene    // its plane is that of a picture of At's size
	Note    string          // instead of an image where Scene has none, or ""
	Title   string          // corner texts; "" leaves one out
	Banner  string          // what the picture must not be taken for
	Slice   string
	Zoom    string
	Letters render.Edges
	Legend  *Legend // nil for none
	Marks   []PaneMark
}

// Legend is the colour bar of a map.
type Legend struct {
	Map       render.ColorMap
	What      string // with its unit
	Low, High string
}

// PaneMark is a drawing over the image: points in device pixels of the pane.
type PaneMark struct {
	Points [][2]float64
	Closed bool
	Radius float64 // > 0 draws a circle round the only point
	Spots  bool    // a handle at each point
	Color  color.NRGBA
	Width  float64
	Label  string // beside the last point
}

// Draw draws the view. It fails with what the renderer says, or ctx's error.
func (v View) Draw(ctx context.Context, r render.Renderer) (*image.RGBA, error) {
	if v.Size.X < 1 || v.Size.Y < 1 || v.Size.X > render.MaxSide || v.Size.Y > render.MaxSide || v.Size.X*v.Size.Y > render.MaxPixels {
		return nil, fmt.Errorf("%w: the view has %v pixels", ErrPage, v.Size)
	}
	s, err := newSheet(v.Size.X, v.Size.Y)
	if err != nil {
		return nil, err
	}
	for _, p := range v.Panes {
		if err := s.pane(ctx, r, p, max(v.Scale, 1)); err != nil {
			return nil, err
		}
	}
	return s.img, nil
}

// pane draws one viewport.
func (s *sheet) pane(ctx context.Context, r render.Renderer, p Pane, scale float64) error {
	s.fill(p.At, color.NRGBA{0, 0, 0, 255})
	part, ok := s.img.SubImage(p.At).(*image.RGBA)
	if p.At.Empty() || !ok || part.Rect != p.At {
		return fmt.Errorf("%w: a viewport at %v lies outside the view", ErrPage, p.At)
	}
	if p.Scene.Base != nil {
		img, err := r.Render(ctx, p.Scene, p.At.Dx(), p.At.Dy())
		if err != nil {
			return err
		}
		draw.Draw(part, p.At, img, img.Rect.Min, draw.Src)
	}
	for _, m := range p.Marks {
		s.mark(part, p.At.Min, m, scale)
	}
	s.paneTexts(p, scale)
	if p.Legend != nil {
		s.paneLegend(p, scale)
	}
	return nil
}

// paneTexts writes in the corners and at the edges.
func (s *sheet) paneTexts(p Pane, scale float64) {
	r, pad := p.At, int(8*scale)
	body := style{px: 13 * scale, color: ink}
	bold := style{px: 14 * scale, bold: true, color: ink}
	warn := style{px: 12 * scale, bold: true, color: color.NRGBA{232, 170, 66, 255}}
	room := r.Dx() - 2*pad
	title := s.ellipsis(bold, p.Title, room)
	s.outlined(r.Min.X+pad, r.Min.Y+int(20*scale), bold, left, title)
	banner := s.ellipsis(warn, p.Banner, room)
	y := r.Min.Y + int(20*scale)
	if s.width(bold, title)+s.width(warn, banner)+pad > room {
		y += int(18 * scale)
	}
	s.outlined(r.Max.X-pad, y, warn, right, banner)
	bottom := r.Max.Y - int(9*scale)
	slice := s.ellipsis(body, p.Slice, room)
	s.outlined(r.Min.X+pad, bottom, body, left, slice)
	if s.width(body, slice)+s.width(body, p.Zoom)+pad <= room {
		s.outlined(r.Max.X-pad, bottom, body, right, p.Zoom)
	}
	middle := (r.Min.Y+r.Max.Y)/2 + int(5*scale)
	s.outlined(r.Min.X+pad, middle, bold, left, p.Letters.Left)
	s.outlined(r.Max.X-pad, middle, bold, right, p.Letters.Right)
	s.outlined((r.Min.X+r.Max.X)/2, r.Min.Y+int(40*scale), bold, centre, p.Letters.Top)
	s.outlined((r.Min.X+r.Max.X)/2, bottom-int(20*scale), bold, centre, p.Letters.Bottom)
	s.outlined((r.Min.X+r.Max.X)/2, middle, body, centre, s.ellipsis(body, p.Note, room))
}

// paneLegend draws the colour bar at the right edge, under the letter in its middle.
func (s *sheet) paneLegend(p Pane, scale float64) {
	pad, wide := int(8*scale), int(10*scale)
	top := (p.At.Min.Y+p.At.Max.Y)/2 + int(24*scale)
	high := min(int(110*scale), p.At.Max.Y-int(62*scale)-top)
	if high < int(20*scale) {
		return
	}
	x := p.At.Max.X - pad - wide
	lut := render.LUT(p.Legend.Map)
	for dy := range high {
		s.fill(image.Rect(x, top+dy, x+wide, top+dy+1), color.NRGBA(lut[(high-1-dy)*255/max(high-1, 1)]))
	}
	st := style{px: 12 * scale, color: ink}
	s.outlined(x-int(5*scale), top+int(9*scale), st, right, p.Legend.High)
	s.outlined(x-int(5*scale), top+high, st, right, p.Legend.Low)
	s.outlined(p.At.Max.X-pad, top+high+int(17*scale), st, right, s.ellipsis(st, p.Legend.What, p.At.Dx()-2*pad))
}

// spotRadius is that of a handle, logical pixels.
const spotRadius = 3.5

// mark draws lines, circles and handles, then the label.
func (s *sheet) mark(on *image.RGBA, at image.Point, m PaneMark, scale float64) {
	points := make([][2]float64, 0, len(m.Points))
	for _, p := range m.Points {
		if math.IsNaN(p[0]+p[1]) || math.Abs(p[0])+math.Abs(p[1]) > 1e6 {
			return // far outside of the view
		}
		points = append(points, [2]float64{p[0] + float64(at.X), p[1] + float64(at.Y)})
	}
	if len(points) == 0 {
		return
	}
	for i := 1; i < len(points); i++ {
		stroke(on, points[i-1], points[i], m.Width, m.Color)
	}
	if m.Closed && len(points) > 2 {
		stroke(on, points[len(points)-1], points[0], m.Width, m.Color)
	}
	switch {
	case m.Radius > 0:
		ring(on, points[0], m.Radius, m.Width, m.Color)
	case len(points) == 1 || m.Spots:
		for _, p := range points {
			ring(on, p, spotRadius*scale, m.Width, m.Color)
		}
	}
	if m.Label != "" {
		st := style{px: 13 * scale, bold: true, color: m.Color}
		last := points[len(points)-1]
		x := min(int(last[0]+10*scale), on.Rect.Max.X-s.width(st, m.Label)-int(6*scale))
		y := max(int(last[1]-8*scale), on.Rect.Min.Y+int(16*scale))
		s.outlined(max(x, on.Rect.Min.X+int(6*scale)), min(y, on.Rect.Max.Y-int(6*scale)), st, left, m.Label)
	}
}

// ring draws a circle as a polygon.
func ring(on *image.RGBA, at [2]float64, radius, width float64, c color.NRGBA) {
	const corners = 64
	last := [2]float64{at[0] + radius, at[1]}
	for n := 1; n <= corners; n++ {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / corners)
		next := [2]float64{at[0] + radius*cos, at[1] + radius*sin}
		stroke(on, last, next, width, c)
		last = next
	}
}

// stroke draws a line with smooth edges.
func stroke(on *image.RGBA, a, b [2]float64, width float64, c color.NRGBA) {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	half := max(width, 1) / 2
	nx, ny := -dy/length*half, dx/length*half
	box := image.Rect(int(math.Floor(min(a[0], b[0])-half)), int(math.Floor(min(a[1], b[1])-half)),
		int(math.Ceil(max(a[0], b[0])+half))+1, int(math.Ceil(max(a[1], b[1])+half))+1).Intersect(on.Rect)
	if box.Empty() {
		return
	}
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	corner := func(p [2]float64, sign float64) (x, y float32) {
		return float32(p[0] - float64(box.Min.X) + sign*nx), float32(p[1] - float64(box.Min.Y) + sign*ny)
	}
	z.MoveTo(corner(a, 1))
	z.LineTo(corner(b, 1))
	z.LineTo(corner(b, -1))
	z.LineTo(corner(a, -1))
	z.ClosePath()
	z.Draw(on, box, image.NewUniform(c), image.Point{})
}
