package viewstate

import (
	"math"

	"bayeslice/internal/geom"
	"bayeslice/render"
)

// Zoom limits: the shorter side of a viewport shows at least MinFieldMM and at most MaxFieldMM.
const (
	MinFieldMM = 10
	MaxFieldMM = 1500
)

// Camera is what part of its slice a viewport shows.
type Camera struct {
	Centre  geom.Vec3 // world LPS mm; projected on the slice, it is the middle of the viewport
	FieldMM float64   // mm across the shorter side of the viewport
}

// Size is the size of a viewport in device pixels.
type Size struct{ W, H int }

// shorter returns the shorter side, at least one pixel.
func (z Size) shorter() float64 { return float64(max(1, min(z.W, z.H))) }

// fitCamera shows the whole of a stack's slices.
func fitCamera(g geom.Grid, z Size) Camera {
	right, down := screenAxes(g)
	extent := func(axis geom.Vec3) float64 {
		mm := 0.0
		for a := range 2 {
			mm += math.Abs(g.Dir[a].Dot(axis)) * g.Spacing[a] * float64(g.Size[a])
		}
		return mm
	}
	w, h := float64(max(1, z.W)), float64(max(1, z.H))
	pixelMM := math.Max(extent(right)/w, extent(down)/h)
	return Camera{Centre: g.Centre(), FieldMM: clamp(pixelMM*z.shorter(), MinFieldMM, MaxFieldMM)}
}

// plane returns what a viewport of z device pixels shows: the slice of g nearest to the cursor.
func (c Camera) plane(g geom.Grid, cursor geom.Vec3, z Size) render.Plane {
	right, down := screenAxes(g)
	k := SliceAt(g, cursor).Index
	return render.Plane{
		Centre:  onSlice(g, c.Centre, k),
		Right:   right,
		Down:    down,
		PixelMM: c.FieldMM / z.shorter(),
	}
}

// zoomed returns the camera with its field divided by factor while the world point at stays where it is.
func (c Camera) zoomed(factor float64, at geom.Vec3) Camera {
	field := clamp(c.FieldMM/factor, MinFieldMM, MaxFieldMM)
	keep := field / c.FieldMM
	return Camera{Centre: at.Add(c.Centre.Sub(at).Scale(keep)), FieldMM: field}
}
