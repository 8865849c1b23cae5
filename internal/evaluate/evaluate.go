// Package evaluate measures a cohort of predictions against its references, as the paper does: how good
// segmentations are, whether probabilities mean what they say, which lesions are found and which patients. Exams come
// one at a time ([Evaluator]) or from two folders ([Run]); what is kept of each is a row of figures, never a voxel.
// The result is written as JSON, CSV and one HTML page with the panels of the paper's Figures 2 and 3 ([WriteFolder]);
// those of the networks of a cross-validation are joined ([Pool]), and several are compared ([Compare], [Contrast]).
//
// Definitions stand in package metrics. All figures are in three dimensions, on the grid of the reference. The same
// input and seed give the same result, whatever the number of threads. The package draws no random number but
// from the seed of its settings, and takes the time from its caller.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// Sentinels; their texts say what is wrong with what.
var (
	// ErrExam: an exam cannot be evaluated.
	ErrExam = errors.New("evaluate: the exam cannot be evaluated")
	// ErrFolder: a folder of predictions or labels cannot be used as a whole.
	ErrFolder = errors.New("evaluate: the folders cannot be evaluated")
	// ErrSettings: something was asked for that does not exist.
	ErrSettings = errors.New("evaluate: unusable settings")
)

func badExam(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrExam, fmt.Sprintf(format, a...))
}

// Settings say what is measured and how. Task is needed; the zero value of everything else is usable.
type Settings struct {
	Task      modelcard.Task
	Match     metrics.MatchRule
	Bins      int // of the calibration; 0 stands for [metrics.DefaultBins]
	Bootstrap metrics.Bootstrap
}

// Structures of the tasks, by the classes of [Exam].
var structures = map[modelcard.Task][]structure{
	modelcard.Anatomy:   {{"WG", []uint8{1, 2}}, {"TZ", []uint8{1}}, {"PZ", []uint8{2}}},
	modelcard.Diagnosis: {{"csPCa", []uint8{1}}},
}

type structure struct {
	name    string
	classes []uint8
}

// Classes names the classes of a task, background first: the order of [Exam]'s probabilities and labels.
func Classes(t modelcard.Task) []string {
	if t == modelcard.Anatomy {
		return []string{"background", "TZ", "PZ"}
	}
	return []string{"background", "csPCa"}
}

// Exam is a prediction and its reference, on one grid. Exactly one of Probabilities, Mask and Map is set.
type Exam struct {
	ID      string
	Patient string // "" stands for ID

	Probabilities [][]float32    // per class of [Classes], per voxel, i fastest; they add up to 1
	Mask          *volume.Mask   // classes
	Map           *volume.Volume // a detection map of csPCa ([metrics.DetectionMap])

	Grid      geom.Grid    // of the prediction; the reference must lie on it, as [Mismatch] says
	Reference *volume.Mask // classes
	Region    []bool       // voxels by which calibration is judged; nil is all of them
	Notes     []string     // what was assumed while reading, for the row

	// Readers are, where they are known, the shares of readers who gave a voxel each class, as Probabilities; nil else.
	// They need probabilities.
	Readers [][]float32
}

// Kind says what a prediction consisted of.
type Kind string

// Kinds of predictions. Masks have neither soft Dice nor calibration, and every candidate of one has confidence 1;
// detection maps have no soft Dice and no calibration either.
const (
	Probabilities Kind = "probabilities"
	Masks         Kind = "mask"
	DetectionMaps Kind = "detection map"
)

func (x *Exam) kind() Kind {
	switch {
	case x.Probabilities != nil:
		return Probabilities
	case x.Mask != nil:
		return Masks
	}
	return DetectionMaps
}

// Evaluator takes in one exam after the other. Make it with [New]. [Evaluator.Measure] is safe for concurrent use, the
// rest is not.
type Evaluator struct {
	settings    Settings
	rows        []Row
	problems    []Problem
	examples    []Example
	undefined   map[string]string // beside figures
	calibration *metrics.Calibration
	detection   *metrics.Strata
	known       map[string]bool
}

