package viewer

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/metrics"
	"bayeslice/viewer/viewstate/explore"
)

// quizPage asks how sure one is, and shows one's own reliability beside the models'.
type quizPage struct {
	p       *explorePanel
	x       *explore.Explore
	content *fyne.Container

	intro *fyne.Container // before a round, with what earlier ones came to
	start *widget.Button
	what  *widget.Label
	note  *widget.Label
	chart *reliabilityChart
	table *figureTable

	question *fyne.Container
	number   *widget.Label
	ask      *widget.Label
	sure     *widget.Slider
	sureAt   *widget.Label
	told     *widget.Label
	bar      *thinBar
}

func newQuizPage(p *explorePanel) *quizPage {
	q := &quizPage{p: p, x: p.x, what: widget.NewLabel(""), note: caption(""), number: heading(""), ask: widget.NewLabel(""), told: widget.NewLabel(""), bar: newThinBar()}
	for _, l := range []*widget.Label{q.what, q.ask, q.told} {
		l.Wrapping = fyne.TextWrapWord
	}
	q.start = widget.NewButtonWithIcon(lang.T("Start a round of %d", explore.QuizLength), theme.MediaPlayIcon(), p.x.StartQuiz)
	q.start.Importance = widget.HighImportance
	q.chart = newReliabilityChart(metrics.DefaultBins, nil)
	q.table = newFigureTable(lang.T("On the spots"), "ECE", "NLL", "Brier", "n")
	q.intro = snugly(q.what, inset(q.start), q.note, inset(q.chart), inset(q.table.Container))

	q.sure, q.sureAt = slider(0, 100, 1, func(v float64) { q.sureAt.SetText(fmt.Sprintf("%.0f %%", v)) })
	answer := widget.NewButtonWithIcon(lang.T("Answer"), theme.ConfirmIcon(), q.answer)
	answer.Importance = widget.HighImportance
	end := widget.NewButtonWithIcon(lang.T("End the round"), theme.CancelIcon(), p.x.StopQuiz)
	scale := container.NewGridWithColumns(5)
	for _, v := range []float64{0, 25, 50, 75, 100} {
		scale.Add(widget.NewButton(fmt.Sprintf("%.0f %%", v), func() { q.sure.SetValue(v) }))
	}
	q.question = snugly(q.number, inset(q.bar.Container), q.ask, sliderRow(lang.T("How sure"), q.sure, q.sureAt), inset(scale),
		inset(container.NewGridWithColumns(2, answer, end)), q.told)
	q.content = snugly(q.intro, q.question)
	q.sure.SetValue(50)
	return q
}

func (q *quizPage) object() fyne.CanvasObject { return q.content }

// answer states what the slider says.
func (q *quizPage) answer() {
	p := q.sure.Value / 100
	q.sure.SetValue(50)
	if q.x.Answer(p) {
		q.p.writeQuiz()
	}
}

// refresh implements [explorePage].
func (q *quizPage) refresh() {
	question, asking := q.x.Question()
	setVisible(q.question, asking)
	setVisible(q.intro, !asking)
	if asking {
		q.number.SetText(lang.T("Spot %d of %d", question.Number, question.Of))
		q.bar.set(float64(question.Number-1) / float64(question.Of))
		q.ask.SetText(lang.T("How likely is it that the marked spot lies in %s? All contours and maps are hidden; scroll as you like.", question.Class))
		q.told.SetText(question.Told)
		return
	}
	class := q.p.w.state.Class()
	q.what.SetText(lang.T("State for %d spots how likely each lies in %s. Then see whether your probabilities mean what they say, beside those of the models.", explore.QuizLength, class))
	enable(q.start, !q.x.QuizWaiting())
	q.note.SetText(q.x.QuizNote())
	setVisible(q.note, q.note.Text != "")
	scores := q.x.Scores()
	setVisible(q.chart, len(scores) > 0)
	setVisible(q.table.Container, len(scores) > 0)
	q.chart.set(q.x.QuizCurves(), -1, "")
	var rows []figureRow
	for _, s := range scores {
		rows = append(rows, figureRow{s.Title, s.Style.Color, []string{fmt.Sprintf("%.3f", s.ECE), fmt.Sprintf("%.3f", s.NLL), fmt.Sprintf("%.3f", s.Brier), fmt.Sprint(s.N)}})
	}
	q.table.set(rows)
}
