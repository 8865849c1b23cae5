package viewer

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/reading"
)

// readingNumbers are the numbers below the volumes: PSA density, the ranked candidates, and the width of the band between the
// contours in mm.
type readingNumbers struct {
	state     *viewstate.State
	reading   *reading.Reading
	worker    *worker
	content   *fyne.Container
	psa       *field
	densities *fyne.Container
	shown     []reading.Density
	problem   string
	lesions   *fyne.Container
	listed    []reading.Lesion
	moved     string
	known     bool // a list of candidates is shown, which may be empty
	band      *widget.Label
}

func newReadingNumbers(w *Window, r *reading.Reading) *readingNumbers {
	p := &readingNumbers{state: w.state, reading: r, worker: newWorker(w.ctx, w.do, &w.work),
		densities: snug(), lesions: snug(), band: caption("")}
	p.psa = newField(w.shortcut)
	p.psa.SetPlaceHolder(lang.T("type it here"))
	p.psa.OnChanged = r.SetPSA
	field := container.NewBorder(nil, nil, nil, widget.NewLabel(lang.T("ng/mL")), p.psa)
	p.content = snug(row(lang.T("PSA"), field), p.densities, p.lesions, p.band) // the field stays where it is when candidates come
	return p
}

// update brings the numbers up to date with the state.
func (p *readingNumbers) update(c viewstate.Change) {
	if c.Has(viewstate.ChangedCursor | viewstate.ChangedLayer | viewstate.ChangedPrediction | viewstate.ChangedExam) {
		p.updateBand()
	}
	if !c.Has(viewstate.ChangedMarks | viewstate.ChangedPrediction | viewstate.ChangedExam | viewstate.ChangedCamera) {
		return
	}
	if p.psa.Text != p.reading.PSA() {
		changed := p.psa.OnChanged
		p.psa.OnChanged = nil
		p.psa.SetText(p.reading.PSA())
		p.psa.OnChanged = changed
	}
	enable(p.psa, p.state.Exam() != nil)
	p.updateDensities()
	p.updateLesions()
}

// updateBand measures the band away from the window's goroutine; a newer cursor replaces an older one.
func (p *readingNumbers) updateBand() {
	job := p.reading.BandJob()
	if job == nil {
		setVisible(p.band, false)
		return
	}
	p.worker.Submit("band", func(context.Context) func() {
		text := job()
		return func() {
			setVisible(p.band, p.reading.BandJob() != nil) // the result may be gone by now
			if p.band.Text != text {
				p.band.SetText(text)
			}
		}
	})
}

// updateDensities lists volume and PSA density, unless that is shown already.
func (p *readingNumbers) updateDensities() {
	list, problem := p.reading.Densities()
	if slices.Equal(list, p.shown) && problem == p.problem {
		return
	}
	p.shown, p.problem = list, problem
	p.densities.RemoveAll()
	for _, d := range list {
		p.densities.Add(columnsOf(d.Of, d.Volume))
		if d.Density != "" {
			value := trailing(d.Density, false)
			value.TextStyle.Bold = true
			p.densities.Add(container.New(tight{}, container.NewBorder(nil, nil, muted(lang.T("PSA density")), nil, value)))
		}
	}
	if problem != "" {
		p.densities.Add(caption(problem))
	}
}

// columnsOf is a line of a name and a value.
func columnsOf(name, value string) fyne.CanvasObject {
	return container.New(tight{}, container.NewBorder(nil, nil, muted(name), nil, trailing(value, false)))
}

// muted is a small label that does not wrap.
func muted(s string) *widget.Label {
	l := caption(s)
	l.Wrapping = fyne.TextWrapOff
	return l
}

// maxLesions bounds the list on screen; the export has all.
const maxLesions = 12

// updateLesions lists the candidates, the most confident first, unless they are shown already.
func (p *readingNumbers) updateLesions() {
	known := p.state.Prediction(modelcard.Diagnosis) != nil
	list := p.reading.Lesions()
	same := known == p.known && p.moved == p.reading.MovedText() && len(list) == len(p.listed) && (len(list) == 0 || &list[0] == &p.listed[0])
	if same {
		return
	}
	p.known, p.listed, p.moved = known, list, p.reading.MovedText()
	p.lesions.RemoveAll()
	if !known {
		return
	}
	p.lesions.Add(heading(lang.T("csPCa candidates")))
	if moved := p.reading.MovedText(); moved != "" {
		p.lesions.Add(caption(moved))
	}
	if len(list) == 0 {
		p.lesions.Add(caption(lang.T("None above the extraction threshold in the mean probability.")))
	}
	for i, l := range list {
		if i == maxLesions {
			p.lesions.Add(caption(lang.N(len(list)-maxLesions, "and %d more, less confident one", "and %d more, less confident ones")))
			break
		}
		p.lesions.Add(p.lesionRow(l))
	}
	if len(list) > 0 {
		p.lesions.Add(caption(lang.T("A candidate reaches down to 40 % of its own peak; the csPCa volume counts what is more probable than not. The two differ.")))
	}
	p.lesions.Add(caption(lang.T("Places are proposed from the zone masks, in the sectors of PI-RADS v2.1. The reader scores; the model does not.")))
}

// lesionRow is one candidate; a click anywhere on it jumps to its most probable voxel.
func (p *readingNumbers) lesionRow(l reading.Lesion) fyne.CanvasObject {
	jump := widget.NewButton("", func() { p.reading.GoToLesion(l.ID) })
	jump.Importance = widget.LowImportance
	name := widget.NewLabel(lang.T("%d  %s", l.ID, l.ConfidenceText()))
	name.TextStyle.Bold = true
	head := container.New(tight{}, container.NewBorder(nil, nil, name, nil, trailing(l.PresentText(), false)))
	place := container.New(tight{}, container.NewBorder(nil, nil, widget.NewLabel(l.PlacesText()), nil, trailing(l.SizeText(), false)))
	details := l.ADCText()
	if also := l.AlternativesText(); also != "" {
		details += " · " + also
	}
	return container.NewStack(jump, snug(head, place, caption(details)))
}
