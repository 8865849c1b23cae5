package metrics

import (
	"context"
	"math"
	"slices"
)

// Strata judge detection and diagnosis over the exams of several networks, such as those of a cross-validation, whose
// scores share no scale: 0.4 of one network is not 0.4 of another, so that candidates of different networks must not
// stand in one order (Parker, Günter and Bedo, BMC Bioinformatics 2007; Airola et al., Comput. Stat. Data Anal. 2011).
// Every figure is computed for each network on its own exams and then averaged:
//
//   - AUROC by the number of pairs of a positive and a negative exam: the share of the pairs within one network that are
//     in the right order, ties counting half;
//   - AP, partial area, maximum sensitivity and the FROC at a number of false positives per exam (vertical averaging,
//     Fawcett 2006) by the number of lesions. The partial area is the area under that mean curve;
//   - the ROC at a share of false positives by the number of pairs, so that the AUROC is the area under it.
//
// A network without lesions, or with exams of one kind alone, has no weight there and spoils nothing. Of one network all
// figures are those of [Detection]. Make it with [NewStrata]. Not safe for concurrent use.
type Strata struct {
	names []string
	parts []*Detection
	index map[string]int
}

// NewStrata returns an accumulator of no exams.
func NewStrata() *Strata { return &Strata{index: map[string]int{}} }

// Add takes in an exam that the named network predicted. It fails as [Detection.Add] does.
func (s *Strata) Add(network string, e DetectionExam) error {
	at, known := s.index[network]
	if known {
		return s.parts[at].Add(e)
	}
	d := NewDetection()
	if err := d.Add(e); err != nil {
		return err
	}
	s.index[network] = len(s.parts)
	s.names, s.parts = append(s.names, network), append(s.parts, d)
	return nil
}

// Patients returns the patient of each exam, network by network in the order in which these were first met, and of
// each in the order of adding: the order of times of [Strata.Figures].
func (s *Strata) Patients() []string {
	var out []string
	for _, d := range s.parts {
		out = append(out, d.patients...)
	}
	return out
}

// Networks returns how many networks have an exam.
func (s *Strata) Networks() int { return len(s.parts) }

// Exams returns how many exams were added.
func (s *Strata) Exams() int { return s.sum((*Detection).Exams) }

// Positives returns how many exams are of patients with the disease.
func (s *Strata) Positives() int { return s.sum((*Detection).Positives) }

// Lesions returns how many lesions the reference has, in each network's exams.
func (s *Strata) Lesions() int { return s.sum((*Detection).Lesions) }

func (s *Strata) sum(of func(*Detection) int) int {
	n := 0
	for _, d := range s.parts {
		n += of(d)
	}
	return n
}

// Only returns the detection of the one network there is, nil where there are several or none.
func (s *Strata) Only() *Detection {
	if len(s.parts) != 1 {
		return nil
	}
	return s.parts[0]
}

// Figures are those of [Detected] without bands; [math.NaN] for one that does not exist.
type Figures struct{ AUROC, AP, Score, PartialArea, MaxSensitivity float64 }

// Figures computes the figures of exams that count times over, in the order of [Strata.Patients]; nil counts each once.
func (s *Strata) Figures(times []float64) Figures {
	f := s.figures(times, nil, nil)
	return Figures{f[0], f[1], f[2], f[3], f[4]}
}

// Bootstrap returns figures with bands, the band of the mean FROC at the given numbers of false positives per exam, and
// that of the mean ROC at the given shares of false positives. It fails as [Bootstrap.Bands] does.
func (s *Strata) Bootstrap(ctx context.Context, b Bootstrap, falsePositives, shares []float64) (Detected, error) {
	bands, err := b.Bands(ctx, s.Patients(), func(times []float64) []float64 { return s.figures(times, falsePositives, shares) })
	if err != nil {
		return Detected{}, err
	}
	n := 5 + len(falsePositives)
	return Detected{bands[0], bands[1], bands[2], bands[3], bands[4], bands[5:n], bands[n:]}, nil
}

// figures are those of [Detected], in its order.
func (s *Strata) figures(times, falsePositives, shares []float64) []float64 {
	const auroc, ap, score, area = 0, 1, 2, 3
	if d := s.Only(); d != nil {
		return append(d.figures(times, falsePositives), d.rocAt(times, shares)...)
	}
	pairs, lesions := &weighted{}, &weighted{}
	at := 0
	for _, d := range s.parts {
		var mine []float64
		if times != nil {
			mine = times[at : at+len(d.exams)]
		}
		at += len(d.exams)
		f := d.figures(mine, falsePositives)
		p, l := d.weights(mine)
		pairs.add(p, append([]float64{f[auroc]}, d.rocAt(mine, shares)...))
		lesions.add(l, append([]float64{f[ap]}, f[area:]...))
	}
	byPairs, byLesions := pairs.means(1+len(shares)), lesions.means(3+len(falsePositives))
	out := []float64{byPairs[0], byLesions[0], (byPairs[0] + byLesions[0]) / 2}
	return slices.Concat(out[:score+1], byLesions[1:], byPairs[1:])
}

