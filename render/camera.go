package render

import (
	"fmt"
	"math"

	"bayeslice/internal/geom"
)

// Camera is how a viewport looks at a slice. The zero value fits the slice into the viewport.
type Camera struct {
	Zoom  float64    // 1 (and anything not positive or not finite) fits the slice; 2 doubles it
	PanMM [2]float64 // by how much the picture is moved right and down
}

// PlaneFor returns the plane of slice k (which may lie between slices) as it was acquired, in the
// radiological convention, for a viewport of w×h device pixels.
func PlaneFor(grid geom.Grid, k float64, w, h int, camera Camera) Plane {
	return PlaneAlong(grid, 2, k, w, h, camera)
}

// PlaneAlong returns the plane of constant voxel coordinate index along a grid axis (0 i, 1 j, 2 k):
// axis 2 gives the acquired slices, the others reformats at right angles to them. The picture uses the
// grid's own axes, flipped and swapped so that, whichever is nearest to the plane's normal,
//
//	axial     screen right is the patient's left,      screen down posterior;
//	sagittal  screen right is the patient's posterior, screen down the feet;
//	coronal   screen right is the patient's left,      screen down the feet.
func PlaneAlong(grid geom.Grid, axis int, index float64, w, h int, camera Camera) Plane {
	a, b := (axis+1)%3, (axis+2)%3
	right, down := screenAxes(grid.Dir[axis])
	if math.Abs(grid.Dir[a].Dot(right))+math.Abs(grid.Dir[b].Dot(down)) <
		math.Abs(grid.Dir[b].Dot(right))+math.Abs(grid.Dir[a].Dot(down)) {
		a, b = b, a
	}
	p := Plane{Right: towards(grid.Dir[a], right).Unit()}
	d := towards(grid.Dir[b], down)
	p.Down = d.Sub(p.Right.Scale(d.Dot(p.Right))).Unit()

	zoom := camera.Zoom
	if !(zoom > 0) || math.IsInf(zoom, 0) {
		zoom = 1
	}
	width, height := float64(grid.Size[a])*grid.Spacing[a], float64(grid.Size[b])*grid.Spacing[b]
	p.PixelMM = max(width/float64(max(w, 1)), height/float64(max(h, 1))) / zoom

	voxel := geom.Vec3{float64(grid.Size[0]-1) / 2, float64(grid.Size[1]-1) / 2, float64(grid.Size[2]-1) / 2}
	voxel[axis] = index
	p.Centre = grid.World(voxel).Sub(p.Right.Scale(camera.PanMM[0])).Sub(p.Down.Scale(camera.PanMM[1]))
	return p
}

// screenAxes returns the patient directions that screen right and down should be nearest to, by the plane's normal.
func screenAxes(normal geom.Vec3) (right, down geom.Vec3) {
	left, posterior, feet := geom.Vec3{1, 0, 0}, geom.Vec3{0, 1, 0}, geom.Vec3{0, 0, -1}
	switch dominant(normal) {
	case 0:
		return posterior, feet
	case 1:
		return left, feet
	}
	return left, posterior
}

// dominant returns the component with the largest magnitude, the later one of equals.
func dominant(v geom.Vec3) int {
	best := 2
	for a := 1; a >= 0; a-- {
		if math.Abs(v[a]) > math.Abs(v[best]) {
			best = a
		}
	}
	return best
}

// towards returns v or −v, whichever points towards target.
func towards(v, target geom.Vec3) geom.Vec3 {
	if v.Dot(target) < 0 {
		return v.Scale(-1)
	}
	return v
}

// Edges are the patient-side letters at the four edges of a picture, as [geom.OrientationLetters] gives them.
type Edges struct{ Left, Right, Top, Bottom string }

// EdgeLetters returns the letters for a plane.
func EdgeLetters(p Plane) Edges {
	return Edges{
		Left: geom.OrientationLetters(p.Right.Scale(-1)), Right: geom.OrientationLetters(p.Right),
		Top: geom.OrientationLetters(p.Down.Scale(-1)), Bottom: geom.OrientationLetters(p.Down),
	}
}

// NearestSlice returns the slice whose plane is nearest to a world point, LPS mm, measured along the
// slice normal; points beyond the stack, or not finite, give its nearest end.
func NearestSlice(grid geom.Grid, world geom.Vec3) int {
	k := math.Round(grid.Voxel(world)[2])
	if !(k > 0) {
		return 0
	}
	return int(min(k, float64(grid.Size[2]-1)))
}

// SlicePositionMM returns the signed distance of slice k from the origin of the patient coordinate
// system along the slice normal, which is taken towards the head (sagittal stacks: left, coronal:
// posterior). Series of one frame of reference with parallel slices share the scale.
func SlicePositionMM(grid geom.Grid, k float64) float64 {
	return grid.World(geom.Vec3{0, 0, k}).Dot(positiveNormal(grid))
}

// SliceLabel is [SlicePositionMM] in words, with the letter of the side it lies on: "H 8.4 mm".
func SliceLabel(grid geom.Grid, k float64) string {
	n, mm := positiveNormal(grid), SlicePositionMM(grid, k)
	if mm < 0 {
		n = n.Scale(-1)
	}
	return fmt.Sprintf("%.1s %.1f mm", geom.OrientationLetters(n), math.Abs(mm))
}

// positiveNormal is the slice normal with its largest component positive.
func positiveNormal(grid geom.Grid) geom.Vec3 {
	n := grid.Normal()
	if n[dominant(n)] < 0 {
		return n.Scale(-1)
	}
	return n
}
