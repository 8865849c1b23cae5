package calibrate

import (
	"cmp"
	"context"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// SampleField returns the probability of a structure in stored sample n, on the grid of the stored box, which is part
// of the model's grid: what its contours are drawn from. It fails with [ErrSettings] where the sample is not stored
// or the model has no such structure.
func SampleField(p *inference.Prediction, n int, z inference.Zone) (*volume.Volume, error) {
	s := p.Store
	if s == nil || n < 0 || n >= s.Len() {
		return nil, fail(ErrSettings, "sample %d is not stored; run the model again", n+1)
	}
	box := boxGrid(p)
	voxels := box.Voxels()
	sample := s.Sample(n)
	sum := make([]int, voxels)
	for _, k := range z.Classes {
		if k < 0 || k >= s.Classes {
			return nil, fail(ErrSettings, "the model has no structure %q", z.Name)
		}
		for i, b := range sample[k*voxels : (k+1)*voxels] {
			sum[i] += int(b)
		}
	}
	data := make([]float32, voxels)
	for i, b := range sum {
		data[i] = min(float32(b)/255, 1)
	}
	return volume.New(box, data, "probability")
}

// boxGrid is the part of the model's grid that samples are stored for.
func boxGrid(p *inference.Prediction) geom.Grid {
	s, g := p.Store, p.Grid
	g.Origin = g.World(geom.Vec3{float64(s.Lo[0]), float64(s.Lo[1]), float64(s.Lo[2])})
	for a := range 3 {
		g.Size[a] = s.Hi[a] - s.Lo[a]
	}
	return g
}

// SampleVolumes returns a structure's volume in mL in each stored sample, in the order of drawing: of the sample's own
// segmentation (most probable class, the lower one on ties) inside the stored box. nil where nothing is stored. It
// fails with ctx's error.
func SampleVolumes(ctx context.Context, p *inference.Prediction, z inference.Zone) ([]float64, error) {
	if p.Store == nil {
		return nil, nil
	}
	voxels := boxGrid(p).Voxels()
	member := members(z)
	var ml []float64
	for n := range p.Store.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sample, count := p.Store.Sample(n), 0
		for i := range voxels {
			best, class := sample[i], 0
			for k := 1; k < p.Store.Classes; k++ {
				if b := sample[k*voxels+i]; b > best {
					best, class = b, k
				}
			}
			if member[class] {
				count++
			}
		}
		ml = append(ml, float64(count)*p.Grid.VoxelVolume()/1000)
	}
	return ml, nil
}

// Order returns the numbers of samples from the smallest volume to the largest, equal ones in the order of drawing.
func Order(volumes []float64) []int {
	order := make([]int, len(volumes))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(volumes[a], volumes[b]) })
	return order
}
