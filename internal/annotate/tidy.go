package annotate

import (
	"context"
	"fmt"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// RemoveIslands proposes to take out the parts of a structure that are not connected, by faces of voxels, to
// a larger part: all but the largest where maxML is 0, else those of maxML millilitres or less. An island of a
// zone goes to the other zone where it touches that with more faces than the background, so that no hole is
// left in the gland. It fails with [ErrNothing], [ErrLabels], or ctx's error.
func RemoveIslands(ctx context.Context, s *Snapshot, label Label, maxML float64) (*Proposal, error) {
	if label < WG || label > CsPCa || !(maxML >= 0) {
		return nil, fmt.Errorf("%w: no structure is chosen; choose WG, TZ, PZ or csPCa", ErrLabels)
	}
	area, fromK, toK := s.extent(label)
	if area.empty() {
		return nil, fmt.Errorf("%w: there is no %s", ErrNothing, label)
	}
	isl := newIslands(s, label, area, fromK, toK)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	remove := isl.smaller(maxML)
	out := s.thawed(label.Layer())
	isl.clear(&out, remove)
	var layers [layerCount][][]uint8
	layers[label.Layer()] = out.slice
	return propose(s, Action{Op: OpIslands, Label: label}, layers, fmt.Sprintf("%s has no islands", label))
}

// islands are the connected parts of a structure in the box that holds it.
type islands struct {
	base   *Snapshot
	label  Label
	box    volume.Box
	labels *volume.Labels
}

func newIslands(s *Snapshot, label Label, area rect, fromK, toK int) *islands {
	isl := &islands{base: s, label: label, box: volume.Box{Min: [3]int{area.minI, area.minJ, fromK}, Max: [3]int{area.maxI, area.maxJ, toK}}}
	isl.labels = volume.Components(crop(s.grid, area, fromK, toK), func(at int) bool {
		v := isl.value(at)
		return v != 0 && label.holds(v)
	}, volume.Faces)
	return isl
}

// voxel returns the place of an offset in the box on the whole grid.
func (isl *islands) voxel(at int) (i, j, k int) {
	size := isl.box.Size()
	return isl.box.Min[0] + at%size[0], isl.box.Min[1] + at/size[0]%size[1], isl.box.Min[2] + at/(size[0]*size[1])
}

func (isl *islands) value(at int) uint8 {
	i, j, k := isl.voxel(at)
	return isl.base.layers[isl.label.Layer()][k][j*isl.base.grid.Size[0]+i]
}

// smaller tells, by number from 1, which parts are islands.
func (isl *islands) smaller(maxML float64) []bool {
	remove := make([]bool, len(isl.labels.Components)+1)
	largest := 0
	for n, c := range isl.labels.Components {
		if c.Voxels > isl.labels.Components[largest].Voxels {
			largest = n
		}
		remove[n+1] = float64(c.Voxels)*isl.base.grid.VoxelVolume()/1000 <= maxML
	}
	if maxML == 0 {
		for n := range isl.labels.Components {
			remove[n+1] = n != largest
		}
	}
	return remove
}

// clear takes the parts out of a layer.
func (isl *islands) clear(out *sheets, remove []bool) {
	other := isl.others()
	for at, id := range isl.labels.IDs {
		if id != 0 && remove[id] {
			i, j, k := isl.voxel(at)
			out.writable(k)[j*isl.base.grid.Size[0]+i] = other[id]
		}
	}
}

// others returns, by number from 1, the value that a part takes when it is no island of its own any more.
func (isl *islands) others() []uint8 {
	values := make([]uint8, len(isl.labels.Components)+1)
	if isl.label != TZ && isl.label != PZ {
		return values
	}
	zone := valueTZ + valuePZ - valueOf(isl.label)
	balance := make([]int, len(values)) // faces to the other zone less those to the background
	for at, id := range isl.labels.IDs {
		if id == 0 {
			continue
		}
		i, j, k := isl.voxel(at)
		for _, n := range [...][3]int{{i - 1, j, k}, {i + 1, j, k}, {i, j - 1, k}, {i, j + 1, k}, {i, j, k - 1}, {i, j, k + 1}} {
			switch {
			case !isl.base.grid.Contains(n[0], n[1], n[2]):
				balance[id]--
			case isl.base.layers[Zones][n[2]][n[1]*isl.base.grid.Size[0]+n[0]] == zone:
				balance[id]++
			case isl.base.layers[Zones][n[2]][n[1]*isl.base.grid.Size[0]+n[0]] == 0:
				balance[id]--
			}
		}
	}
	for id, b := range balance {
		if b > 0 {
			values[id] = zone
		}
	}
	return values
}

// valueOf returns the value of the voxels of a zone.
func valueOf(l Label) uint8 {
	if l == TZ {
		return valueTZ
	}
	return valuePZ
}

// FillHoles proposes to fill the holes of the layer that a structure lives in: background that is enclosed in
// its slice, by voxels that share a face. In the zones every hole is a hole of the gland, and each voxel takes
// the class of the nearest zone. It fails with [ErrNothing], [ErrLabels], or ctx's error.
func FillHoles(ctx context.Context, s *Snapshot, label Label) (*Proposal, error) {
	if label < WG || label > CsPCa {
		return nil, fmt.Errorf("%w: no structure is chosen; choose WG, TZ, PZ or csPCa", ErrLabels)
	}
	layer := label.Layer()
	out := s.thawed(layer)
	for k := range s.grid.Size[2] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var near *nearest
		for _, at := range holes(s, layer, k) {
			if layer == Lesions {
				out.writable(k)[at] = valueLesion
				continue
			}
			if near == nil {
				near = newNearest(s, k)
			}
			out.writable(k)[at] = near.class(at)
		}
	}
	var layers [layerCount][][]uint8
	layers[layer] = out.slice
	a := Action{Op: OpHoles, Label: wholeLayer(layer)}
	return propose(s, a, layers, fmt.Sprintf("%s has no holes", wholeLayer(layer)))
}

// holes returns the offsets of the enclosed background voxels of a slice.
func holes(s *Snapshot, l Layer, k int) []int {
	labels := s.layers[l][k]
	area := bounds(labels, s.grid.Size[0], wholeLayer(l))
	if area.empty() {
		return nil
	}
	grid := crop(s.grid, area.grown(1, s.grid.Size), k, k+1)
	origin := area.grown(1, s.grid.Size)
	offset := func(at int) int {
		return (origin.minJ+at/grid.Size[0])*s.grid.Size[0] + origin.minI + at%grid.Size[0]
	}
	parts := volume.Components(grid, func(at int) bool { return labels[offset(at)] == 0 }, volume.Faces)
	var out []int
	for at, id := range parts.IDs {
		if id != 0 && !touchesEdge(parts.Components[id-1].Box, grid) {
			out = append(out, offset(at))
		}
	}
	return out
}

// touchesEdge reports whether a part reaches the end of its slice.
func touchesEdge(b volume.Box, g geom.Grid) bool {
	return b.Min[0] == 0 || b.Min[1] == 0 || b.Max[0] == g.Size[0] || b.Max[1] == g.Size[1]
}
