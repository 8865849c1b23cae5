package viewstate

import (
	"image/color"
	"math"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// Colours of curves that are no class: Okabe-Ito hues, told apart by colour-blind readers.
var (
	colorLoss  = color.NRGBA{86, 180, 233, 255}
	colorKL    = color.NRGBA{204, 121, 167, 255}
	colorNLL   = color.NRGBA{230, 159, 0, 255}
	colorAUROC = color.NRGBA{86, 180, 233, 255}
)

// trainLog is what the charts show of a run.
type trainLog struct {
	loss, kl    []Point
	dice        map[Class][]Point
	auroc, nll  []Point
	checks      int
	lastChecked TrainCheck
}

// add takes in an event; one of a step that was there before replaces it and what came after.
func (l *trainLog) add(e TrainEvent) {
	x := float64(e.Step)
	if s := e.Learnt; s != nil {
		l.loss, l.kl = appended(l.loss, x, s.Loss), appended(l.kl, x, s.KL)
	}
	if c := e.Checked; c != nil {
		l.checks++
		l.lastChecked = *c
		if l.dice == nil {
			l.dice = map[Class][]Point{}
		}
		for _, class := range Classes {
			if d, ok := c.Dice[class.String()]; ok {
				l.dice[class] = appended(l.dice[class], x, d)
			}
		}
		l.auroc, l.nll = appended(l.auroc, x, c.AUROC), appended(l.nll, x, c.NLL)
	}
}

// appended adds a finite point behind those of smaller x.
func appended(points []Point, x, y float64) []Point {
	for len(points) > 0 && points[len(points)-1].X >= x {
		points = points[:len(points)-1]
	}
	if math.IsNaN(y) || math.IsInf(y, 0) {
		return points
	}
	return append(points, Point{x, y})
}

// Charts returns the diagrams of the run that is shown: segmentation loss, divergence, agreement in
// validation, and likelihood in validation. All share the axis of steps.
func (t *Training) Charts() [4]Chart {
	l := &t.log
	x := stepAxis(max(t.run.Step, 1))
	waiting, unchecked := lang.T("No steps yet"), lang.T("No validation yet")
	charts := [4]Chart{
		{Title: lang.T("Segmentation loss"), Unit: lossUnit(t.run.Loss), Empty: waiting, Curves: []Curve{scattering(lang.T("training"), colorLoss, l.loss)}},
		{Title: lang.T("Latent divergence KL"), Unit: "nats", Empty: waiting, Curves: []Curve{scattering(lang.T("training"), colorKL, l.kl)}},
		{Title: lang.T("Validation: Dice"), Empty: unchecked},
		{Title: lang.T("Validation: NLL"), Unit: lang.T("nats per voxel"), Empty: unchecked,
			Curves: []Curve{{Name: lang.T("validation"), Color: colorNLL, Marker: Disc, Line: withExtremes(l.nll, chartPoints)}}},
	}
	agreement := &charts[2]
	if t.run.Task == modelcard.Diagnosis {
		agreement.Title = lang.T("Validation: AUROC and Dice")
		agreement.Curves = []Curve{{Name: lang.T("AUROC per exam"), Color: colorAUROC, Marker: Disc, Line: withExtremes(l.auroc, chartPoints)}}
	}
	for i, class := range Classes {
		if class.Task() == t.task() {
			agreement.Curves = append(agreement.Curves, Curve{Name: diceName(class), Color: class.Color(),
				Marker: [...]Marker{Disc, Square, Diamond, Square}[i], Line: withExtremes(l.dice[class], chartPoints)})
		}
	}
	for i := range charts {
		charts[i].X = x
		if charts[i].Y = fitted(charts[i].Curves); i == 2 {
			charts[i].Y = linear(0, 1)
		}
	}
	return charts
}

// task is that of the run that is shown, or chosen.
func (t *Training) task() modelcard.Task {
	if t.run.Task != "" {
		return t.run.Task
	}
	return t.form.Task
}

func diceName(c Class) string {
	if c == CsPCa {
		return "Dice csPCa"
	}
	return c.String()
}

// lossUnit says what a loss is measured in: cross-entropies are nats, overlaps and distances are mixed.
func lossUnit(name string) string {
	switch name {
	case "CE", "BCE", "FL":
		return lang.T("nats per voxel")
	}
	return ""
}
