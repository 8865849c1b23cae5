package nifti

import (
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
)

// millimetres gives the length unit of xyzt_units in mm; 0 means that the header does not say,
// which is taken as mm as all software does.
var millimetres = map[int]float64{0: 1, 1: 1000, 2: 1, 3: 0.001}

// grid returns the lattice: by the sform where its code is set, else by the qform, else from the
// voxel sizes alone with a warning. A sform that no orthogonal lattice fits gives way to a valid qform.
func (h *header) grid(size [3]int, info *codec.Info) (geom.Grid, error) {
	mm, ok := millimetres[h.units&7]
	if !ok {
		info.Warn("The header's length unit %d is unknown; millimetres are assumed.", h.units&7)
		mm = 1
	}
	var sErr, qErr error
	var s, q geom.Grid
	var notes codec.Info // of the qform, which matter where it is used
	if h.sform > 0 {
		s, sErr = h.sformGrid(size, mm)
	}
	if h.qform > 0 {
		q, qErr = h.qformGrid(size, mm, &notes)
	}
	switch {
	case h.sform > 0 && sErr == nil:
		if h.qform > 0 && qErr == nil && !s.SameAs(q, 1) {
			info.Warn("The header's two orientations (sform and qform) differ by more than 1 mm; the sform is used.")
		}
		return s, nil
	case h.qform > 0 && qErr == nil:
		if sErr != nil {
			info.Warn("The header's sform does not describe an orthogonal lattice; the qform is used.")
		}
		info.Warnings = append(info.Warnings, notes.Warnings...)
		return q, nil
	case h.sform > 0 || h.qform > 0:
		return geom.Grid{}, fmt.Errorf("its orientation cannot be used, resample it to orthogonal axes or convert it again (%w): %w", errors.Join(sErr, qErr), codec.ErrFormat)
	}
	info.Warn("The header has no orientation: axes are taken to run to the patient's right, front and head, and left and right cannot be trusted.")
	spacing, err := h.spacing(size, mm, info)
	if err != nil {
		return geom.Grid{}, err
	}
	return codec.Grid(size, geom.Vec3{}, spacing, [3]geom.Vec3{{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}})
}

// sformGrid reads the affine rows, RAS, into an LPS grid.
func (h *header) sformGrid(size [3]int, mm float64) (geom.Grid, error) {
	m := h.srow
	for r := range m {
		for c := range m[r] {
			m[r][c] *= mm
			if r < 2 {
				m[r][c] = -m[r][c]
			}
		}
	}
	return geom.GridFromAffine(size, m)
}

// qformGrid reads the quaternion, nifti1.h method 2.
func (h *header) qformGrid(size [3]int, mm float64, info *codec.Info) (geom.Grid, error) {
	spacing, err := h.spacing(size, mm, info)
	if err != nil {
		return geom.Grid{}, err
	}
	b, c, d := h.quatern[0], h.quatern[1], h.quatern[2]
	sum := b*b + c*c + d*d
	if !(sum < 1.001) {
		return geom.Grid{}, fmt.Errorf("the quaternion (%g, %g, %g) is no rotation: %w", b, c, d, codec.ErrFormat)
	}
	a := 1 - sum
	if a < 1e-7 { // a half turn, within the rounding of float32
		n := 1 / math.Sqrt(sum)
		a, b, c, d = 0, b*n, c*n, d*n
	} else {
		a = math.Sqrt(a)
	}
	dir := [3]geom.Vec3{ // columns of the rotation, RAS
		{a*a + b*b - c*c - d*d, 2 * (b*c + a*d), 2 * (b*d - a*c)},
		{2 * (b*c - a*d), a*a + c*c - b*b - d*d, 2 * (c*d + a*b)},
		{2 * (b*d + a*c), 2 * (c*d - a*b), a*a + d*d - c*c - b*b},
	}
	if h.pixdim[0] < 0 {
		dir[2] = dir[2].Scale(-1)
	}
	for i := range dir {
		dir[i] = toLPS(dir[i])
	}
	origin := toLPS(geom.Vec3(h.qoffset)).Scale(mm)
	return geom.NewGrid(size, origin, spacing, dir)
}

// spacing returns the voxel sizes in mm. A missing one is only let pass where the axis has one voxel.
func (h *header) spacing(size [3]int, mm float64, info *codec.Info) (geom.Vec3, error) {
	var out geom.Vec3
	for a := range 3 {
		p := math.Abs(h.pixdim[a+1]) * mm
		switch {
		case p > 0 && finite(p):
		case size[a] == 1:
			p = 1
			info.Warn("The header does not say how thick the single slice is; 1 mm is assumed.")
		default:
			return out, fmt.Errorf("its voxel size along axis %d is %g: %w", a+1, h.pixdim[a+1], codec.ErrFormat)
		}
		out[a] = p
	}
	return out, nil
}

// toLPS turns RAS into LPS, and back.
func toLPS(v geom.Vec3) geom.Vec3 { return geom.Vec3{-v[0], -v[1], v[2]} }

// quaternion returns the rotation of a grid as NIfTI stores it, and the sign of its third axis.
func quaternion(g geom.Grid) (q geom.Vec3, qfac float64) {
	x := toLPS(g.Dir[0])
	y := toLPS(g.Dir[1])
	y = y.Sub(x.Scale(x.Dot(y))).Unit() // exact where the axes are orthogonal within the tolerance only
	z := x.Cross(y)
	qfac = 1
	if z.Dot(toLPS(g.Dir[2])) < 0 {
		qfac = -1
	}
	// The largest of the four parts is found from the diagonal, so that no division loses digits.
	trace := x[0] + y[1] + z[2]
	var a float64
	switch {
	case trace > 0:
		a = math.Sqrt(1+trace) / 2
		q = geom.Vec3{y[2] - z[1], z[0] - x[2], x[1] - y[0]}.Scale(1 / (4 * a))
	case x[0] >= y[1] && x[0] >= z[2]:
		b := math.Sqrt(1+x[0]-y[1]-z[2]) / 2
		a, q = (y[2]-z[1])/(4*b), geom.Vec3{b, (x[1] + y[0]) / (4 * b), (x[2] + z[0]) / (4 * b)}
	case y[1] >= z[2]:
		c := math.Sqrt(1+y[1]-x[0]-z[2]) / 2
		a, q = (z[0]-x[2])/(4*c), geom.Vec3{(x[1] + y[0]) / (4 * c), c, (y[2] + z[1]) / (4 * c)}
	default:
		d := math.Sqrt(1+z[2]-x[0]-y[1]) / 2
		a, q = (x[1]-y[0])/(4*d), geom.Vec3{(x[2] + z[0]) / (4 * d), (y[2] + z[1]) / (4 * d), d}
	}
	if a < 0 {
		q = q.Scale(-1)
	}
	return q, qfac
}
