package explore

import (
	"context"

	"bayeslice/internal/calibrate"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// QuizLength is the number of spots in a round.
const QuizLength = 12

// quizBins is the number of bins in which statements are judged: a round has few.
const quizBins = 5

// quiz is a round under way, or the end of one.
type quiz struct {
	class   viewstate.Class
	spots   []calibrate.Spot
	at      int                // of the spot that is asked for
	answers []calibrate.Answer // what is known of each spot; Stated is filled in as they come
	told    string             // what the answer before was worth
	ended   bool               // all were answered
	note    string             // why there is no round, a sentence
	waiting bool               // spots are being chosen
}

// asking reports whether a spot waits for an answer.
func (q *quiz) asking() bool { return len(q.spots) > 0 && !q.ended }

// Question is what the quiz shows.
type Question struct {
	Class      viewstate.Class
	Number, Of int    // of the question, counted from 1
	Told       string // what the answer before was worth; "" at first
}

// Question returns the question that waits for an answer; ok is false where none does.
func (x *Explore) Question() (q Question, ok bool) {
	if !x.quiz.asking() {
		return Question{}, false
	}
	return Question{x.quiz.class, x.quiz.at + 1, len(x.quiz.spots), x.quiz.told}, true
}

// QuizNote says why no round could begin, or what the last answer was worth; "" for nothing.
func (x *Explore) QuizNote() string {
	if x.quiz.note != "" {
		return x.quiz.note
	}
	return x.quiz.told
}

// QuizEnded reports whether a round was finished and its result is shown.
func (x *Explore) QuizEnded() bool { return x.quiz.ended }

// QuizWaiting reports whether the spots of a round are being chosen.
func (x *Explore) QuizWaiting() bool { return x.quiz.waiting }

// StartQuiz begins a round on the selected class. Spots are chosen where the compared models are uncertain, with a seed
// of their own for each round. It needs a reference and at least one judged model; where they are missing the note says so.
func (x *Explore) StartQuiz() {
	if x.quiz.waiting || x.quiz.asking() {
		return
	}
	x.quiz = quiz{class: x.s.Class()}
	var results []*calibrate.Result
	var titles []string
	var truth *calibrate.Truth
	for _, o := range x.outcomes {
		if o.Result != nil && o.of.class == x.quiz.class {
			results, titles = append(results, o.Result), append(titles, o.Title)
			if truth == nil {
				truth = o.Truth
			}
		}
	}
	if truth == nil {
		x.quiz.note = lang.T("Compare models and load a reference first: they choose the spots and know the answers.")
		x.tell()
		return
	}
	x.quiz.waiting = true
	seed := uint64(len(x.log.Rounds)) + 1
	exam := x.s.Exam()
	x.worker.Submit("quiz", func(context.Context) func() {
		spots, answers, err := choose(results, titles, truth, seed)
		return func() {
			if x.s.Exam() == exam {
				x.begin(spots, answers, err)
			}
		}
	})
	x.tell()
}

// choose picks spots by the mean of the models, and reads what each of them says there.
func choose(results []*calibrate.Result, titles []string, truth *calibrate.Truth, seed uint64) ([]calibrate.Spot, []calibrate.Answer, error) {
	sum := make([]float32, truth.Grid.Voxels())
	n := float32(0)
	for _, r := range results {
		if r.Field().Grid().SameAs(truth.Grid, 1e-6) {
			n++
			for i, p := range r.Field().Data() {
				sum[i] += p
			}
		}
	}
	for i := range sum {
		sum[i] /= n
	}
	field, err := volume.New(truth.Grid, sum, "probability")
	if err != nil {
		return nil, nil, err
	}
	spots, err := calibrate.ChooseSpots(field, truth, results[0].Settings.Structure, seed, QuizLength)
	if err != nil {
		return nil, nil, err
	}
	answers := make([]calibrate.Answer, len(spots))
	for i, spot := range spots {
		answers[i] = calibrate.Answer{True: spot.Truth, Models: map[string]float64{}}
		for m, r := range results {
			if p, inside := r.Field().Sampler(volume.Nearest).At(spot.World); inside {
				answers[i].Models[titles[m]] = float64(p)
			}
		}
	}
	return spots, answers, nil
}

// begin asks for the first spot.
func (x *Explore) begin(spots []calibrate.Spot, answers []calibrate.Answer, err error) {
	x.quiz.waiting = false
	if err != nil || len(spots) == 0 {
		x.quiz.note = lang.T("No spots could be chosen. Choose another class.")
		x.tell()
		return
	}
	x.quiz.spots, x.quiz.answers = spots, answers
	x.browser.on, x.browser.playing, x.bin = false, false, -1
	x.ask()
}

// ask shows the spot that is asked for.
func (x *Explore) ask() {
	x.s.Update(func() {
		x.s.SetCursor(x.quiz.spots[x.quiz.at].World)
		x.redraw()
	})
}

// Answer states how sure one is, 0…1, that the spot lies in the structure. After the last one the round is kept, and
// ended is true: the window then writes [Explore.Log] down.
func (x *Explore) Answer(p float64) (ended bool) {
	q := &x.quiz
	if !q.asking() || !(p >= 0 && p <= 1) {
		return false
	}
	a := &q.answers[q.at]
	a.Stated = p
	q.told = lang.T("It did not lie in %s.", q.class)
	if a.True {
		q.told = lang.T("It lay in %s.", q.class)
	}
	for slot := range Slots {
		title := x.s.Compared(slot).Title
		if said, ok := a.Models[title]; ok {
			q.told += " " + lang.T("%s said %.0f %%.", title, 100*said)
		}
	}
	if q.at++; q.at < len(q.spots) {
		x.ask()
		return false
	}
	q.ended = true
	x.log = x.log.With(calibrate.Round{Structure: q.class.String(), Answers: q.answers})
	x.redraw()
	return true
}

// StopQuiz ends a round without keeping it, or puts its result away.
func (x *Explore) StopQuiz() {
	if x.quiz.waiting {
		return
	}
	x.quiz = quiz{}
	x.redraw()
}

// Log returns every round that was kept.
func (x *Explore) Log() calibrate.QuizLog { return x.log }

// SetLog puts the rounds of earlier sessions before those of this one.
func (x *Explore) SetLog(l calibrate.QuizLog) {
	for _, r := range x.log.Rounds {
		l = l.With(r)
	}
	x.log = l
	x.tell()
}

// Score is what a person's or a model's statements are worth.
type Score struct {
	Title string
	You   bool
	Style Style
	calibrate.Figures
}

// Scores judges the person and the compared models on the spots of every round about the selected class, the person
// first; nil where there was none.
func (x *Explore) Scores() []Score {
	class := x.s.Class().String()
	var out []Score
	add := func(title string, you bool, style Style, of []calibrate.Statement) {
		if f, err := calibrate.Judge(of, quizBins); err == nil { // the log holds probabilities; an empty one has no score
			out = append(out, Score{title, you, style, f})
		}
	}
	add(lang.T("You"), true, YouStyle, x.log.Stated(class))
	if len(out) == 0 {
		return nil
	}
	for slot := range Slots {
		if title := x.s.Compared(slot).Title; title != "" {
			add(title, false, StyleOf(slot), x.log.ByModel(class, title))
		}
	}
	return out
}
