package viewer

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/metrics"
	"bayeslice/viewer/viewstate/explore"
)

// diagramPage shows reliability, the figures that sum it up, and the sliders that change both.
type diagramPage struct {
	x       *explore.Explore
	content *fyne.Container
	chart   *reliabilityChart
	bin     *widget.Label

	temperature, samples, threshold       *widget.Slider
	temperatureAt, samplesAt, thresholdAt *widget.Label
	fit                                   *widget.Button
	reset                                 *widget.Button
	figures, decision                     *figureTable
	notes                                 *widget.Label
}

// Range of the temperature slider, which is in ln T.
var lowT, highT = math.Log(0.2), math.Log(5.0)

func newDiagramPage(x *explore.Explore) *diagramPage {
	p := &diagramPage{x: x, bin: caption(""), notes: caption("")}
	p.chart = newReliabilityChart(metrics.DefaultBins, x.SelectBin)
	p.temperature, p.temperatureAt = slider(lowT, highT, 0.01, func(v float64) {
		p.change(func(s *explore.Settings) { s.Temperature, s.Fitted = roundTo(math.Exp(v), 0.01), false })
	})
	p.samples, p.samplesAt = slider(1, 2, 1, func(v float64) { p.change(func(s *explore.Settings) { s.Samples = int(v) }) })
	p.threshold, p.thresholdAt = slider(0, 1, 0.01, func(v float64) { p.change(func(s *explore.Settings) { s.Threshold = v }) })
	p.fit = widget.NewButton(lang.T("Fit temperature"), func() {
		p.change(func(s *explore.Settings) { s.Fitted, s.Temperature = true, 1 })
	})
	p.reset = widget.NewButtonWithIcon(lang.T("Reset"), theme.ViewRefreshIcon(), func() {
		p.change(func(s *explore.Settings) {
			region := s.Region
			*s = explore.DefaultSettings()
			s.Region = region
		})
	})
	p.figures = newFigureTable(lang.T("Probability"), "ECE", "NLL", "Brier", "T")
	p.decision = newFigureTable(lang.T("Outline"), "Dice", "mL", lang.T("Sens."), lang.T("Prec."))
	meanings := container.NewVBox()
	for _, m := range explore.Meanings() {
		meanings.Add(caption(m.Name + ": " + m.Text))
	}
	p.content = snugly(inset(p.chart), p.bin, inset(p.figures.Container),
		sliderRow(lang.T("Temperature"), p.temperature, p.temperatureAt), sliderRow(lang.T("Samples"), p.samples, p.samplesAt),
		inset(container.NewGridWithColumns(2, p.fit, p.reset)), p.notes, widget.NewSeparator(),
		sliderRow(lang.T("Threshold"), p.threshold, p.thresholdAt), inset(p.decision.Container), widget.NewSeparator(), meanings)
	return p
}

// sliderRow puts a name before a slider and its value behind it.
func sliderRow(name string, s *widget.Slider, at *widget.Label) fyne.CanvasObject {
	const widest = 92 // of the names, "Temperature"
	return container.New(layout.NewCustomPaddedLayout(0, 0, 0, 6),
		container.NewBorder(nil, nil, container.New(fixedWidth{widest}, widget.NewLabel(name)), container.New(fixedWidth{58}, at), s))
}

func roundTo(v, step float64) float64 { return math.Round(v/step) * step }

func (p *diagramPage) object() fyne.CanvasObject { return p.content }

func (p *diagramPage) change(f func(*explore.Settings)) {
	s := p.x.Settings()
	f(&s)
	p.x.Set(s)
}

// refresh implements [explorePage].
func (p *diagramPage) refresh() {
	empty := lang.T("No model has been judged yet")
	if p.x.Judging() {
		empty = lang.T("Judging …")
	}
	p.chart.set(p.x.Curves(), p.x.Bin(), empty)
	text := p.x.BinText()
	if text == "" {
		text = lang.T("Click a column to see its voxels: blue where it came true, orange where it did not.")
	}
	p.bin.SetText(text)
	p.showSliders()
	p.showFigures()
}

func (p *diagramPage) showSliders() {
	s := p.x.Settings()
	slideTo(p.temperature, math.Log(s.Temperature))
	p.temperatureAt.SetText(fmt.Sprintf("%.2f", s.Temperature))
	if s.Fitted {
		p.temperatureAt.SetText(lang.T("fitted"))
	}
	all := p.x.MaxSamples()
	p.samples.Max = float64(max(all, 2))
	n := s.Samples
	if n == 0 {
		n = all
	}
	slideTo(p.samples, float64(n))
	p.samplesAt.SetText(strconv.Itoa(n))
	enableSlider(p.samples, all > 1)
	slideTo(p.threshold, s.Threshold)
	p.thresholdAt.SetText(fmt.Sprintf("%.0f %%", 100*s.Threshold))
	judged := len(p.x.Curves()) > 0
	enable(p.fit, judged && !s.Fitted)
	region := explore.DefaultSettings()
	region.Region = s.Region
	enable(p.reset, s != region)
}

// slideTo moves a slider without calling back.
func slideTo(s *widget.Slider, v float64) {
	if s.Value == v {
		s.Refresh()
		return
	}
	changed := s.OnChanged
	s.OnChanged = nil
	s.SetValue(v)
	s.OnChanged = changed
}

// enableSlider allows or forbids a slider.
func enableSlider(s *widget.Slider, on bool) {
	if on {
		s.Enable()
	} else {
		s.Disable()
	}
}

func (p *diagramPage) showFigures() {
	var figures, decisions []figureRow
	var truth figureRow
	notes := ""
	for slot, o := range p.x.Outcomes() {
		if o.Title == "" {
			continue
		}
		c := explore.StyleOf(slot).Color
		row, cut := figureRow{name: o.Title, color: c}, figureRow{name: o.Title, color: c}
		if r := o.Result; r != nil {
			row.figures = []string{fmt.Sprintf("%.3f", r.ECE), fmt.Sprintf("%.3f", r.NLL), fmt.Sprintf("%.3f", r.Brier), fmt.Sprintf("%.2f", r.Settings.Temperature)}
			d := r.Decision
			cut.figures = []string{fmt.Sprintf("%.3f", d.Dice()), fmt.Sprintf("%.1f", d.VolumeML), share(d.Sensitivity()), share(d.Precision())}
			truth = figureRow{name: lang.T("Reference"), color: colorText, figures: []string{"", fmt.Sprintf("%.1f", d.ReferenceML)}}
		} else {
			row.figures, cut.figures = []string{"–", "–", "–", "–"}, []string{"–", "–", "–", "–"}
		}
		if o.Note != "" && notes == "" {
			notes = o.Title + ": " + o.Note
		}
		figures, decisions = append(figures, row), append(decisions, cut)
	}
	p.figures.set(figures)
	if truth.name != "" {
		decisions = append(decisions, truth)
	}
	p.decision.set(decisions)
	for _, note := range []string{p.x.FitNote(), p.x.SamplesNote()} {
		if note != "" {
			notes += " " + note
		}
	}
	notes = strings.TrimSpace(notes)
	p.notes.SetText(notes)
	setVisible(p.notes, notes != "")
}

// share writes a share in per cent, or a dash where it does not exist.
func share(v float64, err error) string {
	if err != nil {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}
