package inference

import (
	"fmt"
	"slices"
)

// VoxelSamples is the distribution of the class probabilities at one voxel over the samples.
type VoxelSamples struct {
	Values [][]float64 // per class, in the order of drawing
	Mean   []float64   // per class, over all samples (not only the stored ones)
	SD     []float64   // per class, over all samples
	P5     []float64   // per class, over the stored samples
	P95    []float64   // per class, over the stored samples
}

// AtVoxel returns the distribution at voxel (i, j, k) of the model grid. ok is false where the
// voxel lies off the grid or outside the stored box; then Values and the percentiles are missing,
// and off the grid everything is.
func (p *Prediction) AtVoxel(i, j, k int) (v VoxelSamples, ok bool) {
	if !p.Grid.Contains(i, j, k) {
		return v, false
	}
	for c := range p.Mean {
		v.Mean = append(v.Mean, float64(p.Mean[c].At(i, j, k)))
		v.SD = append(v.SD, float64(p.SD[c].At(i, j, k)))
	}
	if p.Store == nil {
		return v, false
	}
	for c := range p.Mean {
		values := p.Store.Values(c, i, j, k)
		if len(values) == 0 {
			return VoxelSamples{Mean: v.Mean, SD: v.SD}, false
		}
		sorted := slices.Sorted(slices.Values(values))
		v.Values = append(v.Values, values)
		v.P5, v.P95 = append(v.P5, quantile(sorted, 0.05)), append(v.P95, quantile(sorted, 0.95))
	}
	return v, true
}

// SegmentHistogram counts the voxels of the predicted segment of a class by their mean probability
// of that class, in equal bins over [0, 1], 1 in the last bin: what the paper's Figure 3 shows. A
// class or number of bins that does not exist is an error.
func (p *Prediction) SegmentHistogram(class, bins int) ([]int, error) {
	if class < 0 || class >= len(p.Mean) {
		return nil, fmt.Errorf("inference: no histogram of class %d of %d", class, len(p.Mean))
	}
	return p.histogram([]int{class}, bins)
}

// ZoneHistogram is [Prediction.SegmentHistogram] for a structure by name: "WG" counts the voxels of
// TZ ∪ PZ by the sum of both probabilities.
func (p *Prediction) ZoneHistogram(name string, bins int) ([]int, error) {
	for _, z := range Zones(p.Card.Classes) {
		if z.Name == name {
			return p.histogram(z.Classes, bins)
		}
	}
	return nil, fmt.Errorf("inference: no histogram of %q: the model's classes are %q", name, p.Card.Classes)
}

func (p *Prediction) histogram(classes []int, bins int) ([]int, error) {
	if bins < 1 {
		return nil, fmt.Errorf("inference: a histogram of %d bins", bins)
	}
	count := make([]int, bins)
	for v, label := range p.Hard.Data() {
		if !slices.Contains(classes, int(label)) {
			continue
		}
		var sum float32
		for _, c := range classes {
			sum += p.Mean[c].Data()[v]
		}
		count[min(int(min(max(sum, 0), 1)*float32(bins)), bins-1)]++
	}
	return count, nil
}
