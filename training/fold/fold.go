// Package fold measures a trained network on the exams that it did not learn from, as the paper does after each
// fold: the prediction is the mean of many executions, and everything is measured in three dimensions by package
// evaluate. The study and the end of every training go through it.
//
// Predictions are measured where the network makes them, on the grid of its recipe, against the label on the same
// grid; nothing is interpolated. An exam's T2W image is usually finer, so that figures here judge the
// network and not the way back to the image; the result says which grid it was ([evaluate.Result]'s Method).
package fold

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/seed"
	"bayeslice/internal/volume"
	"bayeslice/training"
)

// Options say how a network is measured.
type Options struct {
	Samples  int               // executions whose mean is the prediction; 0 is [inference.DefaultSamples]
	Seed     uint64            // of their noise; each exam has noise of its own, which depends on its name and Seed alone
	Settings evaluate.Settings // Task is that of the model

	// Skip leaves out exams that cannot be used and lists them in the result; otherwise the first one is an error.
	Skip     bool
	Explain  func(err error) string // a sentence for the reason of leaving an exam out; nil is its text
	Progress func(done, total int)  // executions, on the caller's goroutine; must return at once. May be nil
	Moved    func(note string)      // told, on the caller's goroutine, when executions go on on another device; the result's Method says so too. May be nil

	// Show names the exam that is kept for the panels of Figure 3; "" keeps none. See [Typical].
	Show string
	// Readers gives the shares of readers who gave each voxel of an exam each class, [K, D, H, W] with W fastest,
	// background first, nil without error where they are not known. May be nil.
	Readers func(ctx context.Context, exam string) ([]float32, error)
}

// patients is what sets have that know whose exams they hold; in others every exam is a patient.
type patients interface {
	Patient(i int) string
}

