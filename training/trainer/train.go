package trainer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"strings"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/tensor"
	"bayeslice/internal/volume"
	"bayeslice/training"
	"bayeslice/training/optim"
	"bayeslice/training/step"
)

// ErrDiverged marks a run whose loss or gradient stopped being a number.
var ErrDiverged = errors.New("trainer: the training diverged")

// Options are what a run needs from outside and what does not change its result.
type Options struct {
	Open    inference.OpenRunner // opens graphs on the device that [Config] names; the runner of the step and that of validation
	On      func(Event)          // told every event after it is logged, on the training goroutine; may be nil; must return at once
	Control *Control             // pauses; may be nil
	Clock   func() time.Time     // for the log; nil leaves times out
	Runtime string               // name and version of what runs the graphs, for the model file
}

// Train trains from the last checkpoint, or from the start, to the end, and writes the model. It returns
// the model's path. When ctx ends it writes a checkpoint of the last finished step and returns ctx's
// error; another Train goes on from there. It fails with [training.ErrExample] where an exam cannot be
// used and [Config.SkipBad] is not set, with [ErrDiverged], [ErrRun] where data are not those of the run or
// another process trains it, [ErrCheckpoint] where no checkpoint of several can be used, or the error of the runner, the source or the file system.
func (r *Run) Train(ctx context.Context, data training.Data, o Options) (model string, err error) {
	if data.Origin.Fingerprint != r.config.Data.Fingerprint {
		return "", fmt.Errorf("%w: these are not the data that the run began with; start a new run for them", ErrRun)
	}
	lock, err := r.lock()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	l := &loop{run: r, config: r.config, data: data, options: o}
	if l.log, err = openLog(r.dir); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, l.log.close()) }()
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.prepare(); err != nil {
		return "", err
	}
	if err := l.train(ctx); err != nil {
		return "", errors.Join(err, l.abandon(err))
	}
	return l.finish(ctx)
}

// loop is one call of Train.
type loop struct {
	run     *Run
	config  Config
	data    training.Data
	options Options
	log     *logFile

	step      *step.Step
	runner    inference.Runner
	validator *validator
	updater   *updater
	noise     *inference.Noise
	drawn     map[string]*tensor.Tensor // noise, reused
	state     *state
	saved     int // step of the newest checkpoint, −1 for none
	latest    *Validation
	moved     int // changes of device of runner that were told
	skipped   int // batches without a usable exam, one after the other
}

// prepare loads the state and opens the graphs.
func (l *loop) prepare() error {
	last, unusable, err := l.run.Last()
	if err != nil {
		return err
	}
	switch { // starting over in silence would throw away what was trained
	case last == nil && len(unusable) > 0:
		return fmt.Errorf("%w, and there is no other to use; restore the file from a copy, or start a new run", unusable[0])
	case last == nil && l.config.From != "" && l.run.start == nil:
		return fmt.Errorf("%w: the weights that the run started from are gone from its folder; restore %s from a copy, or start a new run", ErrCheckpoint, checkpointName(0))
	}
	for _, u := range unusable {
		if err := l.tell(Event{Kind: Warned, Text: u.Error() + "; the one before it is used"}); err != nil {
			return err
		}
	}
	if l.saved = -1; last != nil {
		l.state, l.saved = last.state, last.Step
	} else if l.state, err = l.run.initial(); err != nil {
		return err
	}
	if l.step, err = step.New(l.config.step()); err != nil {
		return err
	}
	for _, p := range l.step.Params {
		if l.state.weights[p.Name] == nil {
			return fmt.Errorf("%w: the checkpoint has no parameter %q", ErrCheckpoint, p.Name)
		}
	}
	l.updater = newUpdater(l.config, l.step.Params)
	l.noise = inference.NewNoise(modelcard.Card{Noise: l.step.Noise}, l.config.Seed)
	l.drawn = l.noise.Tensors()
	if l.runner, err = l.options.Open(l.step.Graph); err != nil {
		return err
	}
	if l.data.Validation != nil && l.data.Validation.Len() > 0 {
		l.validator, err = newValidator(l.config, l.options.Open)
	}
	return err
}

// close closes the graphs that prepare opened, all or some.
func (l *loop) close() (err error) {
	if l.runner != nil {
		err = l.runner.Close()
	}
	if l.validator != nil && l.validator.runner != nil {
		err = errors.Join(err, l.validator.runner.Close())
	}
	return err
}

// tell logs an event and hands it on.
func (l *loop) tell(e Event) error {
	if l.options.Clock != nil {
		e.Time = l.options.Clock()
	}
	if l.state != nil {
		e.Step = l.state.step
	}
	if err := l.log.add(e); err != nil {
		return err
	}
	if l.options.On != nil {
		l.options.On(e)
	}
	return nil
}

