package metrics

import (
	"math"
	"sort"
)

// The interval of false positives per patient over which the paper integrates the FROC.
const (
	PartialFrom = 0.1
	PartialTo   = 2.5
)

// FROCPoint is what is found, and what wrongly, when candidates from a threshold on count.
type FROCPoint struct {
	Threshold      float64 `json:"threshold"`
	FalsePositives float64 `json:"falsePositives"` // per exam, of all exams
	Sensitivity    float64 `json:"sensitivity"`    // share of the lesions, 0…1
}

// FROC is the free-response receiver operating characteristic (Bunch et al., Proc. SPIE 1977; Chakraborty 2013):
// a point for every different confidence, from the highest, so that both coordinates rise. Before the first
// point lies (0, 0), where nothing counts; after the last the sensitivity stays, which picai_eval writes as a
// point at infinity. Immutable.
//
// Two things differ from picai_eval 1.4, whose lesion_TPR and lesion_FPR it is otherwise (these are in float32):
// where no lesion was missed, picai_eval replaces the last point by that at infinity and so loses it; and beyond
// 10,000 thresholds it drops some. Exams of one patient count as several patients there and here.
type FROC struct {
	Exams   int         `json:"exams"`
	Lesions int         `json:"lesions"`
	Points  []FROCPoint `json:"points"`
}

// FROC returns the curve. It fails with [ErrUndefined] where the reference has no lesion. Without any candidate
// it has no points, and every figure of it is 0.
func (d *Detection) FROC() (*FROC, error) {
	f := d.froc(nil)
	if f.Lesions == 0 {
		return nil, undefined("no exam has a lesion that could be found")
	}
	return f, nil
}

// froc returns the curve of exams that count times over; its coordinates are no numbers where no lesion is left.
func (d *Detection) froc(times []float64) *FROC {
	f := &FROC{Points: make([]FROCPoint, 0, len(d.entries))}
	exams, lesions := d.count(times, func(threshold, found, wrong float64) {
		f.Points = append(f.Points, FROCPoint{threshold, wrong, found})
	})
	for i := range f.Points {
		f.Points[i].FalsePositives /= exams
		f.Points[i].Sensitivity /= lesions
	}
	f.Exams, f.Lesions = int(exams), int(lesions)
	return f
}

// MaxSensitivity is the sensitivity when every candidate counts.
func (f *FROC) MaxSensitivity() float64 {
	if len(f.Points) == 0 {
		return 0
	}
	return f.Points[len(f.Points)-1].Sensitivity
}

// SensitivityAt is the highest sensitivity that a threshold reaches at no more than so many false positives per
// exam; 0 where none does (picai_eval's lesion_TPR_at_FPR).
func (f *FROC) SensitivityAt(falsePositives float64) float64 {
	n := f.upTo(falsePositives)
	if n == 0 {
		return 0
	}
	return f.Points[n-1].Sensitivity
}

// Interpolated is the sensitivity of the line through (0, 0) and the points, which [FROC.PartialArea] is the area
// under; the highest where the line is vertical.
func (f *FROC) Interpolated(falsePositives float64) float64 {
	n := f.upTo(falsePositives)
	before := FROCPoint{}
	if n > 0 {
		before = f.Points[n-1]
	}
	if n == len(f.Points) {
		return before.Sensitivity
	}
	after := f.Points[n]
	share := (falsePositives - before.FalsePositives) / (after.FalsePositives - before.FalsePositives)
	return before.Sensitivity + share*(after.Sensitivity-before.Sensitivity)
}

// upTo returns how many points have no more false positives.
func (f *FROC) upTo(falsePositives float64) int {
	return sort.Search(len(f.Points), func(i int) bool { return f.Points[i].FalsePositives > falsePositives })
}

// PartialArea is the area under the line through (0, 0) and the points, flat after the last, between two numbers of
// false positives per exam: picai_eval's calculate_pAUC_from_graph, which begins not at (0, 0) but flat at the
// first point, where that lies above from. It is at most to − from, 2.4 for the paper's [PartialFrom] and
// [PartialTo]. It fails with [ErrInput] unless 0 ≤ from < to, both finite.
func (f *FROC) PartialArea(from, to float64) (float64, error) {
	if !(from >= 0 && to > from && !math.IsInf(to, 1)) {
		return 0, bad("an area between %g and %g false positives per patient was asked for", from, to)
	}
	return f.area(from, to), nil
}

func (f *FROC) area(from, to float64) float64 {
	area := 0.0
	x, y := from, f.Interpolated(from)
	for _, p := range f.Points[f.upTo(from):] {
		if p.FalsePositives >= to {
			break
		}
		area += (p.FalsePositives - x) * (y + p.Sensitivity) / 2
		x, y = p.FalsePositives, p.Sensitivity
	}
	return area + (to-x)*(y+f.before(to))/2
}

