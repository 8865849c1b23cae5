package inference

import "bayeslice/internal/geom"

// SampleStore keeps every sample's probabilities as bytes (p·255 rounded) for a box of the model
// grid round the gland. Readable from any goroutine.
type SampleStore struct {
	Lo, Hi  [3]int // box in voxels (i, j, k), Lo inclusive, Hi exclusive
	Classes int    // K, background included
	samples [][]uint8
}

// Len returns the number of stored samples.
func (s *SampleStore) Len() int { return len(s.samples) }

// At returns the probability of a class in sample n at voxel (i, j, k) of the model grid.
// ok is false outside the stored box.
func (s *SampleStore) At(n, class, i, j, k int) (p float64, ok bool) {
	v := [3]int{i, j, k}
	for a := range 3 {
		if v[a] < s.Lo[a] || v[a] >= s.Hi[a] {
			return 0, false
		}
	}
	box := geom.Grid{Size: [3]int{s.Hi[0] - s.Lo[0], s.Hi[1] - s.Lo[1], s.Hi[2] - s.Lo[2]}}
	at := class*box.Voxels() + box.Index(i-s.Lo[0], j-s.Lo[1], k-s.Lo[2])
	return float64(s.samples[n][at]) / 255, true
}
