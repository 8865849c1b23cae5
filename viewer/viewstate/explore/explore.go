package explore

import (
	"context"
	"image/color"

	"bayeslice/inference"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/lang"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// Slots is the number of models that can be compared.
const Slots = viewstate.ViewportCount

// Worker does work off the window's goroutine, one at a time and in the order in which it came. A later work replaces
// one of the same kind that has not begun.
type Worker interface {
	// Submit hands over a work. What it returns, unless nil, is called on the window's goroutine. ctx ends with the
	// window, and when a later work of the kind comes.
	Submit(kind string, work func(ctx context.Context) (done func()))
}

// Explore is an extension of a [viewstate.State]. Make it with [New].
type Explore struct {
	viewstate.NoExtension
	s         *viewstate.State
	worker    Worker
	listeners []func()

	candidates []Candidate
	choice     map[modelcard.Task][Slots]string

	settings Settings
	asked    request // what outcomes were asked for last
	outcomes [Slots]Outcome
	bench    bench // only works touch it

	bin    int // selected bin of the diagram, −1 for none
	shades [Slots]shade

	browser browser
	quiz    quiz
	log     calibrate.QuizLog
	step    int // of the tour, −1 while it is not taken

	truth       *viewstate.Reference // the labels of a synthetic exam, where they were asked for
	truthWanted bool                 // a restored session was judged by them
}

// Settings are what the sliders of the panel set.
type Settings struct {
	Region      calibrate.RegionKind
	Samples     int     // 0 is all
	Temperature float64 // of every model, where Fitted is not set
	Fitted      bool    // every model at the temperature that fits it best on this exam
	Threshold   float64 // 0…1, from which a voxel is decided to be of the structure
}

// DefaultSettings leave the probabilities as they are.
func DefaultSettings() Settings { return Settings{Temperature: 1, Threshold: 0.5} }

// New adds the exploration to a state.
func New(s *viewstate.State, w Worker) *Explore {
	x := &Explore{s: s, worker: w, choice: map[modelcard.Task][Slots]string{}, settings: DefaultSettings(), bin: -1, step: -1}
	x.bench.reset()
	s.Extend(x)
	s.Listen(x.stateChanged)
	return x
}

// Listen adds a function that is called after every change that the panel shows.
func (x *Explore) Listen(f func()) { x.listeners = append(x.listeners, f) }

func (x *Explore) tell() {
	for _, f := range x.listeners {
		f()
	}
}

// redraw brings the images up to date as well.
func (x *Explore) redraw() {
	x.s.Notify(viewstate.ChangedLayer | viewstate.ChangedMarks)
	x.tell()
}

// stateChanged follows the state. It is a listener, and so changes nothing of the state itself.
func (x *Explore) stateChanged(c viewstate.Change) {
	if c.Has(viewstate.ChangedExam) {
		x.bin, x.browser, x.quiz = -1, browser{sort: x.browser.sort}, quiz{}
		x.fillLater()
	}
	if x.quiz.asking() && !x.Active() { // elsewhere the images would give the answers away, or lack what belongs to them
		x.quiz = quiz{note: lang.T("The round ended when you left the compared models; it was not kept.")}
	}
	if c.Has(viewstate.ChangedExam | viewstate.ChangedCompared | viewstate.ChangedReference | viewstate.ChangedLayer | viewstate.ChangedLayout) {
		x.judge()
		x.measureSamples()
		x.tell()
	}
	if c.Has(viewstate.ChangedProbe) {
		x.tell()
	}
}

// Active reports whether the compared models are on screen.
func (x *Explore) Active() bool {
	layout, _ := x.s.Layout()
	return layout == viewstate.Compare && x.s.Exam() != nil
}

// Settings returns what the sliders are at.
func (x *Explore) Settings() Settings { return x.settings }

// Set moves the sliders. Values that mean nothing are limited to those that do.
func (x *Explore) Set(s Settings) {
	s.Temperature = min(max(s.Temperature, calibrate.MinTemperature), calibrate.MaxTemperature)
	s.Threshold = min(max(s.Threshold, 0), 1)
	s.Samples = max(s.Samples, 0)
	if s.Samples >= x.MaxSamples() {
		s.Samples = 0
	}
	if s == x.settings {
		return
	}
	x.settings = s
	x.judge()
	x.redraw()
}

// MaxSamples returns the number of samples of the compared models that the slider goes to: the fewest that one has; 0
// where none has run.
func (x *Explore) MaxSamples() int {
	fewest := 0
	for _, p := range x.predictions() {
		if p != nil && (fewest == 0 || p.Samples < fewest) {
			fewest = p.Samples
		}
	}
	return fewest
}

// predictions returns the results in the slots of the selected class's task.
func (x *Explore) predictions() [Slots]*inference.Prediction {
	var out [Slots]*inference.Prediction
	for i := range out {
		out[i] = x.s.Compared(i).Prediction
	}
	return out
}

// Style is how a model is drawn in diagrams: a colour that colour-blind readers tell from the others, and a dash and a
// marker for when there is none.
type Style struct {
	Color  color.NRGBA
	Dash   []float32 // logical pixels of line and gap in turn; nil is solid
	Marker viewstate.Marker
}

// styles of the slots: Okabe and Ito's colours, light enough for the dark ground.
var styles = [Slots]Style{
	{color.NRGBA{86, 180, 233, 255}, nil, viewstate.Disc},
	{color.NRGBA{240, 228, 66, 255}, []float32{7, 3}, viewstate.Square},
	{color.NRGBA{230, 120, 50, 255}, []float32{2, 3}, viewstate.Diamond},
	{color.NRGBA{204, 121, 167, 255}, []float32{7, 3, 2, 3}, viewstate.NoMarker},
}

// StyleOf returns the style of a slot, 0…Slots−1.
func StyleOf(slot int) Style { return styles[slot] }

// YouStyle is how a person's own statements are drawn.
var YouStyle = Style{color.NRGBA{255, 255, 255, 255}, nil, viewstate.Square}

// bins is the number of bins of the diagram.
const bins = metrics.DefaultBins
