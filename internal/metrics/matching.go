package metrics

import (
	"math"

	"bayeslice/internal/volume"
)

// DefaultMinIoU is the overlap from which a candidate finds a lesion in PI-CAI (Saha et al., Lancet Oncology 2024).
const DefaultMinIoU = 0.10

// Finding is one row of the lesion results of an exam, as picai_eval lists them: a lesion that was found
// (Lesion, Confidence > 0), one that was missed (Lesion, Confidence 0), or a false positive (no Lesion).
type Finding struct {
	Lesion     bool    `json:"lesion"`     // it is in the reference
	Confidence float64 `json:"confidence"` // of the candidate; 0 for a lesion that was missed
	IoU        float64 `json:"iou"`        // of candidate and lesion, 0…1; 0 where they are not a pair
}

// MatchRule says when a candidate finds a lesion. The zero value is the rule of PI-CAI.
type MatchRule struct {
	MinIoU float64 // least intersection over union, inclusive; 0 stands for [DefaultMinIoU]
	// Strict counts every candidate without a lesion of its own as a false positive. Else one that reaches MinIoU
	// with a lesion that another candidate found is left out, which is how PI-CAI counts.
	Strict bool
}

// Match pairs the candidates of an exam with the lesions of its reference, which are the components of
// [volume.Components] with connectivity [volume.Corners]: one candidate to one lesion, so that the number of pairs
// is the largest possible, and of those pairings the one of the largest total IoU. It equals picai_eval 1.4's
// evaluate_case (Saha et al.; github.com/DIAGNijmegen/picai_eval), up to the 10⁻⁸ that picai_eval adds to both
// sides of the fraction; of pairings that are equally good it takes the one that SciPy's
// linear_sum_assignment does. The findings are in picai_eval's order: pairs by lesion, missed lesions, false
// positives.
//
// An empty reference makes every candidate a false positive, no candidate every lesion a missed one, and an
// empty pair nothing. It fails with [ErrInput] for a MinIoU beyond 0…1 and for voxels off the reference's grid.
func (m MatchRule) Match(found []Candidate, reference *volume.Labels) ([]Finding, error) {
	least := m.MinIoU
	if least == 0 {
		least = DefaultMinIoU
	}
	if !(least > 0 && least <= 1) {
		return nil, bad("the least overlap is %g; it must be above 0 and at most 1", m.MinIoU)
	}
	iou, err := overlaps(found, reference)
	if err != nil {
		return nil, err
	}
	near := make([]bool, len(found)) // candidates that reach a lesion
	gain := make([][]float64, len(iou))
	for l, row := range iou {
		gain[l] = make([]float64, len(row))
		for c, v := range row {
			if v >= least {
				gain[l][c], near[c] = 1+v, true
			}
		}
	}
	return m.findings(found, iou, assign(gain, len(found)), near), nil
}

// findings lists pairs, missed lesions and false positives. pair holds the candidate of each lesion or −1.
func (m MatchRule) findings(found []Candidate, iou [][]float64, pair []int, near []bool) []Finding {
	out := []Finding{}
	used, missed := make([]bool, len(found)), 0
	for l, c := range pair {
		if c < 0 {
			missed++
			continue
		}
		used[c] = true
		out = append(out, Finding{Lesion: true, Confidence: found[c].Confidence, IoU: iou[l][c]})
	}
	for range missed {
		out = append(out, Finding{Lesion: true})
	}
	for c := range found {
		if !used[c] && (m.Strict || !near[c]) {
			out = append(out, Finding{Confidence: found[c].Confidence})
		}
	}
	return out
}

// overlaps returns the intersection over union of every lesion with every candidate.
func overlaps(found []Candidate, reference *volume.Labels) ([][]float64, error) {
	out := make([][]float64, len(reference.Components))
	for l := range out {
		out[l] = make([]float64, len(found))
	}
	for c, candidate := range found {
		for _, v := range candidate.Voxels {
			if v < 0 || int(v) >= len(reference.IDs) {
				return nil, bad("candidate %d has voxels off the reference's grid; bring both to one", c+1)
			}
			if id := reference.IDs[v]; id > 0 {
				out[id-1][c]++
			}
		}
		for l, component := range reference.Components {
			both := out[l][c]
			out[l][c] = both / (float64(component.Voxels+len(candidate.Voxels)) - both)
		}
	}
	return out, nil
}

// DetectionMap takes the candidates out of a detection map, in which every voxel of a candidate holds its
// confidence and every other voxel 0: components of what is not 0, by [volume.Corners], in the order in which
// their first voxel is met, with the largest value as confidence (picai_eval's parse_detection_map). A mask is such
// a map. It fails with [ErrInput] for a value that is negative or not finite, and where there are more different
// values than components: that is a probability map, from which [LesionRule] takes candidates.
func DetectionMap(v *volume.Volume) ([]Candidate, error) {
	data := v.Data()
	for i, p := range data {
		if !(p >= 0 && p <= math.MaxFloat32) {
			return nil, bad("the detection map holds %g at voxel %d; confidences are 0 or more", p, i)
		}
	}
	labels := volume.Components(v.Grid(), func(i int) bool { return data[i] > 0 }, volume.Corners)
	out, different := make([]Candidate, len(labels.Components)), map[float32]bool{}
	for i, id := range labels.IDs {
		if id == 0 {
			continue
		}
		if different[data[i]] = true; len(different) > len(out) {
			return nil, bad("a map of more different values than connected parts, of which it has %d, is no detection map but one of probabilities", len(out))
		}
		c := &out[id-1]
		if p := float64(data[i]); p > c.Confidence {
			c.Confidence, c.Peak = p, i
		}
		c.Voxels = append(c.Voxels, int32(i))
	}
	return out, nil
}
