package render

import (
	"image"
	"math"

	"bayeslice/internal/volume"
)

// prepared is a checked scene in the numbers that both renderers use.
type prepared struct {
	w, h       int
	base       *source // nil where the scene has none
	low, scale float32 // grey = clamp((v − low)·scale)
	overlay    *source // nil where there is none or nothing of it is seen
	shading    shading
	mapRow     ColorMap
	fields     []*source // distinct, in order of first use
	pens       []pen
}

// source is a volume to sample, and where it must be sampled.
type source struct {
	volume *volume.Volume
	how    volume.Interp
	at     transform
	area   image.Rectangle // pixels of the picture; those next to its border may belong to it
}

// shading is an overlay's colouring: entry = clamp((v − low)·scale)·255.
type shading struct{ low, scale, opacity float32 }

// prepare converts a scene that passed its check.
func prepare(s *Scene, w, h int, boxes *boxCache) prepared {
	p := prepared{w: w, h: h}
	whole := image.Rect(0, 0, w, h)
	read := func(v *volume.Volume, how volume.Interp) *source {
		return &source{volume: v, how: how, at: newTransform(v.Grid(), s.Plane, w, h)}
	}
	if s.Base != nil {
		p.base = read(s.Base, s.Interp)
		p.base.area = p.base.at.seen(whole.Inset(-1), gridBox(s.Base), 1).Intersect(whole)
		p.low, p.scale = float32(s.Window.Level-s.Window.Width/2), float32(1/s.Window.Width)
	}
	if o := s.Overlay; o != nil && o.Opacity > 0 {
		p.overlay, p.mapRow = read(o.Volume, volume.Linear), o.Map
		p.overlay.area = p.overlay.at.seen(whole.Inset(-1), boxes.above(o.Volume, float32(o.Low)), 1).Intersect(whole)
		p.shading = shading{low: float32(o.Low), opacity: clampUnit(float32(o.Opacity))}
		if o.High > o.Low {
			p.shading.scale = float32(1 / (o.High - o.Low))
		}
	}
	number := map[*volume.Volume]int{}
	for i := range s.Contours {
		c := &s.Contours[i]
		n, seen := number[c.Field]
		if !seen {
			n = len(p.fields)
			number[c.Field] = n
			p.fields = append(p.fields, read(c.Field, volume.Linear))
		}
		f, pen := p.fields[n], newPen(c, n, s.Plane, w, h)
		margin := int(math.Ceil(min(c.Width/2, MaxSide))) + 2
		pen.area = f.at.seen(whole.Inset(-1-margin), boxes.above(c.Field, pen.level), margin).Intersect(whole)
		if !pen.area.Empty() {
			f.area = f.area.Union(pen.area.Inset(-1))
			p.pens = append(p.pens, pen)
		}
	}
	return p
}
