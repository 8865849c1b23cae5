package evaluate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"sync"

	"bayeslice/internal/modelcard"
)

// Options of [Run]. Predictions, Labels and Task are needed.
type Options struct {
	Settings
	Predictions, Labels string // folders; see [Find]

	Zones           Zones // of the labels; "" is [TZPZ]
	PredictionZones Zones // of the predictions; "" is [TZPZ]
	// Of DICOM segmentations, which segments are the classes; nil goes by their codes and labels.
	Segments, PredictionSegments Segments
	LesionFrom                   uint8 // smallest value of a lesion label that is csPCa; 0 stands for 1, and 2 is for ISUP grades
	// Kind is what single maps of lesions are; "" looks at the first that is not all zero, in order of names: a
	// detection map where it has no more different values than connected parts, else probabilities.
	Kind Kind
	// Patient takes the patient out of an exam's name by its first group; nil makes every exam a patient.
	Patient *regexp.Regexp

	// FigureExam is the exam of which an [Example] is kept for Figure 3; "" is none. Images is the folder that holds
	// its T2W image: a file of its name, or the exam in a sub-folder. Where Images is "" the folder of labels is looked at,
	// and the figure is drawn without an image where that has none. What keeps the figure from being drawn is told in
	// the result's Undefined.
	FigureExam, Images string

	Workers  int                    // exams at a time; 0 stands for the number of processors
	Progress func(done, total int)  // one call at a time; must return at once. May be nil
	Explain  func(err error) string // a sentence for an exam's error; nil is its text
}

// Run evaluates the exams of two folders. An exam that lacks a side, cannot be read or does not fit is left out and
// listed in the result's Problems. Memory is that of Workers exams, and a row of figures for each. It fails with
// [ErrFolder], [ErrSettings], [ErrExam] where no exam is left, or ctx's error.
func Run(ctx context.Context, o Options) (*Result, error) {
	e, err := New(o.Settings)
	if err != nil {
		return nil, err
	}
	r, err := o.reader()
	if err != nil {
		return nil, err
	}
	pairs, err := Find(o.Predictions, o.Labels, o.Task, o.Patient)
	if err != nil {
		return nil, err
	}
	if r.kind == "" {
		r.kind = firstKind(o.Task, pairs)
	}
	figure, err := o.figure(pairs)
	if err != nil {
		return nil, err
	}
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Explain == nil {
		o.Explain = error.Error
	}
	if err := o.stream(ctx, e, &source{r, figure, o.Explain}, pairs); err != nil {
		return nil, err
	}
	return e.Result(ctx)
}

func (o *Options) reader() (*reader, error) {
	r := &reader{task: o.Task, kind: o.Kind, lesionFrom: o.LesionFrom, segments: o.Segments, predicted: o.PredictionSegments}
	switch o.Kind {
	case "", Probabilities, Masks, DetectionMaps:
	default:
		return nil, fmt.Errorf("%w: %q is no kind of prediction", ErrSettings, o.Kind)
	}
	if o.Task == modelcard.Anatomy && o.Kind == DetectionMaps {
		return nil, fmt.Errorf("%w: a detection map says nothing about zones", ErrSettings)
	}
	var err error
	if r.swapPred, err = o.PredictionZones.swapped(); err != nil {
		return nil, err
	}
	if r.swapRef, err = o.Zones.swapped(); err != nil {
		return nil, err
	}
	if o.Task == modelcard.Diagnosis {
		r.swapPred, r.swapRef = false, false
	}
	return r, nil
}

// firstKind is what the first single map is that is not all zero.
func firstKind(task modelcard.Task, pairs []Pair) Kind {
	for _, p := range pairs {
		if p.Problem != "" || p.Prediction.Image == "" {
			continue
		}
		image, err := open(p.Prediction.Image)
		if err != nil || len(image.Volumes) != 1 {
			continue
		}
		if k := guess(task, image.Volumes[0]); k != "" {
			return k
		}
	}
	return DetectionMaps // nothing but zeros
}

// outcome is an exam that was measured, or why not.
type outcome struct {
	measured *Measured
	example  *Example // nil of all but one exam
	without  string   // why there is none, or what it lacks
	err      error
}

// source is where exams come from.
type source struct {
	*reader
	figure  figureExam
	explain func(error) string
}

// stream measures exams at a time and adds them in order.
func (o *Options) stream(ctx context.Context, e *Evaluator, s *source, pairs []Pair) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]chan outcome, len(pairs))
	for i := range results {
		results[i] = make(chan outcome, 1)
	}
	room := make(chan struct{}, o.Workers) // an exam has a place until it was added
	next := make(chan int)
	var workers sync.WaitGroup
	for range o.Workers {
		workers.Go(func() {
			for i := range next {
				results[i] <- s.measure(ctx, e, pairs[i])
			}
		})
	}
	workers.Go(func() {
		defer close(next)
		for i := range pairs {
			select {
			case room <- struct{}{}:
				next <- i
			case <-ctx.Done():
				return
			}
		}
	})
	defer workers.Wait()
	defer cancel()
	for i := range pairs {
		o.tell(i, len(pairs))
		select {
		case out := <-results[i]:
			<-room
			if err := o.take(ctx, e, pairs[i], out); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o.tell(len(pairs), len(pairs))
	return ctx.Err()
}

func (o *Options) tell(done, total int) {
	if o.Progress != nil {
		o.Progress(done, total)
	}
}

// take adds an exam, or notes why it is left out.
func (o *Options) take(ctx context.Context, e *Evaluator, p Pair, out outcome) error {
	err := out.err
	if err == nil {
		err = e.Add(out.measured)
	}
	if err == nil && out.example != nil {
		e.Show(out.example)
	}
	if err == nil && out.without != "" {
		e.undefined[figureName] = out.without
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errProblem):
		e.Leave(p.ID, p.Problem)
	case err != nil:
		e.Leave(p.ID, o.Explain(err))
	}
	return nil
}

// errProblem stands for a pair's own problem.
var errProblem = errors.New("evaluate: the exam has a problem")

func (s *source) measure(ctx context.Context, e *Evaluator, p Pair) outcome {
	if p.Problem != "" {
		return outcome{err: errProblem}
	}
	if err := ctx.Err(); err != nil {
		return outcome{err: err}
	}
	x, err := s.exam(ctx, p)
	if err != nil {
		return outcome{err: err}
	}
	m, err := e.Measure(ctx, x)
	if err != nil {
		return outcome{err: err}
	}
	out := outcome{measured: m}
	out.example, out.without = s.figure.example(ctx, e, x, s.explain)
	return out
}
