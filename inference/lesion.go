package inference

import (
	"cmp"
	"slices"

	"bayeslice/internal/geom"
)

// LesionRule says how csPCa candidates are taken out of a probability map. The zero value means
// [PICAIRule].
type LesionRule struct {
	Max           int     // number of candidates at most
	Factor        float64 // a candidate reaches down to its peak divided by Factor
	MinVoxels     int     // candidates of so many voxels or fewer are no candidates
	MinConfidence float64 // candidates with a lower peak are not reported
	Floor         float64 // the search ends where no voxel is left above this
}

// PICAIRule is picai_eval's "dynamic-v2" extraction (Report-Guided Annotation, Bosma et al. 2023):
// up to five candidates down to 40 % of their peak, each of more than ten voxels and none touching
// a more confident one. Candidates below a confidence of 0.10 are found but not reported.
func PICAIRule() LesionRule {
	return LesionRule{Max: 5, Factor: 2.5, MinVoxels: 10, MinConfidence: 0.10, Floor: 0.01}
}

// Candidate is a part of a probability map: connected by faces, edges or corners.
type Candidate struct {
	Confidence float64
	Peak       int     // offset of the (first) voxel of the highest probability
	Voxels     []int32 // offsets, ascending
}

// Candidates extracts lesion candidates from a probability map with i fastest, the most confident
// first. The map is not changed; negative values count as zero.
func (r LesionRule) Candidates(size [3]int, p []float32) []Candidate {
	if r == (LesionRule{}) {
		r = PICAIRule()
	}
	e := extraction{rule: r, size: size, left: slices.Clone(p), mark: make([]uint8, len(p)), taken: make([]bool, len(p))}
	var found []Candidate
	for len(found) < r.Max {
		peak, at := maximum(e.left)
		if at < 0 || float64(peak) < r.Floor {
			break
		}
		threshold := float32(float64(peak) / r.Factor)
		c, ok := e.best(threshold)
		if !ok { // only specks are left above the threshold
			e.clearAbove(threshold)
			continue
		}
		adjacent := e.touchesTaken(c.Voxels)
		for _, v := range c.Voxels {
			e.left[v] = 0
		}
		if adjacent {
			continue
		}
		for _, v := range c.Voxels {
			e.taken[v] = true
		}
		found = append(found, c)
	}
	slices.SortStableFunc(found, func(a, b Candidate) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return slices.DeleteFunc(found, func(c Candidate) bool { return c.Confidence < r.MinConfidence })
}

// extraction is the state of one search.
type extraction struct {
	rule  LesionRule
	size  [3]int
	left  []float32 // what was not taken yet
	taken []bool    // voxels of candidates found so far
	mark  []uint8   // scratch: 1 where a component was visited
}

// best returns the most confident component above a threshold that is large enough.
func (e *extraction) best(threshold float32) (Candidate, bool) {
	var best Candidate
	clear(e.mark)
	for v, p := range e.left {
		if p < threshold || p <= 0 || e.mark[v] != 0 {
			continue
		}
		c := e.grow(v, threshold)
		if len(c.Voxels) > e.rule.MinVoxels && c.Confidence > best.Confidence {
			best = c
		}
	}
	slices.Sort(best.Voxels)
	return best, len(best.Voxels) > 0
}

// grow collects the component of a voxel.
func (e *extraction) grow(start int, threshold float32) Candidate {
	c := Candidate{Peak: start, Voxels: []int32{int32(start)}}
	e.mark[start] = 1
	for next := 0; next < len(c.Voxels); next++ {
		v := int(c.Voxels[next])
		if p := e.left[v]; p > e.left[c.Peak] || (p == e.left[c.Peak] && v < c.Peak) {
			c.Peak = v
		}
		e.neighbours(v, func(n int) {
			if e.mark[n] == 0 && e.left[n] >= threshold && e.left[n] > 0 {
				e.mark[n] = 1
				c.Voxels = append(c.Voxels, int32(n))
			}
		})
	}
	c.Confidence = float64(e.left[c.Peak])
	return c
}

// neighbours calls f for the voxels that share a face, an edge or a corner with v, and for v.
func (e *extraction) neighbours(v int, f func(n int)) {
	nx, ny, nz := e.size[0], e.size[1], e.size[2]
	i, j, k := v%nx, v/nx%ny, v/(nx*ny)
	for z := max(k-1, 0); z <= min(k+1, nz-1); z++ {
		for y := max(j-1, 0); y <= min(j+1, ny-1); y++ {
			for x := max(i-1, 0); x <= min(i+1, nx-1); x++ {
				f(x + nx*(y+ny*z))
			}
		}
	}
}

func (e *extraction) touchesTaken(voxels []int32) bool {
	touches := false
	for _, v := range voxels {
		e.neighbours(int(v), func(n int) { touches = touches || e.taken[n] })
	}
	return touches
}

func (e *extraction) clearAbove(threshold float32) {
	for v, p := range e.left {
		if p > threshold {
			e.left[v] = 0
		}
	}
}

// maximum returns the largest value and its first place; −1 for an empty slice.
func maximum(p []float32) (value float32, at int) {
	at = -1
	for i, v := range p {
		if at < 0 || v > value {
			value, at = v, i
		}
	}
	return value, at
}

// lesions turns candidates into what is reported. The standard error is that of the mean
// probability at the peak. Presence is judged in the stored samples.
func lesions(found []Candidate, grid geom.Grid, class int, stats *Stats, store *SampleStore) []Lesion {
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
