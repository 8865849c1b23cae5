package metrics

import (
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// SurfaceDistances are the distances between the surfaces of two segmentations, in mm. A structure's surface
// is its voxels of which a face touches another voxel, or the end of the image (MedPy 0.5); distances are between voxel
// centres, with the grid's spacing.
type SurfaceDistances struct {
	HD   float64 `json:"hd"`   // Hausdorff distance: the largest of the distances from either surface to the other
	HD95 float64 `json:"hd95"` // their 95th percentile, both directions pooled, interpolated linearly as NumPy does (MedPy's hd95)
	ASSD float64 `json:"assd"` // average symmetric surface distance: mean of the two directions' means (MedPy's assd)
}

// CompareSurfaces measures one structure, the union of classes or all labels where none is given. It fails
// with [ErrInput] where the grids differ by 0.01 mm or more, and with [ErrUndefined] where the structure is
// missing in one of them. It takes time and memory proportional to the box that holds both.
func CompareSurfaces(predicted, reference *volume.Mask, classes ...uint8) (SurfaceDistances, error) {
	if err := oneGrid(predicted, reference); err != nil {
		return SurfaceDistances{}, err
	}
	p, r := predicted.Region(classes...), reference.Region(classes...)
	if p.Voxels == 0 || r.Voxels == 0 {
		return SurfaceDistances{}, undefined("a structure of no voxels has no surface")
	}
	box, in := join(p.Box, r.Box), structure(classes)
	of, to := surface(predicted, in, box), surface(reference, in, box)
	there, err := between(of, to, box.Size(), predicted.Grid().Spacing)
	if err != nil {
		return SurfaceDistances{}, err
	}
	back, err := between(to, of, box.Size(), predicted.Grid().Spacing)
	if err != nil {
		return SurfaceDistances{}, err
	}
	d := SurfaceDistances{ASSD: (mean(there) + mean(back)) / 2}
	all := append(there, back...)
	slices.Sort(all)
	d.HD, d.HD95 = all[len(all)-1], quantile(all, 0.95)
	return d, nil
}

// surface marks the structure's surface in a box, i fastest.
func surface(m *volume.Mask, in *[256]bool, box volume.Box) []bool {
	size, grid, labels := box.Size(), m.Grid(), m.Data()
	out := make([]bool, size[0]*size[1]*size[2])
	step := [3]int{1, grid.Size[0], grid.Size[0] * grid.Size[1]}
	at := 0
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for i := box.Min[0]; i < box.Max[0]; i++ {
				voxel := grid.Index(i, j, k)
				if in[labels[voxel]] {
					for a, c := range [3]int{i, j, k} {
						if c == 0 || c == grid.Size[a]-1 || !in[labels[voxel-step[a]]] || !in[labels[voxel+step[a]]] {
							out[at] = true
							break
						}
					}
				}
				at++
			}
		}
	}
	return out
}

// between lists the distances of the voxels of a set to another one.
func between(of, to []bool, size [3]int, spacing geom.Vec3) ([]float64, error) {
	d, err := volume.Distance(size, spacing, to)
	if err != nil {
		return nil, bad("%v", err)
	}
	var out []float64
	for i, in := range of {
		if in {
			out = append(out, d[i])
		}
	}
	return out, nil
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// quantile interpolates linearly between the order statistics of sorted numbers.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}
