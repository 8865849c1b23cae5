package metrics

import (
	"math"

	"bayeslice/internal/volume"
)

// BorderMM is how far from the borders of a reference the paper's "near class boundaries" reaches here, mm: one slice of
// its grid, and about what readers differ by.
const BorderMM = 3.0

// BorderEntropy is how unsure a prediction is near the borders of the reference, and elsewhere.
type BorderEntropy struct {
	Near, Elsewhere             float64 // mean over voxels of −Σ_k p_k ln p_k, nats; [math.NaN] of no voxel
	NearVoxels, ElsewhereVoxels int
}

// EntropyAtBorders measures the entropy of probabilities [K, voxels] at voxels whose centre is at most mm from that of a
// border voxel of the reference, and at all others. A border voxel has a neighbour of another class at one of its six faces;
// the ends of the image are no border. region, of which nil is everything, restricts what is measured, not where borders are.
// A reference of one class has no border, so that everything is elsewhere. It fails with [ErrInput] as
// [CountSoftOverlap] does, and for a distance that is not positive.
func EntropyAtBorders(p []float32, reference *volume.Mask, mm float64, region []bool) (BorderEntropy, error) {
	labels := reference.Data()
	if !(mm > 0) || math.IsInf(mm, 1) {
		return BorderEntropy{}, bad("a distance of %g mm from borders", mm)
	}
	if region != nil && len(region) != len(labels) {
		return BorderEntropy{}, bad("the region has %d voxels, the labels %d", len(region), len(labels))
	}
	classes, err := checkProbabilities(p, labels)
	if err != nil {
		return BorderEntropy{}, err
	}
	near, err := nearBorders(reference, mm)
	if err != nil {
		return BorderEntropy{}, err
	}
	var b BorderEntropy
	for i := range labels {
		switch {
		case region != nil && !region[i]:
		case near[i]:
			b.Near += entropy(p[i:], len(labels), classes)
			b.NearVoxels++
		default:
			b.Elsewhere += entropy(p[i:], len(labels), classes)
			b.ElsewhereVoxels++
		}
	}
	b.Near /= float64(b.NearVoxels)
	b.Elsewhere /= float64(b.ElsewhereVoxels)
	return b, nil
}

// nearBorders marks the voxels at most mm from a border voxel. Distances are taken in the box that can hold them.
func nearBorders(reference *volume.Mask, mm float64) ([]bool, error) {
	grid, near := reference.Grid(), borders(reference)
	box := volume.Box{Min: grid.Size}
	each(volume.Box{Max: grid.Size}, func(v [3]int) {
		if near[grid.Index(v[0], v[1], v[2])] {
			for a, x := range v {
				box.Min[a], box.Max[a] = min(box.Min[a], x), max(box.Max[a], x+1)
			}
		}
	})
	if box.Empty() {
		return near, nil
	}
	var margin [3]int
	for a := range margin {
		margin[a] = int(min(mm/grid.Spacing[a], float64(grid.Size[a]))) + 1
	}
	box = box.Grow(margin, grid)
	set := make([]bool, 0, len(near))
	each(box, func(v [3]int) { set = append(set, near[grid.Index(v[0], v[1], v[2])]) })
	distance, err := volume.Distance(box.Size(), grid.Spacing, set)
	if err != nil {
		return nil, bad("%v", err)
	}
	at := 0
	each(box, func(v [3]int) {
		near[grid.Index(v[0], v[1], v[2])] = distance[at] <= mm
		at++
	})
	return near, nil
}

// entropy is −Σ_k p ln p of p[k·stride], nats.
func entropy(p []float32, stride, classes int) float64 {
	h := 0.0
	for k := range classes {
		if v := unit(p[k*stride]); v > 0 {
			h -= v * math.Log(v)
		}
	}
	return h
}

// borders marks the voxels that touch another class with a face.
func borders(m *volume.Mask) []bool {
	grid, labels := m.Grid(), m.Data()
	out := make([]bool, len(labels))
	step := [3]int{1, grid.Size[0], grid.Size[0] * grid.Size[1]}
	each(volume.Box{Max: grid.Size}, func(v [3]int) {
		at := grid.Index(v[0], v[1], v[2])
		for a, s := range step {
			if v[a]+1 < grid.Size[a] && labels[at] != labels[at+s] {
				out[at], out[at+s] = true, true
			}
		}
	})
	return out
}
