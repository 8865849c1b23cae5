package synth

import (
	"math"
	"math/rand/v2"

	"bayeslice/internal/geom"
	"bayeslice/internal/prep"
)

// stack is a series of slices parallel to those of the model's grid, with the grid's pixels in plane.
type stack struct {
	columns, rows, slices int
	pixel                 [2]float64 // mm
	spacing, thick        float64    // mm
	middle                float64    // mm by which the middle of the stack lies above the grid's
	limit                 [2]float64 // half of the field of view along x and y, mm
	shift                 [2]float64 // of its middle, mm
}

// drawStack draws a T2-weighted stack: mostly 3 mm, else 2.5–4.5 mm, of so many slices that it covers
// 34–92 mm, rounded down to whole slices; sometimes a small field of view.
func drawStack(r *rand.Rand, recipe *prep.Recipe) stack {
	s := stack{columns: recipe.Size[0], rows: recipe.Size[1], pixel: [2]float64{recipe.SpacingMM[0], recipe.SpacingMM[1]}, spacing: 3}
	if chance(r, 0.5) {
		s.spacing = uniform(r, 2.5, 4.5)
	}
	s.slices = int(clamp(uniform(r, 34, 92)/s.spacing, 10, 30))
	if s.spacing == recipe.SpacingMM[2] && (s.slices-recipe.Size[2])%2 != 0 {
		s.middle = s.spacing / 2 // the grid moves so that slices coincide
	}
	s.thick = s.spacing * uniform(r, 0.75, 1)
	s.limit = [2]float64{1000, 1000}
	if chance(r, 0.2) {
		for a := range 2 {
			s.limit[a] = uniform(r, 0.3, 0.55) * float64(recipe.Size[a]) * recipe.SpacingMM[a]
			s.shift[a] = around(r, 0, 4)
		}
	}
	return s
}

// at returns the image position of a pixel of slice k; k may have a fraction.
func (s *stack) at(i, j int, k float64) geom.Vec3 {
	return geom.Vec3{
		(float64(i) - float64(s.columns-1)/2) * s.pixel[0],
		(float64(j) - float64(s.rows-1)/2) * s.pixel[1],
		s.middle + (k-float64(s.slices-1)/2)*s.spacing,
	}
}

// slice returns the slice number, with a fraction, at a height.
func (s *stack) slice(z float64) float64 { return (z-s.middle)/s.spacing + float64(s.slices-1)/2 }

// covers reports whether the image has data at a position.
func (s *stack) covers(x, y, z float64) bool {
	k := s.slice(z)
	return k >= -0.5 && k <= float64(s.slices)-0.5 && math.Abs(x-s.shift[0]) <= s.limit[0] && math.Abs(y-s.shift[1]) <= s.limit[1]
}

// needed returns the slices that influence the model's grid, first and one past the last.
func (s *stack) needed(recipe *prep.Recipe) (from, to int) {
	half := float64(recipe.Size[2]-1) / 2 * recipe.SpacingMM[2]
	return max(0, int(math.Floor(s.slice(-half)))-1), min(s.slices, int(math.Ceil(s.slice(half)))+2)
}

// catmullRom returns the weights of the slices before, at, after and two after a position t beyond the second.
func catmullRom(t float64) [4]float32 {
	t2, t3 := t*t, t*t*t
	return [4]float32{
		float32((-t3 + 2*t2 - t) / 2), float32((3*t3 - 5*t2 + 2) / 2),
		float32((-3*t3 + 4*t2 + t) / 2), float32((t3 - t2) / 2),
	}
}
