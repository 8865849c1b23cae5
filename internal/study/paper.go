package study

import (
	"slices"

	"bayeslice/internal/evaluate"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/training/loss"
)

// PaperFigure is a figure that the paper's text gives for some losses, as shares or differences of shares. What it shows
// in its Figure 2 alone has no number here.
type PaperFigure struct {
	Task     modelcard.Task `json:"task"`
	Figure   string         `json:"figure"` // as in the report
	Losses   []loss.Kind    `json:"losses"`
	Low      float64        `json:"low"`
	High     float64        `json:"high"` // Low where it is one number
	Sentence string         `json:"sentence"`
}

// Sentences of the paper's section 3, "Results and Discussion".
const (
	softSentence  = "while CE, BCE and DB achieve similar segmentation quality with respect to raw softmax predictions ({WG: 81-89; TZ: 82-85; PZ: 71-74} mean DSC), FL performs worse ({WG: 70; TZ: 64; PZ: 50} mean DSC)"
	hardSentence  = "overall FL performance is only marginally lower than that of CE, BCE and DB ({WG: 88-90; TZ: 84-86; PZ: 72-76} mean DSC)"
	aurocSentence = "all loss functions are similar in patient-level diagnosis (76-78 mean AUROC)"
)

// PaperFigures are the numbers in the paper's text that stand for a loss; differences between losses are findings.
func PaperFigures() []PaperFigure {
	three, focal := []loss.Kind{loss.CE, loss.BCE, loss.DB}, []loss.Kind{loss.FL}
	var out []PaperFigure
	add := func(figure string, losses []loss.Kind, low, high float64, sentence string) {
		task := modelcard.Anatomy
		if figure == figureAUROC {
			task = modelcard.Diagnosis
		}
		out = append(out, PaperFigure{task, figure, losses, low, high, sentence})
	}
	add("WG soft Dice", three, 0.81, 0.89, softSentence)
	add("TZ soft Dice", three, 0.82, 0.85, softSentence)
	add("PZ soft Dice", three, 0.71, 0.74, softSentence)
	add("WG soft Dice", focal, 0.70, 0.70, softSentence)
	add("TZ soft Dice", focal, 0.64, 0.64, softSentence)
	add("PZ soft Dice", focal, 0.50, 0.50, softSentence)
	add("WG hard Dice", three, 0.88, 0.90, hardSentence)
	add("TZ hard Dice", three, 0.84, 0.86, hardSentence)
	add("PZ hard Dice", three, 0.72, 0.76, hardSentence)
	add(figureAUROC, []loss.Kind{loss.CE, loss.BCE, loss.FL, loss.DB}, 0.76, 0.78, aurocSentence)
	return out
}

const figureAUROC = "AUROC"

// paperFigure finds the paper's number for a figure and a loss.
func paperFigure(task modelcard.Task, figure string, l loss.Kind) (PaperFigure, bool) {
	for _, p := range PaperFigures() {
		if p.Task == task && p.Figure == figure && slices.Contains(p.Losses, l) {
			return p, true
		}
	}
	return PaperFigure{}, false
}

// namedBand is a figure with its band, nil where it does not exist.
type namedBand struct {
	name string
	band *metrics.Band
}

// figuresOf lists the figures of a pooled result in the order of the panels of Figure 2, then the others.
func figuresOf(r *evaluate.Result) []namedBand {
	var out []namedBand
	add := func(name string, b *metrics.Band) { out = append(out, namedBand{name, b}) }
	if c := r.Calibration; c != nil {
		add("NLL", c.NLL)
		add("Brier", c.Brier)
		add("calibration error", c.ECE)
	}
	for _, s := range r.Structures {
		add(s.Name+" soft Dice", s.SoftDice)
		add(s.Name+" hard Dice", s.HardDice)
	}
	if d := r.Detection; d != nil {
		add(figureAUROC, d.AUROC)
		add("partial area under FROC", d.PartialArea)
		add("maximum sensitivity", d.MaxSensitivity)
		add("AP", d.AP)
	}
	for _, s := range r.Structures {
		add(s.Name+" HD95 (mm)", s.HD95)
		add(s.Name+" ASSD (mm)", s.ASSD)
	}
	return out
}
