package explore

import (
	"context"
	"errors"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// Outcome is what became of judging the model in a slot. The zero value is of a slot without a result.
type Outcome struct {
	Title  string
	Result *calibrate.Result // nil where it could not be judged
	Truth  *calibrate.Truth  // on the model's grid; nil as Result
	Fit    *calibrate.Fit    // where every model has its own temperature
	Note   string            // why it could not be judged, a sentence

	of request1
}

// request is everything that the outcomes follow from.
type request struct {
	class     viewstate.Class
	reference *viewstate.Reference
	gland     *volume.Mask // of a model, where the reference knows of none
	settings  Settings
	models    [Slots]*inference.Prediction
	titles    [Slots]string
}

// request1 is a request for one model.
type request1 struct {
	class     viewstate.Class
	reference *viewstate.Reference
	gland     *volume.Mask
	settings  Settings
	model     *inference.Prediction
	title     string
}

func (r request) of(slot int) request1 {
	s := r.settings
	if s.Fitted {
		s.Temperature = 1
	}
	return request1{r.class, r.reference, r.gland, s, r.models[slot], r.titles[slot]}
}

// Outcomes returns what is known of the compared models, by slot.
func (x *Explore) Outcomes() [Slots]Outcome { return x.outcomes }

// Judging reports whether newer figures than [Explore.Outcomes] are being computed.
func (x *Explore) Judging() bool {
	for slot, o := range x.outcomes {
		if o.of != x.asked.of(slot) {
			return true
		}
	}
	return false
}

// judge asks for the outcomes where what they follow from has changed.
func (x *Explore) judge() {
	if !x.Active() {
		return
	}
	r := request{class: x.s.Class(), reference: x.s.Reference(), settings: x.settings}
	for slot := range r.models {
		c := x.s.Compared(slot)
		r.models[slot], r.titles[slot] = c.Prediction, c.Title
	}
	if r.class == viewstate.CsPCa && r.reference != nil && r.reference.Zones == nil {
		r.gland = x.gland()
	}
	if r == x.asked {
		return
	}
	x.asked = r
	before := x.outcomes
	x.worker.Submit("judge", func(ctx context.Context) func() {
		outcomes, err := x.bench.judge(ctx, r, before)
		if err != nil { // a newer request is on its way
			return nil
		}
		return func() {
			if x.asked == r {
				x.outcomes = outcomes
				x.redraw()
			}
		}
	})
}

// gland returns what a model predicts as the gland, or nil.
func (x *Explore) gland() *volume.Mask {
	of := []*inference.Prediction{x.s.Prediction(modelcard.Anatomy)}
	for slot := range Slots {
		of = append(of, x.s.ComparedOf(modelcard.Anatomy, slot).Prediction)
	}
	for _, p := range of {
		if p != nil {
			return p.Hard
		}
	}
	return nil
}

// bench keeps what is costly between works. Only works touch it, one at a time.
type bench struct {
	reference *viewstate.Reference // that truths are of
	gland     *volume.Mask
	truths    map[truthKey]*calibrate.Truth
	cases     map[*inference.Prediction]*calibrate.Case
	fits      map[fitKey]calibrate.Fit
}

// fitKey is what a fitted temperature follows from; the truth is that of the bench.
type fitKey struct {
	model   *inference.Prediction
	class   viewstate.Class
	region  calibrate.RegionKind
	samples int
}

type truthKey struct {
	task modelcard.Task
	grid geom.Grid
}

func (b *bench) reset() {
	b.truths, b.cases = map[truthKey]*calibrate.Truth{}, map[*inference.Prediction]*calibrate.Case{}
	b.fits = map[fitKey]calibrate.Fit{}
}

// judge computes the outcomes of a request, and takes over those before that are of the same. It fails with ctx's error alone.
func (b *bench) judge(ctx context.Context, r request, before [Slots]Outcome) ([Slots]Outcome, error) {
	if r.reference != b.reference || r.gland != b.gland {
		b.reset()
		b.reference, b.gland = r.reference, r.gland
	}
	for p := range b.cases {
		if !slices.Contains(r.models[:], p) {
			delete(b.cases, p)
		}
	}
	for key := range b.fits {
		if !slices.Contains(r.models[:], key.model) {
			delete(b.fits, key)
		}
	}
	var out [Slots]Outcome
	for slot := range out {
		one := r.of(slot)
		if before[slot].of == one {
			out[slot] = before[slot]
			continue
		}
		out[slot] = b.one(ctx, one)
		if err := ctx.Err(); err != nil {
			return out, err
		}
	}
	return out, nil
}

// one judges one model.
func (b *bench) one(ctx context.Context, r request1) Outcome {
	out := Outcome{Title: r.title, of: r}
	if r.model == nil || r.reference == nil {
		return out
	}
	s, err := engineSettings(r)
	if err != nil {
		out.Note = noteFor(err, r.class)
		return out
	}
	c, err := b.caseOf(ctx, r)
	if err == nil && r.settings.Fitted {
		var fit calibrate.Fit
		if fit, err = b.fit(ctx, c, r, s); err == nil {
			out.Fit, s.Temperature = &fit, fit.Temperature
		}
	}
	if err == nil {
		out.Result, err = c.Evaluate(s)
	}
	if err != nil {
		out.Note = noteFor(err, r.class)
		return out
	}
	out.Truth = c.Truth()
	return out
}

// fit returns the temperature that fits a model best, computed once for all thresholds.
func (b *bench) fit(ctx context.Context, c *calibrate.Case, r request1, s calibrate.Settings) (calibrate.Fit, error) {
	key := fitKey{r.model, r.class, r.settings.Region, r.settings.Samples}
	if fit, ok := b.fits[key]; ok {
		return fit, nil
	}
	fit, err := c.Fit(ctx, s)
	if err == nil {
		b.fits[key] = fit
	}
	return fit, err
}

// engineSettings translates the settings for a model.
func engineSettings(r request1) (calibrate.Settings, error) {
	z, ok := zoneOf(r.model, r.class)
	if !ok {
		return calibrate.Settings{}, calibrate.ErrSettings
	}
	s := calibrate.DefaultSettings(z)
	s.Region.Kind = r.settings.Region
	s.Samples, s.Temperature, s.Threshold = r.settings.Samples, r.settings.Temperature, r.settings.Threshold
	return s, nil
}

// zoneOf returns the structure of a model that a class names.
func zoneOf(p *inference.Prediction, c viewstate.Class) (inference.Zone, bool) {
	for _, z := range inference.Zones(p.Card.Classes) {
		if z.Name == c.String() {
			return z, true
		}
	}
	return inference.Zone{}, false
}

// errNoLabels says that the reference does not know about the structure.
var errNoLabels = errors.New("explore: the reference does not label this structure")

// caseOf puts a model beside the truth, or takes what was put there before.
func (b *bench) caseOf(ctx context.Context, r request1) (*calibrate.Case, error) {
	t, err := b.truth(ctx, r)
	if err != nil {
		return nil, err
	}
	if c := b.cases[r.model]; c != nil && c.Truth() == t {
		return c, nil
	}
	c, err := calibrate.NewCase(r.model, t)
	if err == nil {
		b.cases[r.model] = c
	}
	return c, err
}

// truth brings the reference to a model's grid and classes.
func (b *bench) truth(ctx context.Context, r request1) (*calibrate.Truth, error) {
	key := truthKey{r.model.Card.Task, r.model.Grid}
	if t := b.truths[key]; t != nil {
		return t, nil
	}
	mask, _ := r.reference.Mask(r.class)
	if mask == nil {
		return nil, errNoLabels
	}
	classes := map[uint8]int{} // of the model, by label
	for _, class := range viewstate.Classes {
		if z, ok := zoneOf(r.model, class); ok && len(z.Classes) == 1 {
			m, labels := r.reference.Mask(class)
			for _, label := range labels {
				if m == mask {
					classes[label] = z.Classes[0]
				}
			}
		}
	}
	from := calibrate.Reference{Mask: mask, Class: func(label uint8) int { return classes[label] }}
	if r.class == viewstate.CsPCa { // any label but 0 is csPCa; what is near is measured from the gland, not from a lesion
		from.Class = func(label uint8) int { return int(min(label, 1)) }
		var err error
		if from.Gland, err = glandOf(r); err != nil {
			return nil, err
		}
	}
	t, err := from.On(ctx, r.model.Grid)
	if err == nil {
		b.truths[key] = t
	}
	return t, err
}

// glandOf returns the gland that distances are measured from where lesions are judged: the reference's, else a model's,
// else an empty one.
func glandOf(r request1) (*volume.Mask, error) {
	switch {
	case r.reference.Zones != nil:
		return r.reference.Zones, nil
	case r.gland != nil:
		return r.gland, nil
	}
	g := r.model.Grid
	return volume.NewMask(g, make([]uint8, g.Voxels()))
}

// noteFor says in a sentence why a model could not be judged.
func noteFor(err error, c viewstate.Class) string {
	switch {
	case errors.Is(err, metrics.ErrUndefined):
		return lang.T("No %s was predicted or labelled here. Choose another region.", c)
	case errors.Is(err, errNoLabels):
		return lang.T("The reference does not label %s. Load one that does, or choose another class.", c)
	case errors.Is(err, calibrate.ErrReference) && c == viewstate.CsPCa:
		return lang.T("No gland is known to judge near. Run a model of the zones too, or judge the whole image.")
	case errors.Is(err, calibrate.ErrReference):
		return lang.T("The reference lies outside what the model saw, or labels no gland. Load the one that belongs to this exam.")
	case errors.Is(err, calibrate.ErrSettings):
		return lang.T("This model does not predict %s.", c)
	}
	return lang.T("This model could not be judged: %v", err)
}
