package render

import "bayeslice/internal/volume"

// prepared is a checked scene in the numbers that both renderers use.
type prepared struct {
	low, scale float32 // grey = clamp((v − low)·scale)
	overlay    shading
	fields     []*volume.Volume // distinct, in order of first use
	pens       []pen
}

// shading is an overlay's colouring: entry = clamp((v − low)·scale)·255.
type shading struct{ low, scale, opacity float32 }

// prepare converts a scene that passed its check.
func prepare(s *Scene, w, h int) prepared {
	var p prepared
	if s.Base != nil {
		p.low, p.scale = float32(s.Window.Level-s.Window.Width/2), float32(1/s.Window.Width)
	}
	if o := s.Overlay; o != nil {
		p.overlay = shading{low: float32(o.Low), opacity: clampUnit(float32(o.Opacity))}
		if o.High > o.Low {
			p.overlay.scale = float32(1 / (o.High - o.Low))
		}
	}
	number := map[*volume.Volume]int{}
	for i := range s.Contours {
		c := &s.Contours[i]
		n, seen := number[c.Field]
		if !seen {
			n = len(p.fields)
			number[c.Field] = n
			p.fields = append(p.fields, c.Field)
		}
		p.pens = append(p.pens, newPen(c, n, s.Plane, w, h))
	}
	return p
}