// New returns an evaluator of no exams. It fails with [ErrSettings] for a task that does not exist or settings that
// package metrics refuses.
func New(s Settings) (*Evaluator, error) {
	if structures[s.Task] == nil {
		return nil, fmt.Errorf("%w: %q is no task; choose %s or %s", ErrSettings, s.Task, modelcard.Anatomy, modelcard.Diagnosis)
	}
	c, err := metrics.NewCalibration(len(Classes(s.Task)), s.Bins)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if _, err := s.Match.Match(nil, &volume.Labels{}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if _, err := s.Bootstrap.Mean(context.Background(), []string{""}, []float64{0}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return &Evaluator{settings: s, calibration: c, detection: metrics.NewStrata(), known: map[string]bool{}, undefined: map[string]string{}}, nil
}

// Measured is what [Evaluator.Add] takes in of an exam.
type Measured struct {
	row         Row
	calibration *metrics.Calibration // nil where there are no probabilities
}

// Row returns the figures of the exam.
func (m *Measured) Row() Row { return m.row }

// Measure computes the figures of an exam. It fails with [ErrExam], which says what is wrong, or with ctx's error.
func (e *Evaluator) Measure(ctx context.Context, x *Exam) (*Measured, error) {
	predicted, err := x.check(e.settings.Task)
	if err != nil {
		return nil, err
	}
	reference, err := onto(x.Reference, x.Grid)
	if err != nil {
		return nil, err
	}
	m := &Measured{row: Row{ID: x.ID, Patient: x.Patient, Kind: x.kind(), Notes: slices.Clone(x.Notes)}}
	if !sameGrid(x.Grid, x.Reference.Grid(), gridNote) {
		m.row.Notes = append(m.row.Notes, fmt.Sprintf("prediction and label lie up to %.2g mm apart and were compared voxel by voxel", furthest(x.Grid, x.Reference.Grid())))
	}
	var flat []float32 // [K, voxels]
	if x.Probabilities != nil {
		flat = slices.Concat(x.Probabilities...)
		if err := e.calibrate(m, x, flat); err != nil {
			return nil, err
		}
		if err := border(m, x, flat); err != nil {
			return nil, err
		}
	}
	for _, s := range structures[e.settings.Task] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := compare(predicted, reference, flat, s)
		if err != nil {
			return nil, err
		}
		m.row.Structures = append(m.row.Structures, r)
	}
	var found []metrics.Candidate
	if e.settings.Task == modelcard.Diagnosis {
		if m.row.Lesions, found, err = e.detect(x); err != nil {
			return nil, err
		}
	}
	if x.Probabilities != nil {
		for n, s := range structures[e.settings.Task] {
			m.row.Structures[n].Segment = x.segment(s, predicted.Data(), reported(found), e.settings.Task)
		}
	}
	return m, ctx.Err()
}

// check refuses an exam that cannot be measured, and returns the predicted classes.
func (x *Exam) check(task modelcard.Task) (*volume.Mask, error) {
	classes := len(Classes(task))
	switch {
	case x.ID == "":
		return nil, badExam("it has no name")
	case x.Reference == nil:
		return nil, badExam("it has no reference")
	case x.Map != nil && task != modelcard.Diagnosis:
		return nil, badExam("a detection map says nothing about zones")
	case x.Probabilities == nil && x.Mask == nil && x.Map == nil:
		return nil, badExam("it has no prediction")
	case x.Readers != nil && x.Probabilities == nil:
		return nil, badExam("shares of readers are compared with probabilities, and it has none")
	}
	if text := Mismatch(x.Grid, x.Reference.Grid()); text != "" {
		return nil, badExam("%s", text)
	}
	for _, v := range x.Reference.Labels() {
		if int(v) >= classes {
			return nil, badExam("the reference holds class %d, and there are %d with the background", v, classes)
		}
	}
	return x.predicted(classes)
}

// onto returns a mask with exactly the given grid, from which it differs by rounding.
func onto(m *volume.Mask, g geom.Grid) (*volume.Mask, error) { return volume.NewMask(g, m.Data()) }

// predicted returns the class of each voxel: the most probable one, the first of equal ones.
func (x *Exam) predicted(classes int) (*volume.Mask, error) {
	n := x.Grid.Voxels()
	labels := make([]uint8, n)
	switch {
	case x.Mask != nil:
		if text := Mismatch(x.Mask.Grid(), x.Grid); text != "" {
			return nil, badExam("%s", text)
		}
		return onto(x.Mask, x.Grid)
	case x.Map != nil:
		for i, p := range x.Map.Data() {
			if p > 0 {
				labels[i] = 1
			}
		}
	default:
		if len(x.Probabilities) != classes {
			return nil, badExam("there are probabilities of %d classes instead of %d, the background included", len(x.Probabilities), classes)
		}
		for c, p := range x.Probabilities {
			if len(p) != n {
				return nil, badExam("class %d has %d probabilities for %d voxels", c, len(p), n)
			}
			for i, v := range p {
				if v > x.Probabilities[labels[i]][i] {
					labels[i] = uint8(c)
				}
			}
		}
	}
	return volume.NewMask(x.Grid, labels)
}

// calibrate measures how good the probabilities are.
func (e *Evaluator) calibrate(m *Measured, x *Exam, flat []float32) error {
	c, err := metrics.NewCalibration(len(Classes(e.settings.Task)), e.settings.Bins)
	if err != nil {
		return err
	}
	if err := c.AddWithin(flat, x.Reference.Data(), x.Region); err != nil {
		return fmt.Errorf("%w: %w", ErrExam, err)
	}
	r, err := c.Result()
	if errors.Is(err, metrics.ErrUndefined) { // a region of no voxel
		return nil
	}
	if err != nil {
		return err
	}
	m.calibration = c
	m.row.Calibration = &CalibrationRow{Voxels: r.Voxels, NLL: r.NLL, Brier: r.Brier, ECE: r.ECE}
	if x.Readers == nil {
		return nil
	}
	return readers(m, x, flat)
}

// compare measures one structure. flat are the probabilities, nil where there are none.
func compare(predicted, reference *volume.Mask, flat []float32, s structure) (StructureRow, error) {
	r := StructureRow{Name: s.name}
	var err error
	if r.HardDice, err = metrics.HardDice(predicted.Data(), reference.Data(), s.classes...); err != nil {
		return r, fmt.Errorf("%w: %w", ErrExam, err)
	}
	if flat != nil {
		soft, err := metrics.SoftDice(flat, reference.Data(), s.classes...)
		if err != nil {
			return r, fmt.Errorf("%w: %w", ErrExam, err)
		}
		r.SoftDice = &soft
	}
	v := metrics.CompareVolumes(predicted, reference, s.classes...)
	r.PredictedML, r.ReferenceML = v.PredictedML, v.ReferenceML
	d, err := metrics.CompareSurfaces(predicted, reference, s.classes...)
	switch {
	case err == nil:
		r.HD95, r.ASSD = &d.HD95, &d.ASSD
	case !errors.Is(err, metrics.ErrUndefined): // one of them is empty
		return r, fmt.Errorf("%w: %w", ErrExam, err)
	}
	return r, nil
}

// detect pairs candidates and lesions.
func (e *Evaluator) detect(x *Exam) (*LesionRow, []metrics.Candidate, error) {
	found, err := x.candidates()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrExam, err)
	}
	labels := x.Reference.Data()
	reference := volume.Components(x.Reference.Grid(), func(i int) bool { return labels[i] == 1 }, volume.Corners)
	findings, err := e.settings.Match.Match(found, reference)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrExam, err)
	}
	r := &LesionRow{Positive: len(reference.Components) > 0, Lesions: len(reference.Components), Candidates: len(found), Findings: findings}
	for _, c := range found {
		r.Score = max(r.Score, c.Confidence)
	}
	return r, found, nil
}

