// Package render draws one slice plane of an exam with its overlays, offscreen: with OpenGL 3.3 where
// there is a context, and with a pure-Go renderer that is its oracle and its fallback. It knows
// nothing of windows or toolkits.
//
// Pixels are device pixels, the first row is the top one. Both renderers do the same arithmetic in
// float32: every volume is sampled at the world positions of the pixel centres (a value is missing
// outside the outer faces of the voxels and where voxels are not finite), grey levels are windowed,
// the overlay and then the contours are blended in order, and the result is rounded to 8 bits once.
package render

import (
	"context"
	"errors"
	"image"
	"image/color"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Plane is what a viewport shows: the world point in its middle, the world directions of screen right
// and screen down (unit, perpendicular, LPS) and the size of a device pixel in mm.
type Plane struct {
	Centre      geom.Vec3
	Right, Down geom.Vec3
	PixelMM     float64
}

// World returns the LPS position, mm, of the device pixel centre (x, y) in an image of w×h pixels.
func (p Plane) World(x, y float64, w, h int) geom.Vec3 {
	dx, dy := (x+0.5-float64(w)/2)*p.PixelMM, (y+0.5-float64(h)/2)*p.PixelMM
	return p.Centre.Add(p.Right.Scale(dx)).Add(p.Down.Scale(dy))
}

// Pixel is the inverse of [Plane.World] for a point projected on the plane along its normal.
func (p Plane) Pixel(world geom.Vec3, w, h int) (x, y float64) {
	d := world.Sub(p.Centre)
	return d.Dot(p.Right)/p.PixelMM + float64(w)/2 - 0.5, d.Dot(p.Down)/p.PixelMM + float64(h)/2 - 0.5
}

// Window maps intensities to grey as DICOM PS3.3 C.11.2.1.3.2 (linear exact): black at
// Level − Width/2, white at Level + Width/2. Width must be positive.
type Window struct{ Level, Width float64 }

// ColorMap names one of the perceptually uniform maps in this package.
type ColorMap string

// Colour maps.
const (
	Viridis ColorMap = "viridis"
	Magma   ColorMap = "magma"
	Inferno ColorMap = "inferno"
)

// Overlay is a scalar map drawn over the grey image at constant opacity; values under Low are not
// drawn, values over High take the top colour. Where High is not above Low there is nothing to tell
// apart and every drawn value takes the bottom colour. The volume is read by linear interpolation.
type Overlay struct {
	Volume    *volume.Volume
	Map       ColorMap
	Low, High float64 // value range of the colour map, in the volume's unit
	Opacity   float64 // 0…1
}

// Contour is the line where a scalar field crosses Level on the plane. The field is read by linear
// interpolation at the pixel centres; the signed distance of a pixel to the line is
//
//	d = (f − Level) / |∇f|,  ∇f = ((f(x+1,y) − f(x−1,y))/2, (f(x,y+1) − f(x,y−1))/2)  per pixel,
//
// and the line covers clamp(d+Width/2+½) − clamp(d−Width/2+½) of it, the area above clamp(d+½), with
// clamp to 0…1. Differences are one-sided next to missing values; a line is not closed along the
// border of its field. Nothing is drawn further than a voxel and the line's width away from the
// rectangle that holds the voxels of at least Level, which is where a line can be. Dashes run along the screen axis nearest to the line's own direction (a dash
// is thus up to √2 longer on diagonals) and are anchored to the world origin, so that they stay
// where they are while the picture is panned.
type Contour struct {
	Field *volume.Volume
	Level float64
	Color color.NRGBA
	Width float64 // device pixels; 0 draws no line
	Dash  float64 // device pixels of line and of gap; 0 draws a solid line
	Fill  float64 // opacity 0…1 of the area above Level
}

// Scene is everything in one picture. Volumes are sampled at world positions, so each may have its own grid.
type Scene struct {
	Plane    Plane
	Base     *volume.Volume // may be nil: black
	Window   Window
	Interp   volume.Interp // Nearest or Linear for the base image in the plane
	Overlay  *Overlay      // may be nil
	Contours []Contour     // drawn in order, at most [MaxContours]
}

// Renderer draws scenes. Implementations may be called from any goroutine; those of this package
// also take concurrent calls (the OpenGL one draws them one after the other). The returned image is
// w×h device pixels, opaque, and belongs to the caller. A cancelled ctx ends the call with its
// error. After Close, Render returns [ErrClosed]; Close waits for calls in flight and may be repeated.
type Renderer interface {
	Render(ctx context.Context, scene Scene, w, h int) (*image.RGBA, error)
	// Name says what draws, e.g. "OpenGL 3.3 (llvmpipe)" or "CPU".
	Name() string
	Close() error
}

// ErrClosed is returned by a renderer that was closed.
var ErrClosed = errors.New("render: renderer is closed")
