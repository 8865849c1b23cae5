// Package geom holds the geometry every other package agrees on: vectors, sampling grids and
// viewing planes. World coordinates are DICOM LPS (x grows to the patient's left, y to the
// posterior, z to the head) in millimetres, and refer to voxel centres. Voxel coordinates are
// (i, j, k): column, row, slice. The package knows no image data and no file format.
package geom

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// ErrGrid marks a grid whose numbers do not describe a usable lattice (see [NewGrid]).
var ErrGrid = errors.New("geom: unusable image grid")

// MaxVoxels bounds the number of voxels of a grid, so that a damaged header cannot ask for
// more memory than any exam needs (2^31 voxels).
const MaxVoxels = 1 << 31

// Grid is a regular lattice of voxel centres in space. It is a value: copy it freely, and make
// it with [NewGrid] so that it is valid. World(i,j,k) = Origin + Σ_a index_a · Spacing_a · Dir_a.
type Grid struct {
	Size    [3]int  // number of voxels along i (columns), j (rows), k (slices)
	Origin  Vec3    // world position, LPS mm, of the centre of voxel (0, 0, 0)
	Spacing Vec3    // mm between neighbouring centres along i, j, k
	Dir     [3]Vec3 // unit LPS direction of the i, j and k axis; orthogonal, of either handedness
}

// NewGrid checks and returns a grid. Directions are brought to length one. It fails with
// [ErrGrid] where a size is not positive, the voxel count exceeds [MaxVoxels], a spacing is not
// positive and finite, or the axes are further than 0.1 % from orthogonal.
func NewGrid(size [3]int, origin, spacing Vec3, dir [3]Vec3) (Grid, error) {
	n := int64(1)
	for a, s := range size {
		if s <= 0 {
			return Grid{}, fmt.Errorf("%w: size along axis %d is %d", ErrGrid, a, s)
		}
		if int64(s) > MaxVoxels || n*int64(s) > MaxVoxels {
			return Grid{}, fmt.Errorf("%w: %v voxels are more than this program reads", ErrGrid, size)
		}
		n *= int64(s)
		if !(spacing[a] > 0) || math.IsInf(spacing[a], 0) {
			return Grid{}, fmt.Errorf("%w: spacing along axis %d is %g mm", ErrGrid, a, spacing[a])
		}
	}
	if !origin.Finite() {
		return Grid{}, fmt.Errorf("%w: origin %v is not finite", ErrGrid, origin)
	}
	const tolerance = 1e-3
	for a := range dir {
		l := dir[a].Norm()
		if !dir[a].Finite() || l < 1e-6 {
			return Grid{}, fmt.Errorf("%w: direction of axis %d is %v", ErrGrid, a, dir[a])
		}
		dir[a] = dir[a].Scale(1 / l)
	}
	for a := range 3 {
		for b := range a {
			if math.Abs(dir[a].Dot(dir[b])) > tolerance {
				return Grid{}, fmt.Errorf("%w: axes %d and %d are not orthogonal (cosine %.4f)", ErrGrid, b, a, dir[a].Dot(dir[b]))
			}
		}
	}
	return Grid{Size: size, Origin: origin, Spacing: spacing, Dir: dir}, nil
}

// Voxels returns the number of voxels.
func (g Grid) Voxels() int { return g.Size[0] * g.Size[1] * g.Size[2] }

// VoxelVolume returns the volume of one voxel in mm³.
func (g Grid) VoxelVolume() float64 { return g.Spacing[0] * g.Spacing[1] * g.Spacing[2] }

// Index returns the offset of voxel (i, j, k) in a dense array in which i runs fastest.
func (g Grid) Index(i, j, k int) int { return i + g.Size[0]*(j+g.Size[1]*k) }

// Contains reports whether the integer voxel lies on the grid.
func (g Grid) Contains(i, j, k int) bool {
	return i >= 0 && j >= 0 && k >= 0 && i < g.Size[0] && j < g.Size[1] && k < g.Size[2]
}

// World returns the LPS position, in mm, of a continuous voxel coordinate.
func (g Grid) World(voxel Vec3) Vec3 {
	w := g.Origin
	for a := range 3 {
		w = w.Add(g.Dir[a].Scale(voxel[a] * g.Spacing[a]))
	}
	return w
}

