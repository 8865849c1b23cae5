// Package rtstruct reads DICOM structure sets as far as their closed planar contours go, and turns them into masks: a voxel is
// in a structure where its centre lies within its contours, by the non-zero winding rule. Points are LPS millimetres.
// Source: DICOM PS3.3 C.8.8.5, C.8.8.6.
package rtstruct

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/volume"
)

// Sentinels. Other errors are those of package dicom, with the file's base name.
var (
	// ErrNotStructures marks a DICOM file that is something else.
	ErrNotStructures = errors.New("rtstruct: not a DICOM structure set")
	// ErrGrid marks contours that do not lie in the slices of a grid.
	ErrGrid = errors.New("rtstruct: the contours do not lie in the slices of the image")
)

// Structure is one region of interest.
type Structure struct {
	Number   int
	Name     string
	Kind     dicomcode.Structure
	Contours [][]geom.Vec3 // closed; the last point is joined to the first
}

// File is one structure set. Immutable.
type File struct {
	FrameOfReference string // UID of the first one
	Structures       []Structure
}

// Tags that are read.
var (
	tagCharset      = dicom.TagOf(0x0008, 0x0005)
	tagModality     = dicom.TagOf(0x0008, 0x0060)
	tagFrames       = dicom.TagOf(0x3006, 0x0010)
	tagFrame        = dicom.TagOf(0x0020, 0x0052)
	tagROIs         = dicom.TagOf(0x3006, 0x0020)
	tagROINumber    = dicom.TagOf(0x3006, 0x0022)
	tagROIName      = dicom.TagOf(0x3006, 0x0026)
	tagROIContours  = dicom.TagOf(0x3006, 0x0039)
	tagContours     = dicom.TagOf(0x3006, 0x0040)
	tagType         = dicom.TagOf(0x3006, 0x0042)
	tagData         = dicom.TagOf(0x3006, 0x0050)
	tagReferenced   = dicom.TagOf(0x3006, 0x0084)
	tagObservations = dicom.TagOf(0x3006, 0x0080)
	tagCodes        = dicom.TagOf(0x3006, 0x0086)
	tagCode         = dicom.TagOf(0x0008, 0x0100)
	tagScheme       = dicom.TagOf(0x0008, 0x0102)
)

var wanted = map[dicom.Tag]bool{tagCharset: true, tagModality: true, tagFrames: true, tagFrame: true, tagROIs: true, tagROINumber: true, tagROIName: true,
	tagROIContours: true, tagContours: true, tagType: true, tagData: true, tagReferenced: true, tagObservations: true, tagCodes: true, tagCode: true, tagScheme: true}

// Open reads a structure set. Contours of other kinds than closed planar ones are left out. It fails with [ErrNotStructures] or one of
// package dicom's errors.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("rtstruct: %s: %w", filepath.Base(path), err)
	}
	return f, nil
}

func open(path string) (*File, error) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	o, err := dicom.ReadObject(os.DirFS(dir), name, func(t dicom.Tag, _ int) bool { return wanted[t] })
	if err != nil {
		return nil, err
	}
	if o.Text(tagModality) != "RTSTRUCT" {
		return nil, fmt.Errorf("%w (%s)", ErrNotStructures, o.Text(tagModality))
	}
	f := &File{FrameOfReference: o.Item(tagFrames).Text(tagFrame)}
	kinds := map[int]dicomcode.Code{}
	for _, d := range o.Items(tagObservations) {
		c := d.Item(tagCodes)
		kinds[d.Integer(tagReferenced, -1)] = dicomcode.Code{Value: c.Text(tagCode), Scheme: c.Text(tagScheme)}
	}
	at := map[int]int{}
	for _, d := range o.Items(tagROIs) {
		s := Structure{Number: d.Integer(tagROINumber, -1), Name: d.Text(tagROIName)}
		s.Kind = dicomcode.Of(kinds[s.Number], s.Name)
		at[s.Number] = len(f.Structures)
		f.Structures = append(f.Structures, s)
	}
	for _, d := range o.Items(tagROIContours) {
		n, known := at[d.Integer(tagReferenced, -1)]
		if !known {
			return nil, fmt.Errorf("%w: contours of a structure that is not described", dicom.ErrMalformed)
		}
		if f.Structures[n].Contours, err = contours(d); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func contours(roi dicom.Dataset) ([][]geom.Vec3, error) {
	var out [][]geom.Vec3
	for _, d := range roi.Items(tagContours) {
		if d.Text(tagType) != "CLOSED_PLANAR" {
			continue
		}
		numbers, ok := d.Numbers(tagData)
		if !ok || len(numbers)%3 != 0 {
			return nil, fmt.Errorf("%w: a contour of %d numbers", dicom.ErrMalformed, len(numbers))
		}
		points := make([]geom.Vec3, len(numbers)/3)
		for n := range points {
			points[n] = geom.Vec3(numbers[3*n : 3*n+3])
		}
		out = append(out, points)
	}
	return out, nil
}

// Bounds of a contour's points.
const (
	sliceMM  = 0.1 // off their slice
	farthest = 1e6 // voxels from the image
)

// Mask paints a structure with 1 on a grid. Contours of one slice add up. It fails with [ErrGrid] where a contour does not
// lie in a slice of the grid.
func (s Structure) Mask(g geom.Grid) (*volume.Mask, error) {
	out := make([]uint8, g.Voxels())
	plane := g.Size[0] * g.Size[1]
	for _, points := range s.Contours {
		k := -1
		corners := make([]volume.Corner, len(points))
		for n, p := range points {
			v := g.Voxel(p)
			if n == 0 && !math.IsNaN(v[2]) {
				k = int(math.Round(min(max(v[2], -1), float64(g.Size[2]))))
			}
			far := !(math.Abs(v[0]) < farthest && math.Abs(v[1]) < farthest)
			if far || !(math.Abs(v[2]-float64(k))*g.Spacing[2] <= sliceMM) || k < 0 || k >= g.Size[2] {
				return nil, fmt.Errorf("%w: %s, at %v mm", ErrGrid, s.Name, p)
			}
			corners[n] = volume.Corner{I: v[0], J: v[1]}
		}
		volume.InsidePolygon(corners, g.Size, func(at int) { out[k*plane+at] = 1 })
	}
	return volume.NewMask(g, out)
}
