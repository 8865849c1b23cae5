package viewstate

import (
	"fmt"
	"math"

	"bayeslice/internal/geom"
	"bayeslice/render"
)

// Slice is where a world point falls in a stack of slices.
type Slice struct {
	Index    int     // nearest slice k of the stack, always on it
	OffsetMM float64 // distance of the point from that slice along the slice normal, signed along +k
	Inside   bool    // the point lies within half a slice spacing of the stack
}

// SliceAt projects a world point (LPS mm) on the slice normal of a grid and returns the nearest slice.
// In-plane position is ignored, so it links series whose fields of view differ.
func SliceAt(g geom.Grid, world geom.Vec3) Slice {
	k := g.Voxel(world)[2]
	index := int(math.Round(clamp(k, 0, float64(g.Size[2]-1))))
	return Slice{
		Index:    index,
		OffsetMM: (k - float64(index)) * g.Spacing[2],
		Inside:   k >= -0.5 && k <= float64(g.Size[2])-0.5,
	}
}

// onSlice moves a world point along the slice axis of g on to slice k.
func onSlice(g geom.Grid, world geom.Vec3, k int) geom.Vec3 {
	v := g.Voxel(world)
	v[2] = float64(k)
	return g.World(v)
}

// headward returns +1 where growing k runs along the positive patient axis nearest to the slice axis
// (head for axial stacks, left for sagittal, posterior for coronal), else −1.
func headward(g geom.Grid) int {
	if g.Dir[2][dominant(g.Dir[2])] < 0 {
		return -1
	}
	return 1
}

// dominant returns the index of the largest component by magnitude.
func dominant(v geom.Vec3) int {
	best := 0
	for a := range v {
		if math.Abs(v[a]) > math.Abs(v[best]) {
			best = a
		}
	}
	return best
}

// positionLetters name the positive LPS axes as radiologists write them.
var positionLetters = [3]string{"L", "P", "S"}

// SlicePosition returns the position of slice k along the slice normal, e.g. "S +8.4 mm": the
// distance of the slice plane from the patient origin, positive towards the named side. For a tilted stack it is no
// coordinate of the patient, and the letter is left out: "+8.4 mm".
func SlicePosition(g geom.Grid, k int) string {
	mm := render.SlicePositionMM(g, float64(k))
	if math.Abs(mm) < 0.05 {
		mm = 0
	}
	if tilt(g) >= notableTilt {
		return signed(mm) + " mm"
	}
	return fmt.Sprintf("%s %s mm", positionLetters[dominant(g.Normal())], signed(mm))
}

// PositionText returns a world point as patient coordinates, e.g. "R 3.1  P 12.0  S 8.4 mm".
func PositionText(world geom.Vec3) string {
	letters := [3][2]string{{"R", "L"}, {"A", "P"}, {"I", "S"}}
	text := ""
	for a, c := range world {
		side := 0
		if c >= 0 {
			side = 1
		}
		text += fmt.Sprintf("%s %.1f  ", letters[a][side], math.Abs(c))
	}
	return text[:len(text)-2] + " mm"
}

// signed formats with one decimal, a plus sign and a true minus sign.
func signed(v float64) string {
	if v < 0 {
		return fmt.Sprintf("−%.1f", -v)
	}
	return fmt.Sprintf("+%.1f", v)
}

// screenAxes returns the unit world directions of screen right and screen down for a stack.
func screenAxes(g geom.Grid) (right, down geom.Vec3) {
	p := render.PlaneFor(g, 0, 1, 1, render.Camera{})
	return p.Right, p.Down
}

func clamp(v, lo, hi float64) float64 { return math.Max(lo, math.Min(hi, v)) }
