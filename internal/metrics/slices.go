package metrics

import "bayeslice/internal/volume"

// CountSliceOverlaps is [CountOverlap] slice by slice (k) of one grid: the strip along a stack that shows where two
// segmentations part. A slice in which both are empty is [Overlap]'s zero value, whose Dice is 1. It fails
// with [ErrInput] where the grids differ by 0.01 mm or more.
func CountSliceOverlaps(predicted, reference *volume.Mask, classes ...uint8) ([]Overlap, error) {
	if err := oneGrid(predicted, reference); err != nil {
		return nil, err
	}
	size := predicted.Grid().Size
	area := size[0] * size[1]
	out := make([]Overlap, size[2])
	for k := range out {
		o, err := CountOverlap(predicted.Data()[k*area:(k+1)*area], reference.Data()[k*area:(k+1)*area], classes...)
		if err != nil {
			return nil, err
		}
		out[k] = o
	}
	return out, nil
}

// Volumes are the volumes of one structure in two segmentations, in millilitres.
type Volumes struct {
	PredictedML float64 `json:"predictedML"`
	ReferenceML float64 `json:"referenceML"`
}

// CompareVolumes measures one structure, the union of classes or all labels where none is given, in two
// segmentations, which may lie on different grids.
func CompareVolumes(predicted, reference *volume.Mask, classes ...uint8) Volumes {
	return Volumes{predicted.Region(classes...).ML, reference.Region(classes...).ML}
}

// DifferenceML is the predicted volume less that of the reference, mL: positive where too much was segmented.
func (v Volumes) DifferenceML() float64 { return v.PredictedML - v.ReferenceML }

// Relative is the difference as a share of the reference volume (the relative volume difference of Heimann et
// al., IEEE TMI 2009, with its sign and not in percent). It fails with [ErrUndefined] where the reference is empty.
func (v Volumes) Relative() (float64, error) {
	if v.ReferenceML == 0 {
		return 0, undefined("a reference of no volume has no share")
	}
	return v.DifferenceML() / v.ReferenceML, nil
}

// oneGrid refuses segmentations on different grids.
func oneGrid(a, b *volume.Mask) error {
	if !a.Grid().SameAs(b.Grid(), 0.01) {
		return bad("the segmentations lie on different grids; bring both to one")
	}
	return nil
}
