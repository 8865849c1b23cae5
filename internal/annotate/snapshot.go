package annotate

import (
	"bytes"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Snapshot is a document at one moment. It is immutable and may be read from any goroutine.
type Snapshot struct {
	grid     geom.Grid
	layers   [layerCount][][]uint8
	revision uint64
	assisted bool
}

// Grid returns the T2W grid.
func (s *Snapshot) Grid() geom.Grid { return s.grid }

// Revision tells states of one document apart: it grows with every change, undo and redo included.
func (s *Snapshot) Revision() uint64 { return s.revision }

// Assisted reports whether the contours are more than drawn by hand: whether they ever began with a model's result or a file, or the program
// filled, smoothed or tidied them, even where that was taken back.
func (s *Snapshot) Assisted() bool { return s.assisted }

// Slice returns the labels of slice k of a layer, i fastest: 0 background, zones 1 TZ and 2 PZ, lesions
// 1. Read only. k must lie on the grid.
func (s *Snapshot) Slice(l Layer, k int) []uint8 { return s.layers[l][k] }

// Has reports whether any voxel of slice k belongs to a structure.
func (s *Snapshot) Has(l Label, k int) bool {
	for _, v := range s.layers[l.Layer()][k] {
		if v != 0 && l.holds(v) {
			return true
		}
	}
	return false
}

// Empty reports whether no voxel of a layer is labelled. It takes well under a millisecond: windows ask at
// every change.
func (s *Snapshot) Empty(l Layer) bool {
	for _, labels := range s.layers[l] {
		if bytes.Count(labels, []byte{0}) != len(labels) {
			return false
		}
	}
	return true
}

// wholeLayer is the structure that every labelled voxel of a layer belongs to.
func wholeLayer(l Layer) Label {
	if l == Lesions {
		return CsPCa
	}
	return WG
}

// Mask returns a copy of a layer as a label image: zones 1 TZ and 2 PZ, lesions 1.
func (s *Snapshot) Mask(l Layer) *volume.Mask {
	labels := make([]uint8, 0, s.grid.Voxels())
	for _, slice := range s.layers[l] {
		labels = append(labels, slice...)
	}
	m, err := volume.NewMask(s.grid, labels)
	if err != nil {
		panic("annotate: a layer that does not fit its own grid: " + err.Error())
	}
	return m
}

// Volume returns a structure's volume in millilitres. It takes a millisecond or so for each million voxels.
func (s *Snapshot) Volume(l Label) float64 {
	var count [256]int
	for _, slice := range s.layers[l.Layer()] {
		for _, v := range slice {
			count[v]++
		}
	}
	n := 0
	for v, voxels := range count {
		if v != 0 && l.holds(uint8(v)) {
			n += voxels
		}
	}
	return float64(n) * s.grid.VoxelVolume() / 1000
}

// SliceField returns a structure in slice k as an image of that one slice, 1 inside and 0 outside: its
// contour is the line at 0.5. It covers the structure with a margin only, so that showing a stroke costs as
// much as the structure is large. Nil where the slice holds none of it.
func (s *Snapshot) SliceField(l Label, k int) *volume.Volume {
	labels := s.layers[l.Layer()][k]
	r := bounds(labels, s.grid.Size[0], l)
	if r.empty() {
		return nil
	}
	return s.field(l, r, k, k+1)
}

// Field is [Snapshot.SliceField] for all slices that hold a part of the structure.
func (s *Snapshot) Field(l Label) *volume.Volume {
	r, from, to := s.extent(l)
	if r.empty() {
		return nil
	}
	return s.field(l, r, max(from-1, 0), min(to+1, s.grid.Size[2]))
}

// extent returns the pixels and the slices, from inclusive and to exclusive, that hold a structure; an
// empty range where there is none of it.
func (s *Snapshot) extent(l Label) (r rect, from, to int) {
	for k, labels := range s.layers[l.Layer()] {
		if b := bounds(labels, s.grid.Size[0], l); !b.empty() {
			if r.empty() {
				from = k
			}
			r, to = r.union(b), k+1
		}
	}
	return r, from, to
}

// fieldMargin is how many empty pixels surround the structure in a field; see [Snapshot.SliceField].
const fieldMargin = 2

func (s *Snapshot) field(l Label, r rect, fromK, toK int) *volume.Volume {
	r = r.grown(fieldMargin, s.grid.Size)
	grid := crop(s.grid, r, fromK, toK)
	data := make([]float32, 0, grid.Voxels())
	for k := fromK; k < toK; k++ {
		for j := r.minJ; j < r.maxJ; j++ {
			for _, v := range s.layers[l.Layer()][k][j*s.grid.Size[0]+r.minI : j*s.grid.Size[0]+r.maxI] {
				if v != 0 && l.holds(v) {
					data = append(data, 1)
				} else {
					data = append(data, 0)
				}
			}
		}
	}
	v, err := volume.New(grid, data, "")
	if err != nil {
		panic("annotate: a field that does not fit its own grid: " + err.Error())
	}
	return v
}
