package metrics

import (
	"math"
	"slices"
)

// AUROC is the area under the receiver operating characteristic of scores, one per patient (or lesion, or
// voxel): the probability that a positive one scores higher than a negative one, ties counting half. It is
// the Mann-Whitney statistic by midranks (Hanley and McNeil, Radiology 1982), equal to the trapezoidal area of
// scikit-learn's roc_auc_score. It takes the time of sorting. Infinite scores rank as they should. It fails
// with [ErrInput] for lengths that differ or a score that is no number, and with [ErrUndefined] where all are
// positive, or none is.
func AUROC(scores []float64, positive []bool) (float64, error) {
	if len(scores) != len(positive) {
		return 0, bad("%d scores for %d patients", len(scores), len(positive))
	}
	order := make([]int, len(scores))
	positives := 0
	for i, s := range scores {
		if math.IsNaN(s) {
			return 0, bad("score %d is not a number", i)
		}
		order[i] = i
		if positive[i] {
			positives++
		}
	}
	negatives := len(scores) - positives
	if positives == 0 || negatives == 0 {
		return 0, undefined("an AUROC needs positive and negative patients, there are %d and %d", positives, negatives)
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	twice := 0 // twice the sum of the positives' midranks, counted from 1: a whole number
	for first := 0; first < len(order); {
		last := first
		for last+1 < len(order) && scores[order[last+1]] == scores[order[first]] {
			last++
		}
		for _, i := range order[first : last+1] {
			if positive[i] {
				twice += first + last + 2
			}
		}
		first = last + 1
	}
	wins := float64(twice-positives*(positives+1)) / 2
	return wins / float64(positives) / float64(negatives), nil
}