// candidates takes the candidates out of what was predicted: all of them, however unlikely.
func (x *Exam) candidates() ([]metrics.Candidate, error) {
	switch {
	case x.Probabilities != nil:
		rule := metrics.PICAIRule()
		rule.MinConfidence = 0
		return rule.Candidates(x.Grid.Size, x.Probabilities[1]), nil
	case x.Map != nil:
		return metrics.DetectionMap(x.Map)
	}
	data := make([]float32, len(x.Mask.Data()))
	for i, v := range x.Mask.Data() {
		if v == 1 {
			data[i] = 1
		}
	}
	v, err := volume.New(x.Grid, data, "")
	if err != nil {
		return nil, err
	}
	return metrics.DetectionMap(v)
}

// Add takes in a measured exam. The order of adding is that of the rows, and changes no figure beyond rounding. It
// fails with [ErrExam] where an exam of this ID was added before.
func (e *Evaluator) Add(m *Measured) error {
	if e.known[m.row.ID] {
		return badExam("another exam has the name %q", m.row.ID)
	}
	if l := m.row.Lesions; l != nil {
		x := metrics.DetectionExam{ID: m.row.ID, Patient: m.row.Patient, Findings: l.Findings, Score: l.Score, Positive: l.Positive}
		if err := e.detection.Add(m.row.network(), x); err != nil {
			return fmt.Errorf("%w: %w", ErrExam, err)
		}
	}
	if m.calibration != nil {
		if err := e.calibration.Merge(m.calibration); err != nil {
			return err
		}
	}
	e.known[m.row.ID] = true
	e.rows = append(e.rows, m.row)
	return nil
}

// Leave notes an exam that is left out of every figure, and why.
func (e *Evaluator) Leave(id, why string) { e.problems = append(e.problems, Problem{id, why}) }

// orNaN is a number that may be missing.
func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
