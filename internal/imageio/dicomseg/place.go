package dicomseg

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/imageio/dicom"
)

// Tolerances of the lattice, as for images.
const (
	samePlaneCos = 0.9998 // 1.1°
	latticeMM    = 0.05   // a frame this near a slice of the lattice lies on it
	lateralMM    = 0.5    // shift of a frame within its plane against the first one
	samePixelMM  = 1e-3
)

// Bounds of a lattice: empty slices may be missing from the file, so it can be larger than what the file holds.
const (
	maxVoxels = 1 << 28
	maxEmpty  = 64 // slices of the lattice for each one in the file
	fewSlices = 512
)

// place finds the lattice and where on it every frame lies.
func (f *File) place(o *dicom.Object, p dicom.Pixels) error {
	per, shared := o.Items(tagPerFrame), o.Item(tagShared)
	if len(per) != p.Frames {
		return fmt.Errorf("%w: %d frames but %d functional groups", dicom.ErrMalformed, p.Frames, len(per))
	}
	planes := make([]dicom.ImagePlane, p.Frames)
	f.frames = make([]frame, p.Frames)
	var measures dicom.Dataset
	for n, d := range per {
		group := func(t dicom.Tag) dicom.Dataset {
			if len(d.Items(t)) > 0 {
				return d.Item(t)
			}
			return shared.Item(t)
		}
		measures = group(tagMeasures)
		plane, ok := dicom.Plane(group(tagPositions), group(tagOrientations), measures)
		if !ok {
			return fmt.Errorf("%w: frame %d has no position, orientation or pixel spacing in the patient; segment a tomographic image", dicom.ErrGeometry, n+1)
		}
		planes[n] = plane
		if f.Kind == Labelmap {
			continue
		}
		f.frames[n].segment = group(tagIdentification).Integer(tagReferenced, -1)
		if _, known := f.Segment(f.frames[n].segment); !known {
			return fmt.Errorf("%w: frame %d is of a segment that is not described", dicom.ErrMalformed, n+1)
		}
	}
	if err := f.lattice(p, planes, measures.Number(tagSpacing, 0), measures.Number(tagThickness, 0)); err != nil {
		return err
	}
	return f.distinct()
}

// lattice fits the grid to the planes and puts each frame on one of its slices.
func (f *File) lattice(p dicom.Pixels, planes []dicom.ImagePlane, stated, thickness float64) error {
	first := slices.MinFunc(planes, func(a, b dicom.ImagePlane) int {
		n := planes[0].Row.Cross(planes[0].Column)
		return cmp.Compare(a.Position.Dot(n), b.Position.Dot(n))
	})
	normal := first.Row.Cross(first.Column).Unit()
	mm := make([]float64, len(planes))
	for n, plane := range planes {
		along := plane.Position.Sub(first.Position)
		mm[n] = along.Dot(normal)
		switch {
		case plane.Row.Dot(first.Row) < samePlaneCos || plane.Column.Dot(first.Column) < samePlaneCos,
			math.Abs(plane.PixelMM[0]-first.PixelMM[0]) > samePixelMM || math.Abs(plane.PixelMM[1]-first.PixelMM[1]) > samePixelMM:
			return fmt.Errorf("%w: its frames have different orientations or pixel sizes; export one series at a time", dicom.ErrGeometry)
		case along.Sub(normal.Scale(mm[n])).Norm() > lateralMM:
			return fmt.Errorf("%w: its frames are shifted sideways against each other", dicom.ErrGeometry)
		}
	}
	spacing, err := f.spacing(mm, stated, thickness)
	if err != nil {
		return err
	}
	for n, at := range mm {
		k := math.Round(at / spacing)
		if math.Abs(at-k*spacing) > latticeMM {
			return fmt.Errorf("%w: its frames do not lie on evenly spaced slices (%.2f mm off)", dicom.ErrGeometry, math.Abs(at-k*spacing))
		}
		f.frames[n].slice = int(k)
	}
	size := [3]int{p.Columns, p.Rows, f.frames[maxIndex(mm)].slice + 1}
	distinct := len(heights(mm))
	if size[2] > fewSlices && size[2] > maxEmpty*distinct || int64(size[0])*int64(size[1])*int64(size[2]) > maxVoxels {
		return fmt.Errorf("%w: %v voxels", dicom.ErrTooLarge, size)
	}
	f.Grid, err = codec.Grid(size, first.Position, geom.Vec3{first.PixelMM[0], first.PixelMM[1], spacing}, [3]geom.Vec3{first.Row, first.Column, normal})
	if err != nil {
		return fmt.Errorf("%w: %w", dicom.ErrGeometry, err)
	}
	return nil
}

func maxIndex(mm []float64) int {
	at := 0
	for n, v := range mm {
		if v > mm[at] {
			at = n
		}
	}
	return at
}

// heights returns the distinct positions along the normal, ascending.
func heights(mm []float64) []float64 {
	all := slices.Clone(mm)
	slices.Sort(all)
	return slices.CompactFunc(all, func(a, b float64) bool { return math.Abs(a-b) < latticeMM })
}

// spacing returns the distance of slices: the one stated where the positions are multiples of it, since slices may be missing, else the
// smallest distance found. It is then made to fit the whole extent.
func (f *File) spacing(mm []float64, stated, thickness float64) (float64, error) {
	at := heights(mm)
	extent := at[len(at)-1]
	if len(at) == 1 {
		switch {
		case stated > 0:
			return stated, nil
		case thickness > 0:
			return thickness, nil
		}
		f.Warnings = append(f.Warnings, "The segmentation has one slice and does not say how thick it is; 1 mm is assumed.")
		return 1, nil
	}
	gap := math.Inf(1)
	for n := range at[1:] {
		gap = min(gap, at[n+1]-at[n])
	}
	for _, candidate := range []float64{stated, gap} {
		if !(candidate >= 0.01) {
			continue
		}
		steps := math.Round(extent / candidate)
		if steps < 1 || steps > maxVoxels {
			continue
		}
		if fitted := extent / steps; math.Abs(fitted-candidate) < latticeMM && onLattice(at, fitted) {
			return fitted, nil
		}
	}
	return 0, fmt.Errorf("%w: its frames do not lie on evenly spaced slices", dicom.ErrGeometry)
}

func onLattice(at []float64, spacing float64) bool {
	for _, v := range at {
		if math.Abs(v-math.Round(v/spacing)*spacing) > latticeMM {
			return false
		}
	}
	return true
}

// distinct refuses two frames of one segment in one place.
func (f *File) distinct() error {
	seen := map[frame]bool{}
	for n, fr := range f.frames {
		if seen[fr] {
			return fmt.Errorf("%w: frame %d lies where another frame of its segment lies", dicom.ErrMalformed, n+1)
		}
		seen[fr] = true
	}
	return nil
}
