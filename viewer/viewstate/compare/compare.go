package compare

import (
	"context"
	"errors"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/annotate"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// Comparison is an extension of a [viewstate.State]. Make it with [New].
type Comparison struct {
	viewstate.NoExtension
	s         *viewstate.State
	worker    Worker
	listeners []func()
	edited    Edited // may be nil
	settle    func(ctx context.Context)

	readers []*Reader
	side    Side
	shown   bool // somebody looks at the figures
	stale   bool // the figures are of something else than is there now
	asked   int  // counts requests, so that the answer of an old one is dropped
	loads   int  // counts masks that were read
	busy    bool
	exam    *exam.Exam

	rows      []masks.Row
	band      band              // of the selected structure
	lines     []metrics.Contour // of the selected structure
	problem   error             // why there are no figures
	structure string
	distances bool // the coloured contour is drawn

	segmented map[*inference.Prediction]masks.Labels // results on the T2W grid; only works touch it
}

// New adds the comparison to a state.
func New(s *viewstate.State, w Worker) *Comparison {
	c := &Comparison{s: s, worker: w, structure: masks.NameWG, segmented: map[*inference.Prediction]masks.Labels{}}
	s.Extend(c)
	s.Listen(c.stateChanged)
	return c
}

// SetEdited says where the contours being edited come from.
func (c *Comparison) SetEdited(e Edited) { c.edited = e }

// SetSettle gives a function that waits until contours are likely to stay as they are for a moment, or ctx ends. It is
// called by works, before they begin.
func (c *Comparison) SetSettle(f func(ctx context.Context)) { c.settle = f }

// Listen adds a function that is called after every change that the panel shows.
func (c *Comparison) Listen(f func()) { c.listeners = append(c.listeners, f) }

func (c *Comparison) tell() {
	for _, f := range c.listeners {
		f()
	}
}

// stateChanged follows the state.
func (c *Comparison) stateChanged(ch viewstate.Change) {
	if e := c.s.Exam(); ch.Has(viewstate.ChangedExam) && (e == nil || c.exam == nil || e.Key != c.exam.Key) {
		c.readers, c.rows, c.lines, c.band, c.problem = nil, nil, nil, band{}, nil
	}
	c.exam = c.s.Exam()
	if ch.Has(viewstate.ChangedExam | viewstate.ChangedReference | viewstate.ChangedPrediction | viewstate.ChangedLabels) {
		c.stale = true
		c.refresh()
	}
	if ch.Has(viewstate.ChangedExam | viewstate.ChangedReference | viewstate.ChangedPrediction | viewstate.ChangedLabels | viewstate.ChangedCursor | viewstate.ChangedTexts) {
		c.tell()
	}
}

// Show tells whether somebody looks at the figures: they are computed only then, or while the coloured contour is drawn.
func (c *Comparison) Show(shown bool) {
	if c.shown != shown {
		c.shown = shown
		c.refresh()
	}
}

// Side returns what is compared: never [Auto].
func (c *Comparison) Side() Side {
	if c.side != Auto {
		return c.side
	}
	if c.hasContours() {
		return Contours
	}
	return Result
}

// SetSide chooses what is compared with the reference.
func (c *Comparison) SetSide(side Side) {
	c.side, c.stale = side, true
	c.refresh()
	c.tell()
}

func (c *Comparison) hasContours() bool {
	if c.edited == nil {
		return false
	}
	_, ok := c.edited.Labels()
	return ok
}

// request is what a work computes from: values that do not change.
type request struct {
	edited      func() masks.Labels // nil where the result of models is compared
	predictions []*inference.Prediction
	grid        geom.Grid
	reference   masks.Labels
	structure   string
	second      second
	doubt       *inference.Prediction // of the structure's task, nil where there is none
}

// errNoReference and errNoLabels say what is missing for a comparison.
var (
	errNoReference = errors.New("compare: there is nothing to compare with")
	errNoLabels    = errors.New("compare: there are no contours yet")
)

// gather collects what is compared. It fails where something is missing.
func (c *Comparison) gather() (r request, err error) {
	e, ref := c.s.Exam(), c.s.Reference()
	if e == nil || ref == nil {
		return r, errNoReference
	}
	var ok bool
	if r.grid, ok = e.ReferenceGrid(); !ok {
		return r, errNoReference
	}
	r.structure = c.structure
	r.reference = masks.Labels{Zones: ref.Zones, Lesions: ref.Lesions}
	r.second = c.beside()
	if p := c.s.Prediction(classOf(r.structure).Task()); p != nil && p.Stop != inference.Running {
		r.doubt = p
	}
	if c.Side() == Contours {
		if c.edited != nil {
			if r.edited, ok = c.edited.Labels(); ok {
				return r, nil
			}
		}
		return r, errNoLabels
	}
	for _, t := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if p := c.s.Prediction(t); p != nil && p.Stop != inference.Running {
			r.predictions = append(r.predictions, p)
		}
	}
	if len(r.predictions) == 0 {
		return r, errNoLabels
	}
	return r, nil
}

