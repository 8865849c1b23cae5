package queue

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/review"
	"bayeslice/internal/volume"
	"bayeslice/internal/worklist/predict"
	"bayeslice/viewer/viewstate"
)

// Spots is an extension of a [viewstate.State] that walks through the uncertain places of the model that the selected
// class belongs to. Make it with [NewSpots].
type Spots struct {
	viewstate.NoExtension
	s         *viewstate.State
	worker    Worker
	listeners []func()

	found map[modelcard.Task]*seen
}

// seen is what was found in one prediction, and how far the user is.
type seen struct {
	of       *inference.Prediction
	findings *review.Findings // nil while it is computed
	err      error
	at       int // spot that was gone to last, −1 before the first
	visited  []bool
}

// NewSpots adds the walk to a state.
func NewSpots(s *viewstate.State, w Worker) *Spots {
	p := &Spots{s: s, worker: w, found: map[modelcard.Task]*seen{}}
	s.Extend(p)
	s.Listen(p.stateChanged)
	return p
}

// Listen adds a function that is called after every change that the panel shows.
func (p *Spots) Listen(f func()) { p.listeners = append(p.listeners, f) }

func (p *Spots) tell() {
	for _, f := range p.listeners {
		f()
	}
}

// stateChanged reviews predictions that have come to their end.
func (p *Spots) stateChanged(ch viewstate.Change) {
	if !ch.Has(viewstate.ChangedExam | viewstate.ChangedPrediction | viewstate.ChangedLayer | viewstate.ChangedTexts) {
		return
	}
	if ch.Has(viewstate.ChangedExam | viewstate.ChangedPrediction) {
		for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
			p.follow(task)
		}
	}
	p.tell()
}

// follow reviews the prediction of a task where it is another one than before. A run that goes on is waited for.
func (p *Spots) follow(task modelcard.Task) {
	now := p.s.Prediction(task)
	if now == nil || now.Stop == inference.Running {
		delete(p.found, task)
		return
	}
	if old := p.found[task]; old != nil && old.of == now {
		return
	}
	f := &seen{of: now, at: -1}
	p.found[task] = f
	field := predict.Field(now)
	if task == modelcard.Diagnosis {
		field.Gland = p.gland()
	}
	p.worker.Submit("spots of "+string(task), func(ctx context.Context) func() {
		findings, err := review.Examine(ctx, field, review.Options{})
		return func() {
			if p.found[task] != f {
				return
			}
			f.findings, f.err = findings, err
			if err == nil {
				f.visited = make([]bool, len(findings.Spots))
			}
			p.tell()
		}
	})
}

// gland returns the zones that name the places of lesions, nil where they are not known.
func (p *Spots) gland() *volume.Mask {
	if a := p.s.Prediction(modelcard.Anatomy); a != nil && a.Stop != inference.Running {
		return a.Hard
	}
	return nil
}

// now returns the walk of the selected class's model, nil where there is none yet.
func (p *Spots) now() *seen {
	f := p.found[p.s.Class().Task()]
	if f == nil || f.findings == nil {
		return nil
	}
	return f
}

// Apply implements [viewstate.Extension]: N and Shift+N.
func (p *Spots) Apply(c viewstate.Command) bool {
	f := p.now()
	if c != viewstate.NextSpot && c != viewstate.PreviousSpot || f == nil || len(f.findings.Spots) == 0 {
		return false
	}
	n := len(f.findings.Spots)
	switch {
	case c == viewstate.NextSpot:
		p.Go((f.at + 1) % n)
	case f.at < 0:
		p.Go(n - 1)
	default:
		p.Go((f.at + n - 1) % n)
	}
	return true
}

// Go moves the cursor to a spot, counted from 0 in their order.
func (p *Spots) Go(n int) {
	f := p.now()
	if f == nil || n < 0 || n >= len(f.findings.Spots) {
		return
	}
	f.at, f.visited[n] = n, true
	p.s.Update(func() {
		p.s.JumpTo(f.findings.Spots[n].World)
		p.s.Notify(viewstate.ChangedMarks)
	})
	p.tell()
}