// weighted are sums of numbers with weights. A number without weight is left out, whatever it is.
type weighted struct {
	sums   []float64
	weight float64
}

func (w *weighted) add(weight float64, values []float64) {
	if weight == 0 {
		return
	}
	if w.sums == nil {
		w.sums = make([]float64, len(values))
	}
	w.weight += weight
	for i, v := range values {
		w.sums[i] += weight * v
	}
}

// alone are the strata of one network.
func alone(d *Detection) *Strata {
	return &Strata{names: []string{""}, parts: []*Detection{d}, index: map[string]int{"": 0}}
}

// means returns n means, no numbers where nothing had a weight.
func (w *weighted) means(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
		if w.weight > 0 {
			out[i] = w.sums[i] / w.weight
		}
	}
	return out
}

// weights are what a detection counts in an average of several: its pairs of positive and negative exams, and its lesions.
func (d *Detection) weights(times []float64) (pairs, lesions float64) {
	positive, negative := 0.0, 0.0
	for e, yes := range d.positive {
		t := weight(times, e)
		if yes {
			positive += t
		} else {
			negative += t
		}
		lesions += t * float64(d.lesions[e])
	}
	return positive * negative, lesions
}

// rocAt is the sensitivity of the line through (0, 0) and the points of the ROC at ascending shares of false positives;
// the highest where the line is vertical.
func (d *Detection) rocAt(times, shares []float64) []float64 {
	if len(shares) == 0 {
		return nil
	}
	line := []ROCPoint{{}}
	positive, negative := d.tell(times, func(_, right, wrong float64) {
		line = append(line, ROCPoint{FalsePositives: wrong, Sensitivity: right})
	})
	out := make([]float64, len(shares))
	next := 0 // the first point beyond the share
	for n, x := range shares {
		for next < len(line) && line[next].FalsePositives/negative <= x {
			next++
		}
		switch {
		case next == 0: // there is no negative exam
			out[n] = math.NaN()
			continue
		case next == len(line):
			out[n] = line[next-1].Sensitivity / positive
			continue
		}
		a, b := line[next-1], line[next]
		share := (x*negative - a.FalsePositives) / (b.FalsePositives - a.FalsePositives)
		out[n] = (a.Sensitivity + share*(b.Sensitivity-a.Sensitivity)) / positive
	}
	return out
}

// PairedStrata is [Permutation.PairedDetection] for the networks of two configurations, each of which saw the same exams
// under the same name; all results of a patient, of every network, change places together. It fails with
// [ErrInput] where they did not.
func (p Permutation) PairedStrata(ctx context.Context, first, second *Strata) (DetectionTests, error) {
	if len(first.parts) != len(second.parts) {
		return DetectionTests{}, bad("%d networks cannot be compared with %d", len(first.parts), len(second.parts))
	}
	both := &Strata{}
	for n, name := range first.names {
		at, known := second.index[name]
		if !known {
			return DetectionTests{}, bad("network %q is not there in both configurations", name)
		}
		d, err := pair(first.parts[n], second.parts[at])
		if err != nil {
			return DetectionTests{}, err
		}
		both.parts = append(both.parts, d)
	}
	patients := first.Patients()
	times := [2][]float64{make([]float64, 2*len(patients)), make([]float64, 2*len(patients))}
	tests, err := p.Paired(ctx, patients, func(swapped []bool) []float64 {
		at := 0 // of the network's exams in patients
		for _, d := range first.parts {
			n := len(d.exams)
			for e := range n {
				s := 0
				if swapped != nil && swapped[at+e] {
					s = 1
				}
				times[s][2*at+e], times[s][2*at+n+e] = 1, 0
				times[1-s][2*at+e], times[1-s][2*at+n+e] = 0, 1
			}
			at += n
		}
		out := both.figures(times[1], nil, nil)
		for i, v := range both.figures(times[0], nil, nil) {
			out[i] -= v
		}
		return out
	})
	if err != nil {
		return DetectionTests{}, err
	}
	return DetectionTests{tests[0], tests[1], tests[2], tests[3], tests[4]}, nil
}
