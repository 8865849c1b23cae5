package metrics

import "math"

const (
	// DefaultBins is the number of bins of equal width by which calibration is judged unless said otherwise
	// (Guo et al. 2017 use 15, most later work 10).
	DefaultBins = 10
	// NLLFloor is the least probability whose logarithm is taken: without it one voxel of probability 0, of
	// which a network trained for overlap has many, makes a cohort's NLL infinite. No voxel counts more than
	// −ln 10⁻¹² = 27.6 nats.
	NLLFloor = 1e-12
)

// Calibration accumulates, voxel by voxel, what tells whether probabilities mean what they say. Its memory
// depends on neither the number of voxels nor that of exams. Make it with [NewCalibration]. Sums are in
// float64 in the order of adding, so that the same order gives the same bits. Not safe for concurrent use;
// to share the work, give each goroutine its own and [Calibration.Merge] them in a fixed order.
type Calibration struct {
	classes, bins int
	voxels        int
	nll, brier    float64
	top           []counts   // by the confidence of the predicted class
	each          [][]counts // per class, by its probability
	squares       []float64  // per class: Σ (p − y)²
}

// counts are the sums of one bin.
type counts struct {
	voxels     int
	confidence float64
	hits       int
}

// NewCalibration returns an accumulator for K classes, background included, and a number of bins, 0 for
// [DefaultBins]. It fails with [ErrInput] where there are fewer than two classes or more than 256, or a
// number of bins that is negative.
func NewCalibration(classes, bins int) (*Calibration, error) {
	if classes < 2 || classes > 256 {
		return nil, bad("%d classes; there must be 2 to 256, the background included", classes)
	}
	if bins < 0 {
		return nil, bad("%d bins", bins)
	}
	if bins == 0 {
		bins = DefaultBins
	}
	c := &Calibration{classes: classes, bins: bins, top: make([]counts, bins), squares: make([]float64, classes)}
	for range classes {
		c.each = append(c.each, make([]counts, bins))
	}
	return c, nil
}

// Add takes in the probabilities [K, voxels] and the true class of each voxel. Neither is kept. On an error, which
// is [ErrInput] as of [CountSoftOverlap], nothing was added.
func (c *Calibration) Add(p []float32, labels []uint8) error { return c.AddWithin(p, labels, nil) }

// AddWithin is Add for the voxels of a region alone, such as the gland with a margin: over a whole image the
// background, of which every network is sure, hides the rest. nil is every voxel.
func (c *Calibration) AddWithin(p []float32, labels []uint8, region []bool) error {
	if region != nil && len(region) != len(labels) {
		return bad("the region has %d voxels, the labels %d", len(region), len(labels))
	}
	k, err := checkProbabilities(p, labels)
	if err != nil {
		return err
	}
	if k != c.classes && len(labels) > 0 {
		return bad("there are probabilities of %d classes, this calibration is of %d", k, c.classes)
	}
	n := len(labels)
	for i, label := range labels {
		if region == nil || region[i] {
			c.voxel(p[i:], n, int(label))
		}
	}
	return nil
}

// voxel takes in one voxel, of which class k has probability p[k·stride].
func (c *Calibration) voxel(p []float32, stride, label int) {
	c.voxels++
	best, predicted := -1.0, 0
	for k := range c.classes {
		v, y := unit(p[k*stride]), 0.0
		if k == label {
			y = 1
			c.nll -= math.Log(max(v, NLLFloor))
		}
		if v > best {
			best, predicted = v, k
		}
		square := (v - y) * (v - y)
		c.brier += square
		c.squares[k] += square
		c.each[k][c.bin(v)].add(v, k == label)
	}
	c.top[c.bin(best)].add(best, predicted == label)
}

// BinOf returns the bin of equal width, of those of a reliability diagram ([Bin]), that holds a probability
// of 0…1; what rounding carries beyond counts as 0 or 1, and no number as 0.
func BinOf(p float64, bins int) int {
	if !(p > 0) {
		return 0
	}
	return int(min(p*float64(bins), float64(bins-1)))
}

func (c *Calibration) bin(v float64) int { return BinOf(v, c.bins) }

func (b *counts) add(confidence float64, hit bool) {
	b.voxels++
	b.confidence += confidence
	if hit {
		b.hits++
	}
}

// Merge adds what another calibration has taken in, which stays as it is. It fails with [ErrInput] where classes or bins differ.
func (c *Calibration) Merge(o *Calibration) error {
	if c.classes != o.classes || c.bins != o.bins {
		return bad("a calibration of %d classes in %d bins cannot be merged with one of %d in %d", c.classes, c.bins, o.classes, o.bins)
	}
	c.voxels += o.voxels
	c.nll += o.nll
	c.brier += o.brier
	merge(c.top, o.top)
	for k := range c.each {
		merge(c.each[k], o.each[k])
		c.squares[k] += o.squares[k]
	}
	return nil
}