// Voxel is the inverse of [Grid.World]. It is exact also where the axes are orthogonal only
// within the tolerance of [NewGrid], since it solves the 3×3 system.
func (g Grid) Voxel(world Vec3) Vec3 {
	d := world.Sub(g.Origin)
	c12, c20, c01 := g.Dir[1].Cross(g.Dir[2]), g.Dir[2].Cross(g.Dir[0]), g.Dir[0].Cross(g.Dir[1])
	det := g.Dir[0].Dot(c12)
	return Vec3{d.Dot(c12) / det / g.Spacing[0], d.Dot(c20) / det / g.Spacing[1], d.Dot(c01) / det / g.Spacing[2]}
}

// Normal returns the unit slice normal Dir_i × Dir_j. It is the axis along which slices are
// sorted, spaced and linked; k may run along it or against it.
func (g Grid) Normal() Vec3 { return g.Dir[0].Cross(g.Dir[1]).Unit() }

// Centre returns the world position, LPS mm, of the middle of the grid.
func (g Grid) Centre() Vec3 {
	return g.World(Vec3{float64(g.Size[0]-1) / 2, float64(g.Size[1]-1) / 2, float64(g.Size[2]-1) / 2})
}

// SameAs reports whether both grids have equal sizes and all eight corner voxel centres within tolMM.
func (g Grid) SameAs(o Grid, tolMM float64) bool {
	if g.Size != o.Size {
		return false
	}
	for c := range 8 {
		var v Vec3
		for a := range 3 {
			if c>>a&1 == 1 {
				v[a] = float64(g.Size[a] - 1)
			}
		}
		if g.World(v).Sub(o.World(v)).Norm() > tolMM {
			return false
		}
	}
	return true
}

// Affine returns the 3×4 matrix that takes (i, j, k, 1) to world LPS mm, row by row.
func (g Grid) Affine() [3][4]float64 {
	var m [3][4]float64
	for r := range 3 {
		for a := range 3 {
			m[r][a] = g.Dir[a][r] * g.Spacing[a]
		}
		m[r][3] = g.Origin[r]
	}
	return m
}

// GridFromAffine is the inverse of [Grid.Affine]; it fails as [NewGrid] does (sheared matrices included).
func GridFromAffine(size [3]int, m [3][4]float64) (Grid, error) {
	var spacing Vec3
	var dir [3]Vec3
	for a := range 3 {
		v := Vec3{m[0][a], m[1][a], m[2][a]}
		spacing[a] = v.Norm()
		dir[a] = v.Unit()
	}
	return NewGrid(size, Vec3{m[0][3], m[1][3], m[2][3]}, spacing, dir)
}

// OrientationLetters returns the patient-side letters towards which a direction points, the
// dominant side first ("L", "PH", …); parts under about 10° from perpendicular are left out.
// R/L, A/P and F/H as in DICOM PS3.3 C.7.6.1.1.1.
func OrientationLetters(direction Vec3) string {
	d := direction.Unit()
	letters := [3][2]byte{{'R', 'L'}, {'A', 'P'}, {'F', 'H'}}
	var out strings.Builder
	for range 3 {
		best := 0
		for a := range 3 {
			if math.Abs(d[a]) > math.Abs(d[best]) {
				best = a
			}
		}
		if math.Abs(d[best]) < 0.17 {
			break
		}
		side := 0
		if d[best] > 0 {
			side = 1
		}
		out.WriteByte(letters[best][side])
		d[best] = 0
	}
	return out.String()
}

// TiltDegrees returns the angle between the slice normal and the patient's head-foot axis, 0…90°.
func (g Grid) TiltDegrees() float64 {
	return math.Acos(math.Min(1, math.Abs(g.Normal()[2]))) * 180 / math.Pi
}

// Anatomical returns the same lattice of voxel centres with its axes permuted and reversed so that i
// runs to the patient's left, j to the back and k to the head, each as nearly as the axes allow. Two files
// that store one image in different axis orders have the same anatomical grid.
func (g Grid) Anatomical() Grid {
	orders := [...][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	best, most := orders[0], -1.0
	for _, order := range orders {
		along := 0.0
		for world, axis := range order {
			along += math.Abs(g.Dir[axis][world])
		}
		if along > most+1e-9 { // ties keep the stored order
			best, most = order, along
		}
	}
	out := Grid{Origin: g.Origin}
	for world, axis := range best {
		out.Size[world], out.Spacing[world], out.Dir[world] = g.Size[axis], g.Spacing[axis], g.Dir[axis]
		if g.Dir[axis][world] < 0 {
			out.Dir[world] = g.Dir[axis].Scale(-1)
			out.Origin = out.Origin.Add(g.Dir[axis].Scale(float64(g.Size[axis]-1) * g.Spacing[axis]))
		}
	}
	return out
}
