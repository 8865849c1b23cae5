package inference

import (
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
)

// lesions turns candidates into what is reported. The standard error is that of the mean
// probability at the peak. Presence is judged in the stored samples.
func lesions(found []metrics.Candidate, grid geom.Grid, class int, stats *Stats, store *SampleStore) []Lesion {
	out := make([]Lesion, 0, len(found))
	for n, c := range found {
		i, j, k := voxelOf(grid, c.Peak)
		l := Lesion{ID: n + 1, Confidence: c.Confidence, VolumeML: float64(len(c.Voxels)) * grid.VoxelVolume() / 1000,
			PeakWorld: grid.World(geom.Vec3{float64(i), float64(j), float64(k)}), PeakVoxel: [3]int{i, j, k}, Voxels: c.Voxels}
		if stats.N() > 1 {
			l.SE = stats.StandardError(class, c.Peak)
		}
		l.Present, l.Samples = store.presence(grid, class, c)
		l.P5, l.P95 = store.spread(class, l.PeakVoxel)
		out = append(out, l)
	}
	return out
}

// voxelOf is the inverse of [geom.Grid.Index].
func voxelOf(g geom.Grid, offset int) (i, j, k int) {
	return offset % g.Size[0], offset / g.Size[0] % g.Size[1], offset / (g.Size[0] * g.Size[1])
}