// Evaluate measures m on every exam of a set, one after the other; memory does not grow with their number. The same
// model, set and options give the same result on the same device with the same number of threads. Program,
// Name, Time and ResearchUse of the result are the caller's. It fails with [training.ErrExample] where an exam
// cannot be used and Skip is not set, [evaluate.ErrExam] where none can, [evaluate.ErrSettings], the errors of
// sampling, what Readers returns, or ctx's error.
func Evaluate(ctx context.Context, m *inference.Model, set training.Set, o Options) (*evaluate.Result, error) {
	card := m.Card()
	o.Settings.Task = card.Task
	if o.Samples < 1 {
		o.Samples = inference.DefaultSamples
	}
	if len(card.Noise) == 0 {
		o.Samples = 1 // every execution would be the same
	}
	e, err := evaluate.New(o.Settings)
	if err != nil {
		return nil, err
	}
	j := &job{Options: o, model: m, evaluator: e, grid: Grid(card.Recipe), total: set.Len() * o.Samples,
		shape: training.Shape{Channels: len(card.Recipe.Channels), Classes: len(card.Classes), Size: size(card.Recipe), NeedsLabel: card.Task == modelcard.Anatomy}}
	for i := range set.Len() {
		err := j.exam(ctx, set, i)
		if o.Skip && errors.Is(err, training.ErrExample) {
			j.leave(i, err)
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	r, err := e.Result(ctx)
	if err != nil {
		return nil, err
	}
	r.Method = j.method(card.Recipe)
	return r, nil
}

// Grid is the grid of a recipe without a place in the world: its spacing and size, axes along those of the patient, the
// centre of the first voxel at the origin. Distances and volumes do not depend on the place.
func Grid(r prep.Recipe) geom.Grid {
	return geom.Grid{Size: r.Size, Spacing: r.SpacingMM, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
}

// size is [D, H, W].
func size(r prep.Recipe) [3]int { return [3]int{r.Size[2], r.Size[1], r.Size[0]} }

// job is one call of [Evaluate].
type job struct {
	Options
	model     *inference.Model
	evaluator *evaluate.Evaluator
	grid      geom.Grid
	shape     training.Shape
	total     int
	done      int      // executions of finished exams
	moves     []string // changes of device, as sentences without their full stops
}

// exam samples and measures exam i.
func (j *job) exam(ctx context.Context, set training.Set, i int) error {
	x, err := set.Example(ctx, i)
	if err == nil {
		err = x.Check(j.shape)
	}
	if err != nil {
		return err
	}
	p, err := j.predict(ctx, x)
	if err != nil {
		return err
	}
	if who, ok := set.(patients); ok {
		p.Patient = who.Patient(i)
	}
	if j.Readers != nil {
		shares, err := j.Readers(ctx, x.Exam)
		if err != nil {
			return err
		}
		if shares != nil {
			p.Readers = perClass(shares, j.shape.Classes)
		}
	}
	measured, err := j.evaluator.Measure(ctx, p)
	if err == nil {
		err = j.evaluator.Add(measured)
	}
	if err == nil && j.Show == x.Exam {
		err = j.show(ctx, x, p)
	}
	if err != nil {
		return fmt.Errorf("fold: %s: %w", x.Exam, err)
	}
	j.done += j.Samples
	return nil
}

// perClass divides [K, voxels] into classes.
func perClass(values []float32, classes int) [][]float32 {
	out := make([][]float32, classes)
	n := len(values) / classes
	for k := range out {
		out[k] = values[k*n : (k+1)*n]
	}
	return out
}

// show keeps an exam for Figure 3, over the image that the network read.
func (j *job) show(ctx context.Context, x *training.Example, p *evaluate.Exam) error {
	t2w, err := volume.New(j.grid, x.Image.F32[:len(x.Label)], "") // the first channel of every recipe
	if err != nil {
		return err
	}
	kept, err := evaluate.NewExample(ctx, j.Settings.Task, p, t2w)
	if err != nil {
		return err
	}
	j.evaluator.Show(kept)
	return nil
}

// predict returns the mean of the executions on an exam, with its label.
func (j *job) predict(ctx context.Context, x *training.Example) (*evaluate.Exam, error) {
	s := inference.Sampler{Model: j.model, Samples: j.Samples, Seed: NoiseSeed(j.Seed, x.Exam), StoreBytes: -1,
		Progress: func(p inference.Progress) { j.tell(p.Sample) }}
	found, err := s.Run(ctx, &prep.Prepared{Input: x.Image, Grid: j.grid}, nil)
	if err == nil {
		err = ctx.Err() // a cancelled run returns what it has
	}
	if err != nil {
		return nil, err
	}
	j.moved(x.Exam, found.Changes)
	label, err := volume.NewMask(j.grid, x.Label)
	if err != nil {
		return nil, fmt.Errorf("fold: %s: %w", x.Exam, err)
	}
	e := &evaluate.Exam{ID: x.Exam, Grid: j.grid, Reference: label}
	for _, class := range found.Mean {
		e.Probabilities = append(e.Probabilities, class.Data())
	}
	return e, nil
}

// moved notes that executions on an exam were computed on another device than those before.
func (j *job) moved(exam string, changes []inference.DeviceChange) {
	for _, c := range changes {
		note := fmt.Sprintf("%s, %s", exam, c)
		j.moves = append(j.moves, note)
		if j.Options.Moved != nil {
			j.Options.Moved(note)
		}
	}
}

func (j *job) tell(samples int) {
	if j.Progress != nil {
		j.Progress(j.done+samples, j.total)
	}
}

// leave notes an exam that cannot be used.
func (j *job) leave(i int, err error) {
	text := err.Error()
	if j.Explain != nil {
		text = j.Explain(err)
	}
	j.evaluator.Leave(fmt.Sprintf("exam %d", i+1), text)
	j.done += j.Samples
}

// Typical names the exam of a set whose foreground is of median size among those that have any: neither the clearest nor
// the least. It follows from the labels alone, so that it is the same for every network. It is "" where no exam
// has foreground. Exams that cannot be read are passed over. It fails with ctx's error.
func Typical(ctx context.Context, set training.Set) (string, error) {
	type candidate struct {
		name   string
		voxels int
	}
	var all []candidate
	for i := range set.Len() {
		x, err := set.Example(ctx, i)
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil {
			continue // the evaluation says what is wrong with it
		}
		n := 0
		for _, class := range x.Label {
			if class > 0 {
				n++
			}
		}
		if n > 0 {
			all = append(all, candidate{x.Exam, n})
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.voxels - b.voxels })
	return all[len(all)/2].name, nil
}

// NoiseSeed is the seed of an exam's executions: the same exam gets the same noise from every network of one shape,
// whatever fold it is in.
func NoiseSeed(s uint64, exam string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(exam)) // it cannot fail
	return seed.Mix(s ^ h.Sum64())
}

// method says in words how predictions were made and where they were measured.
func (j *job) method(r prep.Recipe) string {
	text := fmt.Sprintf("the mean of %d executions with noise of seed %d, measured on the network's own grid, %d × %d × %d voxels of %g × %g × %g mm",
		j.Samples, j.Seed, r.Size[0], r.Size[1], r.Size[2], r.SpacingMM[0], r.SpacingMM[1], r.SpacingMM[2])
	return strings.Join(append([]string{text}, j.moves...), "; ")
}