// train makes the remaining steps.
func (l *loop) train(ctx context.Context) error {
	if err := l.watchResumed(); err != nil {
		return err
	}
	if err := l.tell(Event{Kind: Started, Text: l.runner.Device()}); err != nil {
		return err
	}
	examples := newPrefetch(ctx, l.data.Train, uint64(l.state.step)*uint64(l.config.Batch))
	defer examples.close()
	for l.state.step < l.config.Steps {
		if err := l.options.Control.wait(ctx, func(k Kind) error { return l.tell(Event{Kind: k}) }); err != nil {
			return err
		}
		if err := l.one(ctx, examples); err != nil {
			return err
		}
		if every := l.config.ValidateEvery; every > 0 && l.state.step%every == 0 && l.state.step < l.config.Steps {
			if err := l.validate(ctx); err != nil {
				return err
			}
		}
		if l.state.step%l.config.CheckpointEvery == 0 {
			if err := l.save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// one makes one update.
func (l *loop) one(ctx context.Context, examples *prefetch) error {
	var began time.Time
	if l.options.Clock != nil {
		began = l.options.Clock()
	}
	event := Event{Kind: Stepped, Rate: l.updater.rateAt(l.state.step)}
	used := 0
	for i := range l.config.Batch {
		e, err := examples.take(ctx)
		if err == nil {
			err = e.Check(l.config.shape())
		}
		if errors.Is(err, training.ErrExample) {
			if err := l.skip(err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := l.gradient(ctx, e, l.state.step*l.config.Batch+i, &event); err != nil {
			return err
		}
		used++
	}
	if l.skipped++; used > 0 {
		l.skipped = 0
		event.Loss, event.Segmentation, event.Divergence = event.Loss/float64(used), event.Segmentation/float64(used), event.Divergence/float64(used)
		event.Gradient = l.updater.norm()
		if math.IsNaN(event.Gradient) || math.IsInf(event.Gradient, 0) { // each was finite, their sum is not
			return fmt.Errorf("%w in step %d: the gradients of the batch add up to more than float32 holds; start again with a lower learning rate", ErrDiverged, l.state.step+1)
		}
		if err := l.updater.apply(l.state, event.Gradient); err != nil {
			return err
		}
	}
	if l.skipped >= maxSkipped {
		return training.BadExample("every exam", fmt.Sprintf("the last %d batches held none that could be used", l.skipped))
	}
	l.state.step++
	if l.options.Clock != nil {
		event.Seconds = l.options.Clock().Sub(began).Seconds()
	}
	if used == 0 {
		return nil
	}
	return l.tell(event)
}

// maxSkipped is the number of batches without a usable exam, one after the other, after which a run ends.
const maxSkipped = 20

// gradient adds the gradients of one exam, number n of the sequence, to the batch.
func (l *loop) gradient(ctx context.Context, e *training.Example, n int, event *Event) error {
	in, err := l.inputs(e, n)
	if err != nil {
		return err
	}
	out, err := l.runner.Run(ctx, in)
	if err != nil {
		return err
	}
	if err := l.watch(); err != nil {
		return err
	}
	value := func(name string) float64 { return float64(out[name].F32[0]) }
	loss := value(step.LossName)
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return l.diverged(ctx, fmt.Errorf("the loss of %s is %g", e.Exam, loss), in)
	}
	event.Loss += loss
	event.Segmentation += value(step.SegmentationName)
	event.Divergence += value(step.DivergenceName)
	if err := l.updater.add(out); errors.Is(err, optim.ErrNotFinite) {
		return l.diverged(ctx, fmt.Errorf("%s: %w", e.Exam, err), in)
	} else if err != nil {
		return err
	}
	return nil
}

// watch tells when the steps go on on another device, because one failed or ran out of memory. The example at hand was computed
// there again; weights may differ by rounding from then on.
func (l *loop) watch() error {
	to, why, moved := inference.MovedSince(l.runner, &l.moved)
	if !moved {
		return nil
	}
	return errors.Join(l.tell(Event{Kind: Warned, Text: fmt.Sprintf("from step %d on: %s", l.state.step+1, why)}), l.tell(Event{Kind: Started, Text: to}))
}

// watchResumed tells where the run goes on on another device than it was trained on before.
func (l *loop) watchResumed() error {
	if l.state.step == 0 {
		return nil
	}
	events, err := ReadLog(l.run.dir)
	if err != nil {
		return err
	}
	before, now := "", deviceName(l.runner.Device())
	for _, e := range events {
		if e.Kind == Started {
			before = deviceName(e.Text)
		}
	}
	if before == "" || before == now {
		return nil
	}
	return l.tell(Event{Kind: Warned, Text: fmt.Sprintf("so far the run was trained on %s, and it goes on on %s; its weights will differ by rounding from those of a run on one of them", before, now)})
}

// deviceName is what [inference.Runner] says of its device, without which operators run elsewhere, whose time is never twice the same.
func deviceName(device string) string {
	name, _, _ := strings.Cut(device, ", ")
	return name
}

// diverged says in which node of the step, fed with in, numbers went wrong, and what to do. The last
// checkpoint is from before it.
func (l *loop) diverged(ctx context.Context, why error, in map[string]*tensor.Tensor) error {
	where, err := step.Locate(ctx, l.step, l.options.Open, in)
	switch {
	case err != nil:
		where = "a node that was not found (" + err.Error() + ")"
	case where == "":
		where = "no node when computed again"
	}
	return fmt.Errorf("%w in step %d: %w; the first node that is not finite is %s; start again with a lower learning rate", ErrDiverged, l.state.step+1, why, where)
}

// inputs are what the step reads for one exam.
func (l *loop) inputs(e *training.Example, n int) (map[string]*tensor.Tensor, error) {
	if err := l.noise.Fill(n, l.drawn); err != nil {
		return nil, err
	}
	in := map[string]*tensor.Tensor{nets.InputName: e.Image}
	maps.Copy(in, l.drawn)
	for _, p := range l.step.Params {
		if !p.Idle {
			in[p.Name] = l.state.weights[p.Name]
		}
	}
	size, classes := l.config.Net.Size, l.config.Net.Classes
	label := tensor.NewFloat32(1, classes-1, size[0], size[1], size[2])
	for i, c := range e.Label {
		if c > 0 {
			label.F32[(int(c)-1)*len(e.Label)+i] = 1
		}
	}
	in[nets.LabelName] = label
	if l.config.Loss.Kind.NeedsDistance() {
		d, err := distances(e.Label, classes, size, l.config.Recipe.SpacingMM)
		if err != nil {
			return nil, err
		}
		in[step.DistanceName] = d
	}
	return in, nil
}

// distances are the signed distance maps of the foreground classes in mm, [1, K−1, D, H, W].
func distances(label []uint8, classes int, size [3]int, spacing geom.Vec3) (*tensor.Tensor, error) {
	t := tensor.NewFloat32(1, classes-1, size[0], size[1], size[2])
	region := make([]bool, len(label))
	for k := 1; k < classes; k++ {
		for i, c := range label {
			region[i] = int(c) == k
		}
		d, err := volume.SignedDistance([3]int{size[2], size[1], size[0]}, spacing, region)
		if err != nil {
			return nil, err
		}
		copy(t.F32[(k-1)*len(label):], d)
	}
	return t, nil
}

// skip leaves out an exam where the user said so, and is the error otherwise.
func (l *loop) skip(err error) error {
	if !l.config.SkipBad {
		return err
	}
	return l.tell(Event{Kind: Skipped, Text: err.Error()})
}

func (l *loop) validate(ctx context.Context) error {
	if l.validator == nil {
		return nil
	}
	v, err := l.validator.run(ctx, l.state.weights, l.data.Validation, l.skip)
	if _, why, moved := inference.MovedSince(l.validator.runner, &l.validator.moved); moved {
		err = errors.Join(err, l.tell(Event{Kind: Warned, Text: fmt.Sprintf("in the validation after step %d: %s", l.state.step, why)}))
	}
	if err != nil {
		return err
	}
	if l.latest = v; v == nil {
		return l.tell(Event{Kind: Warned, Text: "none of the exams for validation could be used, so that there are no figures; see the events before this one, and correct them"})
	}
	return l.tell(Event{Kind: Validated, Validation: v})
}

// save writes a checkpoint of the present step, unless there is one.
func (l *loop) save() error {
	if l.saved == l.state.step {
		return nil
	}
	if err := l.state.write(l.run.dir, l.run.id); err != nil {
		return err
	}
	l.saved = l.state.step
	if err := prune(l.run.dir); err != nil {
		return err
	}
	return l.tell(Event{Kind: Saved})
}

// abandon keeps what was reached when training ends early. After a divergence the last checkpoint stands.
func (l *loop) abandon(why error) error {
	var failed error
	if !errors.Is(why, ErrDiverged) { // the checkpoint before serves better to look for the reason
		failed = l.save()
	}
	return errors.Join(failed, l.tell(Event{Kind: Stopped, Text: why.Error()}))
}

// finish validates, writes the model and the last checkpoint.
func (l *loop) finish(ctx context.Context) (string, error) {
	if err := l.save(); err != nil {
		return "", err
	}
	if err := l.validate(ctx); err != nil {
		return "", errors.Join(err, l.tell(Event{Kind: Stopped, Text: err.Error()}))
	}
	path := filepath.Join(l.run.dir, ModelName)
	if err := l.run.writeModel(path, l.state, l.latest, l.options.Runtime, l.runner.Device()); err != nil {
		return "", err
	}
	return path, l.tell(Event{Kind: Finished})
}
