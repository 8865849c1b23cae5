package inference

import (
	"fmt"
	"slices"
	"time"

	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// run is the state of one [Sampler.Run].
type run struct {
	Sampler
	exam     *prep.Prepared
	on       func(*Prediction)
	noise    *Noise
	stats    *Stats
	volumes  *volumes
	labels   labelHistory
	recorder recorder
	limits   Convergence

	flips   float64        // of the newest sample
	moved   int            // changes of device that were known before
	changes []DeviceChange // of this run
	started time.Time
	shown   time.Time // of the last snapshot

	found   []metrics.Candidate // lesion candidates of the first foundAt samples
	foundAt int
}

// add takes a sample into all statistics.
func (r *run) add(p []float32) error {
	if err := r.stats.Add(p); err != nil {
		return err
	}
	hard := make([]uint8, r.exam.Grid.Voxels())
	parallel(len(hard), func(lo, hi int) { argMax(p, hard, len(r.Model.card.Classes), lo, hi) })
	r.volumes.add(hard)
	r.flips = r.labels.add(r.stats.Hard())
	if r.StoreBytes > 0 {
		r.recorder.add(p, r.stats)
	}
	return nil
}

// lesionClass is the class whose map holds lesions, or −1.
func (r *run) lesionClass() int {
	if r.Model.card.Task == modelcard.Diagnosis {
		return 1
	}
	return -1
}

// candidates returns the lesion candidates of the samples so far.
func (r *run) candidates() []metrics.Candidate {
	if class := r.lesionClass(); class > 0 && r.foundAt != r.stats.N() {
		r.found, r.foundAt = r.Lesions.Candidates(r.exam.Grid.Size, r.stats.Mean(class)), r.stats.N()
	}
	return r.found
}

func (r *run) stability() Stability {
	return Stability{LesionSE: worstSE(r.candidates(), r.lesionClass(), r.stats), VolumeSE: r.volumes.relativeError(), Flips: r.flips}
}

// converged reports whether further samples are neither wanted nor needed.
func (r *run) converged() bool {
	n := r.stats.N()
	return r.Convergence != nil && n >= r.limits.MinSamples && n < r.Samples && r.limits.holds(n, r.stability())
}

func (r *run) secondsPerSample() float64 {
	if r.Clock == nil || r.stats.N() == 0 {
		return 0
	}
	return r.Clock().Sub(r.started).Seconds() / float64(r.stats.N())
}

func (r *run) tell() {
	if r.Progress != nil {
		r.Progress(Progress{Sample: r.stats.N(), Of: r.Samples, SecondsPerSample: r.secondsPerSample()})
	}
}

// snapshot publishes the maps so far where that is due; never after the last sample, whose maps
// are the result.
func (r *run) snapshot() error {
	if r.on == nil || r.stats.N() >= r.Samples {
		return nil
	}
	if r.Clock != nil {
		now := r.Clock()
		if r.stats.N() > 1 && now.Sub(r.shown) < r.SnapshotEvery {
			return nil
		}
		r.shown = now
	}
	p, err := r.prediction(Running)
	if err == nil {
		r.on(p)
	}
	return err
}

// result is the prediction that Run returns.
func (r *run) result(stop StopReason) (*Prediction, error) {
	r.recorder.finish(r.stats)
	return r.prediction(stop)
}

// prediction builds an immutable value from the samples so far.
func (r *run) prediction(stop StopReason) (*Prediction, error) {
	m := r.Model
	p := &Prediction{Card: m.card, ModelSHA: m.sha, Seed: r.Seed, Samples: r.stats.N(), Requested: r.Samples, Stop: stop,
		Device: r.device(), Changes: slices.Clone(r.changes), Fallbacks: m.Fallbacks(), SecondsPerSample: r.secondsPerSample(), Grid: r.exam.Grid, Stability: r.stability(),
		Store: r.recorder.snapshot(), Volumes: r.volumes.result(), Issues: r.exam.Issues, Moved: r.exam.Moved}
	p.StopNote = r.note(stop, p.Stability)
	for _, c := range r.changes {
		p.StopNote += "; " + c.String()
	}
	if err := r.maps(p); err != nil {
		return nil, err
	}
	if class := r.lesionClass(); class > 0 {
		p.Lesions = lesions(r.candidates(), p.Grid, class, r.stats, p.Store)
	}
	return p, nil
}

// maps fills in the volumes.
func (r *run) maps(p *Prediction) error {
	var failed error
	as := func(data []float32, unit string) *volume.Volume {
		v, err := volume.New(p.Grid, data, unit)
		if err != nil {
			failed = err
		}
		return v
	}
	for c := range p.Card.Classes {
		p.Mean = append(p.Mean, as(r.stats.Mean(c), "probability"))
		p.SD = append(p.SD, as(r.stats.SD(c), "probability"))
	}
	entropy, expected, mutual := r.stats.Uncertainty()
	p.Entropy, p.ExpectedEntropy, p.MutualInformation = as(entropy, "nats"), as(expected, "nats"), as(mutual, "nats")
	hard, err := volume.NewMask(p.Grid, r.stats.Hard())
	if err != nil {
		failed = err
	}
	p.Hard = hard
	return failed
}

// note says in words why sampling ended and how settled the maps are.
func (r *run) note(stop StopReason, s Stability) string {
	n := r.stats.N()
	if len(r.Model.card.Noise) == 0 {
		return "the model has no random input: one sample is all there is"
	}
	var text string
	switch stop {
	case Converged:
		text = fmt.Sprintf("converged after %d of %d samples", n, r.Samples)
	case Cancelled:
		text = fmt.Sprintf("stopped by the user after %d of %d samples", n, r.Samples)
	case Failed:
		text = fmt.Sprintf("a sample failed after %d of %d", n, r.Samples)
	case Completed:
		text = fmt.Sprintf("all %d samples were drawn", n)
	default:
		text = fmt.Sprintf("%d of %d samples", n, r.Samples)
	}
	if n < 2 {
		return text
	}
	return text + ": " + r.limits.note(s, n, r.lesionClass() > 0)
}
