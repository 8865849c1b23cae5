package evaluate

import (
	"fmt"
	"html/template"
	"math"

	"bayeslice/internal/evaluate/chart"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

// frocTo is where the axis of the FROC panel ends, false positives per exam.
const frocTo = 3.0

// drawing makes the panels of some results. A configuration has the colour of its place in names.
type drawing struct {
	results []*Result
	names   []string
}

// placed is a result with the place of its configuration.
type placed struct {
	result *Result
	series int
}

// of are the results of a task, in the order of configurations.
func (d *drawing) of(task modelcard.Task) []placed {
	var out []placed
	for n, name := range d.names {
		for _, r := range d.results {
			if r.Task == task && r.Name == name {
				out = append(out, placed{r, n})
			}
		}
	}
	return out
}

// line stands under a panel. A swatch is only needed where there are several configurations.
func (d *drawing) line(x placed, text string) panelLine {
	if len(d.names) == 1 {
		return panelLine{Text: text}
	}
	return panelLine{template.HTML(chart.Swatch(x.series)), x.result.Name + ": " + text}
}

// figure2 are the panels of the paper's Figure 2, in its order of rows: a, c, d of anatomy; b, e, f of diagnosis. A task
// that was not evaluated has none.
func (d *drawing) figure2() ([]panel, error) {
	var draw []func() (panel, error)
	if len(d.of(modelcard.Anatomy)) > 0 {
		draw = append(draw,
			func() (panel, error) { return d.likelihood("a", modelcard.Anatomy) },
			func() (panel, error) { return d.dice("c", "soft", softDice) },
			func() (panel, error) { return d.dice("d", "hard", hardDice) })
	}
	if len(d.of(modelcard.Diagnosis)) > 0 {
		draw = append(draw, func() (panel, error) { return d.likelihood("b", modelcard.Diagnosis) }, d.roc, d.froc)
	}
	var out []panel
	for _, one := range draw {
		p, err := one()
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func softDice(r StructureRow) float64 { return orNaN(r.SoftDice) }

func hardDice(r StructureRow) float64 { return r.HardDice }

// without says which panels a page lacks, "" for none.
func (d *drawing) without() string {
	const both = " `bayeslice evaluate compare` puts results of both tasks on one page."
	switch {
	case len(d.of(modelcard.Anatomy)) == 0:
		return "Anatomy was not evaluated here, so that panels a, c and d are missing." + both
	case len(d.of(modelcard.Diagnosis)) == 0:
		return "Diagnosis was not evaluated here, so that panels b, e and f are missing." + both
	}
	return ""
}

const boxCaption = "Box: quartiles of the exams, whiskers to 1.5 times their distance. Dot: mean with its band."

// svgPanel finishes a panel whose picture was drawn; package chart has escaped the names in it.
func svgPanel(letter, svg, caption string, lines []panelLine, err error) (panel, error) {
	return panel{Letter: letter, SVG: template.HTML(svg), Caption: caption, Lines: lines}, err
}

// likelihood is panel a or b.
func (d *drawing) likelihood(letter string, task modelcard.Task) (panel, error) {
	of := d.of(task)
	var groups []chart.Group
	var lines []panelLine
	for _, x := range of {
		c := x.result.Calibration
		if c == nil || c.NLL == nil {
			continue
		}
		groups = append(groups, chart.Group{Name: x.result.Name, Boxes: []chart.Box{boxOf(x, c.NLL, nll)}})
		lines = append(lines, d.line(x, bandText(c.NLL)))
	}
	if len(groups) == 0 {
		return panel{Letter: letter, Missing: "Masks and detection maps hold no probabilities, so that there is no likelihood."}, nil
	}
	f := chart.Frame{Title: fmt.Sprintf("%s   %s: negative log-likelihood ↓", letter, taskName(task)), Y: "nats per voxel", Description: "boxes of the exams' own values"}
	svg, err := chart.Boxes(f, groups)
	return svgPanel(letter, svg, boxCaption, lines, err)
}

// boxOf is the box of one figure of all exams that have it.
func boxOf(x placed, mean *metrics.Band, of func(Row) float64) chart.Box {
	b := chart.Box{Series: x.series, Mean: mean.Value, Low: mean.Low, High: mean.High}
	for _, r := range x.result.Rows {
		if v := of(r); !math.IsNaN(v) {
			b.Values = append(b.Values, v)
		}
	}
	return b
}

// dice is panel c or d.
func (d *drawing) dice(letter, kind string, of func(StructureRow) float64) (panel, error) {
	results := d.of(modelcard.Anatomy)
	var groups []chart.Group
	lines, drawn := make([]panelLine, len(results)), false
	for n, s := range structures[modelcard.Anatomy] {
		g := chart.Group{Name: s.name}
		for i, x := range results {
			mean := x.result.Structures[n].HardDice
			if kind == "soft" {
				mean = x.result.Structures[n].SoftDice
			}
			if mean == nil {
				g.Boxes = append(g.Boxes, chart.Box{})
				continue
			}
			drawn = true
			g.Boxes = append(g.Boxes, boxOf(x, mean, func(r Row) float64 { return of(r.Structures[n]) }))
			if lines[i].Text == "" {
				lines[i] = d.line(x, s.name+" "+digits(mean.Value))
			} else {
				lines[i].Text += ", " + s.name + " " + digits(mean.Value)
			}
		}
		groups = append(groups, g)
	}
	if !drawn {
		return panel{Letter: letter, Missing: "Masks hold no probabilities, so that there is no soft Dice."}, nil
	}
	f := chart.Frame{Title: fmt.Sprintf("%s   Anatomy: %s Dice ↑", letter, kind), Y: "Dice coefficient", YMin: lowest(groups), YMax: 1.005, Description: "boxes of the exams' own values, by structure"}
	svg, err := chart.Boxes(f, groups)
	return svgPanel(letter, svg, boxCaption, lines, err)
}

// lowest is where an axis of values up to 1 may begin: at a tenth below all of them.
func lowest(groups []chart.Group) float64 {
	low := 0.9
	for _, g := range groups {
		for _, b := range g.Boxes {
			for _, v := range b.Values {
				low = min(low, v)
			}
		}
	}
	return max(0, math.Floor(10*low)/10)
}

// roc is panel e.
func (d *drawing) roc() (panel, error) {
	of := d.of(modelcard.Diagnosis)
	series := make([]chart.Series, len(d.names))
	var lines []panelLine
	for _, x := range of {
		if x.result.Detection.AUROC == nil {
			continue
		}
		series[x.series] = rocSeries(x.result, len(of) == 1)
		lines = append(lines, d.line(x, "AUROC "+bandText(x.result.Detection.AUROC)))
	}
	if len(lines) == 0 {
		return panel{Letter: "e", Missing: "A ROC needs exams with and without a lesion."}, nil
	}
	f := chart.Frame{Title: "e   Diagnosis: patients, ROC ↑", X: "1 − specificity", Y: "sensitivity", XMax: 1, YMax: 1.005, Diagonal: true, Description: "sensitivity of patients against one minus specificity"}
	svg, err := chart.Curves(f, series)
	return svgPanel("e", svg, "Dashed: chance."+d.averaged(), lines, err)
}

// averaged says what curves are where one is of several networks.
func (d *drawing) averaged() string {
	for _, x := range d.of(modelcard.Diagnosis) {
		if x.result.Pooled != nil && len(x.result.Pooled.Parts) > 1 {
			return " Curves and figures are averages of the networks', each over its own exams."
		}
	}
	return ""
}

// rocSeries is the curve of one network, or the average of several, with its band where that is wanted: those of several
// configurations lie over each other from end to end.
func rocSeries(r *Result, band bool) chart.Series {
	s := chart.Series{Name: r.Name, X: []float64{0}, Y: []float64{0}}
	for _, p := range r.Detection.ROC {
		s.X, s.Y = append(s.X, p.FalsePositives), append(s.Y, p.Sensitivity)
	}
	withBand(&s, r.Detection.ROCBand, 1, len(r.Detection.ROC) == 0)
	if !band {
		s.BandX, s.Low, s.High = nil, nil, nil
	}
	return s
}

// withBand adds a band up to where an axis ends, and its middle where there is no other curve.
func withBand(s *chart.Series, band []BandPoint, end float64, middle bool) {
	for _, b := range band {
		if b.FalsePositives > end {
			break
		}
		s.BandX, s.Low, s.High = append(s.BandX, b.FalsePositives), append(s.Low, b.Low), append(s.High, b.High)
		if middle {
			s.X, s.Y = append(s.X, b.FalsePositives), append(s.Y, b.Value)
		}
	}
}

// froc is panel f.
func (d *drawing) froc() (panel, error) {
	of := d.of(modelcard.Diagnosis)
	series := make([]chart.Series, len(d.names))
	var lines []panelLine
	for _, x := range of {
		r := x.result.Detection
		if r.PartialArea == nil || r.MaxSensitivity == nil {
			continue
		}
		series[x.series] = frocSeries(x.result)
		lines = append(lines, d.line(x, fmt.Sprintf("partial area %s, maximum sensitivity %s", bandText(r.PartialArea), digits(r.MaxSensitivity.Value))))
	}
	if len(lines) == 0 {
		return panel{Letter: "f", Missing: "No exam has a lesion that could be found."}, nil
	}
	f := chart.Frame{Title: "f   Diagnosis: lesions, FROC ↑", X: "false positives per exam", Y: "sensitivity", XMax: frocTo, YMax: 1.005,
		Shade: [2]float64{metrics.PartialFrom, metrics.PartialTo}, Description: "sensitivity of lesions against false positives per exam, with bands"}
	svg, err := chart.Curves(f, series)
	return svgPanel("f", svg, fmt.Sprintf("Grey: %g to %g false positives per exam, over which the partial area is taken.", metrics.PartialFrom, metrics.PartialTo)+d.averaged(), lines, err)
}

// frocSeries is the line that the partial area lies under, as far as the axis goes.
func frocSeries(r *Result) chart.Series {
	curve := metrics.FROC{Points: r.Detection.FROC}
	s := chart.Series{Name: r.Name, X: []float64{0}, Y: []float64{0}}
	for _, p := range curve.Points {
		if p.FalsePositives <= frocTo {
			s.X, s.Y = append(s.X, p.FalsePositives), append(s.Y, p.Sensitivity)
		}
	}
	averaged := len(curve.Points) == 0 && r.Pooled != nil // or nothing was found at all
	if !averaged {
		s.X, s.Y = append(s.X, frocTo), append(s.Y, curve.Interpolated(frocTo))
	}
	withBand(&s, r.Detection.FROCBand, frocTo, averaged)
	return s
}

// reliability are the diagrams of calibration, one for each task with probabilities.
func (d *drawing) reliability() ([]panel, error) {
	var out []panel
	for _, t := range []struct {
		task     modelcard.Task
		title, x string
		bins     func(metrics.Calibrated) []metrics.Bin
		ece      func(metrics.Calibrated) float64
	}{
		{modelcard.Anatomy, "Anatomy: reliability", "probability of the predicted class", func(c metrics.Calibrated) []metrics.Bin { return c.Reliability }, func(c metrics.Calibrated) float64 { return c.ECE }},
		{modelcard.Diagnosis, "Diagnosis: reliability", "probability of csPCa", func(c metrics.Calibrated) []metrics.Bin { return c.Classes[1].Reliability }, func(c metrics.Calibrated) float64 { return c.Classes[1].ECE }},
	} {
		series := make([]chart.Series, len(d.names))
		var lines []panelLine
		for _, x := range d.of(t.task) {
			if x.result.Calibration == nil || len(x.result.Calibration.Pooled.Classes) < 2 {
				continue
			}
			series[x.series] = reliabilitySeries(x.result.Name, t.bins(x.result.Calibration.Pooled))
			lines = append(lines, d.line(x, "calibration error "+digits(t.ece(x.result.Calibration.Pooled))))
		}
		if len(lines) == 0 {
			continue
		}
		f := chart.Frame{Title: t.title, X: t.x, Y: "how often it came true", XMax: 1, YMax: 1.005, Diagonal: true, Description: "frequency against probability, over all voxels of all exams"}
		svg, err := chart.Curves(f, series)
		p, err := svgPanel("", svg, "Over all voxels of all exams. Dashed: what probabilities promise; below it they promise too much.", lines, err)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func reliabilitySeries(name string, bins []metrics.Bin) chart.Series {
	s := chart.Series{Name: name, Markers: true}
	for _, b := range bins {
		if b.Voxels > 0 {
			s.X, s.Y = append(s.X, b.Confidence), append(s.Y, b.Frequency)
		}
	}
	return s
}
