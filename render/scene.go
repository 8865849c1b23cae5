// Package render draws one slice plane of an exam with its overlays, offscreen: with OpenGL 3.3 where
// there is a context, and with a pure-Go renderer that is its oracle and its fallback. It knows
// nothing of windows or toolkits.
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
// and screen down (unit, LPS) and the size of a device pixel in mm.
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
// Level − Width/2, white at Level + Width/2.
type Window struct{ Level, Width float64 }

// ColorMap names one of the perceptually uniform maps in this package.
type ColorMap string

// Colour maps.
const (
	Viridis ColorMap = "viridis"
	Magma   ColorMap = "magma"
	Inferno ColorMap = "inferno"
)

// Overlay is a scalar map drawn over the grey image at constant opacity; values under Low are not drawn.
type Overlay struct {
	Volume    *volume.Volume
	Map       ColorMap
	Low, High float64 // value range of the colour map, in the volume's unit
	Opacity   float64 // 0…1
}

// Contour is the line where a scalar field crosses Level on the plane.
type Contour struct {
	Field *volume.Volume
	Level float64
	Color color.NRGBA
	Width float64 // device pixels
	Dash  float64 // device pixels of line and of gap; 0 draws a solid line
	Fill  float64 // opacity 0…1 of the area above Level
}

// Scene is everything in one picture. Volumes are sampled at world positions, so each may have its own grid.
type Scene struct {
	Plane    Plane
	Base     *volume.Volume // may be nil: black
	Window   Window
	Interp   volume.Interp // Nearest or Linear for the base image in the plane
	Overlay  *Overlay
	Contours []Contour
}

// Renderer draws scenes. Implementations may be called from any goroutine, one call at a time;
// the returned image belongs to the caller. After Close, Render returns [ErrClosed].
type Renderer interface {
	Render(ctx context.Context, scene Scene, w, h int) (*image.RGBA, error)
	// Name says what draws, e.g. "OpenGL 3.3 (llvmpipe)" or "CPU".
	Name() string
	Close() error
}

// ErrClosed is returned by a renderer that was closed.
var ErrClosed = errors.New("render: renderer is closed")
