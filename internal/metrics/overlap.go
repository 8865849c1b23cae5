package metrics

import "bayeslice/internal/volume"

// Overlap counts the voxels of a structure: in the prediction, in the reference, in both. The zero value
// is of no voxels.
type Overlap struct {
	Predicted, Reference, Both int
}

// CountOverlap compares two segmentations, one label per voxel, of one structure: the union of classes, or
// of all but the background where none is given (the whole gland of TZ and PZ). It fails with [ErrInput]
// where the lengths differ.
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

// Add returns the overlap of both taken together, for a Dice over all voxels of all exams. The paper's is
// another: the mean of the exams' own.
func (o Overlap) Add(p Overlap) Overlap {
	return Overlap{o.Predicted + p.Predicted, o.Reference + p.Reference, o.Both + p.Both}
}

// Dice is the hard Dice similarity coefficient 2·|P ∩ R| / (|P| + |R|) (Dice, Ecology 1945), 0…1. Where
// both are empty it is 1: nothing was there, and nothing was found. Where one is, it is 0.
func (o Overlap) Dice() float64 {
	if o.Predicted+o.Reference == 0 {
		return 1
	}
	return 2 * float64(o.Both) / float64(o.Predicted+o.Reference)
}

// Sensitivity (recall) is the share of the reference that was found, |P ∩ R| / |R|, 0…1. It fails with
// [ErrUndefined] where the reference is empty.
func (o Overlap) Sensitivity() (float64, error) {
	if o.Reference == 0 {
		return 0, undefined("nothing is in the reference that could be found")
	}
	return float64(o.Both) / float64(o.Reference), nil
}

// Precision is the share of what was predicted that is in the reference, |P ∩ R| / |P|, 0…1. It fails with
// [ErrUndefined] where nothing was predicted.
func (o Overlap) Precision() (float64, error) {
	if o.Predicted == 0 {
		return 0, undefined("nothing was predicted that could be right")
	}
	return float64(o.Both) / float64(o.Predicted), nil
}

// HardDice is [CountOverlap] and [Overlap.Dice] in one.
func HardDice(predicted, reference []uint8, classes ...uint8) (float64, error) {
	o, err := CountOverlap(predicted, reference, classes...)
	if err != nil {
		return 0, err
	}
	return o.Dice(), nil
}

// SoftOverlap is [Overlap] with probabilities in place of predicted voxels. The zero value is of no voxels.
type SoftOverlap struct {
	Predicted float64 // Σ p
	Reference int     // |R|
	Both      float64 // Σ p over R
}

// CountSoftOverlap compares probabilities [K, voxels] with a reference; the probability of a union of
// classes is the sum of theirs, and no class given means all but the background. It fails with [ErrInput]
// for lengths that do not fit, values that are no probabilities, voxels whose classes do not add up to 1,
// and classes of K or more.
func CountSoftOverlap(p []float32, reference []uint8, classes ...uint8) (SoftOverlap, error) {
	k, err := checkProbabilities(p, reference)
	if err != nil {
		return SoftOverlap{}, err
	}
	for _, c := range classes {
		if int(c) >= k && k > 0 {
			return SoftOverlap{}, bad("class %d was asked for, but there are probabilities of %d classes, the background included", c, k)
		}
	}
	in := structure(classes)
	var o SoftOverlap
	for i, r := range reference {
		v := 0.0
		for c := range k {
			if in[c] {
				v += unit(p[c*len(reference)+i])
			}
		}
		v = min(v, 1)
		o.Predicted += v
		if in[r] {
			o.Reference++
			o.Both += v
		}
	}
	return o, nil
}

// Add returns the overlap of both taken together; see [Overlap.Add].
func (o SoftOverlap) Add(p SoftOverlap) SoftOverlap {
	return SoftOverlap{o.Predicted + p.Predicted, o.Reference + p.Reference, o.Both + p.Both}
}

// Dice is the soft Dice similarity coefficient 2·Σ p·r / (Σ p + Σ r), 0…1, without squares in the denominator,
// as in nnU-Net (Isensee et al. 2021). For probabilities of 0 and 1 it is [Overlap.Dice], with the same
// conventions for what is empty.
func (o SoftOverlap) Dice() float64 {
	sum := o.Predicted + float64(o.Reference)
	if sum == 0 {
		return 1
	}
	return 2 * o.Both / sum
}

// SoftDice is [CountSoftOverlap] and [SoftOverlap.Dice] in one.
func SoftDice(p []float32, reference []uint8, classes ...uint8) (float64, error) {
	o, err := CountSoftOverlap(p, reference, classes...)
	if err != nil {
		return 0, err
	}
	return o.Dice(), nil
}

// CentreDistance returns the distance in mm between the centres of mass of one structure (the union of
// classes, or all labels where none is given) in two segmentations, which may lie on different grids of one
// world. It fails with [ErrUndefined] where the structure is missing in one of them.
func CentreDistance(predicted, reference *volume.Mask, classes ...uint8) (mm float64, err error) {
	p, r := predicted.Region(classes...), reference.Region(classes...)
	if p.Voxels == 0 || r.Voxels == 0 {
		return 0, undefined("a structure of no voxels has no centre")
	}
	return p.Centre.Sub(r.Centre).Norm(), nil
}
