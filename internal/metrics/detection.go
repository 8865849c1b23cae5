package metrics

import (
	"cmp"
	"math"
	"slices"
)

// DetectionExam is what detection and diagnosis are judged by in one exam.
type DetectionExam struct {
	ID       string    `json:"id"`                // tells exams apart
	Patient  string    `json:"patient,omitempty"` // "" stands for ID; exams of one patient are resampled together
	Findings []Finding `json:"findings"`          // of [MatchRule.Match]
	Score    float64   `json:"score"`             // of the patient; PI-CAI takes the largest confidence, and 0 without candidates
	Positive bool      `json:"positive"`          // the patient has the disease
}

// Detection takes in one exam after the other and then tells how well lesions and patients were told apart:
// FROC, precision and recall, ROC and what is read from them. It keeps one number per candidate, lesion and exam,
// and no voxel. Exams may come in any order: no figure depends on it. Make it with [NewDetection].
// Not safe for concurrent use.
type Detection struct {
	exams     []string
	patients  []string
	positive  []bool
	scores    []float64
	lesions   []int // per exam, those of the reference
	index     map[string]int
	entries   []entry // candidates that found a lesion or none
	missed    int     // lesions without a candidate
	byScore   []int   // exams, the highest score first; nil until needed
	positives int
}

// entry is one candidate.
type entry struct {
	confidence float64
	lesion     bool
	exam       int32
}

// NewDetection returns an accumulator of no exams.
func NewDetection() *Detection { return &Detection{index: map[string]int{}} }

// Add takes in an exam. It fails with [ErrInput], and nothing was added, where an exam of this ID was added
// before or the ID is empty, where a number is negative or not finite, where a candidate without a lesion has no
// confidence, and where a negative patient has a lesion.
func (d *Detection) Add(e DetectionExam) error {
	if err := d.check(e); err != nil {
		return err
	}
	d.index[e.ID] = len(d.exams)
	patient := e.Patient
	if patient == "" {
		patient = e.ID
	}
	lesions := 0
	for _, f := range e.Findings {
		if f.Lesion {
			lesions++
		}
		if f.Confidence > 0 {
			d.entries = append(d.entries, entry{f.Confidence, f.Lesion, int32(len(d.exams))})
		} else {
			d.missed++
		}
	}
	if e.Positive {
		d.positives++
	}
	d.exams, d.patients, d.positive = append(d.exams, e.ID), append(d.patients, patient), append(d.positive, e.Positive)
	d.scores, d.lesions = append(d.scores, e.Score), append(d.lesions, lesions)
	d.byScore = nil
	return nil
}

func (d *Detection) check(e DetectionExam) error {
	if e.ID == "" {
		return bad("an exam has no name")
	}
	if _, known := d.index[e.ID]; known {
		return bad("exam %q is there twice", e.ID)
	}
	if !sound(e.Score) {
		return bad("exam %q has the score %g; scores are numbers of 0 or more", e.ID, e.Score)
	}
	for _, f := range e.Findings {
		switch {
		case !sound(f.Confidence):
			return bad("a candidate of exam %q has the confidence %g; confidences are numbers of 0 or more", e.ID, f.Confidence)
		case !f.Lesion && f.Confidence == 0:
			return bad("a candidate of exam %q has no confidence", e.ID)
		case f.Lesion && !e.Positive:
			return bad("exam %q has a lesion and counts as negative", e.ID)
		}
	}
	return nil
}

func sound(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

// Exams returns how many exams were added.
func (d *Detection) Exams() int { return len(d.exams) }

// Patients returns the patient of each exam, in the order of adding, as [Bootstrap.Bands] and
// [Permutation.Paired] take them. Read only.
func (d *Detection) Patients() []string { return d.patients }

// Positives returns how many exams are of patients with the disease.
func (d *Detection) Positives() int { return d.positives }

// Lesions returns how many lesions the reference has.
func (d *Detection) Lesions() int {
	n := 0
	for _, l := range d.lesions {
		n += l
	}
	return n
}

// sort brings candidates and exams in order, the highest first; of equal ones in any.
func (d *Detection) sort() {
	if d.byScore != nil || len(d.exams) == 0 {
		return
	}
	slices.SortFunc(d.entries, func(a, b entry) int { return cmp.Compare(b.confidence, a.confidence) })
	d.byScore = make([]int, len(d.exams))
	for i := range d.byScore {
		d.byScore[i] = i
	}
	slices.SortFunc(d.byScore, func(a, b int) int { return cmp.Compare(d.scores[b], d.scores[a]) })
}

// count calls at for every different confidence, from the highest, with what is found from there on. Exams
// count times over; nil counts each once.
func (d *Detection) count(times []float64, at func(threshold, found, falsePositives float64)) (exams, lesions float64) {
	d.sort()
	for e, n := range d.lesions {
		t := weight(times, e)
		exams += t
		lesions += t * float64(n)
	}
	found, wrong := 0.0, 0.0
	for i, e := range d.entries {
		if e.lesion {
			found += weight(times, int(e.exam))
		} else {
			wrong += weight(times, int(e.exam))
		}
		if i+1 == len(d.entries) || d.entries[i+1].confidence != e.confidence {
			at(e.confidence, found, wrong)
		}
	}
	return exams, lesions
}

func weight(times []float64, exam int) float64 {
	if times == nil {
		return 1
	}
	return times[exam]
}