func merge(into, from []counts) {
	for i, b := range from {
		into[i].voxels += b.voxels
		into[i].confidence += b.confidence
		into[i].hits += b.hits
	}
}

// Calibrated is what a [Calibration] measured.
type Calibrated struct {
	Voxels int     `json:"voxels"`
	NLL    float64 `json:"nll"`   // mean of −ln p of the true class, nats, with p ≥ [NLLFloor]
	Brier  float64 `json:"brier"` // mean of Σ_k (p_k − y_k)² (Brier 1950), 0…2
	// ECE is the expected calibration error (Guo et al. 2017): Σ over bins of share of voxels · |frequency −
	// confidence|, binned by the probability of the predicted class, the first of equal ones. 0…1.
	ECE         float64           `json:"ece"`
	Reliability []Bin             `json:"reliability"` // the bins of ECE
	Classes     []CalibratedClass `json:"classes"`     // background first
}

// CalibratedClass is the calibration of the probability of one class against all others.
type CalibratedClass struct {
	Brier       float64 `json:"brier"` // mean of (p − y)², 0…1: scikit-learn's brier_score_loss
	ECE         float64 `json:"ece"`   // as [Calibrated.ECE], binned by the probability of the class (Kull et al. 2019; Nixon et al. 2019)
	Reliability []Bin   `json:"reliability"`
}

// Bin is one interval Low ≤ confidence < High of a reliability diagram; the last one holds 1 too. Of an empty
// bin Confidence and Frequency are 0 and mean nothing.
type Bin struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Voxels     int     `json:"voxels"`
	Confidence float64 `json:"confidence"` // mean probability
	Frequency  float64 `json:"frequency"`  // share of voxels for which it came true
}

// CalibrationOf takes a result apart again into the sums it was made of, to [Calibration.Merge] it with others: figures of
// several cohorts taken together need no voxel anew. Sums differ from the first ones by rounding. It fails with [ErrInput] where
// the result contradicts itself.
func CalibrationOf(r Calibrated) (*Calibration, error) {
	c, err := NewCalibration(len(r.Classes), len(r.Reliability))
	if err != nil {
		return nil, err
	}
	n := float64(r.Voxels)
	c.voxels, c.nll, c.brier = r.Voxels, r.NLL*n, r.Brier*n
	if err := c.restore(c.top, r.Reliability); err != nil {
		return nil, err
	}
	for k, class := range r.Classes {
		c.squares[k] = class.Brier * n
		if err := c.restore(c.each[k], class.Reliability); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// restore is the inverse of reliability.
func (c *Calibration) restore(sums []counts, bins []Bin) error {
	total := 0
	if len(bins) != len(sums) {
		return bad("the result has %d bins and %d bins", len(sums), len(bins))
	}
	for i, b := range bins {
		n := float64(b.Voxels)
		sums[i] = counts{voxels: b.Voxels, confidence: b.Confidence * n, hits: int(math.Round(b.Frequency * n))}
		total += b.Voxels
	}
	if total != c.voxels {
		return bad("the bins hold %d voxels of %d", total, c.voxels)
	}
	return nil
}

// Result returns what was measured so far. It fails with [ErrUndefined] where no voxel was added.
func (c *Calibration) Result() (Calibrated, error) {
	if c.voxels == 0 {
		return Calibrated{}, undefined("no voxel was given to judge calibration by")
	}
	n := float64(c.voxels)
	r := Calibrated{Voxels: c.voxels, NLL: c.nll / n, Brier: c.brier / n}
	r.ECE, r.Reliability = c.reliability(c.top)
	for k, squares := range c.squares {
		class := CalibratedClass{Brier: squares / n}
		class.ECE, class.Reliability = c.reliability(c.each[k])
		r.Classes = append(r.Classes, class)
	}
	return r, nil
}

// reliability turns sums into means, and their calibration error.
func (c *Calibration) reliability(sums []counts) (ece float64, bins []Bin) {
	for i, s := range sums {
		b := Bin{Low: float64(i) / float64(c.bins), High: float64(i+1) / float64(c.bins), Voxels: s.voxels}
		if n := float64(s.voxels); n > 0 {
			b.Confidence, b.Frequency = s.confidence/n, float64(s.hits)/n
			ece += n / float64(c.voxels) * math.Abs(b.Frequency-b.Confidence)
		}
		bins = append(bins, b)
	}
	return ece, bins
}
