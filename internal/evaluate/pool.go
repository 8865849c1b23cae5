package evaluate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"bayeslice/internal/metrics"
)

// pooledFormat is the version of a results.json that [Pool] made: a program that knows single evaluations alone would
// draw its curves wrongly.
const pooledFormat = 2

// Part is the evaluation of one network: of one run and fold of a configuration, both counted from 1.
type Part struct {
	Run, Fold int
	Result    *Result
}

// PooledResult says of what a pooled result was made.
type PooledResult struct {
	Runs  int          `json:"runs"`
	Folds int          `json:"folds"`
	Parts []PooledPart `json:"parts"` // in order of run and fold
}

// PooledPart is one network of a pooled result.
type PooledPart struct {
	Run   int `json:"run"`
	Fold  int `json:"fold"`
	Exams int `json:"exams"`
}

// Pool joins the evaluations of the networks of one configuration, such as those of 3 runs of a cross-validation in 5
// folds, into one of all observations: the paper's "mean across all 600 observations (3 runs × 5 folds × 40)".
//
// Every exam of every network is an observation, a row of its own: its ID tells run, fold and exam, so that
// results of several configurations pair up network by network. Its patient is the same in all runs, so that bands
// and tests draw patients with all their observations. Means are over observations, each counting once. Calibration
// bins are those of all voxels of all observations. AUROC, AP, ROC and FROC are computed for each network on its own
// exams and averaged ([metrics.Strata]), since scores of different networks share no scale; the curves of the result are
// these averages with their bands (ROCBand, FROCBand), and ROC, FROC and Precision, whose points have thresholds, are
// empty where there is more than one network.
//
// Program, Name, Time, Method and ResearchUse are those of the first part. No image is read, and memory is that of the rows. The order
// of parts does not matter. It fails with [ErrSettings] for no part, a run or fold below 1, or a bootstrap that is none; with
// [ErrResult] where parts differ in task, name or settings, where one is pooled already or there twice, or where an
// exam was evaluated by two folds of one run; with ctx's error.
func Pool(ctx context.Context, parts []Part, b metrics.Bootstrap) (*Result, error) {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b Part) int {
		if a.Run != b.Run {
			return a.Run - b.Run
		}
		return a.Fold - b.Fold
	})
	if err := fit(parts); err != nil {
		return nil, err
	}
	first := parts[0].Result
	e, err := New(Settings{Task: first.Task, Bins: first.Settings.Bins, Bootstrap: b,
		Match: metrics.MatchRule{MinIoU: first.Settings.MinIoU, Strict: first.Settings.Strict}})
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if err := e.take(p); err != nil {
			return nil, err
		}
	}
	r, err := e.Result(ctx)
	if err != nil {
		return nil, err
	}
	r.Format, r.Program, r.Name, r.Time, r.ResearchUse, r.Method = pooledFormat, first.Program, first.Name, first.Time, first.ResearchUse, first.Method
	r.Pooled = pooledOf(parts)
	for _, p := range parts {
		for _, x := range p.Result.Examples {
			x.Run, x.Fold = p.Run, p.Fold
			r.Examples = append(r.Examples, x)
		}
	}
	return r, nil
}

// fit refuses parts that are not of one configuration.
func fit(parts []Part) error {
	if len(parts) == 0 {
		return fmt.Errorf("%w: there is no evaluation to join", ErrSettings)
	}
	first := parts[0].Result
	for i, p := range parts {
		where := fmt.Sprintf("run %d, fold %d", p.Run, p.Fold)
		s, of := p.Result.Settings, first.Settings
		switch {
		case p.Run < 1 || p.Fold < 1:
			return fmt.Errorf("%w: runs and folds are counted from 1, and there is %s", ErrSettings, where)
		case i > 0 && p.Run == parts[i-1].Run && p.Fold == parts[i-1].Fold:
			return fmt.Errorf("%w: %s is there twice", ErrResult, where)
		case p.Result.Pooled != nil:
			return fmt.Errorf("%w: %s is pooled already; pool the evaluations of its networks", ErrResult, where)
		case p.Result.Task != first.Task || p.Result.Name != first.Name:
			return fmt.Errorf("%w: %s is of %s %q and not of %s %q; pool results of one configuration", ErrResult, where, p.Result.Task, p.Result.Name, first.Task, first.Name)
		case s.MinIoU != of.MinIoU || s.Strict != of.Strict || s.Bins != of.Bins:
			return fmt.Errorf("%w: %s was evaluated with other settings (overlap, strictness, bins); evaluate it anew with those of the others", ErrResult, where)
		}
	}
	return nil
}

// take adds the rows of a part.
func (e *Evaluator) take(p Part) error {
	for _, row := range p.Result.Rows {
		seen := fmt.Sprintf("run %d: %s", p.Run, row.ID)
		if e.known[seen] {
			return fmt.Errorf("%w: exam %q was evaluated by two folds of run %d; the folds of a run share no exam", ErrResult, row.ID, p.Run)
		}
		e.known[seen] = true
		row.Patient, row.Exam, row.Run, row.Fold = row.patient(), row.ID, p.Run, p.Fold
		row.ID = observation(p, row.ID)
		if err := e.Add(&Measured{row: row}); err != nil {
			return fmt.Errorf("%w: %w", ErrResult, err)
		}
	}
	for _, x := range p.Result.Problems {
		e.Leave(observation(p, x.Exam), x.Text)
	}
	if p.Result.Calibration == nil {
		return nil
	}
	c, err := metrics.CalibrationOf(p.Result.Calibration.Pooled)
	if err == nil {
		err = e.calibration.Merge(c)
	}
	if err != nil {
		return fmt.Errorf("%w: run %d, fold %d: its calibration: %w", ErrResult, p.Run, p.Fold, err)
	}
	return nil
}

// observation is the name of an exam as one network saw it.
func observation(p Part, exam string) string {
	return fmt.Sprintf("run%d/fold%d/%s", p.Run, p.Fold, exam)
}

func pooledOf(parts []Part) *PooledResult {
	out := &PooledResult{}
	runs, folds := map[int]bool{}, map[int]bool{}
	for _, p := range parts {
		runs[p.Run], folds[p.Fold] = true, true
		out.Parts = append(out.Parts, PooledPart{p.Run, p.Fold, p.Result.Exams})
	}
	out.Runs, out.Folds = len(slices.Collect(maps.Keys(runs))), len(slices.Collect(maps.Keys(folds)))
	return out
}

// network names who predicted a row; "" of a single evaluation.
func (r *Row) network() string {
	if r.Run == 0 {
		return ""
	}
	return fmt.Sprintf("run%d/fold%d", r.Run, r.Fold)
}

// strataOf takes in the findings of rows.
func strataOf(rows []Row) (*metrics.Strata, error) {
	s := metrics.NewStrata()
	for _, r := range rows {
		x := metrics.DetectionExam{ID: r.ID, Patient: r.patient(), Findings: r.Lesions.Findings, Score: r.Lesions.Score, Positive: r.Lesions.Positive}
		if err := s.Add(r.network(), x); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// isUndefined reports whether a figure does not exist for sound data.
func isUndefined(err error) bool { return errors.Is(err, metrics.ErrUndefined) }

// isContext reports whether somebody ended the work.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
