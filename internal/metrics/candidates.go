package metrics

import (
	"cmp"
	"slices"
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
// first. The map is not changed; negative values and such as are no numbers count as zero.
func (r LesionRule) Candidates(size [3]int, p []float32) []Candidate {
	if r == (LesionRule{}) {
		r = PICAIRule()
	}
	e := newExtraction(r, size, p)
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
		adjacent := len(found) > 0 && e.touchesTaken(c.Voxels)
		for _, v := range c.Voxels {
			e.left[v] = 0
			e.taken[v] = e.taken[v] || !adjacent
		}
		if !adjacent {
			found = append(found, c)
		}
	}
	found = slices.DeleteFunc(found, func(c Candidate) bool { return c.Confidence < r.MinConfidence })
	slices.SortStableFunc(found, func(a, b Candidate) int { return cmp.Compare(b.Confidence, a.Confidence) })
	for n := range found {
		e.unpad(&found[n])
	}
	return found
}

// extraction is the state of one search. Its arrays have a border of one voxel all round, so that
// every voxel has its 26 neighbours at fixed distances; candidates hold offsets into them until the end.
type extraction struct {
	rule  LesionRule
	size  [3]int    // of the map
	wide  [3]int    // with the border
	near  [26]int   // distances to the neighbours
	left  []float32 // what was not taken yet
	taken []bool    // voxels of candidates found so far
	seen  []bool    // scratch of best
	queue []int32   // scratch of grow
}

func newExtraction(r LesionRule, size [3]int, p []float32) *extraction {
	e := &extraction{rule: r, size: size, wide: [3]int{size[0] + 2, size[1] + 2, size[2] + 2}}
	n := e.wide[0] * e.wide[1] * e.wide[2]
	e.left, e.taken, e.seen = make([]float32, n), make([]bool, n), make([]bool, n)
	for row := range size[1] * size[2] {
		to := e.left[e.pad(row*size[0]):]
		for i, v := range p[row*size[0] : (row+1)*size[0]] {
			to[i] = max(v, 0)
			if v != v {
				to[i] = 0
			}
		}
	}
	at := 0
	for dk := -1; dk <= 1; dk++ {
		for dj := -1; dj <= 1; dj++ {
			for di := -1; di <= 1; di++ {
				if d := di + e.wide[0]*(dj+e.wide[1]*dk); d != 0 {
					e.near[at] = d
					at++
				}
			}
		}
	}
	return e
}

// pad turns an offset on the map into one with the border.
func (e *extraction) pad(v int) int {
	i, j, k := v%e.size[0], v/e.size[0]%e.size[1], v/(e.size[0]*e.size[1])
	return i + 1 + e.wide[0]*(j+1+e.wide[1]*(k+1))
}

// unpad turns a candidate's offsets into those on the map.
func (e *extraction) unpad(c *Candidate) {
	back := func(v int) int {
		i, j, k := v%e.wide[0]-1, v/e.wide[0]%e.wide[1]-1, v/(e.wide[0]*e.wide[1])-1
		return i + e.size[0]*(j+e.size[1]*k)
	}
	c.Peak = back(c.Peak)
	for n, v := range c.Voxels {
		c.Voxels[n] = int32(back(int(v)))
	}
	slices.Sort(c.Voxels)
}

// best returns the most confident component above a threshold that is large enough.
func (e *extraction) best(threshold float32) (Candidate, bool) {
	var best Candidate
	clear(e.seen)
	for v, p := range e.left {
		if p < threshold || p <= 0 || e.seen[v] {
			continue
		}
		peak, voxels := e.grow(v, threshold)
		if confidence := float64(e.left[peak]); len(voxels) > e.rule.MinVoxels && confidence > best.Confidence {
			best = Candidate{Confidence: confidence, Peak: peak, Voxels: slices.Clone(voxels)}
		}
	}
	return best, len(best.Voxels) > 0
}

// grow collects the component of a voxel. voxels is valid until the next call.
func (e *extraction) grow(start int, threshold float32) (peak int, voxels []int32) {
	peak, voxels = start, append(e.queue[:0], int32(start))
	e.seen[start] = true
	for next := 0; next < len(voxels); next++ {
		v := int(voxels[next])
		if p := e.left[v]; p > e.left[peak] || (p == e.left[peak] && v < peak) {
			peak = v
		}
		for _, d := range e.near {
			if n := v + d; !e.seen[n] && e.left[n] >= threshold && e.left[n] > 0 {
				e.seen[n] = true
				voxels = append(voxels, int32(n))
			}
		}
	}
	e.queue = voxels
	return peak, voxels
}

func (e *extraction) touchesTaken(voxels []int32) bool {
	for _, v := range voxels {
		for _, d := range e.near {
			if e.taken[int(v)+d] {
				return true
			}
		}
	}
	return false
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
