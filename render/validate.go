package render

import (
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Bounds on what is drawn.
const (
	// MaxContours is the largest number of contours in a scene.
	MaxContours = 32
	// MaxSide is the longest side of a picture, device pixels.
	MaxSide = 16384
	// MaxPixels is the largest area of a picture, device pixels (256 MiB of RGBA).
	MaxPixels = 64 << 20
)

// ErrScene marks a scene or a picture size that no renderer can draw; the text says what is wrong.
var ErrScene = errors.New("render: cannot draw this scene")

// check returns nil or an error wrapping [ErrScene].
func (s *Scene) check(w, h int) error {
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide || w*h > MaxPixels {
		return fmt.Errorf("%w: a picture of %d×%d pixels; sides go from 1 to %d and the area to %d pixels",
			ErrScene, w, h, MaxSide, MaxPixels)
	}
	if err := s.Plane.check(); err != nil {
		return err
	}
	if s.Base != nil {
		if !(s.Window.Width > 0) || !finite(s.Window.Width, s.Window.Level) {
			return fmt.Errorf("%w: window level %g width %g; the width must be positive and both finite",
				ErrScene, s.Window.Level, s.Window.Width)
		}
		if s.Interp != volume.Nearest && s.Interp != volume.Linear {
			return fmt.Errorf("%w: interpolation %d; choose nearest or linear", ErrScene, s.Interp)
		}
	}
	if err := s.Overlay.check(); err != nil {
		return err
	}
	if len(s.Contours) > MaxContours {
		return fmt.Errorf("%w: %d contours; hide some, at most %d are drawn", ErrScene, len(s.Contours), MaxContours)
	}
	for i := range s.Contours {
		if err := s.Contours[i].check(); err != nil {
			return fmt.Errorf("%w (contour %d)", err, i+1)
		}
	}
	return nil
}

func (p Plane) check() error {
	const tolerance = 1e-6
	unit := func(v geom.Vec3) bool { return math.Abs(v.Norm()-1) < tolerance }
	if !p.Centre.Finite() || !unit(p.Right) || !unit(p.Down) || !(math.Abs(p.Right.Dot(p.Down)) < tolerance) {
		return fmt.Errorf("%w: the plane at %v with axes %v and %v; the centre must be finite and the axes perpendicular unit vectors",
			ErrScene, p.Centre, p.Right, p.Down)
	}
	if !(p.PixelMM > 0) || !finite(p.PixelMM) {
		return fmt.Errorf("%w: a pixel of %g mm; it must be positive", ErrScene, p.PixelMM)
	}
	return nil
}

func (o *Overlay) check() error {
	switch {
	case o == nil:
		return nil
	case o.Volume == nil:
		return fmt.Errorf("%w: the overlay has no volume", ErrScene)
	case !finite(o.Low, o.High, o.Opacity):
		return fmt.Errorf("%w: overlay range %g…%g, opacity %g; all must be finite", ErrScene, o.Low, o.High, o.Opacity)
	}
	if _, ok := colorTables[o.Map]; !ok {
		return fmt.Errorf("%w: colour map %q is unknown; choose viridis, magma or inferno", ErrScene, o.Map)
	}
	return nil
}

func (c *Contour) check() error {
	if c.Field == nil {
		return fmt.Errorf("%w: it has no field", ErrScene)
	}
	if !finite(c.Level, c.Width, c.Dash, c.Fill) {
		return fmt.Errorf("%w: level %g, width %g, dash %g, fill %g; all must be finite", ErrScene, c.Level, c.Width, c.Dash, c.Fill)
	}
	return nil
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// clampUnit bounds v to 0…1.
func clampUnit(v float32) float32 { return min(max(v, 0), 1) }
