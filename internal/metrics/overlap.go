package metrics

import (
	"math"

	"bayeslice/internal/volume"
)

// Overlap counts the voxels of a structure: in the prediction, in the reference, in both. The zero value
// is of no voxels.
type Overlap struct {
	Predicted, Reference, Both int
}

// CountOverlap compares two segmentations, one label per voxel, of one structure: the union of classes, or
// all but the background, class 0, where none is given (the whole gland of TZ and PZ). It fails with
// [ErrInput] where the lengths differ.
func CountOverlap(predicted, reference []uint8, classes ...uint8) (Overlap, error) {
	if len(predicted) != len(reference) {
		return Overlap{}, bad("the prediction has %d voxels, the reference %d; bring both to one grid", len(predicted), len(reference))
	}
	in := structure(classes)
	var o Overlap
	for i, p := range predicted {
		r := in[reference[i]]
		if r {
			o.Reference++
		}
		if in[p] {
			o.Predicted++
			if r {
				o.Both++
			}
		}
	}
	return o, nil
}

// Add returns the overlap of two parts of a cohort taken together, for a Dice over all voxels of all exams;
// the paper's is the mean of the exams' own.
func (o Overlap) Add(p Overlap) Overlap {
	return Overlap{o.Predicted + p.Predicted, o.Reference + p.Reference, o.Both + p.Both}
}

// Dice is the hard Dice similarity coefficient 2·|P ∩ R| / (|P| + |R|) (Dice 1945), 0…1. Where both are
// empty it is 1: nothing was there, and nothing was found. Where one is, it is 0.
func (o Overlap) Dice() float64 {
	if o.Predicted+o.Reference == 0 {
		return 1
	}
	return 2 * float64(o.Both) / float64(o.Predicted+o.Reference)
}

// HardDice is [CountOverlap] and [Overlap.Dice] in one.
func HardDice(predicted, reference []uint8, classes ...uint8) (float64, error) {
	o, err := CountOverlap(predicted, reference, classes...)
	return o.Dice(), err
}

// CentreDistance returns the distance in mm between the centres of mass of one structure (the union of
// classes, or all labels where none is given) in two segmentations, which may lie on different grids of one
// world. It is 0 where both are empty, and +Inf where one is.
func CentreDistance(predicted, reference *volume.Mask, classes ...uint8) float64 {
	p, r := predicted.Region(classes...), reference.Region(classes...)
	switch {
	case p.Voxels == 0 && r.Voxels == 0:
		return 0
	case p.Voxels == 0 || r.Voxels == 0:
		return math.Inf(1)
	}
	return p.Centre.Sub(r.Centre).Norm()
}
