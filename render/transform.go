package render

import (
	"math"

	"bayeslice/internal/geom"
)

// transform takes pixel centres to continuous voxel coordinates: origin + x·dx + y·dy.
type transform struct{ origin, dx, dy geom.Vec3 }

// snapVoxels is how far, in voxels, an axis may wander over the whole picture and still count as
// constant, and how far a constant coordinate may be from a voxel centre and still be put there.
// Pictures of acquired slices then show stored values exactly, whatever the rounding of the header.
const snapVoxels = 1e-3

// newTransform returns the transform of a w×h picture of plane into grid.
func newTransform(grid geom.Grid, plane Plane, w, h int) transform {
	origin := grid.Voxel(plane.World(0, 0, w, h))
	t := transform{
		origin: origin,
		dx:     grid.Voxel(plane.World(1, 0, w, h)).Sub(origin),
		dy:     grid.Voxel(plane.World(0, 1, w, h)).Sub(origin),
	}
	for a := range 3 {
		if math.Abs(t.dx[a])*float64(w)+math.Abs(t.dy[a])*float64(h) > snapVoxels {
			continue
		}
		t.origin[a] += t.dx[a]*float64(w-1)/2 + t.dy[a]*float64(h-1)/2
		t.dx[a], t.dy[a] = 0, 0
		if near := math.Round(t.origin[a]); math.Abs(t.origin[a]-near) < snapVoxels {
			t.origin[a] = near
		}
	}
	return t
}

// shifted returns the transform of the part of the picture that starts at pixel (x, y).
func (t transform) shifted(x, y float64) transform {
	t.origin = t.origin.Add(t.dx.Scale(x)).Add(t.dy.Scale(y))
	return t
}

// flatAxis returns an axis along which every pixel lies on the same voxel centre, or −1.
func (t transform) flatAxis() int {
	for a := 2; a >= 0; a-- {
		if t.dx[a] == 0 && t.dy[a] == 0 && t.origin[a] == math.Trunc(t.origin[a]) {
			return a
		}
	}
	return -1
}

// dashOrigin returns the phase, in pixels within a period of 2·dash, of a dash pattern anchored at the
// pixel of the world origin, along x and along y.
func dashOrigin(plane Plane, w, h int, dash float64) (x, y float64) {
	x, y = plane.Pixel(geom.Vec3{}, w, h)
	return math.Mod(x, 2*dash), math.Mod(y, 2*dash)
}
