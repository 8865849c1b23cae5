package metrics

import "math"

// From and to which share of the readers a voxel is disputed, and a prediction unsure of it.
const (
	DisputedFrom = 0.1
	DisputedTo   = 0.9
)

// Agreement is how near probabilities are to the shares of readers who gave each label.
type Agreement struct {
	Voxels      int
	MSE         float64 // mean over voxels of Σ_k (p_k − q_k)², 0…2: the Brier score against shares
	Disputed    int     // voxels of which the share of some class lies between [DisputedFrom] and [DisputedTo]
	DisputedMSE float64 // MSE over these; [math.NaN] where there are none
	Unsure      float64 // share of these where the probability of such a class lies between the same ends; likewise
	Doubted     int     // voxels of which the probability of some class lies between the ends
	Agreed      float64 // share of these where the share of no such class does: the readers agree; [math.NaN] where there are none
}

// CompareWithReaders compares probabilities p [K, voxels] with the shares q [K, voxels] of readers who gave a voxel each
// label, background first. region, of which nil is everything, restricts what is compared. A probability that is as
// calibrated as it can be is the readers' share. It fails with [ErrInput] where lengths differ, or values are no
// probabilities of classes that add up to 1, and with [ErrUndefined] where no voxel is compared.
func CompareWithReaders(p, q []float32, classes int, region []bool) (Agreement, error) {
	if classes < 2 || len(p) != len(q) || len(p)%classes != 0 {
		return Agreement{}, bad("%d probabilities and %d shares of readers for %d classes", len(p), len(q), classes)
	}
	n := len(p) / classes
	if region != nil && len(region) != n {
		return Agreement{}, bad("the region has %d voxels, the probabilities %d", len(region), n)
	}
	for _, x := range [][]float32{p, q} {
		if _, err := checkProbabilities(x, make([]uint8, n)); err != nil {
			return Agreement{}, err
		}
	}
	var a Agreement
	unsure, agreed := 0, 0
	for i := range n {
		if region != nil && !region[i] {
			continue
		}
		square, disputed, doubted, both := atVoxel(p[i:], q[i:], n, classes)
		a.Voxels++
		a.MSE += square
		if disputed {
			a.Disputed++
			a.DisputedMSE += square
		}
		if both {
			unsure++
		}
		if doubted {
			a.Doubted++
		}
		if doubted && !both {
			agreed++
		}
	}
	if a.Voxels == 0 {
		return Agreement{}, undefined("no voxel was given to compare with readers")
	}
	a.MSE /= float64(a.Voxels)
	a.DisputedMSE /= float64(a.Disputed)
	a.Unsure = float64(unsure) / float64(a.Disputed)
	a.Agreed = float64(agreed) / float64(a.Doubted)
	if a.Doubted == 0 {
		a.Agreed = math.NaN()
	}
	if a.Disputed == 0 {
		a.DisputedMSE, a.Unsure = math.NaN(), math.NaN()
	}
	return a, nil
}

// atVoxel compares one voxel, of which class k has p[k·stride]: whether the readers dispute a class, whether the
// probability of a class is in doubt, and whether some class is both.
func atVoxel(p, q []float32, stride, classes int) (square float64, disputed, doubted, both bool) {
	for k := range classes {
		mine, theirs := unit(p[k*stride]), unit(q[k*stride])
		square += (mine - theirs) * (mine - theirs)
		theirsOpen, mineOpen := theirs >= DisputedFrom && theirs <= DisputedTo, mine >= DisputedFrom && mine <= DisputedTo
		disputed, doubted, both = disputed || theirsOpen, doubted || mineOpen, both || theirsOpen && mineOpen
	}
	return square, disputed, doubted, both
}