// Spot is one line of the list.
type Spot struct {
	Number  int // from 1
	Reason  string
	Error   string // expected error, "0.8 mL"
	Visited bool
	Current bool
}

// List returns the spots, the largest expected error first.
func (p *Spots) List() []Spot {
	f := p.now()
	if f == nil {
		return nil
	}
	out := make([]Spot, 0, len(f.findings.Spots))
	for n, s := range f.findings.Spots {
		out = append(out, Spot{Number: n + 1, Reason: Reason(s), Error: review.ML(s.ErrorML), Visited: f.visited[n], Current: n == f.at})
	}
	return out
}

// Status says how much is expected to be wrong and how much of it was looked at, or why nothing is known.
func (p *Spots) Status() string {
	task := p.s.Class().Task()
	f := p.found[task]
	switch {
	case f == nil && p.s.Prediction(task) == nil:
		return lang.T("Run a model to see where it is unsure.")
	case f == nil:
		return lang.T("Uncertain spots are listed when the run has ended.")
	case f.err != nil:
		return lang.T("The uncertain spots could not be listed.")
	case f.findings == nil:
		return lang.T("Looking for uncertain spots …")
	case len(f.findings.Spots) == 0:
		return lang.T("No uncertain spot. Expected error %s in all.", review.ML(f.findings.ErrorML))
	}
	left, count := 0.0, 0
	for n, s := range f.findings.Spots {
		if f.visited[n] {
			count++
		} else {
			left += s.ErrorML
		}
	}
	return lang.T("%d of %d spots seen; %s of %s expected error not looked at", count, len(f.findings.Spots),
		review.ML(left+f.findings.ElsewhereML), review.ML(f.findings.ErrorML))
}

// Findings returns what was found for the selected class's model, or nil.
func (p *Spots) Findings() *review.Findings {
	if f := p.now(); f != nil {
		return f.findings
	}
	return nil
}

// colorSpot is the colour of the ring round a spot: none of a structure's.
var colorSpot = color.NRGBA{255, 236, 61, 255}

// Marks implements [viewstate.Extension]: a ring round the spot that was gone to last, in slices near it.
func (p *Spots) Marks(v int) []viewstate.Mark {
	f, series := p.now(), p.s.Series(v)
	if f == nil || f.at < 0 || series == nil || p.s.AllHidden() || p.s.Texts() == viewstate.NoTexts {
		return nil
	}
	spot := f.findings.Spots[f.at]
	grid := p.s.Volume(v).Grid()
	if viewstate.SliceAt(grid, p.s.Cursor()).Index != viewstate.SliceAt(grid, spot.World).Index {
		return nil
	}
	radius := min(max(math.Cbrt(spot.VolumeML*1000*3/(4*math.Pi)), 4), 15) // of a ball of its volume
	m := viewstate.Mark{Points: []geom.Vec3{spot.World}, Radius: radius, Color: colorSpot}
	if v == p.s.Focus() {
		m.Label = fmt.Sprintf("%d/%d", f.at+1, len(f.findings.Spots))
	}
	return []viewstate.Mark{m}
}

// words of places, in the order of review's constants.
var (
	levelWords = []lang.Text{"", lang.Mark("apex"), lang.Mark("mid-gland"), lang.Mark("base")}
	sideWords  = []lang.Text{"", lang.Mark("right"), lang.Mark("midline"), lang.Mark("left")}
	depthWords = []lang.Text{"", lang.Mark("anterior"), lang.Mark("posterior")}
)

// Reason says why to look at a spot, without its volume: "apex, left posterior, TZ/PZ border".
func Reason(s review.Spot) string {
	words := []string{
		levelWords[s.Level].String(),
		strings.TrimSpace(sideWords[s.Side].String() + " " + depthWords[s.Depth].String()),
		border(s.Between),
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), ", ")
}

// border says between what the doubt is.
func border(between [2]string) string {
	zone := between[1] == "TZ" || between[1] == "PZ"
	switch {
	case between[0] == "background" && zone:
		return lang.T("outer border of %s", between[1])
	case between[0] == "background":
		return lang.T("%s or not", between[1])
	}
	return lang.T("%s/%s border", between[0], between[1])
}