// answer is what a work computed.
type answer struct {
	rows  []masks.Row
	lines []metrics.Contour
	band  band
	err   error
}

// refresh computes the figures anew where they are stale and somebody looks.
func (c *Comparison) refresh() {
	if !c.shown && !c.distances || !c.stale {
		return
	}
	c.stale = false
	c.asked++
	id := c.asked
	r, err := c.gather()
	if err != nil {
		c.busy, c.rows, c.lines, c.band, c.problem = false, nil, nil, band{}, err
		c.redraw()
		return
	}
	c.busy = true
	c.worker.Submit("compare", func(ctx context.Context) func() {
		if c.settle != nil {
			c.settle(ctx)
		}
		a := c.compute(ctx, r)
		return func() {
			if id != c.asked || ctx.Err() != nil && errors.Is(a.err, context.Canceled) {
				return
			}
			c.busy, c.rows, c.lines, c.band, c.problem = false, a.rows, a.lines, a.band, a.err
			c.redraw()
		}
	})
}

// redraw tells the panel and the images.
func (c *Comparison) redraw() {
	if c.distances {
		c.s.Notify(viewstate.ChangedMarks)
	}
	c.tell()
}

// compute compares. It runs on the worker.
func (c *Comparison) compute(ctx context.Context, r request) (a answer) {
	var labels masks.Labels
	if r.edited != nil {
		labels = r.edited()
	} else if labels, a.err = c.resultLabels(ctx, r); a.err != nil {
		return a
	}
	reference, err := onGrid(ctx, r.reference, r.grid)
	if err != nil {
		return answer{err: err}
	}
	if a.rows, a.err = masks.Compare(ctx, labels, reference); a.err != nil {
		return a
	}
	if !slices.ContainsFunc(a.rows, func(row masks.Row) bool { return row.Structure == r.structure }) {
		r.structure = a.rows[0].Structure
	}
	if a.band, a.err = bandOf(ctx, r, reference); a.err != nil {
		return a
	}
	a.lines, err = masks.Contours(ctx, labels, reference, r.structure)
	if err != nil && !errors.Is(err, masks.ErrNothing) {
		a.err = err
	}
	return a
}

// resultLabels returns the most probable classes of the models on the T2W grid. It runs on the worker.
func (c *Comparison) resultLabels(ctx context.Context, r request) (masks.Labels, error) {
	var out masks.Labels
	for known := range c.segmented {
		if !slices.Contains(r.predictions, known) {
			delete(c.segmented, known)
		}
	}
	for _, p := range r.predictions {
		labels, ok := c.segmented[p]
		if !ok {
			layer, m, err := annotate.FromModel(ctx, p.Card, p.Mean, r.grid)
			if err != nil {
				return out, err
			}
			if layer == annotate.Zones {
				labels.Zones = m
			} else {
				labels.Lesions = m
			}
			c.segmented[p] = labels
		}
		if labels.Zones != nil {
			out.Zones = labels.Zones
		}
		if labels.Lesions != nil {
			out.Lesions = labels.Lesions
		}
	}
	return out, nil
}

// onGrid brings a reference that was set from elsewhere on the T2W grid; those of this package lie on it already.
func onGrid(ctx context.Context, l masks.Labels, to geom.Grid) (masks.Labels, error) {
	var err error
	if l.Zones != nil {
		if l.Zones, _, err = masks.Place(ctx, l.Zones, "", to, ""); err != nil {
			return l, err
		}
	}
	if l.Lesions != nil {
		l.Lesions, _, err = masks.Place(ctx, l.Lesions, "", to, "")
	}
	return l, err
}
