// Package volume holds images and label masks on a [geom.Grid], and what can be done with them
// without knowing where they came from: sampling, resampling, connected components, bounding boxes.
// Voxels are stored with i (columns) fastest, then j (rows), then k (slices).
package volume

import (
	"errors"
	"fmt"

	"bayeslice/internal/geom"
)

// ErrGeometry marks data whose length or grid does not fit; it is never padded or cropped silently.
var ErrGeometry = errors.New("volume: geometry does not match")

// Volume is a scalar image. It is read-only after [New] and may be shared between goroutines.
type Volume struct {
	grid geom.Grid
	data []float32
	unit string
}

// New wraps data (retained, not copied) as an image on grid. unit is what a value means for the
// reader: "10⁻⁶ mm²/s", "nats", "probability", or "" for arbitrary MR intensity.
// It fails with [ErrGeometry] where the length differs from the grid's voxel count.
func New(grid geom.Grid, data []float32, unit string) (*Volume, error) {
	if len(data) != grid.Voxels() {
		return nil, fmt.Errorf("%w: %d values for a grid of %v", ErrGeometry, len(data), grid.Size)
	}
	return &Volume{grid: grid, data: data, unit: unit}, nil
}

// NewFrames wraps frames that share a grid, each as [New] does with values of no unit, in their order. It fails as [New].
func NewFrames(grid geom.Grid, frames [][]float32) ([]*Volume, error) {
	out := make([]*Volume, len(frames))
	for i, data := range frames {
		v, err := New(grid, data, "")
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// MovedBy returns the image displaced by mm (world LPS). The voxels are shared; a displacement that is not finite
// is taken as none.
func (v *Volume) MovedBy(mm geom.Vec3) *Volume {
	moved := *v
	if mm.Finite() {
		moved.grid.Origin = v.grid.Origin.Add(mm)
	}
	return &moved
}

// Grid returns the lattice.
func (v *Volume) Grid() geom.Grid { return v.grid }

// Unit returns the unit given to [New].
func (v *Volume) Unit() string { return v.unit }

// Data returns the voxels, i fastest. Read only.
func (v *Volume) Data() []float32 { return v.data }

// At returns the value of voxel (i, j, k), which must lie on the grid.
func (v *Volume) At(i, j, k int) float32 { return v.data[v.grid.Index(i, j, k)] }

// Slice returns the voxels of slice k. Read only.
func (v *Volume) Slice(k int) []float32 {
	n := v.grid.Size[0] * v.grid.Size[1]
	return v.data[k*n : (k+1)*n]
}

// Mask is a label image: 0 is background. It is a type of its own so that labels are never
// interpolated linearly. It is read-only after [NewMask] and may be shared between goroutines.
type Mask struct {
	grid geom.Grid
	data []uint8
}

// NewMask wraps labels (retained, not copied). It fails with [ErrGeometry] where the length differs from the grid's voxel count.
func NewMask(grid geom.Grid, data []uint8) (*Mask, error) {
	if len(data) != grid.Voxels() {
		return nil, fmt.Errorf("%w: %d labels for a grid of %v", ErrGeometry, len(data), grid.Size)
	}
	return &Mask{grid: grid, data: data}, nil
}

// Grid returns the lattice.
func (m *Mask) Grid() geom.Grid { return m.grid }

// Data returns the labels, i fastest. Read only.
func (m *Mask) Data() []uint8 { return m.data }

// At returns the label of voxel (i, j, k), which must lie on the grid.
func (m *Mask) At(i, j, k int) uint8 { return m.data[m.grid.Index(i, j, k)] }

// Interp is a way to read a volume between voxel centres.
type Interp uint8

// Interpolations. Spline is the interpolating cubic B-spline (Unser 1999) with mirrored ends,
// as scipy.ndimage's order 3, mode "mirror".
const (
	Nearest Interp = iota
	Linear
	Spline
)
