package evaluate

import (
	"errors"
	"math"
	"slices"

	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

// SegmentBins is the number of bins of a [Segment], each a twentieth wide.
const SegmentBins = 20

// Segment is the histogram of a structure's probability over its predicted segment, as under the pictures of the
// paper's Figure 3. The segment of a zone is where it is the most probable class, and of the whole gland where one of its zones
// is; that of csPCa is the candidates of PI-CAI's dynamic extraction from a confidence of 0.1 on, which is what is
// reported of a prediction.
type Segment struct {
	Voxels int              `json:"voxels"`
	Bins   [SegmentBins]int `json:"bins"` // bin n holds n/20 ≤ p < (n+1)/20, the last one 1 too
}

func (s *Segment) add(p float64) {
	s.Voxels++
	s.Bins[metrics.BinOf(p, SegmentBins)]++
}

// Polarised is the share of the segment's voxels whose probability is 0.9 or more; [math.NaN] of no voxel. The other pole, near
// 0, is not counted: in a zone's segment it does not occur, and in a lesion's it is the rim of an unlikely candidate,
// which is the contrary of polarised.
func (s *Segment) Polarised() float64 {
	if s == nil || s.Voxels == 0 {
		return math.NaN()
	}
	sure := 0
	for _, n := range s.Bins[SegmentBins-SegmentBins/10:] {
		sure += n
	}
	return float64(sure) / float64(s.Voxels)
}

// BorderRow is how unsure an exam's prediction is; see [metrics.EntropyAtBorders].
type BorderRow struct {
	Near      *float64 `json:"near,omitempty"` // mean entropy within [metrics.BorderMM] of a border of the reference, nats; missing of no voxel
	Elsewhere *float64 `json:"elsewhere,omitempty"`
}

// ReadersRow is how near an exam's probabilities are to the shares of readers; see [metrics.CompareWithReaders].
type ReadersRow struct {
	MSE         float64  `json:"mse"`
	Disputed    int      `json:"disputedVoxels"`
	DisputedMSE *float64 `json:"disputedMSE,omitempty"` // missing where no voxel is disputed
	Unsure      *float64 `json:"unsure,omitempty"`      // likewise: share of disputed voxels at which the prediction is unsure too
}

// segments counts the histograms of an exam's structures by their names. The exam was checked.
func (x *Exam) segments(task modelcard.Task) (map[string]*Segment, error) {
	predicted, err := x.predicted(len(Classes(task)))
	if err != nil {
		return nil, err
	}
	var candidates []metrics.Candidate
	if task == modelcard.Diagnosis {
		if candidates, err = x.candidates(); err != nil {
			return nil, badExam("%v", err)
		}
	}
	out := map[string]*Segment{}
	for _, s := range structures[task] {
		out[s.name] = x.segment(s, predicted.Data(), reported(candidates), task)
	}
	return out, nil
}

// segment counts the histogram of one structure.
func (x *Exam) segment(s structure, predicted []uint8, candidates []metrics.Candidate, task modelcard.Task) *Segment {
	out := &Segment{}
	add := func(i int) {
		p := 0.0
		for _, c := range s.classes {
			p += float64(x.Probabilities[c][i])
		}
		out.add(p)
	}
	if task == modelcard.Diagnosis {
		for _, c := range candidates {
			for _, i := range c.Voxels {
				add(int(i))
			}
		}
		return out
	}
	for i, class := range predicted {
		if slices.Contains(s.classes, class) {
			add(i)
		}
	}
	return out
}

// reported are the candidates that PI-CAI's rule reports.
func reported(candidates []metrics.Candidate) []metrics.Candidate {
	from := metrics.PICAIRule().MinConfidence
	var out []metrics.Candidate
	for _, c := range candidates {
		if c.Confidence >= from {
			out = append(out, c)
		}
	}
	return out
}

// border measures the entropy of an exam's probabilities.
func border(m *Measured, x *Exam, flat []float32) error {
	b, err := metrics.EntropyAtBorders(flat, x.Reference, metrics.BorderMM, x.Region)
	if err != nil {
		return badExam("%v", err)
	}
	if b.NearVoxels+b.ElsewhereVoxels > 0 {
		m.row.Border = &BorderRow{orNil(b.Near), orNil(b.Elsewhere)}
	}
	return nil
}

// readers compares an exam's probabilities with the shares of readers.
func readers(m *Measured, x *Exam, flat []float32) error {
	q := slices.Concat(x.Readers...)
	a, err := metrics.CompareWithReaders(flat, q, len(x.Probabilities), x.Region)
	switch {
	case errors.Is(err, metrics.ErrUndefined): // a region of no voxel
		return nil
	case err != nil:
		return badExam("the shares of readers: %v", err)
	}
	m.row.Readers = &ReadersRow{MSE: a.MSE, Disputed: a.Disputed, DisputedMSE: orNil(a.DisputedMSE), Unsure: orNil(a.Unsure)}
	return nil
}

// orNil is a number that may be missing.
func orNil(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