// before is the sensitivity of the line at its lowest, where it is vertical.
func (f *FROC) before(falsePositives float64) float64 {
	n := sort.Search(len(f.Points), func(i int) bool { return f.Points[i].FalsePositives >= falsePositives })
	if n < len(f.Points) && f.Points[n].FalsePositives == falsePositives {
		return f.Points[n].Sensitivity
	}
	return f.Interpolated(falsePositives)
}

// RecallPoint is a point of a precision-recall curve.
type RecallPoint struct {
	Threshold float64 `json:"threshold"`
	Precision float64 `json:"precision"` // share of the candidates that are lesions, 0…1
	Recall    float64 `json:"recall"`    // share of the lesions that are found, 0…1
}

// PrecisionRecall returns precision and recall of lesions for every different confidence, from the highest: of
// picai_eval's curve the points of real thresholds. That has two more, (0, 1) before and, where lesions were
// missed, (1, 0) after. It fails with [ErrUndefined] where the reference has no lesion.
func (d *Detection) PrecisionRecall() ([]RecallPoint, error) {
	out := []RecallPoint{}
	_, lesions := d.count(nil, func(threshold, found, wrong float64) {
		out = append(out, RecallPoint{threshold, found / (found + wrong), found})
	})
	if lesions == 0 {
		return nil, undefined("no exam has a lesion that could be found")
	}
	for i := range out {
		out[i].Recall /= lesions
	}
	return out, nil
}

// AveragePrecision is the area under precision and recall as a step function, Σ (R_n − R_(n−1))·P_n (scikit-learn's
// average_precision_score); what is missed altogether counts with precision 0, as in picai_eval. It fails
// with [ErrUndefined] where the reference has no lesion.
func (d *Detection) AveragePrecision() (float64, error) {
	ap := d.averagePrecision(nil)
	if math.IsNaN(ap) {
		return 0, undefined("no exam has a lesion that could be found")
	}
	return ap, nil
}

func (d *Detection) averagePrecision(times []float64) float64 {
	sum, before := 0.0, 0.0
	_, lesions := d.count(times, func(_, found, wrong float64) {
		if found > before {
			sum += (found - before) * found / (found + wrong)
			before = found
		}
	})
	if lesions == 0 {
		return math.NaN()
	}
	return sum / lesions
}

// ROCPoint is a point of a receiver operating characteristic: what is called positive from a threshold on.
type ROCPoint struct {
	Threshold      float64 `json:"threshold"`
	FalsePositives float64 `json:"falsePositives"` // share of the negative exams: 1 − specificity
	Sensitivity    float64 `json:"sensitivity"`    // share of the positive exams
}

// ROC returns the receiver operating characteristic of the patients' scores, a point for every different score,
// from the highest; before the first lies (0, 0), and the last is (1, 1). It is scikit-learn's roc_curve with
// drop_intermediate=False, without its first point. It fails with [ErrUndefined] where all exams are
// positive, or none is.
func (d *Detection) ROC() ([]ROCPoint, error) {
	if err := d.bothKinds(); err != nil {
		return nil, err
	}
	var out []ROCPoint
	positive, negative := d.tell(nil, func(score, right, wrong float64) { out = append(out, ROCPoint{score, wrong, right}) })
	for i := range out {
		out[i].FalsePositives /= negative
		out[i].Sensitivity /= positive
	}
	return out, nil
}

// AUROC is the area under [Detection.ROC]: the function AUROC of the patients' scores, with its errors.
func (d *Detection) AUROC() (float64, error) { return AUROC(d.scores, d.positive) }

// auroc is the AUROC of exams that count times over; no number where it does not exist.
func (d *Detection) auroc(times []float64) float64 {
	area, rightBefore, wrongBefore := 0.0, 0.0, 0.0
	positive, negative := d.tell(times, func(_, right, wrong float64) {
		area += (wrong - wrongBefore) * (right + rightBefore) / 2
		rightBefore, wrongBefore = right, wrong
	})
	if positive == 0 || negative == 0 {
		return math.NaN()
	}
	return area / positive / negative
}

// tell calls at for every different score, from the highest, with the positive and negative exams from there on.
func (d *Detection) tell(times []float64, at func(score, right, wrong float64)) (positive, negative float64) {
	d.sort()
	for i, e := range d.byScore {
		if d.positive[e] {
			positive += weight(times, e)
		} else {
			negative += weight(times, e)
		}
		if i+1 == len(d.byScore) || d.scores[d.byScore[i+1]] != d.scores[e] {
			at(d.scores[e], positive, negative)
		}
	}
	return positive, negative
}

func (d *Detection) bothKinds() error {
	if d.positives == 0 || d.positives == len(d.exams) {
		return undefined("a ROC needs positive and negative patients, there are %d and %d", d.positives, len(d.exams)-d.positives)
	}
	return nil
}
